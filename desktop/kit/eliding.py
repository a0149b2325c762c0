"""Cutting a file's name so that what tells it from its neighbours stays."""

from __future__ import annotations

import re

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetrics

_NUMBER = re.compile(r"\d+")


def elide_name(name: str, metrics: QFontMetrics, width: int) -> str:
    """A name in `width` pixels: cut in the middle, but beside its number, which most often is all that differs.

    The number is the longest run of digits, the last of several as long. Where it alone has no room, the middle goes.
    """
    middle = metrics.elidedText(name, Qt.TextElideMode.ElideMiddle, width)
    numbers = list(_NUMBER.finditer(name))
    if middle == name or not numbers:
        return middle
    number = max(numbers, key=lambda found: (len(found[0]), found.start()))
    head, _, tail = middle.partition("…")
    if number.end() <= len(head) or number.start() >= len(name) - len(tail):
        return middle
    room = width - metrics.horizontalAdvance(number[0])
    before, after = name[: number.start()], name[number.end() :]
    left = min(metrics.horizontalAdvance(before), max(room // 2, room - metrics.horizontalAdvance(after)))
    shown = _cut(before, metrics, left, keep_end=False) + number[0]
    shown += _cut(after, metrics, width - metrics.horizontalAdvance(shown), keep_end=True)
    return shown if metrics.horizontalAdvance(shown) <= width else middle


def _cut(text: str, metrics: QFontMetrics, width: int, *, keep_end: bool) -> str:
    """As much of the beginning or the end of a part of a name as has room, and dots for the rest."""
    for count in range(len(text), 0, -1):
        kept = text[len(text) - count :] if keep_end else text[:count]
        shown = kept if count == len(text) else f"…{kept}" if keep_end else f"{kept}…"
        if metrics.horizontalAdvance(shown) <= width:
            return shown
    return "…" if text else ""
