"""Counts of a division by label, and the warnings about it."""

from __future__ import annotations

from core.project.images.split_table import divided_groups, left_empty, list_names, split_table, torn_groups
from core.types import ImageRecord, Label, Split, Status

SCRATCH, PIT = Label(1, "scratch", "#ff0000"), Label(2, "pit", "#00ff00")


def image(number: int, split: Split, *labels: int, group: str = "", status: Status = Status.LABELLED) -> ImageRecord:
    sets = (frozenset(labels),) if labels else ()
    return ImageRecord(number, f"{number}.png", 9, 9, status, split, group, box_count=len(sets), label_sets=sets)


def test_images_are_counted_by_label_and_split() -> None:
    images = [
        image(1, Split.TRAIN, 1),
        image(2, Split.TRAIN, 1, 2),
        image(3, Split.VAL, 1),
        image(4, Split.NONE, status=Status.CLEAN),
        image(5, Split.TEST, status=Status.UNLABELLED),
    ]
    table = split_table(images, [SCRATCH, PIT])
    rows = {row.name: {split: count for split, count in row.counts.items() if count} for row in table.rows}
    assert rows == {
        "All images": {Split.TRAIN: 2, Split.VAL: 1, Split.NONE: 1, Split.TEST: 1},
        "scratch": {Split.TRAIN: 2, Split.VAL: 1},
        "pit": {Split.TRAIN: 1},
        "Clean": {Split.NONE: 1},
        "Without labels": {Split.TEST: 1},
    }
    assert table.rows[1].share(Split.TRAIN) == 2 / 3 and table.rows[1].label == SCRATCH.id


def test_a_label_that_a_split_lacks_is_told() -> None:
    images = [image(1, Split.TRAIN, 1), image(2, Split.TRAIN, 2), image(3, Split.VAL, 1), image(4, Split.TEST, 2)]
    warnings = split_table(images, [SCRATCH, PIT]).warnings
    assert len(warnings) == 2
    assert "No image in val carries “pit”" in warnings[0] and "No image in test carries “scratch”" in warnings[1]


def test_what_is_planned_counts_in_place_of_what_is() -> None:
    images = [image(1, Split.TRAIN, 1, group="lot"), image(2, Split.TRAIN, 1, group="lot")]
    assert split_table(images, [SCRATCH]).warnings == ()
    planned = {2: Split.VAL}
    (warning,) = split_table(images, [SCRATCH], planned).warnings
    assert "The group “lot” is divided" in warning
    assert divided_groups(images, planned) == ["lot"]


def test_images_in_no_split_divide_no_group() -> None:
    images = [image(1, Split.TRAIN, group="lot"), image(2, Split.NONE, group="lot"), image(3, Split.VAL)]
    assert divided_groups(images) == []


def test_moving_part_of_a_group_tells_which_images_would_stay_behind() -> None:
    images = [
        image(1, Split.TRAIN, group="a"),
        image(2, Split.TRAIN, group="a"),
        image(3, Split.VAL, group="a"),
        image(4, Split.NONE, group="a"),
        image(5, Split.TRAIN, group="b"),
        image(6, Split.TRAIN),
    ]
    assert torn_groups(images, [1, 5, 6], Split.VAL) == {"a": [2]}
    assert torn_groups(images, [1, 2], Split.VAL) == {}
    assert torn_groups(images, [1], Split.NONE) == {}


def test_long_lists_of_names_are_cut() -> None:
    assert list_names(["a", "b", "c", "d", "e"]) == "“a”, “b”, “c” and 2 more"


def test_a_split_that_was_asked_for_and_comes_out_empty_is_told() -> None:
    table = split_table([image(1, Split.TRAIN, 1, group="a"), image(2, Split.VAL, 1, group="b")], [SCRATCH])
    (told,) = left_empty(table, {Split.TRAIN: 0.7, Split.VAL: 0.15, Split.TEST: 0.15})
    assert told.startswith("No image comes to test, though 15% were asked for")
    assert left_empty(table, {Split.TRAIN: 0.8, Split.VAL: 0.2, Split.TEST: 0}) == []
    assert left_empty(split_table([], [SCRATCH]), {Split.TRAIN: 1.0}) == []
