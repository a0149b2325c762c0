"""See what the augmentation does to an image and its boxes before training does it to all of them."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from core.augmentation.config import AugmentationConfig
from core.changes import Changes
from core.errors import InputError
from core.project.project import Project
from core.project.snapshot import depth_window
from core.recipe import draft
from core.recipe.recipe import Recipe, default_recipe
from core.types import ImageRecord, Split
from desktop.augment.augmentation_panel import AugmentationPanel
from desktop.augment.preview_cells import legend, preview_cells
from desktop.augment.preview_grid import PreviewGrid
from desktop.augment.previews import (
    COUNT,
    ImageCache,
    PreviewRequest,
    Previews,
    Turns,
    make_previews,
    summarise,
    training_images,
    turns_of,
    view_text,
)
from desktop.base.actions import AUGMENT, ActionSet, build_actions
from desktop.base.session import Session
from desktop.base.theme import GAP, PAD
from desktop.kit.formatting import plural
from desktop.kit.parts import ElidedLabel, restyle
from desktop.services import Services

SAVE_AFTER_MS = 400  # after the last change, so that dragging a slider does not write at every step

HINT = "Click a picture to enlarge it · {seeds} goes on to later epochs · {previous} and {next} change the image"
_KEY = "augment-previews"


class AugmentPage(QWidget):
    """Previews of the current image on the left, a control for each parameter on the right."""

    title = "Augment"

    def __init__(self, session: Session, services: Services) -> None:
        super().__init__()
        self.setObjectName("page")
        self._session = session
        self._tasks = services.tasks
        self._keymap = services.keymap
        self._cache = ImageCache()
        self._active = False
        self._project: Project | None = None
        self._recipe: Recipe = default_recipe(draft.USUAL_MODEL)
        self._training: list[ImageRecord] = []
        self._first = 0  # number of the first preview; "new seeds" goes on to the following pictures
        self._unsaved = False  # whether the recipe differs from what the project keeps
        self._turns: tuple[object, Turns] | None = None  # of the present image, with what they follow from
        self._wanted: PreviewRequest | None = None
        self._under_way: PreviewRequest | None = None
        self._shown: Previews | None = None
        self._grid = PreviewGrid()
        self._panel = AugmentationPanel()
        self._saver = QTimer(self, singleShot=True, interval=SAVE_AFTER_MS)
        self._actions = self._make_actions()
        self._build()
        self._saver.timeout.connect(self._save)
        self._panel.changed.connect(self._changed_by_person)
        session.project_changed.connect(self._set_project)
        session.image_changed.connect(self._image_changed)
        session.changed.connect(self._project_edited)
        session.setting_changed.connect(self._setting_changed)
        self._set_project()

    # -- for the main window

    def activated(self) -> None:
        """The page came to the front: the Train page may have changed the recipe meanwhile."""
        self._active = True
        keys = {"seeds": "augment.new_seeds", "previous": "augment.previous", "next": "augment.next"}
        self._session.hint.emit(self._keymap.named(HINT, **keys))
        self._load_recipe()
        self._refresh()

    def deactivated(self) -> None:
        self._active = False
        self._save()
        self._tasks.cancel(_KEY)
        self._wanted = None

    def actions(self) -> list[QAction]:
        return list(self._actions.values())

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
        return self._shown

    @property
    def summary(self) -> str:
        return self._summary.text()

    # -- building

    def _build(self) -> None:
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
        row = QHBoxLayout(bar)
        row.setContentsMargins(PAD, 6, PAD, 6)
        self._previous, self._next = (_button(self._actions[name]) for name in ("previous", "next"))
        self._name = QLabel()
        self._name.setProperty("role", "heading")
        self._about = ElidedLabel(role="muted")
        self._back, self._reseed = (_button(self._actions[name], text=True) for name in ("all_previews", "new_seeds"))
        self._back.hide()
        self._grid.enlarged_changed.connect(lambda index: self._back.setVisible(index >= 0))
        for widget in (self._previous, self._next, self._name):
            row.addWidget(widget)
        row.addSpacing(GAP)
        row.addWidget(self._about, 1)
        row.addWidget(self._back)
        row.addWidget(self._reseed)
        return bar

    def _make_foot(self) -> QWidget:
        foot = QFrame()
        foot.setProperty("role", "foot")
        column = QVBoxLayout(foot)
        column.setContentsMargins(PAD, 8, PAD, 8)
        self._summary = QLabel()
        self._summary.setWordWrap(True)
        self._legend = QLabel(textFormat=Qt.TextFormat.RichText)
        column.addWidget(self._summary)
        column.addWidget(self._legend)
        return foot

    def _make_actions(self) -> ActionSet:
        handlers = {
            "previous": lambda: self._step(-1),
            "next": lambda: self._step(1),
            "new_seeds": self._new_seeds,
            "all_previews": lambda: self._grid.enlarge(-1),
        }
        return build_actions(self, AUGMENT, handlers)

    # -- what the person does

    def _changed_by_person(self, config: object) -> None:
        assert isinstance(config, AugmentationConfig)
        self._recipe = self._recipe.model_copy(update={"augmentation": config})
        self._unsaved = True
        self._saver.start()
        self._refresh()

    def _new_seeds(self) -> None:
        self._first += COUNT
        self._refresh()

    def _step(self, by: int) -> None:
        if self._project is None or self._session.image_id is None:
            return
        ids = self._project.image_ids()
        at = ids.index(self._session.image_id) + by
        if 0 <= at < len(ids):
            self._session.select_image(ids[at])

    # -- following the session and the recipe

    def _setting_changed(self, key: str) -> None:
        if key == "depth_window" and self._active:
            self._refresh()

    def _set_project(self) -> None:
        # A waiting change belongs to the project that is being closed, which is still open now.
        self._save()
        self._unsaved = False
        self._project = self._session.project
        self._first = 0
        self._training = []
        if self._project is not None:
            self._training = training_images(self._project)
            self._load_recipe()
        self._refresh()
        # Without a project no page is in front; the window brings one forward again with the next project.
        self._active = self._active and self._project is not None

    def _image_changed(self) -> None:
        self._first = 0
        self._refresh()

    def _project_edited(self, changes: Changes, initiator: object) -> None:
        if self._project is not None and (changes.boxes or changes.status or changes.image_list or changes.labels):
            self._training = training_images(self._project)
            self._refresh()

    def _load_recipe(self) -> None:
        if self._project is None or self._unsaved:
            return
        try:
            self._recipe = draft.load_draft(self._project)
            self._panel.show_notice("")
        except InputError as error:
            self._panel.show_notice(f"{error}. The defaults are shown; the next change replaces the damaged recipe.")
            self._recipe = default_recipe(draft.USUAL_MODEL)
        self._panel.set_config(self._recipe.augmentation, default_recipe(self._recipe.model).augmentation)

    def _save(self) -> None:
        self._saver.stop()
        if self._project is None or not self._unsaved:
            return
        self._unsaved = False
        if self._project.read_only:
            self._panel.show_notice("The project is open read-only: what you change here is shown, but not kept.")
            return
        draft.save_draft(self._project, self._recipe)
        self._panel.show_notice("")

    # -- previews

    def _refresh(self) -> None:
        """Ask for new previews. While some of the same image are being made the latest wish waits, so that a
        slider in motion shows every picture that there was time for; dropping each stale one would show none
        until it rests."""
        if not self._active:
            return
        self._wanted = self._request()
        self._show_head()
        if self._wanted is None:
            self._tasks.cancel(_KEY)
            self._show_nothing("Open a project with images to see what augmentation does to them.")
        elif not (self._tasks.busy(_KEY) and self._under_way and self._under_way.path == self._wanted.path):
            self._start()

    def _start(self) -> None:
        request = self._wanted
        assert request is not None
        self._under_way = request
        self._tasks.run(
            _KEY,
            lambda: make_previews(request, self._cache.image(request.path, request.window)),
            self._ready,
            lambda error: self._failed(request, error),
            priority=1,
        )

    def _ready(self, previews: Previews) -> None:
        self._show(previews)
        if previews.request is not self._wanted:
            self._start()

    def _failed(self, request: PreviewRequest, error: Exception) -> None:
        if not isinstance(error, InputError):
            raise error
        self._show_nothing(str(error))
        if request is not self._wanted:
            self._start()

    def _request(self) -> PreviewRequest | None:
        project, image_id = self._project, self._session.image_id
        if project is None or image_id is None:
            return None
        labels = project.labels()
        # Boxes without a label are not taught, so they do not take part.
        boxes = [box for box in project.boxes(image_id) if box.labels]
        image = project.image(image_id)
        return PreviewRequest(
            path=project.image_path(image),
            boxes=np.array([box.xyxy for box in boxes], np.float32).reshape(-1, 4),
            labels=np.array([[label.id in box.labels for label in labels] for box in boxes], bool).reshape(
                len(boxes), len(labels)
            ),
            recipe=self._recipe,
            turns=self._turns_of(image),
            first=self._first,
            window=depth_window(project),
        )

    def _turns_of(self, image: ImageRecord) -> Turns:
        """Counted anew only when it can have changed: a slider's move must not walk over every image."""
        key = (self._recipe.sampling, image.id, id(self._training))
        if self._turns is None or self._turns[0] != key:
            self._turns = (key, turns_of(self._recipe, self._training, image))
        return self._turns[1]

    def _show_nothing(self, message: str) -> None:
        self._shown = None
        self._grid.show_message(message)
        self._summary.clear()
        self._legend.clear()

    def _show_head(self) -> None:
        project, image_id = self._project, self._session.image_id
        self._actions["new_seeds"].setEnabled(self._wanted is not None)
        if project is None or image_id is None or self._wanted is None:
            self._name.clear()
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
        parts = [f"{at + 1} of {len(ids)}"]
        if not self._turns_of(image).trained:
            held_out = image.split in (Split.VAL, Split.TEST)
            parts.append(f"in {image.split}, not trained on" if held_out else "not trained on")
        unlabelled = sum(not box.labels for box in project.boxes(image_id))
        if unlabelled:
            parts.append(f"{plural(unlabelled, 'box', 'boxes')} without a label left out")
        parts.append(view_text(self._wanted))
        self._about.setText("  ·  ".join(parts))

    def _show(self, previews: Previews) -> None:
        assert self._project is not None
        self._shown = previews
        labels = self._project.labels()
        if previews.request.labels.shape[1] != len(labels):
            # Labels were added or deleted since; the next previews are under way.
            return
        self._grid.show_cells(preview_cells(previews, labels))
        self._legend.setText(legend(previews, labels))
        min_visible = previews.request.recipe.augmentation.min_visible
        summary = summarise(previews.pictures, previews.view, min_visible)
        self._summary.setText(summary.text)
        restyle(self._summary, "role", {"bad": "error", "warning": "warning"}.get(summary.tone, "muted"))


def _button(action: QAction, *, text: bool = False) -> QToolButton:
    button = QToolButton()
    button.setDefaultAction(action)
    button.setProperty("role", "bar")
    if text:
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    return button
