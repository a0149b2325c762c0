"""A recipe in two views, as a form and as YAML, either of which can be edited."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QButtonGroup,
    QFrame,
    QHBoxLayout,
    QScrollArea,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from desktop.base.theme import GAP, PAD
from desktop.kit.parts import words
from desktop.train.recipe.preset_picker import PresetButton
from desktop.train.recipe.recipe_form import RecipeForm
from desktop.train.recipe.recipe_model import RecipeModel
from desktop.train.recipe.yaml_editor import YamlEditor

FORM, YAML = 0, 1


class RecipePanel(QWidget):
    """Shows the form or the YAML of a recipe model, and offers presets for it."""

    def __init__(self, model: RecipeModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = model
        self._views = QButtonGroup(self)
        self.presets = PresetButton()
        self.propose_button = QToolButton()
        self.propose_button.setText("Propose…")
        self.propose_button.setToolTip(
            "Say how long the training may take, and see what is proposed for this data and why"
        )
        self.propose_button.setProperty("role", "segment")
        # Each in its place from the start, in the order of the Tab key: Qt dresses all that is in a widget anew when it
        # gets another parent.
        for button in (self.presets, self.propose_button, *self._build_switch()):
            button.setParent(self)
        self._stack = QStackedWidget(self)
        self._scroll = QScrollArea(self._stack)
        self._inside = QWidget(self._scroll.viewport())
        self._page = QWidget(self._stack)
        self.form = RecipeForm(model, self._inside)
        self.yaml = YamlEditor(model, self._page)
        self._column = QVBoxLayout()
        self.bar = QHBoxLayout()
        self._lay_out()
        self._views.idClicked.connect(self.show_view)
        self.presets.chosen.connect(model.apply_preset)
        self.presets.defaults_wanted.connect(lambda: model.apply_preset(None))
        self.presets.opening.connect(lambda: self.presets.show_for(model.settle_recipe().model))
        model.problems_pointed_out.connect(self._show_problem)

    # -- the views ---------------------------------------------------------------------------------------------

    @property
    def view(self) -> int:
        return self._stack.currentIndex()

    @property
    def checked_view(self) -> int:
        """The view whose button is down."""
        return self._views.checkedId()

    def show_view(self, view: int) -> None:
        """Go to the form or to the YAML. A text that is no recipe is mended or undone before the form can show it."""
        self.model.settle_recipe()
        if view == FORM and self.view == YAML and not self.model.is_valid():
            self.yaml.show_problem()
        else:
            self._stack.setCurrentIndex(view)
        button = self._views.button(self.view)
        assert button is not None
        button.setChecked(True)

    def _show_problem(self) -> None:
        if self.view == YAML:
            self.yaml.show_problem()
        elif (control := self.form.show_problem()) is not None:
            self._scroll.ensureWidgetVisible(control)

    def add_part(self, title: str, widget: QWidget) -> None:
        """Put something of the page's own below the form."""
        self._column.insertWidget(self._column.count() - 1, words(title, "section"))
        self._column.insertWidget(self._column.count() - 1, widget)

    def _build_switch(self) -> list[QAbstractButton]:
        for view, text, tip in ((FORM, "Form", "Edit by fields"), (YAML, "YAML", "Edit as text, copy and paste")):
            button = QToolButton()
            button.setText(text)
            button.setToolTip(tip)
            button.setCheckable(True)
            button.setProperty("role", "segment")
            self._views.addButton(button, view)
        self._views.button(FORM).setChecked(True)
        return self._views.buttons()

    def _lay_out(self) -> None:
        switch = QHBoxLayout()
        switch.setSpacing(0)
        for button in self._views.buttons():
            switch.addWidget(button)
        self.bar.setContentsMargins(PAD, GAP, PAD, GAP)
        self.bar.addWidget(self.presets)
        self.bar.addSpacing(GAP)
        self.bar.addWidget(self.propose_button)
        self.bar.addStretch(1)
        self.bar.addLayout(switch)
        inside, scroll = self._inside, self._scroll
        self._column.setContentsMargins(PAD, GAP // 2, PAD, PAD)
        self._column.setSpacing(GAP)
        self._column.addWidget(self.form)
        self._column.addStretch(1)
        inside.setLayout(self._column)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # what is in it takes the keys
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(inside)
        # The panel's own colour shows through.
        scroll.viewport().setAutoFillBackground(False)
        inside.setAutoFillBackground(False)
        around = QVBoxLayout(self._page)
        around.setContentsMargins(PAD, 0, PAD, GAP)
        around.addWidget(self.yaml)
        self._stack.addWidget(scroll)
        self._stack.addWidget(self._page)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(self.bar)
        layout.addWidget(self._stack, 1)
