"""The recipe that a project's next training will use. The Augment and the Train page edit the same one."""

from __future__ import annotations

from collections.abc import Sequence

from core.project.project import Project
from core.recipe.fitting import fit_to_images
from core.recipe.presets import Preset
from core.recipe.recipe import Recipe, default_recipe, parse_recipe, with_settings

KEY = "recipe"
USUAL_MODEL = "ssd_compact"
# What a user sets up for the project or the machine rather than for a training.
KEPT_FIELDS = ("augmentation", "evaluation", "seed", "device", "limits", "tracking")


def load_draft(project: Project) -> Recipe:
    """The project's draft; before there is one, the usual model's defaults, fitted to the sizes of the project's images.

    Raises InputError if it is damaged.
    """
    tree = project.setting(KEY)
    if tree is None:
        return fit_to_project(default_recipe(USUAL_MODEL), project)[0]
    return parse_recipe(tree, "the project's recipe")


def fit_to_project(recipe: Recipe, project: Project) -> tuple[Recipe, str]:
    """Defaults fitted to the sizes of the project's images, and what was changed and why; see `fit_to_images`."""
    return fit_to_images(recipe, image_sizes(project))


def image_sizes(project: Project) -> list[tuple[int, int]]:
    """Width and height of the project's images."""
    return [(image.width, image.height) for image in project.images()]


def save_draft(project: Project, recipe: Recipe) -> None:
    project.set_setting(KEY, recipe.model_dump(mode="json"))


def with_model(recipe: Recipe, model: str, images: Sequence[tuple[int, int]] = ()) -> Recipe:
    """The defaults of another model, with what was set up for the project; fitted to `images` of (width, height)."""
    usual = default_recipe(model).model_copy(update={field: getattr(recipe, field) for field in KEPT_FIELDS})
    return fit_to_images(usual, images)[0]


def with_preset(recipe: Recipe, preset: Preset | None, images: Sequence[tuple[int, int]] = ()) -> Recipe:
    """`recipe` as the preset wants it; without one, its model's defaults; fitted to `images` of (width, height).

    Its model stays if the preset suits it. What was set up for the project stays where the preset says nothing of it.
    """
    model = recipe.model if preset is None or preset.suits(recipe.model) else preset.usual_model
    usual = default_recipe(model)
    kept = with_model(recipe, model).model_copy(update={"evaluation": usual.evaluation})
    # A limit of time belongs to the preset that set it.
    kept = with_settings(kept, {"limits.time_minutes": usual.limits.time_minutes})
    if preset is None:
        return fit_to_images(kept.model_copy(update={"augmentation": usual.augmentation}), images)[0]
    return fit_to_images(with_settings(kept, preset.settings_for(model)), images)[0]
