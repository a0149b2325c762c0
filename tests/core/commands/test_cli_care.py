"""Groups, backups and moved images from the command line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from core.project.edits import box_edits
from core.project.project import Project
from tests.core.conftest import Run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project of four pictures of two lots; the first has a box."""
    pictures = tmp_path / "pictures"
    for lot in ("lotA", "lotB"):
        (pictures / lot).mkdir(parents=True)
        for number in (1, 2):
            shade = np.full((20, 30, 3), 40 * number + len(lot) + (lot == "lotB"), np.uint8)
            cv2.imwrite(str(pictures / lot / f"{lot}_{number}.png"), shade)
    with Project.create(tmp_path / "project", ["scratch"]) as project:
        project.files.add_images([pictures])
        first = project.image_ids()[0]
        project.apply(box_edits.add_box(project, first, (2, 2, 12, 12), {project.labels()[0].id}))
    return tmp_path / "project"


def test_groups_by_a_pattern_and_by_folder(run: Run, folder: Path) -> None:
    pattern = "{group}_{#}.png"
    _, planned, _ = run("group", folder, "--pattern", pattern, "--dry-run", "--json")
    assert json.loads(planned) == {
        "groups": {"lotA": 2, "lotB": 2},
        "unmatched": 0,
        "changed": False,
        "divided": [],
        "notices": [],
    }
    with Project.open(folder) as project:
        assert {image.group for image in project.images()} == {""}
    assert run("group", folder, "--by-folder", "1")[0] == 0
    with Project.open(folder) as project:
        assert [image.group for image in project.images()] == ["lotA", "lotA", "lotB", "lotB"]


def test_a_group_needs_one_rule_that_makes_sense(run: Run, folder: Path) -> None:
    for wrong in ((), ("--by-folder", "1", "--pattern", "{group}"), ("--pattern", "{group}{*}")):
        code, _, said = run("group", folder, *wrong)
        assert code == 2
        assert len(said.strip().splitlines()) == 1


def test_a_backup_brings_back_what_was_deleted(run: Run, folder: Path) -> None:
    taken = json.loads(run("backups", folder, "--now", "--json")[1])
    assert [one["boxes"] for one in taken] == [1]
    with Project.open(folder) as project:
        first = project.image_ids()[0]
        project.apply(box_edits.delete_boxes(project, first, [box.id for box in project.boxes(first)]))
    code, _, said = run("backups", folder, "--restore", taken[0]["name"])
    assert code == 0, said
    with Project.open(folder) as project:
        assert project.counts().boxes == 1
    assert len(json.loads(run("backups", folder, "--json")[1])) == 2, "what was replaced is kept"


def test_an_unknown_backup_is_refused(run: Run, folder: Path) -> None:
    code, _, said = run("backups", folder, "--restore", "other.sqlite")
    assert code == 2
    assert "no backup" in said


def test_moved_images_are_found_by_content_and_others_left_alone(run: Run, folder: Path, tmp_path: Path) -> None:
    moved = tmp_path / "archive"
    shutil.move(tmp_path / "pictures", moved)
    (moved / "lotA" / "lotA_1.png").rename(moved / "renamed.png")
    cv2.imwrite(str(moved / "lotB" / "lotB_2.png"), np.zeros((20, 30, 3), np.uint8))  # another picture, the same name
    found = json.loads(run("relocate", folder, moved, "--json")[1])
    assert (found["missing"], found["found"], len(found["problems"])) == (4, 3, 1)
    assert "another content" in found["problems"][0]["problem"]
    with Project.open(folder) as project:
        there = [image.path for image in project.images() if project.image_path(image).exists()]
        assert len(there) == 3
        (labelled,) = [image for image in project.images() if image.box_count]
        assert labelled.path.endswith("renamed.png"), "the box went with the picture, not with the name"
