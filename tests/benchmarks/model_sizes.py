"""Parameters and GFLOPs of every model and variant, counted on the networks themselves; what the registry should say.

Run: uv run python -m tests.benchmarks.model_sizes [--json]
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from core.models.anchors import fit_enough
from core.models.networks.families import Architecture
from core.models.registry import MODELS


@dataclass(frozen=True, slots=True)
class Sizes:
    """What `ModelSpec` says of a network; see there for what is counted."""

    parameters: int
    gflops: float
    stage_parameters: dict[str, int]


def sizes_of(model: str, variant: str = "") -> Sizes:
    """Sizes of a model, or of a variant such as "tap=8", for one label and the anchors of a project without boxes.

    Built on the meta device: nothing is computed, and no memory is taken.
    """
    name, _, text = variant.partition("=")
    options = {name: next(v for v in MODELS[model].options[name] if str(v) == text)} if variant else {}
    spec = MODELS[model].with_options(options)
    anchors = fit_enough(np.zeros((0, 4), np.float32), spec.strides, spec.anchors)
    side = spec.defaults["sampling.input_size"]
    with torch.device("meta"):
        network = Architecture(model, anchors, 1, options).build().eval()
        picture = torch.zeros(1, 3, side, side)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(picture)
    return Sizes(
        parameters=sum(p.numel() for p in network.parameters()),
        gflops=float(f"{counter.get_total_flops() / 1e9:.3g}"),
        stage_parameters={
            stage: sum(p.numel() for module in modules for p in module.parameters())
            for stage, modules in network.backbone.stages().items()
        },
    )


def all_sizes() -> dict[str, dict[str, Sizes]]:
    """By model, then by variant; "" is the model as it is by default."""
    return {name: {v: sizes_of(name, v) for v in ("", *spec.variants)} for name, spec in MODELS.items()}


def main() -> None:
    found = all_sizes()
    if "--json" in sys.argv:
        rows = {
            model: {
                v: {"parameters": s.parameters, "gflops": s.gflops, "stage_parameters": s.stage_parameters}
                for v, s in variants.items()
            }
            for model, variants in found.items()
        }
        print(json.dumps(rows))
        return
    print(f"{'model':<34}{'input':>6}{'parameters':>14}{'in the head':>14}{'GFLOPs':>9}")
    for model, variants in found.items():
        for variant, one in variants.items():
            head = one.parameters - sum(one.stage_parameters.values())
            side = MODELS[model].defaults["sampling.input_size"]
            print(f"{model + ' ' + variant:<34}{side:>6}{one.parameters:>14,}{head:>14,}{one.gflops:>9}")


if __name__ == "__main__":
    main()
