"""The loaders of pictures are told of the cameras when these may have changed, and not with every box."""

from __future__ import annotations

from pathlib import Path

from pytestqt.qtbot import QtBot

from core.imaging.cameras import Camera, Cameras
from core.project.camera_lookup import CameraLookup
from core.project.edits import box_edits, image_edits
from desktop.base.session import Session
from desktop.viewer.camera_following import follow_cameras
from tests.builders import project_with_pictures


def test_groups_are_looked_up_when_one_changes_and_not_for_a_box(qtbot: QtBot, tmp_path: Path) -> None:
    session, told = Session(), list[CameraLookup]()
    project = project_with_pictures(tmp_path / "p", 2)
    session.adopt(project)
    follow_cameras(session, told.append)
    session.set_setting("cameras", Cameras((Camera((5, 900), group="A"),)).to_json())
    first = project.image_ids()[0]
    session.apply(image_edits.put_in_group(project, [first], "A"))
    assert [one.groups.get(str(project.image_path(first)), "") for one in told] == ["", "", "A"]
    session.apply(box_edits.add_box(project, first, (5, 6, 25, 30), set()))
    after_one = len(told)
    session.apply(box_edits.add_box(project, first, (6, 7, 25, 30), set()))
    assert len(told) == after_one, "the status was changed by the first box"
    session.close()
