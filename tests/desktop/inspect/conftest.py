from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from core.project.edits import image_edits
from core.types import Split
from desktop.base.background import Tasks
from desktop.base.session import Session
from desktop.inspect.inspect_page import InspectPage
from desktop.services import Services
from tests.builders import draw, project_with_pictures
from tests.desktop.inspect.inspect_builders import build_page, find_checkpoint, project_of
from tests.desktop.model_builders import write_checkpoint, write_predictions
from tests.desktop.window_builders import make_services, make_test_launcher


@pytest.fixture
def session(qtbot: QtBot, tmp_path: Path) -> Iterator[Session]:
    """Twelve labelled images, eight of them in val, and two checkpoints."""
    project = project_with_pictures(tmp_path / "project", 12)
    ids = project.image_ids()
    for place, image_id in enumerate(ids):
        draw(project, image_id, (4, 4, 24, 26), ["scratch"] if place % 2 else ["scratch", "stain"])
        draw(project, image_id, (34, 12, 54, 40), ["pit"])
    project.apply(image_edits.set_split(project, ids[:8], Split.VAL))
    project.apply(image_edits.set_split(project, ids[8:], Split.TRAIN))
    write_checkpoint(project, "r001", "best", map50=0.6, created="2025-03-01T10:00:00+00:00")
    write_checkpoint(project, "r002", "best", map50=0.8, created="2025-03-02T10:00:00+00:00")
    project.runs.sync_folders()
    opened = Session()
    opened.adopt(project)
    yield opened
    opened.close()


@pytest.fixture
def services(qtbot: QtBot, tmp_path: Path) -> Iterator[Services]:
    """With a small child in place of the one that predicts."""
    services = make_services(tmp_path, make_test_launcher("predict_child"))
    yield services
    services.tasks.shut_down()


@pytest.fixture
def tasks(services: Services) -> Tasks:
    return services.tasks


@pytest.fixture
def page(qtbot: QtBot, session: Session, services: Services) -> InspectPage:
    """The page on r002-best, which has predictions of all images."""
    write_predictions(project_of(session), find_checkpoint(session, "r002-best"), "all")
    return build_page(qtbot, session, services)
