"""Strategies as a person writes them."""

from __future__ import annotations

import pytest

from core.errors import InputError
from core.study.variants import parse_variant


def test_settings_are_written_with_commas_between_and_lists_keep_theirs() -> None:
    arm = parse_variant(" slow start ", "optimizer.lr=0.001, schedule.milestones=[0.5, 0.8], strategy.kind = frozen,")
    assert arm.name == "slow start"
    assert arm.settings == {"optimizer.lr": 0.001, "schedule.milestones": [0.5, 0.8], "strategy.kind": "frozen"}


@pytest.mark.parametrize(
    ("name", "settings", "word"),
    [
        ("slow", "", "says nothing of its own"),
        ("slow", "optimizer.lr", "'optimizer.lr' is no setting"),
        ("slow", "=3", "is no setting"),
        ("slow", "seed=1, seed=2", "seed is given twice"),
        ("slow", "schedule.milestones=[0.5", "not YAML"),
        ("", "seed=1", "give it a name"),
        ("a/b", "seed=1", "give it a name"),
    ],
)
def test_what_is_no_variant_is_refused_by_its_name(name: str, settings: str, word: str) -> None:
    with pytest.raises(InputError, match=r"^strategy (slow|a/b|\?): ") as refused:
        parse_variant(name, settings)
    assert word in str(refused.value)
