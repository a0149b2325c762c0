"""Pascal VOC and labelme as labelling tools write them."""

import math
from pathlib import Path
from typing import Any

import pytest

from core.formats.annotations import Format
from tests.core.formats.matrix import Dialect, Found, check_dialect

PIT: Found = ((10, 20, 40, 60), {"pit"})
BOX = "<bndbox><xmin>10</xmin><ymin>20</ymin><xmax>40</xmax><ymax>60</ymax></bndbox>"
OTHER = "<bndbox><xmin>110</xmin><ymin>20</ymin><xmax>140</xmax><ymax>60</ymax></bndbox>"
SHARES = "<bndbox><xmin>0.1</xmin><ymin>0.2</ymin><xmax>0.3</xmax><ymax>0.4</ymax></bndbox>"
TURNED = "<robndbox><cx>50</cx><cy>50</cy><w>20</w><h>10</h><angle>{}</angle></robndbox>"
ROTATION = "<attributes><attribute><name>rotation</name><value>{}</value></attribute></attributes>"


def voc(*objects: str) -> str:
    inner = "".join(f"<object>{text}</object>" for text in objects)
    return (
        f"<annotation><filename>a.png</filename><size><width>200</width><height>100</height></size>{inner}</annotation>"
    )


def one_xml(objects: tuple[str, ...], *found: Found, told: tuple[str, ...] = ()) -> Dialect:
    return Dialect(Format.VOC, {"a.xml": voc(*objects)}, {"a.png": list(found)}, told)


HALF = 5 * math.sqrt(3)
CASES = {
    "several boxes of one object": one_xml(
        (f"<name>pit</name>{BOX}{OTHER}",),
        PIT,
        ((110, 20, 140, 60), {"pit"}),
        told=("object 1: it has 2 boxes; each became one",),
    ),
    "several names of one object": one_xml(
        (f"<name>pit</name><name>rust</name>{BOX}",),
        ((10, 20, 40, 60), {"pit", "rust"}),
        told=("object 1: it has 2 names; its box got all of them as labels",),
    ),
    "a turned box of roLabelImg": one_xml(
        (f"<type>robndbox</type><name>pit</name>{TURNED.format(math.pi / 2)}",),
        ((45, 40, 55, 60), {"pit"}),
        told=("object 1: it is a turned box; the box around it was taken",),
    ),
    "a turned box by a third": one_xml(
        (f"<name>pit</name>{TURNED.format(-math.pi / 6)}",),
        (tuple(round(v, 3) for v in (50 - HALF - 2.5, 50 - HALF / 2 - 5, 50 + HALF + 2.5, 50 + HALF / 2 + 5)), {"pit"}),  # type: ignore[arg-type]
        told=("object 1: it is a turned box",),
    ),
    "a turned box that is damaged": one_xml(
        (f"<name>pit</name>{TURNED.format('x')}", f"<name>pit</name>{BOX}"),
        PIT,
        told=("object 1: its robndbox is not cx, cy, w, h and angle in numbers; skipped",),
    ),
    "polygons of Roboflow": one_xml(
        ("<name>pit</name><polygon><x1>10</x1><y1>10</y1><x2>40</x2><y2>12</y2><x3>20</x3><y3>50</y3></polygon>",),
        ((10, 10, 40, 50), {"pit"}),
        told=("object 1: it is a polygon; the box around it was taken",),
    ),
    "polygons of LabelMe": one_xml(
        (
            "<name>pit</name><polygon><username>x</username><pt><x>10</x><y>10</y></pt><pt><x>40</x><y>12</y></pt></polygon>",
        ),
        ((10, 10, 40, 12), {"pit"}),
        told=("object 1: it is a polygon; the box around it was taken",),
    ),
    "a box by its four corners": one_xml(
        (
            "<name>pit</name><bndbox>"
            + "".join(
                f"<x{n}>{x}</x{n}><y{n}>{y}</y{n}>"
                for n, (x, y) in enumerate(((10, 30), (50, 20), (60, 45), (20, 60)), 1)
            )
            + "</bndbox>",
        ),
        ((10, 20, 60, 60), {"pit"}),
        told=("object 1: its box has corners of its own; the box around it was taken",),
    ),
    "parts of an object": one_xml(
        (f"<name>pit</name>{BOX}<part><name>edge</name>{OTHER}</part>",),
        PIT,
        told=("object 1: its parts were left out, the object itself was taken",),
    ),
    "a polygon beside its box": one_xml((f"<name>pit</name>{BOX}<polygon><x1>1</x1><y1>1</y1></polygon>",), PIT),
    "neither box nor polygon": one_xml(
        ("<name>pit</name>", "<name>pit</name><polygon><x1>10</x1></polygon>", f"<name>pit</name>{BOX}"),
        PIT,
        told=("object 1: it has no bndbox; skipped", "object 2: its outline has an odd number of coordinates; skipped"),
    ),
    "turned boxes of CVAT": one_xml(
        (f"<name>pit</name>{BOX}{ROTATION.format('90.0')}", f"<name>pit</name>{OTHER}{ROTATION.format('0.0')}"),
        ((5, 25, 45, 55), {"pit"}),
        ((110, 20, 140, 60), {"pit"}),
        told=("object 1: it is turned by 90 degrees; the box around it was taken",),
    ),
    "boxes in shares of the image": one_xml(
        (f"<name>pit</name>{SHARES}",),
        ((20, 20, 60, 40), {"pit"}),
        told=("all coordinates of 1 box lie between 0 and 1",),
    ),
    "boxes with a decimal comma": one_xml(
        (f"<name>pit</name>{BOX.replace('>10<', '>10,5<')}",), ((10.5, 20, 40, 60), {"pit"})
    ),
    "marks of objects": one_xml(
        (
            f"<name>pit</name><truncated>1</truncated><difficult>1</difficult>{BOX}",
            f"<name>pit</name><difficult>0</difficult>{OTHER}",
        ),
        PIT,
        ((110, 20, 140, 60), {"pit"}),
        told=(
            "1 box is marked as difficult: training and judging ignore what is there",
            "1 box is marked as truncated",
        ),
    ),
    "what is to be ignored": one_xml(
        (f"<name>__ignore__</name>{OTHER}", f"<name>pit</name>{BOX}"),
        PIT,
        told=("object 1: '__ignore__' is no defect, it stands for what is to be ignored; skipped",),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_voc_dialects(tmp_path: Path, name: str) -> None:
    check_dialect(tmp_path, CASES[name])


def one_json(shapes: list[dict[str, Any]], *found: Found, told: tuple[str, ...] = ()) -> Dialect:
    tree = {"version": "5", "flags": {}, "shapes": shapes, "imagePath": "a.png", "imageHeight": 100, "imageWidth": 200}
    return Dialect(Format.LABELME, {"a.json": tree}, {"a.png": list(found)}, told)


def shape(kind: str, points: list[list[float]], label: Any = "pit", **more: Any) -> dict[str, Any]:
    return {"label": label, "points": points, "shape_type": kind, "group_id": None, "flags": {}} | more


FOUR = [[10.0, 30.0], [50.0, 20.0], [60.0, 45.0], [20.0, 60.0]]
LABELME_CASES = {
    kind: one_json(
        [shape(kind, FOUR)], ((10, 20, 60, 60), {"pit"}), told=(f"shape 1: a {kind}; the box around it was taken",)
    )
    for kind in ("polygon", "oriented_rectangle", "rotation", "quadrilateral", "linestrip")
} | {
    "a rectangle by four corners": one_json([shape("rectangle", [[10, 20], [40, 20], [40, 60], [10, 60]])], PIT),
    "a flat line": one_json(
        [shape("line", [[10, 20], [40, 20]])],
        ((10, 19.5, 40, 20.5), {"pit"}),
        told=("shape 1: a line; the box around it",),
    ),
    "points": one_json(
        [shape("rectangle", [[10, 20], [40, 60]]), shape("point", [[5, 5]]), shape("points", [[5, 5], [9, 9]])],
        PIT,
        told=(
            "shape 2: a point of 1 point covers no area; skipped",
            "shape 3: a points of 2 points covers no area; skipped",
        ),
    ),
    "flags and marks": one_json(
        [
            shape("rectangle", [[10, 20], [40, 60]], flags={"difficult": True, "sure": False}),
            shape("rectangle", [[110, 20], [140, 60]], difficult=True),
        ],
        PIT,
        ((110, 20, 140, 60), {"pit"}),
        told=("2 boxes are marked as difficult: training and judging ignore what is there",),
    ),
    "flags of the image": Dialect(
        Format.LABELME,
        {
            "a.json": {
                "imagePath": "a.png",
                "imageWidth": 200,
                "imageHeight": 100,
                "flags": {"blurred": True, "dark": False, "lot 7": True},
                "shapes": [shape("rectangle", [[10, 20], [40, 60]])],
            }
        },
        {"a.png": [PIT]},
        notes={"a.png": "blurred; lot 7"},
        told=("its flags were taken as its note: blurred; lot 7",),
    ),
    "labels that are none": one_json(
        [
            shape("rectangle", [[1, 2], [4, 6]], "__ignore__"),
            shape("rectangle", [[1, 2], [4, 6]], "_background_"),
            shape("rectangle", [[10, 20], [40, 60]]),
        ],
        PIT,
        told=("shape 1: '__ignore__' is no defect", "shape 2: '_background_' is no defect"),
    ),
}


@pytest.mark.parametrize("name", LABELME_CASES)
def test_labelme_dialects(tmp_path: Path, name: str) -> None:
    check_dialect(tmp_path, LABELME_CASES[name])
