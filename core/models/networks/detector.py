"""The detector that all families share: a backbone's feature maps, a head on each, anchors on each cell.

Names of dimensions: b images, a anchors, k labels, hw a map's height and width.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar

import torch
from torch import Tensor, nn

from core.models.anchors import Anchors

# Probability that an untrained head gives to every label (Lin et al., Focal Loss): logit -4.6.
PRIOR_PROBABILITY = 0.01


class Backbone(nn.Module, ABC):
    """Turns images into feature maps, finest first."""

    strides: tuple[int, ...]  # input pixels from cell to cell, by map
    channels: tuple[int, ...]  # by map
    # Names of the tensors in the library's classifier of the same family, and here.
    imagenet_names: dict[str, str]

    def detector_names(self) -> dict[str, str]:
        """Names of the tensors in torchvision's detector of the same family, and here."""
        body = self._modules.get("body")
        return {f"backbone.{name}": f"body.{name}" for name in body.state_dict()} if body is not None else {}

    @abstractmethod
    def maps(self, images_b3hw: Tensor, levels: int) -> list[Tensor]:
        """The `levels` finest maps of normalised images."""

    @abstractmethod
    def stages(self) -> dict[str, list[nn.Module]]:
        """The pre-trained parts by stage name, input first. What is in none of them is new and always learns."""


class Network(nn.Module):
    """What every family builds: a backbone that may have learnt before, and a head that is new."""

    # Parts of a head that have the shape of the library's, and their names there.
    library_parts: ClassVar[dict[str, str]] = {}

    def __init__(self, backbone: Backbone, labels: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.labels = labels

    def foreign_names(self) -> dict[str, str]:
        """Names of tensors in files of torchvision or timm, and in this network's state_dict."""
        names = self.backbone.detector_names() | self.backbone.imagenet_names
        parts = {
            f"{theirs}.{name}": f"{own}.{name}"
            for own, theirs in self.library_parts.items()
            for name in self.get_submodule(own).state_dict()
        }
        return {foreign: f"backbone.{own}" for foreign, own in names.items()} | parts


class Detector(Network):
    """A single-shot detector with one sigmoid per label, for any input size."""

    def __init__(self, backbone: Backbone, anchors: Anchors, labels: int, heads: nn.Module) -> None:
        """`heads` gives logits and deltas for the backbone's maps: `Heads`, `SharedHeads` or the like."""
        super().__init__(backbone, labels)
        if anchors.strides != backbone.strides:
            raise ValueError(f"anchors for strides {anchors.strides} on maps of strides {backbone.strides}")
        self.anchors = anchors
        self.heads = heads
        self._grids: dict[tuple[tuple[tuple[int, int], ...], torch.device], Tensor] = {}

    def forward(self, images_b3hw: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logits (b, a, k), box deltas (b, a, 4) and the anchors (a, 4) in input pixels, x1 y1 x2 y2.

        A detector that predicts from points has five numbers in place of the deltas: see coding.py.
        """
        maps = self.backbone.maps(images_b3hw, self.anchors.used_levels)
        logits, deltas = self.heads(maps)
        sizes = tuple((m.shape[2], m.shape[3]) for m in maps)
        return logits, deltas, self._grid(sizes, images_b3hw.device)

    def _grid(self, sizes: tuple[tuple[int, int], ...], device: torch.device) -> Tensor:
        """All anchors for maps of these (height, width); built once for each input size."""
        key = (sizes, device)
        if key not in self._grids:
            levels = [
                grid_anchors(size, stride, shapes, 0.0 if self.anchors.points else 0.5)
                for size, stride, shapes in zip(sizes, self.anchors.strides, self.anchors.shapes, strict=False)
                if shapes
            ]
            if len(self._grids) >= 8:
                self._grids.clear()
            self._grids[key] = torch.cat(levels).to(device)
        return self._grids[key]


class Heads(nn.ModuleDict):
    """A head for each map that has anchors, by the map's number: finest first."""

    def forward(self, maps: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Logits (b, a, k) and deltas (b, a, 4) of all maps."""
        return join_levels([head(maps[int(level)]) for level, head in self.items()])


class SharedHeads(nn.Module):
    """One head for all maps that have anchors; these have the same shapes, in cells, on each."""

    def __init__(self, anchors: Anchors, head: Head) -> None:
        super().__init__()
        self.levels = used_levels(anchors)
        self.shared = head

    def forward(self, maps: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Logits (b, a, k) and deltas (b, a, 4) of all maps."""
        return join_levels([self.shared(maps[level]) for level in self.levels])


def used_levels(anchors: Anchors) -> list[int]:
    """The maps that have anchors. Raises ValueError unless all have equally many, as a shared head needs."""
    if len({len(shapes) for shapes in anchors.shapes if shapes}) != 1:
        raise ValueError("a head that all maps share needs equally many anchor shapes on each")
    return [level for level, shapes in enumerate(anchors.shapes) if shapes]


def join_levels(outputs: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """Logits and deltas of several maps, one behind the other."""
    return torch.cat([logits for logits, _ in outputs], dim=1), torch.cat([deltas for _, deltas in outputs], dim=1)


def heads_of_their_own(
    backbone: Backbone, anchors: Anchors, labels: int, make_head: Callable[[int, int, int], Head]
) -> Heads:
    """Heads that share nothing; `make_head(channels, shapes, labels)` builds that of one map."""
    return Heads(
        {
            str(level): make_head(backbone.channels[level], len(shapes), labels)
            for level, shapes in enumerate(anchors.shapes)
            if shapes
        }
    )


class Head(nn.Module):
    """Labels and box deltas for every anchor of one map."""

    def __init__(
        self,
        tower: nn.Module,
        to_labels: nn.Conv2d,
        to_boxes: nn.Conv2d,
        labels: int,
        box_tower: nn.Module | None = None,
    ) -> None:
        """`to_labels` gives shapes * labels channels, `to_boxes` shapes * 4; both get fresh values here.

        `box_tower`: layers before `to_boxes` alone; without, both look at what `tower` gives.
        """
        super().__init__()
        self.tower, self.box_tower, self.to_labels, self.to_boxes = tower, box_tower, to_labels, to_boxes
        self.labels = labels
        for layer in (to_labels, to_boxes):
            nn.init.normal_(layer.weight, std=0.01)
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)
        assert to_labels.bias is not None
        nn.init.constant_(to_labels.bias, -math.log((1 - PRIOR_PROBABILITY) / PRIOR_PROBABILITY))

    def forward(self, map_bchw: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (b, hw * shapes, labels) and deltas (b, hw * shapes, 4)."""
        features = self.tower(map_bchw)
        box_features = features if self.box_tower is None else self.box_tower(map_bchw)
        return by_anchor(self.to_labels(features), self.labels), by_anchor(self.to_boxes(box_features), 4)


def grid_anchors(
    size: tuple[int, int], stride: int, shapes: tuple[tuple[float, float], ...], centre: float = 0.5
) -> Tensor:
    """Anchors (height * width * len(shapes), 4), rows of cells first, then columns, then shapes.

    `centre`: where in its cell an anchor lies. Points lie at 0, where published weights of FCOS look for them.
    """
    height, width = size
    x = (torch.arange(width) + centre) * stride
    y = (torch.arange(height) + centre) * stride
    centres = torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1)[:, :, None]
    half = torch.tensor(shapes) / 2
    return torch.cat([centres - half, centres + half], dim=-1).reshape(-1, 4)


def conv_block(
    channels_in: int,
    channels_out: int,
    stride: int = 1,
    kernel: int = 3,
    groups: int = 1,
    norm: Callable[[int], nn.Module] = nn.BatchNorm2d,
) -> nn.Sequential:
    """Convolution, norm and ReLU; the map shrinks by `stride`."""
    layer = nn.Conv2d(channels_in, channels_out, kernel, stride, kernel // 2, groups=groups, bias=False)
    nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    return nn.Sequential(layer, norm(channels_out), nn.ReLU(inplace=True))


def group_norm(channels: int) -> nn.GroupNorm:
    """The norm of layers that are new: it needs no statistics of the batch, so that batches of one picture will do."""
    return nn.GroupNorm(math.gcd(channels, 32), channels)


def same_tensors(source: nn.Module, built_from_it: nn.Module) -> dict[str, str]:
    """Names of tensors in `source` and the names under which the very same tensors are in `built_from_it`."""
    names = {id(tensor): name for name, tensor in built_from_it.state_dict(keep_vars=True).items()}
    return {name: names[id(t)] for name, t in source.state_dict(keep_vars=True).items() if id(t) in names}


def by_anchor(output_bchw: Tensor, values: int) -> Tensor:
    """(b, shapes * values, h, w) as (b, h * w * shapes, values)."""
    return output_bchw.permute(0, 2, 3, 1).reshape(len(output_bchw), -1, values)
