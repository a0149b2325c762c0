"""The recipe as a form: the model with what it is for, what matters for every training, and the rest folded away."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import get_args

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog, QLineEdit, QMenu, QPushButton, QToolButton, QVBoxLayout, QWidget

from core.models.gpus import device_choices
from core.models.registry import ModelSpec
from core.models.spec import WeightsFile
from core.models.weights_place import is_on_machine
from core.project.records import CheckpointRecord
from core.recipe.parts import Unfreeze, Weights
from core.recipe.recipe import Recipe, default_recipe
from desktop.base.theme import GAP
from desktop.kit.field_controls import ChoiceControl, TextControl
from desktop.kit.formatting import map_text
from desktop.kit.list_controls import ListControl
from desktop.kit.model_form import ModelForm
from desktop.kit.parts import words
from desktop.train.recipe.model_chooser import ModelChooser
from desktop.train.recipe.recipe_fields import MAIN_FIELDS, STRATEGY, folded_fields, relevant_fields
from desktop.train.recipe.recipe_model import RecipeModel, RecipeProblem
from desktop.train.recipe.strategy_picture import picture_of
from desktop.train.recipe.strategy_view import StrategyView

_SOURCE_WORDS = {"none": "None: random", "file": "Weights file", "checkpoint": "Checkpoint"}
_WORDS: dict[str, list[tuple[object, str]]] = {
    "strategy.kind": [
        ("scratch", "From scratch"),
        ("frozen", "Backbone frozen"),
        ("fine_tune", "Fine-tune"),
        ("two_phase", "Head first, then stages"),
        ("gradual", "Unfreeze by stages"),
    ],
    "sampling.mode": [("whole", "Whole image, resized"), ("crops", "Crops at native size")],
    "sampling.placing": [("random", "At random, most on a defect"), ("tiles", "Tiles: every defect once")],
    "sampling.tap": [(8, "Stride 8: small defects"), (16, "Stride 16: faster")],
    "schedule.decay": [
        ("cosine", "Cosine"),
        ("constant", "Constant"),
        ("step", "Steps"),
        ("exponential", "Exponential"),
        ("one_cycle", "One cycle"),
        ("cyclical", "Cyclical"),
        ("plateau", "Reduce on plateau"),
    ],
    "optimizer.kind": [("adamw", "AdamW"), ("adam", "Adam"), ("sgd", "SGD with momentum")],
    "optimizer.lr_scaling": [("none", "As given"), ("linear", "Linear, from 16"), ("sqrt", "Square root, from 16")],
    "loss.kind": [("focal", "Focal"), ("mined_bce", "BCE, hard negatives")],
    "loss.class_weights": [("none", "All alike"), ("sqrt", "By rarity, gently"), ("balanced", "By rarity")],
    "loss.box": [("l1", "L1"), ("smooth_l1", "Smooth L1"), ("giou", "GIoU")],
}


class RecipeForm(QWidget):
    """Shows the recipe model as fields."""

    rate_wanted = Signal()  # find a learning rate by trying
    study_wanted = Signal()  # compare strategies

    def __init__(self, model: RecipeModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._checkpoints: Sequence[CheckpointRecord] = ()
        self._usual = default_recipe(model.recipe.model)
        self.chooser = ModelChooser(self)
        self.chooser.chosen.connect(model.choose_model)
        sections = {**MAIN_FIELDS, **folded_fields()}
        spec = model.recipe.spec
        choices: dict[str, Sequence[tuple[object, str]]] = {
            **_WORDS,
            "device": device_choices([]),
            "weights.source": _list_sources(spec),
            "strategy.from_stage": _list_stages(spec),
        }
        self.fields = ModelForm(model.recipe, sections, self, choices=choices, folded=list(folded_fields()))
        self._names = [name for names in sections.values() for name in names]
        self.picture = StrategyView()
        self.compare = QPushButton("Transfer study on this data…")
        self._lay_out()
        self.fields.changed.connect(self._enter_recipe)
        self.fields.rejected.connect(self._enter_rejected)
        self.picture.unfreeze_changed.connect(self._set_unfreezing)
        model.changed.connect(self._follow_model)
        model.settling.connect(self.fields.value)
        self._show_recipe()

    def show_problem(self) -> QWidget | None:
        """Give the keys to the first field that is wrong, and return its control."""
        wrong = next((name for name in self.fields.errors() if name), "")
        if not wrong:
            return None
        control = self.fields.control(wrong)
        control.setFocus()
        return control

    # -- what is offered ---------------------------------------------------------------------------------------

    def set_checkpoints(self, checkpoints: Sequence[CheckpointRecord]) -> None:
        """The project's own checkpoints, to be offered as a start."""
        self._checkpoints = checkpoints

    def set_gpus(self, gpus: list[str]) -> None:
        """The GPUs of this machine, to be offered as devices. What the recipe names stays, also where it is not here."""
        choices: list[tuple[object, str]] = [*device_choices(gpus)]
        device = self._model.recipe.device
        if device not in dict(choices):
            choices.append((device, device))
        control = self.fields.control("device")
        assert isinstance(control, ChoiceControl)
        control.set_choices(choices)

    def fitting_checkpoints(self) -> list[CheckpointRecord]:
        """Those of the project's checkpoints that the model can start from, as the form stands."""
        # A checkpoint goes on as the model that it is; a weights file gives what fits.
        any_model = self.fields.entered_tree()["weights"]["source"] != "checkpoint"
        return [one for one in self._checkpoints if any_model or one.model == self._model.recipe.model]

    # -- inside ------------------------------------------------------------------------------------------------

    def _offer_choices(self) -> None:
        """What the model, as the recipe shapes it, can start with and learn from."""
        spec = self._model.recipe.spec
        for name, choices in (("weights.source", _list_sources(spec)), ("strategy.from_stage", _list_stages(spec))):
            control = self.fields.control(name)
            assert isinstance(control, ChoiceControl)
            control.set_choices(choices)

    def _enter_recipe(self, recipe: object) -> None:
        assert isinstance(recipe, Recipe)
        self._model.accept_recipe(recipe, self)

    def _enter_rejected(self) -> None:
        found = self.fields.errors().items()
        problems = [RecipeProblem(0, text, name) for name, text in found]
        self._model.reject_entries(problems, self, self.fields.entered_tree())

    def _follow_model(self, view: QObject | None) -> None:
        if not self._model.is_valid():
            # What is not accepted yet decides on what matters: a source without its file needs the file's field.
            self._show_relevant()
            return
        self._offer_choices()
        if view is not self:
            self.fields.set_value(self._model.recipe)
        self._show_recipe()

    def _show_recipe(self) -> None:
        """Show what follows from the recipe, around its fields."""
        recipe = self._model.recipe
        if recipe.model != self._usual.model:
            self._usual = default_recipe(recipe.model)
        self.chooser.show_model(recipe.model, recipe.sampling.input_size)
        picture = picture_of(recipe)
        self.picture.show_picture(picture)
        self._phases.setText("\n".join(picture.in_words()))
        self.fields.mark_changed(self._usual)
        self._show_relevant()

    def _show_relevant(self) -> None:
        self.fields.set_relevant(relevant_fields(self.fields.entered_tree(), self._names))

    def _enter_setting(self, name: str, value: object) -> None:
        control = self.fields.control(name)
        control.show_value(value)
        control.edited.emit(value)

    def _set_unfreezing(self, steps: tuple[Unfreeze, ...]) -> None:
        self._enter_setting("strategy.unfreeze", tuple(step.model_dump() for step in steps))

    def _lay_out(self) -> None:
        self._phases = words(role="small", wrap=True)
        below = QWidget()
        inside = QVBoxLayout(below)
        inside.setContentsMargins(0, GAP // 2, 0, 0)
        inside.setSpacing(GAP // 2)
        self.compare.setProperty("role", "link")
        self.compare.clicked.connect(self.study_wanted)
        for widget in (self.picture, self._phases, self.compare):
            inside.addWidget(widget)
        self.fields.add_below(STRATEGY, below)
        self._add_button("weights.path", "…", "Choose the file to start from", self._offer_files)
        self._add_button("optimizer.lr", "Find…", "Try rates for some minutes, and propose one", self.rate_wanted)
        self._add_button(
            "strategy.unfreeze", "Evenly", "Unfreeze evenly over the first half of the run", self._unfreeze_evenly
        )
        unfreezing = self.fields.control("strategy.unfreeze")
        assert isinstance(unfreezing, ListControl)
        unfreezing.line.setPlaceholderText("evenly")
        path = self.fields.control("weights.path")
        assert isinstance(path, TextControl)
        path.line.setPlaceholderText("Choose a file")
        path.line.textChanged.connect(partial(_show_file_name, path.line))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GAP)
        layout.addWidget(self.chooser)
        layout.addWidget(self.fields)

    def _add_button(self, name: str, text: str, tip: str, does: object) -> None:
        button = QToolButton()
        button.setText(text)
        button.setToolTip(tip)
        button.setAccessibleName(tip)
        button.setProperty("role", "segment")
        button.clicked.connect(does)
        row = self.fields.control(name).layout()
        assert row is not None
        row.addWidget(button)

    def _unfreeze_evenly(self) -> None:
        self._enter_setting("strategy.unfreeze", ())

    def _offer_files(self) -> None:
        control = self.fields.control("weights.path")
        menu = QMenu(self)
        fitting = self.fitting_checkpoints()
        for record in fitting:
            title = f"{record.id} · {record.model} · {map_text(record.map50, record.map)}"
            menu.addAction(title.replace("&", "&&"), partial(self._set_path, record.path))
        if not fitting:
            menu.addAction("No checkpoint of this model yet").setEnabled(False)
        menu.addSeparator()
        menu.addAction("File on disk…", self._choose_file)
        menu.exec(control.mapToGlobal(control.rect().bottomLeft()))
        menu.deleteLater()

    def _choose_file(self) -> None:
        name, _ = QFileDialog.getOpenFileName(
            self, "Start from", "", "Weights (*.safetensors *.pth *.pt);;All files (*)"
        )
        if name:
            self._set_path(Path(name))

    def _set_path(self, path: Path, _checked: bool = False) -> None:
        self._enter_setting("weights.path", str(path))


def _list_sources(spec: ModelSpec) -> list[tuple[object, str]]:
    """The starting weights that the model can have, as value and text that says which this machine lacks."""
    sources = get_args(Weights.model_fields["source"].annotation)
    return [
        (source, _describe_file(spec.weights[source]) if source in spec.weights else _SOURCE_WORDS[source])
        for source in sources
        if source in spec.weights or source in _SOURCE_WORDS
    ]


def _show_file_name(line: QLineEdit, text: str) -> None:
    """Of a path that is longer than the field, the end tells one file from another; the whole is in the tool tip."""
    line.setToolTip(text)
    if not line.hasFocus():
        line.setCursorPosition(len(text))


def _describe_file(file: WeightsFile) -> str:
    return file.title if is_on_machine(file) else f"{file.title} (not on this machine)"


def _list_stages(spec: ModelSpec) -> list[tuple[object, str]]:
    """Where fine-tuning can begin, the whole backbone first."""
    return [("", f"{spec.stages[0]} (whole backbone)"), *((stage, stage) for stage in spec.stages[1:])]
