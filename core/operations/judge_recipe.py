"""What a project's data say of a recipe before it is trained, for the form, the command line and the queue."""

from __future__ import annotations

from dataclasses import replace

from core.project.project import Project
from core.project.snapshot import Snapshot, take_snapshot
from core.recipe.finding import Finding, Mend
from core.recipe.recipe import Recipe, with_settings
from core.training.data.recipe_findings import judge_recipe
from core.types import Split


def judge_for_project(project: Project, recipe: Recipe) -> tuple[Finding, ...]:
    """What `recipe` will do badly on the project's images, the weightiest first. Reads no image and loads no torch.

    Where images are not divided yet, by all that could be trained on. Takes up to some seconds where much is wrong, for
    every mend is tried: a window asks in the background.
    """
    return judge_recipe(recipe, with_some_to_train(take_snapshot(project)))


def apply_mend(recipe: Recipe, mend: Mend) -> Recipe:
    """`recipe` as a mend changes it. Raises InputError if the recipe is no longer one that the mend was tried on."""
    return with_settings(recipe, dict(mend.settings))


def with_some_to_train(snapshot: Snapshot) -> Snapshot:
    """The snapshot; where images are not divided yet, with all that could be trained on to train."""
    if snapshot.of_split(Split.TRAIN):
        return snapshot
    images = tuple(replace(image, split=Split.TRAIN) for image in snapshot.images)
    return replace(snapshot, images=images)
