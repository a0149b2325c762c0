"""Which labels a few typed letters mean, best first."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from core.types import Label


@dataclass(frozen=True, slots=True)
class Match:
    """A label that fits, and which letters of its name were typed."""

    label: Label
    letters: frozenset[int] = frozenset()  # places in the name


def fold_name(text: str) -> tuple[str, tuple[int, ...]]:
    """`text` without accents and case, and for each of its letters the place in `text` that it comes from."""
    letters: list[str] = []
    places: list[int] = []
    for place, letter in enumerate(text):
        for part in unicodedata.normalize("NFKD", letter).casefold():
            # The case of an accented letter folds to an accent of its own here and there.
            if not unicodedata.combining(part):
                letters.append(part)
                places.append(place)
    return "".join(letters), tuple(places)


def find_matches(labels: Sequence[Label], typed: str, recent: Sequence[int] = ()) -> list[Match]:
    """The labels that `typed` may mean: those that begin with it, then by words, then inside, then letter by letter.

    Among equals, and where nothing is typed, those of `recent` (ids, the latest first) come first, then the
    order of `labels`.
    """
    query = " ".join(fold_name(typed)[0].split())
    recency = {label_id: place for place, label_id in enumerate(recent)}
    found = []
    for place, label in enumerate(labels):
        ranked = _rank_match(label.name, query)
        if ranked is not None:
            rank, letters = ranked
            found.append(((rank, recency.get(label.id, len(recency)), place), Match(label, letters)))
    return [match for _, match in sorted(found, key=lambda entry: entry[0])]


def same_name(labels: Sequence[Label], typed: str) -> Label | None:
    """The label whose name is `typed`, or differs only by accents, case and spaces."""
    query = fold_name(typed)[0].split()
    return next((label for label in labels if fold_name(label.name)[0].split() == query), None)


def _rank_match(name: str, query: str) -> tuple[int, frozenset[int]] | None:
    """(0 prefix, 1 words, 2 inside, 3 letter by letter; the matched places of `name`), or None."""
    if not query:
        return 0, frozenset()
    text, places = fold_name(name)
    if text.startswith(query):
        return 0, frozenset(places[: len(query)])
    if (spans := _split_words(text, query)) is not None:
        return 1, frozenset(places[at] for start, stop in spans for at in range(start, stop))
    if (start := text.find(query)) >= 0:
        return 2, frozenset(places[start : start + len(query)])
    if (spread := _letter_by_letter(text, query)) is not None:
        return 3, frozenset(places[at] for at in spread)
    return None


def _split_words(text: str, query: str) -> list[tuple[int, int]] | None:
    """Each word of `query` begins a word of `text`, in any order; where they do."""
    starts = [at for at in range(len(text)) if text[at].isalnum() and (at == 0 or not text[at - 1].isalnum())]
    spans = []
    for word in query.split():
        at = next((start for start in starts if text.startswith(word, start)), None)
        if at is None:
            return None
        starts.remove(at)
        spans.append((at, at + len(word)))
    return spans


def _letter_by_letter(text: str, query: str) -> list[int] | None:
    found, at = [], 0
    for letter in query.replace(" ", ""):
        at = text.find(letter, at)
        if at < 0:
            return None
        found.append(at)
        at += 1
    return found
