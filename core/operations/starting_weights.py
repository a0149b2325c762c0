"""The starting weights of a recipe, fetched before anything is made that would wait for them."""

from __future__ import annotations

from core.models.registry import model_spec
from core.models.weights_place import is_on_machine
from core.recipe.recipe import Recipe


def fetch_weights(recipe: Recipe) -> None:
    """Download the weights that `recipe` starts from, if they are not on this machine yet.

    Raises InputError that says which file to fetch and where to put it: no run is left behind that could not begin.
    """
    file = model_spec(recipe.model).weights.get(recipe.weights.source)
    if file is None or is_on_machine(file):
        return
    from core.models.weights import download_weights  # noqa: PLC0415 - torch comes with it

    download_weights(file)
