"""Marking images from the command line: those that are named, and none that its boxes contradict."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.project.edits import box_edits
from core.project.project import Project
from core.types import Status
from tests.builders import project_with_pictures
from tests.core.conftest import Run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project of four pictures, the first with a box."""
    with project_with_pictures(tmp_path / "p", count=4) as project:
        label = project.labels()[0].id
        project.apply(box_edits.add_box(project, project.image_ids()[0], (1, 1, 9, 9), {label}))
    return tmp_path / "p"


def statuses(folder: Path) -> list[Status]:
    with Project.open(folder) as project:
        return [image.status for image in project.images()]


def test_images_without_a_box_are_marked_clean(run: Run, folder: Path) -> None:
    code, out, _ = run("status", folder, "clean", "--empty", "--dry-run", "--json")
    assert (code, json.loads(out)) == (0, {"chosen": 3, "changed": 0, "fit": 3, "refused": []})
    assert statuses(folder) == [Status.LABELLED] + [Status.UNLABELLED] * 3
    assert json.loads(run("status", folder, "clean", "--empty", "--json")[1])["changed"] == 3
    assert statuses(folder) == [Status.LABELLED] + [Status.CLEAN] * 3
    assert json.loads(run("status", folder, "clean", "--empty", "--json")[1])["chosen"] == 0


def test_a_pattern_chooses_and_what_the_boxes_contradict_is_counted(run: Run, folder: Path) -> None:
    code, out, err = run("status", folder, "clean", "--images", "PART[12].png")
    assert code == 0 and "1 image marked clean" in out and "1 image with boxes" in err and "part1.png" in err
    assert run("status", folder, "reviewed", "--images", "images/part1*")[0] == 0
    told = json.loads(run("status", folder, "reviewed", "--json")[1])
    assert len(told["refused"]) == 2 and told["changed"] == 0
    assert statuses(folder) == [Status.REVIEWED, Status.CLEAN, Status.UNLABELLED, Status.UNLABELLED]
    assert run("status", folder, "unlabelled")[0] == 0
    assert statuses(folder) == [Status.UNLABELLED] * 4


@pytest.mark.parametrize("arguments", [("clean", "--images", "nowhere*"), ("dirty",), ()])
def test_what_cannot_be_meant_is_one_line(run: Run, folder: Path, arguments: tuple[str, ...]) -> None:
    code, _, err = run("status", folder, *arguments)
    assert code == 2 and len(err.splitlines()) == 1
    assert statuses(folder)[1:] == [Status.UNLABELLED] * 3
