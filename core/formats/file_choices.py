"""Names of images that several files have: what they may mean, and the answer of whoever was asked."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

# Read by whoever looks files up: an answer is that of one reading, whatever its format.
_CHOSEN: ContextVar[Mapping[str, Path] | None] = ContextVar("chosen files", default=None)


@dataclass(frozen=True, slots=True)
class AmbiguousImage:
    """A name as the annotations write it, and the files that it may mean."""

    name: str
    candidates: tuple[Path, ...]


@contextmanager
def choosing_files(chosen: Mapping[str, Path] | None) -> Iterator[None]:
    """While it holds, a name that several files have means the one that was `chosen` for it, if it is one of them."""
    token = _CHOSEN.set(chosen)
    try:
        yield
    finally:
        _CHOSEN.reset(token)


def find_choice(name: str, candidates: Sequence[Path]) -> Path | None:
    """The file that was chosen for a name; None if there was no answer, or one that is none of the candidates."""
    choice = (_CHOSEN.get() or {}).get(name)
    return choice if choice in candidates else None


def list_folders(images: Sequence[AmbiguousImage]) -> list[tuple[Path, int]]:
    """Folders that candidates lie in, and how many of the names one of each would answer; the most first."""
    counts: Counter[Path] = Counter()
    for image in images:
        counts.update({path.parent for path in image.candidates})
    return sorted(counts.items(), key=lambda entry: (-entry[1], os.fspath(entry[0])))


def choose_by_folder(images: Sequence[AmbiguousImage], folder: Path) -> dict[str, Path]:
    """For each name the candidate in `folder`, or the only one below it; names without such a one have no answer."""
    chosen: dict[str, Path] = {}
    for image in images:
        inside = [path for path in image.candidates if path.parent == folder]
        below = inside or [path for path in image.candidates if path.is_relative_to(folder)]
        if len(below) == 1:
            chosen[image.name] = below[0]
    return chosen
