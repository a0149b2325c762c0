"""Opens images in labelme and paints them, for comparison. Run by the other benchmarks with labelme's own Python.

    python tests/benchmarks/peer_labelme.py WIDTH HEIGHT FILE [FILE ...]

Prints one line of JSON: the version, milliseconds from asking for each file to its painted window, and the median of
painting the last one while scrolling at 100% and while zooming.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Callable

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


def milliseconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - start)


def main() -> None:
    import labelme
    from labelme.app import MainWindow
    from loguru import logger
    from PyQt5.QtCore import Qt
    from PyQt5.QtWidgets import QApplication, QDockWidget, QToolBar

    logger.remove()
    width, height, files = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    app = QApplication(sys.argv[:1])
    window = MainWindow()
    canvas = window._canvas_widgets.canvas
    # The image alone, in as many pixels as ours.
    for part in (
        *window.findChildren(QDockWidget),
        *window.findChildren(QToolBar),
        window.statusBar(),
        window.menuBar(),
    ):
        part.hide()
    window.show()
    window.resize(width, height)
    app.processEvents()

    def opened(path: str) -> None:
        window._load_file(path)
        app.processEvents()
        canvas.repaint()

    opened(files[0])  # what is loaded late is loaded now
    opening = [milliseconds(lambda path=path: opened(path)) for path in files[1:]]  # type: ignore[misc]

    zooming, scrolling = [], []
    for percent in range(20, 220, 10):
        window._set_zoom(percent)
        app.processEvents()
        zooming.append(milliseconds(canvas.repaint))
    window._set_zoom(100)
    for step in range(30):
        window.set_scroll_value(Qt.Horizontal, 300 + 20 * step)
        app.processEvents()
        scrolling.append(milliseconds(canvas.repaint))
    told = {
        "version": labelme.__version__,
        "opening": opening,
        "zooming": statistics.median(zooming),
        "scrolling": statistics.median(scrolling),
    }
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
