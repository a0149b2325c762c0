"""See what the augmentation does to an image and its boxes before training does it to all of them."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from core.augmentation.config import AugmentationConfig
from core.changes import Changes
from core.counting import format_count
from core.project.project import Project
from core.types import ImageRecord, Split
from desktop.augment.augmentation_panel import AugmentationPanel
from desktop.augment.draft_keeper import DraftKeeper
from desktop.augment.preview_cells import make_cells, make_legend
from desktop.augment.preview_cycle import PreviewCycle
from desktop.augment.preview_grid import PreviewGrid
from desktop.augment.previews import (
    COUNT,
    Previews,
    Turns,
    describe_view,
    find_turns,
    list_training_images,
    make_request,
    summarise_previews,
)
from desktop.base.actions import AUGMENT, ActionSet, build_actions
from desktop.base.session import Session
from desktop.base.theme import GAP, PAD
from desktop.base.undo_steps import UndoSteps
from desktop.kit.parts import ElidedLabel, restyle, words
from desktop.services import Services

HINT = "Click a picture to enlarge it · {seeds} goes on to later epochs · {previous} and {next} change the image"

NO_PROJECT = "Open a project to see what augmentation does to its images."
NO_IMAGES = "No images yet. Add some on the Label page to see what augmentation does to them."


class AugmentPage(QWidget):
    """Previews of the current image on the left, a control for each parameter on the right."""

    title = "Augment"

    def __init__(self, session: Session, services: Services, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("page")
        self._session = session
        self._keymap = services.keymap
        self._active = False
        self._project: Project | None = None
        self._draft = DraftKeeper(self)
        self._training: list[ImageRecord] = []
        self._first = 0  # number of the first preview; "new seeds" goes on to the following pictures
        self._turns: tuple[object, Turns] | None = None  # of the present image, with what they follow from
        self._cycle = PreviewCycle(services.tasks, self)
        self._grid = PreviewGrid()
        self._panel = AugmentationPanel()
        self._actions = self._make_actions()
        self._lay_out()
        self._draft.loaded.connect(self._show_recipe)
        self._draft.notice_changed.connect(self._panel.show_notice)
        self._cycle.made.connect(self._show_previews)
        self._cycle.failed.connect(self._show_nothing)
        self._panel.changed.connect(self._take_config)
        session.project_changed.connect(self._set_project)
        session.image_changed.connect(self._set_image)
        session.changed.connect(self._take_changes)
        session.setting_changed.connect(self._take_setting)
        self._set_project()

    # -- for the main window

    def activated(self) -> None:
        """The page came to the front: the Train page may have changed the recipe meanwhile."""
        self._active = True
        keys = {"seeds": "augment.new_seeds", "previous": "augment.previous", "next": "augment.next"}
        self._session.hint.emit(self._keymap.fill_in_keys(HINT, **keys))
        self._draft.load_draft()
        self._ask_for_previews()  # also where a change waits, and nothing was loaded

    def deactivated(self) -> None:
        self._active = False
        self._draft.save_draft()
        self._cycle.stop()

    def actions(self) -> list[QAction]:
        return list(self._actions.values())

    @property
    def undo_steps(self) -> UndoSteps:
        """What the keys for undo step through while the page is in front."""
        return self._draft.steps

    # -- what the tests and the benchmark look at

    @property
    def panel(self) -> AugmentationPanel:
        return self._panel

    @property
    def grid(self) -> PreviewGrid:
        return self._grid

    @property
    def shown(self) -> Previews | None:
        """The previews on the screen."""
        return self._cycle.shown

    @property
    def summary(self) -> str:
        return self._summary.text()

    # -- building

    def _lay_out(self) -> None:
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        left = QVBoxLayout()
        left.setContentsMargins(0, 0, 0, 0)
        left.setSpacing(0)
        left.addWidget(self._make_bar())
        room = QVBoxLayout()
        room.setContentsMargins(PAD, PAD, PAD, GAP)
        room.addWidget(self._grid)
        left.addLayout(room, 1)
        left.addWidget(self._make_foot())
        layout.addLayout(left, 1)
        divider = QFrame()
        divider.setProperty("role", "divider")
        layout.addWidget(divider)
        layout.addWidget(self._panel)

    def _make_bar(self) -> QWidget:
        bar = QFrame()
        bar.setProperty("role", "bar")
        column = QVBoxLayout(bar)
        column.setContentsMargins(PAD, 6, PAD, 6)
        column.setSpacing(2)
        row = QHBoxLayout()
        self._previous, self._next = (_make_button(self._actions[name]) for name in ("previous", "next"))
        self._name = ElidedLabel(role="heading")
        self._place = words("", "muted")
        self._about = words("", "small", wrap=True)
        self._back, self._reseed = (
            _make_button(self._actions[name], text=True) for name in ("all_previews", "new_seeds")
        )
        self._back.hide()
        self._grid.enlarged_changed.connect(lambda index: self._back.setVisible(index >= 0))
        for widget in (self._previous, self._next, self._place):
            row.addWidget(widget)
        row.addSpacing(GAP)
        row.addWidget(self._name, 1)
        row.addWidget(self._back)
        row.addWidget(self._reseed)
        column.addLayout(row)
        column.addWidget(self._about)
        return bar

    def _make_foot(self) -> QWidget:
        foot = QFrame()
        foot.setProperty("role", "foot")
        column = QVBoxLayout(foot)
        column.setContentsMargins(PAD, 8, PAD, 8)
        self._summary = QLabel()
        self._summary.setWordWrap(True)
        self._legend = QLabel(textFormat=Qt.TextFormat.RichText, wordWrap=True)
        column.addWidget(self._summary)
        column.addWidget(self._legend)
        return foot

    def _make_actions(self) -> ActionSet:
        handlers = {
            "previous": lambda: self._step_image(-1),
            "next": lambda: self._step_image(1),
            "new_seeds": self._show_later_epochs,
            "all_previews": lambda: self._grid.enlarge(-1),
        }
        return build_actions(self, AUGMENT, handlers)

    # -- what the user does

    def _take_config(self, config: object) -> None:
        assert isinstance(config, AugmentationConfig)
        self._draft.change_augmentation(config)
        self._ask_for_previews()

    def _show_later_epochs(self) -> None:
        self._first += COUNT
        self._ask_for_previews()

    def _step_image(self, by: int) -> None:
        shown = self._session.shown
        if shown is None or self._session.image_id is None:
            return
        ids = shown.image_ids()
        at = ids.index(self._session.image_id) + by
        if 0 <= at < len(ids):
            self._session.select_image(ids[at])

    # -- following the session and the recipe

    def _take_setting(self, key: str) -> None:
        if key == "cameras" and self._active:
            self._ask_for_previews()

    def _set_project(self) -> None:
        self._project = self._session.project
        self._first = 0
        self._read_training_images()
        # A waiting change belongs to the project that is being closed, which is still open now.
        self._draft.set_project(self._project)
        self._ask_for_previews()
        # Without a project no page is in front; the window brings one forward again with the next project.
        self._active = self._active and self._project is not None

    def _read_training_images(self) -> None:
        shown = self._session.shown
        self._training = list_training_images(shown) if shown is not None else []
        self._turns = None

    def _set_image(self) -> None:
        self._first = 0
        self._ask_for_previews()

    def _take_changes(self, changes: Changes, initiator: object) -> None:
        if self._project is not None and (changes.boxes or changes.status or changes.image_list or changes.labels):
            self._read_training_images()
            self._ask_for_previews()

    def _show_recipe(self) -> None:
        self._panel.set_config(self._draft.recipe.augmentation, self._draft.defaults)
        self._ask_for_previews()

    # -- previews

    def _ask_for_previews(self) -> None:
        if not self._active:
            return
        # Also with the edits that wait for the disk.
        project, shown, image_id = self._project, self._session.shown, self._session.image_id
        if project is None or shown is None or image_id is None:
            self._cycle.clear()
            self._show_head()
            self._show_nothing(NO_PROJECT if project is None else NO_IMAGES)
            return
        image, cameras = shown.image(image_id), project.depths.cameras()
        turns = self._turns_of(image)
        self._cycle.ask_for(make_request(shown, image, self._draft.recipe, turns, self._first, cameras))
        self._show_head()

    def _turns_of(self, image: ImageRecord) -> Turns:
        """Counted again only when it can have changed: a slider's move must not walk over every image."""
        key = (self._draft.recipe.sampling, image.id)
        if self._turns is None or self._turns[0] != key:
            self._turns = (key, find_turns(self._draft.recipe, self._training, image))
        return self._turns[1]

    def _show_nothing(self, message: str) -> None:
        self._grid.show_message(message)
        self._summary.clear()
        self._legend.clear()

    def _show_head(self) -> None:
        project, image_id = self._session.shown, self._session.image_id
        self._actions["new_seeds"].setEnabled(self._cycle.wanted is not None)
        if project is None or image_id is None or self._cycle.wanted is None:
            self._name.clear()
            self._place.clear()
            self._about.clear()
            self._actions["previous"].setEnabled(False)
            self._actions["next"].setEnabled(False)
            return
        ids, image = project.image_ids(), project.image(image_id)
        at = ids.index(image_id)
        self._actions["previous"].setEnabled(at > 0)
        self._actions["next"].setEnabled(at + 1 < len(ids))
        self._name.setText(image.path.rpartition("/")[2])
        self._name.setToolTip(image.path)
        self._place.setText(f"{at + 1:,} of {len(ids):,}")
        parts = []
        if not self._turns_of(image).trained:
            held_out = image.split in (Split.VAL, Split.TEST)
            parts.append(f"in {image.split}, not trained on" if held_out else "not trained on")
        boxes = project.boxes(image_id)
        if difficult := sum(box.difficult for box in boxes):
            parts.append(f"{format_count(difficult, 'difficult box')} left out")
        if unlabelled := sum(not box.labels and not box.difficult for box in boxes):
            parts.append(f"{format_count(unlabelled, 'box')} without a label left out")
        parts.append(describe_view(self._cycle.wanted))
        self._about.setText("  ·  ".join(parts))

    def _show_previews(self, previews: object) -> None:
        shown = self._session.shown
        assert isinstance(previews, Previews) and shown is not None
        labels = shown.labels()
        if previews.request.labels.shape[1] != len(labels):
            # Labels were added or deleted since; the next previews are under way.
            return
        self._grid.show_cells(make_cells(previews, labels))
        self._legend.setText(make_legend(previews, labels))
        min_visible = previews.request.recipe.augmentation.min_visible
        summary = summarise_previews(previews.pictures, previews.view, min_visible)
        self._summary.setText(summary.text)
        restyle(self._summary, "role", {"bad": "error", "warning": "warning"}.get(summary.tone, "muted"))


def _make_button(action: QAction, *, text: bool = False) -> QToolButton:
    button = QToolButton()
    button.setDefaultAction(action)
    button.setProperty("role", "bar")
    if text:
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    return button
