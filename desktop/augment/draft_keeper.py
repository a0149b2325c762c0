"""The recipe whose augmentation the Augment page edits, kept in the project soon after a change."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Signal

from core.augmentation.config import PRESETS, AugmentationConfig
from core.errors import InputError
from core.project.project import Project
from core.recipe import draft
from core.recipe.recipe import Recipe, default_recipe
from desktop.base.undo_steps import ValueSteps
from desktop.kit.model_changes import list_changes, name_change

SAVE_AFTER_MS = 400  # after the last change, so that dragging a slider does not write at every step

READ_ONLY = "The project is open read-only: what you change here is shown, but not kept."


class DraftKeeper(QObject):
    """Reads the project's draft of a recipe, takes changes of its augmentation, and writes them after a moment."""

    loaded = Signal()  # `recipe` was read
    notice_changed = Signal(str)  # what is wrong with reading or keeping; empty where nothing is

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._project: Project | None = None
        self._recipe: Recipe = default_recipe(draft.USUAL_MODEL)
        self._unsaved = False  # whether the recipe differs from what the project keeps
        self._timer = QTimer(self, singleShot=True, interval=SAVE_AFTER_MS)
        self._timer.timeout.connect(self.save_draft)
        self.steps = ValueSteps(self._put_back)

    @property
    def recipe(self) -> Recipe:
        return self._recipe

    @property
    def defaults(self) -> AugmentationConfig:
        """The augmentation that suits the recipe's model."""
        return default_recipe(self._recipe.model).augmentation

    def set_project(self, project: Project | None) -> None:
        """Keep the draft of another project; a change that waits is written into the former one before."""
        self.save_draft()
        self._unsaved = False
        self._project = project
        self.steps.forget()
        self.load_draft()

    def change_augmentation(self, config: AugmentationConfig) -> None:
        """Change the recipe by the user, as a step that can be undone."""
        before = self._recipe.augmentation
        self.steps.record(_name_change(before, config), before, config)
        if len(list_changes(before, config)) > 1:
            self.steps.close_step()
        self._set_augmentation(config)

    def _put_back(self, config: AugmentationConfig) -> None:
        self._set_augmentation(config)
        self.loaded.emit()

    def _set_augmentation(self, config: AugmentationConfig) -> None:
        """Change the recipe, and write it after a moment."""
        self._recipe = self._recipe.model_copy(update={"augmentation": config})
        self._unsaved = True
        self._timer.start()

    def load_draft(self) -> None:
        """Read what another page may have changed, unless a change waits to be written."""
        if self._project is None or self._unsaved:
            return
        present = self._recipe.augmentation
        try:
            self._recipe = draft.load_draft(self._project)
            self.notice_changed.emit("")
        except InputError as error:
            self._recipe = default_recipe(draft.USUAL_MODEL)
            self.notice_changed.emit(f"{error}. The defaults are shown; the next change replaces the damaged recipe.")
        if self._recipe.augmentation != present:
            self.steps.forget()  # the Train page has made something else of it
        self.loaded.emit()

    def save_draft(self) -> None:
        """Write a change that waits."""
        self._timer.stop()
        self.steps.close_step()
        if self._project is None or not self._unsaved:
            return
        self._unsaved = False
        if self._project.read_only:
            self.notice_changed.emit(READ_ONLY)
            return
        draft.save_draft(self._project, self._recipe)
        self.notice_changed.emit("")


def _name_change(before: AugmentationConfig, after: AugmentationConfig) -> str:
    if len(list_changes(before, after)) > 1:
        for name, config in PRESETS.items():
            if config == after:
                return f"Preset {name}"
    return name_change(before, after)
