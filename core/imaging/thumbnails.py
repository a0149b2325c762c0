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
from core.imaging.cancelling import NEVER, CancelToken
from core.imaging.decode import (
    ImageError,
    as_rgb,
    check_source,
    checked_header,
    decode_bytes,
    is_long_png,
    make_refusal,
    open_source,
    picture_of,
    read_bytes,
    to_shown,
    upright,
)
from core.imaging.errors import DamagedError
from core.imaging.png_bands import reduce_bands

_VERSION = 1  # of how thumbnails are made: raise it to have them made anew


def thumbnail(
    path: Path, size: int, cache: Path | None, window: DepthScale = None, cancel: CancelToken = NEVER
) -> NDArray[np.uint8]:
    """The upright image, fitted into `size` x `size` pixels, as RGB; never enlarged. 16 bits are read through `window`.

    Taken from `cache` (a folder; None: no cache) while the file's size and time of change are the same. Of a long PNG
    only bands are held, and `cancel` is looked at between them, as between the parts of TIFF and BMP.
    May be called in any thread. Raises ImageError naming the file, as `decode` does, and CancelledError.
    """
    # Asked before the file is read: one that changes meanwhile has another place, and is read again there.
    cached = _find_place(path, size, cache, window)
    if (kept := _read_cached(cached)) is not None:
        return kept
    cancel.check()
    small = _reduced(path, size, window, cancel)
    if small is None:
        small = shrunk(read_bytes(path), path, size, window, cancel)
    _write_cached(cached, small)
    return small


def find_kept(path: Path, size: int, cache: Path | None, window: DepthScale = None) -> NDArray[np.uint8] | None:
    """The thumbnail of the file as it is now, if it is in `cache`. Raises ImageError where there is no file."""
    return _read_cached(_find_place(path, size, cache, window))


def keep(small: NDArray[np.uint8], path: Path, size: int, cache: Path | None, window: DepthScale = None) -> None:
    """Have `small` found as the thumbnail of the file as it is now. Raises ImageError where there is no file."""
    _write_cached(_find_place(path, size, cache, window), small)


def _find_place(path: Path, size: int, cache: Path | None, window: DepthScale) -> Path | None:
    try:
        stat = path.stat()
    except OSError as error:
        raise make_refusal(path, error) from error
    described = (_VERSION, path, stat.st_size, stat.st_mtime_ns, size, name_scale(window, path))
    name = hashlib.blake2b("\0".join(map(str, described)).encode(errors="surrogateescape"), digest_size=16).hexdigest()
    return cache / name[:2] / f"{name}.jpg" if cache is not None else None


def shrunk(
    data: bytes, path: Path, size: int, window: DepthScale = None, cancel: CancelToken = NEVER
) -> NDArray[np.uint8]:
    """Decode a file's content and fit it into `size` x `size` pixels."""
    header = checked_header(data, path)
    longest = max(header.width, header.height)
    # Twice the wanted size is kept for the final averaging, so that thin defects do not vanish.
    shrink = next((factor for factor in (8, 4, 2) if longest // factor >= 2 * size), 1)
    return fit(picture_of(data, path, shrink=shrink, window=window, cancel=cancel).pixels, size)


def fit(image: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """The image, (h, w, 3) or (h, w), as RGB of at most `size` x `size` pixels."""
    height, width = image.shape[:2]
    scale = size / max(height, width)
    if scale >= 1:
        return as_rgb(image)
    target = (max(1, round(width * scale)), max(1, round(height * scale)))
    return as_rgb(np.asarray(cv2.resize(image, target, interpolation=cv2.INTER_AREA), np.uint8))


def _reduced(path: Path, size: int, window: DepthScale, cancel: CancelToken) -> NDArray[np.uint8] | None:
    """The thumbnail of a long PNG, of which neither the file nor its pixels are held; None for any other file."""
    with open_source(path) as source:
        if not source.read_at(0, 8).startswith(b"\x89PNG"):
            return None
        header = check_source(source, path)
        if not is_long_png(source, header):
            return None
        # Of a thin image some rows have to be left.
        factor = max(1, min(max(header.width, header.height) // (2 * size), min(header.width, header.height) // 16))
        try:
            raw = reduce_bands(source, factor, cancel)
        except DamagedError as error:
            raise ImageError(
                f"{path}: damaged, its PNG data cannot be decoded ({error}); copy or export it again"
            ) from error
    return fit(upright(to_shown(raw, header, window, path).pixels, header.orientation), size)


def _read_cached(path: Path | None) -> NDArray[np.uint8] | None:
    if path is None:
        return None
    try:
        data = path.read_bytes()
    except OSError:
        return None  # mostly: not made yet
    try:
        return decode_bytes(data, path)
    except ImageError:
        return None  # damaged: it is made anew


def _write_cached(path: Path | None, small: NDArray[np.uint8]) -> None:
    if path is None:
        return
    done, encoded = cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 90])
    # A full disk or a cache that cannot be written costs time the next time, not the picture.
    if done:
        with suppress(OSError):
            files.write_bytes(path, encoded.tobytes())
