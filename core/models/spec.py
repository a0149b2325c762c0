"""What the registry says of a model. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class WeightsFile:
    """A file that torchvision's or timm's own loader would download."""

    title: str
    file_name: str
    url: str
    normalization: str  # how pixels were scaled when these weights were learnt, a key of inputs.NORMALIZATIONS


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """One model: what it is for, how large it is, and the recipe that suits it unless the user says otherwise.

    Sizes are those of the network for one label, with the anchors of a project that has no boxes yet, at the default
    input size: `tests/benchmarks/model_sizes.py` prints them, and a test holds them against the networks.
    """

    name: str
    title: str
    summary: str  # when to choose it
    stages: tuple[str, ...]  # backbone stages, input first
    strides: tuple[int, ...]  # input pixels from cell to cell of each feature map, finest first
    parameters: int  # of the whole network
    gflops: float  # of one picture's forward pass; a multiplication and its addition count as two
    stage_parameters: dict[str, int]  # by stage; the other parameters are the head's, which always learns
    task: Literal["detect", "classify"] = "detect"  # boxes with labels, or labels of the whole image
    # own: each map has shapes of its own. shared: one set, scaled to every map, as a shared head needs. points: none.
    anchors: Literal["own", "shared", "points"] = "own"
    weights: dict[str, WeightsFile] = field(default_factory=dict)  # by source: "imagenet", "coco"
    defaults: dict[str, Any] = field(default_factory=dict)  # recipe fields by dotted name
    options: dict[str, tuple[Any, ...]] = field(default_factory=dict)  # choices that shape the network, default first
    # Pictures computed at once from which new layers have BatchNorm; None: they have GroupNorm whatever the batch.
    batch_norm_from: int | None = None
    variants: dict[str, dict[str, Any]] = field(default_factory=dict)  # by "option=value": fields that then differ

    # By how many maps are used, counted from the finest: sizes that are then smaller, of stages and of the "head". What
    # lies behind the coarsest map with anchors is not computed, and does not learn.
    computed: dict[int, dict[str, int]] = field(default_factory=dict)

    def sizes_at(self, used_maps: int) -> tuple[dict[str, int], int]:
        """Parameters by stage, and of the rest, that do something where so many of the finest maps are used."""
        smaller = self.computed.get(used_maps, {})
        head = max(self.parameters - sum(self.stage_parameters.values()), 0)
        stages = {stage: min(smaller.get(stage, size), size) for stage, size in self.stage_parameters.items()}
        return stages, min(smaller.get("head", head), head)

    def with_options(self, options: Mapping[str, Any]) -> ModelSpec:
        """The model as `options` shape it: with their strides, stages and sizes.

        Raises ValueError if it has no such option, or not with that value.
        """
        spec = self
        for name, value in options.items():
            # 1 and True are equal, and mean different things.
            if not any(value == known and type(value) is type(known) for known in self.options.get(name, ())):
                raise ValueError(f"{self.name} has no option {name}={value!r}")
            spec = replace(spec, **self.variants.get(f"{name}={value}", {}))
        return spec

    def options_for(self, source: str, tap: int, batch_size: int) -> dict[str, Any]:
        """The options that starting weights (`Weights.source`), the stride of the first map and the pictures that are
        computed at once ask for."""
        wanted = {"reduced_tail": source in ("none", "coco"), "tap": tap}
        return {name: self._norm(source, batch_size) if name == "norm" else wanted[name] for name in self.options}

    def _norm(self, source: str, batch_size: int) -> Any:
        """Random weights need norms that work with small batches; published ones come with theirs."""
        values = self.options["norm"]
        if self.batch_norm_from is None:
            return "group" if source == "none" else values[0]
        if batch_size >= self.batch_norm_from:
            return values[0]
        return "group" if source == "none" else values[1]
