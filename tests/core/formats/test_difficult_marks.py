"""Which marks of a file make a box difficult: by default, as a user chooses, and what is said of the others."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from core.errors import InputError
from core.formats.annotations import Format, ImportedAnnotations
from core.formats.difficult_marks import choose_difficult, count_marks, parse_difficult
from core.formats.exporting import ExportOptions, export_project
from core.formats.import_report import build_report
from core.formats.importing import import_into
from core.formats.registry import read_annotations
from core.project.edits.box_edits import toggle_difficult
from core.project.project import Project
from tests.builders import draw, picture, project_with_pictures, write_picture
from tests.core.conftest import Run

CORNERS = [(5, 5), (35, 5), (65, 5), (95, 5), (125, 5), (155, 5)]  # boxes of 20 x 20 that do not meet


def write_voc(folder: Path) -> Path:
    """Boxes that are difficult, truncated, occluded, blurred by an attribute of CVAT, truncated and occluded, and none."""
    marks = (
        "<difficult>1</difficult>",
        "<truncated>1</truncated>",
        "<occluded>1</occluded>",
        "<attributes><attribute><name>blurred</name><value>true</value></attribute></attributes>",
        "<truncated>1</truncated><occluded>1</occluded>",
        "<difficult>0</difficult><truncated>0</truncated>",
    )
    objects = "".join(
        f"<object><name>pit</name>{mark}<bndbox><xmin>{x}</xmin><ymin>{y}</ymin><xmax>{x + 20}</xmax>"
        f"<ymax>{y + 20}</ymax></bndbox></object>"
        for mark, (x, y) in zip(marks, CORNERS, strict=True)
    )
    write_picture(folder / "a.png", picture(200, 100))
    file = folder / "a.xml"
    file.write_text(f"<annotation><filename>a.png</filename>{objects}</annotation>")
    return file


def write_cvat(folder: Path) -> Path:
    values = (
        ("0", '<attribute name="difficult">true</attribute>'),
        ("0", '<attribute name="truncated">true</attribute>'),
        ("1", ""),
        ("0", '<attribute name="blurred">true</attribute>'),
        ("1", '<attribute name="truncated">true</attribute>'),
        ("0", '<attribute name="blurred">false</attribute><attribute name="difficult">false</attribute>'),
    )
    boxes = "".join(
        f'<box label="pit" occluded="{occluded}" xtl="{x}" ytl="{y}" xbr="{x + 20}" ybr="{y + 20}">{inner}</box>'
        for (occluded, inner), (x, y) in zip(values, CORNERS, strict=True)
    )
    write_picture(folder / "a.png", picture(200, 100))
    file = folder / "annotations.xml"
    file.write_text(
        f'<annotations><version>1.1</version><image id="0" name="a.png" width="200" height="100">{boxes}</image></annotations>'
    )
    return file


def write_coco(folder: Path) -> Path:
    values: tuple[dict[str, Any], ...] = (
        {"iscrowd": 1},
        {"attributes": {"truncated": True}},
        {"attributes": {"occluded": True}},
        {"attributes": {"blurred": True}},
        {"truncated": 1, "occluded": True},
        {"iscrowd": 0, "attributes": {"occluded": False, "blurred": False}},
    )
    annotations = [
        {"id": number, "image_id": 1, "category_id": 1, "bbox": [x, y, 20, 20]} | value
        for number, (value, (x, y)) in enumerate(zip(values, CORNERS, strict=True))
    ]
    write_picture(folder / "a.png", picture(200, 100))
    file = folder / "a.json"
    images = [{"id": 1, "file_name": "a.png", "width": 200, "height": 100}]
    categories = [{"id": 1, "name": "pit"}]
    file.write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}))
    return file


def write_labelme(folder: Path) -> Path:
    flags = ("difficult", "Truncated", "occluded", "blurred", ("truncated", "occluded"), ())
    shapes = [
        {
            "label": "pit",
            "points": [[x, y], [x + 20, y + 20]],
            "shape_type": "rectangle",
            "flags": dict.fromkeys([names] if isinstance(names, str) else names, True) | {"sure": False},
        }
        for names, (x, y) in zip(flags, CORNERS, strict=True)
    ]
    write_picture(folder / "a.png", picture(200, 100))
    file = folder / "a.json"
    tree = {"imagePath": "a.png", "imageWidth": 200, "imageHeight": 100, "shapes": shapes, "flags": {}}
    file.write_text(json.dumps(tree))
    return file


def write_csv(folder: Path) -> Path:
    rows = ["image,label,x1,y1,x2,y2,difficult,is_truncated,occluded,ignore"]
    marks = ("1,0,0,0", "0,1,0,0", "0,0,yes,0", "0,0,0,1", "0,true,1,0", "0,0,0,0")
    rows += [f"a.png,pit,{x},{y},{x + 20},{y + 20},{mark}" for mark, (x, y) in zip(marks, CORNERS, strict=True)]
    write_picture(folder / "a.png", picture(200, 100))
    file = folder / "a.csv"
    file.write_text("\n".join(rows))
    return file


def write_via(folder: Path) -> Path:
    values: tuple[Mapping[str, str], ...] = (
        {"difficult": "1"},
        {"truncated": "yes"},
        {"occluded": "true"},
        {"ignore": "1"},
        {"truncated": "1", "occluded": "1"},
        {"difficult": "0"},
    )
    regions = [
        {
            "shape_attributes": {"name": "rect", "x": x, "y": y, "width": 20, "height": 20},
            "region_attributes": {"type": "pit", **value},
        }
        for value, (x, y) in zip(values, CORNERS, strict=True)
    ]
    write_picture(folder / "a.png", picture(200, 100))
    file = folder / "via.json"
    file.write_text(json.dumps({"a.png1": {"filename": "a.png", "size": 1, "regions": regions, "file_attributes": {}}}))
    return file


WRITERS = {
    Format.VOC: write_voc,
    Format.CVAT: write_cvat,
    Format.COCO: write_coco,
    Format.LABELME: write_labelme,
    Format.CSV: write_csv,
    Format.VIA: write_via,
}


def list_difficult(imported: ImportedAnnotations, folder: Path) -> list[int]:
    """Which of the six boxes are difficult once they are in a project."""
    with Project.create(folder) as project:
        import_into(project, imported)
        (image,) = project.image_ids()
        boxes = {box.xyxy[:2]: box.difficult for box in project.boxes(image)}
        assert len(boxes) == len(CORNERS)
        return [place for place, corner in enumerate(CORNERS) if boxes[corner]]


@pytest.mark.parametrize("format", WRITERS)
def test_only_what_says_so_is_difficult_unless_other_marks_are_chosen(tmp_path: Path, format: Format) -> None:
    imported = read_annotations(WRITERS[format](tmp_path / "data"), format)
    fourth = [3] if format in (Format.CSV, Format.VIA) else []  # to be ignored: that says so, too
    assert list_difficult(imported, tmp_path / "p") == [0, *fourth]
    chosen = parse_difficult(["difficult,truncated", "Occluded"], imported)
    assert list_difficult(choose_difficult(imported, chosen), tmp_path / "q") == (
        [0] if format is not Format.COCO else []
    ) + [
        1,
        2,
        4,
    ]
    assert list_difficult(choose_difficult(imported, parse_difficult(["all"], imported)), tmp_path / "r") == [
        0,
        1,
        2,
        3,
        4,
    ]
    assert list_difficult(choose_difficult(imported, parse_difficult(["none"], imported)), tmp_path / "s") == []
    assert list_difficult(choose_difficult(imported, parse_difficult(["truncated"], imported)), tmp_path / "t") == [
        1,
        4,
    ]


def test_marks_that_are_left_out_are_counted_with_the_option_that_takes_them(tmp_path: Path) -> None:
    imported = read_annotations(write_voc(tmp_path / "data"))
    assert count_marks(imported) == {"difficult": 1, "truncated": 2, "occluded": 2, "blurred": 1}
    told = [problem.problem for problem in imported.problems]
    assert told == [
        "1 box is marked as difficult: training and judging ignore what is there",
        "2 boxes are marked as truncated; the mark was left out, and the boxes were taken as any other "
        "(--difficult difficult,truncated makes them difficult)",
        "2 boxes are marked as occluded; the mark was left out, and the boxes were taken as any other "
        "(--difficult difficult,occluded makes them difficult)",
        "1 box is marked as blurred; the mark was left out, and the box was taken as any other "
        "(--difficult difficult,blurred makes them difficult)",
    ]
    chosen = choose_difficult(imported, parse_difficult(["difficult,truncated"], imported))
    assert [problem.problem.partition(":")[0] for problem in chosen.problems[:2]] == [
        "1 box is marked as difficult",
        "2 boxes are marked as truncated",
    ]
    report = build_report(chosen)
    assert report["boxes_difficult"] == 3
    assert report["marks"]["truncated"] == {"boxes": 2, "difficult": True}
    assert report["marks"]["occluded"] == {"boxes": 2, "difficult": False}


def test_a_mark_that_no_box_has_is_refused_unless_it_is_a_usual_one(tmp_path: Path) -> None:
    imported = read_annotations(write_voc(tmp_path / "data"))
    assert parse_difficult(["iscrowd, is_truncated"], imported) == {"crowd", "truncated"}
    with pytest.raises(InputError, match="no box of it is marked as 'trunc'; its marks are: difficult, truncated, occ"):
        parse_difficult(["trunc"], imported)


def test_a_flag_with_a_comma_in_its_name_can_be_chosen(tmp_path: Path) -> None:
    file = write_labelme(tmp_path / "data")
    file.write_text(file.read_text().replace("blurred", "dark, blurred"))
    imported = read_annotations(file)
    assert parse_difficult(["dark, blurred", "truncated"], imported) == {"dark, blurred", "truncated"}


def test_an_export_of_difficult_boxes_alone_is_not_taken_for_masks(tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "p", 1) as project:
        (image,) = project.image_ids()
        boxes = [draw(project, image, (x, y, x + 9, y + 9)) for x, y in ((1, 1), (20, 20))]
        project.apply(toggle_difficult(project, image, boxes))
        export_project(project, ExportOptions(Format.COCO, tmp_path / "out", "copy"))
    imported = read_annotations(tmp_path / "out")
    assert [problem.problem for problem in imported.problems] == [
        "2 boxes are marked as difficult: training and judging ignore what is there"
    ]


def test_the_command_takes_the_marks_and_says_what_it_left_out(run: Run, tmp_path: Path) -> None:
    file = write_voc(tmp_path / "data")
    code, _, err = run("import", tmp_path / "p", file)
    assert code == 0 and "--difficult difficult,truncated makes them difficult" in " ".join(err.split())
    code, out, _ = run("import", tmp_path / "q", file, "--difficult", "difficult,truncated,occluded", "--json")
    report = json.loads(out)["report"]
    assert code == 0 and report["boxes_difficult"] == 4 and report["marks"]["blurred"]["difficult"] is False
    with Project.open(tmp_path / "q") as project:
        assert project.images()[0].difficult_count == 4
    code, out, err = run("import", tmp_path / "r", file, "--difficult", "trunc")
    assert (code, out) == (2, "") and "its marks are: difficult, truncated" in " ".join(err.split())
    assert not (tmp_path / "r").exists()
