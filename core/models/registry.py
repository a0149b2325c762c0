"""The models that can be trained, as data. Imports no torch: the window lists them before torch is loaded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from core.errors import InputError


@dataclass(frozen=True, slots=True)
class WeightsFile:
    """A file that torchvision's own loader would download."""

    title: str
    file_name: str
    url: str


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """One model: what it is for, and the recipe that suits it unless the user says otherwise."""

    name: str
    title: str
    summary: str  # when to choose it
    stages: tuple[str, ...]  # backbone stages, input first
    strides: tuple[int, ...]  # input pixels from cell to cell of each feature map, finest first
    weights: dict[str, WeightsFile] = field(default_factory=dict)  # by source: "imagenet", "coco"
    defaults: dict[str, Any] = field(default_factory=dict)  # recipe fields by dotted name


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
            weights={
                "imagenet": WeightsFile(
                    "ImageNet backbone",
                    "vgg16_features-amdegroot-88682ab5.pth",
                    _TORCHVISION + "vgg16_features-amdegroot-88682ab5.pth",
                ),
                "coco": WeightsFile(
                    "COCO detector", "ssd300_vgg16_coco-b556d3b4.pth", _TORCHVISION + "ssd300_vgg16_coco-b556d3b4.pth"
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
            weights={
                "imagenet": WeightsFile(
                    "ImageNet backbone",
                    "mobilenet_v3_large-8738ca79.pth",
                    _TORCHVISION + "mobilenet_v3_large-8738ca79.pth",
                ),
                "coco": WeightsFile(
                    "COCO detector",
                    "ssdlite320_mobilenet_v3_large_coco-a79551df.pth",
                    _TORCHVISION + "ssdlite320_mobilenet_v3_large_coco-a79551df.pth",
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
        ),
    )
}


def model_spec(name: str) -> ModelSpec:
    """The model called `name`; InputError lists the names there are."""
    if name not in MODELS:
        raise InputError(f"model: there is no {name!r}; choose one of {', '.join(MODELS)}")
    return MODELS[name]
