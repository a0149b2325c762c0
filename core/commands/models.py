"""What can be trained: the models, and the presets to start from."""

from __future__ import annotations

from core.commands.options import Json
from core.console import print_json, print_table, say
from core.models.registry import MODELS
from core.recipe.presets import load_presets


def list_models(json: Json = False) -> None:
    """List the models that can be trained."""
    if json:
        print_json(
            {
                "models": [
                    {
                        "name": one.name,
                        "title": one.title,
                        "task": one.task,
                        "summary": one.summary,
                        "weights": ["none", *one.weights],
                        "parameters": one.parameters,
                        "gflops": one.gflops,
                        "stages": one.stage_parameters,
                        "options": one.options,
                        "defaults": one.defaults,
                    }
                    for one in MODELS.values()
                ]
            }
        )
        return
    rows = [
        (
            one.name,
            f"{one.parameters / 1e6:.1f} M",
            f"{one.gflops:,.1f}",
            str(one.defaults["sampling.input_size"]),
            ", ".join(one.weights) or "none",
            one.summary,
        )
        for one in MODELS.values()
    ]
    print_table(("model", ">parameters", ">GFLOPs", ">at px", "starting weights", "when"), rows)


def list_presets(json: Json = False) -> None:
    """List the recipes to start from, and when to use each."""
    if json:
        print_json(
            {
                "presets": [
                    one.model_dump() | {"models": [name for name in MODELS if one.suits(name)]}
                    for one in load_presets()
                ]
            }
        )
        return
    for one in load_presets():
        fitting = ", ".join(one.models) or ("models with pre-trained weights" if one.needs_weights else "any model")
        say(f"{one.name}  ({fitting})", "bold")
        say(f"    {one.when}")
