"""From a model's name to its network, and from what a checkpoint says of it back to the same network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from core.errors import InputError
from core.models.anchors import Anchors
from core.models.networks import classifier, compact, fcos, mobilenet, ppn, resnet, retinanet, vgg
from core.models.networks.detector import Detector, Network
from core.models.registry import MODELS, ModelSpec


@dataclass(frozen=True, slots=True)
class Architecture:
    """Everything that fixes a network's shape. Kept in the checkpoint.

    Options that are not named have the default value, which is the first of `ModelSpec.options`.
    """

    model: str
    anchors: Anchors  # NO_ANCHORS for a model that finds no boxes
    labels: int
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def spec(self) -> ModelSpec:
        """The registry's row, with the strides, stages and sizes that the options give."""
        return MODELS[self.model].with_options(self.options)

    def option(self, name: str) -> Any:
        """The value of an option of this model."""
        return self.options.get(name, MODELS[self.model].options[name][0])

    def build(self) -> Network:
        """The network, with random weights drawn from torch's global generator."""
        return FAMILIES[self.model](self)

    def build_detector(self) -> Detector:
        """The same, of a model that finds boxes."""
        network = self.build()
        if not isinstance(network, Detector):
            raise InputError(f"model: {self.model} tells what is in an image, not where; choose one that finds boxes")
        return network

    def to_json(self) -> dict[str, Any]:
        return {
            "model": self.model,
            "anchors": self.anchors.to_json(),
            "labels": self.labels,
            "options": self.options,
        }

    @classmethod
    def from_json(cls, values: Any, where: str) -> Architecture:
        """Raises InputError naming `where` if `values` do not describe a network that this program knows."""
        try:
            architecture = cls(
                str(values["model"]),
                Anchors.from_json(values["anchors"]),
                int(values["labels"]),
                {str(name): value for name, value in values["options"].items()},
            )
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
            raise InputError(f"{where}: damaged, its description of the network is wrong ({error})") from error
        if architecture.model not in MODELS:
            raise InputError(
                f"{where}: needs model {architecture.model!r}, which this version does not know; update the program"
            )
        try:
            spec = architecture.spec
        except ValueError as error:
            raise InputError(f"{where}: damaged, or written by a newer version of the program ({error})") from error
        shapes = sum(len(level) for level in architecture.anchors.shapes)
        if architecture.anchors.strides != spec.strides or not 1 <= architecture.labels <= 10_000 or shapes > 200:
            raise InputError(f"{where}: damaged, its anchors or labels do not fit {architecture.model}")
        return architecture


# How each model is built. A new family is a row in the registry and one here.
FAMILIES: dict[str, Callable[[Architecture], Network]] = {
    "ssd_compact": lambda wanted: compact.build_network(wanted.anchors, wanted.labels, wanted.option("norm")),
    "ssd300_vgg16": lambda wanted: vgg.build_network(wanted.anchors, wanted.labels, 4, wanted.option("norm")),
    "ssd512_vgg16": lambda wanted: vgg.build_network(wanted.anchors, wanted.labels, 5, wanted.option("norm")),
    "ssdlite320_mobilenet_v3": lambda wanted: mobilenet.build_network(
        wanted.anchors, wanted.labels, wanted.option("reduced_tail"), wanted.option("norm")
    ),
    "ssd_mobilenet_v1_ppn": lambda wanted: ppn.build_network(wanted.anchors, wanted.labels, wanted.option("tap")),
    "ssd_resnet50": lambda wanted: resnet.build_network(wanted.anchors, wanted.labels, wanted.option("norm")),
    "retinanet_resnet50_fpn": lambda wanted: retinanet.build_network(
        wanted.anchors, wanted.labels, wanted.option("norm")
    ),
    "fcos_resnet50_fpn": lambda wanted: fcos.build_network(wanted.anchors, wanted.labels, wanted.option("norm")),
    "vgg19": lambda wanted: classifier.build_vgg19(wanted.labels),
    "resnet50": lambda wanted: classifier.build_resnet50(wanted.labels, wanted.option("norm")),
}
assert FAMILIES.keys() == MODELS.keys(), "every model of the registry has a family, and the other way round"
