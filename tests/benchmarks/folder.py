"""A folder of 10,000 images in the window: opening it, going on to the next image, and memory; labelme and labelImg beside.

    python -m tests.benchmarks.folder [--images 10000] [--steps 30] [--peer-python PYTHON_WITH_LABELME_AND_LABELIMG]

Each program runs in a process of its own on the offscreen screen, one after the other, on the same files. The clock
starts when its modules are loaded. "Open" ends when the list is filled and the first image is painted; "next" when the one
after it is. DefectDesk opens a project that refers to the files: making that project, once in its life, is told below the
table.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

SIZE = (1280, 800)
PATIENCE = 300.0  # seconds
Driver = tuple[
    float, Callable[[], None], Callable[[], None]
]  # when it began, wait for the picture, go to the next image


def measured(program: str, folder: Path, steps: int) -> dict[str, float]:
    """In this process: open the folder, go on `steps` times. Seconds and MB."""
    began, wait, go_on = DRIVERS[program](folder)
    wait()
    opened = time.perf_counter() - began
    times = []
    for _ in range(steps):
        begin = time.perf_counter()
        go_on()
        wait()
        times.append(time.perf_counter() - begin)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"open": opened, "next": statistics.median(times), "worst": max(times), "memory": peak}


def _ours(folder: Path) -> Driver:
    from PySide6.QtWidgets import QApplication

    from desktop.label.label_page import LabelPage
    from desktop.shell.main_window import MainWindow
    from tests.desktop.window_builders import make_services

    app = QApplication([])
    began = time.perf_counter()
    services = make_services(folder)
    window = MainWindow(services)
    window.resize(*SIZE)
    window.show()
    window.open_project(folder / "project")
    page = window.get_page("Label")
    assert isinstance(page, LabelPage)

    def wait() -> None:
        end = time.perf_counter() + PATIENCE
        app.processEvents()
        while not page.canvas.view.has_image:
            assert time.perf_counter() < end, "no picture"
            app.processEvents()
        window.grab()

    return began, wait, page._actions["next"].trigger


def _labelme(folder: Path) -> Driver:
    from labelme.app import MainWindow
    from PyQt5.QtWidgets import QApplication

    app = QApplication([])
    began = time.perf_counter()
    window = MainWindow()
    window.resize(*SIZE)
    window.show()
    window._import_images_from_dir(str(folder / "images"))
    window._open_next_image()

    def wait() -> None:
        app.processEvents()
        window.grab()

    return began, wait, window._open_next_image


def _labelimg(folder: Path) -> Driver:
    import labelImg.labelImg as program
    from PyQt5.QtWidgets import QApplication

    app = QApplication([])
    began = time.perf_counter()
    window = program.MainWindow(None, str(folder / "classes.txt"), str(folder))
    window.resize(*SIZE)
    window.show()
    window.import_dir_images(str(folder / "images"))

    def wait() -> None:
        app.processEvents()
        window.grab()

    return began, wait, window.open_next_image


DRIVERS: dict[str, Callable[[Path], Driver]] = {"DefectDesk": _ours, "labelme": _labelme, "labelImg": _labelimg}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--images", type=int, default=10_000)
    options.add_argument("--steps", type=int, default=30)
    options.add_argument("--peer-python", default="", help="a Python that has labelme and labelImg")
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="defectdesk-folder-") as place:
        folder = Path(place)
        added = made_folder(folder, given.images)
        print(f"{given.images:,} images, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
        print(f"{'':12}{'open, s':>10}{'next, ms':>10}{'worst, ms':>11}{'memory, MB':>12}")
        for program in DRIVERS if given.peer_python else ("DefectDesk",):
            python = sys.executable if program == "DefectDesk" else given.peer_python
            found = run(python, program, folder, given.steps)
            print(
                f"{program:12}{found['open']:10.2f}{found['next'] * 1000:10.0f}"
                f"{found['worst'] * 1000:11.0f}{found['memory']:12.0f}"
            )
        print(f"Adding the images to a new project, once: {added:.1f} s")


def made_folder(folder: Path, count: int) -> float:
    """Write the images and the project; how many seconds the project took."""
    import cv2
    import numpy as np

    from core.project.project import Project

    (folder / "images").mkdir()
    (folder / "classes.txt").write_text("scratch\npit\n", "utf-8")
    surface = np.random.default_rng(0).integers(90, 160, (480, 640, 3), np.uint8)
    for number in range(count):
        # Unlike each other, at the price of writing them.
        data = cv2.imencode(".jpg", np.roll(surface, number, axis=1), [cv2.IMWRITE_JPEG_QUALITY, 60])[1]
        (folder / "images" / f"part_{number:05}.jpg").write_bytes(data.tobytes())
    began = time.perf_counter()
    with Project.create(folder / "project", ["scratch", "pit"]) as project:
        project.files.add_images([folder / "images"])
    return time.perf_counter() - began


def run(python: str, program: str, folder: Path, steps: int) -> dict[str, float]:
    code = f"import sys; sys.argv = ['x']; from {Path(__file__).stem} import measured; import json, pathlib; " + (
        f"print('RESULT' + json.dumps(measured({program!r}, pathlib.Path({str(folder)!r}), {steps})))"
    )
    root = Path(__file__).parents[2]
    paths = [str(Path(__file__).parent)] + ([str(root)] if program == "DefectDesk" else [])
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "HOME": str(folder)}
    done = subprocess.run(
        [python, "-c", code + "; sys.stdout.flush(); import os; os._exit(0)"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT")]
    if not lines:
        sys.exit(f"{program} did not run:\n{done.stderr[-2000:]}")
    result: dict[str, float] = json.loads(lines[0].removeprefix("RESULT"))
    return result


if __name__ == "__main__":
    main()
