"""Copying images into an export, so that readers which honour Exif orientation and those which ignore it agree."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from core.formats.frames import Frame
from core.imaging.decode import ImageError, checked_header, read_bytes, upright, upright_samples
from core.imaging.headers import ImageHeader

Pixels = NDArray[np.uint8] | NDArray[np.uint16]

_PIECE = 2**20


class PictureError(Exception):
    """The image cannot be copied; the text says why."""


def copy_as_is(source: Path, target: Path) -> str:
    """Copy a file, byte by byte; the hash of its content, as projects keep it. Raises PictureError, OSError on writing."""
    digest = hashlib.blake2b(digest_size=16)
    try:
        reading = source.open("rb")
    except OSError as error:
        raise PictureError(f"cannot be read ({error.strerror})") from error
    with reading, target.open("xb") as writing:
        while True:
            try:
                piece = reading.read(_PIECE)
            except OSError as error:
                raise PictureError(f"cannot be read ({error.strerror})") from error
            if not piece:
                return digest.hexdigest()
            digest.update(piece)
            writing.write(piece)


def copy_upright(source: Path, target: Path, frame: Frame) -> str:
    """Write the upright image as PNG, which loses nothing; the hash of the original's content. Raises PictureError."""
    try:
        data = read_bytes(source)
        header = checked_header(data, source)
    except ImageError as error:
        raise PictureError(str(error).removeprefix(f"{source}: ")) from error
    pixels = (
        _with_transparency(data, header) if header.format in ("PNG", "WebP") else _as_the_program_reads(data, source)
    )
    if pixels.shape[:2] != (frame.height, frame.width):
        raise PictureError("it was changed while it was read")
    done, encoded = cv2.imencode(".png", pixels)
    if not done:
        raise PictureError("it cannot be written as PNG")
    with target.open("xb") as file:
        file.write(encoded.tobytes())
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def _with_transparency(data: bytes, header: ImageHeader) -> Pixels:
    """The upright image in OpenCV's order of channels."""
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise PictureError(f"its {header.format} data cannot be decoded") from error
    if pixels is None or pixels.dtype not in (np.uint8, np.uint16):
        raise PictureError(f"its {header.format} data cannot be decoded")
    return upright(cast("NDArray[np.uint8]", pixels), header.orientation)


def _as_the_program_reads(data: bytes, source: Path) -> Pixels:
    """The upright image as the program reads it."""
    try:
        pixels = upright_samples(data, source)
    except ImageError as error:
        raise PictureError(str(error).removeprefix(f"{source}: ")) from error
    # OpenCV's order of channels.
    return pixels if pixels.ndim == 2 else cast("Pixels", np.ascontiguousarray(pixels[..., ::-1]))
