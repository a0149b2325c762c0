"""How the image comes along when something is dragged beyond the view: a pure function."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF

LONGEST_STEP = 40.0  # widget pixels


def find_scroll_step(room: QRectF, at: QPointF) -> QPointF:
    """By how many widget pixels the image is moved while the mouse is at `at`, outside of `room`: the farther, the more."""
    return QPointF(
        _step_towards(at.x(), room.left(), room.right()),
        _step_towards(at.y(), room.top(), room.bottom()),
    )


def _step_towards(value: float, low: float, high: float) -> float:
    beyond = min(value - low, 0.0) or max(value - high, 0.0)
    return math.copysign(min(abs(beyond), LONGEST_STEP), -beyond) if beyond else 0.0
