"""From a model's name to its network, and from what a checkpoint says of it back to the same network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from core.errors import InputError
from core.models import compact, mobilenet, vgg
from core.models.anchors import Anchors
from core.models.detector import Detector
from core.models.registry import MODELS

# (anchors, number of labels, reduced tail)
Build = Callable[[Anchors, int, bool], Detector]

FAMILIES: dict[str, Build] = {
    "ssd_compact": lambda anchors, labels, _: compact.build(anchors, labels),
    "ssd300_vgg16": lambda anchors, labels, _: vgg.build(anchors, labels),
    "ssdlite320_mobilenet_v3": mobilenet.build,
}
assert FAMILIES.keys() == MODELS.keys(), "every model of the registry has a family, and the other way round"


@dataclass(frozen=True, slots=True)
class Architecture:
    """Everything that fixes a network's shape. Kept in the checkpoint."""

    model: str
    anchors: Anchors
    labels: int
    reduced_tail: bool = False

    def build(self) -> Detector:
        """The network, with random weights drawn from torch's global generator."""
        return FAMILIES[self.model](self.anchors, self.labels, self.reduced_tail)

    def to_json(self) -> dict[str, Any]:
        return {
            "model": self.model,
            "anchors": self.anchors.to_json(),
            "labels": self.labels,
            "reduced_tail": self.reduced_tail,
        }

    @classmethod
    def from_json(cls, values: Any, where: str) -> Architecture:
        """Raises InputError naming `where` if `values` do not describe a network that this program knows."""
        try:
            architecture = cls(
                str(values["model"]),
                Anchors.from_json(values["anchors"]),
                int(values["labels"]),
                bool(values["reduced_tail"]),
            )
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise InputError(f"{where}: damaged, its description of the network is wrong ({error})") from error
        spec = MODELS.get(architecture.model)
        if spec is None:
            raise InputError(
                f"{where}: needs model {architecture.model!r}, which this version does not know; update the program"
            )
        shapes = sum(len(level) for level in architecture.anchors.shapes)
        if architecture.anchors.strides != spec.strides or not 1 <= architecture.labels <= 10_000 or shapes > 200:
            raise InputError(f"{where}: damaged, its anchors or labels do not fit {architecture.model}")
        return architecture
