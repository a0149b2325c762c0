"""The running program as a person has it: what is on the screen, and a hand on mouse and keyboard."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.e2e.screen import Screen

T = TypeVar("T")
PATIENCE = 30.0  # seconds; a busy machine is slow, and nothing waits longer than it must
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Widget:
    """One entry of the program's map of its window."""

    entry: dict[str, Any]

    @property
    def rect(self) -> tuple[int, int, int, int]:
        """x, y, width, height on the screen."""
        x, y, width, height = self.entry["rect"]
        return x, y, width, height

    @property
    def centre(self) -> tuple[float, float]:
        return self.at(0.5, 0.5)

    @property
    def text(self) -> str:
        return str(self.entry["text"])

    @property
    def enabled(self) -> bool:
        return bool(self.entry["enabled"])

    def at(self, x: float, y: float) -> tuple[float, float]:
        """A point by the fraction of width and height."""
        left, top, width, height = self.rect
        return left + x * width, top + y * height

    def cut(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """This widget's part of a picture of the screen."""
        x, y, width, height = self.rect
        return pixels[y : y + height, x : x + width]


class Program:
    """A DefectDesk in a process of its own."""

    def __init__(
        self,
        screen: Screen,
        folder: Path,
        process: subprocess.Popen[bytes],
        environment: dict[str, str],
        size: tuple[int, int],
    ) -> None:
        self.screen = screen
        self.size = size
        self.process = process
        self.log = folder / "program.log"
        self.environment = environment
        self._map = folder / "map.json"
        self._asked = 0

    # -- what is on the screen

    def map(self) -> dict[str, Any]:
        """The map of the window as it is now."""
        self._asked += 1
        wanted = self._map.with_name("map.json.wanted")
        draft = self._map.with_name("map.json.draft")
        draft.write_text(str(self._asked), "utf-8")
        draft.replace(wanted)
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            assert self.process.poll() is None, f"the program ended: {self.log.read_text('utf-8')}"
            if self._map.exists():
                answer: dict[str, Any] = json.loads(self._map.read_text("utf-8"))
                if answer["asked"] == str(self._asked):
                    return answer
            time.sleep(0.02)
        raise AssertionError(f"the window does not answer for {PATIENCE:.0f} s; {self.log.read_text('utf-8')}")

    def all(self, **wanted: Any) -> list[Widget]:
        """The widgets of the window in front whose entries have these values.

        `named` fits the accessible name, the name that the code gives, the text or the start of the tool tip;
        a value may be a function that says whether it fits.
        """
        state = self.map()
        front = max((entry["window"] for entry in state["widgets"]), default=-1)
        return [Widget(e) for e in state["widgets"] if e["window"] == front and _fits(e, wanted)]

    def find(self, **wanted: Any) -> Widget | None:
        """The one widget of the window in front that fits, or the first of them."""
        found = self.all(**wanted)
        return found[0] if found else None

    def see(self, what: str, seconds: float = PATIENCE, **wanted: Any) -> Widget:
        """Wait until a widget that fits is on the screen."""
        return self.wait(what, lambda: self.find(**wanted), seconds)

    def texts(self) -> list[str]:
        """Everything that can be read in the window in front."""
        return [widget.text for widget in self.all() if widget.text]

    def wait(self, what: str, condition: Callable[[], T | None], seconds: float = PATIENCE) -> T:
        """Wait until `condition` gives something, and return that."""
        deadline = time.monotonic() + seconds
        while True:
            if found := condition():
                return found
            if time.monotonic() > deadline:
                picture = self.shoot(self._map.with_name("failure.png"))
                raise AssertionError(f"after {seconds:.0f} s: {what}; the screen is in {picture}")
            time.sleep(0.04)

    def still(self) -> NDArray[np.uint8]:
        """Wait until the picture does not change any more, and return it."""
        last = self.screen.pixels()
        same_since = time.monotonic()
        deadline = same_since + PATIENCE
        while time.monotonic() - same_since < 0.4:
            time.sleep(0.08)
            now = self.screen.pixels()
            if not np.array_equal(now, last):
                last, same_since = now, time.monotonic()
            assert time.monotonic() < deadline, "the screen does not come to rest"
        return last

    def shoot(self, path: Path) -> Path:
        """Write a picture of the window."""
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), self.picture()[..., ::-1])
        return path

    def picture(self) -> NDArray[np.uint8]:
        """The window as it is on the screen, (h, w, 3) RGB."""
        width, height = self.size
        return self.screen.pixels()[:height, :width]

    def shoot_still(self, path: Path) -> Path:
        """Write a picture of the window when everything in it has been drawn."""
        self.still()
        return self.shoot(path)

    # -- the hand

    def press(self, *keys: str) -> None:
        """Press keys in the window in front."""
        self.screen.focus(self.map()["windows"][-1]["native"])
        self.screen.keys(*keys)

    def click(self, what: str, **wanted: Any) -> Widget:
        """Wait for a widget that can be used, and click in its middle."""
        widget = self.wait(what, lambda: next((one for one in self.all(**wanted) if one.enabled), None))
        self.screen.click(*widget.centre)
        return widget

    def enter(self, field: str, text: str, place: float = 0.85) -> None:
        """Type into a field of a form in place of what it holds; `place`: where across it its number is."""
        # A slider has its number at the right end, most other controls are all number.
        widget = self.see(f"the field {field!r}", name=field)
        self.screen.focus(self.map()["windows"][-1]["native"])
        self.screen.click(*widget.at(place, 0.5))
        self.screen.keys("ctrl+a")
        self.screen.type(text)
        self.screen.keys("Tab")

    def page(self, title: str) -> None:
        """Go to a page by its button at the left edge."""
        self.click(f"the button of the page {title}", text=title, role="rail")
        self.see(f"the page {title} in front", text=title, role="rail", checked=True)

    # -- the canvas

    def image_point(self, canvas: Widget, x: float, y: float) -> tuple[float, float] | None:
        """Go to a point of the canvas, by fractions, and read where on the image the window says that is: a pixel's middle."""
        self.screen.move(*canvas.at(x, y))
        shown = [re.fullmatch(r"x (-?\d+)  y (-?\d+)", text) for text in self.texts()]
        return next(((float(found[1]) + 0.5, float(found[2]) + 0.5) for found in shown if found), None)

    def image_to_screen(self, canvas: Widget) -> Callable[[tuple[float, float]], tuple[float, float]]:
        """Where a point of the image is on the screen, worked out from two points of which the window says it."""
        (x0, y0), (x1, _) = canvas.at(0.3, 0.3), canvas.at(0.7, 0.7)
        first = self.wait("a picture on the canvas", lambda: self.image_point(canvas, 0.3, 0.3))
        last = self.wait("a picture on the canvas", lambda: self._other_point(canvas, first))
        scale = (x1 - x0) / (last[0] - first[0])
        return lambda at: (x0 + (at[0] - first[0]) * scale, y0 + (at[1] - first[1]) * scale)

    def _other_point(self, canvas: Widget, than: tuple[float, float]) -> tuple[float, float] | None:
        found = self.image_point(canvas, 0.7, 0.7)
        return found if found != than else None

    # -- processes

    def own_processes(self) -> list[int]:
        """This program and all that it started, also what outlived its parent."""
        mark = f"DEFECTDESK_CONFIG_DIR={self.environment['DEFECTDESK_CONFIG_DIR']}".encode()
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                mine = mark in (folder / "environ").read_bytes().split(b"\0")
                zombie = (folder / "stat").read_text("utf-8").rsplit(")", 1)[1].split()[0] == "Z"
            except OSError:
                continue  # it ended meanwhile, or is another person's
            if mine and not zombie:
                found.append(int(folder.name))
        return sorted(found)

    def complaints(self) -> list[str]:
        """What the program wrote to its terminal. A sound program writes nothing."""
        return [line for line in self.log.read_text("utf-8").splitlines() if line.strip()]


@contextmanager
def running_program(
    screen: Screen, folder: Path, *arguments: str, size: tuple[int, int] = (1280, 800)
) -> Iterator[Program]:
    """Start the program as a person does, with settings of its own in `folder`, and have its window in a size."""
    config = folder / "config"
    config.mkdir(parents=True, exist_ok=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("QT_", "DEFECTDESK_"))}
    environment |= {
        "DISPLAY": screen.display,
        "QT_QPA_PLATFORM": "xcb",
        "DEFECTDESK_CONFIG_DIR": str(config),
        "DEFECTDESK_UI_MAP": str(folder / "map.json"),
        "HOME": str(folder),
    }
    with (folder / "program.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "core.cli", *arguments], cwd=ROOT, env=environment, stdout=log, stderr=log
        )
    program = Program(screen, folder, process, environment, size)
    try:
        window = program.wait("the window on the screen", lambda: next(iter(program.map()["windows"]), None))
        screen.place(window["native"], *size)
        program.wait("the window in its size", lambda: program.map()["windows"][0]["rect"][2:] == list(size))
        yield program
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(10)


def _fits(entry: dict[str, Any], wanted: dict[str, Any]) -> bool:
    for key, value in wanted.items():
        if key == "named":
            if value not in (entry["name"], entry["object"], entry["text"]) and not entry.get("tip", "").startswith(
                value
            ):
                return False
        elif callable(value):
            if not value(entry.get(key, "")):
                return False
        elif entry.get(key) != value:
            return False
    return True
