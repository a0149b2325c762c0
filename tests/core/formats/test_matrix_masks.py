"""Mask images as data sets of this field hold them."""

import io
import time
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from core.errors import InputError
from core.formats.annotations import Format
from core.formats.mask_pairs import find_masks
from core.formats.registry import detect_format, read_annotations
from core.types import Split
from tests.builders import picture, write_picture
from tests.core.formats.matrix import HEIGHT, WIDTH, Dialect, Found, check_dialect

TOLD = "the values of the masks became labels, and every connected part of one value a box"
TOLD_FOLDERS = "the values of the masks, or their folders, became labels"


def drawn(
    *parts: tuple[tuple[int, int, int, int], Any],
    mode: str = "L",
    size: tuple[int, int] = (WIDTH, HEIGHT),
    kind: str = "PNG",
) -> bytes:
    """A mask with rectangles of a value."""
    image = Image.new(mode, size)
    if mode == "P":
        image.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0] + [9] * 759)
    for (x1, y1, x2, y2), value in parts:
        image.paste(value, (x1, y1, x2, y2))
    data = io.BytesIO()
    image.save(data, kind)
    return data.getvalue()


FIRST, SECOND = (10, 20, 40, 60), (100, 5, 140, 30)
BOX = (10.0, 20.0, 40.0, 60.0)
OTHER = (100.0, 5.0, 140.0, 30.0)


def ring() -> NDArray[np.uint8]:
    pixels = np.zeros((HEIGHT, WIDTH), np.uint8)
    pixels[10:50, 10:90] = 255
    pixels[15:45, 15:85] = 0
    pixels[25:35, 40:60] = 255
    pixels[60, 100] = pixels[61, 101] = 255  # touch at a corner
    return pixels


def png(pixels: NDArray[Any]) -> bytes:
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "PNG")
    return data.getvalue()


def lossy() -> bytes:
    data = io.BytesIO()
    noisy = np.random.default_rng(0).integers(0, 40, (HEIGHT, WIDTH)).astype(np.uint8)
    noisy[16:56, 16:40] = 255 - noisy[16:56, 16:40]
    Image.fromarray(noisy).save(data, "PNG")
    return data.getvalue()


def found(*parts: tuple[tuple[float, float, float, float], str]) -> list[Found]:
    return [(box, {label}) for box, label in parts]


CASES = {
    "a folder of masks": Dialect(
        Format.MASKS,
        {"masks/a.png": drawn((FIRST, 255), (SECOND, 255))},
        {"images/a.jpg": found((OTHER, "255"), (BOX, "255"))},
        (TOLD,),
    ),
    "values are labels": Dialect(
        Format.MASKS,
        {"masks/a.png": drawn((FIRST, 1), (SECOND, 2))},
        {"images/a.jpg": found((BOX, "1"), (OTHER, "2"))},
        (TOLD,),
    ),
    "16 bits": Dialect(
        Format.MASKS,
        {"masks/a.png": png(np.pad(np.full((40, 30), 3000, np.uint16), ((20, 40), (10, 160))))},
        {"images/a.jpg": found((BOX, "3000"))},
        (TOLD,),
    ),
    "a palette, with a border that nobody decided on": Dialect(
        Format.MASKS,
        {"masks/a.png": drawn((FIRST, 1), (SECOND, 2), ((0, 90, 9, 99), 255), mode="P")},
        {"images/a.jpg": found((BOX, "1"), (OTHER, "2"))},
        (TOLD,),
    ),
    "colours": Dialect(
        Format.MASKS,
        {"masks/a.png": drawn((FIRST, (255, 0, 0)), (SECOND, (0, 128, 0)), mode="RGB")},
        {"images/a.jpg": found((OTHER, "#008000"), (BOX, "#ff0000"))},
        (TOLD,),
    ),
    "colours with names, as CVAT writes them": Dialect(
        Format.MASKS,
        {
            "SegmentationClass/a.png": drawn((FIRST, (255, 0, 0)), (SECOND, (0, 128, 0)), mode="RGB"),
            "labelmap.txt": "# label:color_rgb:parts:actions\nbackground:0,0,0::\npit:255,0,0::\nrust:0,128,0::\nodd\n",
        },
        {"JPEGImages/a.jpg": found((OTHER, "rust"), (BOX, "pit"))},
        ("line 5: 'odd' is not name:red,green,blue; skipped", TOLD),
        labels=("rust", "pit"),
    ),
    "a palette with names": Dialect(
        Format.MASKS,
        {"masks/a.png": drawn((FIRST, 1), mode="P"), "labelmap.txt": "pit:255,0,0::\n"},
        {"images/a.jpg": found((BOX, "pit"))},
        (TOLD,),
    ),
    "ends of file names": Dialect(
        Format.MASKS,
        {"a_mask.png": drawn((FIRST, 255)), "b_GT.png": drawn(), "Part5_label.bmp": drawn((SECOND, 255), kind="BMP")},
        {"a.jpg": found((BOX, "255")), "b.png": [], "Part5.jpg": found((OTHER, "255"))},
        (TOLD,),
    ),
    "folders by split": Dialect(
        Format.MASKS,
        {
            "train/masks/a.png": drawn((FIRST, 255)),
            "val/masks/a.png": drawn((SECOND, 255)),
            "train_masks/c_mask.png": drawn(),
        },
        {"train/images/a.jpg": found((BOX, "255")), "val/images/a.jpg": found((OTHER, "255")), "train/c.jpg": []},
        (TOLD,),
        splits={"train/images/a.jpg": Split.TRAIN, "val/images/a.jpg": Split.VAL, "train/c.jpg": Split.TRAIN},
    ),
    "ground truth by kind of defect": Dialect(
        Format.MASKS,
        {"ground_truth/crack/000_mask.png": drawn((FIRST, 255)), "ground_truth/cut/000_mask.png": drawn((SECOND, 255))},
        {
            "test/crack/000.png": found((BOX, "crack")),
            "test/cut/000.png": found((OTHER, "cut")),
            "test/good/000.png": [],
            "train/good/000.png": [],
        },
        (TOLD_FOLDERS,),
        splits={
            "test/crack/000.png": Split.TEST,
            "test/cut/000.png": Split.TEST,
            "test/good/000.png": Split.TEST,
            "train/good/000.png": Split.TRAIN,
        },
    ),
    "connected parts": Dialect(
        Format.MASKS,
        {"masks/a.png": png(ring())},
        {"images/a.jpg": found(((10, 10, 90, 50), "255"), ((40, 25, 60, 35), "255"), ((100, 60, 102, 62), "255"))},
        (TOLD,),
    ),
    "two masks of one image": Dialect(
        Format.MASKS,
        {"masks/a_mask.png": drawn((FIRST, 1)), "masks/a_label.png": drawn((FIRST, 2))},
        {"images/a.jpg": [(BOX, {"1", "2"})]},
        ("it has several masks", TOLD, "1 box coincides with another"),
        labels=("2", "1"),
    ),
    "values that compression left": Dialect(
        Format.MASKS,
        {"masks/a.png": lossy()},
        {"images/a.jpg": found(((16, 16, 40, 56), "255"))},
        ("the mask has", TOLD),
    ),
    "masks that are none": Dialect(
        Format.MASKS,
        {
            "masks/a.png": drawn((FIRST, 255)),
            "masks/b.png": drawn((FIRST, 255), size=(20, 10)),
            "masks/c.png": b"x",
            "masks/d.png": drawn(),
            "masks/e.png": png(np.asarray(picture(WIDTH, HEIGHT))),
        },
        {"images/a.jpg": found((BOX, "255"))},
        (
            "but its boxes were made for 20 x 10",
            "not an image that can be read",
            "colours, which is none of a mask",
            "1 image has no mask; left out, such as f.jpg",
            "1 mask is of no image; left out, such as d.png",
            TOLD,
        ),
        pictures=("images/b.jpg", "images/c.jpg", "images/e.jpg", "images/f.jpg"),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_masks(tmp_path: Path, name: str) -> None:
    check_dialect(tmp_path, CASES[name])


def test_a_mask_of_one_pixel_is_a_pixel(tmp_path: Path) -> None:
    dialect = Dialect(
        Format.MASKS,
        {"masks/a.png": drawn(((0, 0, 1, 1), 255))},
        {"images/a.jpg": found(((0, 0, 1, 1), "255"))},
        (TOLD,),
    )
    check_dialect(tmp_path, dialect)


def test_photographs_that_are_called_labels_are_no_masks(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png", picture(WIDTH, HEIGHT))
    write_picture(tmp_path / "a_label.png", picture(WIDTH, HEIGHT, 1))
    with pytest.raises(InputError, match="no annotations in it"):
        detect_format(tmp_path)


def test_masks_that_do_harm_are_refused_soon_and_by_name(tmp_path: Path) -> None:
    good = drawn((FIRST, 255))
    huge = bytearray(drawn())
    huge[16:24] = (60_000).to_bytes(4, "big") * 2
    huge[29:33] = zlib.crc32(huge[12:29]).to_bytes(4, "big")
    numbers = io.BytesIO()
    Image.fromarray(np.full((HEIGHT, WIDTH), 0.5, np.float32)).save(numbers, "TIFF")
    masks = {"a": good, "b": bytes(huge), "c": good[: len(good) // 2], "d": b"", "e": numbers.getvalue()}
    for name, data in masks.items():
        write_picture(tmp_path / "images" / f"{name}.jpg", picture(WIDTH, HEIGHT))
        path = tmp_path / "masks" / f"{name}{'.tif' if name == 'e' else '.png'}"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
    start = time.process_time()
    imported = read_annotations(tmp_path, Format.MASKS)
    assert time.process_time() - start < 2
    assert [image.path.name for image in imported.images] == ["a.jpg"]
    told = {Path(problem.file).stem: problem.problem for problem in imported.problems}
    assert "60000 x 60000 pixels are more than a mask may have" in told["b"]
    assert all(text in told[name] for name, text in (("c", "mask"), ("d", "empty"), ("e", "kind of pixels (F)")))


def test_a_folder_without_masks_is_refused(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png")
    with pytest.raises(InputError, match="no annotations in it"):
        detect_format(tmp_path)
    with pytest.raises(InputError, match="put them into a folder called masks"):
        read_annotations(tmp_path, Format.MASKS)
    with pytest.raises(InputError, match="choose the folder"):
        read_annotations(tmp_path / "a.png", Format.MASKS)


@pytest.mark.parametrize("name", ["a_mask.png", "A GT.PNG", "a.labels.bmp", "masks/a.png", "deep/a/part_masks/a.png"])
def test_the_look_at_names_passes_no_mask_over(tmp_path: Path, name: str) -> None:
    image = tmp_path / (
        name.replace("part_masks", "part_images").replace("masks", "images") if "/" in name else "a.jpg"
    )
    for path in (image.with_stem("a"), tmp_path / name):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert [pair.mask for pair in find_masks(tmp_path).pairs] == [tmp_path / name]
