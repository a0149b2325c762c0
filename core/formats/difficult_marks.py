"""Which marks of a file make a box difficult, such as "truncated": a user chooses, and all of them are counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import replace
from itertools import chain
from typing import Any

from core.errors import InputError
from core.formats.annotations import CROWD, DIFFICULT, IGNORE, OCCLUDED, TRUNCATED, ImportedAnnotations
from core.formats.text import quote_short
from core.types import Problem

TAKEN, LEFT_OUT = "difficult", "mark"  # kinds of problems
KNOWN = (DIFFICULT, CROWD, IGNORE, TRUNCATED, OCCLUDED)
ALL, NONE = "all", "none"
_LISTED = 30  # marks that are told one by one: a file may have a flag for everything
_MOST_NAMED = 12
_ALIASES = {**{name: name for name in KNOWN}, "ignored": IGNORE}
_YES = ("1", "true", "yes")
_NO_MARKS = ("iscrowd", "keyframe", "outside")  # what other programs say of a shape beside its meaning


def find_known_mark(name: str) -> str | None:
    """The mark that an attribute of this name is, if its name is enough to know it."""
    return _ALIASES.get(_fold(name))


def find_marks(*places: Any, known_only: bool = False) -> list[str]:
    """Names of the attributes that are set: true or, of those whose names are known, also 1 or yes.

    `places` are where a file tells of one thing; what is no object has none.
    """
    found = []
    for name, value in chain.from_iterable(place.items() for place in places if isinstance(place, dict)):
        text = str(value).strip().lower() if isinstance(value, str | int | float) else ""
        known = find_known_mark(name)
        if known is not None and text in _YES:
            found.append(known)
        elif known is None and not known_only and text == "true" and _fold(name) not in _NO_MARKS:
            found.append(quote_short(name))
    return list(dict.fromkeys(found))


def count_marks(imported: ImportedAnnotations) -> dict[str, int]:
    """How many boxes have each mark, the known marks first."""
    counts = Counter(mark for image in imported.images for marks in image.marks for mark in marks)
    order = {mark: place for place, mark in enumerate(KNOWN)}
    return dict(sorted(counts.items(), key=lambda entry: (order.get(entry[0], len(order)), -entry[1], entry[0])))


def count_difficult(imported: ImportedAnnotations) -> int:
    """How many boxes become difficult by the marks that were chosen."""
    return sum(bool(marks & imported.difficult_marks) for image in imported.images for marks in image.marks)


def choose_difficult(imported: ImportedAnnotations, chosen: Collection[str]) -> ImportedAnnotations:
    """`imported` with the marks by which a box is difficult, and what is said of all marks in their place."""
    found = replace(imported, difficult_marks=frozenset(chosen))
    marks = count_marks(found)
    taken = frozenset(marks) & found.difficult_marks
    told = [_describe_mark(found, mark, count, taken) for mark, count in list(marks.items())[:_LISTED]]
    if len(marks) > _LISTED:
        text = f"{len(marks) - _LISTED:,} more marks of boxes were left out, unless they were chosen"
        told.append(Problem(str(found.source), text, LEFT_OUT))
    others = [problem for problem in imported.problems if problem.kind not in (TAKEN, LEFT_OUT)]
    counts = {kind: count for kind, count in imported.problem_counts.items() if kind not in (TAKEN, LEFT_OUT)}
    return replace(
        found,
        problems=(*others, *told),
        problem_counts=counts | Counter(problem.kind for problem in told),
    )


def _describe_mark(imported: ImportedAnnotations, mark: str, count: int, taken: Collection[str]) -> Problem:
    boxes, them = ("box is", "the box was") if count == 1 else ("boxes are", "the boxes were")
    if mark in taken:
        text = f"{count:,} {boxes} marked as {mark}: training and judging ignore what is there"
        return Problem(str(imported.source), text, TAKEN)
    option = ",".join([*(one for one in KNOWN if one in taken), *sorted(set(taken) - set(KNOWN)), mark])
    if len(taken) > _MOST_NAMED:
        option = ALL
    text = (
        f"{count:,} {boxes} marked as {mark}; the mark was left out, and {them} taken as any other "
        f"(--difficult {option} makes them difficult)"
    )
    return Problem(str(imported.source), text, LEFT_OUT)


def parse_difficult(texts: Iterable[str], imported: ImportedAnnotations) -> frozenset[str]:
    """The marks that an option names, with commas between them; "all" of the file, or "none".

    Raises InputError if the file has no such mark, and it is none that files of other programs usually have.
    """
    marks = count_marks(imported)
    by_name = {"iscrowd": CROWD} | {_fold(mark): mark for mark in (*KNOWN, *marks)}
    chosen: set[str] = set()
    for text in texts:
        # A flag of labelme may have a comma in its name.
        for part in [text] if _fold(text) in by_name else text.split(","):
            name = part.strip()
            if name.lower() == ALL:
                chosen |= marks.keys()
            elif _fold(name) in by_name:
                chosen.add(by_name[_fold(name)])
            elif (known := find_known_mark(name)) is not None:
                chosen.add(known)
            elif name.lower() != NONE:
                there = ", ".join(list(marks)[:_MOST_NAMED]) or "none at all"
                raise InputError(
                    f"{imported.source}: no box of it is marked as {quote_short(name)!r}; its marks are: {there} "
                    f"(--difficult takes those, {', '.join(KNOWN)}, {ALL} or {NONE})"
                )
    return frozenset(chosen)


def _fold(name: str) -> str:
    folded = "".join(letter for letter in name.casefold() if letter not in " _-")
    return folded.removeprefix("is") if folded in ("istruncated", "isoccluded", "isdifficult") else folded
