"""The Inspect page for tests, and what it lists."""

from __future__ import annotations

from pytestqt.qtbot import QtBot

from core.project.project import Project
from core.project.records import CheckpointRecord
from desktop.base.session import Session
from desktop.inspect.inspect_page import InspectPage
from desktop.services import Services


def build_page(qtbot: QtBot, session: Session, services: Services) -> InspectPage:
    """A page in front, with all read that is to be read."""
    page = InspectPage(session, services)
    qtbot.addWidget(page, before_close_func=lambda closing: closing.may_close())
    page.resize(1280, 740)
    page.show()
    page.activated()
    assert services.tasks.wait_idle()
    return page


def project_of(session: Session) -> Project:
    assert session.project is not None
    return session.project


def find_checkpoint(session: Session, checkpoint_id: str) -> CheckpointRecord:
    return next(record for record in project_of(session).runs.list_checkpoints() if record.id == checkpoint_id)


def list_rows(page: InspectPage) -> list[tuple[int, int, int, int]]:
    """Image id, missed, false and right of each row, as shown."""
    images = page.workspace.images
    return [
        (images.image_id(row), *(int(images.model.index(row, column).data()) for column in (1, 2, 3)))
        for row in range(images.shown)
    ]
