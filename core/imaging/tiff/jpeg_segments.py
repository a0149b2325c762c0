"""Strips and tiles of TIFF files that are JPEG."""

from __future__ import annotations

import re

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from core.imaging.errors import DamagedError, UnsupportedError
from core.imaging.jpeg import UNUSUAL_FRACTION, UNUSUAL_FRACTION_TEXT
from core.imaging.tiff import page as kinds
from core.imaging.tiff.page import TiffPage

# What an "Adobe" part says of the colours as they are stored.
_AS_THEY_ARE, _AS_YCBCR = 0, 1
# A header of an image of 8 bits with 1, 3 or 4 channels: without one, libjpeg-turbo complains of the fraction, too.
_FRAME = re.compile(rb"\xff[\xc0-\xc3]\0[\x0b\x11\x14]\x08")


def decode_jpeg_segment(segment: bytes, page: TiffPage, rows: int) -> NDArray[np.uint8]:
    """The samples (rows, w, channels) of a strip or tile; YCbCr becomes RGB. Raises DamagedError, UnsupportedError."""
    width = page.segment_size[0]
    channels = 1 if page.separate else page.channels
    space = {1: "GRAY", 3: "RGB", 4: "CMYK"}[channels]
    data = _with_colours(_with_tables(segment, page.jpeg_tables), page.photometric)
    try:
        pixels = np.asarray(simplejpeg.decode_jpeg(data, space), np.uint8)
    except ValueError as error:
        if UNUSUAL_FRACTION in str(error) and _FRAME.search(data):
            raise UnsupportedError(f"its {UNUSUAL_FRACTION_TEXT}; save it with LZW or Deflate") from error
        raise DamagedError(str(error)) from error
    if pixels.shape[0] < rows or pixels.shape[1] < width:
        raise DamagedError(f"JPEG data of {pixels.shape[1]} x {pixels.shape[0]} pixels in a place for {width} x {rows}")
    return pixels[:rows, :width]


def _with_tables(segment: bytes, tables: bytes) -> bytes:
    if len(tables) < 4:
        return segment
    return tables.removesuffix(b"\xff\xd9") + segment[2:]


def _with_colours(data: bytes, photometric: int) -> bytes:
    """The JPEG data with a part that says how colours are stored, which otherwise the TIFF tags alone do."""
    transform = _AS_YCBCR if photometric == kinds.YCBCR else _AS_THEY_ARE
    part = b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0" + bytes([transform])
    return data[:2] + part + data[2:]
