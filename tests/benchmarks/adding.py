"""Adds 10,000 files to a project in the window, and measures how long the window's thread is ever held up.

`python -m tests.benchmarks.adding` prints the time, the rate, and the worst stalls against their limit: a timer of 5 ms
that comes late says how late. With `--present` the project holds that many images before.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import cv2
from PySide6.QtCore import QElapsedTimer, QObject, QTimer
from PySide6.QtWidgets import QApplication

from core.operations.launcher import make_launcher
from core.project.edits.edit import Edit, ImageState
from core.settings import Settings
from core.types import ImageRecord, Split, Status
from desktop.base.background import Tasks
from desktop.base.theme import apply_theme
from desktop.kit.progress_dialog import ProgressDialog
from desktop.services import Services
from desktop.shell.main_window import MainWindow
from desktop.viewer.thumbnails import ThumbnailLoader
from tests.builders import draw, picture, project_with_pictures

LIMIT = 50.0  # ms
TICK = 5  # ms


class Stalls(QObject):
    """How late a timer of 5 ms comes, and what was going on."""

    def __init__(self) -> None:
        super().__init__()
        self.phase = "idle"
        self.found: list[tuple[float, str]] = []
        self._clock = QElapsedTimer()
        self._timer = QTimer(self, interval=TICK)
        self._timer.timeout.connect(lambda: self._tick())
        self._clock.start()
        self._timer.start()

    def _tick(self) -> None:
        late = self._clock.nsecsElapsed() / 1e6 - TICK
        self._clock.restart()
        self.found.append((late, self.phase))

    def worst(self, phase: str) -> float:
        return max((late for late, of in self.found if of == phase), default=0.0)

    def over(self, phase: str) -> int:
        return sum(late > LIMIT for late, of in self.found if of == phase)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=10_000, help="to be added")
    parser.add_argument("--present", type=int, default=0, help="images that the project has before")
    options = parser.parse_args()
    with TemporaryDirectory(prefix="defectdesk-adding-") as work:
        folder = Path(work)
        print(f"writing {options.files:,} files ...", flush=True)
        write_files(folder / "images", options.files)
        with window_on(folder, options.present) as window:
            return measure(window, folder / "images", options.files)


def measure(window: MainWindow, images: Path, count: int) -> int:
    """Add the files as a person does, and print what was found."""
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    project = window.session.project
    assert project is not None
    before = len(project.image_ids())
    stalls = Stalls()
    spin(lambda: False, 1.0)  # the window comes to rest
    stalls.found.clear()
    stalls.phase = "reading and writing"
    window.session.changed.connect(lambda *_: setattr(stalls, "phase", "showing"))
    begin = time.perf_counter()
    window.project_actions.adder.add_paths([images])
    spin(lambda: stalls.phase == "showing", 600)
    seconds = time.perf_counter() - begin
    dialogs = [dialog for dialog in window.findChildren(ProgressDialog) if dialog.isVisible()]
    spin(lambda: False, 2.0)
    stalls._timer.stop()
    added = len(project.image_ids()) - before
    print(f"{added:,} of {count:,} files added in {seconds:.1f} s: {added / seconds:,.0f} a second")
    worst = 0.0
    for phase in ("reading and writing", "showing"):
        worst = max(worst, stalls.worst(phase))
        print(f"worst stall while {phase}: {stalls.worst(phase):.1f} ms, {stalls.over(phase)} over {LIMIT:.0f} ms")
    good = worst <= LIMIT and added == count and not dialogs
    print(f"{'ok' if good else 'FAILED'}: {worst:.1f} ms against the limit of {LIMIT:.0f} ms")
    return 0 if good else 1


def write_files(folder: Path, count: int) -> None:
    """Small files that all differ."""
    folder.mkdir(parents=True)
    pixels = picture(seed=1)
    for number in range(count):
        pixels[0, 0] = (number % 256, number // 256 % 256, number // 65536)
        done, data = cv2.imencode(".png", pixels)
        assert done
        (folder / f"part{number:06d}.png").write_bytes(data.tobytes())


@contextmanager
def window_on(folder: Path, present: int) -> Iterator[MainWindow]:
    """A window on a project in `folder` that is being worked on: three images, and `present` more that are not there."""
    app = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(app, QApplication)
    apply_theme(app, "dark")
    project = project_with_pictures(folder / "project", 3)
    draw(project, project.image_ids()[0])
    if present:
        records = [
            ImageRecord(
                image_id, f"/gone/part{image_id:06d}.png", 64, 48, size_bytes=1000, content_hash=f"{image_id:032x}"
            )
            for image_id in project.new_ids("image", present)
        ]
        state = ImageState(Status.UNLABELLED, Split.NONE, "", "", ())
        project.apply(Edit("Add", {}, {record.id: state for record in records}, added=tuple(records)))
    tasks = Tasks()
    window = MainWindow(Services(tasks, Settings(folder / "config"), ThumbnailLoader(tasks), make_launcher()))
    window.resize(1280, 800)
    window.show()
    window.session.adopt(project)
    spin(lambda: False, 2.0)  # until the first image is on the screen
    yield window
    window.close()
    tasks.shut_down()


def spin(until: object, seconds: float) -> None:
    """Let the window work until `until()` or for some seconds."""
    end = time.perf_counter() + seconds
    while not until() and time.perf_counter() < end:
        QApplication.processEvents()
        time.sleep(0.0005)


if __name__ == "__main__":
    sys.exit(main())
