"""What was wrong with a source: each fault by its kind, so many of a kind and no more, and the boxes that it cost."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from core.errors import InputError
from core.formats.text import quote_short
from core.types import Problem

_LISTED_OF_A_KIND = 1000  # the others are counted
_RUBBISH = 100_000  # entries that cannot be used, from which on a file is not worth reading


@dataclass(slots=True)
class ProblemLog:
    """Faults and notes of one source in the order they were met."""

    source: Path
    problems: list[Problem] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)  # by kind, also of those that are not listed
    lost_boxes: Counter[str] = field(default_factory=Counter)  # boxes that were left out, by the kind of problem
    used: int = 0  # entries
    unused: int = 0

    def report(self, kind: str, problem: str, file: Path | str | None = None) -> None:
        """Note a fault. Of one `kind` a thousand are listed. Raises InputError once the file is mostly faults."""
        self.note(kind, problem, file)
        self.pass_over()

    def note(self, kind: str, text: str, file: Path | str | None = None) -> None:
        """Say how something was understood that is used all the same. Of one `kind` a thousand are listed."""
        self.counts[kind] += 1
        if self.counts[kind] <= _LISTED_OF_A_KIND:
            self.problems.append(Problem(str(file if file is not None else self.source), text, kind))

    def note_once(self, kind: str, text: str, file: Path | str | None = None) -> None:
        """`note` that says a thing of the whole only once."""
        if not self.counts[kind]:
            self.note(kind, text, file)

    def pass_over(self) -> None:
        """Count an entry that cannot be used, for a reason that was told before. Raises InputError as `report` does."""
        self.unused += 1
        if self.unused > _RUBBISH and self.unused > self.used and self.problems:
            last = self.problems[-1]
            raise InputError(
                f"{self.source}: more of it cannot be used than can, such as {quote_short(last.file, 200)}: {last.problem}; "
                "check that it is the right file, and the images' folder"
            )

    def count_the_rest(self) -> None:
        """Say how many problems are not listed."""
        for kind, count in list(self.counts.items()):
            if count > _LISTED_OF_A_KIND:
                text = f"and {count - _LISTED_OF_A_KIND:,} more problems of this kind: {kind}"
                self.problems.append(Problem(str(self.source), text, kind))
