"""DeepPCB: boards in groups with their lists, or only the folders."""

import os
from pathlib import Path

import pytest

from core.errors import InputError
from core.formats.annotations import Format
from core.formats.registry import read_annotations
from core.types import Split
from tests.builders import picture, write_picture
from tests.core.formats.matrix import HEIGHT, WIDTH, Dialect, Found, check_dialect

FIRST, SECOND = "group1/00041/00041000", "group1/00041/00041001"
OPEN: Found = ((10, 20, 40, 60), {"open"})
NAMED = "types were named as in DeepPCB's README: 1 open, 2 short"
TEMPLATE = "1 template (such as 00041000_temp.jpg), which show what a board should look like, were left out"
TEXTS = {"group1/00041_not/00041000.txt": "10 20 40 60 1\n100,20,130,60,6\n", "group1/00041_not/00041001.txt": ""}
LISTS = {
    "trainval.txt": "group1/00041/00041000.jpg group1/00041_not/00041000.txt\n",
    "test.txt": "group1/00041/00041001.jpg group1/00041_not/00041001.txt\n",
}
BOXES = {f"{FIRST}_test.jpg": [OPEN, ((100.0, 20.0, 130.0, 60.0), {"pin-hole"})], f"{SECOND}_test.jpg": []}
LABELS = ("open", "pin-hole")
CASES = {
    "lists and pairs": Dialect(
        Format.DEEPPCB,
        TEXTS | LISTS,
        BOXES,
        (NAMED, TEMPLATE),
        splits={f"{FIRST}_test.jpg": Split.TRAIN, f"{SECOND}_test.jpg": Split.TEST},
        pictures=(f"{FIRST}_temp.jpg",),
    ),
    "everything a folder below": Dialect(
        Format.DEEPPCB,
        {f"PCBData/{name}": text for name, text in (TEXTS | LISTS).items()},
        {f"PCBData/{name}": found for name, found in BOXES.items()},
        (NAMED,),
        splits={f"PCBData/{FIRST}_test.jpg": Split.TRAIN, f"PCBData/{SECOND}_test.jpg": Split.TEST},
    ),
    "one list": Dialect(
        Format.DEEPPCB,
        TEXTS | LISTS,
        {f"{FIRST}_test.jpg": BOXES[f"{FIRST}_test.jpg"]},
        (NAMED,),
        source="trainval.txt",
        splits={f"{FIRST}_test.jpg": Split.TRAIN},
    ),
    "no lists": Dialect(Format.DEEPPCB, TEXTS, BOXES, (NAMED, TEMPLATE), pictures=(f"{FIRST}_temp.jpg",)),
    "the text file of one board": Dialect(
        Format.DEEPPCB, {"b/1.txt": "10 20 40 60 1\n"}, {"b/1_test.png": [OPEN]}, (NAMED,), source="b/1.txt"
    ),
    "the text file of one board, in its folder": Dialect(
        Format.DEEPPCB, {"b_not/1.txt": "10 20 40 60 1\n"}, {"b/1_test.png": [OPEN]}, (NAMED,), source="b_not/1.txt"
    ),
    "text files beside the boards, of other types": Dialect(
        Format.DEEPPCB,
        {"b/1.txt": "10 20 40 60 9\n5 5 9 9 0\n"},
        {"b/1_test.png": [((10, 20, 40, 60), {"9"})]},
        ("line 2: type 0 is no defect, it stands for the background",),
    ),
    "lines and entries that are none": Dialect(
        Format.DEEPPCB,
        {
            "b/1.txt": "10 20 40 60 1\nx\n1 2 3\n1 2 3 4 5 6\nnan 1 5 5 1\n",
            "b/2.txt": "1 2 9 9 1\n",
            "trainval.txt": "b/1.jpg b/1.txt\nb/3.jpg b/3.txt\nb/4.jpg\n../x.jpg ../x.txt\n",
        },
        {"b/1_test.jpg": [OPEN]},
        (
            "line 3: 'b/4.jpg' is no image and text file",
            "line 4: '../x.jpg ../x.txt' is no image",
            NAMED,
            "line 2: 'x' is not x1 y1 x2 y2 type",
            "line 3:",
            "line 4:",
            "is not finite",
            "cannot be read (No such file",
            "1 text file of defects (such as 2.txt) are in no list",
        ),
        pictures=("b/2_test.jpg",),
        splits={"b/1_test.jpg": Split.TRAIN},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_deeppcb_layouts(tmp_path: Path, name: str) -> None:
    check_dialect(tmp_path, CASES[name])


@pytest.mark.skipif(os.name != "posix", reason="Windows has no pipes in folders")
@pytest.mark.parametrize("format", [Format.DEEPPCB, Format.CVAT, Format.VIA])
def test_pipes_in_a_folder_are_not_waited_for(tmp_path: Path, format: Format) -> None:
    for suffix in ("txt", "xml", "json"):
        os.mkfifo(tmp_path / f"pipe.{suffix}")
    with pytest.raises(InputError, match="there is no"):
        read_annotations(tmp_path, format)


def test_text_files_that_are_too_large_or_lead_out_are_told(tmp_path: Path) -> None:
    for name in ("1", "2", "3"):
        write_picture(tmp_path / "b" / f"{name}_test.jpg", picture(WIDTH, HEIGHT))
        (tmp_path / "b" / f"{name}.txt").write_text("10 20 40 60 1\n")
    os.truncate(tmp_path / "b" / "2.txt", 2**24)
    (tmp_path / "b" / "3.txt").unlink()
    (tmp_path / "b" / "3.txt").symlink_to("/etc/passwd")
    (tmp_path / "test.txt").write_text("".join(f"b/{name}.jpg b/{name}.txt\n" for name in "123"))
    imported = read_annotations(tmp_path, Format.DEEPPCB)
    assert [image.path.name for image in imported.images] == ["1_test.jpg"]
    told = {Path(problem.file).name: problem.problem for problem in imported.problems}
    assert "16.0 MiB are more than" in told["2.txt"] and "it leads out of" in told["3.txt"]
