"""A recipe in two views, as a form and as YAML, either of which can be edited."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QFrame,
    QHBoxLayout,
    QScrollArea,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from core.project.records import CheckpointRecord
from core.recipe.draft import with_preset
from core.recipe.recipe import Recipe, with_settings
from desktop.base.theme import GAP, PAD
from desktop.kit.parts import words
from desktop.train.recipe.preset_picker import PresetButton
from desktop.train.recipe.recipe_form import RecipeForm
from desktop.train.recipe.yaml_editor import YamlEditor

FORM, YAML = 0, 1


class RecipePanel(QWidget):
    """Edits one recipe. `recipe_changed` comes only from the person, with a valid recipe."""

    recipe_changed = Signal(object)

    def __init__(self, recipe: Recipe, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.form = RecipeForm(recipe)
        self.presets = PresetButton()
        self.yaml = YamlEditor()
        self.yaml.set_recipe(recipe)
        self._stack = QStackedWidget()
        self._column = QVBoxLayout()
        self._views = QButtonGroup(self)
        self.bar = QHBoxLayout()
        self._lay_out()
        self.form.recipe_changed.connect(self.recipe_changed)
        self.yaml.recipe_changed.connect(self.recipe_changed)
        self._views.idClicked.connect(self.show_view)
        self.presets.chosen.connect(lambda preset: self.put_recipe(with_preset(self.recipe(), preset)))
        self.presets.defaults_wanted.connect(lambda: self.put_recipe(with_preset(self.recipe(), None)))
        self.presets.opening.connect(lambda: self.presets.show_for(self.recipe().model))

    # -- the recipe --------------------------------------------------------------------------------------------

    @property
    def accepted(self) -> Recipe:
        """The recipe as last accepted in the view that is shown; what is being typed is left alone."""
        return self.recipe() if self.view == YAML else self.form.accepted

    def recipe(self) -> Recipe:
        """The recipe of the view that is shown with what is typed taken over, as when typing has ended."""
        if self.view == YAML:
            recipe = self.yaml.recipe()
            assert recipe is not None
            return recipe
        return self.form.recipe()

    def set_recipe(self, recipe: Recipe) -> None:
        """Show `recipe`, without telling `recipe_changed`."""
        self.form.set_recipe(recipe)
        # What is in the editor stays as it was typed for as long as it says the same.
        if self.view != YAML or self.yaml.recipe() != recipe:
            self.yaml.set_recipe(recipe)

    def put_recipe(self, recipe: Recipe) -> None:
        """As if the person had entered all of `recipe`."""
        self.set_recipe(recipe)
        self.recipe_changed.emit(recipe)

    def set_rate(self, rate: float) -> None:
        """As if the person had entered this learning rate, in whatever view."""
        self.put_recipe(with_settings(self.recipe(), {"optimizer.lr": rate}))

    def is_valid(self) -> bool:
        return self.yaml.is_valid() if self.view == YAML else self.form.fields.is_valid()

    def show_errors(self) -> None:
        """Bring what is wrong into view."""
        if self.view == YAML:
            self.yaml.show_problem()
            return
        wrong = next((name for name in self.form.fields.errors() if name), "")
        if wrong:
            self._scroll.ensureWidgetVisible(self.form.fields.control(wrong))
            self.form.fields.control(wrong).setFocus()

    def set_checkpoints(self, checkpoints: Sequence[CheckpointRecord]) -> None:
        """The project's own checkpoints, to be offered as a start."""
        self.form.set_checkpoints(checkpoints)

    # -- the views ---------------------------------------------------------------------------------------------

    @property
    def view(self) -> int:
        return self._stack.currentIndex()

    def show_view(self, view: int) -> None:
        """Go to the form or to the YAML. A text that is no recipe is mended or undone before the form can show it."""
        if view == FORM and self.view == YAML:
            if not self.yaml.is_valid():
                self.yaml.show_problem()
            else:
                self.form.set_recipe(self.recipe())
                self._stack.setCurrentIndex(FORM)
        elif view == YAML and self.view == FORM:
            recipe, fields = self.form.recipe(), self.form.fields
            if fields.is_valid():
                self.yaml.set_recipe(recipe)
            else:
                self.yaml.set_tree(recipe, fields.entered_tree())
            self._stack.setCurrentIndex(YAML)
        button = self._views.button(self.view)
        assert button is not None
        button.setChecked(True)

    def add_part(self, title: str, widget: QWidget) -> None:
        """Put something of the page's own below the form."""
        self._column.insertWidget(self._column.count() - 1, words(title, "section"))
        self._column.insertWidget(self._column.count() - 1, widget)

    def _lay_out(self) -> None:
        switch = QHBoxLayout()
        switch.setSpacing(0)
        for view, text, tip in ((FORM, "Form", "Edit by fields"), (YAML, "YAML", "Edit as text, copy and paste")):
            button = QToolButton()
            button.setText(text)
            button.setToolTip(tip)
            button.setCheckable(True)
            button.setProperty("role", "segment")
            self._views.addButton(button, view)
            switch.addWidget(button)
        self._views.button(FORM).setChecked(True)
        self.bar.setContentsMargins(PAD, GAP, PAD, GAP)
        self.bar.addWidget(self.presets)
        self.bar.addStretch(1)
        self.bar.addLayout(switch)
        inside = QWidget()
        self._column.setContentsMargins(PAD, GAP // 2, PAD, PAD)
        self._column.setSpacing(GAP)
        self._column.addWidget(self.form)
        self._column.addStretch(1)
        inside.setLayout(self._column)
        self._scroll = scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # what is in it takes the keys
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(inside)
        # The panel's own colour shows through.
        scroll.viewport().setAutoFillBackground(False)
        inside.setAutoFillBackground(False)
        page = QWidget()
        around = QVBoxLayout(page)
        around.setContentsMargins(PAD, 0, PAD, GAP)
        around.addWidget(self.yaml)
        self._stack.addWidget(scroll)
        self._stack.addWidget(page)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(self.bar)
        layout.addWidget(self._stack, 1)
