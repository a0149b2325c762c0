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
