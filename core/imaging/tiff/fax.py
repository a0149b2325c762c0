"""Decoding CCITT Group 4 such that damage is noticed.

libtiff ends a fax in silence where it cannot read on. Here two rows that the picture does not hold are written behind
its last one, in codes that mean the same whatever row is before them: they are found at their place only if every row
before them was read as it was written. Codes are those of ITU T.4, ways of coding those of T.6.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from core.imaging.errors import DamagedError
from core.imaging.tiff import directory as tag
from core.imaging.tiff.writer import write_tiff

_END = "000000000001" * 2
_HORIZONTAL, _UNCHANGED = "001", "1"
_WHITE_0, _WHITE_2, _BLACK_2 = "00110101", "0111", "11"
# Lengths of black runs: 0 to 63, and 64, 128, ... 2560, which one of the first ends.
_BLACK_CODES = (
    "0000110111 010 11 10 011 0011 0010 00011 000101 000100 0000100 0000101 0000111 00000100 00000111 "
    "000011000 0000010111 0000011000 0000001000 00001100111 00001101000 00001101100 00000110111 00000101000 "
    "00000010111 00000011000 000011001010 000011001011 000011001100 000011001101 000001101000 000001101001 "
    "000001101010 000001101011 000011010010 000011010011 000011010100 000011010101 000011010110 000011010111 "
    "000001101100 000001101101 000011011010 000011011011 000001010100 000001010101 000001010110 000001010111 "
    "000001100100 000001100101 000001010010 000001010011 000000100100 000000110111 000000111000 000000100111 "
    "000000101000 000001011000 000001011001 000000101011 000000101100 000001011010 000001100110 000001100111"
)
_LONG_BLACK_CODES = (
    "0000001111 000011001000 000011001001 000001011011 000000110011 000000110100 000000110101 0000001101100 "
    "0000001101101 0000001001010 0000001001011 0000001001100 0000001001101 0000001110010 0000001110011 "
    "0000001110100 0000001110101 0000001110110 0000001110111 0000001010010 0000001010011 0000001010100 "
    "0000001010101 0000001011010 0000001011011 0000001100100 0000001100101 00000001000 00000001100 00000001101 "
    "000000010010 000000010011 000000010100 000000010101 000000010110 000000010111 000000011100 000000011101 "
    "000000011110 000000011111"
)
_BLACK, _LONG_BLACK = _BLACK_CODES.split(), _LONG_BLACK_CODES.split()
_BLACK_IS_ZERO, _GROUP_4 = 1, 4
_LEAST_WIDTH = 8  # of rows that the marks fit into


def decode_fax(segment: bytes, rows: int, width: int) -> bytes:
    """Rows of `width` bits, 1 where the fax is black, each filled up to whole bytes.

    Raises DamagedError if the segment does not hold exactly so many.
    """
    bits = "".join(f"{byte:08b}" for byte in segment)
    if width < _LEAST_WIDTH:
        return np.packbits(_decode(bits, rows, width), axis=1).tobytes()
    bits = bits.rstrip("0")
    # Some programs leave out the end; the last code then may end with zeros that also fill the last byte.
    stops = [len(bits) - len(_END)] if bits.endswith(_END) else range(len(bits), len(bits) + 8)
    for stop in stops:
        found = _decode(bits[:stop].ljust(stop, "0") + _mark_of(width) + _END, rows + 2, width)
        if found[rows].all() and found[rows + 1].nonzero()[0].tolist() == [2, 3]:
            return np.packbits(found[:rows], axis=1).tobytes()
    raise DamagedError(f"it does not hold the {rows:,} rows that are due")


def _mark_of(width: int) -> str:
    """A row all black, and one with black at 2 and 3."""
    beyond = width
    black = ""
    while beyond >= 64:
        length = min(beyond // 64, len(_LONG_BLACK))
        black += _LONG_BLACK[length - 1]
        beyond -= 64 * length
    return _HORIZONTAL + _WHITE_0 + black + _BLACK[beyond] + _HORIZONTAL + _WHITE_2 + _BLACK_2 + _UNCHANGED


def _decode(bits: str, rows: int, width: int) -> NDArray[np.bool_]:
    bits += "0" * (-len(bits) % 8)
    values = {
        tag.WIDTH: [width],
        tag.HEIGHT: [rows],
        tag.DEPTHS: [1],
        tag.COMPRESSION: [_GROUP_4],
        tag.PHOTOMETRIC: [_BLACK_IS_ZERO],
        tag.CHANNELS: [1],
        tag.ROWS_PER_STRIP: [rows],
    }
    data = write_tiff(values, [int(bits, 2).to_bytes(len(bits) // 8, "big")])
    try:
        found = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
    except cv2.error as error:
        raise DamagedError("it cannot be decompressed") from error
    if found is None:
        raise DamagedError("it cannot be decompressed")
    return np.asarray(found) > 0
