"""How soon an image is on the screen: decoding, the next image cold and fetched ahead. Huge ones: huge_images.py.

    python tests/benchmarks/images.py [--repeats 8] [--peer-python /path/to/python-with-labelme]

Against stated limits: 12 megapixels within 400 ms cold and 50 ms fetched ahead, and the window never blocked for
longer than 50 ms. With --peer-python the same files are opened in labelme in the same run.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import cv2
import numpy as np
from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtWidgets import QApplication
from rich.console import Console
from rich.table import Table

from core.imaging.decode import decode, read_picture
from core.operations.launcher import make_launcher
from core.project.project import Project
from core.settings import Settings
from desktop.base.background import Tasks
from desktop.base.session import Session
from desktop.base.theme import apply_theme
from desktop.label.label_page import LabelPage
from desktop.services import Services
from desktop.viewer.pyramid import make_pyramid
from desktop.viewer.thumbnails import ThumbnailLoader

SIZE = (1280, 800)
COLD, FETCHED, BLOCKED = 400.0, 50.0, 50.0  # milliseconds
WAIT = QEventLoop.ProcessEventsFlag.WaitForMoreEvents


def surface(width: int, height: int, seed: int = 0) -> np.ndarray:
    """Something like a photograph of a part: slow shading and fine grain, which is what codecs have to work on."""
    rng = np.random.default_rng(seed)
    shading = cv2.resize(rng.integers(40, 200, (7, 9, 3), np.uint8), (width, height), interpolation=cv2.INTER_CUBIC)
    grain = rng.integers(0, 24, (min(height, 2000), min(width, 2000), 3), np.uint8)
    tiled = np.tile(grain, (-(-height // grain.shape[0]), -(-width // grain.shape[1]), 1))[:height, :width]
    return cv2.add(shading, tiled)


def write(path: Path, image: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image, [cv2.IMWRITE_PNG_COMPRESSION, 3])
    return path


def milliseconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - start)


class Stall:
    """The longest time in which the window could not answer."""

    def __init__(self) -> None:
        self._last, self.worst = time.perf_counter(), 0.0
        self._timer = QTimer(interval=1)
        self._timer.timeout.connect(self._beat)
        self._timer.start()

    def _beat(self) -> None:
        now = time.perf_counter()
        self.worst, self._last = max(self.worst, 1000 * (now - self._last)), now

    def stop(self) -> float:
        self._beat()
        self._timer.stop()
        return self.worst


def shown(app: QApplication, page: LabelPage, session: Session, image_id: int) -> float:
    """Milliseconds from asking for an image to its painted pixels."""

    def show() -> None:
        session.select_image(image_id)
        while not page.canvas.view.has_image:
            app.processEvents(WAIT)
        page.canvas.view.repaint()

    return milliseconds(show)


def next_images(app: QApplication, paths: list[Path], repeats: int, table: Table, folder: Path) -> float:
    tasks, session, preferences = Tasks(), Session(), Settings(folder / "config")
    page = LabelPage(session, Services(tasks, preferences, ThumbnailLoader(tasks), make_launcher()))
    page.resize(*SIZE)
    page.show()
    project = Project.create(folder / "project", ["scratch"])
    project.files.add_images(paths)
    session.adopt(project)
    ids = project.image_ids()
    tasks.wait_idle(60_000)
    cold, fetched, stall = [], [], Stall()
    for turn in range(repeats):
        page.pictures.forget()
        # From end to end of the list, so that nothing of it was fetched ahead.
        cold.append(shown(app, page, session, ids[0 if turn % 2 else -1]))
        tasks.wait_idle(60_000)
    session.select_image(ids[0])
    tasks.wait_idle(60_000)
    for turn in range(repeats):
        fetched.append(shown(app, page, session, ids[(turn + 1) % len(ids)]))
        tasks.wait_idle(60_000)
    worst = stall.stop()
    page.hide()
    tasks.shut_down()
    session.close()
    _row(table, "next image, 12 Mpx JPEG, cold", cold, COLD)
    _row(table, "next image, 12 Mpx JPEG, fetched ahead", fetched[: len(ids) - 1], FETCHED)
    table.add_row("window blocked at most meanwhile", f"{worst:.0f}", "", f"{BLOCKED:.0f}", _verdict(worst, BLOCKED))
    return statistics.median(cold)


def _row(table: Table, name: str, times: list[float], limit: float | None = None) -> None:
    median = statistics.median(times)
    table.add_row(
        name,
        f"{median:.0f}",
        f"{max(times):.0f}",
        f"{limit:.0f}" if limit else "",
        _verdict(median, limit) if limit else "",
    )


def _verdict(value: float, limit: float) -> str:
    return "[green]kept[/]" if value <= limit else "[red]missed[/]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=8)
    parser.add_argument("--peer-python", help="a Python that has labelme")
    chosen = parser.parse_args()
    console = Console()
    app = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(app, QApplication)
    apply_theme(app, "dark")
    table = Table(title="Images, milliseconds")
    for column in ("what", "median", "worst", "limit", ""):
        table.add_column(column, justify="left" if column in ("what", "") else "right")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = [write(folder / "images" / f"part{n}.jpg", surface(4000, 3000, n)) for n in range(7)]
        others = [write(folder / f"one{suffix}", surface(4000, 3000)) for suffix in (".png", ".bmp", ".tiff", ".webp")]
        for path in (paths[0], *others):
            _row(table, f"decode 12 Mpx {path.suffix}", [milliseconds(lambda: decode(path)) for _ in range(5)])  # noqa: B023
        picture = read_picture(paths[0])
        _row(table, "halvings of 12 Mpx", [milliseconds(lambda: make_pyramid(picture.pixels)) for _ in range(5)])
        cold = next_images(app, paths, chosen.repeats, table, folder)
        console.print(table)
        if chosen.peer_python:
            script = Path(__file__).with_name("peer_labelme.py")
            command = [chosen.peer_python, str(script), *map(str, SIZE), *map(str, paths)]
            told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
            theirs = statistics.median(told["opening"])
            console.print(
                f"labelme {told['version']}: opening the same 12 Mpx files takes {theirs:.0f} ms (its window blocked), "
                f"{theirs / cold:.1f} x ours cold"
            )


if __name__ == "__main__":
    main()
