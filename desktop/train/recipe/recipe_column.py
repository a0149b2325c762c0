"""The left side of the Train page: the recipe of the next training, the data it would learn from, and the buttons."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout

from core.changes import Changes
from core.errors import InputError
from core.project.project import Project
from core.project.records import CheckpointRecord
from core.recipe.draft import USUAL_MODEL, load_draft, save_draft
from core.recipe.recipe import Recipe, default_recipe, load_recipe, parse_recipe, with_settings
from core.types import Split
from desktop.base.session import Session
from desktop.base.theme import GAP, PAD
from desktop.kit.dialog_frame import Paragraph
from desktop.kit.formatting import plural
from desktop.kit.parts import words
from desktop.project.split_dialog import SplitImagesDialog
from desktop.train.recipe.data_summary import DataSummary, count_data
from desktop.train.recipe.recipe_advice import advise
from desktop.train.recipe.recipe_panel import RecipePanel

LEAST_WIDTH, MOST_WIDTH = 392, 480  # the least fits the widest row of the settings
_SAVE_DRAFT_MS = 300


class RecipeColumn(QFrame):
    """Keeps the project's draft of a recipe: loads it, edits it, saves it soon after a change."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setProperty("role", "panel")
        self.setMinimumWidth(LEAST_WIDTH)
        self.setMaximumWidth(MOST_WIDTH)
        self._session = session
        self._project: Project | None = None
        self._train_images = 0
        self.panel = RecipePanel(default_recipe(USUAL_MODEL))
        self.data = DataSummary()
        self.advice = Paragraph("", "warning")
        self.error = Paragraph("", "error")
        for line in (self.advice, self.error):
            line.hide()
        self.train_button = QPushButton("Train")
        self.train_button.setProperty("role", "primary")
        self.pause_button = QPushButton("Pause")
        self.stop_button = QPushButton("Stop")
        self.device = words(role="small", wrap=True)  # what the next training computes on
        self._draft_timer = QTimer(self, singleShot=True, interval=_SAVE_DRAFT_MS)
        self._draft_timer.timeout.connect(self._write_draft)
        self._data_timer = QTimer(self, singleShot=True, interval=200)
        self._data_timer.timeout.connect(self.show_data)
        self._lay_out()
        self.panel.recipe_changed.connect(self._recipe_changed)
        self.data.split_requested.connect(self._split_images)
        session.changed.connect(self._on_changed)

    # -- for the page ------------------------------------------------------------------------------------------

    def set_project(self, project: Project | None) -> None:
        """Show the draft and the data of another project, or of none. The former one is still open."""
        if self._project is not None and self._project is not project:
            self.save_draft()
        self._project = project
        self.show_error("")
        self.load_draft()
        self.show_data()

    def ready_recipe(self) -> Recipe:
        """The recipe to train with. Raises InputError, and shows where, if a field is wrong."""
        recipe = self.panel.recipe()
        if not self.panel.is_valid():
            self.panel.show_errors()
            raise InputError("The recipe has a field marked red; mend it first.")
        self.save_draft()
        return recipe

    def show_error(self, text: str) -> None:
        self.error.setText(text)
        self.error.setVisible(bool(text))

    def set_checkpoints(self, checkpoints: Sequence[CheckpointRecord]) -> None:
        """The project's own checkpoints, to be offered as a start."""
        self.panel.set_checkpoints(checkpoints)

    def set_editable(self, editable: bool) -> None:
        """Whether the next recipe and the splits may be changed now."""
        self.panel.setEnabled(editable)
        self.data.split_button.setEnabled(editable)

    # -- the draft ---------------------------------------------------------------------------------------------

    def load_draft(self) -> None:
        """Show the project's draft; another page may have changed it."""
        if self._project is None or self._draft_timer.isActive():  # what is on the screen is newer
            return
        try:
            recipe = load_draft(self._project)
        except InputError as error:
            self.show_error(f"{error}. The defaults are shown instead.")
            recipe = default_recipe(USUAL_MODEL)
        self.panel.set_recipe(recipe)
        self._advise()

    def save_draft(self) -> None:
        """Write the draft now if it was changed."""
        self.panel.recipe()  # with what is still being typed
        if self._draft_timer.isActive():
            self._draft_timer.stop()
            self._write_draft()

    def continue_from(self, checkpoint_id: str) -> None:
        """Put a checkpoint, its model and the recipe of its run into the form."""
        project = self._project
        found = [record for record in project.checkpoints() if record.id == checkpoint_id] if project else []
        if not found or project is None:
            return
        checkpoint = found[0]
        start = {"weights.source": "checkpoint", "weights.path": str(checkpoint.path)}
        recipes = [run.recipe for run in project.runs() if run.id == checkpoint.run]
        try:
            base = (
                parse_recipe(recipes[0], checkpoint.run) if recipes and recipes[0] else default_recipe(checkpoint.model)
            )
            recipe = with_settings(base, start)
        except InputError as error:
            self.show_error(str(error))
            return
        self.panel.set_recipe(recipe)
        self._advise()
        self._draft_timer.stop()
        self._write_draft()

    def take_recipe(self, run: Path) -> Recipe | None:
        """Put the recipe of the run in this folder into the form, as it was. Returns the one that it takes the place of.

        None, and an error is shown, if it cannot be read.
        """
        before = self.panel.recipe()
        try:
            self.panel.put_recipe(load_recipe(run / "recipe.yaml"))
        except InputError as error:
            self.show_error(str(error))
            return None
        return before

    def _recipe_changed(self, _recipe: Recipe) -> None:
        self.show_error("")
        self._advise()
        self._draft_timer.start()

    def _advise(self) -> None:
        """Say what the recipe may do badly on these data."""
        found = advise(self.panel.accepted, self._train_images)
        more = f" (and {plural(len(found) - 1, 'more hint')})" if len(found) > 1 else ""
        self.advice.setText(found[0] + more if found else "")
        self.advice.setToolTip("".join(f"<p>{escape(text)}</p>" for text in found))
        self.advice.setVisible(bool(found))

    def _write_draft(self) -> None:
        if self._project is not None and not self._project.read_only:
            save_draft(self._project, self.panel.accepted)

    # -- the data ----------------------------------------------------------------------------------------------

    def show_data(self) -> None:
        """Count anew what a training would learn from."""
        project = self._project
        counts = count_data(project.images() if project is not None else [])
        self._train_images = counts.images[Split.TRAIN]
        if project is None:
            self.data.show_data(counts, (), {})
        else:
            self.data.show_data(counts, project.labels(), project.counts().labels)
        self._advise()

    def _on_changed(self, changes: Changes, _initiator: object) -> None:
        if changes.image_list or changes.status or changes.boxes or changes.labels:
            self._data_timer.start()

    def _split_images(self) -> None:
        if self._project is None:
            return
        dialog = SplitImagesDialog(self._project, self)
        if dialog.exec():
            self._session.apply(dialog.edit(), self)
            self.show_data()
        dialog.deleteLater()

    # -- looks -------------------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        self.panel.add_part("Data", self.data)
        foot = QFrame()
        foot.setProperty("role", "foot")
        buttons = QVBoxLayout(foot)
        buttons.setContentsMargins(PAD, GAP, PAD, PAD)
        buttons.setSpacing(GAP)
        buttons.addWidget(self.advice)
        buttons.addWidget(self.error)
        buttons.addWidget(self.device)
        row = QHBoxLayout()
        row.addWidget(self.train_button, 2)
        row.addWidget(self.pause_button, 1)
        row.addWidget(self.stop_button, 1)
        buttons.addLayout(row)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.panel, 1)
        layout.addWidget(foot)
