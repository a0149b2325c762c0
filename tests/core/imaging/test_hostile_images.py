"""Every kind of file that has crashed, stalled or fooled an image reader: refused with a reason, or read right.

All are read in one fresh process, which tells how long each took and how much memory it needed at most.
"""

from __future__ import annotations

import io
import json
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageSequence

from tests.builders import picture, write_picture

SECONDS, MEGABYTES = 2.0, 500
BASE = picture(96, 64)

READER = """
import json, sys, time
from pathlib import Path
from core.imaging.decode import ImageError, read_picture, as_rgb
import numpy as np

def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024

for path in sys.stdin.read().splitlines():
    Path("/proc/self/clear_refs").write_text("5")
    start = time.process_time()
    try:
        found = read_picture(path)
        result = {"shape": found.pixels.shape, "notices": found.notices}
        np.save(path + ".npy", as_rgb(found.pixels)) if found.pixels.size < 10**7 else None
    except ImageError as error:
        result = {"error": str(error)}
    result |= {"seconds": time.process_time() - start, "megabytes": peak()}
    print(json.dumps(result), flush=True)
"""


@dataclass(frozen=True, slots=True)
class Case:
    """A file, and what must become of it: words of the refusal, or the picture with words of the notice."""

    name: str
    make: Callable[[Path], bytes]
    refused: str = ""
    expected: Callable[[], np.ndarray] | None = None
    notice: str = ""
    tolerance: float = 0.0


def encoded(suffix: str, image: np.ndarray = BASE) -> Callable[[Path], bytes]:
    return lambda folder: write_picture(folder / f"source{suffix}", image).read_bytes()


def pillow(form: str, mode: str = "RGB", image: np.ndarray = BASE, **options: object) -> Callable[[Path], bytes]:
    def make(_folder: Path) -> bytes:
        out = io.BytesIO()
        Image.fromarray(image).convert(mode).save(out, form, **options)
        return out.getvalue()

    return make


def frames(form: str, **options: object) -> Callable[[Path], bytes]:
    def make(_folder: Path) -> bytes:
        out = io.BytesIO()
        first, second = Image.fromarray(BASE), Image.fromarray(BASE[::-1].copy())
        first.save(out, form, save_all=True, append_images=[second, first], **options)
        return out.getvalue()

    return make


def as_pillow(make: Callable[[Path], bytes]) -> Callable[[], np.ndarray]:
    """What another program reads from the same file."""

    def read() -> np.ndarray:
        first = next(iter(ImageSequence.Iterator(Image.open(io.BytesIO(make(Path()))))))
        return np.asarray(first.convert("RGB"))

    return read


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, *between: bytes, rows: bytes | None = None, colour: int = 0) -> bytes:
    """A PNG of black, or only the claim of one without `rows`."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0))
    data = rows if rows is not None else zlib.compress(b"\0" * 1000)
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(between) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def zeros(count: int) -> bytes:
    """So many zeros, compressed, without ever holding them."""
    packer = zlib.compressobj(1)
    block = bytes(1 << 20)
    parts = [packer.compress(block) for _ in range(count >> 20)]
    return b"".join([*parts, packer.compress(bytes(count & (1 << 20) - 1)), packer.flush()])


def real_bomb(_folder: Path) -> bytes:
    return png(12_000, 12_000, rows=zeros(12_001 * 12_000))


def words_bomb(_folder: Path) -> bytes:
    # Each within what libpng allows, all together 6 GB.
    text = chunk(b"zTXt", b"k\0\0" + zeros(7_500_000))
    return png(4, 2, *([text] * 800), rows=zlib.compress(b"\0" * 10))


def profile_bomb(_folder: Path) -> bytes:
    return png(4, 2, chunk(b"iCCP", b"p\0\0" + zeros(300_000_000)), rows=zlib.compress(b"\0" * 10))


def changed(make: Callable[[Path], bytes], change: Callable[[bytearray], bytes | bytearray]) -> Callable[[Path], bytes]:
    return lambda folder: bytes(change(bytearray(make(folder))))


def flipped(data: bytearray) -> bytearray:
    data[len(data) // 2] ^= 0x10
    return data


def with_exif(orientation: int) -> Callable[[bytearray], bytes]:
    block = b"II*\0" + struct.pack("<I", 8) + struct.pack("<HHHIHHI", 1, 274, 3, 1, orientation, 0, 0)
    body = b"Exif\0\0" + block
    return lambda data: bytes(data[:2]) + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + bytes(data[2:])


def turned(orientation: int) -> Callable[[], np.ndarray]:
    plain = cv2.cvtColor(
        cv2.imdecode(cv2.imencode(".jpg", cv2.cvtColor(BASE, cv2.COLOR_RGB2BGR))[1], 1), cv2.COLOR_BGR2RGB
    )
    turns = {
        1: plain,
        2: plain[:, ::-1],
        3: plain[::-1, ::-1],
        4: plain[::-1],
        5: plain.swapaxes(0, 1),
        6: np.rot90(plain, -1),
        7: np.rot90(plain, 2).swapaxes(0, 1),
        8: np.rot90(plain, 1),
    }
    return lambda: turns[orientation]


def hole_in_scan(data: bytearray) -> bytearray:
    data[len(data) // 2 : len(data) // 2 + 120] = bytes(120)
    return data


def tiff_header(tags: dict[int, tuple[int, int]]) -> bytes:
    """A little-endian TIFF with one directory of long values and nothing else."""
    entries = b"".join(struct.pack("<HHII", tag, 4, count, value) for tag, (count, value) in sorted(tags.items()))
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4)


def many_scans(_folder: Path) -> bytes:
    data = pillow("JPEG", image=np.zeros((8000, 8000, 3), np.uint8), progressive=True)(Path())
    last = data.rfind(b"\xff\xda")
    return data[:-2] + data[last:-2] * 2000 + data[-2:]


def circle(data: bytearray) -> bytearray:
    """A directory whose next one is itself."""
    (at,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, at)
    struct.pack_into("<I", data, at + 2 + 12 * count, at)
    return data


def sixteen() -> np.ndarray:
    return (BASE[..., 0].astype(np.uint16) * 257)[..., None].repeat(3, axis=2)


def ones(height: int, width: int) -> Callable[[], np.ndarray]:
    return lambda: np.full((height, width, 3), 77, np.uint8)


NAN = np.full((8, 8), np.nan, np.float32)
JPG, PNG_FILE = encoded(".jpg"), encoded(".png")
CASES = [
    Case("empty.png", lambda _: b"", "0 bytes"),
    Case("text.jpg", lambda _: b"this is a letter, not a picture\n" * 40, "not an image"),
    Case("header only.jpg", lambda _: b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0", "truncated"),
    Case("header only.png", lambda f: PNG_FILE(f)[:33], "truncated"),
    Case("header only.tif", lambda _: b"II*\0\x08\0\0\0", "truncated"),
    Case("header only.webp", lambda f: encoded(".webp")(f)[:30], "truncated"),
    Case("half.jpg", changed(JPG, lambda data: data[: len(data) // 2]), "truncated"),
    Case("half with an end mark.jpg", changed(JPG, lambda d: d[: len(d) // 2] + b"\xff\xd9"), "damaged"),
    Case("half.png", changed(PNG_FILE, lambda data: data[: len(data) // 2]), "truncated"),
    Case("half.bmp", changed(encoded(".bmp"), lambda data: data[: len(data) // 2]), "truncated"),
    Case("half.tif", changed(encoded(".tiff"), lambda data: data[: len(data) // 2]), "truncated"),
    Case("checksum flip.png", changed(PNG_FILE, flipped), "checksum"),
    Case("hole in the scan.jpg", changed(encoded(".jpg", picture(400, 300)), hole_in_scan), "damaged"),
    Case("no width.png", lambda _: png(0, 10), "no PNG image"),
    Case("no height.bmp", changed(encoded(".bmp"), lambda d: d[:22] + bytes(4) + d[26:]), "not positive"),
    Case(
        "no height.jpg", changed(JPG, lambda d: d[: (a := d.find(b"\xff\xc0") + 5)] + bytes(2) + d[a + 2 :]), "no JPEG"
    ),
    Case("no width.tif", lambda _: tiff_header({256: (1, 0), 257: (1, 5)}), "no TIFF image"),
    Case("two thousand million wide.png", lambda _: png(2**31 - 1, 2**31 - 1), "are more than"),
    Case("negative.png", lambda _: png(2**31, 1), "are more than"),
    Case("two thousand million wide.tif", lambda _: tiff_header({256: (1, 2**31), 257: (1, 2**31)}), "are more than"),
    Case("144 megapixels.png", real_bomb, "cannot hold a photograph"),
    Case("400 megapixels.png", lambda _: png(20_000, 20_000), "are more than"),
    Case("1 gigapixel.png", lambda _: png(32_768, 32_768), "are more than"),
    Case(
        "1 gigapixel.bmp",
        lambda _: b"BM" + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, 32_768, 32_768, 1, 24, 0, 0, 0, 0, 0, 0),
        "truncated",
    ),
    Case("words bomb.png", words_bomb, expected=lambda: np.zeros((2, 4, 3), np.uint8)),
    Case("profile bomb.png", profile_bomb, expected=lambda: np.zeros((2, 4, 3), np.uint8)),
    Case("many scans.jpg", many_scans, "made to take very long"),
    Case(
        "huge tiles.tif", lambda _: tiff_header({256: (1, 64), 257: (1, 64), 322: (1, 2**20), 323: (1, 2**20)}), "tiles"
    ),
    Case("a PNG called.jpg", PNG_FILE, expected=lambda: BASE),
    Case(
        "drawing.svg", lambda _: b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "an SVG drawing"
    ),
    Case("figure.eps", lambda _: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "PostScript"),
    Case("windows figure.eps", lambda _: b"\xc5\xd0\xd3\xc6" + bytes(40), "EPS"),
    *[Case(f"exif {n}.jpg", changed(JPG, with_exif(n)), expected=turned(n)) for n in range(1, 9)],
    Case("exif 9.jpg", changed(JPG, with_exif(9)), expected=turned(1)),
    Case(
        "sixteen bits.png",
        encoded(".png", sixteen()[..., 0]),
        expected=lambda: (sixteen() >> 8).astype(np.uint8),
        notice="16 bits",
    ),
    Case(
        "sixteen bits.tif",
        encoded(".tiff", sixteen()[..., 0]),
        expected=lambda: (sixteen() >> 8).astype(np.uint8),
        notice="16 bits",
    ),
    Case("floats with nan.tif", encoded(".tiff", NAN), "float32 samples"),
    Case("cmyk.jpg", pillow("JPEG", "CMYK"), expected=as_pillow(pillow("JPEG", "CMYK")), notice="CMYK", tolerance=2),
    Case("cmyk.tif", pillow("TIFF", "CMYK"), expected=as_pillow(pillow("TIFF", "CMYK")), notice="CMYK"),
    Case("palette.png", pillow("PNG", "P"), expected=as_pillow(pillow("PNG", "P"))),
    Case("palette.bmp", pillow("BMP", "P"), expected=as_pillow(pillow("BMP", "P"))),
    Case("palette.tif", pillow("TIFF", "P"), expected=as_pillow(pillow("TIFF", "P"))),
    Case("one bit.png", pillow("PNG", "1"), expected=as_pillow(pillow("PNG", "1"))),
    Case("one bit.bmp", pillow("BMP", "1"), expected=as_pillow(pillow("BMP", "1"))),
    Case("one bit fax.tif", pillow("TIFF", "1", compression="group4"), expected=as_pillow(pillow("TIFF", "1"))),
    Case("rgba.png", pillow("PNG", "RGBA"), expected=lambda: BASE, notice="transparency"),
    Case("rgba.tif", pillow("TIFF", "RGBA"), expected=lambda: BASE, notice="transparency"),
    Case(
        "grey with transparency.png", pillow("PNG", "LA"), expected=as_pillow(pillow("PNG", "L")), notice="transparency"
    ),
    Case("progressive.jpg", pillow("JPEG", progressive=True), expected=as_pillow(pillow("JPEG", progressive=True))),
    Case("three pages.tif", frames("TIFF"), expected=lambda: BASE, notice="has 3 pages"),
    Case("pages in a circle.tif", changed(encoded(".tiff"), circle), expected=lambda: BASE),
    Case("big.tif", pillow("TIFF", big_tiff=True), expected=lambda: BASE),
    Case("60000 x 1.png", encoded(".png", np.full((1, 60_000, 3), 77, np.uint8)), expected=ones(1, 60_000)),
    Case("1 x 60000.bmp", encoded(".bmp", np.full((60_000, 1, 3), 77, np.uint8)), expected=ones(60_000, 1)),
    Case("1 x 1.png", encoded(".png", np.full((1, 1, 3), 77, np.uint8)), expected=ones(1, 1)),
    Case("1 x 1.jpg", encoded(".jpg", np.full((1, 1, 3), 77, np.uint8)), expected=ones(1, 1), tolerance=2),
    Case(
        "animated.webp", frames("WEBP", lossless=True, duration=50), expected=lambda: BASE, notice="animated (3 frames)"
    ),
    Case("animated.png", frames("PNG", duration=50), expected=lambda: BASE, notice="animated (3 frames)"),
    Case("animated.gif", frames("GIF", duration=50), "a GIF"),
]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile images Ünïcode")
    for case in CASES:
        (folder / case.name).write_bytes(case.make(folder))
    return folder


@pytest.fixture(scope="module")
def outcomes(files: Path) -> dict[str, dict[str, object]]:
    names = "\n".join(str(files / case.name) for case in CASES)
    done = subprocess.run(
        [sys.executable, "-c", READER],
        input=names,
        capture_output=True,
        text=True,
        timeout=120,
        cwd=Path(__file__).parents[3],
        check=False,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0 and len(lines) == len(CASES), f"died at {CASES[len(lines)].name}: {done.stderr[-2000:]}"
    return {case.name: line for case, line in zip(CASES, lines, strict=True)}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_hostile_image_is_refused_with_a_reason_or_read_right(
    case: Case, files: Path, outcomes: dict[str, dict[str, object]]
) -> None:
    found = outcomes[case.name]
    assert float(str(found["seconds"])) < SECONDS
    assert float(str(found["megabytes"])) < MEGABYTES
    if case.refused:
        assert str(found.get("error", "it was read")).startswith(f"{files / case.name}: ")
        assert case.refused in str(found["error"])
        return
    assert "error" not in found
    assert case.expected is not None
    pixels, expected = np.load(files / f"{case.name}.npy"), case.expected()
    assert pixels.shape == expected.shape
    assert np.abs(pixels.astype(int) - expected).mean() <= case.tolerance
    notices = " ".join(found["notices"])  # type: ignore[call-overload]
    assert case.notice in notices
    assert bool(case.notice) == bool(notices)


def test_a_very_long_name_with_spaces_is_read(tmp_path: Path) -> None:
    from core.imaging.decode import decode

    path = tmp_path / "Prüfling – 検査 part no 7" / ("n" * 200 + " 0001 .png")
    path.parent.mkdir()
    assert np.array_equal(decode(write_picture(path, BASE)), BASE)
