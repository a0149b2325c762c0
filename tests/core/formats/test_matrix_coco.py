"""COCO as labelling tools, converters and data sets write it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools import mask as coco_mask

from core.formats.annotations import Format
from tests.core.formats.matrix import Dialect, Found, check_dialect, read_dialect

PIT = [{"id": 1, "name": "pit"}]


def box(category: int = 1, bbox: Any = (10, 20, 30, 40), **more: Any) -> dict[str, Any]:
    return {"image_id": 1, "category_id": category, "bbox": bbox if bbox is None else list(bbox)} | more


def outline(segmentation: Any, **more: Any) -> dict[str, Any]:
    return {"image_id": 1, "category_id": 1, "segmentation": segmentation} | more


def one_image(
    categories: list[dict[str, Any]], annotations: list[dict[str, Any]], *found: Found, **more: Any
) -> Dialect:
    """A file about one image, 200 x 100."""
    tree = {
        "images": [{"id": 1, "file_name": "a.png", "width": 200, "height": 100}],
        "annotations": [{"id": number} | entry for number, entry in enumerate(annotations, start=1)],
        "categories": categories,
    }
    return Dialect(Format.COCO, {"c.json": tree}, {"a.png": list(found)}, **more)


def runs(left: int, top: int, right: int, bottom: int) -> dict[str, Any]:
    """A mask of a rectangle in COCO's text."""
    pixels = np.zeros((100, 200), np.uint8, order="F")
    pixels[top:bottom, left:right] = 1
    coded = coco_mask.encode(pixels)
    return {"size": coded["size"], "counts": coded["counts"].decode()}


AROUND = "it has no box; the box around its outline was taken"
CROWD = "as crowd, as some programs mark masks; taken as boxes"
BOX: Found = ((10, 20, 40, 60), {"pit"})
CASES = {
    "polygons without a box": one_image(
        PIT,
        [
            outline([[10, 10, 50, 10, 50, 40]]),
            outline([[60, 10, 90, 10, 90, 40]], bbox=[]),
            outline([[100, 10, 120, 10, 120, 40]], bbox=[0, 0, 0, 0]),
            outline([[130, 10, 140, 10, 140, 40], [150, 5, 160, 5, 160, 20]], bbox=None),
        ],
        ((10, 10, 50, 40), {"pit"}),
        ((60, 10, 90, 40), {"pit"}),
        ((100, 10, 120, 40), {"pit"}),
        ((130, 5, 160, 40), {"pit"}),
        told=(AROUND,) * 4,
    ),
    "masks without a box": one_image(
        PIT,
        [outline({"counts": [1000, 50, 18950], "size": [100, 200]}), outline(runs(70, 30, 110, 77))],
        ((10, 0, 11, 50), {"pit"}),
        ((70, 30, 110, 77), {"pit"}),
        told=(AROUND, AROUND),
    ),
    "masks that are damaged": one_image(
        PIT,
        [
            outline({"counts": [1000, 50], "size": [100, 200]}),
            outline({"counts": "~~~", "size": [100, 200]}),
            outline({"counts": [20000], "size": [100, 200]}),
            outline([[1, 2, 3]]),
            outline([[5, 5]]),
            outline([]),
        ],
        told=(
            "it has no box, and its mask does not fill 200 x 100 pixels",
            "its mask is no text of run lengths",
            "its mask is empty",
            "an odd number of coordinates",
            "a point covers no area",
            "its box None is not a list of four numbers",
        ),
        labels=("pit",),
    ),
    "turned boxes of CVAT": one_image(
        PIT,
        [
            box(bbox=(10, 40, 40, 20), attributes={"rotation": 90.0}),
            box(bbox=(100, 40, 40, 20), attributes={"rotation": 180}),
        ],
        ((20, 30, 40, 70), {"pit"}),
        ((100, 40, 140, 60), {"pit"}),
        told=("annotation 1: it is turned by 90 degrees; the box around it was taken",),
    ),
    "boxes in shares of the image": one_image(
        PIT,
        [box(bbox=(0.1, 0.1, 0.2, 0.3)), box(bbox=(0.5, 0.5, 0.5, 0.5))],
        ((20, 10, 60, 40), {"pit"}),
        ((100, 50, 200, 100), {"pit"}),
        told=("all coordinates of 2 boxes lie between 0 and 1: they were taken as shares of the image's width",),
    ),
    "boxes below a pixel among others": one_image(
        PIT,
        [box(bbox=(0.1, 0.1, 0.2, 0.3)), box()],
        ((0.1, 0.1, 0.3, 0.4), {"pit"}),
        BOX,
        told=("box (0.1, 0.1, 0.3, 0.4) is narrower than a pixel",),
    ),
    "masks that are all marked as crowd": one_image(
        PIT,
        [outline(runs(70, 30, 110, 77), iscrowd=1, bbox=[70, 30, 40, 47]), outline(runs(1, 2, 5, 9), iscrowd=1)],
        ((70, 30, 110, 77), {"pit"}),
        ((1, 2, 5, 9), {"pit"}),
        told=(f"all 2 annotations are marked {CROWD}", AROUND),
    ),
    "one crowd among single boxes": one_image(
        PIT,
        [box(iscrowd=0), box(bbox=(1, 1, 90, 90), iscrowd=1)],
        BOX,
        ((1, 1, 91, 91), {"pit"}),
        told=("1 box is marked as crowd: training and judging ignore what is there",),
    ),
    "masks of CVAT's brush among boxes": one_image(
        PIT,
        [
            box(attributes={"occluded": False}),
            box(bbox=(100, 20, 30, 40), iscrowd=1, attributes={"occluded": False}),
            box(bbox=(1, 1, 90, 90), iscrowd=1, attributes={"occluded": False, "is_crowd": True}),
        ],
        BOX,
        ((100, 20, 130, 60), {"pit"}),
        ((1, 1, 91, 91), {"pit"}),
        told=("1 annotation is marked as crowd, as some programs mark masks", "1 box is marked as crowd"),
    ),
    "attributes": one_image(
        PIT,
        [box(attributes={"occluded": False, "depth": "3", "side": "", "rotation": 0.0, "track_id": 5})],
        BOX,
        told=("attributes of annotations were left out: depth",),
    ),
    "marks of boxes": one_image(
        PIT,
        [box(attributes={"occluded": True, "rotation": 0.0}), box(bbox=(50, 50, 9, 9), difficult=1, truncated=0)],
        BOX,
        ((50, 50, 59, 59), {"pit"}),
        told=("1 box is marked as difficult", "1 box is marked as occluded"),
    ),
    "Roboflow's category of all the others": one_image(
        [{"id": 0, "name": "parts", "supercategory": "none"}, {"id": 1, "name": "pit", "supercategory": "parts"}],
        [box()],
        BOX,
        told=("label 'parts' was left out: no box has it, and it stands for the categories below it",),
    ),
    "a root that is nobody's parent by name": one_image(
        [{"id": 0, "name": "parts-x7", "supercategory": "none"}, {"id": 1, "name": "pit", "supercategory": "parts"}],
        [box()],
        BOX,
        told=("label 'parts-x7' was left out",),
    ),
    "a parent that boxes have": one_image(
        [{"id": 0, "name": "parts", "supercategory": "none"}, {"id": 1, "name": "pit", "supercategory": "parts"}],
        [box(), box(0, (50, 50, 9, 9))],
        BOX,
        ((50, 50, 59, 59), {"parts"}),
        labels=("parts", "pit"),
    ),
    "categories without parents": one_image(
        [{"id": 0, "name": "rust", "supercategory": "none"}, {"id": 1, "name": "pit", "supercategory": "none"}],
        [box()],
        BOX,
        labels=("rust", "pit"),
    ),
    "one name below two parents": one_image(
        [{"id": 1, "name": "left", "supercategory": "crack"}, {"id": 2, "name": "left", "supercategory": "pit"}],
        [box(), box(2, (50, 50, 9, 9))],
        ((10, 20, 40, 60), {"crack/left"}),
        ((50, 50, 59, 59), {"pit/left"}),
        told=(
            "category 1: it shares its name with another; it became the label 'crack/left' after its supercategory",
            "category 2: it shares its name with another; it became the label 'pit/left'",
        ),
    ),
    "one name twice": one_image(
        [{"id": 1, "name": "pit"}, {"id": 2, "name": "pit "}],
        [box(), box(2, (50, 50, 9, 9))],
        BOX,
        ((50, 50, 59, 59), {"pit"}),
        told=("category 2: another category is called 'pit ', too; they became one label",),
    ),
    "a category with a parent and no name": one_image(
        [{"id": 1, "supercategory": "pit"}],
        [box()],
        BOX,
        told=("category 1: it has no name; it became the label 'pit' after its supercategory",),
    ),
    "names that are numbers": one_image(
        [{"id": 1, "name": 7}],
        [box()],
        ((10, 20, 40, 60), {"7"}),
        told=(),
    ),
    "labelme2coco's background": one_image(
        [{"id": 0, "name": "_background_"}, {"id": 1, "name": "pit"}],
        [box()],
        BOX,
        told=("label '_background_' was left out: it stands for the background",),
    ),
    "a category called background": one_image(
        [{"id": 0, "name": "background"}, {"id": 1, "name": "pit"}],
        [box()],
        BOX,
        told=("label 'background' was left out: no box has it, and it is called after the background",),
    ),
    "boxes of what is to be ignored": one_image(
        [{"id": 0, "name": "__ignore__"}, {"id": 1, "name": "pit"}],
        [box(), box(0, (50, 50, 9, 9))],
        BOX,
        told=(
            "annotation 2: it is of no defect, it stands for what is to be ignored; skipped",
            "label '__ignore__' was left out",
        ),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_coco_dialects(tmp_path: Path, name: str) -> None:
    check_dialect(tmp_path, CASES[name])


def test_each_file_has_coordinates_of_its_own_kind(tmp_path: Path) -> None:
    shares = one_image(PIT, [box(bbox=(0.1, 0.1, 0.2, 0.3))], ((20, 10, 60, 40), {"pit"})).files["c.json"]
    pixels = one_image(PIT, [box()]).files["c.json"] | {
        "images": [{"id": 1, "file_name": "b.png", "width": 200, "height": 100}]
    }
    dialect = Dialect(Format.COCO, {"x.json": shares, "y.json": pixels}, {"a.png": [], "b.png": []})
    imported = read_dialect(tmp_path, dialect)
    assert [np.round(image.boxes, 6).tolist() for image in imported.images] == [[[20, 10, 60, 40]], [[10, 20, 40, 60]]]


def test_marks_stay_with_their_boxes(tmp_path: Path) -> None:
    dialect = one_image(PIT, [box(bbox=(300, 1, 9, 9), difficult=1), box(), box(bbox=(50, 50, 9, 9), difficult=True)])
    imported = read_dialect(tmp_path, dialect)
    assert "1 box is marked as difficult" in imported.problems[-1].problem
    assert imported.images[0].marks == (frozenset(), {"difficult"})
