"""Compressions that few TIFF files have, read by tifffile with the package imagecodecs, which is not always installed."""

from __future__ import annotations

import importlib.util
import io
import logging
import struct

import numpy as np

from core.imaging.byte_source import ByteSource
from core.imaging.errors import DamagedError, UnsupportedError
from core.imaging.tiff.page import JPEG, TiffPage, name_compression
from core.imaging.tiff.samples import Samples


def read_by_tifffile(source: ByteSource, page: TiffPage) -> Samples:
    """The samples (h, w, channels) as stored. Raises DamagedError, and UnsupportedError without imagecodecs."""
    name = f"JPEG compression with {page.bits} bits" if page.compression == JPEG else name_compression(page.compression)
    if importlib.util.find_spec("imagecodecs") is None:
        raise UnsupportedError(
            f"its {name} needs the Python package imagecodecs, which is not installed; "
            "install it (uv sync --extra codecs), or save the image with LZW or Deflate"
        )
    for offset, count in zip(page.offsets, page.counts, strict=False):
        _check_size(source.read_at(offset, min(count, _LONGEST_START)), page)
    import tifffile  # noqa: PLC0415  (heavy, and needed for few files)

    # What is wrong with a file is in our own errors.
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)
    data = source.read_at(0, source.size)
    # Separate channels, depth, height, width, channels together.
    channels = (page.channels, 1) if page.separate else (1, page.channels)
    shape = (channels[0], 1, page.height, page.width, channels[1])
    try:
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            file.filehandle.seek(page.place)
            found = tifffile.TiffPage(file, 0)
            if found.shaped != shape:
                raise DamagedError(f"its {name} holds another shape than its tags say")
            samples = np.asarray(found.asarray(maxworkers=1)).reshape(shape)
    except (tifffile.TiffFileError, NotImplementedError, KeyError, ImportError) as error:
        raise UnsupportedError(f"its {name} is of a kind that cannot be read; save it with LZW or Deflate") from error
    except (ValueError, TypeError, IndexError, ArithmeticError, RuntimeError, OSError, struct.error) as error:
        raise DamagedError(" ".join(str(error).split())[:200]) from error
    if samples.dtype == np.bool_:
        samples = samples.view(np.uint8)
    samples = np.moveaxis(samples[:, 0], 0, 2)[..., 0] if page.separate else samples[0, 0]
    wanted = np.uint8 if page.bits <= 8 else np.uint16
    if samples.dtype != wanted:
        raise DamagedError(f"its {name} holds {samples.dtype} samples")
    return samples


# Before a pixel is decoded, a decoder makes room for what a strip or tile says of its size.
_LONGEST_START = 4096
_JPEG_2000_SIZE = b"\xff\x4f\xff\x51"


def _check_size(start: bytes, page: TiffPage) -> None:
    """Raise DamagedError if a strip or tile claims to be far larger than its place, as far as it says so."""
    size = (0, 0)
    if (place := start.find(_JPEG_2000_SIZE)) >= 0 and len(start) >= place + 16:
        size = struct.unpack_from(">II", start, place + 8)
    elif start[:4] == b"RIFF" and len(start) >= 30:
        kind = start[12:16]
        if kind == b"VP8X":
            size = (int.from_bytes(start[24:27], "little") + 1, int.from_bytes(start[27:30], "little") + 1)
        elif kind == b"VP8L":
            packed = int.from_bytes(start[21:25], "little")
            size = (packed % 2**14 + 1, (packed >> 14) % 2**14 + 1)
        else:
            size = struct.unpack_from("<HH", start, 26)
    elif start[:4] == b"\x89PNG" and len(start) >= 24:
        size = struct.unpack_from(">II", start, 16)
    width, height = page.segment_size
    if size[0] > 2 * width + 64 or size[1] > 2 * height + 64:
        raise DamagedError(f"a part of {size[0]:,} x {size[1]:,} pixels in a place for {width:,} x {height:,}")
