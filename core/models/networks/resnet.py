"""ssd_resnet50, and the ResNet-50 bodies that RetinaNet and FCOS share with it: torchvision's, at any input size.

NVIDIA's SSD on ResNet-50 (DeepLearningExamples, PyTorch/Detection/SSD): conv4 keeps stride 8, so that its 1,024
channels see small defects; conv5 is not used.
"""

from __future__ import annotations

from functools import partial
from typing import Literal

from torch import Tensor, nn
from torchvision.models import resnet50
from torchvision.models._utils import IntermediateLayerGetter
from torchvision.models.resnet import Bottleneck, ResNet
from torchvision.ops import FeaturePyramidNetwork
from torchvision.ops.feature_pyramid_network import LastLevelP6P7

from core.models.anchors import Anchors
from core.models.networks.detector import Backbone, Detector, Head, group_norm, heads_of_their_own, same_tensors

# batch: as the published weights have it; a pre-trained backbone keeps its statistics. group: for random weights, as
# statistics of a few pictures are noise.
Norm = Literal["batch", "group"]

FPN_CHANNELS = 256


def plain_resnet(norm: Norm) -> ResNet:
    """torchvision's ResNet-50 with random weights, without the classifier that a detector throws away."""
    plain = resnet50(weights=None, norm_layer=partial(nn.GroupNorm, 32) if norm == "group" else None)
    del plain.fc
    # Each block begins as the identity (Goyal et al., Accurate, Large Minibatch SGD, section 5.1).
    for module in plain.modules():
        if isinstance(module, Bottleneck):
            nn.init.zeros_(module.bn3.weight)
    return plain


def stages_of(body: nn.Module, last: int) -> dict[str, list[nn.Module]]:
    """The stages of a ResNet up to layer `last`, input first."""
    stages = {"stem": [body.get_submodule("conv1"), body.get_submodule("bn1")]}
    return stages | {f"layer{layer}": [body.get_submodule(f"layer{layer}")] for layer in range(1, last + 1)}


class SsdResNet(Backbone):
    """Maps at strides 8 (conv4), 16, 32 and 64."""

    strides = (8, 16, 32, 64)
    channels = (1024, 512, 512, 256)

    def __init__(self, norm: Norm) -> None:
        super().__init__()
        plain = plain_resnet(norm)
        first = plain.layer3[0]
        assert isinstance(first, Bottleneck) and first.downsample is not None
        for layer in (first.conv2, first.downsample[0]):
            assert isinstance(layer, nn.Conv2d)
            layer.stride = (1, 1)
        self.body = IntermediateLayerGetter(plain, {"layer3": "layer3"})
        self.extra = nn.ModuleList(
            _extra_block(channels_in, middle, channels_out)
            for channels_in, middle, channels_out in ((1024, 256, 512), (512, 256, 512), (512, 128, 256))
        )
        self.imagenet_names = same_tensors(plain, self)

    def maps(self, images_b3hw: Tensor, levels: int) -> list[Tensor]:
        found = [self.body(images_b3hw)["layer3"]]
        for block in self.extra[: levels - 1]:
            found.append(block(found[-1]))
        return found

    def stages(self) -> dict[str, list[nn.Module]]:
        return stages_of(self.body, last=3)


class FpnResNet(Backbone):
    """torchvision's feature pyramid on ResNet-50: 256 channels at strides 8, 16, 32, 64 and 128."""

    strides = (8, 16, 32, 64, 128)
    channels = (FPN_CHANNELS,) * 5

    def __init__(self, norm: Norm, top_from: Literal["c5", "p5"]) -> None:
        """`top_from`: the map that the two coarsest are made from: conv5's (RetinaNet, 2nd version) or the pyramid's."""
        super().__init__()
        plain = plain_resnet(norm)
        self.body = IntermediateLayerGetter(plain, {f"layer{layer}": str(layer) for layer in (2, 3, 4)})
        top = LastLevelP6P7(2048 if top_from == "c5" else FPN_CHANNELS, FPN_CHANNELS)
        self.fpn = FeaturePyramidNetwork([512, 1024, 2048], FPN_CHANNELS, top)
        self.imagenet_names = same_tensors(plain, self)

    def detector_names(self) -> dict[str, str]:
        names = {f"backbone.{name}": name for name in self.state_dict()}
        # Files of torchvision before 0.13 lack the index of the convolution in its block.
        return {_before_013(foreign): own for foreign, own in names.items()} | names

    def maps(self, images_b3hw: Tensor, levels: int) -> list[Tensor]:
        return list(self.fpn(self.body(images_b3hw)).values())[:levels]

    def stages(self) -> dict[str, list[nn.Module]]:
        return stages_of(self.body, last=4)


def build_network(anchors: Anchors, labels: int, norm: Norm) -> Detector:
    """The SSD for these anchors and this many labels, with random weights."""
    backbone = SsdResNet(norm)
    return Detector(backbone, anchors, labels, heads_of_their_own(backbone, anchors, labels, _build_head))


def _before_013(name: str) -> str:
    """backbone.fpn.inner_blocks.1.0.weight as backbone.fpn.inner_blocks.1.weight; other names as they are."""
    begin, found, end = name.partition("_blocks.")
    index, _, rest = end.partition(".0.")
    return f"{begin}{found}{index}.{rest}" if found and rest else name


def _extra_block(channels_in: int, middle: int, channels_out: int) -> nn.Sequential:
    """A map of half the size; GroupNorm, as it is new and batches may be small."""
    layers = (
        nn.Conv2d(channels_in, middle, 1, bias=False),
        group_norm(middle),
        nn.ReLU(inplace=True),
        nn.Conv2d(middle, channels_out, 3, stride=2, padding=1, bias=False),
        group_norm(channels_out),
        nn.ReLU(inplace=True),
    )
    for layer in layers:
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    return nn.Sequential(*layers)


def _build_head(channels: int, shapes: int, labels: int) -> Head:
    to_labels = nn.Conv2d(channels, shapes * labels, 3, padding=1)
    return Head(nn.Identity(), to_labels, nn.Conv2d(channels, shapes * 4, 3, padding=1), labels)
