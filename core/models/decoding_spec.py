"""How raw outputs become detections. Imports no torch: who keeps predictions says by which values they were made."""

from __future__ import annotations

from dataclasses import asdict, dataclass

# For average precision, low scores count too; a lower floor changes nothing that shows in four digits.
SCORE_FLOOR = 0.01


@dataclass(frozen=True, slots=True)
class DecodingSpec:
    """How raw outputs become detections: one set of values for whoever predicts, judges or shows."""

    score_floor: float = SCORE_FLOOR
    nms_iou: float = 0.45  # as in SSD
    max_candidates: int = 4000  # pairs of a box and a label, by image, that go on to non-maximum suppression
    max_detections: int = 300

    def describe(self) -> str:
        """All values, as text that differs where one of them does."""
        return " ".join(f"{name}={value:g}" for name, value in asdict(self).items())
