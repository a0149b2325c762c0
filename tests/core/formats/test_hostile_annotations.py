"""Annotation files that nobody should have written: each is refused or mended, soon, in little memory, and by name."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from core.errors import InputError
from core.formats.registry import read_annotations

pytestmark = pytest.mark.skipif(os.name != "posix", reason="memory is told by forked processes")
hostile = pytest.importorskip("tests.hostile") if os.name == "posix" else None

ROOT = Path(__file__).parents[3]
SECONDS = 2.0  # of processor time: the machine may be busy with other things
MEGABYTES = 500
REFUSED = "refused"

# What comes of each: refused with this text; or the images that are taken, and the beginnings of the first problems.
EXPECTED: dict[str, tuple[str, ...]] = {
    "billion laughs": (REFUSED, "it declares types or entities, which annotations do not need"),
    "quadratic blow-up": (REFUSED, "it declares types or entities, which annotations do not need"),
    "external entity": (REFUSED, "it declares types or entities, which annotations do not need"),
    "deep XML": (REFUSED, "not a Pascal VOC file (it has more than 500,000 tags)"),
    "attribute of 50 MB": (REFUSED, "50.0 MiB are more than the 8.0 MiB that a Pascal VOC file ma"),
    "attribute just below the limit": ("a.png",),
    "a million elements": (REFUSED, "not a Pascal VOC file (it has more than 500,000 tags)"),
    "XML just as deep as it may be": ("a.png",),
    "XML that ends early": (REFUSED, "not a Pascal VOC file (not XML: unclosed token: line 1, colu"),
    "XML in an unknown encoding": (REFUSED, "not a Pascal VOC file (unknown encoding: klingon)"),
    "XML in UTF-16": ("a.png",),
    "XML of something else": (REFUSED, "not a Pascal VOC file (its root is no annotation)"),
    "XML with half a character": (REFUSED, "not a Pascal VOC file (not XML: reference to invalid charact"),
    "XML with swapped corners": ("a.png", "object 1: its corners (20, 40, 10, 30) were s"),
    "XML with corners that are no numbers": ("a.png", "object 1: its box ['nan', '1', '1e999', 'ten'"),
    "XML with a label of 1 MB": ("a.png", "object 1: its label 'xxxxxxxxxxxxxxxxxxxxxxxx"),
    "XML for another size": ("", "it is 64 x 48, but its boxes were made for 64"),
    "XML that leads out": ("a.png", "1 image was not found as the annotations name it and taken from here: "),
    "deep JSON": (REFUSED, "not a COCO file (not JSON: it must hold an object in braces)"),
    "deep JSON in an entry": (REFUSED, "not a COCO file (not JSON: it is nested deeper than 200 leve"),
    "deep JSON in a part": (REFUSED, "not a COCO file (not JSON: it is nested deeper than 200 leve"),
    "byte order mark": ("a.png+b.png",),
    "UTF-16": ("a.png+b.png",),
    "UTF-16 cut in the middle": (REFUSED, "not a COCO file (not text in UTF-16); save it as UTF-8"),
    "no Unicode": (REFUSED, "not a COCO file (not JSON: it is not text in UTF-8); export "),
    "JSON that ends early": (REFUSED, "not a COCO file (not JSON: it ends in the middle); export it"),
    "JSON with a wrong word": (REFUSED, 'not a COCO file (not JSON: Expecting value at \'{"id": 1, "im'),
    "empty": (REFUSED, "not a COCO file (not JSON: it must hold an object in braces)"),
    "zeros": (REFUSED, "not a COCO file (not JSON: it must hold an object in braces)"),
    "a key twice": (REFUSED, "it has the list of annotations twice, and a reader sees only"),
    "a key twice in an entry": ("a.png+b.png", "annotation 1: it has bbox twice; the last was"),
    "a pipe": (REFUSED, "cannot be read, it is no file; choose a COCO file"),
    "id of 6,000 digits": ("a.png+b.png", "annotation number 1: it holds a number of too"),
    "category of 6,000 digits": ("a.png+b.png", "annotation number 1: it holds a number of too"),
    "size of 6,000 digits": (
        "b.png",
        "image number 1: it holds a number of too many",
        "annotation 1: there is no image 1; skipped",
    ),
    "box with NaN": ("a.png+b.png", "annotation 1: its box [nan, 1, 5, 5] is not f"),
    "box with infinity": ("a.png+b.png", "annotation 1: its box [1, 1, inf, 5] is not f"),
    "box with 1e999": ("a.png+b.png", "annotation 1: its box [5, 6, inf, 21] is not "),
    "box with 400 digits": ("a.png+b.png", "annotation 1: its box [5, 6, 9999999999999999"),
    "box of negative size": ("a.png+b.png", "annotation 1: its box [20, 20, -10, -10] has "),
    "box of zero size": ("a.png+b.png", "annotation 1: its box [20, 20, 0, 10] has no "),
    "box outside": ("a.png+b.png", "box (100, 100, 110, 110) (one): wholly outsid"),
    "box partly outside": ("a.png+b.png", "box (-10, 40, 10, 140) (one): partly outside "),
    "id twice": ("a.png+b.png", "annotation 2: the id is used twice; both were"),
    "image id twice": (
        "a.png",
        "image 2: both a.png and b.png have the id; th",
        "annotation 1: there is no image 1; skipped",
    ),
    "dangling label": ("a.png+b.png", "annotation 1: there is no category 77; skippe"),
    "dangling image": ("a.png+b.png", "annotation 1: there is no image 77; skipped"),
    "half a character in a name": ("b.png", "there is no such file in "),
    "half a character in a label": (
        "a.png+b.png",
        "category 1: the name holds characters that ca",
        "annotation 1: there is no category 1; skipped",
    ),
    "NUL in a name": ("b.png", "image 1: it has no file name; skipped", "annotation 1: there is no image 1; skipped"),
    "NUL in a label": (
        "a.png+b.png",
        "category 1: the name holds characters that ca",
        "annotation 1: there is no category 1; skipped",
    ),
    "label of 1 MB": (
        "a.png+b.png",
        "category 1: the name is longer than 100 chara",
        "annotation 1: there is no category 1; skipped",
    ),
    "name of 1 MB": ("b.png", "there is no such file in "),
    "../": ("b.png", "its path leads out of "),
    "..\\": ("b.png", "its path leads out of "),
    "absolute": ("b.png", "its path leads out of "),
    "absolute, on Windows": ("b.png", "its path leads out of "),
    "on a drive": ("b.png", "its path leads out of "),
    "UNC": ("b.png", "its path leads out of "),
    "UNC with slashes": ("b.png", "its path leads out of "),
    "CON.jpg": ("b.png", "there is no such file in "),
    "a folder": ("b.png", "there is no such file in "),
    "names that differ by case": ("a.png+b.png", "is called so, which is another image; skipped"),
    "two names for one file": ("b.png", "both /data/first/a.png and /data/second/a.png"),
    "link out of the folder": ("b.png", "it is a link to somewhere outside "),
    "linked folder": ("b.png", "a link in its path leads out of "),
    "another size": ("b.png", "it is 64 x 48, but its boxes were made for 64"),
    "100,000 boxes on a picture": (
        "a.png+b.png",
        "annotation 10000: the image has more than 10,",
        "annotation 10001: the image has more than 10,",
    ),
    "100 MB of numbers": (REFUSED, "more of its images are unusable (not an object) than not; is"),
    "100 MB of empty objects": (REFUSED, "more of its images are unusable (it has no id) than not; is "),
    "megabytes of images that are not there": (
        REFUSED,
        "more of it cannot be used than can, such as x.png: there is no such file",
    ),
    "half a million images that are not there": (REFUSED, "more of it cannot be used than can, such as a/999.png"),
    "100 MB of dangling annotations": (REFUSED, "more of it cannot be used than can, such as "),
    "megabytes of lists": ("",),
    "megabytes in a list that nobody reads": ("",),
    "megabytes in one entry": ("", "image number 1: it is too large; skipped"),
    "megabytes of a name": ("", "image number 1: it is too large; skipped"),
    "megabytes of backslashes": ("", "image number 1: it is too large; skipped"),
    "megabytes of keys": (REFUSED, "not a COCO file (not JSON: it has more than 10,000 keys); ex"),
    "megabytes of labels": (REFUSED, "it has more than 10,000 labels; is it the right file?"),
    "more than the limit": (REFUSED, "8,192.0 MiB are more than the 512.0 MiB that a COCO file may"),
    "labelme: deep": (REFUSED, "not a labelme file (not JSON: it is nested deeper than 200 l"),
    "labelme: megabytes of shapes": (REFUSED, "more of it cannot be used than can, such as "),
    "labelme: a picture of 27 MB": ("a.png",),
    "labelme: points that are none": (
        "a.png",
        "shape 1: its box [1.0, 1.0, nan, 5.0] is not ",
        "shape 2: a rectangle of 1 point covers no are",
    ),
    "labelme: shapes that are none": ("a.png", "shape 1: not an object; skipped", "shape 2: not an object; skipped"),
    "labelme: a path out": ("a.png", "1 image was not found as the annotations name it and taken from here: "),
    "labelme: a path that is a number": (REFUSED, "its imagePath is no text"),
    "YOLO: aliases": (REFUSED, "names: 0: [[[[...], [...], [...], [...], [...], [...], [...]"),
    "YOLO: names by names": (REFUSED, "names: one: 1 is no number with a name; mend it"),
    "YOLO: deep": (REFUSED, "data.yaml: not a data.yaml of YOLO (nested deeper than 100 levels); check it"),
    "YOLO: a large data.yaml": (REFUSED, "1.0 MiB are more than the 0.2 MiB that a data.yaml of YOLO m"),
    "YOLO: half a megabyte of names": (REFUSED, "0.5 MiB are more than the 0.2 MiB that a data.yaml of YOLO m"),
    "YOLO: code": (REFUSED, "not a data.yaml of YOLO (not YAML in line 1: "),
    "YOLO: odd lines": ("a.png+b.png", "line 2: there is no class -1; skipped", "line 3: there is no class 9; skipped"),
    "YOLO: 8 MB of lines": (REFUSED, "more of it cannot be used than can, such as "),
    "YOLO: a label file over the limit": ("a.png+b.png", "9.3 MiB are more than the 8.0 MiB that a labe"),
    "YOLO: lists that lead out": ("a.png", "its path leads out of "),
    "YOLO: folders that lead out": ("a.png+b.png", "train: there is no /etc in ", "val: there is no ../../.. in "),
    "YOLO: a linked label file": ("a.png+b.png", "a link that leads out of "),
    "YOLO: no Unicode": ("a.png+b.png", "not a label file of YOLO (not text in UTF-8);"),
    "CSV: megabytes of rows about nothing": (REFUSED, "more of it cannot be used than can, such as gone.png: there "),
    "CSV: megabytes of bad boxes": (REFUSED, "more of it cannot be used than can, such as "),
    "CSV: a quote that does not close": (REFUSED, "line 32770: field larger than field limit (131072); check it"),
    "CSV: megabytes on a line": (REFUSED, "line 0: a row of more than 1,000,000 characters; check its q"),
    "CSV: megabytes in a row": (REFUSED, "line 200001: a row of more than 1,000,000 characters; check "),
    "CSV: odd rows": (
        "a.png",
        "row 3: its corners (9, 9, 1, 1) were swapped",
        "row 4: its box ['nan', '1', '9', '9'] is not ",
    ),
    "CSV: a label of 1 MB": (REFUSED, "line 1: a row of more than 1,000,000 characters; check its q"),
    "CSV: no Unicode": (REFUSED, "not a CSV file (not text in UTF-8); read as cp1252 it says"),
    "CSV: UTF-16": ("a.png",),
    "CSV: only a header": ("",),
    "CVAT: megabytes of images that are not there": (
        REFUSED,
        "more of it cannot be used than can, such as x.png: there is ",
    ),
    "CVAT: megabytes of shapes": (REFUSED, "not a CVAT file for images 1.1 (an image has more than 200,000 tags)"),
    "CVAT: deep": (REFUSED, "not a CVAT file for images 1.1 (it is nested deeper than 50 levels)"),
    "CVAT: an attribute of 50 MB": (REFUSED, "not a CVAT file for images 1.1 (it has a tag of more than 8 MiB)"),
    "CVAT: billion laughs": (REFUSED, "it declares types or entities, which annotations do not need"),
    "CVAT: odd boxes": ("a.png", "image 1, shape 1: its box [nan,"),
    "VIA: megabytes of regions": ("", "image 1: it is too large; skipped"),
    "VIA: megabytes of keys": (REFUSED, "(not JSON: it has more than 200,000 keys); save it again"),
    "VIA: a path out": ("", "its path leads out of ", "image 2: not an object; skipped", "image 3: not an object"),
    "VIA: a folder out": ("", "there is no such file in "),
}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.hostile", str(tmp_path_factory.mktemp("hostile") / "cases")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {result["case"]: result for result in map(json.loads, done.stdout.splitlines())}


@pytest.mark.parametrize("name", ["a.json", "a.xml", "a.csv"])
@pytest.mark.parametrize("content", ["", " \n", "\ufeff"])
def test_an_empty_file_is_said_to_be_empty(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    for path in (tmp_path / name, tmp_path):
        if path == tmp_path and name == "a.csv":
            continue  # a table among others
        with pytest.raises(InputError, match="is empty"):
            read_annotations(path)


def test_every_case_has_its_answer() -> None:
    assert hostile is not None and list(hostile.CASES) == list(EXPECTED)


@pytest.mark.parametrize("case", EXPECTED)
def test_hostile_annotations(outcomes: dict[str, dict[str, Any]], case: str) -> None:
    found = outcomes[case]
    assert "crashed" not in found
    assert found["seconds"] < SECONDS and found["megabytes"] < MEGABYTES
    first, *rest = EXPECTED[case]
    if first == REFUSED:
        assert rest[0] in found.get("refused", ""), found
        assert len(found["refused"]) < 700 and "\n" not in found["refused"]
        return
    assert "refused" not in found, found
    assert "+".join(sorted(set(found["images"]))) == first
    assert (found["problem_count"] > 0) == bool(rest), found
    for expected, problem in zip(rest, found["problems"], strict=False):
        assert expected in problem
    for boxes in found["boxes"].values():
        assert all(0 <= x1 < x2 <= 64 and 0 <= y1 < y2 <= 48 for x1, y1, x2, y2 in boxes)
