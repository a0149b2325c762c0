"""ssd_mobilenet_v1_ppn: a pooling pyramid on timm's MobileNetV1 (Jin, Rathod and Zhu, Pooling Pyramid Network).

One map is tapped and halved again and again by max pooling, with no convolution between; one 1x1 predictor serves all
levels, with a norm of its own on each, so that the scores of all levels mean the same. As the predictor is shared, so
are the anchor shapes, in cells.
"""

from __future__ import annotations

import torch.nn.functional as functional
from torch import Tensor, nn

from core.models.anchors import Anchors
from core.models.networks.depthwise import learn_faster
from core.models.networks.detector import Backbone, Detector, Head, group_norm, join_levels, same_tensors, used_levels
from core.models.registry import MODELS

LEVELS = 6
PREDICTOR_CHANNELS = 512
# Groups of timm's blocks up to the tapped map: Conv2d_5 leaves stride 8, Conv2d_11 stride 16. The rest is not used.
GROUPS = {8: 3, 16: 4}
TAPPED_CHANNELS = {8: 256, 16: 512}


class PoolingPyramid(Backbone):
    """Maps at the tapped stride and five times twice the one before, all with the tapped map's channels."""

    def __init__(self, tap: int) -> None:
        """`tap`: stride of the tapped map, 8 or 16."""
        import timm  # noqa: PLC0415 - takes seconds, and only this model needs it

        super().__init__()
        self.strides = MODELS["ssd_mobilenet_v1_ppn"].with_options({"tap": tap}).strides
        self.channels = (TAPPED_CHANNELS[tap],) * LEVELS
        plain = timm.create_model("mobilenetv1_100", pretrained=False)
        # Under timm's names, so that files are matched by them.
        self.body = nn.Sequential()
        self.body.add_module("conv_stem", plain.get_submodule("conv_stem"))
        self.body.add_module("bn1", plain.get_submodule("bn1"))
        self.body.add_module("blocks", nn.Sequential(*list(plain.get_submodule("blocks").children())[: GROUPS[tap]]))
        self.imagenet_names = same_tensors(plain, self)

    def maps(self, images_b3hw: Tensor, levels: int) -> list[Tensor]:
        found = [self.body(images_b3hw)]
        for _ in range(levels - 1):
            found.append(functional.max_pool2d(found[-1], 2, stride=2, ceil_mode=True))
        return found

    def stages(self) -> dict[str, list[nn.Module]]:
        stem, norm, blocks = self.body.children()
        return {"stem": [stem, norm]} | {
            f"stride{2 << index}": [group] for index, group in enumerate(blocks.children())
        }


class PoolingHeads(nn.Module):
    """The shared predictor: 1x1 convolution, the level's norm, ReLU6, and 1x1 convolutions to labels and boxes.

    The norm is GroupNorm, where the paper has BatchNorm: the coarsest map is a single cell, of which a batch of a few
    pictures has no statistics.
    """

    def __init__(self, channels: int, anchors: Anchors, labels: int) -> None:
        super().__init__()
        levels = used_levels(anchors)
        shapes = len(anchors.shapes[levels[0]])
        self.reduce = nn.Conv2d(channels, PREDICTOR_CHANNELS, 1, bias=False)
        nn.init.kaiming_normal_(self.reduce.weight, mode="fan_out", nonlinearity="relu")
        self.norms = nn.ModuleDict({str(level): group_norm(PREDICTOR_CHANNELS) for level in levels})
        self.head = Head(
            nn.ReLU6(inplace=True),
            nn.Conv2d(PREDICTOR_CHANNELS, shapes * labels, 1),
            nn.Conv2d(PREDICTOR_CHANNELS, shapes * 4, 1),
            labels,
        )

    def forward(self, maps: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Logits (b, a, k) and deltas (b, a, 4) of all maps."""
        return join_levels([self.head(norm(self.reduce(maps[int(level)]))) for level, norm in self.norms.items()])


def build_network(anchors: Anchors, labels: int, tap: int) -> Detector:
    """The detector for these anchors and this many labels, with random weights."""
    backbone = PoolingPyramid(tap)
    learn_faster(backbone)
    return Detector(backbone, anchors, labels, PoolingHeads(backbone.channels[0], anchors, labels))
