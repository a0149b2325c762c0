"""The view follows the cameras of the project: at opening, when images come, when groups or windows change."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.imaging.cameras import Camera, Cameras
from core.project.camera_lookup import CameraLookup, look_up_cameras
from core.project.edits import image_edits
from core.project.project import Project
from desktop.base.session import Session
from desktop.viewer.camera_following import follow_cameras
from tests.builders import write_picture


@pytest.fixture
def deep(tmp_path: Path) -> Path:
    return write_picture(tmp_path / "deep.png", np.full((40, 60), 3000, np.uint16))


def test_images_that_come_later_are_followed_and_what_was_decided_is_said(tmp_path: Path, deep: Path) -> None:
    session, seen, said = Session(), list[CameraLookup](), list[str]()
    follow_cameras(session, seen.append)
    session.noticed.connect(said.append)
    session.adopt(Project.create(tmp_path / "p"))
    assert session.project is not None and seen[-1] == CameraLookup()
    changes, _ = session.project.files.add_images([deep])
    session.notify(changes)
    assert seen[-1].cameras == Cameras((Camera((0, 4095), 1, 16),))
    assert len(said) == 1 and "0 to 4,095" in said[0]
    session.set_setting("cameras", Cameras.of_window((5, 900)).to_json())
    assert seen[-1].cameras == Cameras.of_window((5, 900))
    session.close()
    assert seen[-1] == CameraLookup()


def test_a_change_of_group_changes_the_camera(tmp_path: Path, deep: Path) -> None:
    session, seen = Session(), list[CameraLookup]()
    follow_cameras(session, seen.append)
    with Project.create(tmp_path / "p") as project:
        project.files.add_images([deep])
        project.depths.set_cameras(Cameras((Camera((0, 9)), Camera((0, 99), group="B"))))
    session.open(tmp_path / "p")
    assert session.project is not None
    (image_id,) = session.project.image_ids()
    assert seen[-1].scale_of(deep).list_at(deep)[0].window == (0, 9)
    session.apply(image_edits.set_groups(session.project, {image_id: "B"}))
    assert seen[-1].scale_of(deep).list_at(deep)[0].window == (0, 99)
    assert seen[-1] == look_up_cameras(session.project)
    session.close()


def test_an_older_project_is_decided_on_before_it_is_shown(tmp_path: Path, deep: Path) -> None:
    with Project.create(tmp_path / "p") as project:
        project.files.add_images([deep])
        project.set_setting("cameras", None)
    session, seen = Session(), list[CameraLookup]()
    follow_cameras(session, seen.append)
    session.open(tmp_path / "p")
    assert session.project is not None
    assert seen[-1].cameras == Cameras((Camera((0, 4095), 1, 16),))
    assert any("0 to 4,095" in text for text in session.project.notices)
    session.close()
