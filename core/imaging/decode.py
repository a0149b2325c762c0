"""The one decoder: view, training and prediction see the same pixels, and nobody sees half an image."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.imaging.headers import HeaderError, ImageHeader, read_header

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".png", ".bmp", ".tif", ".tiff", ".webp"})
MAX_PIXELS = 2**28  # 16,384 x 16,384; 0.8 GB once decoded
MAX_BYTES = 3 * 2**30  # more than MAX_PIXELS need without compression, with 16 bits and transparency
_COLOR_CODES = {1: cv2.COLOR_GRAY2RGB, 3: cv2.COLOR_BGR2RGB, 4: cv2.COLOR_BGRA2RGB}
_TWELVE_BITS = 2**12

# What is wrong with a file is in our own errors; OpenCV would write it to the terminal as well.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


class ImageError(InputError):
    """An image file that cannot be used; the text names the file and the reason."""


def decode(path: Path | str) -> NDArray[np.uint8]:
    """The upright image as RGB, shape (h, w, 3).

    JPEG, PNG, BMP, TIFF (its first page) and WebP, told by content, not by suffix. Grey and palette images
    become RGB, transparency is dropped, 16 bits become 8 (see `_to_8_bits`), Exif orientation is applied.
    Raises ImageError if the file is missing, of another kind, truncated, damaged or larger than MAX_PIXELS.
    """
    return decode_bytes(read_bytes(path), path)


def read_bytes(path: Path | str) -> bytes:
    """The content of the file. Raises ImageError."""
    try:
        # Non-blocking, so that opening a pipe does not wait for somebody to write into it.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(handle, "rb") as file:
            found = os.fstat(handle)
            if not stat.S_ISREG(found.st_mode):
                raise ImageError(f"{path}: not a file but a {_kind(found.st_mode)}; choose an image file")
            if found.st_size > MAX_BYTES:
                raise ImageError(
                    f"{path}: {found.st_size / 2**30:.1f} GiB is more than an image may have; cut it into parts"
                )
            return file.read()
    except OSError as error:
        raise ImageError(f"{path}: cannot be read ({error.strerror}); check the path and the permissions") from error
    except ValueError as error:
        raise ImageError(f"{path!r}: not a valid file name") from error


def _kind(mode: int) -> str:
    return "folder" if stat.S_ISDIR(mode) else "pipe" if stat.S_ISFIFO(mode) else "device"


def decode_bytes(data: bytes, path: Path | str, *, shrink: int = 1) -> NDArray[np.uint8]:
    """As `decode`, for a file's content; `path` is for messages.

    With `shrink` 2, 4 or 8 a JPEG is decoded at that fraction of its size, in a fraction of the time; other
    formats come whole.
    """
    header = checked_header(data, path)
    reduced = {2: cv2.IMREAD_REDUCED_COLOR_2, 4: cv2.IMREAD_REDUCED_COLOR_4, 8: cv2.IMREAD_REDUCED_COLOR_8}
    flags = cv2.IMREAD_UNCHANGED
    if shrink > 1 and header.format == "JPEG":
        flags = reduced[shrink] | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        raw = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise ImageError(f"{path}: damaged, its {header.format} data cannot be decoded ({error.err})") from error
    if raw is None:
        raise ImageError(f"{path}: damaged, its {header.format} data cannot be decoded; export it again")
    rgb = _to_rgb(_to_8_bits(raw, header, path), path)
    # OpenCV turns TIFF in every mode, and the others in none that keeps 16 bits.
    return rgb if header.format == "TIFF" else upright(rgb, header.orientation)


def image_size(path: Path | str) -> tuple[int, int]:
    """Width and height of the upright image, from the header alone. Raises ImageError as `decode` does."""
    header = checked_header(read_bytes(path), path)
    return (header.height, header.width) if header.orientation >= 5 else (header.width, header.height)


def checked_header(data: bytes, path: Path | str) -> ImageHeader:
    """The header of a file that is complete and of a size that can be decoded. Raises ImageError."""
    if not data:
        raise ImageError(f"{path}: the file is empty (0 bytes); copy it again")
    try:
        header = read_header(data)
    except HeaderError as error:
        raise ImageError(f"{path}: {error}; copy or export it again") from error
    if header is None:
        raise ImageError(f"{path}: not an image that can be read; use JPEG, PNG, BMP, TIFF or WebP")
    if header.width * header.height > MAX_PIXELS:
        raise ImageError(
            f"{path}: {header.width:,} x {header.height:,} pixels are more than {MAX_PIXELS:,}; cut it into parts"
        )
    return header


def upright(image: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Apply an Exif orientation (1 to 8) to an image of shape (h, w, 3); the result is contiguous."""
    if orientation >= 5:
        image = image.transpose(1, 0, 2)
    if orientation in (3, 4, 7, 8):
        image = image[::-1]
    if orientation in (2, 3, 6, 7):
        image = image[:, ::-1]
    return np.ascontiguousarray(image)


def _to_8_bits(image: NDArray[np.generic], header: ImageHeader, path: Path | str) -> NDArray[np.uint8]:
    """8 bits a sample, by shifting: the same scale for every image of a camera.

    12-bit cameras store their values in the low bits of 16, and most files do not say so: a 16-bit image without
    any value above 4095 is taken as 12 bits, where it would otherwise be black.
    """
    if image.dtype == np.uint8:
        return image.view(np.uint8)
    if image.dtype != np.uint16:
        raise ImageError(f"{path}: {image.dtype} samples cannot be used; save it with 8 or 16 bits a sample")
    samples = image.view(np.uint16)
    bits = 12 if samples.max() < _TWELVE_BITS else 16
    if 8 < header.significant_bits < 16 and header.format == "TIFF":
        # PNG scales samples up to 16 bits and tells their origin; TIFF leaves them as they are.
        bits = max(header.significant_bits, int(samples.max()).bit_length())
    return (samples >> (bits - 8)).astype(np.uint8)


def _to_rgb(image: NDArray[np.uint8], path: Path | str) -> NDArray[np.uint8]:
    channels = 1 if image.ndim == 2 else image.shape[2]
    if channels == 2:
        image, channels = np.ascontiguousarray(image[:, :, 0]), 1  # grey with transparency
    if channels not in _COLOR_CODES:
        raise ImageError(f"{path}: {channels} channels cannot be used; save it as grey or RGB")
    rgb = cv2.cvtColor(image, _COLOR_CODES[channels])
    return np.asarray(rgb, np.uint8)


def cpu_count() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
