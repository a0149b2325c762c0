"""The models that can be trained, as data. Imports no torch: the window lists them before torch is loaded."""

from __future__ import annotations

from typing import Any

from core.errors import InputError
from core.models.spec import ModelSpec, WeightsFile

__all__ = ["MODELS", "ModelSpec", "WeightsFile", "is_detector", "model_spec"]

# Of fewer pictures than this, the mean and spread that BatchNorm takes from a batch are noise (Wu and He, Group
# Normalization: its error grows as batches shrink from 16 pictures to 2, while GroupNorm's does not).
FEW_PICTURES = 8


def _torchvision(title: str, file_name: str, normalization: str) -> WeightsFile:
    return WeightsFile(title, file_name, f"https://download.pytorch.org/models/{file_name}", normalization)


_RESNET50 = _torchvision("ImageNet backbone", "resnet50-0676ba61.pth", "imagenet")
# The SSD detector and its backbone "features" come from Caffe; VGG16 as a classifier does not.
_VGG16 = {
    "imagenet": _torchvision("ImageNet backbone", "vgg16_features-amdegroot-88682ab5.pth", "caffe"),
    "coco": _torchvision("COCO detector", "ssd300_vgg16_coco-b556d3b4.pth", "caffe"),
}
_VGG_COMPUTED = {1: {"conv5": 0, "head": 23_557}, 2: {"head": 5_838_858}, 3: {"head": 7_304_463}}
_SSD_FINE_TUNING = {
    "weights.source": "imagenet",
    "strategy.kind": "fine_tune",
    "sampling.mode": "whole",
    "loss.kind": "mined_bce",
    "loss.box_weight": 1.0,
    "optimizer.kind": "sgd",
    "optimizer.lr": 2e-3,
    "optimizer.weight_decay": 5e-4,
    "schedule.batch_size": 8,
    "schedule.epochs": 40,
}

# Two phases, as image classifiers are usually fine-tuned: the head alone, then the last stages at a tenth of its rate.
_IMAGE_LABELS: dict[str, Any] = {
    "weights.source": "imagenet",
    "strategy.kind": "two_phase",
    "strategy.head_epochs": 4,
    "strategy.last_stages": 2,
    "sampling.mode": "whole",
    "sampling.input_size": 320,
    "loss.kind": "mined_bce",
    "optimizer.kind": "adamw",
    "optimizer.lr": 1e-3,
    "optimizer.weight_decay": 1e-4,
    "schedule.batch_size": 16,
    "schedule.epochs": 20,
}

_RESNET50_STAGES = {
    "stem": 9_536,
    "layer1": 215_808,
    "layer2": 1_219_584,
    "layer3": 7_098_368,
    "layer4": 14_964_736,
}
_PYRAMID_FINE_TUNING: dict[str, Any] = {
    "weights.source": "coco",
    "strategy.kind": "fine_tune",
    "strategy.backbone_lr_factor": 0.5,
    "sampling.mode": "whole",
    "sampling.input_size": 640,
    "loss.kind": "focal",
    "loss.box": "giou",
    "loss.box_weight": 1.0,
    "optimizer.kind": "adamw",
    "optimizer.lr": 2e-4,
    "optimizer.weight_decay": 0.05,
    "schedule.batch_size": 4,
    "schedule.epochs": 30,
}

MODELS: dict[str, ModelSpec] = {
    spec.name: spec
    for spec in (
        ModelSpec(
            name="ssd_compact",
            title="SSD Compact",
            summary="Small defects, little data, or no GPU: trains from scratch on crops at native resolution.",
            stages=("stem", "stage1", "stage2", "stage3", "stage4"),
            strides=(8, 16, 32),
            parameters=1_200_820,
            gflops=1.03,
            stage_parameters={"stem": 928, "stage1": 34_752, "stage2": 124_800, "stage3": 311_616, "stage4": 477_376},
            defaults={
                "weights.source": "none",
                "strategy.kind": "scratch",
                "sampling.mode": "crops",
                "sampling.input_size": 256,
                "loss.kind": "mined_bce",
                "loss.box_weight": 1.0,
                "optimizer.kind": "adamw",
                "optimizer.lr": 2e-3,
                "optimizer.weight_decay": 1e-4,
                "schedule.batch_size": 16,
                "schedule.epochs": 20,
            },
            options={"norm": ("batch", "group")},
            batch_norm_from=FEW_PICTURES,
        ),
        ModelSpec(
            name="ssd300_vgg16",
            title="SSD300 VGG16",
            summary="A GPU and a few hundred images: accurate and well understood, fine-tuned from ImageNet or COCO.",
            stages=("conv1", "conv2", "conv3", "conv4", "conv5"),
            strides=(8, 16, 32, 64),
            parameters=22_403_028,
            gflops=60.4,
            stage_parameters={
                "conv1": 38_720,
                "conv2": 221_440,
                "conv3": 1_475_328,
                "conv4": 5_899_776,
                "conv5": 7_079_424,
            },
            weights=_VGG16,
            defaults=_SSD_FINE_TUNING | {"sampling.input_size": 300},
            options={"norm": ("none", "group")},
            computed=_VGG_COMPUTED,
            variants={
                "norm=group": {
                    "parameters": 22_417_876,
                    "gflops": 60.4,
                    "stage_parameters": {
                        "conv1": 38_976,
                        "conv2": 221_952,
                        "conv3": 1_476_864,
                        "conv4": 5_902_848,
                        "conv5": 7_082_496,
                    },
                }
            },
        ),
        ModelSpec(
            name="ssd512_vgg16",
            title="SSD512 VGG16",
            summary="A GPU, and defects that are small in the picture: SSD300 at three times its pixels and cost.",
            stages=("conv1", "conv2", "conv3", "conv4", "conv5"),
            strides=(8, 16, 32, 64, 128),
            parameters=22_731_092,
            gflops=174.0,
            stage_parameters={
                "conv1": 38_720,
                "conv2": 221_440,
                "conv3": 1_475_328,
                "conv4": 5_899_776,
                "conv5": 7_079_424,
            },
            weights=_VGG16,
            defaults=_SSD_FINE_TUNING | {"sampling.input_size": 512, "optimizer.lr": 1e-3},
            options={"norm": ("none", "group")},
            computed=_VGG_COMPUTED | {4: {"head": 7_676_820}},
            variants={
                "norm=group": {
                    "parameters": 22_746_708,
                    "gflops": 174.0,
                    "stage_parameters": {
                        "conv1": 38_976,
                        "conv2": 221_952,
                        "conv3": 1_476_864,
                        "conv4": 5_902_848,
                        "conv5": 7_082_496,
                    },
                }
            },
        ),
        ModelSpec(
            name="ssdlite320_mobilenet_v3",
            title="SSDLite320 MobileNetV3",
            summary="A fast line or an edge device: light to run, slower to learn; likes more data and longer training.",
            stages=("stem", "stride4", "stride8", "stride16", "stride32"),
            strides=(8, 16, 32, 64),
            parameters=3_384_308,
            gflops=0.895,
            stage_parameters={
                "stem": 928,
                "stride4": 7_880,
                "stride8": 84_392,
                "stride16": 775_896,
                "stride32": 2_102_856,
            },
            weights={
                "imagenet": _torchvision("ImageNet backbone", "mobilenet_v3_large-8738ca79.pth", "imagenet"),
                "coco": _torchvision("COCO detector", "ssdlite320_mobilenet_v3_large_coco-a79551df.pth", "centred"),
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
            computed={
                1: {"stride8": 62_392, "stride16": 0, "stride32": 0, "head": 3_845},
                2: {"stride32": 0, "head": 14_602},
                3: {"head": 29_967},
            },
            options={"reduced_tail": (False, True), "norm": ("batch", "added", "group")},
            batch_norm_from=FEW_PICTURES,
            variants={
                "reduced_tail=True": {
                    "parameters": 1_902_308,
                    "gflops": 0.762,
                    "stage_parameters": {
                        "stem": 928,
                        "stride4": 7_880,
                        "stride8": 84_392,
                        "stride16": 775_896,
                        "stride32": 751_416,
                    },
                }
            },
        ),
        ModelSpec(
            name="ssd_mobilenet_v1_ppn",
            title="PPN MobileNetV1",
            summary="An edge device that runs only simple layers: one tiny predictor for all scales; take tap 8 for small defects.",
            stages=("stem", "stride2", "stride4", "stride8", "stride16"),
            strides=(16, 32, 64, 128, 256, 512),
            parameters=1_891_668,
            gflops=2.07,
            stage_parameters={
                "stem": 928,
                "stride2": 2_528,
                "stride4": 27_200,
                "stride8": 103_552,
                "stride16": 1_478_912,
            },
            anchors="shared",
            weights={
                "imagenet": WeightsFile(
                    "ImageNet backbone",
                    "mobilenetv1_100.ra4_e3600_r224_in1k.safetensors",
                    "https://huggingface.co/timm/mobilenetv1_100.ra4_e3600_r224_in1k/resolve/main/model.safetensors",
                    "centred",
                ),
            },
            defaults={
                "weights.source": "imagenet",
                "strategy.kind": "fine_tune",
                "sampling.mode": "whole",
                "sampling.input_size": 300,
                "loss.kind": "focal",
                "loss.focal_alpha": 0.75,
                "loss.box": "smooth_l1",
                "loss.box_weight": 1.5,
                "optimizer.kind": "adamw",
                "optimizer.lr": 1e-3,
                "optimizer.weight_decay": 1e-4,
                "schedule.batch_size": 16,
                "schedule.epochs": 60,
            },
            options={"tap": (16, 8)},
            variants={
                "tap=8": {
                    "stages": ("stem", "stride2", "stride4", "stride8"),
                    "strides": (8, 16, 32, 64, 128, 256),
                    "parameters": 281_684,
                    "gflops": 1.28,
                    "stage_parameters": {"stem": 928, "stride2": 2_528, "stride4": 27_200, "stride8": 103_552},
                }
            },
        ),
        ModelSpec(
            name="ssd_resnet50",
            title="SSD ResNet-50",
            summary="A GPU and some hundred images or more: deeper features than VGG16's on the fine map, for half the computation.",
            stages=("stem", "layer1", "layer2", "layer3"),
            strides=(8, 16, 32, 64),
            parameters=11_798_356,
            gflops=29.3,
            stage_parameters={"stem": 9_536, "layer1": 215_808, "layer2": 1_219_584, "layer3": 7_098_368},
            weights={"imagenet": _RESNET50},
            defaults=_SSD_FINE_TUNING | {"sampling.input_size": 300},
            computed={1: {"head": 46_277}, 2: {"head": 1_512_650}, 3: {"head": 2_847_951}},
            options={"norm": ("batch", "group")},
        ),
        ModelSpec(
            name="retinanet_resnet50_fpn",
            title="RetinaNet ResNet-50 FPN",
            summary="The most accurate boxes, for defects of very different sizes; wants a GPU with memory, and patience.",
            stages=tuple(_RESNET50_STAGES),
            strides=(8, 16, 32, 64, 128),
            parameters=36_274_260,
            gflops=162.0,
            stage_parameters=_RESNET50_STAGES,
            anchors="shared",
            weights={
                "imagenet": _RESNET50,
                "coco": _torchvision("COCO detector", "retinanet_resnet50_fpn_v2_coco-5905b1c5.pth", "imagenet"),
            },
            defaults=_PYRAMID_FINE_TUNING,
            computed={
                1: {"head": 6_242_565},
                2: {"head": 6_832_645},
                3: {"head": 7_422_725},
                4: {"head": 12_141_573},
            },
            options={"norm": ("batch", "group")},
        ),
        ModelSpec(
            name="fcos_resnet50_fpn",
            title="FCOS ResNet-50 FPN",
            summary="Defects of any shape, long scratches too, as no anchors need to fit them; costs what RetinaNet costs.",
            stages=tuple(_RESNET50_STAGES),
            strides=(8, 16, 32, 64, 128),
            parameters=32_115_270,
            gflops=160.0,
            stage_parameters=_RESNET50_STAGES,
            anchors="points",
            weights={
                "imagenet": _RESNET50,
                "coco": _torchvision("COCO detector", "fcos_resnet50_fpn_coco-99b0c9b7.pth", "imagenet"),
            },
            defaults=_PYRAMID_FINE_TUNING,
            options={"norm": ("batch", "group")},
        ),
        ModelSpec(
            name="vgg19",
            title="VGG19 (labels of images)",
            summary="Which defects are in an image, not where: a plain network that fine-tunes well in two phases.",
            stages=("conv1", "conv2", "conv3", "conv4", "conv5"),
            strides=(),
            parameters=20_025_409,
            gflops=79.6,
            stage_parameters={
                "conv1": 38_720,
                "conv2": 221_440,
                "conv3": 2_065_408,
                "conv4": 8_259_584,
                "conv5": 9_439_232,
            },
            task="classify",
            weights={"imagenet": _torchvision("ImageNet backbone", "vgg19-dcbb9e9d.pth", "imagenet")},
            defaults=_IMAGE_LABELS | {"optimizer.lr": 3e-4},
        ),
        ModelSpec(
            name="resnet50",
            title="ResNet-50 (labels of images)",
            summary="Which defects are in an image, not where: the usual choice, lighter to run than VGG19.",
            stages=tuple(_RESNET50_STAGES),
            strides=(),
            parameters=23_512_129,
            gflops=16.7,
            stage_parameters=_RESNET50_STAGES,
            task="classify",
            weights={"imagenet": _RESNET50},
            defaults=_IMAGE_LABELS,
            options={"norm": ("batch", "group")},
        ),
    )
}


def model_spec(name: str) -> ModelSpec:
    """The model called `name`; InputError lists the names there are."""
    if name not in MODELS:
        raise InputError(f"model: there is no {name!r}; choose one of {', '.join(MODELS)}")
    return MODELS[name]


def is_detector(name: str) -> bool:
    """Whether a model finds boxes, rather than labels of whole images; of one that is not known here, that it does."""
    return MODELS[name].task == "detect" if name in MODELS else True
