"""How raw outputs become detections. Imports no torch: who keeps predictions says by which values they were made."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Self

# For average precision, low scores count too; a lower floor changes nothing that shows in four digits.
SCORE_FLOOR = 0.01

# Raised where equal values give other detections than before; 1 is from before it was kept.
RULES = 2

# As many detections as an image has boxes, and as many false ones: more would be of the lowest scores.
_ROOM = 2
# Where images are crowded, pairs of a box and a label for each detection that may come of them.
_CANDIDATES_EACH = 40


@dataclass(frozen=True, slots=True)
class DecodingSpec:
    """How raw outputs become detections: one set of values for whoever predicts, judges or shows."""

    score_floor: float = SCORE_FLOOR
    nms_iou: float = 0.45  # as in SSD
    max_candidates: int = 4000  # pairs of a box and a label, by part of an image, that go on to non-maximum suppression
    max_detections: int = 300  # by image and by part of one; what scores `sure_score` is kept beyond it
    sure_score: float = 0.1
    rules: int = RULES

    @classmethod
    def for_images(cls, most_boxes: int) -> Self:
        """The values for images of which the fullest has `most_boxes`: the usual ones, unless those would cut."""
        most = _ROOM * most_boxes
        usual = cls()
        if most <= usual.max_detections:
            return usual
        return cls(max_detections=most, max_candidates=max(usual.max_candidates, _CANDIDATES_EACH * most))

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """The values that `describe` wrote; None if it did not write this."""
        kinds = {name: type(value) for name, value in asdict(cls()).items()}
        try:
            values = {name: kinds[name](value) for name, value in (part.split("=") for part in text.split())}
        except (KeyError, ValueError):
            return None
        return cls(**({"rules": 1} | values))

    def covers(self, other: DecodingSpec) -> bool:
        """Whether what was made by these values serves whoever asks for `other`: no cap is lower, the rest the same."""
        caps = {"max_candidates": self.max_candidates, "max_detections": self.max_detections}
        return replace(other, **caps) == self and all(cap >= getattr(other, name) for name, cap in caps.items())

    def describe(self) -> str:
        """All values, as text that differs where one of them does."""
        return " ".join(f"{name}={value:.10g}" for name, value in asdict(self).items())
