"""The random numbers of one augmented picture."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Self

import numpy as np


@dataclass(frozen=True, slots=True)
class Draws:
    """One number in 0..1 for each decision, all drawn whatever is switched on.

    So each control moves its own effect only: turning the rotation up never changes which way the
    picture is mirrored, and a preview follows a slider instead of jumping about.
    """

    horizontal_flip: float
    vertical_flip: float
    rotation: float
    scale: float
    shift_x: float
    shift_y: float
    shear: float
    shear_axis: float
    crop: float
    brightness: float
    contrast: float
    saturation: float
    blur: float
    noise: float
    on_box: float
    which_box: float
    place_x: float
    place_y: float
    quarter_turn: float

    @classmethod
    def of(cls, random: np.random.Generator) -> Self:
        return cls(*random.random(len(fields(cls))).tolist())


def either_way(draw: float, largest: float) -> float:
    """A number between -largest and +largest from one in 0..1."""
    return (2 * draw - 1) * largest
