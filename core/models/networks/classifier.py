"""vgg19 and resnet50: which defects are in an image, one sigmoid per label, at any input size."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torchvision.models._utils import IntermediateLayerGetter

from core.models.networks.detector import Backbone, Network, same_tensors
from core.models.networks.resnet import Norm, plain_resnet, stages_of
from core.models.networks.vgg import plain_vgg


class Classifier(Network):
    """Labels of a whole image from a backbone's last map."""

    def __init__(self, backbone: Backbone, labels: int) -> None:
        super().__init__(backbone, labels)
        self.head = ImageHead(backbone.channels[-1], labels)

    def forward(self, images_b3hw: Tensor) -> Tensor:
        """Logits (b, k)."""
        logits: Tensor = self.head(self.backbone.maps(images_b3hw, 1)[-1])
        return logits


class ImageHead(nn.Module):
    """From a map to one logit per label.

    The mean tells what the image is like; the maximum keeps a defect that fills a single cell, which the mean over a
    large image would drown.
    """

    def __init__(self, channels: int, labels: int) -> None:
        super().__init__()
        self.to_labels = nn.Linear(2 * channels, labels)
        nn.init.normal_(self.to_labels.weight, std=0.01)
        nn.init.zeros_(self.to_labels.bias)

    def forward(self, map_bchw: Tensor) -> Tensor:
        """Logits (b, k)."""
        pooled: Tensor = self.to_labels(torch.cat([map_bchw.mean(dim=(2, 3)), map_bchw.amax(dim=(2, 3))], dim=1))
        return pooled


class Vgg19(Backbone):
    """All convolutions of VGG19. Its three fully connected layers, 124 million parameters for 224 px, are left out."""

    strides = (32,)
    channels = (512,)

    def __init__(self) -> None:
        super().__init__()
        plain = plain_vgg("E")
        self.features = plain["features"]
        self.imagenet_names = same_tensors(plain, self)

    def maps(self, images_b3hw: Tensor, levels: int) -> list[Tensor]:
        return [self.features(images_b3hw)]

    def stages(self) -> dict[str, list[nn.Module]]:
        layers = list(self.features.children())
        ends = [place + 1 for place, layer in enumerate(layers) if isinstance(layer, nn.MaxPool2d)]
        begins = [0, *ends[:-1]]
        return {
            f"conv{stage}": layers[begin:end] for stage, (begin, end) in enumerate(zip(begins, ends, strict=True), 1)
        }


class ResNet50(Backbone):
    """All of ResNet-50 but its last, fully connected layer."""

    strides = (32,)
    channels = (2048,)

    def __init__(self, norm: Norm) -> None:
        super().__init__()
        plain = plain_resnet(norm)
        self.body = IntermediateLayerGetter(plain, {"layer4": "layer4"})
        self.imagenet_names = same_tensors(plain, self)

    def maps(self, images_b3hw: Tensor, levels: int) -> list[Tensor]:
        return list(self.body(images_b3hw).values())

    def stages(self) -> dict[str, list[nn.Module]]:
        return stages_of(self.body, last=4)


def build_vgg19(labels: int) -> Classifier:
    """VGG19 for this many labels, with random weights."""
    return Classifier(Vgg19(), labels)


def build_resnet50(labels: int, norm: Norm) -> Classifier:
    """ResNet-50 for this many labels, with random weights."""
    return Classifier(ResNet50(norm), labels)
