"""BMP files: where each colour lies in a pixel, and pixels of files that are not compressed.

OpenCV takes the lowest byte of a pixel for blue, whatever the file says, and takes files of OS/2 for grey ones.
Sources: Windows BITMAPCOREHEADER to BITMAPV5HEADER, OS/2 BITMAPINFOHEADER2.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from core.imaging.byte_source import ByteSource
from core.imaging.cancelling import NEVER, CancelToken
from core.imaging.errors import HeaderError, UnsupportedError

PLAIN, RLE_8, RLE_4, MASKS, _MASKS_WITH_ALPHA = 0, 1, 2, 3, 6
_NAMES = {4: "JPEG", 5: "PNG", 11: "CMYK", 12: "CMYK RLE", 13: "CMYK RLE"}
_OS2_NAMES = {3: "Huffman", 4: "RLE24"}
_OS2_HEADERS = (16, 64)
_CORE_HEADER, _WITH_MASKS = 12, 52  # lengths of headers; the masks are in those of at least the second
# Red, green, blue and alpha where no masks are stated.
_USUAL_MASKS = {16: (0x7C00, 0x3E0, 0x1F, 0), 24: (0xFF0000, 0xFF00, 0xFF, 0), 32: (0xFF0000, 0xFF00, 0xFF, 0)}
_BYTES_AT_ONCE = 2**24
_SAVE_AS = "save it with 24 bits a pixel and without compression"


@dataclass(frozen=True, slots=True)
class BmpLayout:
    """How the pixels of a BMP file are stored."""

    width: int
    height: int
    top_down: bool
    bits: int  # of a pixel
    compression: int
    place: int  # of the pixels
    masks: tuple[int, int, int, int]  # of red, green, blue and alpha; 0 of what has none, and of a palette
    palette: tuple[int, int, int]  # where it is, how many colours, bytes of each
    coded: int  # bytes of run-length coded data, where stated

    @property
    def row_bytes(self) -> int:
        return (self.width * self.bits + 31) // 32 * 4


def read_layout(source: ByteSource) -> BmpLayout:
    """Raises HeaderError, UnsupportedError and struct.error."""
    place, length = source.unpack_at("<II", 10)
    compression = coded = colours = 0
    if length == _CORE_HEADER:
        width, height, _, bits = source.unpack_at("<HHHH", 18)
    else:
        width, height, _, bits = source.unpack_at("<iiHH", 18)
        if length >= 40:
            compression, coded, _, _, colours = source.unpack_at("<IIiiI", 30)
    if width <= 0 or height == 0:
        raise HeaderError("damaged, its size is not positive")
    _check_kind(compression, bits, os2=length in _OS2_HEADERS)
    masks, after = _USUAL_MASKS.get(bits, (0, 0, 0, 0)), 14 + length
    if compression in (MASKS, _MASKS_WITH_ALPHA):
        alpha = length > _WITH_MASKS or compression == _MASKS_WITH_ALPHA
        stated = source.unpack_at("<IIII" if alpha else "<III", 54)
        masks = (*stated[:3], stated[3] if alpha else 0)
        after += 0 if length >= _WITH_MASKS else 4 * len(stated)
        if bits < 16:
            masks = (0, 0, 0, 0)
    if bits > 8 and not any(masks[:3]):
        raise HeaderError("damaged, its colours lie in no bits of a pixel")
    for mask in masks:
        low = mask & -mask
        if mask and (mask // low + 1) & (mask // low):
            raise UnsupportedError(f"its colours do not lie in bits beside each other; {_SAVE_AS}")
    size = 3 if length == _CORE_HEADER else 4
    count = min(colours or 2**bits, 2**bits, max(0, place - after) // size) if bits <= 8 else 0
    return BmpLayout(width, abs(height), height < 0, bits, compression, place, masks, (after, count, size), coded)


def _check_kind(compression: int, bits: int, *, os2: bool) -> None:
    if os2 and compression in _OS2_NAMES:
        raise UnsupportedError(f"its {_OS2_NAMES[compression]} compression cannot be read; {_SAVE_AS}")
    if compression not in (PLAIN, RLE_8, RLE_4, MASKS, _MASKS_WITH_ALPHA):
        name = _NAMES.get(compression)
        what = f"{name} compression" if name else f"compression, number {compression},"
        raise UnsupportedError(f"its {what} cannot be read; {_SAVE_AS}")
    if bits not in (1, 2, 4, 8, 16, 24, 32):
        raise UnsupportedError(f"{bits} bits a pixel cannot be read; {_SAVE_AS}")
    if compression in (RLE_8, RLE_4) and bits != {RLE_8: 8, RLE_4: 4}[compression]:
        raise HeaderError(f"damaged, it has {bits} bits a pixel, but another number in its compression")


def decode_bmp(source: ByteSource, layout: BmpLayout, step: int = 1, cancel: CancelToken = NEVER) -> NDArray[np.uint8]:
    """The pixels of a file without compression: grey (h, w) or RGB (h, w, 3). With `step`, every so manieth of them.

    Raises CancelledError.
    """
    palette = _read_palette(source, layout) if layout.bits <= 8 else None
    grey = palette is not None and bool((palette == palette[:, :1]).all())
    rows = range(0, layout.height, step)
    shape = (len(rows), -(-layout.width // step))
    pixels = np.empty(shape if grey else (*shape, 3), np.uint8)
    together = max(1, _BYTES_AT_ONCE // layout.row_bytes) if step == 1 else 1
    for start in range(0, len(rows), together):
        cancel.check()
        top = rows[start]
        count = min(together, layout.height - top)
        stored = _read_rows(source, layout, top, count)
        if palette is not None:
            numbers = _unpack(stored, layout)[:, ::step]
            pixels[start : start + count] = palette[numbers, 0] if grey else palette[numbers]
        else:
            _unmask(stored, layout, step, pixels[start : start + count])
    return pixels


def _read_rows(source: ByteSource, layout: BmpLayout, top: int, count: int) -> NDArray[np.uint8]:
    """Rows of the image from `top` on, as stored, (count, row_bytes)."""
    first = top if layout.top_down else layout.height - top - count
    data = source.read_at(layout.place + first * layout.row_bytes, count * layout.row_bytes)
    rows = np.frombuffer(data, np.uint8).reshape(count, layout.row_bytes)
    return rows if layout.top_down else rows[::-1]


def _unpack(rows: NDArray[np.uint8], layout: BmpLayout) -> NDArray[np.uint8]:
    """The numbers of colours, (rows, width)."""
    if layout.bits == 8:
        return rows[:, : layout.width]
    shifts = np.arange(8 - layout.bits, -1, -layout.bits, dtype=np.uint8)
    numbers = rows[:, :, None] >> shifts & np.uint8(2**layout.bits - 1)
    return np.asarray(numbers.reshape(len(rows), -1)[:, : layout.width], np.uint8)


def _read_palette(source: ByteSource, layout: BmpLayout) -> NDArray[np.uint8]:
    """RGB of each number; black for numbers that have no colour."""
    place, count, size = layout.palette
    found = np.frombuffer(source.read_at(place, count * size), np.uint8)
    found = found[: len(found) // size * size].reshape(-1, size)
    palette = np.zeros((2**layout.bits, 3), np.uint8)
    palette[: len(found)] = found[:, 2::-1]
    return palette


def _unmask(rows: NDArray[np.uint8], layout: BmpLayout, step: int, pixels: NDArray[np.uint8]) -> None:
    """Write RGB into `pixels` from rows as they are stored."""
    size = layout.bits // 8
    stored = rows[:, : layout.width * size].reshape(len(rows), layout.width, size)[:, ::step]
    bytes_of = [_byte_of(mask) for mask in layout.masks[:3]]
    if bytes_of == [2, 1, 0] and step == 1:
        code = cv2.COLOR_BGR2RGB if size == 3 else cv2.COLOR_BGRA2RGB
        pixels[...] = cv2.cvtColor(np.ascontiguousarray(stored), code)
        return
    if all(0 <= place < size for place in bytes_of):
        for channel, place in enumerate(bytes_of):
            pixels[..., channel] = stored[..., place]
        return
    numbers = np.zeros(stored.shape[:2], np.uint32)
    for place in range(size):
        numbers |= stored[..., place].astype(np.uint32) << np.uint32(8 * place)
    for channel, mask in enumerate(layout.masks[:3]):
        pixels[..., channel] = _scale((numbers & np.uint32(mask)) >> np.uint32(_low_bit(mask)), mask.bit_count())


def _scale(values: NDArray[np.uint32], bits: int) -> NDArray[np.uint32]:
    if bits > 8:
        return values >> np.uint32(bits - 8)
    return values * np.uint32(255) // np.uint32(max(1, 2**bits - 1))


def _byte_of(mask: int) -> int:
    """Which byte of a pixel the mask covers; -1 if it is not one byte."""
    low = _low_bit(mask)
    return low // 8 if mask >> low == 0xFF and low % 8 == 0 else -1


def _low_bit(mask: int) -> int:
    return max(0, (mask & -mask).bit_length() - 1)
