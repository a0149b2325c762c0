"""Counts are said in one way."""

from __future__ import annotations

import pytest

from core.counting import format_count, singularize


@pytest.mark.parametrize(
    ("count", "nouns", "text"),
    [
        (1, ("image",), "1 image"),
        (0, ("image",), "0 images"),
        (1, ("box",), "1 box"),
        (2, ("box",), "2 boxes"),
        (3, ("repeated box",), "3 repeated boxes"),
        (2, ("batch",), "2 batches"),
        (8, ("epoch",), "8 epochs"),
        (1_000, ("image",), "1,000 images"),
        (2, ("strategy", "strategies"), "2 strategies"),
        (1, ("strategy", "strategies"), "1 strategy"),
    ],
)
def test_a_count_has_its_noun_and_marks_its_thousands(count: int, nouns: tuple[str, ...], text: str) -> None:
    assert format_count(count, *nouns) == text


@pytest.mark.parametrize("one", ["image", "box", "batch", "epoch", "pass", "brush", "minute", "judgement", "step"])
def test_the_noun_of_one_is_found_from_that_of_several(one: str) -> None:
    assert singularize(format_count(2, one).removeprefix("2 ")) == one
