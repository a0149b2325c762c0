"""The recipe of the project's next training: loaded, saved soon after a change, and taken from a run or a checkpoint."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from core.errors import InputError
from core.project.project import Project
from core.recipe import draft
from core.recipe.recipe import Recipe, default_recipe, load_recipe, parse_recipe, with_settings
from desktop.train.recipe.recipe_model import RecipeModel

_SAVE_MS = 300


class RecipeDraft(QObject):
    """Keeps the recipe model and the project's saved draft the same."""

    error_changed = Signal(str)  # what went wrong; empty once the user has changed the recipe

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.model = RecipeModel(default_recipe(draft.USUAL_MODEL), self)
        self._project: Project | None = None
        self.model.image_sizes = lambda: () if self._project is None else draft.image_sizes(self._project)
        self._timer = QTimer(self, singleShot=True, interval=_SAVE_MS)
        self._timer.timeout.connect(self._write_draft)
        self.model.edited.connect(self._follow_edit)

    def set_project(self, project: Project | None) -> None:
        """Hold the draft of another project, or of none. The former one is still open."""
        if self._project is not None and self._project is not project:
            self.save_draft()
        self._project = project
        self.error_changed.emit("")
        if project is not None:
            self.model.load_recipe(self._read_draft(project))

    def refresh_draft(self) -> None:
        """Hold what another page may have made of the project's draft."""
        if self._project is None or self._timer.isActive():  # what is on the screen is newer
            return
        recipe = self._read_draft(self._project)
        if recipe != self.model.recipe:  # otherwise what is being entered stays
            self.model.load_recipe(recipe)

    def save_draft(self) -> None:
        """Write the draft now if it was changed."""
        self.model.settle_recipe()
        if self._timer.isActive():
            self._timer.stop()
            self._write_draft()

    def require_recipe(self) -> Recipe:
        """The recipe to train with, saved. Raises InputError, and has the place shown, if an entry is wrong."""
        recipe = self.model.require_recipe()
        self.save_draft()
        return recipe

    def continue_from(self, checkpoint_id: str) -> Recipe | None:
        """Take over a checkpoint as the start, with its model and the recipe of its run.

        Returns the recipe that this takes the place of; None, and error_changed says why, if it cannot be.
        """
        project = self._project
        found = [record for record in project.runs.list_checkpoints() if record.id == checkpoint_id] if project else []
        if not found or project is None:
            return None
        before = self.model.settle_recipe()
        checkpoint = found[0]
        start = {"weights.source": "checkpoint", "weights.path": str(checkpoint.path)}
        recipes = [run.recipe for run in project.runs.list_runs() if run.id == checkpoint.run]
        try:
            base = (
                parse_recipe(recipes[0], checkpoint.run) if recipes and recipes[0] else default_recipe(checkpoint.model)
            )
            recipe = with_settings(base, start)
        except InputError as error:
            self.error_changed.emit(str(error))
            return None
        self.model.replace_recipe(recipe)
        self.save_draft()
        return before

    def take_recipe(self, run: Path) -> Recipe | None:
        """Take over the recipe of the run in this folder, as it was. Returns the one that it takes the place of.

        None, and error_changed says why, if it cannot be read.
        """
        before = self.model.settle_recipe()
        try:
            self.model.replace_recipe(load_recipe(run / "recipe.yaml"))
        except InputError as error:
            self.error_changed.emit(str(error))
            return None
        return before

    def _read_draft(self, project: Project) -> Recipe:
        try:
            return draft.load_draft(project)
        except InputError as error:
            self.error_changed.emit(f"{error}. The defaults are shown instead.")
            return default_recipe(draft.USUAL_MODEL)

    def _follow_edit(self, _recipe: Recipe) -> None:
        self.error_changed.emit("")
        self._timer.start()

    def _write_draft(self) -> None:
        self.model.steps.close_step()
        if self._project is not None and not self._project.read_only:
            draft.save_draft(self._project, self.model.recipe)
