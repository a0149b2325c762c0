"""What looking at validation images gives: per image, and all together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from core.models.checkpoint import Metrics
from core.types import Detections


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """One image as the network sees it. Plain values, so that processes can send it to each other."""

    label_loss: float  # summed, not yet normalised
    box_loss: float
    positives: float
    found: Detections  # of a model that finds no boxes: one box, the whole image


@dataclass(frozen=True, slots=True, eq=False)
class ValidationResult:
    """How good a network is on the validation images. A measure is None where there is nothing to judge it by."""

    label_loss: float  # normalised by the positives of all validation images together
    box_loss: float
    rank: float | None  # what makes one network better than another: more is better
    map50: float | None = None
    map: float | None = None
    labels: dict[str, float | None] = field(default_factory=dict)  # average precision by label
    # By label: of the best F1; None where nothing is right.
    thresholds: dict[str, float | None] = field(default_factory=dict)
    metrics: dict[str, float | None] = field(default_factory=dict)  # further measures by name, such as macro_f1

    def kept(self) -> Metrics:
        """What a checkpoint says of it."""
        return Metrics(map50=self.map50, map=self.map, label_ap50=self.labels)


def normalized_losses(looks: Sequence[Look]) -> tuple[float, float]:
    """Label loss and box loss of all images together."""
    divisor = max(sum(look.positives for look in looks), 1.0)
    return sum(look.label_loss for look in looks) / divisor, sum(look.box_loss for look in looks) / divisor
