"""How long painting takes while a 24 megapixel image is panned, zoomed and adjusted, on the offscreen raster.

    python tests/benchmarks/canvas_image.py [--repeats 60] [--peer-python /path/to/python-with-labelme]

Against stated limits: 16 ms for a paint (60 frames a second), 50 ms from a slider of the adjustment to the repaint.
With --peer-python labelme paints the same file in the same run.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QPointF
from PySide6.QtWidgets import QApplication
from rich.console import Console
from rich.table import Table

from core.imaging.adjust import Adjustment
from core.imaging.decode import read_picture
from desktop.base.theme import apply_theme
from desktop.label.canvas.annotation_canvas import AnnotationCanvas
from desktop.viewer.pyramid import make_pyramid
from tests.benchmarks.images import milliseconds, surface, write

SIZES = ((1280, 800), (2560, 1440))
PAINT, SLIDER = 16.0, 50.0
LOOKS = {
    "as it is": None,
    "gamma and contrast": Adjustment(gamma=1.8, contrast=20),
    "CLAHE": Adjustment(clahe=3.0),
}


def panning(canvas: AnnotationCanvas, scale: float, repeats: int) -> Iterator[None]:
    canvas.view.zoom_to(scale, QPointF(canvas.view.rect().center()))
    canvas.view.repaint()
    for turn in range(repeats):
        canvas.view.pan_by(QPointF(-17, 9) if turn % 40 < 20 else QPointF(17, -9))
        yield


def zooming(canvas: AnnotationCanvas, repeats: int) -> Iterator[None]:
    canvas.view.fit_image()
    at = QPointF(canvas.view.width() * 0.4, canvas.view.height() * 0.6)
    for turn in range(repeats):
        canvas.view.zoom_to(canvas.view.scale * (1.15 if turn % 60 < 30 else 1 / 1.15), at)
        yield


def sliding(canvas: AnnotationCanvas, change: Callable[[int], Adjustment], repeats: int) -> Iterator[None]:
    canvas.view.fit_image()
    for turn in range(repeats):
        canvas.set_adjustment(change(turn))
        yield


def painted(canvas: AnnotationCanvas, steps: Iterator[None]) -> list[float]:
    """Milliseconds of every step with its paint; the step itself only moves numbers."""
    times = []
    while True:
        ended = False

        def step() -> None:
            nonlocal ended
            ended = next(steps, True) is True
            canvas.view.repaint()

        took = milliseconds(step)
        if ended:
            return times
        times.append(took)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=60)
    parser.add_argument("--peer-python", help="a Python that has labelme")
    chosen = parser.parse_args()
    console = Console()
    app = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(app, QApplication)
    apply_theme(app, "dark")
    table = Table(title="24 megapixels, milliseconds a paint")
    for column in ("view", "what", "look", "median", "95%", "limit", ""):
        table.add_column(column, justify="right" if column in ("median", "95%", "limit") else "left")
    with tempfile.TemporaryDirectory() as name:
        path = write(Path(name) / "part.jpg", surface(6000, 4000))
        pyramid = make_pyramid(read_picture(path).pixels)
        ours: dict[tuple[int, str], float] = {}
        for width, height in SIZES:
            canvas = AnnotationCanvas()
            canvas.view.resize(width, height)
            canvas.view.show()
            canvas.set_image(pyramid)
            app.processEvents()  # a window that is not on the screen yet paints nothing

            def row(
                what: str, look: str, limit: float, steps: Iterator[None], canvas: AnnotationCanvas = canvas
            ) -> None:
                times = sorted(painted(canvas, steps))
                median = statistics.median(times)
                ours[canvas.view.width(), f"{what} {look}"] = median
                verdict = "[green]kept[/]" if median <= limit else "[red]missed[/]"
                late = times[int(len(times) * 0.95)]
                view = f"{canvas.view.width()} x {canvas.view.height()}"
                table.add_row(view, what, look, f"{median:.1f}", f"{late:.1f}", f"{limit:.0f}", verdict)

            for look, adjustment in LOOKS.items():
                canvas.set_adjustment(adjustment)
                for percent in (30, 60, 100, 400):
                    row(f"pan at {percent}%", look, PAINT, panning(canvas, percent / 100, chosen.repeats))
                row("zoom", look, PAINT if look != "CLAHE" else SLIDER, zooming(canvas, chosen.repeats))
            changes: dict[str, Callable[[int], Adjustment]] = {
                "gamma": lambda turn: Adjustment(gamma=1 + turn / 100),
                "percentiles": lambda turn: Adjustment(stretch=True, low=turn / 10),
                "CLAHE": lambda turn: Adjustment(clahe=1 + turn / 20),
            }
            for look, change in changes.items():
                row("slider to repaint", look, SLIDER, sliding(canvas, change, chosen.repeats))
            canvas.view.hide()
        console.print(table)
        if chosen.peer_python:
            script = Path(__file__).with_name("peer_labelme.py")
            for width, height in SIZES:
                command = [chosen.peer_python, str(script), str(width), str(height), str(path), str(path)]
                told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
                for what, key in (("scrolling", "pan at 100% as it is"), ("zooming", "zoom as it is")):
                    console.print(
                        f"labelme {told['version']} in a window of {width} x {height}: {told[what]:.1f} ms a paint while "
                        f"{what}, {told[what] / ours[width, key]:.1f} x ours"
                    )


if __name__ == "__main__":
    main()
