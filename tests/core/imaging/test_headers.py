"""The one parser of image headers: what it tells from a few bytes is what it tells having read the whole file."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
import pytest

from core.imaging.byte_source import ByteSource
from core.imaging.errors import HeaderError
from core.imaging.headers import read_header
from tests.core.imaging.test_hostile_images import CASES, Case

SUFFIXES = (".jpg", ".png", ".bmp", ".tif", ".webp")


class CountingStream(io.BytesIO):
    """Counts the bytes that are read."""

    bytes_read = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.bytes_read += len(data)
        return data


def encode(suffix: str) -> bytes:
    noise = np.random.default_rng(0).integers(0, 255, (300, 400, 3), np.uint8)
    return cv2.imencode(suffix, noise)[1].tobytes()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_size_and_orientation_from_a_few_bytes_are_those_from_all(case: Case, tmp_path: Path) -> None:
    source = ByteSource.of_bytes(case.make(tmp_path))
    try:
        whole = read_header(source)
    except HeaderError:
        return
    quick = read_header(source, to_end=False)
    if whole is None:
        assert quick is None
        return
    assert quick is not None
    assert (quick.format, quick.width, quick.height) == (whole.format, whole.width, whole.height)
    assert quick.orientation == whole.orientation


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_size_and_orientation_need_a_few_bytes(suffix: str) -> None:
    data = encode(suffix)
    stream = CountingStream(data)
    header = read_header(ByteSource(stream, len(data)), to_end=False)
    assert header is not None and (header.width, header.height) == (400, 300)
    assert stream.bytes_read < min(2500, len(data) // 10)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_cut_off_file_still_tells_its_size_but_not_to_one_who_decodes(suffix: str) -> None:
    data = encode(suffix)
    if suffix == ".tif":
        pytest.skip("the directory is at the end of the file")
    cut = ByteSource.of_bytes(data[: len(data) // 2])
    header = read_header(cut, to_end=False)
    assert header is not None and (header.width, header.height) == (400, 300)
    with pytest.raises(HeaderError, match="truncated"):
        read_header(cut)


def test_a_jpeg_without_a_marker_is_not_searched_to_its_end() -> None:
    data = b"\xff\xd8\xff\xe0\x00\x04ab" + bytes(2**22)
    stream = CountingStream(data)
    with pytest.raises(HeaderError, match="truncated"):
        read_header(ByteSource(stream, len(data)), to_end=False)
    assert stream.bytes_read < 2**18


def test_a_source_ends_where_its_bytes_do() -> None:
    source = ByteSource.of_bytes(b"abcdef")
    assert source.read_at(4, 10) == b"ef" and source.read_at(9, 1) == b"" and source.read_at(2**70, 1) == b""
    assert source.read_at(2, -1) == b""
