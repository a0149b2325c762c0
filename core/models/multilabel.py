"""Detection of boxes that carry several labels: targets, loss and decoding, as the rest of the program uses them.

One sigmoid per label and no background class. Everything is batched: no loop over images or labels and no
synchronisation with the host inside a training step.

    matching.py   which anchor, or which point, learns which box
    coding.py     what the numbers that are predicted say of a box
    losses.py     what is wrong with an answer
    decoding.py   detections from an answer
"""

from __future__ import annotations

from core.models.decoding import decode_detections, merge_rows
from core.models.decoding_spec import DecodingSpec
from core.models.losses import LossSettings, LossSums, detection_loss, label_weights
from core.models.target_assignment import Targets

__all__ = [
    "DecodingSpec",
    "LossSettings",
    "LossSums",
    "Targets",
    "decode_detections",
    "detection_loss",
    "label_weights",
    "merge_rows",
]
