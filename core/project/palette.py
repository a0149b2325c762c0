"""Colours and shortcuts for new labels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import count

from core.errors import InputError
from core.types import Label, label_name_fault

# Saturated, of middle lightness: each has a contrast of at least 3 against white and against #202020,
# and neighbours in the list differ in lightness as well as hue, for people who do not see all hues.
COLORS = (
    "#e8443a",
    "#2f83f0",
    "#1f9d55",
    "#c77800",
    "#a259e6",
    "#0c97a8",
    "#e0489c",
    "#7d8b1a",
    "#6e7cf2",
    "#b8694b",
    "#3f9a8a",
    "#8f7a92",
)
SHORTCUTS = ("1", "2", "3", "4", "5", "6", "7", "8", "9", "0")


def extend_labels(
    labels: Sequence[Label], names: Iterable[str], new_id: Callable[[], int] | None = None
) -> tuple[Label, ...]:
    """`labels` and a label for each new name, in order; names that are there already are passed over.

    New labels get the least used colour and the first free digit. Raises InputError if a name is blank.
    """
    take_id = new_id or count(max((label.id for label in labels), default=0) + 1).__next__
    result = list(labels)
    for name in (given.strip() for given in names):
        if not name:
            raise InputError("labels: a name is blank; give each label a name")
        if fault := label_name_fault(name):
            raise InputError(f"labels: {name[:30]!r}: {fault}; choose another")
        if any(label.name == name for label in result):
            continue
        used = [label.color for label in result]
        color = min(COLORS, key=used.count)
        taken = {label.shortcut for label in result}
        result.append(Label(take_id(), name, color, next((digit for digit in SHORTCUTS if digit not in taken), "")))
    return tuple(result)
