"""The models that can be trained, as data. Imports no torch: the window lists them before torch is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from core.errors import InputError


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
    variants: dict[str, dict[str, Any]] = field(default_factory=dict)  # by "option=value": fields that then differ

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

    def options_for(self, source: str, tap: int) -> dict[str, Any]:
        """The options that starting weights (`Weights.source`) and the stride of the first map ask for."""
        wanted = {"reduced_tail": source in ("none", "coco"), "tap": tap, "norm": "group" if source == "none" else "none"}
        return {name: wanted[name] for name in self.options}


_TORCHVISION = "https://download.pytorch.org/models/"

MODELS: dict[str, ModelSpec] = {
    spec.name: spec
    for spec in (
        ModelSpec(
            name="ssd_compact",
            title="SSD Compact",
            summary="Small defects, little data, or no GPU: trains from scratch on crops at native resolution.",
            stages=("stem", "stage1", "stage2", "stage3", "stage4"),
            strides=(8, 16, 32),
            parameters=0,
            gflops=0,
            stage_parameters={},
            defaults={
                "weights.source": "none",
                "strategy.kind": "scratch",
                "sampling.mode": "crops",
                "sampling.input_size": 256,
                "optimizer.kind": "adamw",
                "optimizer.lr": 2e-3,
                "optimizer.weight_decay": 1e-4,
                "schedule.batch_size": 16,
                "schedule.epochs": 20,
            },
        ),
        ModelSpec(
            name="ssd300_vgg16",
            title="SSD300 VGG16",
            summary="A GPU and a few hundred images: accurate and well understood, fine-tuned from ImageNet or COCO.",
            stages=("conv1", "conv2", "conv3", "conv4", "conv5"),
            strides=(8, 16, 32, 64),
            parameters=0,
            gflops=0,
            stage_parameters={},
            weights={
                "imagenet": WeightsFile(
                    "ImageNet backbone",
                    "vgg16_features-amdegroot-88682ab5.pth",
                    _TORCHVISION + "vgg16_features-amdegroot-88682ab5.pth",
                    "caffe",
                ),
                "coco": WeightsFile(
                    "COCO detector",
                    "ssd300_vgg16_coco-b556d3b4.pth",
                    _TORCHVISION + "ssd300_vgg16_coco-b556d3b4.pth",
                    "caffe",
                ),
            },
            defaults={
                "weights.source": "imagenet",
                "strategy.kind": "fine_tune",
                "sampling.mode": "whole",
                "sampling.input_size": 300,
                "loss.kind": "mined_bce",
                "loss.box_weight": 1.0,
                "optimizer.kind": "sgd",
                "optimizer.lr": 2e-3,
                "optimizer.weight_decay": 5e-4,
                "schedule.batch_size": 8,
                "schedule.epochs": 40,
            },
        ),
        ModelSpec(
            name="ssdlite320_mobilenet_v3",
            title="SSDLite320 MobileNetV3",
            summary="A fast line or an edge device: light to run, slower to learn; likes more data and longer training.",
            stages=("stem", "stride4", "stride8", "stride16", "stride32"),
            strides=(8, 16, 32, 64),
            parameters=0,
            gflops=0,
            stage_parameters={},
            weights={
                "imagenet": WeightsFile(
                    "ImageNet backbone",
                    "mobilenet_v3_large-8738ca79.pth",
                    _TORCHVISION + "mobilenet_v3_large-8738ca79.pth",
                    "imagenet",
                ),
                "coco": WeightsFile(
                    "COCO detector",
                    "ssdlite320_mobilenet_v3_large_coco-a79551df.pth",
                    _TORCHVISION + "ssdlite320_mobilenet_v3_large_coco-a79551df.pth",
                    "centred",
                ),
            },
            defaults={
                "weights.source": "imagenet",
                "strategy.kind": "fine_tune",
                "sampling.mode": "whole",
                "sampling.input_size": 320,
                "loss.kind": "mined_bce",
                "loss.box_weight": 1.0,
                "optimizer.kind": "adamw",
                "optimizer.lr": 1e-3,
                "optimizer.weight_decay": 1e-4,
                "schedule.batch_size": 16,
                "schedule.epochs": 60,
            },
            options={"reduced_tail": (False, True)},
        ),
    )
}


def model_spec(name: str) -> ModelSpec:
    """The model called `name`; InputError lists the names there are."""
    if name not in MODELS:
        raise InputError(f"model: there is no {name!r}; choose one of {', '.join(MODELS)}")
    return MODELS[name]
