"""A small version of a large image, where its format gives one in a fraction of the time that all of it takes."""

from __future__ import annotations

import os
import stat
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.files import open_at_once
from core.imaging.bmp import decode_bmp
from core.imaging.byte_source import ByteSource
from core.imaging.cameras import DepthScale
from core.imaging.cancelling import NEVER, CancelToken
from core.imaging.decode import checked_header, read_bytes, to_shown, upright
from core.imaging.errors import DamagedError, HeaderError
from core.imaging.headers import ImageHeader, cut_to_first_scan, read_header
from core.imaging.jpeg import decode_jpeg
from core.imaging.limits import max_pixels
from core.imaging.tiff.colours import read_tiff
from core.imaging.tiff.directory import Layout, find_main_page, read_tags
from core.imaging.tiff.page import NONE, TiffPage, check_segments, read_page
from core.imaging.tiff.samples import bytes_to_decode

# About what is decompressed within the time that a preview may take.
_MOST_DECODED = 40 * 2**20


@dataclass(frozen=True, slots=True, eq=False)
class Preview:
    """A small version of an image."""

    pixels: NDArray[np.uint8]  # upright: (h, w, 3) RGB, or (h, w) of a grey file
    width: int  # of the whole image, upright
    height: int


def read_preview(
    path: Path | str, longest: int = 1000, window: DepthScale = None, cancel: CancelToken = NEVER
) -> Preview | None:
    """The image at a fraction of its size, `longest` pixels long or more; None where that would take as long as all of it.

    JPEG is decoded at an eighth of its size (of a progressive one, its first pass); of TIFF a smaller version in the
    file is used, or every so manieth row, as of BMP. PNG and WebP have none. Without `window`, values of 16 bits are
    shown as `read_picture` would show an image of these values only.
    That a preview is read does not say that the file is whole. Raises ImageError, CancelledError.
    """
    header = _header_of(path)
    if header is None or max(header.width, header.height) < 2 * longest:
        return None
    cancel.check()
    try:
        pixels = _READERS[header.format](path, header, longest, cancel) if header.format in _READERS else None
    except (DamagedError, HeaderError, struct.error):
        return None  # what is wrong is said when all of it is read
    if pixels is None:
        return None
    cancel.check()
    shown = upright(to_shown(pixels, header, window, path).pixels, header.orientation)
    sides = (header.width, header.height)
    return Preview(shown, *(sides[::-1] if header.orientation >= 5 else sides))


def _header_of(path: Path | str) -> ImageHeader | None:
    """The header, from a few bytes; None if it does not tell a size that can be decoded."""
    try:
        with open_at_once(path) as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                return None
            source = ByteSource(file, found.st_size)
            header = read_header(source, to_end=False)
            if header is not None and header.format in ("TIFF", "BMP"):
                header = read_header(source)  # which reads little more
    except (OSError, ValueError, HeaderError):
        return None
    return header if header is not None and header.width * header.height <= max_pixels() else None


def _read_jpeg(path: Path | str, header: ImageHeader, longest: int, cancel: CancelToken) -> NDArray[np.uint8] | None:
    data = read_bytes(path)
    whole = checked_header(data, path)
    cancel.check()
    shrink = next((factor for factor in (8, 4, 2) if max(whole.width, whole.height) // factor >= longest), 1)
    if whole.progressive:
        # The first pass holds what an eighth of the size needs.
        shrink, data = 8, cut_to_first_scan(data)
    return decode_jpeg(data, whole.width, whole.height, whole.channels, shrink) if shrink > 1 else None


def _read_bmp(path: Path | str, header: ImageHeader, longest: int, cancel: CancelToken) -> NDArray[np.uint8] | None:
    if header.bmp is None:
        return None
    with open_at_once(path) as file:
        source = ByteSource(file, os.fstat(file.fileno()).st_size)
        return decode_bmp(source, header.bmp, max(header.width, header.height) // longest, cancel)


def _read_tiff(path: Path | str, header: ImageHeader, longest: int, cancel: CancelToken) -> NDArray[np.generic] | None:
    with open_at_once(path) as file:
        source = ByteSource(file, os.fstat(file.fileno()).st_size)
        page = _smaller_page(source, header, longest) or header.page
        if page is None:
            return None
        step = max(1, max(page.width, page.height) // longest)
        if page.compression != NONE and bytes_to_decode(page, step) > _MOST_DECODED:
            return None
        return read_tiff(source, page, step, cancel)


def _smaller_page(source: ByteSource, header: ImageHeader, longest: int) -> TiffPage | None:
    """The smallest version of the picture in the file that is long enough."""
    layout = Layout.of_file(source)
    found: list[TiffPage] = []
    for place in find_main_page(source, layout, to_end=True).smaller:
        try:
            page = read_page(read_tags(source, layout, place)[0], layout, place, source.size)
            check_segments(page, source.size)
        except (HeaderError, struct.error):
            continue
        same_shape = abs(page.width * header.height - page.height * header.width) <= 2 * max(
            header.width, header.height
        )
        same_depth = header.page is not None and page.bits == header.page.bits
        if max(page.width, page.height) >= longest and same_shape and same_depth:
            found.append(page)
    return min(found, key=lambda page: page.width, default=None)


_READERS = {"JPEG": _read_jpeg, "BMP": _read_bmp, "TIFF": _read_tiff}
