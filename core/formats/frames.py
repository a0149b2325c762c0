"""How an image lies in its file: size and Exif orientation, from a few bytes of it.

The decoder checks a file to its end, which takes as long as reading all of it; here a hundred thousand sizes are
compared with what annotations state before any image is decoded.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.files import open_at_once
from core.imaging.byte_source import ByteSource
from core.imaging.errors import HeaderError
from core.imaging.headers import read_header


class FrameError(Exception):
    """The file is no image that can be read; the text says why."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Size of the upright image, and how it is turned in the file."""

    width: int
    height: int
    orientation: int = 1  # Exif: 1 upright ... 8

    @property
    def stored(self) -> tuple[int, int]:
        """Width and height of the pixels as they are stored: what a reader sees that ignores Exif."""
        return (self.height, self.width) if self.orientation >= 5 else (self.width, self.height)

    def to_upright(self, boxes: NDArray[np.float64]) -> NDArray[np.float64]:
        """Boxes (n, 4) x1 y1 x2 y2 on the pixels as stored, turned as the image is."""
        x1, y1, x2, y2 = boxes.T
        if self.orientation >= 5:
            x1, y1, x2, y2 = y1, x1, y2, x2
        if self.orientation in (3, 4, 7, 8):
            y1, y2 = self.height - y2, self.height - y1
        if self.orientation in (2, 3, 6, 7):
            x1, x2 = self.width - x2, self.width - x1
        return np.stack([x1, y1, x2, y2], axis=1)


def read_frame(path: Path) -> Frame:
    """The frame of a JPEG, PNG, BMP, TIFF or WebP file. Raises FrameError; whether all of it is there is not checked."""
    try:
        with open_at_once(path) as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise FrameError("it is no file")
            if found.st_size == 0:
                raise FrameError("the file is empty (0 bytes)")
            header = read_header(ByteSource(file, found.st_size), to_end=False)
    except OSError as error:
        raise FrameError(f"it cannot be read ({error.strerror})") from error
    except HeaderError as error:
        raise FrameError(str(error)) from error
    except ValueError as error:
        raise FrameError("its path is no valid file name") from error
    if header is None:
        raise FrameError("not an image that can be read; use JPEG, PNG, BMP, TIFF or WebP")
    sides = (header.width, header.height)
    return Frame(*(sides[::-1] if header.orientation >= 5 else sides), header.orientation)
