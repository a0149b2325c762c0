"""Drives the Train page of a small project as a user does, with children that speak as a training does."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from core.jobs.folder import JobFolder
from core.project.edits.image_edits import set_split
from core.project.project import Project
from core.recipe.draft import load_draft, save_draft
from core.recipe.recipe import with_settings
from core.types import Split
from desktop.base.background import Tasks
from desktop.base.session import Session
from desktop.services import Services
from desktop.train.run.run_view import RunView
from desktop.train.train_page import TrainPage
from tests.builders import draw, project_with_pictures
from tests.desktop.training_child import HOLD_FILE


@dataclass
class TrainBench:
    """A page with its session, and what the session said."""

    page: TrainPage
    session: Session
    tasks: Tasks
    folder: Path
    qtbot: QtBot
    services: Services
    said: list[tuple[str, str]] = field(default_factory=list)

    @property
    def project(self) -> Project:
        assert self.session.project is not None
        return self.session.project

    @property
    def view(self) -> RunView:
        return self.page.run_column.view

    @property
    def error_text(self) -> str:
        """What the page says went wrong; empty if it says nothing."""
        error = self.page.recipe_column.error
        return error.text() if error.isVisible() else ""

    def find_action(self, name: str) -> QAction:
        return next(action for action in self.page.actions() if action.objectName() == name)

    def find_summary_button(self, text: str) -> QPushButton:
        return next(one for one in self.view.summary.findChildren(QPushButton) if one.text() == text)

    def choose_run(self, run: str) -> None:
        """Choose it in the list of runs."""
        picker = self.page.run_column.picker
        row = [one.id for one in picker.runs].index(run)
        picker.setCurrentIndex(row)
        picker.activated.emit(row)

    def change_settings(self, **changes: object) -> None:
        """Change the draft as another page does, and come back."""
        recipe = with_settings(load_draft(self.project), {name.replace("__", "."): v for name, v in changes.items()})
        save_draft(self.project, recipe)
        self.page.activated()

    def train_to_end(self) -> None:
        self.page.control.begin_training()
        assert self.page.training
        self.wait_for_end()
        assert self.tasks.wait_idle()

    def hold_runs(self) -> None:
        """Let every run wait after an epoch until `release_runs`, so that it is surely under way meanwhile."""
        (self.folder / "runs").mkdir(exist_ok=True)
        (self.folder / "runs" / HOLD_FILE).touch()

    def release_runs(self) -> None:
        (self.folder / "runs" / HOLD_FILE).unlink(missing_ok=True)

    def wait_for_end(self) -> None:
        self.qtbot.waitUntil(lambda: not self.page.training)

    def wait_for_epoch(self) -> None:
        self.qtbot.waitUntil(lambda: bool(self.view.history.epochs))

    def wait_for_state(self, run: str, state: str) -> None:
        self.qtbot.waitUntil(lambda: self.run_folder(run).state() == state)

    def run_folder(self, run: str = "r001") -> JobFolder:
        return JobFolder(self.folder / "runs" / run)

    def read_process_id(self) -> int:
        """Of the process that trains the first run."""
        return int(json.loads((self.run_folder().path / "heartbeat").read_text())["pid"])


def make_labelled_project(folder: Path) -> None:
    """Six pictures with a box each: four to train, two to validate."""
    project = project_with_pictures(folder, 6, ("scratch", "pit"))
    ids = project.image_ids()
    for number, image_id in enumerate(ids):
        draw(project, image_id, labels=("scratch", "pit") if number % 3 == 0 else ("scratch",))
    project.apply(set_split(project, ids[:4], Split.TRAIN))
    project.apply(set_split(project, ids[4:], Split.VAL))
    project.close()
