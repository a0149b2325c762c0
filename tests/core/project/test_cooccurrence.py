"""How often labels occur together."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core.project.cooccurrence import count_cooccurrence


def test_pairs_are_counted_once_for_each_box_and_shares_are_of_the_first_label() -> None:
    found = count_cooccurrence({frozenset({1}): 6, frozenset({1, 2}): 3, frozenset({1, 2, 3}): 1, frozenset(): 9})
    assert found.boxes == {1: 10, 2: 4, 3: 1} and found.alone == {1: 6}
    assert found.partners(1) == [(2, 4), (3, 1)] and found.partners(4) == []
    assert (found.share(1, 2), found.share(2, 1), found.share(1, 1), found.share(4, 1)) == (0.4, 1.0, 0.6, 0.0)


@given(st.dictionaries(st.frozensets(st.integers(1, 6), max_size=4), st.integers(1, 50), max_size=12))
def test_numbers_agree_with_looking_at_every_box(counts: dict[frozenset[int], int]) -> None:
    boxes = [labels for labels, count in counts.items() for _ in range(count)]
    found = count_cooccurrence(counts)
    for one in range(1, 7):
        assert found.boxes.get(one, 0) == sum(one in labels for labels in boxes)
        assert found.alone.get(one, 0) == sum(labels == {one} for labels in boxes)
        for other in range(1, 7):
            both = sum({one, other} <= labels for labels in boxes) if one != other else 0
            assert found.pairs.get((one, other), 0) == both
