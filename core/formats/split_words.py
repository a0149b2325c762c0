"""Which split the words of other programs mean."""

from __future__ import annotations

from core.types import Split

_WORDS = {
    **dict.fromkeys(("train", "training", "trainval", "learn"), Split.TRAIN),
    **dict.fromkeys(("val", "valid", "validation", "validate", "dev"), Split.VAL),
    **dict.fromkeys(("test", "testing", "eval", "evaluation"), Split.TEST),
    **dict.fromkeys(("none", "unassigned", "default", "nan"), Split.NONE),
}


def parse_split(word: str) -> Split | None:
    """The split that a word means, NONE if it means that there is none; None for any other word."""
    return _WORDS.get(word.strip().lower())
