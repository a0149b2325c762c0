"""Telling loaders of pictures through what the images of the open project are read."""

from __future__ import annotations

from collections.abc import Callable

from core.changes import Changes
from core.project.camera_lookup import CameraLookup, look_up_cameras
from core.project.records import CAMERAS
from desktop.base.session import Session


def follow_cameras(session: Session, adopt: Callable[[CameraLookup], None]) -> None:
    """Call `adopt` with the project's cameras now and whenever they, its images or their groups may have changed."""

    def look_up() -> None:
        adopt(look_up_cameras(session.project))

    def take_setting(key: str) -> None:
        if key == CAMERAS:
            look_up()

    def take_changes(changes: Changes, _initiator: object) -> None:
        project = session.project
        if project is None:
            return
        # A group is among what `status` stands for. A look at all groups is too much for each box that is drawn.
        if changes.image_list or (changes.status and project.depths.cameras().need_groups):
            look_up()

    session.setting_changed.connect(take_setting)
    session.project_changed.connect(look_up)
    session.changed.connect(take_changes)
    look_up()
