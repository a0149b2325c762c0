"""Images of 64 megapixels: the first look, all of it, its thumbnail, and a small image beside one that is being decoded.

    python tests/benchmarks/huge_images.py [--repeats 5]

By the clock and by the processor's time of the process. Against stated limits: a first look within 500 ms, the window
never blocked for longer than 50 ms, and a small image beside a huge one in no more than twice its time alone and 50 ms.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from PySide6.QtWidgets import QApplication
from rich.console import Console
from rich.table import Table

from core.imaging.thumbnails import thumbnail
from core.operations.launcher import make_launcher
from core.project.project import Project
from core.settings import Settings
from desktop.base.background import Tasks
from desktop.base.session import Session
from desktop.base.theme import apply_theme
from desktop.label.label_page import LabelPage
from desktop.services import Services
from desktop.viewer.thumbnails import THUMBNAIL, ThumbnailLoader
from tests.benchmarks.images import BLOCKED, SIZE, Stall, surface, write

SIDE = 8000
LOOK = 500.0  # milliseconds
GIVE_UP = 120.0  # seconds
SMALL = 6


@dataclass(frozen=True, slots=True)
class Timed:
    """Milliseconds."""

    clock: float
    processor: float


class Stopwatch:
    def __init__(self) -> None:
        self._clock, self._processor = time.perf_counter(), time.process_time()

    def read(self) -> Timed:
        return Timed(1000 * (time.perf_counter() - self._clock), 1000 * (time.process_time() - self._processor))


class Bench:
    """The Label page with small images and a huge one between them."""

    def __init__(self, app: QApplication, folder: Path, huge: Path) -> None:
        self._app = app
        self.tasks, self.session = Tasks(), Session()
        services = Services(self.tasks, Settings(folder / "config"), ThumbnailLoader(self.tasks), make_launcher())
        self.page = LabelPage(self.session, services)
        self.page.resize(*SIZE)
        self.page.show()
        small = [write(folder / "images" / f"a{number}.png", surface(640, 480, number)) for number in range(SMALL)]
        project = Project.create(folder / f"project {huge.name}", ["scratch"])
        project.files.add_images([*small, huge])
        self.session.adopt(project)
        self.paths = {number: project.image_path(number) for number in project.image_ids()}
        self.huge = next(number for number, path in self.paths.items() if path.name == huge.name)
        self.small = [number for number in self.paths if number != self.huge]
        self.wait_for(lambda: self.tasks.wait_idle(10))

    def wait_for(self, holds: Callable[[], bool], least: float = 0.0) -> None:
        start = time.perf_counter()
        while time.perf_counter() - start < least or not holds():
            self._app.processEvents()
            time.sleep(0.0005)
            if time.perf_counter() - start > GIVE_UP:
                raise TimeoutError

    def go_to(self, number: int) -> None:
        self.session.select_image(number)

    def has_whole(self, number: int) -> bool:
        return self.page.pictures.get(self.paths[number]) is not None

    def has_look(self) -> bool:
        return self.page.pictures.first_look(self.paths[self.huge]) is not None or self.has_whole(self.huge)

    def show_small(self, number: int) -> Timed:
        watch = Stopwatch()
        self.go_to(number)
        self.wait_for(lambda: self.has_whole(number) and self.page.canvas.view.has_image)
        self.page.canvas.view.repaint()
        return watch.read()

    def forget(self) -> None:
        """Nothing in memory, nothing under way, and a small image on the screen that is not measured."""
        self.go_to(self.small[-1])
        self.page.pictures.forget()
        self.wait_for(lambda: self.tasks.wait_idle(10), 0.2)

    def close(self) -> None:
        self.page.hide()
        self.page.pictures.forget()
        self.tasks.shut_down()
        self.session.close()


def measure(app: QApplication, folder: Path, huge: Path, table: Table, repeats: int) -> None:
    bench = Bench(app, folder, huge)
    alone, beside, looks, wholes = [], [], [], []
    for turn in range(repeats):
        bench.forget()
        alone.append(bench.show_small(bench.small[turn % (SMALL - 1)]))
    stall = Stall()
    for turn in range(repeats):
        bench.forget()
        bench.go_to(bench.huge)
        bench.wait_for(bench.has_look, 0.3 + 0.2 * turn)
        beside.append(bench.show_small(bench.small[turn % (SMALL - 1)]))
    for _ in range(2):
        bench.forget()
        watch = Stopwatch()
        bench.go_to(bench.huge)
        bench.wait_for(bench.has_look)
        looks.append(watch.read())
        bench.wait_for(lambda: bench.has_whole(bench.huge))
        wholes.append(watch.read())
    worst = stall.stop()
    bench.close()
    watch = Stopwatch()
    thumbnail(huge, THUMBNAIL, None)
    single = statistics.median(each.clock for each in alone)
    _add_row(table, f"{huge.name}: first look", looks, LOOK)
    _add_row(table, "  all of it", wholes)
    _add_row(table, "  thumbnail", [watch.read()])
    _add_row(table, "  a small image alone", alone)
    _add_row(table, "  a small image while it is decoded", beside, 2 * single + 50)
    table.add_row("  window blocked at most", f"{worst:.0f}", "", "", f"{BLOCKED:.0f}")


def _add_row(table: Table, name: str, times: list[Timed], limit: float | None = None) -> None:
    clock = [each.clock for each in times]
    processor = statistics.median(each.processor for each in times)
    limits = f"{limit:.0f}" if limit else ""
    table.add_row(name, f"{statistics.median(clock):.0f}", f"{max(clock):.0f}", f"{processor:.0f}", limits)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    chosen = parser.parse_args()
    app = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(app, QApplication)
    apply_theme(app, "dark")
    table = Table(title=f"Images of {SIDE:,} x {SIDE:,} pixels, milliseconds")
    for column in ("what", "median", "worst", "processor", "limit"):
        table.add_column(column, justify="left" if column == "what" else "right")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        image = surface(SIDE, SIDE)
        deep = image.astype(np.uint16) << 8 | 7
        for path, pixels in (("8 bits.jpg", image), ("8 bits.png", image), ("16 bits.png", deep)):
            measure(app, folder, write(folder / path, pixels), table, chosen.repeats)
    Console().print(table)


if __name__ == "__main__":
    main()
