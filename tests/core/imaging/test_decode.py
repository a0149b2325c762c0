import struct
import threading
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.imaging import decode as decoding
from core.imaging import limits
from core.imaging.decode import ImageError, decode, image_size, upright
from tests.builders import picture, write_picture

JPEG = cv2.imencode(".jpg", picture(200, 160))[1].tobytes()
FORMATS = [".png", ".bmp", ".tiff", ".jpg", ".webp"]


def exif_block(orientation: int, order: str = "<") -> bytes:
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    return head + struct.pack(order + "HHHIHHI", 1, 274, 3, 1, orientation, 0, 0)


def with_jpeg_exif(data: bytes, orientation: int, order: str = "<") -> bytes:
    body = b"Exif\0\0" + exif_block(orientation, order)
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + data[2:]


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_format_comes_back_as_upright_rgb(tmp_path: Path, suffix: str) -> None:
    image = picture(70, 50)
    decoded = decode(write_picture(tmp_path / f"a{suffix}", image))
    assert decoded.shape == (50, 70, 3) and decoded.dtype == np.uint8 and decoded.flags.c_contiguous
    lossy = suffix in (".jpg", ".webp")
    assert np.abs(decoded.astype(int) - image).mean() < (6 if lossy else 1e-9)
    assert image_size(tmp_path / f"a{suffix}") == (70, 50)


def test_a_name_with_letters_beyond_ascii_is_read(tmp_path: Path) -> None:
    path = write_picture(tmp_path / "Prüfung 検査.png")
    assert decode(path).shape == (48, 64, 3)


def test_content_counts_not_the_suffix(tmp_path: Path) -> None:
    path = write_picture(tmp_path / "a.png")
    path = path.rename(tmp_path / "a.jpg")
    assert np.array_equal(decode(path), picture())


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_grey_16_bits_keeps_its_full_range(tmp_path: Path, suffix: str) -> None:
    ramp = np.linspace(0, 65535, 64 * 48).reshape(48, 64).astype(np.uint16)
    decoded = decode(write_picture(tmp_path / f"a{suffix}", ramp))
    assert np.array_equal(decoded, np.repeat((ramp >> 8).astype(np.uint8)[:, :, None], 3, axis=2))


def test_12_bits_in_16_are_not_black(tmp_path: Path) -> None:
    ramp = np.linspace(0, 4095, 64 * 48).reshape(48, 64).astype(np.uint16)
    decoded = decode(write_picture(tmp_path / "a.tiff", ramp))
    assert decoded.min() == 0 and decoded.max() == 255


def test_colour_16_bits_keeps_its_channels(tmp_path: Path) -> None:
    image = picture().astype(np.uint16) * 257
    assert np.array_equal(decode(write_picture(tmp_path / "a.png", image)), picture())


def test_transparency_is_dropped_and_pixels_stay(tmp_path: Path) -> None:
    image = np.dstack([picture(), np.full((48, 64), 40, np.uint8)])
    assert np.array_equal(decode(write_picture(tmp_path / "a.png", image)), picture())


def test_palette_png_becomes_rgb(tmp_path: Path) -> None:
    rows = b"".join(b"\0" + bytes([column % 3 for column in range(6)]) for _ in range(4))
    data = b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", struct.pack(">IIBBBBB", 6, 4, 8, 3, 0, 0, 0))
    data += png_chunk(b"PLTE", bytes([255, 0, 0, 0, 255, 0, 0, 0, 255]))
    data += png_chunk(b"IDAT", zlib.compress(rows)) + png_chunk(b"IEND", b"")
    (tmp_path / "a.png").write_bytes(data)
    decoded = decode(tmp_path / "a.png")
    assert decoded[0, :3].tolist() == [[255, 0, 0], [0, 255, 0], [0, 0, 255]]


def test_grey_jpeg_becomes_rgb(tmp_path: Path) -> None:
    grey = picture()[:, :, 0]
    assert decode(write_picture(tmp_path / "a.jpg", grey)).shape == (48, 64, 3)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_turns_the_image_as_opencv_does(tmp_path: Path, orientation: int, order: str) -> None:
    path = write_picture(tmp_path / "a.jpg", picture(64, 40))
    path.write_bytes(with_jpeg_exif(path.read_bytes(), orientation, order))
    expected = cv2.cvtColor(cv2.imread(str(path), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    decoded = decode(path)
    assert np.array_equal(decoded, expected)
    assert image_size(path) == (decoded.shape[1], decoded.shape[0])
    assert decoded.shape[:2] == ((64, 40) if orientation >= 5 else (40, 64))


def test_orientation_in_png_and_webp_counts_too(tmp_path: Path) -> None:
    png = write_picture(tmp_path / "a.png").read_bytes()
    (tmp_path / "a.png").write_bytes(png[:33] + png_chunk(b"eXIf", exif_block(6)) + png[33:])
    assert np.array_equal(decode(tmp_path / "a.png"), np.rot90(picture(), -1))
    plain = write_picture(tmp_path / "b.webp").read_bytes()
    exif = exif_block(8)
    extended = struct.pack("<4sII", b"VP8X", 10, 0x08) + (63).to_bytes(3, "little") + (47).to_bytes(3, "little")
    body = b"WEBP" + extended + plain[12:] + struct.pack("<4sI", b"EXIF", len(exif)) + exif
    (tmp_path / "b.webp").write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    assert decode(tmp_path / "b.webp").shape == (64, 48, 3)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_tiff_orientation_is_applied_once(tmp_path: Path, orientation: int, dtype: type) -> None:
    image = picture(64, 40).astype(dtype) * (257 if dtype is np.uint16 else 1)
    plain = write_picture(tmp_path / "a.tiff", image).read_bytes()
    order = "<" if plain[:2] == b"II" else ">"
    (at,) = struct.unpack_from(order + "I", plain, 4)
    (count,) = struct.unpack_from(order + "H", plain, at)
    entries = [plain[at + 2 + 12 * n : at + 14 + 12 * n] for n in range(count)]
    entries = [entry for entry in entries if struct.unpack_from(order + "H", entry)[0] != 274]
    entries.append(struct.pack(order + "HHIHH", 274, 3, 1, orientation, 0))
    entries.sort(key=lambda entry: struct.unpack_from(order + "H", entry)[0])
    directory = struct.pack(order + "H", len(entries)) + b"".join(entries) + b"\0\0\0\0"
    turned = plain[:4] + struct.pack(order + "I", len(plain)) + plain[8:] + directory
    (tmp_path / "a.tiff").write_bytes(turned)
    decoded = decode(tmp_path / "a.tiff")
    assert np.array_equal(decoded, upright(picture(64, 40), orientation))
    assert image_size(tmp_path / "a.tiff") == (decoded.shape[1], decoded.shape[0])


def test_the_eight_orientations_are_all_different() -> None:
    image = picture(8, 8)
    seen = {upright(image, orientation).tobytes() for orientation in range(1, 9)}
    assert len(seen) == 8


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("kept", [0.02, 0.3, 0.7, 0.95, 0.999])
def test_a_truncated_file_is_refused_wherever_it_is_cut(tmp_path: Path, suffix: str, kept: float) -> None:
    path = write_picture(tmp_path / f"a{suffix}", picture(300, 200))
    data = path.read_bytes()
    path.write_bytes(data[: min(int(len(data) * kept), len(data) - 3)])
    with pytest.raises(ImageError, match=r"a\.\w+: "):
        decode(path)


def test_half_a_jpeg_is_called_truncated(tmp_path: Path) -> None:
    path = write_picture(tmp_path / "a.jpg", picture(300, 200))
    path.write_bytes(path.read_bytes()[:-400])
    with pytest.raises(ImageError, match="truncated"):
        decode(path)


def test_bytes_after_the_end_of_a_jpeg_do_no_harm(tmp_path: Path) -> None:
    path = write_picture(tmp_path / "a.jpg")
    path.write_bytes(path.read_bytes() + b"\0" * 100 + b"camera notes")
    assert decode(path).shape == (48, 64, 3)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "0 bytes"),
        (b"hello, I am text", "not an image"),
        (b"GIF89a" + b"\0" * 50, "not an image"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF\0", "truncated"),
        (b"\x89PNG\r\n\x1a\n", "truncated"),
        (b"BM", "truncated"),
        (b"II*\0\xff\xff\xff\x7f", "truncated"),
        (b"RIFF\x04\0\0\0WEBP", "damaged"),
    ],
)
def test_what_is_no_image_is_refused_by_name_and_reason(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "bad.png"
    path.write_bytes(content)
    with pytest.raises(ImageError, match=f"bad.png: .*{reason}"):
        decode(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="nowhere.png: cannot be read"):
        decode(tmp_path / "nowhere.png")
    with pytest.raises(ImageError, match="cannot be read"):
        decode(tmp_path)


def test_damage_in_the_middle_of_a_png_is_seen(tmp_path: Path) -> None:
    path = write_picture(tmp_path / "a.png", picture(200, 200))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(ImageError, match="checksum"):
        decode(path)


def test_a_decompression_bomb_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    data = b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0))
    data += png_chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + png_chunk(b"IEND", b"")
    (tmp_path / "bomb.png").write_bytes(data)
    with pytest.raises(ImageError, match="60,000 x 60,000"):
        decode(tmp_path / "bomb.png")


def test_float_samples_are_refused(tmp_path: Path) -> None:
    path = write_picture(tmp_path / "a.tiff", np.ones((8, 8), np.float32))
    with pytest.raises(ImageError, match="float32"):
        decode(path)


def test_an_image_can_be_decoded_in_many_threads_at_once(tmp_path: Path) -> None:
    path = write_picture(tmp_path / "a.jpg", picture(400, 300))
    first = decode(path)
    same: list[bool] = []
    threads = [threading.Thread(target=lambda: same.append(np.array_equal(decode(path), first))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert same == [True] * 8


@pytest.mark.parametrize("shrink", [2, 4, 8])
def test_a_shrunk_jpeg_is_the_same_picture_turned_the_same_way(tmp_path: Path, shrink: int) -> None:
    path = write_picture(tmp_path / "a.jpg", picture(320, 160))
    data = with_jpeg_exif(path.read_bytes(), 6)
    whole, small = decoding.decode_bytes(data, path), decoding.decode_bytes(data, path, shrink=shrink)
    assert small.shape == (320 // shrink, 160 // shrink, 3)
    expected = cv2.resize(whole, small.shape[1::-1], interpolation=cv2.INTER_AREA)
    assert np.abs(small.astype(int) - expected).mean() < 4


def test_the_largest_size_is_what_the_person_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_picture(tmp_path / "a.png", np.zeros((1001, 1000), np.uint8))
    monkeypatch.setenv(limits.VARIABLE, "269")  # put back afterwards
    limits.set_max_megapixels(1)
    with pytest.raises(ImageError, match="1,000 x 1,001 pixels are more than the 1,000,000 allowed.*Settings"):
        decode(path)
    limits.set_max_megapixels(2)
    assert decode(path).shape == (1001, 1000, 3)


@pytest.mark.parametrize("value", ["", "many", "-5", "99999999999"])
def test_an_odd_limit_in_the_environment_leaves_a_reasonable_one(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv(limits.VARIABLE, value)
    assert 10**6 <= limits.max_pixels() <= limits.MOST_MEGAPIXELS * 10**6


@given(st.integers(2, 6000), st.integers(0, 255))
@settings(max_examples=30, deadline=None)
def test_a_changed_byte_in_a_jpeg_is_refused_or_gives_a_whole_picture(at: int, value: int) -> None:
    data = bytearray(JPEG)
    data[at % len(data)] = value
    try:
        assert decoding.decode_bytes(bytes(data), "x.jpg").ndim == 3
    except ImageError as error:
        assert str(error).startswith("x.jpg: ")


def test_zeros_that_a_camera_leaves_before_the_end_mark_do_no_harm(tmp_path: Path) -> None:
    path = write_picture(tmp_path / "a.jpg")
    data = path.read_bytes()
    whole = decode(path)
    path.write_bytes(data[:-2] + bytes(40) + data[-2:])
    assert np.array_equal(decode(path), whole)


@pytest.mark.parametrize("scans", ["baseline", "progressive"])
def test_jpeg_pixels_are_those_of_opencv(tmp_path: Path, scans: str) -> None:
    options = [cv2.IMWRITE_JPEG_PROGRESSIVE, int(scans == "progressive")]
    data = cv2.imencode(".jpg", picture(333, 221), options)[1]
    assert np.array_equal(
        decoding.decode_bytes(data.tobytes(), "x.jpg"), cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1]
    )
