"""Decoding JPEG such that damage is noticed.

OpenCV's pixels are these, bit for bit, but it says nothing where the decoder had to guess: the same library is asked
here, which tells, and takes two thirds of the time.
"""

from __future__ import annotations

import re

import numpy as np
import simplejpeg
from numpy.typing import NDArray

_LEFT_OVER = re.compile(r"(\d+) extraneous bytes before marker 0xd9")


class DamagedError(Exception):
    """The decoder had to guess; the text is what it said."""


def decode_jpeg(data: bytes, width: int, height: int, *, grey: bool, shrink: int = 1) -> NDArray[np.uint8]:
    """RGB (h, w, 3), or (h, w) of a grey file; as stored, without the Exif orientation.

    `shrink` 1, 2, 4 or 8: at that fraction of `width` and `height`. Not for CMYK. Raises DamagedError.
    """
    size = {} if shrink == 1 else {"min_width": -(-width // shrink), "min_height": -(-height // shrink)}
    space = "GRAY" if grey else "RGB"
    try:
        pixels = simplejpeg.decode_jpeg(data, space, **size)
    except ValueError as error:
        said = str(error)
        if not _harmless(data, said):
            raise DamagedError(said) from error
        pixels = simplejpeg.decode_jpeg(data, space, strict=False, **size)
    return np.asarray(pixels[:, :, 0] if grey else pixels, np.uint8)


def _harmless(data: bytes, said: str) -> bool:
    """Whether a warning is about what lies beside the pixels: odd parameters, or zeros before the end marker."""
    if found := _LEFT_OVER.search(said):
        end, count = data.rfind(b"\xff\xd9"), int(found[1])
        return end >= count and not any(data[end - count : end])
    return any(word in said for word in ("SOS parameters", "Adobe color transform", "JFIF"))
