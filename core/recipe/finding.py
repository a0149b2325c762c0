"""What is to be known of a recipe on the data that it is for, before it is trained, and what would mend it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from core.recipe.field_words import describe_change

Severity = Literal["low", "medium", "high"]


@dataclass(frozen=True, slots=True)
class Mend:
    """A change of the recipe that was tried on the data, and helps."""

    settings: Mapping[str, Any]  # by dotted name, as `with_settings` takes them
    words: str = ""  # what it is, in the words of the form, after "set" or "choose"
    gain: str = ""  # what comes of it, such as "reaches 98%"

    def __post_init__(self) -> None:
        if not self.words:
            object.__setattr__(self, "words", describe_change(self.settings))

    @property
    def sentence(self) -> str:
        return f"{self.words} ({self.gain})" if self.gain else self.words


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a recipe does badly on these data."""

    code: str  # what is found, for programs, such as "too_large_for_crops"
    severity: Severity
    what: str  # in words, without the mends
    labels: Mapping[str, int] = field(default_factory=dict)  # boxes that are concerned, by label
    mends: tuple[Mend, ...] = ()  # the best first

    @property
    def text(self) -> str:
        """All of it, as one line."""
        mends = "; or ".join(mend.sentence for mend in self.mends)
        return f"{self.what}; {mends}" if mends else self.what

    def to_json(self) -> dict[str, Any]:
        mends = [asdict(mend) | {"settings": dict(mend.settings)} for mend in self.mends]
        return {
            "code": self.code,
            "severity": self.severity,
            "text": self.text,
            "labels": dict(self.labels),
            "mends": mends,
        }
