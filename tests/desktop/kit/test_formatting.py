"""Counts where there is little room, and sentences."""

from __future__ import annotations

import pytest

from desktop.kit import formatting


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, "0"),
        (9_999, "9,999"),
        (10_000, "10.0k"),
        (99_999, "99.9k"),
        (100_000, "100k"),
        (999_999, "999k"),
        (1_234_567, "1.23M"),
        (123_456_789, "123M"),
    ],
)
def test_large_counts_are_short_and_never_more_than_there_are(count: int, expected: str) -> None:
    assert formatting.short(count) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("the disk is full ", "The disk is full."), ("Is it so?", "Is it so?"), ("mAP", "MAP."), ("", "")],
)
def test_what_is_said_within_a_sentence_becomes_one(text: str, expected: str) -> None:
    assert formatting.sentence(text) == expected
