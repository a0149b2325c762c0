"""VGG Image Annotator: what its versions 1, 2 and 3 write."""

import json
from pathlib import Path
from typing import Any

import pytest

from core.errors import InputError
from core.formats import via
from core.formats.annotations import Format
from core.types import Split
from tests.core.formats.matrix import Dialect, Found, check_dialect

RECTANGLE = {"name": "rect", "x": 10, "y": 20, "width": 30, "height": 40}
PIT: Found = ((10, 20, 40, 60), {"pit"})
AROUND = "the box around it was taken"


def region(attributes: dict[str, Any], shape: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"shape_attributes": shape or RECTANGLE, "region_attributes": attributes}


def image(*regions: dict[str, Any], name: str = "a.png", **more: Any) -> dict[str, Any]:
    return {"filename": name, "size": 1234, "regions": list(regions), "file_attributes": more}


def one_image(*regions: dict[str, Any], found: list[Found], told: tuple[str, ...] = (), **more: Any) -> Dialect:
    """An annotation file of version 2."""
    return Dialect(Format.VIA, {"via.json": {"a.png1234": image(*regions)}}, {"a.png": found}, told, **more)


def project(images: dict[str, Any], attributes: dict[str, Any] | None = None, folder: str = "") -> dict[str, Any]:
    """A project of version 2."""
    return {
        "_via_settings": {"ui": {}, "core": {"buffer_size": 18, "default_filepath": folder}, "project": {"name": "x"}},
        "_via_img_metadata": images,
        "_via_attributes": {"region": attributes or {}, "file": {}},
        "_via_data_format_version": "2.0.10",
        "_via_image_id_list": list(images),
    }


def third(*metadata: dict[str, Any], options: Any = None, kind: int = 4, **file: Any) -> dict[str, Any]:
    """A project of version 3 about one image."""
    entry = {"fid": "1", "fname": "a.png", "type": 2, "loc": 1, "src": "a.png"} | file
    return {
        "project": {"pid": "__VIA_PROJECT_ID__", "pname": "x", "data_format_version": "3.1.1", "vid_list": ["1"]},
        "config": {},
        "attribute": {
            "1": {
                "aname": "defect",
                "anchor_id": "FILE1_Z0_XY1",
                "type": kind,
                "options": options or {"0": "pit", "1": "rust"},
            },
            "2": {"aname": "light", "anchor_id": "FILE1_Z0_XY0", "type": 1, "options": {}},
        },
        "file": {"1": entry},
        "metadata": {f"1_{number}": {"vid": "1", "flg": 0, "z": []} | one for number, one in enumerate(metadata)},
        "view": {"1": {"fid_list": ["1"]}},
    }


SHAPES: list[tuple[dict[str, Any], tuple[float, float, float, float]]] = [
    ({"name": "polygon", "all_points_x": [10, 50, 50], "all_points_y": [10, 10, 40]}, (10, 10, 50, 40)),
    ({"name": "polyline", "all_points_x": [60, 90], "all_points_y": [20, 20]}, (60, 19.5, 90, 20.5)),
    ({"name": "circle", "cx": 50, "cy": 70, "r": 10}, (40, 60, 60, 80)),
    ({"name": "ellipse", "cx": 120, "cy": 50, "rx": 20, "ry": 10}, (100, 40, 140, 60)),
    ({"name": "ellipse", "cx": 170, "cy": 50, "rx": 20, "ry": 10, "theta": 1.5707963267948966}, (160, 30, 180, 70)),
]
CASES = {
    "annotations of version 2": one_image(region({"type": "pit"}), found=[PIT]),
    "regions by numbers, as in version 1": Dialect(
        Format.VIA,
        {
            "via.json": {
                "a.png1": {
                    "fileref": "",
                    "size": 1,
                    "filename": "a.png",
                    "base64_img_data": "",
                    "file_attributes": {},
                    "regions": {"0": region({"label": "pit"})},
                }
            }
        },
        {"a.png": [PIT]},
    ),
    "shapes": one_image(
        *(region({"label": "pit"}, shape) for shape, _ in SHAPES),
        found=[(box, {"pit"}) for _, box in SHAPES],
        told=tuple(
            f"a.png, region {number}: a {shape['name']}; {AROUND}" for number, (shape, _) in enumerate(SHAPES, start=1)
        ),
    ),
    "shapes that are none": one_image(
        region({"label": "pit"}, {"name": "point", "cx": 1, "cy": 2}),
        region({"label": "pit"}, {"name": "blob"}),
        region({"label": "pit"}, {"name": "rect", "x": "1", "y": 2, "width": 3, "height": 4}),
        region({"label": "pit"}, {"name": "polygon", "all_points_x": [1], "all_points_y": []}),
        region({"label": "pit"}),
        found=[PIT],
        told=(
            "region 1: a point covers no area",
            "region 2: a blob is no shape",
            "region 3: its x is no number",
            "region 4: its points are not as many",
        ),
    ),
    "a checkbox": one_image(
        region({"type": {"pit": True, "rust": True, "dent": False}}),
        found=[((10, 20, 40, 60), {"pit", "rust"})],
        labels=("pit", "rust"),
    ),
    "several attributes, one called after a label": one_image(
        region({"depth": "3", "Defect Type": "pit"}),
        found=[PIT],
        told=("attributes of regions were left out: depth; labels are those of Defect Type",),
    ),
    "several attributes, none called after a label": one_image(
        region({"surface": "pit", "edge": "rust"}), found=[((10, 20, 40, 60), {"pit", "rust"})], labels=("pit", "rust")
    ),
    "regions without a label": one_image(
        region({}),
        region({"label": "undefined"}, RECTANGLE | {"x": 80}),
        found=[((10, 20, 40, 60), set()), ((80, 20, 110, 60), set())],
        told=("region 1: it has no label; a box without one was made", "region 2: it has no label"),
    ),
    "labels that are none": one_image(
        region({"label": "__ignore__"}), region({"label": "pit"}), found=[PIT], told=("'__ignore__' is no defect",)
    ),
    "attributes of images": Dialect(
        Format.VIA,
        {"via.json": {"1": image(region({"label": "pit"}), subset="valid", light="left"), "2": image(name="b.png")}},
        {"a.png": [PIT], "b.png": []},
        ("attributes of 1 image were taken as notes",),
        splits={"a.png": Split.VAL},
        notes={"a.png": "light: left"},
    ),
    "a project of version 2": Dialect(
        Format.VIA,
        {
            "deep/p.json": project(
                {"a.png1": image(region({"what": "0", "remark": "look"}))},
                {"what": {"type": "dropdown", "options": {"0": "pit", "1": "rust"}}, "remark": {"type": "text"}},
                "./pictures/",
            )
        },
        {"deep/pictures/a.png": [PIT]},
        ("attributes of regions were left out: remark; labels are those of what",),
    ),
    "a project of version 3": Dialect(
        Format.VIA,
        {
            "p.json": third(
                {"xy": [2, 10, 20, 30, 40], "av": {"1": "0"}},
                {"xy": [7, 50, 50, 90, 50, 90, 80], "av": {"1": "1"}},
                {"xy": [], "av": {"2": "left"}},
            )
        },
        {"a.png": [PIT, ((50, 50, 90, 80), {"rust"})]},
        (f"region 2: a polygon; {AROUND}", "attributes of 1 image were taken as notes"),
        notes={"a.png": "light: left"},
    ),
    "checkboxes of version 3": Dialect(
        Format.VIA,
        {"p.json": third({"xy": [2, 10, 20, 30, 40], "av": {"1": "0,1"}}, kind=2)},
        {"a.png": [((10, 20, 40, 60), {"pit", "rust"})]},
        labels=("pit", "rust"),
    ),
    "texts of version 3, from an address": Dialect(
        Format.VIA,
        {
            "p.json": third(
                {"xy": [3, 50, 50, 10], "av": {"1": "pit"}}, kind=1, fname="https://example.org/x/a.png?y=1", loc=2
            )
        },
        {"a.png": [((40, 40, 60, 60), {"pit"})]},
        (f"a circle; {AROUND}",),
    ),
    "metadata of version 3 that is none": Dialect(
        Format.VIA,
        {
            "p.json": third(
                {"vid": "9", "xy": [2, 1, 1, 5, 5]},
                {"xy": [99, 1], "av": {}},
                {"xy": ["a"], "av": {}},
                {"xy": [2, 10, 20, 30, 40], "av": {"1": "0"}},
            )
        },
        {"a.png": [PIT]},
        ("there is no image 9", "a shape of kind 99 is no shape", "a shape without a kind is no shape"),
    ),
    "a table of version 2": Dialect(
        Format.VIA,
        {
            "via.csv": "filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,region_attributes\n"
            + "".join(
                f'{name},12,"{{}}",1,0,"{shape}","{said}"\n'
                for name, shape, said in (
                    ("a.png", json.dumps(RECTANGLE).replace('"', '""'), '{""type"":""pit""}'),
                    ("a.png", "{", "{}"),
                    ("b.png", "{}", "{}"),
                )
            )
        },
        {"a.png": [PIT], "b.png": []},
        ("row 3: 'a.png,12,{},1,0,{,{}' holds no JSON; skipped",),
    ),
    "a video": Dialect(
        Format.VIA,
        {"p.json": third({"xy": [2, 1, 1, 5, 5], "av": {}}, type=4)},
        {},
        ("file 1: it is no image; skipped, and its regions with it",),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_via_dialects(tmp_path: Path, name: str) -> None:
    check_dialect(tmp_path, CASES[name])


@pytest.mark.parametrize(
    ("tree", "why"),
    [
        ('{"_via_img_metadata": 5}', "its _via_img_metadata is no object"),
        ('{"_via_img_metadata": {"a": {"filename": "a.png"', "not JSON: it ends in the middle"),
        (json.dumps(third()).replace('"attribute": {', '"attribute": {"x": nope, '), "not JSON"),
    ],
)
def test_files_that_are_none_are_refused(tmp_path: Path, tree: str, why: str) -> None:
    path = tmp_path / "via.json"
    path.write_text(tree)
    with pytest.raises(InputError, match=why):
        via.read(path)
