"""The one decoder: view, training and prediction see the same pixels, and nobody sees half an image."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.files import open_at_once
from core.imaging import window as depth
from core.imaging.bmp import decode_bmp
from core.imaging.byte_source import ByteSource
from core.imaging.cameras import Cameras, Depth, DepthScale, Kind, find_top, whole_range
from core.imaging.cancelling import NEVER, CancelToken
from core.imaging.errors import DamagedError, HeaderError, UnsupportedError
from core.imaging.foreign_kinds import name_foreign_kind
from core.imaging.headers import ImageHeader, read_header
from core.imaging.jpeg import decode_jpeg
from core.imaging.limits import SUSPICIOUS_PIXELS, SUSPICIOUS_RATIO, max_pixels
from core.imaging.png_bands import Progress, can_decode_bands, decode_bands
from core.imaging.tiff.colours import read_tiff
from core.imaging.window import Window

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".png", ".bmp", ".tif", ".tiff", ".webp"})
MAX_BYTES = 3 * 2**30
_LARGE_BITS = 8 * 2**26  # of a PNG that is decoded in bands: about half a second
_TELLING = 2**16  # bytes of a file, from which its kind is known
_SHIFTED_AT_ONCE = 2**20  # samples
_NEARLY_BLACK = 8  # the part of its depth scale, one in so many, that an image is too dark to be seen in
_TWELVE_BITS = 2**12
_EIGHT_BITS = Kind(3, 8)

_Sample = TypeVar("_Sample", np.uint8, np.uint16)

# What is wrong with a file is in our own errors; OpenCV would write it to the terminal as well.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


class ImageError(InputError):
    """An image file that cannot be used; the text names the file and the reason."""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A decoded image, and what a person should know of how its file was read."""

    pixels: NDArray[np.uint8]  # upright: (h, w, 3) RGB, or (h, w) of a grey file
    notices: tuple[str, ...] = ()
    kind: Kind = _EIGHT_BITS  # how the file stores it
    about_depth: tuple[str, ...] = ()  # of the notices, those of an image above 8 bits
    window: Window | None = None  # that it was read through


def decode(path: Path | str, window: DepthScale = None) -> NDArray[np.uint8]:
    """The upright image as RGB, shape (h, w, 3).

    JPEG, PNG, BMP, TIFF (its first page) and WebP, told by content, not by suffix. Grey and palette images
    become RGB, transparency is dropped, Exif orientation is applied. 16 bits become 8 through `window`, that of
    their camera where cameras are given (see `_to_8_bits`); images of 8 bits have no use for it.
    Raises ImageError if the file is missing, of another kind, truncated, damaged or larger than `max_pixels`.
    """
    return decode_bytes(read_bytes(path), path, window=window)


def decode_bytes(data: bytes, path: Path | str, *, shrink: int = 1, window: DepthScale = None) -> NDArray[np.uint8]:
    """As `decode`, for a file's content; `path` is for messages.

    With `shrink` 2, 4 or 8 a JPEG is decoded at that fraction of its size, in a fraction of the time; other
    formats come whole.
    """
    return as_rgb(picture_of(data, path, shrink=shrink, window=window).pixels)


def read_picture(
    path: Path | str,
    window: DepthScale = None,
    *,
    cancel: CancelToken = NEVER,
    progress: Progress | None = None,
) -> Picture:
    """As `decode`, but grey files stay grey, a third of the memory, and with what is to be said of the file.

    `cancel` is looked at between the steps: in TIFF, BMP and PNG every few megabytes. `progress` is called with the
    share that is decoded, of large PNG alone. Raises CancelledError, too.
    """
    data = read_bytes(path)
    cancel.check()
    return picture_of(data, path, window=window, cancel=cancel, progress=progress)


def notices(path: Path | str) -> tuple[str, ...]:
    """What a person should know of an image that can be used, such as that only its first page is. Raises ImageError."""
    return read_picture(path).notices


def picture_of(
    data: bytes,
    path: Path | str,
    *,
    shrink: int = 1,
    window: DepthScale = None,
    cancel: CancelToken = NEVER,
    progress: Progress | None = None,
) -> Picture:
    """As `read_picture`, for a file's content."""
    header = checked_header(data, path)
    cancel.check()
    raw = _decoded(data, header, path, shrink, cancel, progress)
    cancel.check()
    shown = to_shown(raw, header, window, path)
    return replace(shown, pixels=upright(shown.pixels, header.orientation))


def to_shown(raw: NDArray[np.generic], header: ImageHeader, window: DepthScale, path: Path | str) -> Picture:
    """Decoded samples as 8 bits, not turned, and what is to be said of them. Raises ImageError."""
    kind = _kind_of(raw, header)
    if raw.dtype == np.uint8:
        return Picture(raw.view(np.uint8), header.notices, kind)
    about_depth: tuple[str, ...] = ()
    if isinstance(window, Cameras):
        camera = window.find(path, kind, header.upright_size)
        about_depth = () if camera else (f"{kind}: no depth scale is set for it, its whole range is shown",)
        window = camera.window if camera else whole_range()
    pixels, about_scale = _to_8_bits(_sixteen_bits(raw, path), header, window)
    about_depth += about_scale
    return Picture(pixels, header.notices + about_depth, kind, about_depth, window)


def examine(data: bytes, path: Path | str) -> Depth:
    """Decode a file's content for its size and what its scale depends on. Raises ImageError as `decode` does."""
    header = checked_header(data, path)
    raw = _decoded(data, header, path)
    kind = _kind_of(raw, header)
    top = find_top(_sixteen_bits(raw, path)) if kind.is_deep else 0
    return Depth(*header.upright_size, kind, top, header.notices)


def _kind_of(raw: NDArray[np.generic], header: ImageHeader) -> Kind:
    return Kind(1 if raw.ndim == 2 else 3, 8 if raw.dtype == np.uint8 else max(9, header.sample_bits))


def as_rgb(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Grey pixels (h, w) as (h, w, 3); RGB as it is."""
    return pixels if pixels.ndim == 3 else np.asarray(cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB), np.uint8)


def samples(path: Path | str) -> NDArray[np.uint16]:
    """The values of an image of 16 bits as stored, (h, w) or (h, w, 3), not turned. Raises ImageError, for 8 bits too."""
    data = read_bytes(path)
    raw = _decoded(data, checked_header(data, path), path)
    if raw.dtype == np.uint8:
        raise ImageError(f"{path}: it has 8 bits a sample, all of which are shown; choose an image of 16 bits")
    return _sixteen_bits(raw, path)


def upright_samples(data: bytes, path: Path | str) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """A file's content as grey (h, w) or RGB (h, w, 3) of 8 or 16 bits, as stored but upright. Raises ImageError."""
    header = checked_header(data, path)
    raw = _decoded(data, header, path)
    if raw.dtype == np.uint8:
        return upright(raw.view(np.uint8), header.orientation)
    return upright(_sixteen_bits(raw, path), header.orientation)


# Reading


def read_bytes(path: Path | str) -> bytes:
    """The content of the file. Raises ImageError."""
    with open_source(path) as source:
        return source.stream.read()


@contextmanager
def open_source(path: Path | str) -> Iterator[ByteSource]:
    """A file that is read by parts; what the disk refuses on the way is told, too. Raises ImageError."""
    try:
        file = open_at_once(path)
    except OSError as error:
        raise make_refusal(path, error) from error
    except ValueError as error:
        raise ImageError(f"{path!r}: not a valid file name") from error
    try:
        with file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise ImageError(f"{path}: not a file but a {_kind(found.st_mode)}; choose an image file")
            if found.st_size > MAX_BYTES:
                raise ImageError(
                    f"{path}: {found.st_size / 2**30:.1f} GiB is more than an image may have; cut it into parts"
                )
            yield ByteSource(file, found.st_size)
    except OSError as error:
        raise make_refusal(path, error) from error


def make_refusal(path: Path | str, error: OSError) -> ImageError:
    """What a user is told where the disk refuses to give a file."""
    return ImageError(f"{path}: cannot be read ({error.strerror}); check the path and the permissions")


def _kind(mode: int) -> str:
    return "folder" if stat.S_ISDIR(mode) else "pipe" if stat.S_ISFIFO(mode) else "device"


def image_size(path: Path | str) -> tuple[int, int]:
    """Width and height of the upright image, from the header alone. Raises ImageError as `decode` does."""
    return checked_header(read_bytes(path), path).upright_size


def checked_header(data: bytes, path: Path | str) -> ImageHeader:
    """The header of a file that is complete and of a size that can be decoded. Raises ImageError."""
    return check_source(ByteSource.of_bytes(data), path)


def check_source(source: ByteSource, path: Path | str) -> ImageHeader:
    """As `checked_header`, of a file that is not held in memory. Raises ImageError."""
    if not source.size:
        raise ImageError(f"{path}: the file is empty (0 bytes); copy it again")
    try:
        header = read_header(source)
    except UnsupportedError as error:
        raise ImageError(f"{path}: {error}") from error
    except HeaderError as error:
        raise ImageError(f"{path}: {error}; copy or export it again") from error
    if header is None:
        kind = name_foreign_kind(source.read_at(0, _TELLING))
        raise ImageError(
            f"{path}: not an image that can be read{f' ({kind})' if kind else ''}; use JPEG, PNG, BMP, TIFF or WebP"
        )
    pixels, limit = header.width * header.height, max_pixels()
    if pixels > limit:
        raise ImageError(
            f"{path}: {header.width:,} x {header.height:,} pixels are more than the {limit:,} allowed; "
            "cut it into parts, or raise the limit in Settings"
        )
    if pixels > SUSPICIOUS_PIXELS and pixels * header.bits // 8 > SUSPICIOUS_RATIO * source.size:
        raise ImageError(
            f"{path}: {source.size:,} bytes cannot hold a photograph of {header.width:,} x {header.height:,} pixels; "
            "if it is one all the same, save it with less compression"
        )
    return header


# Pixels


def _decoded(
    data: bytes,
    header: ImageHeader,
    path: Path | str,
    shrink: int = 1,
    cancel: CancelToken = NEVER,
    progress: Progress | None = None,
) -> NDArray[np.generic]:
    """As stored, but in RGB order: (h, w) or (h, w, 3)."""
    damaged = f"{path}: damaged, its {header.format} data cannot be decoded"
    source = ByteSource.of_bytes(data)
    try:
        if header.format == "JPEG":
            return decode_jpeg(data, header.width, header.height, header.channels, shrink)
        if header.bmp is not None:
            return decode_bmp(source, header.bmp, cancel=cancel)
        if header.page is not None:
            return read_tiff(source, header.page, cancel=cancel)
        if _worth_bands(source, header, cancel, progress):
            return decode_bands(source, cancel, progress)
    except UnsupportedError as error:
        raise ImageError(f"{path}: {error}") from error
    except DamagedError as error:
        raise ImageError(f"{damaged} ({error}); copy or export it again") from error
    try:
        raw = cv2.imdecode(np.frombuffer(_without(data, header.skipped), np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise ImageError(f"{damaged} ({error.err}); copy or export it again") from error
    if raw is None:
        raise ImageError(f"{damaged}; copy or export it again")
    return _in_rgb(raw, path)


def _worth_bands(source: ByteSource, header: ImageHeader, cancel: CancelToken, progress: Progress | None) -> bool:
    """Whether a PNG takes so long that who waits for it wants to stop it, or to see how far it is."""
    return (cancel is not NEVER or progress is not None) and is_long_png(source, header)


def is_long_png(source: ByteSource, header: ImageHeader) -> bool:
    """Whether the file is a PNG that takes half a second and more, and can be decoded in bands."""
    large = header.width * header.height * header.bits > _LARGE_BITS
    return large and header.format == "PNG" and can_decode_bands(source)


def _without(data: bytes, spans: tuple[tuple[int, int], ...]) -> bytes:
    if not spans:
        return data
    starts, ends = [0, *(end for _, end in spans)], [*(start for start, _ in spans), len(data)]
    view = memoryview(data)
    return b"".join(view[start:end] for start, end in zip(starts, ends, strict=True))


def _in_rgb(image: NDArray[np.generic], path: Path | str) -> NDArray[np.generic]:
    channels = 1 if image.ndim == 2 else image.shape[2]
    if channels <= 2:  # the second is transparency
        return image if image.ndim == 2 else np.ascontiguousarray(image[:, :, 0])
    if channels > 4:
        raise ImageError(f"{path}: {channels} channels cannot be used; save it as grey or RGB")
    if image.dtype not in (np.uint8, np.uint16):
        return image  # refused by its depth
    whole = cast("NDArray[np.uint8]", image)
    if channels == 3:
        # In place: a large image is not held twice.
        return np.asarray(cv2.cvtColor(whole, cv2.COLOR_BGR2RGB, dst=whole))
    return np.asarray(cv2.cvtColor(whole, cv2.COLOR_BGRA2RGB))


def upright(image: NDArray[_Sample], orientation: int) -> NDArray[_Sample]:
    """Apply an Exif orientation (1 to 8) to an image of shape (h, w) or (h, w, 3); the result is contiguous."""
    if orientation >= 5:
        image = image.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        image = image[::-1]
    if orientation in (2, 3, 6, 7):
        image = image[:, ::-1]
    return np.ascontiguousarray(image)


def _sixteen_bits(raw: NDArray[np.generic], path: Path | str) -> NDArray[np.uint16]:
    if raw.dtype != np.uint16:
        raise ImageError(f"{path}: {raw.dtype} samples cannot be used; save it with 8 or 16 bits a sample")
    return raw.view(np.uint16)


def _to_8_bits(
    samples: NDArray[np.uint16], header: ImageHeader, window: Window | None
) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """8 bits a sample through the window, and what the user should know.

    Without one as before projects had cameras, which old checkpoints were trained with: by shifting, and an image
    without any value above 4095 is taken as 12 bits.
    """
    most = int(samples.max())
    if window is not None:
        clipped = most > window[1] and find_top(samples) > window[1]
        said = f"it has values above {window[1]:,}, which its depth scale shows as white" if clipped else ""
        black = window[0] + (window[1] - window[0]) // _NEARLY_BLACK
        if most <= black:
            said = f"it has no value above {black:,}, while its depth scale goes to {window[1]:,}: it looks black"
        return depth.through_window(samples, window), (said,) if said else ()
    bits, said = 16, f"16 bits, shown by the upper 8 (its highest value is {most:,}): a depth scale shows more"
    if 8 < header.significant_bits < 16 and header.format == "TIFF":
        # PNG scales samples up to 16 bits and tells their origin; TIFF leaves them as they are.
        bits = max(header.significant_bits, most.bit_length())
        said = f"{bits} bits, shown by the upper 8: a depth scale shows more"
    elif most < _TWELVE_BITS and not (header.page is not None and header.page.bits < 16):
        bits, said = 12, "taken as 12 bits, as no value is above 4,095: set a depth scale if that is wrong"
    return _upper_bits(samples, bits - 8), (said,)


def _upper_bits(samples: NDArray[np.uint16], shift: int) -> NDArray[np.uint8]:
    """The samples without their lowest bits, in bundles of rows: no second large image of 16 bits is made."""
    result = np.empty(samples.shape, np.uint8)
    step = max(1, _SHIFTED_AT_ONCE // max(1, samples[:1].size))
    for top in range(0, len(samples), step):
        result[top : top + step] = samples[top : top + step] >> np.uint16(shift)
    return result
