"""The recipe that a project's next training will use. The Augment and the Train page edit the same one."""

from __future__ import annotations

from core.project.project import Project
from core.training.recipe import Recipe, default_recipe, parse_recipe

KEY = "recipe"
USUAL_MODEL = "ssd_compact"


def load_draft(project: Project) -> Recipe:
    """The project's draft, or the usual model's defaults before there is one. Raises InputError if it is damaged."""
    tree = project.setting(KEY)
    return default_recipe(USUAL_MODEL) if tree is None else parse_recipe(tree, "the project's recipe")


def save_draft(project: Project, recipe: Recipe) -> None:
    project.set_setting(KEY, recipe.model_dump(mode="json"))
