"""The recipe as a form and as YAML, its picture, its presets: edited as a user would."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QFont, QFontMetrics
from pytestqt.qtbot import QtBot

from core.models.registry import MODELS
from core.project.records import CheckpointRecord
from core.recipe.recipe import Recipe, default_recipe, with_settings
from desktop.base.theme import PAD, SMALL_PX
from desktop.kit.field_controls import ChoiceControl
from desktop.train.recipe.model_chooser import POPUP_WIDTH, describe_cost, describe_usual_cost
from desktop.train.recipe.recipe_model import RecipeModel
from desktop.train.recipe.recipe_panel import FORM, YAML, RecipePanel

GRADUAL = {"strategy.kind": "gradual", "schedule.epochs": 20}


@pytest.fixture
def panel(qtbot: QtBot) -> RecipePanel:
    panel = RecipePanel(RecipeModel(default_recipe("ssd300_vgg16")))
    qtbot.addWidget(panel)
    panel.resize(392, 700)
    panel.show()
    return panel


def heard(panel: RecipePanel) -> list[Recipe]:
    recipes: list[Recipe] = []
    panel.model.edited.connect(recipes.append)
    return recipes


def choose(panel: RecipePanel, field: str, value: object) -> None:
    control = panel.form.fields.control(field)
    assert isinstance(control, ChoiceControl)
    index = control.values.index(value)
    control.combo.setCurrentIndex(index)
    control.combo.activated.emit(index)


def type_yaml(panel: RecipePanel, old: str, new: str) -> None:
    text = panel.yaml.text.toPlainText()
    assert old in text
    panel.yaml.text.setPlainText(text.replace(old, new))
    panel.yaml.read_text()


@pytest.mark.parametrize("model", MODELS)
def test_the_presets_can_be_listed_for_every_model(panel: RecipePanel, model: str) -> None:
    panel.model.choose_model(model)
    panel.presets.opening.emit()
    titles = [row.accessibleName() for row in panel.presets.rows]
    assert titles[0] == "Model's defaults" and "Quick look" in titles


def test_title_and_cost_of_each_model_stand_side_by_side(panel: RecipePanel) -> None:
    bold, small = QFont(panel.font()), QFont(panel.font())
    bold.setBold(True)
    small.setPixelSize(SMALL_PX)
    for spec in MODELS.values():
        needed = QFontMetrics(bold).horizontalAdvance(spec.title) + QFontMetrics(small).horizontalAdvance(
            describe_usual_cost(spec)
        )
        assert needed < POPUP_WIDTH - 5 * PAD, spec.name


# -- two views of one recipe -----------------------------------------------------------------------------------


def test_what_the_form_says_the_yaml_says_and_back(panel: RecipePanel) -> None:
    recipes = heard(panel)
    panel.form.fields.control("schedule.epochs").number.setValue(33)
    panel.show_view(YAML)
    assert "epochs: 33" in panel.yaml.text.toPlainText()
    type_yaml(panel, "epochs: 33", "epochs: 44")
    panel.show_view(FORM)
    assert panel.form.fields.control("schedule.epochs").number.value() == 44
    assert [recipe.schedule.epochs for recipe in recipes] == [33, 44] and panel.model.settle_recipe() == recipes[-1]


def test_going_from_view_to_view_changes_nothing(panel: RecipePanel) -> None:
    recipes = heard(panel)
    before = panel.model.settle_recipe()
    for view in (YAML, FORM, YAML):
        panel.show_view(view)
    assert panel.model.settle_recipe() == before and recipes == []


def test_a_wrong_text_is_told_at_its_line_and_the_form_waits_until_it_is_mended(panel: RecipePanel) -> None:
    panel.show_view(YAML)
    recipes, before = heard(panel), panel.model.settle_recipe()
    line = panel.yaml.text.toPlainText().splitlines().index("  epochs: 40") + 1
    type_yaml(panel, "epochs: 40", "epochs: 0")
    assert panel.yaml.problem.text().startswith(f"Line {line}: schedule.epochs:")
    assert [mark.cursor.blockNumber() + 1 for mark in panel.yaml.text.extraSelections()] == [line]
    panel.show_view(FORM)
    assert panel.view == YAML and not panel.model.is_valid() and panel.checked_view == YAML
    assert panel.yaml.text.textCursor().blockNumber() + 1 == line
    assert panel.model.settle_recipe() == before and recipes == []
    type_yaml(panel, "epochs: 0", "epochs: 9")
    assert panel.model.is_valid() and not panel.yaml.problem.isVisible() and recipes[-1].schedule.epochs == 9


def test_a_wrong_text_can_be_undone(panel: RecipePanel, qtbot: QtBot) -> None:
    panel.show_view(YAML)
    before = panel.yaml.text.toPlainText()
    type_yaml(panel, "model: ssd300_vgg16", "model: [")
    assert not panel.model.is_valid()
    qtbot.mouseClick(panel.yaml.revert, Qt.MouseButton.LeftButton)
    assert panel.model.is_valid() and panel.yaml.text.toPlainText() == before
    # The link is gone; the keys go to the text, where they can bring back what was typed.
    assert panel.yaml.revert.isHidden() and panel.yaml.text.hasFocus()
    qtbot.keyClick(panel.yaml.text, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    panel.yaml.read_text()
    assert "model: [" in panel.yaml.text.toPlainText() and not panel.model.is_valid()


def test_what_the_form_does_not_accept_is_marked_in_the_yaml(panel: RecipePanel) -> None:
    choose(panel, "weights.source", "file")
    assert panel.form.fields.control("weights.path").isVisible() and not panel.model.is_valid()
    panel.show_view(YAML)
    assert "source: file" in panel.yaml.text.toPlainText()
    assert [problem.field for problem in panel.model.problems] == ["weights.path"]


def test_another_model_in_the_text_offers_its_own_choices_in_the_form(panel: RecipePanel) -> None:
    panel.show_view(YAML)
    panel.yaml.text.setPlainText("model: ssd_compact\n")
    panel.show_view(FORM)
    assert panel.model.settle_recipe() == default_recipe("ssd_compact")
    sources = panel.form.fields.control("weights.source")
    assert isinstance(sources, ChoiceControl) and "imagenet" not in sources.values
    assert panel.form.chooser.combo.currentData() == "ssd_compact"


# -- the form --------------------------------------------------------------------------------------------------


def test_settings_appear_when_they_begin_to_matter(panel: RecipePanel) -> None:
    fields = panel.form.fields
    assert fields.control("strategy.from_stage").isVisible() and not fields.control("strategy.head_epochs").isVisible()
    choose(panel, "strategy.kind", "two_phase")
    assert not fields.control("strategy.from_stage").isVisible() and fields.control("strategy.head_epochs").isVisible()


def test_the_chosen_model_tells_its_size_its_cost_and_its_use(panel: RecipePanel) -> None:
    spec = panel.model.settle_recipe().spec
    chooser = panel.form.chooser
    assert chooser.summary.text() == spec.summary
    assert chooser.figures.text() == describe_cost(spec, 300) and "GFLOPs at 300 px" in chooser.figures.text()
    panel.form.fields.control("sampling.input_size").number.setValue(600)
    assert f"{spec.gflops * 4:.0f} GFLOPs at 600 px" in chooser.figures.text()


def test_the_devices_of_this_machine_are_offered_and_the_one_of_the_recipe_stays(panel: RecipePanel) -> None:
    control = panel.form.fields.control("device")
    assert isinstance(control, ChoiceControl)
    assert control.values == ["auto", "cpu"]
    panel.model.load_recipe(with_settings(panel.model.settle_recipe(), {"device": "cuda:3"}))
    panel.form.set_gpus(["A100", "T4"])
    assert control.values == ["auto", "cpu", "cuda:0", "cuda:1", "cuda:3"]
    assert control.combo.currentText() == "cuda:3" and control.combo.itemText(3) == "GPU 1: T4"
    choose(panel, "device", "cuda:1")
    assert panel.model.settle_recipe().device == "cuda:1"
    panel.form.set_gpus(["Apple GPU"])
    assert control.values == ["auto", "cpu", "mps", "cuda:1"] and panel.model.settle_recipe().device == "cuda:1"


def test_a_start_is_offered_from_checkpoints_of_the_same_model_only(panel: RecipePanel) -> None:
    same, other = (
        CheckpointRecord("r001-best", "r001", 1, model, "", Path(), 1, None, None, {}, best=True)
        for model in ("ssd300_vgg16", "resnet50")
    )
    panel.form.set_checkpoints([same, other])
    choose(panel, "weights.source", "checkpoint")
    assert panel.form.fitting_checkpoints() == [same], "also while no file is chosen yet"
    choose(panel, "weights.source", "file")
    assert panel.form.fitting_checkpoints() == [same, other], "what fits of them is taken"


def test_a_preset_is_applied_by_its_row(panel: RecipePanel) -> None:
    recipes = heard(panel)
    panel.presets.opening.emit()
    row = next(row for row in panel.presets.rows if row.accessibleName() == "Quick look")
    assert "within minutes" in row.accessibleDescription()
    row.click()
    assert recipes[-1].limits.time_minutes == 10 and recipes[-1].model == "ssd300_vgg16"
    assert panel.model.settle_recipe() == recipes[-1]


@pytest.mark.parametrize("view", [FORM, YAML])
def test_a_rate_that_was_found_is_entered_in_either_view(panel: RecipePanel, view: int) -> None:
    panel.show_view(view)
    recipes = heard(panel)
    panel.model.set_rate(0.0123)
    assert [recipe.optimizer.lr for recipe in recipes] == [0.0123] and panel.model.settle_recipe() == recipes[0]
    assert panel.form.fields.control("optimizer.lr").number.value() == pytest.approx(0.0123)
    assert view == FORM or "lr: 0.0123" in panel.yaml.text.toPlainText()


# -- the picture of the strategy -------------------------------------------------------------------------------


def test_the_picture_follows_the_strategy(panel: RecipePanel) -> None:
    choose(panel, "strategy.kind", "frozen")
    picture = panel.form.picture
    assert {row.begin for row in picture.picture.rows[1:]} == {None}
    assert "head alone" in picture.accessibleDescription()
    assert picture.focusPolicy() == Qt.FocusPolicy.NoFocus


def test_dragging_the_beginning_of_a_stage_edits_the_schedule(panel: RecipePanel, qtbot: QtBot) -> None:
    panel.model.load_recipe(with_settings(panel.model.settle_recipe(), GRADUAL))
    recipes, view = heard(panel), panel.form.picture
    place = next(place for place, row in enumerate(view.picture.rows) if row.name == "conv4")
    y = round(view.y_of(place))
    begin = view.picture.rows[place].begin
    assert begin is not None
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=QPoint(round(view.x_of(begin)), y))
    qtbot.mouseMove(view, QPoint(round(view.x_of(15)), y))
    qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, pos=QPoint(round(view.x_of(15)), y))
    assert view.picture.rows[place].begin == 15
    assert ("conv4", 15) in [(step.stage, step.epoch) for step in recipes[-1].strategy.unfreeze]
    assert "15 conv4" in panel.form.fields.control("strategy.unfreeze").line.text()


def test_the_schedule_can_be_edited_by_keys(panel: RecipePanel, qtbot: QtBot) -> None:
    panel.model.load_recipe(with_settings(panel.model.settle_recipe(), GRADUAL))
    view = panel.form.picture
    before = {row.name: row.begin for row in view.picture.rows}
    view.setFocus()
    qtbot.keyClick(view, Qt.Key.Key_Down)  # from conv5 to conv4
    qtbot.keyClick(view, Qt.Key.Key_Right)
    assert view.picture.rows[2].begin == before["conv4"] + 1
    qtbot.keyClick(view, Qt.Key.Key_Delete)
    after = {row.name: row.begin for row in view.picture.rows}
    assert after["conv4"] is after["conv1"] is None and after["conv5"] == before["conv5"]
    qtbot.keyClick(view, Qt.Key.Key_Left)
    assert view.picture.rows[2].begin == 20


def test_only_a_gradual_schedule_can_be_dragged(panel: RecipePanel, qtbot: QtBot) -> None:
    recipes, view = heard(panel), panel.form.picture
    y = round(view.y_of(2))
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=QPoint(round(view.x_of(1)), y))
    qtbot.mouseMove(view, QPoint(round(view.x_of(9)), y))
    assert recipes == []
