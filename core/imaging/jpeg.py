"""Decoding JPEG such that damage is noticed.

OpenCV's pixels are these, bit for bit, but it says nothing where the decoder had to guess: the same library is asked
here, which tells, and takes two thirds of the time.
"""

from __future__ import annotations

import re

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from core.imaging.errors import DamagedError, UnsupportedError

UNUSUAL_FRACTION = "subsampling level"  # what libjpeg-turbo says of it
UNUSUAL_FRACTION_TEXT = (
    "JPEG data, whose colours are stored at an unusual fraction of its size (neither 4:4:4, 4:2:2, 4:2:0, 4:4:0, 4:1:1 "
    "nor 4:4:1), cannot be read"
)
_ROWS_AT_ONCE = 256  # of CMYK, which needs twice its memory
_PARAMETERS = 2**16  # bytes at the start of a file that are searched for them
_LEFT_OVER = re.compile(r"(\d+) extraneous bytes before marker 0xd9")


def decode_jpeg(data: bytes, width: int, height: int, channels: int, shrink: int = 1) -> NDArray[np.uint8]:
    """RGB (h, w, 3), or (h, w) of a grey file; as stored, without the Exif orientation. CMYK becomes RGB.

    `shrink` 1, 2, 4 or 8: at that fraction of `width` and `height`. Raises DamagedError, UnsupportedError.
    """
    size = {} if shrink == 1 else {"min_width": -(-width // shrink), "min_height": -(-height // shrink)}
    space = {1: "GRAY", 4: "CMYK"}.get(channels, "RGB")
    try:
        pixels = simplejpeg.decode_jpeg(data, space, **size)
    except ValueError as error:
        said = str(error)
        if UNUSUAL_FRACTION in said:
            raise UnsupportedError(f"{UNUSUAL_FRACTION_TEXT}; save it as usual JPEG or PNG") from error
        if not _harmless(data, said):
            raise DamagedError(said) from error
        try:
            pixels = simplejpeg.decode_jpeg(_mend_parameters(data, channels), space, strict=False, **size)
        except ValueError as still:
            raise DamagedError(str(still)) from still
    if channels == 4:
        return _cmyk_to_rgb(pixels)
    return np.asarray(pixels[:, :, 0] if channels == 1 else pixels, np.uint8)


def _cmyk_to_rgb(inks: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """RGB of inks that are stored inverted, as Adobe began and all do."""
    result = np.empty((*inks.shape[:2], 3), np.uint8)
    for top in range(0, len(inks), _ROWS_AT_ONCE):
        part = inks[top : top + _ROWS_AT_ONCE].astype(np.uint16)
        result[top : top + _ROWS_AT_ONCE] = part[..., :3] * part[..., 3:] // 255
    return result


def _mend_parameters(data: bytes, channels: int) -> bytes:
    """The file with a version of JFIF and a code of Adobe that libjpeg knows: it reads the others as if they were these."""
    if (place := data.find(b"JFIF\0", 0, _PARAMETERS)) >= 0:
        data = data[: place + 5] + b"\1\1" + data[place + 7 :]
    if (place := data.find(b"Adobe", 0, _PARAMETERS)) >= 0 and data[place + 11] > 2:
        data = data[: place + 11] + bytes([2 if channels == 4 else 1]) + data[place + 12 :]
    return data


def _harmless(data: bytes, said: str) -> bool:
    """Whether a warning is about what lies beside the pixels: odd parameters, or zeros before the end marker."""
    if found := _LEFT_OVER.search(said):
        end, count = data.rfind(b"\xff\xd9"), int(found[1])
        return end >= count and not any(data[end - count : end])
    return any(word in said for word in ("SOS parameters", "Adobe color transform", "JFIF"))
