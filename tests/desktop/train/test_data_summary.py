"""What a training would learn from, counted and said."""

from __future__ import annotations

from core.types import ImageRecord, Split, Status
from desktop.train.recipe.data_summary import count_data, describe_data_problem, describe_unused

LABEL, NO_LABEL = frozenset({1}), frozenset[int]()


def record(number: int, status: Status, split: Split = Split.TRAIN, *sets: frozenset[int]) -> ImageRecord:
    return ImageRecord(number, f"{number}.png", 9, 9, status, split, box_count=len(sets), label_sets=sets)


def test_an_image_whose_boxes_have_no_label_is_not_counted_among_the_training_images() -> None:
    counts = count_data(
        [
            record(1, Status.LABELLED, Split.TRAIN, NO_LABEL, LABEL),
            record(2, Status.REVIEWED, Split.TRAIN, NO_LABEL),
            record(3, Status.CLEAN, Split.TRAIN),
            record(4, Status.UNLABELLED, Split.TRAIN, LABEL),
            record(5, Status.LABELLED, Split.NONE, LABEL),
            record(6, Status.LABELLED, Split.NONE, NO_LABEL),
        ]
    )
    assert counts.images[Split.TRAIN] == 2 and counts.clean[Split.TRAIN] == 1
    assert (counts.without_split, counts.unlabelled, counts.without_label) == (1, 1, 2)
    assert describe_unused(counts) == "Not used: 1 unlabelled image, 2 images whose boxes have no label."


def test_boxes_without_labels_alone_are_nothing_to_train_on() -> None:
    counts = count_data([record(1, Status.LABELLED, Split.TRAIN, NO_LABEL)])
    assert describe_data_problem(counts).startswith("No image is labelled")
    assert describe_unused(count_data([])) == ""
