"""The recipe that is being edited, which the form and the YAML show and enter changes into."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QObject, Signal

from core.errors import InputError
from core.recipe.draft import with_model, with_preset
from core.recipe.presets import Preset
from core.recipe.recipe import Recipe, with_settings
from desktop.base.undo_steps import ValueSteps
from desktop.kit.model_changes import name_change


@dataclass(frozen=True, slots=True)
class RecipeProblem:
    """Why something that was entered is not accepted."""

    line: int  # of the YAML, from 1; 0 for an entry in the form
    text: str
    field: str = ""  # the setting, by dotted name; empty where the entries as a whole are wrong


class RecipeModel(QObject):
    """Holds the recipe as last accepted, and what was entered since and is not accepted.

    A view passes itself with what it enters, so that it is not asked to show what it has on the screen already.
    """

    changed = Signal(object)  # the view that made the change; None where none did
    edited = Signal(object)  # the accepted recipe, after a change by the user
    settling = Signal()  # views enter what is being typed
    problems_pointed_out = Signal()  # the view in front shows where the first problem is

    def __init__(self, recipe: Recipe, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._recipe = recipe
        self._problems: tuple[RecipeProblem, ...] = ()
        self._entered: Mapping[str, Any] = {}
        # Width and height of the images that defaults are fitted to; asked when a model or a preset is chosen.
        self.image_sizes: Callable[[], Sequence[tuple[int, int]]] = tuple
        self.steps: ValueSteps[Recipe] = ValueSteps(self._put_back, self.settle_recipe)

    @property
    def recipe(self) -> Recipe:
        """The recipe as last accepted; what is being typed is left alone."""
        return self._recipe

    @property
    def problems(self) -> tuple[RecipeProblem, ...]:
        return self._problems

    @property
    def entered(self) -> Mapping[str, Any]:
        """The recipe as plain values, with the entries of the form that are not accepted; empty if there are none."""
        return self._entered

    def is_valid(self) -> bool:
        """Whether all that was entered is accepted."""
        return not self._problems

    def settle_recipe(self) -> Recipe:
        """The recipe with what is typed taken over, as when typing has ended."""
        self.settling.emit()
        return self._recipe

    def require_recipe(self) -> Recipe:
        """The recipe to train with. Raises InputError, and has the place shown, if an entry is wrong."""
        recipe = self.settle_recipe()
        if not self.is_valid():
            self.problems_pointed_out.emit()
            raise InputError("The recipe has a field marked red; mend it first.")
        return recipe

    # -- by a view ---------------------------------------------------------------------------------------------

    def accept_recipe(self, recipe: Recipe, view: QObject) -> None:
        """The user has entered a valid recipe."""
        if recipe != self._recipe or not self.is_valid():
            self.steps.record(name_change(self._recipe, recipe), self._recipe, recipe)
            self._hold_recipe(recipe, view)
            self.edited.emit(recipe)

    def reject_entries(
        self, problems: Iterable[RecipeProblem], view: QObject, entered: Mapping[str, Any] | None = None
    ) -> None:
        """The user has entered what is no recipe. `entered`: all of it as plain values, for another view to show."""
        self._problems, self._entered = tuple(problems), entered or {}
        self.changed.emit(view)

    # -- as a whole --------------------------------------------------------------------------------------------

    def load_recipe(self, recipe: Recipe) -> None:
        """Hold another recipe, not by the user, in the place of all that was entered."""
        self.steps.forget()
        self._hold_recipe(recipe, None)

    def replace_recipe(self, recipe: Recipe) -> None:
        """Take over a whole recipe as an edit of the user's, in the place of all that was entered."""
        self.steps.close_step()
        self.steps.record(name_change(self._recipe, recipe), self._recipe, recipe)
        self.steps.close_step()
        self._put_back(recipe)

    def _put_back(self, recipe: Recipe) -> None:
        self._hold_recipe(recipe, None)
        self.edited.emit(recipe)

    def choose_model(self, name: str) -> None:
        """Take over the defaults of another model, with what was set up for the project."""
        recipe = self.settle_recipe()
        if name != recipe.model:
            self.replace_recipe(with_model(recipe, name, self.image_sizes()))

    def apply_preset(self, preset: Preset | None) -> None:
        """Take over a preset; without one, the model's defaults."""
        self.replace_recipe(with_preset(self.settle_recipe(), preset, self.image_sizes()))

    def set_rate(self, rate: float) -> None:
        """Take over a learning rate."""
        self.replace_recipe(with_settings(self.settle_recipe(), {"optimizer.lr": rate}))

    def _hold_recipe(self, recipe: Recipe, view: QObject | None) -> None:
        self._recipe, self._problems, self._entered = recipe, (), {}
        self.changed.emit(view)
