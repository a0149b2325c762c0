"""The recipe that is edited, apart from its views; and that the views keep what is being entered."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from core.errors import InputError
from core.recipe.draft import load_draft, save_draft
from core.recipe.presets import find_preset
from core.recipe.recipe import Recipe, default_recipe, with_settings
from desktop.train.recipe.recipe_draft import RecipeDraft
from desktop.train.recipe.recipe_model import RecipeModel, RecipeProblem
from desktop.train.recipe.recipe_panel import FORM, YAML, RecipePanel
from tests.builders import project_with_pictures

RECIPE = default_recipe("ssd300_vgg16")
OTHER = with_settings(RECIPE, {"schedule.epochs": 7})
PROBLEM = RecipeProblem(3, "is wrong", "schedule.epochs")


@pytest.fixture
def model() -> RecipeModel:
    return RecipeModel(RECIPE)


def heard(model: RecipeModel) -> list[Recipe]:
    recipes: list[Recipe] = []
    model.edited.connect(recipes.append)
    return recipes


def test_what_is_not_accepted_leaves_the_recipe_as_it_was_until_it_is_mended(model: RecipeModel) -> None:
    recipes, view = heard(model), QObject()
    model.reject_entries([PROBLEM], view, {"model": "ssd300_vgg16"})
    assert model.recipe == RECIPE and not model.is_valid() and model.problems == (PROBLEM,) and recipes == []
    model.accept_recipe(RECIPE, view)
    assert model.is_valid() and not model.entered and recipes == [RECIPE]
    model.accept_recipe(RECIPE, view)
    assert recipes == [RECIPE], "nothing was changed"


def test_a_view_hears_of_its_own_changes_by_its_name(model: RecipeModel) -> None:
    views: list[object] = []
    model.changed.connect(views.append)
    view = QObject()
    model.accept_recipe(OTHER, view)
    model.load_recipe(RECIPE)
    assert views == [view, None]


def test_a_recipe_with_a_wrong_entry_cannot_be_trained_with(model: RecipeModel, qtbot: QtBot) -> None:
    assert model.require_recipe() == RECIPE
    model.reject_entries([PROBLEM], model)
    with qtbot.waitSignal(model.problems_pointed_out), pytest.raises(InputError, match="marked red"):
        model.require_recipe()


def test_a_model_and_a_preset_that_are_chosen_are_fitted_to_the_images(model: RecipeModel) -> None:
    model.replace_recipe(default_recipe("ssd300_vgg16"))
    model.image_sizes = lambda: [(200, 200)] * 3
    model.choose_model("ssd_compact")
    assert (model.recipe.sampling.mode, model.recipe.sampling.input_size) == ("whole", 200)
    model.apply_preset(find_preset("from_scratch"))
    assert (model.recipe.sampling.mode, model.recipe.sampling.input_size) == ("whole", 200)
    model.image_sizes = lambda: [(2000, 1500)]
    model.apply_preset(find_preset("from_scratch"))
    assert (model.recipe.sampling.mode, model.recipe.sampling.input_size) == ("crops", 256)


def test_a_whole_recipe_takes_the_place_of_wrong_entries(model: RecipeModel) -> None:
    recipes = heard(model)
    for replace in (lambda: model.replace_recipe(OTHER), lambda: model.apply_preset(None)):
        model.reject_entries([PROBLEM], model)
        replace()
        assert model.is_valid() and recipes[-1] == model.recipe


def test_comments_in_the_text_stay_while_it_says_the_same(model: RecipeModel, qtbot: QtBot) -> None:
    panel = RecipePanel(model)
    qtbot.addWidget(panel)
    panel.show()
    panel.show_view(YAML)
    text = f"# why\n{panel.yaml.text.toPlainText()}"
    panel.yaml.text.setPlainText(text)
    for view in (FORM, YAML):
        panel.show_view(view)
    assert panel.yaml.text.toPlainText() == text
    panel.show_view(FORM)
    model.set_rate(0.0123)
    panel.show_view(YAML)
    assert "lr: 0.0123" in panel.yaml.text.toPlainText()


@pytest.mark.parametrize("view", [FORM, YAML])
def test_a_wrong_entry_stays_when_the_saved_draft_is_looked_at_once_more(
    qtbot: QtBot, tmp_path: Path, view: int
) -> None:
    project = project_with_pictures(tmp_path / "project", 1)
    save_draft(project, RECIPE)
    draft = RecipeDraft()
    panel = RecipePanel(draft.model)
    qtbot.addWidget(panel)
    panel.show()
    draft.set_project(project)
    panel.show_view(view)
    if view == YAML:
        panel.yaml.text.setPlainText("model: [")
        panel.yaml.read_text()
    else:
        panel.form.fields.control("weights.source").edited.emit("file")
    draft.refresh_draft()
    assert not draft.model.is_valid()
    save_draft(project, OTHER)  # as the Augment page does
    draft.refresh_draft()
    assert draft.model.is_valid() and draft.model.recipe == OTHER
    draft.model.replace_recipe(RECIPE)
    draft.set_project(None)
    assert load_draft(project) == RECIPE, "the draft of a project that closes is saved"
    project.close()
