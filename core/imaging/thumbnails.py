"""Small pictures for lists, kept in the project's cache folder. The folder can be deleted at any time."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from core import files
from core.imaging.cameras import DepthScale, name_scale
from core.imaging.decode import ImageError, as_rgb, checked_header, decode_bytes, picture_of, read_bytes

_VERSION = 1  # of how thumbnails are made: raise it to have them made anew


def thumbnail(path: Path, size: int, cache: Path | None, window: DepthScale = None) -> NDArray[np.uint8]:
    """The upright image, fitted into `size` x `size` pixels, as RGB; never enlarged. 16 bits are read through `window`.

    Taken from `cache` (a folder; None: no cache) while the file's size and time of change are the same.
    May be called in any thread. Raises ImageError naming the file, as `decode` does.
    """
    try:
        stat = path.stat()
    except OSError as error:
        raise ImageError(f"{path}: cannot be read ({error.strerror}); check the path and the permissions") from error
    described = (_VERSION, path, stat.st_size, stat.st_mtime_ns, size, name_scale(window, path))
    name = hashlib.blake2b("\0".join(map(str, described)).encode(errors="surrogateescape"), digest_size=16).hexdigest()
    cached = cache / name[:2] / f"{name}.jpg" if cache is not None else None
    if cached is not None and (kept := _read_cached(cached)) is not None:
        return kept
    small = shrunk(read_bytes(path), path, size, window)
    if cached is not None:
        done, encoded = cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 90])
        # A full disk or a cache that cannot be written costs time the next time, not the picture.
        if done:
            with suppress(OSError):
                files.write_bytes(cached, encoded.tobytes())
    return small


def shrunk(data: bytes, path: Path, size: int, window: DepthScale = None) -> NDArray[np.uint8]:
    """Decode a file's content and fit it into `size` x `size` pixels."""
    header = checked_header(data, path)
    longest = max(header.width, header.height)
    # Twice the wanted size is kept for the final averaging, so that thin defects do not vanish.
    shrink = next((factor for factor in (8, 4, 2) if longest // factor >= 2 * size), 1)
    image = picture_of(data, path, shrink=shrink, window=window).pixels
    height, width = image.shape[:2]
    scale = size / max(height, width)
    if scale >= 1:
        return as_rgb(image)
    target = (max(1, round(width * scale)), max(1, round(height * scale)))
    return as_rgb(np.asarray(cv2.resize(image, target, interpolation=cv2.INTER_AREA), np.uint8))


def _read_cached(path: Path) -> NDArray[np.uint8] | None:
    try:
        data = path.read_bytes()
    except OSError:
        return None  # mostly: not made yet
    try:
        return decode_bytes(data, path)
    except ImageError:
        return None  # damaged: it is made anew
