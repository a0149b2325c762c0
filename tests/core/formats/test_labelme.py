import json
from pathlib import Path
from typing import Any

import pytest

from core.errors import InputError
from core.formats import labelme
from core.formats.registry import detect_format, read_annotations
from tests.builders import write_picture


def put(path: Path, *shapes: dict[str, Any], image: str = "a.png", **more: Any) -> Path:
    """As labelme writes it."""
    tree = {
        "version": "5.5.0",
        "flags": {},
        "shapes": list(shapes),
        "imagePath": image,
        "imageData": None,
        "imageHeight": 48,
        "imageWidth": 64,
    } | more
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(tree), encoding="utf-8")
    return path


def shape(label: Any, points: Any, kind: str = "rectangle", **more: Any) -> dict[str, Any]:
    return {"label": label, "points": points, "group_id": None, "shape_type": kind, "flags": {}} | more


def test_shapes_of_all_kinds_become_boxes_or_are_named(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png")
    path = put(
        tmp_path / "a.json",
        shape("pit", [[30, 20], [10, 5]]),  # drawn from the lower right
        shape("stain", [[20, 20], [20, 25]], "circle"),
        shape("pit", [[1, 40], [9, 41], [5, 47]], "polygon"),
        shape("pit", [[40, 1], [50, 9]], "mask", mask="..."),
        shape("pit", [[5, 5]], "point"),
        shape("pit", [[5, 5], [9, 9]], "line"),
        shape("pit", [[5, 5], [9, 9], [12, 5]], "linestrip"),
    )
    assert detect_format(path).summary == "labelme, 1 file"
    imported = read_annotations(path)
    (image,) = imported.images
    assert image.boxes.tolist() == [
        [10, 5, 30, 20],
        [15, 15, 25, 25],
        [1, 40, 9, 47],
        [40, 1, 50, 9],
        [5, 5, 9, 9],
        [5, 5, 12, 9],
    ]
    told = [problem.problem for problem in imported.problems]
    assert [text.partition(":")[0] for text in told] == ["shape 2", "shape 3", "shape 5", "shape 6", "shape 7"]
    assert "a circle; the box around it" in told[0] and "a point of 1 point covers no area" in told[2]


def test_shapes_at_one_place_become_one_box_and_groups_of_others_do_not(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png")
    path = put(
        tmp_path / "a.json",
        shape("pit", [[1, 1], [20, 20]]),
        shape("stain", [[1, 1], [20, 20]]),
        shape("pit", [[30, 30], [40, 40]], group_id=5),
        shape("pit", [[50, 30], [60, 40]], group_id=5),
    )
    assert read_annotations(path).images[0].label_sets == ({"pit", "stain"}, {"pit"}, {"pit"})


def test_images_beside_their_folder_are_found_from_the_folder_above(tmp_path: Path) -> None:
    write_picture(tmp_path / "images" / "a.png")
    path = put(tmp_path / "notes" / "a.json", shape("pit", [[1, 1], [9, 9]]), image="../images/a.png")
    windows = put(tmp_path / "notes" / "b.json", shape("stain", [[30, 30], [40, 40]]), image="..\\images\\a.png")
    assert len(read_annotations(tmp_path).images) == 1 and read_annotations(tmp_path).box_count == 2
    alone = read_annotations(path)
    assert [image.path for image in alone.images] == [tmp_path / "images" / "a.png"]
    assert "taken from here" in alone.problems[0].problem
    for file in (path, windows):
        assert [image.path for image in read_annotations(file, images_root=tmp_path / "images").images] == [
            tmp_path / "images" / "a.png"
        ]


def test_a_bad_file_among_good_ones_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png")
    put(tmp_path / "a.json", shape("pit", [[1, 1], [9, 9]]))
    (tmp_path / "b.json").write_text("{")
    (tmp_path / "c.json").write_text('{"a": 1}')
    put(tmp_path / "d.json", shape("pit", [[1, 1], [9, 9]]), imageHeight=480, imageWidth=640)
    imported = labelme.read(tmp_path)
    assert imported.box_count == 1 and len(imported.problems) == 3
    for name in ("b", "c"):
        with pytest.raises(InputError, match="not a labelme file"):
            labelme.read(tmp_path / f"{name}.json")


def test_what_labelme_saves_of_our_file_keeps_several_labels_on_a_box(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png")
    path = put(
        tmp_path / "a.json",
        shape("pit", [[1, 1], [20, 20]], defectdesk_box=1, group_id=1),
        shape("stain", [[1, 1], [20, 20]], defectdesk_box=1, group_id=1),
        shape("pit", [[1, 1], [20, 20]], defectdesk_box=2),
        shape("", [[5, 5], [9, 9]], defectdesk_box=3),
        defectdesk={"status": "reviewed", "frame": "upright", "note": "x", "split": "nonsense", "group": 5},
    )
    (image,) = read_annotations(path).images
    assert image.label_sets == ({"pit", "stain"}, {"pit"}, frozenset())
    assert (image.status, image.note, image.split, image.group) == ("reviewed", "x", None, None)
