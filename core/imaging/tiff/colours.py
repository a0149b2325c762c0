"""Turning the stored samples of a TIFF page into grey or RGB."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from core.imaging.byte_source import ByteSource
from core.imaging.cancelling import NEVER, CancelToken
from core.imaging.errors import DamagedError
from core.imaging.tiff import directory as tag
from core.imaging.tiff import page as kinds
from core.imaging.tiff.by_tifffile import read_by_tifffile
from core.imaging.tiff.page import STRICT, TiffPage
from core.imaging.tiff.samples import Samples, decompress_segments, read_samples
from core.imaging.tiff.writer import write_tiff

_ROWS_AT_ONCE = 256  # of what needs several times its memory


def read_tiff(source: ByteSource, page: TiffPage, step: int = 1, cancel: CancelToken = NEVER) -> Samples:
    """The page as grey (h, w) or RGB (h, w, 3), not turned: 8 bits a sample for up to 8 bits, 16 bits for more.

    Samples of 9 to 15 bits are shifted up to 16. With `step`, every so manieth row and column.
    Raises DamagedError, UnsupportedError, CancelledError.
    """
    if page.photometric == kinds.YCBCR and page.compression in STRICT - {kinds.JPEG}:
        return _read_by_libtiff(source, page, cancel)[::step, ::step]
    if page.compression in STRICT and not (page.compression == kinds.JPEG and page.bits != 8):
        samples = read_samples(source, page, step, cancel)
    else:
        samples = read_by_tifffile(source, page)[::step, ::step]
    return _to_grey_or_rgb(samples, page)


def _to_grey_or_rgb(samples: Samples, page: TiffPage) -> Samples:
    if page.photometric == kinds.PALETTE:
        return _palette(page)[samples[..., 0]]
    samples = samples[..., : page.colour_channels]
    highest = 2**page.bits - 1
    if page.photometric == kinds.SEPARATED:
        return _cmyk_to_rgb(samples)
    if page.photometric == kinds.CIELAB:
        return _lab_to_rgb(samples)
    if page.photometric == kinds.WHITE_IS_ZERO:
        samples = highest - samples
    if page.bits < 8:
        samples = (samples * np.uint8(255 // highest)).astype(np.uint8)
    elif 8 < page.bits < 16:
        samples = samples << np.uint16(16 - page.bits)
    return cast("Samples", np.ascontiguousarray(samples[..., 0] if page.colour_channels == 1 else samples))


def _palette(page: TiffPage) -> NDArray[np.uint8]:
    """RGB of each number, (n, 3)."""
    table = np.array(page.colour_map, np.uint16)[: 3 * 2**page.bits].reshape(3, -1).T
    # Some programs write 8 bits where 16 are due.
    return (table if table.max() < 256 else table >> 8).astype(np.uint8)


def _cmyk_to_rgb(inks: Samples) -> Samples:
    """As libtiff does it: what no ink covers."""
    most = int(np.iinfo(inks.dtype).max)
    result = np.empty((*inks.shape[:2], 3), inks.dtype)
    for top in range(0, len(inks), _ROWS_AT_ONCE):
        part = most - inks[top : top + _ROWS_AT_ONCE].astype(np.uint32)
        result[top : top + _ROWS_AT_ONCE] = part[..., :3] * part[..., 3:] // most
    return result


# From CIE XYZ under D50 to linear sRGB under D65, by the method of Bradford (B. Lindbloom).
_XYZ_TO_RGB = np.array(
    [[3.1338561, -1.6168667, -0.4906146], [-0.9787684, 1.9161415, 0.0334540], [0.0719453, -0.2289914, 1.4052427]],
    np.float32,
)
_D50 = np.array([0.9642, 1.0, 0.8249], np.float32)
_CORNER = 6 / 29  # below it, lightness is linear


def _lab_to_rgb(samples: Samples) -> NDArray[np.uint8]:
    """CIE 1976 L*a*b* under D50 as TIFF 6.0 stores it, L from 0 to 255, a and b with a sign; sRGB (IEC 61966-2-1)."""
    result = np.empty(samples.shape, np.uint8)
    for top in range(0, len(samples), _ROWS_AT_ONCE):
        part = samples[top : top + _ROWS_AT_ONCE]
        lightness = part[..., 0] * np.float32(100 / 255)
        a, b = (np.ascontiguousarray(part[..., index]).view(np.int8).astype(np.float32) for index in (1, 2))
        y = (lightness + 16) / 116
        f = np.stack([y + a / 500, y, y - b / 200], axis=2)
        xyz = np.where(f > _CORNER, f**3, 3 * _CORNER**2 * (f - 4 / 29)) * _D50
        linear = np.clip(xyz @ _XYZ_TO_RGB.T, 0, 1)
        encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
        result[top : top + _ROWS_AT_ONCE] = np.round(255 * encoded)
    return result


def _read_by_libtiff(source: ByteSource, page: TiffPage, cancel: CancelToken) -> NDArray[np.uint8]:
    """YCbCr by libtiff, which knows its conversion; it is given data that was decompressed before.

    Each strip or tile becomes a page of its own: what is damaged has been noticed by then.
    """
    width, _ = page.segment_size
    across, _ = page.grid
    pixels = np.empty((page.height, page.width, 3), np.uint8)
    for index, (offset, count) in enumerate(zip(page.offsets, page.counts, strict=False)):
        cancel.check()
        top, left = index // across * page.segment_size[1], index % across * width
        if top >= page.height:
            break
        rows = page.segment_size[1] if page.tile is not None else min(page.rows_per_strip, page.height - top)
        h, v = page.subsampling
        size = -(-width // h) * -(-rows // v) * (h * v + 2)
        content = decompress_segments(page, [source.read_at(offset, count)], size, rows)[0]
        part = _convert(content, page, width, rows)
        room = pixels[top : top + rows, left : left + width]
        room[...] = part[: room.shape[0], : room.shape[1]]
    return pixels


def _convert(content: bytes, page: TiffPage, width: int, rows: int) -> NDArray[np.uint8]:
    values: dict[int, Sequence[int]] = {
        tag.WIDTH: [width],
        tag.HEIGHT: [rows],
        tag.DEPTHS: [8, 8, 8],
        tag.COMPRESSION: [kinds.NONE],
        tag.PHOTOMETRIC: [page.photometric],
        tag.CHANNELS: [3],
        tag.ROWS_PER_STRIP: [rows],
        tag.SUBSAMPLING: page.subsampling,
    }
    found = cv2.imdecode(np.frombuffer(write_tiff(values, [content]), np.uint8), cv2.IMREAD_COLOR)
    if found is None:
        raise DamagedError("its colours cannot be converted")
    return np.asarray(cv2.cvtColor(found, cv2.COLOR_BGR2RGB), np.uint8)
