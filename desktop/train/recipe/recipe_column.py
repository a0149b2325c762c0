"""The left side of the Train page: the recipe of the next training, the data it would learn from, and the buttons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QFrame, QPushButton, QVBoxLayout, QWidget

from core.changes import Changes
from core.counting import format_count
from core.models.gpus import device_words
from core.project.project import Project
from core.project.records import CheckpointRecord
from core.types import Split
from desktop.base.session import Session
from desktop.base.theme import GAP, PAD
from desktop.kit.dialog_frame import Paragraph
from desktop.kit.parts import restyle, words
from desktop.project.split_dialog import SplitImagesDialog
from desktop.train.recipe.data_summary import DataSummary, count_data
from desktop.train.recipe.recipe_advice import advise_on_recipe
from desktop.train.recipe.recipe_draft import RecipeDraft
from desktop.train.recipe.recipe_panel import RecipePanel
from desktop.train.recipe.run_preview import RunPreviewBox

LEAST_WIDTH, MOST_WIDTH = 392, 480  # the least fits the widest row of the settings


@dataclass(frozen=True, slots=True)
class Controls:
    """What the buttons below the recipe offer."""

    writable: bool = False  # the project can be trained and changed
    busy: bool = False  # something computes that a training would have to share the device with


class RecipeColumn(QFrame):
    """Shows the draft of a recipe, what it would learn from, and what may go badly."""

    train_wanted = Signal()
    rate_wanted = Signal()  # find a learning rate by trying
    study_wanted = Signal()  # compare strategies
    propose_wanted = Signal()  # a recipe for the data and the time

    def __init__(self, session: Session, draft: RecipeDraft, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "panel")
        self.setMinimumWidth(LEAST_WIDTH)
        self.setMaximumWidth(MOST_WIDTH)
        self._session = session
        self._model = draft.model
        self._project: Project | None = None
        self._train_images = 0
        self._gpus: list[str] | None = None  # not known yet
        self.panel = RecipePanel(draft.model, self)
        self.preview = RunPreviewBox()
        self.data = DataSummary()
        self.advice = Paragraph("", "warning")
        self.error = Paragraph("", "error")
        for line in (self.advice, self.error):
            line.hide()
        self.train_button = QPushButton("Train")
        self.train_button.setProperty("role", "primary")
        self.device = words(role="small", wrap=True)  # what the next training computes on
        self._data_timer = QTimer(self, singleShot=True, interval=200)
        self._data_timer.timeout.connect(self.show_data)
        self._lay_out()
        self.train_button.clicked.connect(self.train_wanted)
        self.panel.form.rate_wanted.connect(self.rate_wanted)
        self.panel.form.study_wanted.connect(self.study_wanted)
        self.panel.propose_button.clicked.connect(self.propose_wanted)
        self.data.split_requested.connect(self._split_images)
        self.preview.warnings_changed.connect(self._show_advice)
        draft.error_changed.connect(self.show_error)
        draft.model.changed.connect(self._follow_model)
        session.changed.connect(self._on_changed)

    # -- for the page ------------------------------------------------------------------------------------------

    def set_project(self, project: Project | None) -> None:
        """Show the data of another project, or of none."""
        self._project = project
        self.show_data()

    def show_error(self, text: str) -> None:
        self.error.setText(text)
        self.error.setVisible(bool(text))

    def set_checkpoints(self, checkpoints: Sequence[CheckpointRecord]) -> None:
        """The project's own checkpoints, to be offered as a start."""
        self.panel.form.set_checkpoints(checkpoints)

    def set_gpus(self, gpus: list[str]) -> None:
        """The GPUs of this machine, to be offered as devices."""
        self._gpus = gpus
        self.panel.form.set_gpus(gpus)
        self._show_device()

    def show_controls(self, controls: Controls) -> None:
        """Enable and name the buttons, and let the recipe and the splits be changed or not."""
        self.train_button.setEnabled(controls.writable)
        self.train_button.setText("Add to queue" if controls.busy else "Train")
        self.panel.setEnabled(controls.writable)
        self.data.split_button.setEnabled(controls.writable)

    # -- the recipe --------------------------------------------------------------------------------------------

    def _follow_model(self, _view: object) -> None:
        self._show_advice()
        self._show_device()

    def _show_advice(self) -> None:
        """Say what the recipe may do badly on these data."""
        found = [*self.preview.warnings, *advise_on_recipe(self._model.recipe, self._train_images)]
        more = f" (and {format_count(len(found) - 1, 'more hint')})" if len(found) > 1 else ""
        self.advice.setText(found[0] + more if found else "")
        self.advice.setToolTip("".join(f"<p>{escape(text)}</p>" for text in found))
        self.advice.setVisible(bool(found))

    def _show_device(self) -> None:
        """Say what the next training computes on."""
        if self._gpus is not None:
            text, wasted = device_words(self._model.recipe.device, self._gpus)
            self.device.setText(text)
            restyle(self.device, "role", "warning" if wasted else "small")

    # -- the data ----------------------------------------------------------------------------------------------

    def show_data(self) -> None:
        """Count what a training would learn from, edits that wait for the disk among it: they are written before it."""
        project = self._session.shown if self._project is not None else None
        counts = count_data(project.images() if project is not None else [])
        self._train_images = counts.images[Split.TRAIN]
        if project is None:
            self.data.show_data(counts, (), {})
        else:
            self.data.show_data(counts, project.labels(), project.counts().labels)
        self._show_advice()

    def _on_changed(self, changes: Changes, _initiator: object) -> None:
        if changes.image_list or changes.status or changes.boxes or changes.labels:
            self._data_timer.start()

    def _split_images(self) -> None:
        if self._project is None:
            return
        dialog = SplitImagesDialog(self._project, self)
        if dialog.exec():
            self._session.apply(dialog.build_edit(), self)
            self.show_data()
        dialog.deleteLater()

    # -- looks -------------------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        self.panel.add_part("This training", self.preview)
        self.panel.add_part("Data", self.data)
        foot = QFrame()
        foot.setProperty("role", "foot")
        buttons = QVBoxLayout(foot)
        buttons.setContentsMargins(PAD, GAP, PAD, PAD)
        buttons.setSpacing(GAP)
        buttons.addWidget(self.advice)
        buttons.addWidget(self.error)
        buttons.addWidget(self.device)
        buttons.addWidget(self.train_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.panel, 1)
        layout.addWidget(foot)
