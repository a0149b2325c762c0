"""From which scores on the Inspect page counts: the checkpoint's operating point, and what the user sets in its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer, Signal

from core.errors import InputError
from core.evaluation.operating_point import HAND, OperatingPoint, describe_own_choice, describe_point
from core.project.operating_points import StoredPoint, load_point, save_hand_set
from desktop.kit.formatting import sentence

KEPT_AFTER = 400  # milliseconds without a move of the slider, after which the thresholds are written
MOST_NAMED = 8  # labels in the line that lists thresholds


class Thresholds(QObject):
    """The thresholds of one checkpoint. What the user sets is kept beside its file, by the names that it knows."""

    changed = Signal()
    failed = Signal(str)  # why what was set is not kept

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._checkpoint: Path | None = None
        self._stored = StoredPoint(OperatingPoint({}, HAND, ""))
        self._renamed: dict[str, str] = {}  # present names of labels by those in the checkpoint
        self._writable = False
        self._pending = False  # the user set something that is not kept yet
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(KEPT_AFTER)
        self._timer.timeout.connect(self.write_now)

    @property
    def point(self) -> OperatingPoint:
        return self._stored.point

    @property
    def is_set_by_hand(self) -> bool:
        return bool(self._stored.hand)

    def list_limits(self, names: Sequence[str]) -> NDArray[np.float32]:
        """The thresholds (k,) of these labels."""
        return self.point.list_limits(names)

    def set_checkpoint(
        self, checkpoint: Path, stored: StoredPoint, renamed: Mapping[str, str], *, writable: bool
    ) -> None:
        """Take over what goes with a checkpoint; labels are under the names that they have in the project."""
        if self._pending:
            self.write_now()
            stored = self._stored if checkpoint == self._checkpoint else stored
        elif checkpoint == self._checkpoint and stored.hand != self._stored.hand:
            stored = load_point(checkpoint).renamed(renamed)  # it was read before the last move was written
        self._checkpoint, self._stored, self._renamed, self._writable = checkpoint, stored, dict(renamed), writable
        self.changed.emit()

    def set_threshold(self, name: str | None, value: float) -> None:
        """The user sets the threshold of one label, or of all."""
        names = self._stored.chosen.thresholds if name is None else [name]
        own = {one: value for one in names if one in self._stored.chosen.thresholds}
        self._set_hand({**self._stored.hand, **own})

    def reset(self) -> None:
        """Go back to the thresholds that the checkpoint came with."""
        self._set_hand({})

    def _set_hand(self, hand: Mapping[str, float]) -> None:
        self._stored = StoredPoint(self._stored.chosen, dict(hand), self._stored.notices)
        if self._writable:
            self._pending = True
            self._timer.start()
        self.changed.emit()

    def write_now(self) -> None:
        """Keep what was set, if it is not yet."""
        if not self._pending or self._checkpoint is None:
            return
        self._pending = False
        self._timer.stop()
        old_names = {new: old for old, new in self._renamed.items()}
        hand = {old_names.get(name, name): value for name, value in self._stored.hand.items()}
        try:
            save_hand_set(self._checkpoint, hand)
        except InputError as error:
            self.failed.emit(str(error))

    def describe(self, names: Sequence[str], chosen_here: int, images: int) -> str:
        """On what they were chosen, and what they are; whether that was on `chosen_here` of the `images` that are shown."""
        point = self.point
        known = [name for name in names if name in point.thresholds]
        values = {f"{point.thresholds[name]:.4g}" for name in known}
        if len(values) == 1:
            text = f"{values.pop()} for every label"
        else:
            shown = [f"{name} {point.thresholds[name]:.4g}" for name in known[:MOST_NAMED]]
            text = ", ".join(shown) + (f" and {len(known) - MOST_NAMED:,} more" if len(known) > MOST_NAMED else "")
        kept = "" if self._writable or not self._stored.hand else " (not kept, the project is open read-only)"
        caution = describe_own_choice(chosen_here, images) if self._stored.uses_validation else ""
        said = f"Score ≥ {text}; {describe_point(point)}{kept}."
        return f"{said} {sentence(caution)}" if caution else said
