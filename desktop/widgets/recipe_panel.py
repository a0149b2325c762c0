"""The recipe as a form: the model with what it is for, what matters for every training, and the rest folded away."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QFileDialog, QLabel, QMenu, QToolButton, QVBoxLayout, QWidget

from core.models.registry import MODELS, model_spec
from core.project.records import CheckpointRecord
from core.training.parts import Weights
from core.training.recipe import Recipe, default_recipe, with_settings
from desktop.models.wording import metric
from desktop.theme import GAP
from desktop.widgets.field_controls import TextControl
from desktop.widgets.model_form import Choices, ModelForm

MAIN_FIELDS = {
    "Start": ["weights.source", "weights.path", "strategy.kind"],
    "Input": ["sampling.mode", "sampling.input_size"],
    "Schedule": ["schedule.epochs", "schedule.batch_size", "optimizer.lr"],
}
# The Augment page has the augmentation, the list above the model.
_ELSEWHERE = {"model", "augmentation"}
# What a person set up for the project rather than for a model survives a change of model.
_KEPT_FIELDS = ("augmentation", "evaluation", "seed", "device", "limits", "tracking")
_SOURCE_WORDS = {"none": "None: random", "file": "Weights file", "checkpoint": "Checkpoint"}
_STRATEGY_WORDS = [
    ("scratch", "From scratch"), ("frozen", "Backbone frozen"), ("fine_tune", "Fine-tune"),
    ("two_phase", "Head first, then last stages"), ("gradual", "Unfreeze stage by stage"),
]  # fmt: skip
_MODE_WORDS = [("whole", "Whole image, resized"), ("crops", "Crops at native size")]


class RecipePanel(QWidget):
    """Edits one recipe. `recipe_changed` comes only from the person, with a valid recipe."""

    recipe_changed = Signal(object)

    def __init__(self, recipe: Recipe, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._checkpoints: Sequence[CheckpointRecord] = ()
        self._model = QComboBox()
        self._model.setAccessibleName("Model")
        for spec in MODELS.values():
            self._model.addItem(spec.title, spec.name)
        self._model.activated.connect(lambda index: self.choose_model(self._model.itemData(index)))
        self._summary = QLabel()
        self._summary.setWordWrap(True)
        self._summary.setProperty("role", "muted")
        self._fold = _fold_button("Advanced")
        self._advanced = ModelForm(recipe, advanced_fields())
        self._fold.clicked.connect(lambda: self._show_advanced(self._advanced.isHidden()))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GAP)
        layout.addWidget(self._model)
        layout.addWidget(self._summary)
        layout.addSpacing(GAP // 2)
        self._forms = QVBoxLayout()
        layout.addLayout(self._forms)
        layout.addWidget(self._fold)
        self._advanced.changed.connect(lambda _: self._tell())
        self._advanced.hide()
        layout.addWidget(self._advanced)
        self._main = self._build_main(recipe)
        self._show_model(recipe.model)

    # -- the recipe --------------------------------------------------------------------------------------------

    def recipe(self) -> Recipe:
        """The recipe as last accepted by the model."""
        main, advanced = self._main.value(), self._advanced.value()
        assert isinstance(main, Recipe)
        names = [name for section in advanced_fields().values() for name in section]
        return with_settings(main, {name: _at(advanced, name) for name in names})

    def set_recipe(self, recipe: Recipe) -> None:
        """Show `recipe`, without telling `recipe_changed`."""
        if _at(self._main.value(), "model") != recipe.model:
            self._main = self._build_main(recipe)
        self._main.set_value(recipe)
        self._advanced.set_value(recipe)
        self._show_model(recipe.model)
        self._show_path(recipe.weights.source)

    def is_valid(self) -> bool:
        return self._main.is_valid() and self._advanced.is_valid()

    def show_errors(self) -> None:
        """Bring what is wrong into view."""
        if not self._advanced.is_valid():
            self._show_advanced(True)

    def set_checkpoints(self, checkpoints: Sequence[CheckpointRecord]) -> None:
        """The project's own checkpoints, to be offered as a start."""
        self._checkpoints = checkpoints

    def form(self) -> ModelForm:
        """What matters for every training, as a form."""
        return self._main

    def advanced(self) -> ModelForm:
        """The rest of the settings, as a form."""
        return self._advanced

    def choose_model(self, name: str) -> None:
        """As if the person had chosen the model: its own defaults, and what was set up for the project."""
        old = self.recipe()
        if name == old.model:
            return
        kept = {field: getattr(old, field) for field in _KEPT_FIELDS}
        self.set_recipe(default_recipe(name).model_copy(update=kept))
        self._tell()

    # -- inside ------------------------------------------------------------------------------------------------

    def _build_main(self, recipe: Recipe) -> ModelForm:
        while (taken := self._forms.takeAt(0)) is not None:
            if (old := taken.widget()) is not None:
                old.deleteLater()
        choices: Choices = {
            "weights.source": _sources(recipe.model),
            "strategy.kind": _STRATEGY_WORDS,
            "sampling.mode": _MODE_WORDS,
        }
        form = ModelForm(recipe, MAIN_FIELDS, choices=choices)
        form.changed.connect(lambda _: self._tell())
        # A source without its file is not accepted yet, but the file's field must appear.
        form.control("weights.source").edited.connect(self._show_path)
        path = form.control("weights.path")
        assert isinstance(path, TextControl)
        path.line.setPlaceholderText("Choose a file")
        choose = QToolButton()
        choose.setText("…")
        choose.setToolTip("Choose the file to start from")
        choose.clicked.connect(lambda: self._offer_files(choose))
        row = path.layout()
        assert row is not None
        row.addWidget(choose)
        self._forms.addWidget(form)
        self._main = form
        self._show_path(recipe.weights.source)
        return form

    def _tell(self) -> None:
        self.recipe_changed.emit(self.recipe())

    def _show_model(self, name: str) -> None:
        self._model.setCurrentIndex(self._model.findData(name))
        self._summary.setText(model_spec(name).summary)

    def _show_path(self, source: object) -> None:
        self._main.set_field_visible("weights.path", source in ("file", "checkpoint"))

    def _show_advanced(self, shown: bool) -> None:
        self._advanced.setVisible(shown)
        self._fold.setArrowType(Qt.ArrowType.DownArrow if shown else Qt.ArrowType.RightArrow)

    def _offer_files(self, button: QToolButton) -> None:
        menu = QMenu(button)
        for record in self._checkpoints:
            title = f"{record.id} · {record.model} · mAP@0.5 {metric(record.map50)}"
            menu.addAction(title, partial(self._set_path, record.path))
        if self._checkpoints:
            menu.addSeparator()
        menu.addAction("File on disk…", self._choose_file)
        menu.exec(button.mapToGlobal(button.rect().bottomLeft()))
        menu.deleteLater()

    def _choose_file(self) -> None:
        name, _ = QFileDialog.getOpenFileName(
            self, "Start from", "", "Weights (*.safetensors *.pth *.pt);;All files (*)"
        )
        if name:
            self._set_path(Path(name))

    def _set_path(self, path: Path, _checked: bool = False) -> None:
        control = self._main.control("weights.path")
        assert isinstance(control, TextControl)
        control.line.setText(str(path))
        control.line.setToolTip(str(path))
        control.edited.emit(str(path))


def advanced_fields() -> dict[str, list[str]]:
    """Every setting of a recipe that is shown nowhere else, by heading."""
    shown = {name for names in MAIN_FIELDS.values() for name in names}
    sections: dict[str, list[str]] = {}
    for name, info in Recipe.model_fields.items():
        if name in _ELSEWHERE:
            continue
        part = info.annotation
        if isinstance(part, type) and issubclass(part, BaseModel):
            names = [f"{name}.{inner}" for inner in part.model_fields]
            names = [full for full in names if full not in shown and full not in _ELSEWHERE]
            if names:
                sections[name.capitalize()] = names
        else:
            sections.setdefault("General", []).append(name)
    return sections


def _sources(model: str) -> list[tuple[object, str]]:
    """The starting weights that `model` can have, as value and text."""
    known = model_spec(model).weights
    sources = get_args(Weights.model_fields["source"].annotation)
    return [
        (source, known[source].title if source in known else _SOURCE_WORDS[source])
        for source in sources
        if source in known or source in _SOURCE_WORDS
    ]


def _at(model: BaseModel, name: str) -> Any:
    value: Any = model
    for part in name.split("."):
        value = getattr(value, part)
    return value


def _fold_button(text: str) -> QToolButton:
    button = QToolButton()
    button.setText(text)
    button.setAutoRaise(True)
    button.setArrowType(Qt.ArrowType.RightArrow)
    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    return button
