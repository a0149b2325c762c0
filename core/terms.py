"""What things are called wherever a user reads of them: in the window, in the terminal and in the help.

One name for one thing. A test holds every text of the program and of the help against this table.
"""

from __future__ import annotations

from dataclasses import dataclass

MAP50 = "mAP@0.5"
MAP = "mAP@[.5:.95]"
STUDY = "Transfer study"


@dataclass(frozen=True, slots=True)
class Term:
    """A name, and what the same thing is never called: regular expressions over whole words."""

    name: str
    never: tuple[str, ...]


TERMS = (
    Term(MAP50, (r"mAP@\.50?(?!\d|:)", r"mAP@0\.50", r"mAP@?50(?![-:])", r"mAP at 0?\.5")),
    Term(MAP, (r"mAP@\[0\.50?:0?\.95\]", r"mAP@0?\.50?:0?\.95", r"mAP@?50[-:]95")),
    Term("AP@0.5", (r"(?<!m)AP@\.50?(?!\d|:)", r"(?<!m)AP@?50")),
    Term("Missed", (r"Miss", r"Misses")),
    Term(STUDY, (r"Compare strategies(?:…| on this data)", r"[Tt]ransfer-learning study", r"[Ss]trategy study")),
    Term("guides", (r"[Cc]ross-?hairs?",)),
    Term("overview", (r"[Mm]ini-?map",)),
    Term("box", (r"[Bb]ounding boxe?s?",)),
    Term("label", (r"[Aa]nnotation classes",)),
)
