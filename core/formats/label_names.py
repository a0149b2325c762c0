"""Names in annotations that stand for something else than a defect."""

from __future__ import annotations

BACKGROUND = frozenset({"_background_", "__background__"})
IGNORED = frozenset({"__ignore__", "_ignore_"})


def find_reserved_meaning(name: object) -> str:
    """What other programs mean by a label of this name, if it is none of a defect; empty for any other name."""
    text = name.strip().lower() if isinstance(name, str) else ""
    if text in BACKGROUND:
        return "it stands for the background"
    if text in IGNORED:
        return "it stands for what is to be ignored"
    return ""
