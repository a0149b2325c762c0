"""The import command: what it says of what came in, and that nothing is left behind where nothing did."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.project.project import Project
from core.types import Split
from tests.builders import picture, write_coco, write_picture
from tests.core.conftest import Run


def write_set(folder: Path, names: list[str], boxes: list[tuple[int, list[float]]], *, missing: bool = False) -> Path:
    images = [{"id": number, "file_name": name, "width": 64, "height": 48} for number, name in enumerate(names, 1)]
    entries = [{"image_id": image, "category_id": 1, "bbox": bbox} for image, bbox in boxes]
    for seed, name in enumerate([] if missing else names):
        write_picture(folder / name, picture(seed=seed))
    return write_coco(folder / "x.json", images, entries)


@pytest.mark.parametrize("more", [[], ["--dry-run"], ["--json"]])
def test_where_no_image_is_found_nothing_is_left_and_one_line_says_what_helps(
    run: Run, tmp_path: Path, more: list[str]
) -> None:
    path = write_set(tmp_path / "ds", ["a.png", "b.png"], [(1, [1, 1, 9, 9])], missing=True)
    code, out, err = run("import", tmp_path / "p", path, *more)
    assert (code, out) == (2, "") and err.count("\n") == 1
    for words in ("x.json", "none of its 2 images was found", "a.png", "--images"):
        assert words in err
    assert not (tmp_path / "p").exists()


def test_a_project_that_is_there_is_left_as_it_was(run: Run, tmp_path: Path) -> None:
    Project.create(tmp_path / "p", ["pit"]).close()
    path = write_set(tmp_path / "ds", ["a.png"], [(1, [1, 1, 9, 9])], missing=True)
    assert run("import", tmp_path / "p", path)[0] == 2
    with Project.open(tmp_path / "p") as project:
        assert [label.name for label in project.labels()] == ["pit"] and project.history.undo_name is None


def test_images_that_cannot_be_read_leave_no_project(run: Run, tmp_path: Path) -> None:
    path = write_set(tmp_path / "ds", ["a.png"], [(1, [1, 1, 9, 9])])
    image = tmp_path / "ds" / "a.png"
    image.write_bytes(image.read_bytes()[:60])
    code, _, err = run("import", tmp_path / "p", path)
    assert code == 2 and "a.png" in err and not (tmp_path / "p").exists()


def test_problems_are_summed_up_by_kind_with_the_share_of_the_boxes(run: Run, tmp_path: Path) -> None:
    boxes = [(1, [60.0, 2.0 * row, 20.0, 1.0]) for row in range(9)] + [(1, [5.0, 5.0, 0.0, 9.0])]
    path = write_set(tmp_path / "ds", ["a.png"], boxes)
    code, out, err = run("import", tmp_path / "p", path)
    assert code == 0 and "9 of 10 boxes (90.0%) came in; left out: 1 whose numbers cannot be used" in out
    assert "9 boxes partly outside the image, cut off at its edge, such as" in err and err.count("partly outside") == 2
    code, out, _ = run("import", tmp_path / "q", path, "--json")
    report = json.loads(out)["report"]
    assert (report["boxes_listed"], report["boxes_taken"], report["boxes_share"]) == (10, 9, 0.9)
    assert report["boxes_left_out"] == {"box": 1}
    counts = {kind["kind"]: kind["count"] for kind in report["problem_kinds"]}
    assert counts == {"box": 1, "partly outside": 9}
    assert all(len(kind["examples"]) <= 3 for kind in report["problem_kinds"])
    assert len(json.loads(out)["problems"]) == 10


def test_the_folder_of_the_images_may_be_one_above(run: Run, tmp_path: Path) -> None:
    path = write_set(tmp_path / "notes", ["a.png"], [(1, [1, 1, 9, 9])], missing=True)
    write_picture(tmp_path / "far" / "away" / "pictures" / "a.png")
    for number, root in enumerate(("far/away/pictures", "far/away", "far")):
        code, out, _ = run("import", tmp_path / f"p{number}", path, "--images", tmp_path / root, "--json")
        assert code == 0 and json.loads(out)["images"] == 1


def test_roboflows_copies_are_told_and_grouped_on_demand(run: Run, tmp_path: Path) -> None:
    names = ["a_jpg.rf.0123456789abcdef.png", "a_jpg.rf.fedcba9876543210.png", "c.png"]
    path = write_set(tmp_path / "ds", names, [(number, [1, 1, 9, 9]) for number in (1, 2, 3)])
    code, _, err = run("import", tmp_path / "p", path)
    assert code == 0 and "2 images are copies of 1 picture by" in err and "{group}.rf.{*}" in err
    code, _, err = run("import", tmp_path / "q", path, "--group-copies")
    assert code == 0 and "copies" not in err
    with Project.open(tmp_path / "q") as project:
        assert [image.group for image in project.images()] == ["a_jpg", "a_jpg", ""]
    assert run("group", tmp_path / "p", "--pattern", "{group}.rf.{*}")[0] == 0
    with Project.open(tmp_path / "p") as project:
        assert [image.group for image in project.images()] == ["a_jpg", "a_jpg", ""]
        assert {image.split for image in project.images()} == {Split.NONE}


def test_a_linked_folder_is_told_by_new(run: Run, tmp_path: Path) -> None:
    write_picture(tmp_path / "src" / "a.png")
    write_picture(tmp_path / "real" / "b.png")
    (tmp_path / "src" / "linked").symlink_to(tmp_path / "real")
    code, _, err = run("new", tmp_path / "p", "--images", tmp_path / "src")
    assert code == 0 and "linked: a link to a folder, which was not followed; name it itself" in err
