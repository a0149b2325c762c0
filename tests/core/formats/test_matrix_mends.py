"""What other programs write that was once refused for a wrong reason, or lost: ids, nulls, places and foreign files."""

import json
from pathlib import Path
from typing import Any

import pytest

from core.errors import InputError
from core.formats.annotations import Format
from core.formats.import_report import explain_nothing_found
from core.formats.registry import detect_format, read_annotations
from core.types import Split
from tests.builders import picture, write_picture
from tests.core.formats.matrix import HEIGHT, WIDTH, Dialect, Found, check_dialect
from tests.core.formats.test_matrix_masks import drawn

BOX: Found = ((10, 20, 30, 40), {"pit"})
VALUES = "the values of the masks"


def coco(**annotation: Any) -> dict[str, Any]:
    return {
        "images": [{"id": 1, "file_name": "a.png", "width": WIDTH, "height": HEIGHT}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [10, 20, 20, 20]} | annotation],
        "categories": [{"id": 1, "name": "pit"}],
    }


def with_float_ids() -> dict[str, Any]:
    tree = coco(id=1.0, image_id=1.0, category_id=1.0)
    tree["images"][0]["id"] = tree["categories"][0]["id"] = 1.0
    return tree


def without_annotation_ids() -> dict[str, Any]:
    tree = coco()
    tree["annotations"] += [dict(tree["annotations"][0], bbox=[50, 20, 20, 20])]
    for entry in tree["annotations"]:
        del entry["id"]
    return tree


def one_coco(tree: Any, *found: Found, told: tuple[str, ...] = ()) -> Dialect:
    return Dialect(Format.COCO, {"x.json": tree}, {"a.png": list(found)}, told, labels=("pit",))


CASES = {
    "COCO with ids as decimals": one_coco(with_float_ids(), BOX),
    "COCO with a category as a decimal": one_coco(coco(category_id=1.0), BOX),
    "COCO with ids as texts": one_coco(coco(image_id="1"), BOX, told=("image_id is a text where",)),
    "COCO with annotations that are null": one_coco(coco() | {"annotations": None}, told=("annotations are null",)),
    "COCO with annotations without ids": one_coco(
        without_annotation_ids(), BOX, ((50, 20, 70, 40), {"pit"}), told=("annotations have no id",)
    ),
    "COCO with boxes of texts": one_coco(coco(bbox=["10", "20", "20.0", "20"]), BOX),
    "COCO with an outline that is an empty object": one_coco(coco(segmentation={}), BOX),
    "COCO with NaN": one_coco(coco(bbox=[float("nan"), 1, 2, 3]), told=("is not finite",)),
    "COCO with a byte order mark": one_coco(b"\xef\xbb\xbf" + json.dumps(coco()).encode(), BOX),
    "a table of VisA beside its masks": Dialect(
        Format.MASKS,
        {
            "candle/Data/Masks/Anomaly/000.png": drawn(((10, 20, 30, 40), 1)),
            "candle/image_anno.csv": "image,label,mask\ncandle/Data/Images/Anomaly/000.png,wax,x.png\n",
        },
        {"candle/Data/Images/Anomaly/000.png": [((10, 20, 30, 40), {"1"})]},
        told=(VALUES,),
    ),
    "YOLO with the path of another machine": Dialect(
        Format.YOLO,
        {
            "set/labels/train/a.txt": "0 .1 .3 .1 .2\n",
            "set/cfg/data.yaml": "path: ../datasets/set\ntrain: ../images/train\nnames: [pit]\n",
        },
        {"set/images/train/a.png": [BOX]},
        splits={"set/images/train/a.png": Split.TRAIN},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_mended_dialects(tmp_path: Path, name: str) -> None:
    check_dialect(tmp_path, CASES[name])


FOREIGN: dict[str, Any] = {
    "Supervisely": {"size": {}, "objects": [{"classTitle": "pit", "points": {"exterior": [[1, 2], [3, 4]]}}]},
    "Label Studio": [{"data": {}, "annotations": [{"result": [{"from_name": "label", "value": {}}]}]}],
    "CreateML": [{"image": "a.png", "annotations": [{"label": "pit", "coordinates": {"x": 1}}]}],
    "Datumaro": {"categories": {"label": {}}, "items": [{"annotations": [{"label_id": 0}]}]},
}


@pytest.mark.parametrize("name", FOREIGN)
def test_formats_that_are_not_read_are_refused_by_their_name(tmp_path: Path, name: str) -> None:
    write_picture(tmp_path / "a.png")
    path = tmp_path / "x.json"
    path.write_text(json.dumps(FOREIGN[name]))
    for source in (path, tmp_path):
        with pytest.raises(InputError, match=f"x.json: it is .*{name}.*which cannot be read; export it there as COCO"):
            detect_format(source)


def test_boxes_of_an_image_without_a_name_are_not_called_boxes_of_no_image(tmp_path: Path) -> None:
    tree = coco()
    del tree["images"][0]["file_name"]
    (tmp_path / "x.json").write_text(json.dumps(tree))
    imported = read_annotations(tmp_path / "x.json")
    assert imported.boxes_lost == {"image": 1}
    assert [problem.problem for problem in imported.problems] == ["image 1: it has no file name; skipped"]


def test_a_picture_that_is_only_inside_its_labelme_file_is_asked_for(tmp_path: Path) -> None:
    shape = {"label": "pit", "points": [[10, 20], [30, 40]], "shape_type": "rectangle"}
    tree = {"shapes": [shape], "imagePath": "C:\\photos\\a.png", "imageData": "aGVsbG8=", "imageWidth": WIDTH}
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "a.json").write_text(json.dumps(tree | {"imageHeight": HEIGHT}))
    imported = read_annotations(tmp_path / "set")
    assert "its picture is only inside the file; save it beside, as a.png" in explain_nothing_found(imported)


def test_pictures_of_a_data_set_of_darknet_beside_are_not_taken(tmp_path: Path) -> None:
    write_picture(tmp_path / "other" / "obj" / "a.png", picture(WIDTH, HEIGHT))
    (tmp_path / "other" / "obj.names").write_text("pit\n")
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "x.json").write_text(json.dumps(coco()))
    assert read_annotations(tmp_path / "set").missing == ("a.png",)
