"""How well a few typed letters fit a text: those at the start of words and in a row count most."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

T = TypeVar("T")

BEGINNING, WORD_START, IN_A_ROW, ANYWHERE = 10.0, 8.0, 6.0, 1.0
SKIPPED = 0.05  # taken off for each letter of the text that is left out


def rank_items(query: str, items: Iterable[T], text_of: Callable[[T], str]) -> list[T]:
    """The items that fit every word of `query`, the best first; among equals the given order stays."""
    words = query.casefold().split()
    scored = []
    for item in items:
        text = text_of(item).casefold()
        scores = [score_word(word, text) for word in words]
        if all(one is not None for one in scores):
            scored.append((sum(one for one in scores if one is not None), item))
    # A stable sort by the score alone.
    return [item for _, item in sorted(scored, key=lambda pair: -pair[0])]


def score_word(word: str, text: str) -> float | None:
    """How well the letters of `word` fit `text` in their order; None if they do not.

    The best of all ways to find them: best[j] is the score with the letters so far, the last of them at j.
    """
    if not word:
        return 0.0
    best: Sequence[float | None] = [score_letter(text, j) if text[j] == word[0] else None for j in range(len(text))]
    for letter in word[1:]:
        following: list[float | None] = [None] * len(text)
        reached: float | None = None  # the best up to two letters before j
        for j in range(1, len(text)):
            before = best[j - 1]
            if text[j] == letter:
                ways = [before + IN_A_ROW] if before is not None else []
                ways += [reached + score_letter(text, j)] if reached is not None else []
                ways += [before + score_letter(text, j)] if before is not None else []
                following[j] = max(ways, default=None)
            if before is not None and (reached is None or before > reached):
                reached = before
        best = following
    found = [one for one in best if one is not None]
    return max(found) - SKIPPED * (len(text) - len(word)) if found else None


def score_letter(text: str, at: int) -> float:
    if at == 0:
        return BEGINNING
    return ANYWHERE if text[at - 1].isalnum() else WORD_START
