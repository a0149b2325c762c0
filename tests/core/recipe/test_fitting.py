"""Defaults that suit the sizes of the images, where nobody chose."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.commands.recipes import RecipeOptions, choose_fitted_recipe
from core.recipe.draft import load_draft, save_draft
from core.recipe.fitting import fit_to_images, native_input, padding_share
from core.recipe.recipe import default_recipe
from tests.builders import project_with_pictures


def test_crops_that_pad_much_become_whole_images_at_their_own_size() -> None:
    """200 x 200 in crops of 256 px: 39% of each would show nothing."""
    assert padding_share(256, [(200, 200)]) == pytest.approx(0.39, abs=0.001)
    fitted, why = fit_to_images(default_recipe("ssd_compact"), [(200, 200)] * 5)
    assert (fitted.sampling.mode, fitted.sampling.input_size) == ("whole", 200)
    assert "39% of each crop of 256 px" in why and "Input to whole and Input size to 200 px" in why


@pytest.mark.parametrize(
    "images", [[], [(256, 256)], [(240, 250)], [(4000, 3000)], [(30_000, 180)], [(200, 200), *[(900, 900)] * 4]]
)
def test_crops_that_suit_the_images_stay(images: list[tuple[int, int]]) -> None:
    recipe = default_recipe("ssd_compact")
    assert fit_to_images(recipe, images) == (recipe, "")


def test_whole_images_are_never_changed() -> None:
    recipe = default_recipe("ssd300_vgg16")
    assert fit_to_images(recipe, [(200, 200)]) == (recipe, "")


def test_input_sizes_are_what_a_recipe_takes() -> None:
    assert [native_input(size) for size in ((64, 48), (201, 203), (30_000, 2_000))] == [64, 200, 2048]


def test_a_project_gets_them_until_it_has_a_recipe_of_its_own(tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "p", 2) as project:
        assert load_draft(project).sampling.mode == "whole"
        save_draft(project, default_recipe("ssd_compact"))
        assert load_draft(project).sampling.mode == "crops"


def test_the_command_line_gets_them_unless_somebody_chose(tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "p", 2) as project:
        fitted, said = choose_fitted_recipe(project, RecipeOptions())
        assert fitted.sampling.mode == "whole" and len(said) == 1
        for chosen in ("sampling.mode=crops", "sampling.input_size=128"):
            recipe, said = choose_fitted_recipe(project, RecipeOptions(settings=[chosen]))
            assert recipe.sampling.mode == "crops" and said == []
