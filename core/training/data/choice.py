"""One choice of a proposal, in settings and in words. Imports no torch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Choice:
    """Some settings that belong together, and why they are what they are."""

    about: str  # what is chosen, such as "Input"
    settings: Mapping[str, Any]  # by dotted name
    what: str  # in words, such as "crops of 128 px"
    why: str  # a clause

    @property
    def sentence(self) -> str:
        return f"{self.about}: {self.what}, because {self.why}"

    def to_json(self) -> dict[str, Any]:
        return {"about": self.about, "settings": dict(self.settings), "what": self.what, "why": self.why}


def round_count(count: float) -> str:
    """Two digits of a number that is only estimated."""
    digits = max(0, math.floor(math.log10(max(count, 1))) - 1)
    return f"{round(count, -digits):,.0f}"


def describe_seconds(seconds: float) -> str:
    """A duration that is only estimated."""
    if seconds >= 90:
        return f"{seconds / 60:.0f} min"
    return f"{seconds:.0f} s" if seconds >= 9.5 else f"{seconds:.1f} s"
