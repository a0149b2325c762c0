"""A virtual screen with a mouse and a keyboard."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

NEEDED = ("Xvfb", "xdotool")
_HEADER = 25  # words at the start of an XWD file


class Screen:
    """An X server of its own. Points are in its pixels, from the upper left corner."""

    def __init__(self, display: str, frame_buffer: Path) -> None:
        self.display = display
        self._frame_buffer = frame_buffer

    def pixels(self) -> NDArray[np.uint8]:
        """What is on the screen now, (h, w, 3) RGB."""
        data = np.fromfile(self._frame_buffer, np.uint8)
        header = data[: _HEADER * 4].view(">u4").astype(int)
        start, width, height, bits, line, colors = (int(header[at]) for at in (0, 4, 5, 11, 12, 19))
        assert bits == 32, bits
        rows = data[start + colors * 12 :][: height * line].reshape(height, line)
        return rows.reshape(height, -1, 4)[:, :width, 2::-1].copy()

    def move(self, x: float, y: float) -> None:
        self._do("mousemove", round(x), round(y))

    def click(self, x: float, y: float, *, times: int = 1, button: int = 1) -> None:
        self._do("mousemove", round(x), round(y), "click", "--repeat", times, "--delay", 40, button)

    def drag(self, start: tuple[float, float], end: tuple[float, float], steps: int = 6) -> None:
        """Press at `start`, go to `end` in steps as a hand does, and let go."""
        way = [[a + (b - a) * at / steps for a, b in zip(start, end, strict=True)] for at in range(1, steps + 1)]
        moves = [word for x, y in way for word in ("mousemove", round(x), round(y))]
        self._do("mousemove", round(start[0]), round(start[1]), "mousedown", 1, *moves, "mouseup", 1)

    def wheel(self, x: float, y: float, clicks: int) -> None:
        """Turn the wheel at a point; down for positive numbers."""
        self._do("mousemove", round(x), round(y), "click", "--repeat", abs(clicks), 5 if clicks > 0 else 4)

    def keys(self, *names: str) -> None:
        """Press keys one after the other, such as "ctrl+z"."""
        self._do("key", "--clearmodifiers", *names)

    def type(self, text: str) -> None:
        self._do("type", "--clearmodifiers", "--delay", 5, text)

    def focus(self, window: int) -> None:
        """Give a window the keyboard, as a window manager does with the one in front."""
        self._do("windowfocus", "--sync", window)

    def place(self, window: int, width: int, height: int) -> None:
        """Put a window into the upper left corner, in a size."""
        self._do("windowmove", window, 0, 0, "windowsize", window, width, height)

    def _do(self, *words: object) -> None:
        arguments = ["xdotool", *(str(word) for word in words)]
        environment = {**os.environ, "DISPLAY": self.display}
        subprocess.run(arguments, check=True, timeout=20, env=environment, stdout=subprocess.DEVNULL)


def missing_programs() -> list[str]:
    """What has to be installed before there can be a screen."""
    return [name for name in NEEDED if shutil.which(name) is None]


@contextmanager
def virtual_screen(width: int, height: int) -> Iterator[Screen]:
    """A screen that nobody else uses, on a number that is free."""
    with TemporaryDirectory(prefix="defectdesk-screen-") as folder:
        read, write = os.pipe()
        server = subprocess.Popen(
            [
                "Xvfb",
                "-displayfd",
                str(write),
                "-screen",
                "0",
                f"{width}x{height}x24",
                "-fbdir",
                folder,
                "-nolisten",
                "tcp",
                "-noreset",
            ],
            pass_fds=[write],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(write)
        try:
            with os.fdopen(read) as pipe:
                # The number comes when the server is ready; nothing comes if it could not start.
                number = pipe.readline().strip()
            assert number, "Xvfb did not start"
            yield Screen(f":{number}", Path(folder) / "Xvfb_screen0")
        finally:
            server.terminate()
            server.wait(10)
