from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from core.errors import InputError
from core.project.edits import image_edits
from core.project.images import splits
from core.types import ImageRecord, Split, Status
from tests.builders import draw, project_with_pictures

SPLITS = (Split.TRAIN, Split.VAL, Split.TEST)
FRACTIONS = splits.check_fractions(splits.DEFAULT_FRACTIONS)


def images(count: int, *, group: int = 1, split: Split = Split.NONE) -> list[ImageRecord]:
    """Images whose groups hold `group` of them each; 1: every image stands for itself."""
    return [
        ImageRecord(n + 1, f"{n}.png", 10, 10, Status.LABELLED, split, "" if group == 1 else f"lot {n // group}")
        for n in range(count)
    ]


def defects(count: int, seed: int = 0) -> dict[int, splits.Stratum]:
    """Label sets as a line produces them: some defects common, some rare, some together, many parts clean."""
    rng = np.random.default_rng(seed)
    chances = np.array([0.4, 0.2, 0.1, 0.03])
    marks = rng.random((count, 4)) < chances
    return {n + 1: frozenset(map(int, np.flatnonzero(row))) or frozenset({"clean"}) for n, row in enumerate(marks)}


def shares(assigned: dict[int, Split], strata: dict[int, splits.Stratum]) -> dict[object, Counter[Split]]:
    found: dict[object, Counter[Split]] = {}
    for image, labels in strata.items():
        for label in labels:
            found.setdefault(label, Counter())[assigned[image]] += 1
    return found


@pytest.mark.parametrize("seed", range(5))
def test_every_label_and_the_clean_parts_are_divided_as_the_whole(seed: int) -> None:
    strata = defects(1000, seed)
    assigned = splits.divide_images(images(1000), strata, FRACTIONS, seed, keep=True)
    sizes = Counter(assigned.values())
    assert all(abs(sizes[split] - 1000 * FRACTIONS[split]) <= 5 for split in SPLITS)
    for label, count in shares(assigned, strata).items():
        for split in SPLITS:
            wanted = count.total() * FRACTIONS[split]
            assert abs(count[split] - wanted) <= max(2, 0.05 * wanted), (label, split, count)


def test_the_same_seed_gives_the_same_and_another_seed_another_division() -> None:
    strata = defects(200)
    first = splits.divide_images(images(200), strata, FRACTIONS, 1, keep=True)
    assert splits.divide_images(images(200), strata, FRACTIONS, 1, keep=True) == first
    assert splits.divide_images(images(200), strata, FRACTIONS, 2, keep=True) != first


@pytest.mark.parametrize("size", [2, 7, 25])
def test_a_group_is_never_divided(size: int) -> None:
    listed, strata = images(400, group=size), defects(400)
    assigned = splits.divide_images(listed, strata, FRACTIONS, 0, keep=True)
    places: dict[str, set[Split]] = {}
    for image in listed:
        places.setdefault(image.group, set()).add(assigned[image.id])
    assert all(len(found) == 1 for found in places.values()) and len(places) == -(-400 // size)
    sizes = Counter(assigned.values())
    assert all(abs(sizes[split] - 400 * FRACTIONS[split]) <= size for split in SPLITS)


def test_images_that_have_a_split_keep_it_and_their_group_follows() -> None:
    listed = images(100, group=5)
    listed[0] = ImageRecord(1, "0.png", 10, 10, Status.LABELLED, Split.TEST, "lot 0")
    kept = images(300, split=Split.TRAIN)[200:]
    strata = defects(300)
    assigned = splits.divide_images([*listed, *kept], strata, FRACTIONS, 0, keep=True)
    assert {assigned[n] for n in range(1, 6)} == {Split.TEST}
    assert all(assigned[image.id] is Split.TRAIN for image in kept)
    # 100 of 200 are in train already: of the others few have to go there.
    assert Counter(assigned.values())[Split.TRAIN] == pytest.approx(140, abs=5)
    anew = splits.divide_images([*listed, *kept], strata, FRACTIONS, 0, keep=False)
    assert any(anew[image.id] is not Split.TRAIN for image in kept)


def test_a_single_example_of_a_label_is_trained_on() -> None:
    strata = defects(100) | {50: frozenset({9})}
    for seed in range(10):
        assert splits.divide_images(images(100), strata, FRACTIONS, seed, keep=True)[50] is Split.TRAIN


def test_label_sets_that_are_all_different_do_not_all_go_to_train() -> None:
    strata: dict[int, splits.Stratum] = {n: frozenset({n % 20, 20 + n % 19, 39 + n % 17}) for n in range(1, 301)}
    sizes = Counter(splits.divide_images(images(300), strata, FRACTIONS, 0, keep=True).values())
    assert all(abs(sizes[split] - 300 * FRACTIONS[split]) <= 6 for split in SPLITS)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 5])
def test_few_images_are_divided_without_fault(count: int) -> None:
    assigned = splits.divide_images(images(count), defects(count), FRACTIONS, 0, keep=True)
    assert len(assigned) == count and (count == 0 or Split.TRAIN in assigned.values())


def test_two_splits_are_possible_and_wrong_fractions_are_not() -> None:
    fractions = splits.check_fractions({"train": 0.8, "val": 0.2})
    sizes = Counter(splits.divide_images(images(50), defects(50), fractions, 0, keep=True).values())
    assert sizes == {Split.TRAIN: 40, Split.VAL: 10}
    for wrong in (
        {"train": 0.9},
        {"train": 0.5, "dev": 0.5},
        {"train": 1.5, "val": -0.5},
        {"train": float("nan"), "val": 1.0},
    ):
        with pytest.raises(InputError, match="splits: "):
            splits.check_fractions(wrong)


def test_assigning_in_a_project_is_one_edit(tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "p", 20) as project:
        ids = project.image_ids()
        for image in ids[:12]:
            draw(project, image, labels=["scratch"])
        project.apply(image_edits.set_status(project, ids[12:], Status.CLEAN))
        project.apply(image_edits.set_split(project, ids[:1], Split.TEST))
        changes = project.apply(image_edits.assign_splits(project, {"train": 0.5, "val": 0.25, "test": 0.25}, seed=4))
        assert changes.images == set(ids[1:]) and changes.status and not changes.boxes
        assert project.counts().splits == {"none": 0, "train": 10, "val": 5, "test": 5}
        assert project.image(ids[0]).split is Split.TEST
        project.history.undo()
        assert project.counts().splits == {"none": 19, "train": 0, "val": 0, "test": 1}
