"""Filtering and sorting images, held against a plain loop that does the same."""

from __future__ import annotations

from dataclasses import replace
from fnmatch import fnmatchcase

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.project.images.image_files import natural_key
from core.project.images.query import NO_LABEL, Filter, ImageIndex, Range, SortKey, Where
from core.types import ImageRecord, Split, Status

LABELS = (1, 2, 3)
label_sets = st.frozensets(st.sampled_from(LABELS))
GROUPS = ("", "lot 2", "lot 10", "b")


@st.composite
def records(draw: st.DrawFn, image_id: int = 0) -> ImageRecord:
    sets = tuple(draw(st.lists(label_sets, max_size=3, unique=True)))
    return ImageRecord(
        image_id,
        f"{draw(st.sampled_from(['left', 'Right', 'lot1/Left']))}/part{draw(st.integers(1, 12))}.{draw(st.sampled_from(['png', 'jpg']))}",
        draw(st.integers(1, 4)),
        draw(st.integers(1, 4)),
        draw(st.sampled_from(Status)),
        draw(st.sampled_from(Split)),
        draw(st.sampled_from(GROUPS)),
        draw(st.sampled_from(["", "blurred", "part of a lot"])),
        box_count=draw(st.integers(len(sets), len(sets) + 2)) if sets else 0,
        smallest=draw(st.sampled_from([0.5, 3.0, 12.0])) if sets else 0.0,
        label_sets=sets,
        difficult_count=draw(st.integers(0, 2)) if sets else 0,
    )


@st.composite
def projects(draw: st.DrawFn) -> list[ImageRecord]:
    found = draw(st.lists(records(), max_size=12))
    found.sort(key=lambda record: (natural_key(record.path), record.path))
    # Ids in another order than the names.
    return [replace(record, id=100 - place) for place, record in enumerate(found)]


ranges = st.builds(Range, st.none() | st.integers(0, 4), st.none() | st.integers(0, 12))
filters = st.builds(
    Filter,
    words=st.sampled_from(["", "PART1", "left jpg", "part1*.png", "lot", "p?rt*", "nowhere"]),
    statuses=st.frozensets(st.sampled_from(Status)),
    splits=st.frozensets(st.sampled_from(Split), max_size=3),
    groups=st.frozensets(st.sampled_from([*GROUPS, "unknown"]), max_size=2),
    carries=st.frozensets(st.sampled_from([NO_LABEL, *LABELS]), max_size=2),
    where=st.sampled_from(Where),
    lacks=st.frozensets(st.sampled_from([NO_LABEL, *LABELS]), max_size=2),
    boxes=ranges,
    smallest=ranges,
    difficult=st.none() | st.booleans(),
    note=st.none() | st.booleans(),
    predicted=st.none() | st.booleans(),
    missing=st.none() | st.booleans(),
)


def inside(value: float, limits: Range) -> bool:
    return (limits.low is None or value >= limits.low) and (limits.high is None or value <= limits.high)


def passes(record: ImageRecord, wanted: Filter, predicted: frozenset[int], missing: frozenset[int]) -> bool:
    name = record.path.split("/")[-1].casefold()
    for word in wanted.words.casefold().split():
        if "*" in word or "?" in word:
            if not fnmatchcase(name, word):
                return False
        elif word not in record.path.casefold() and word not in record.note.casefold():
            return False
    marks = [set(labels) or {NO_LABEL} for labels in record.label_sets]
    if wanted.carries:
        if wanted.where is Where.IMAGE and not all(any(label in found for found in marks) for label in wanted.carries):
            return False
        if wanted.where is Where.BOX and not any(found >= wanted.carries for found in marks):
            return False
        if wanted.where is Where.EXACT and wanted.carries not in marks:
            return False
    return (
        (not wanted.statuses or record.status in wanted.statuses)
        and (not wanted.splits or record.split in wanted.splits)
        and (not wanted.groups or record.group in wanted.groups)
        and not any(found & wanted.lacks for found in marks)
        and (not wanted.boxes or inside(record.box_count, wanted.boxes))
        and (not wanted.smallest or (record.box_count > 0 and inside(record.smallest, wanted.smallest)))
        and (wanted.difficult is None or (record.difficult_count > 0) == wanted.difficult)
        and (wanted.note is None or bool(record.note) == wanted.note)
        and (wanted.predicted is None or (record.id in predicted) == wanted.predicted)
        and (wanted.missing is None or (record.id in missing) == wanted.missing)
    )


def edited(image_id: int) -> int:
    """When an image was edited last; every third one never was."""
    return (image_id * 7) % 5 if image_id % 3 else 0


def key_of(record: ImageRecord, by: SortKey) -> object:
    return {
        SortKey.NAME: 0,
        SortKey.STATUS: list(Status).index(record.status),
        SortKey.SPLIT: list(Split).index(record.split),
        SortKey.GROUP: (not record.group, natural_key(record.group)),
        SortKey.BOXES: record.box_count,
        SortKey.SMALLEST: record.smallest,
        SortKey.SIZE: record.width * record.height,
        SortKey.ADDED: record.id,
        SortKey.EDITED: edited(record.id),
    }[by]


@given(projects(), filters, st.frozensets(st.integers(85, 100)), st.frozensets(st.integers(85, 100)))
def test_the_same_images_pass_as_in_a_plain_loop(
    project: list[ImageRecord], wanted: Filter, predicted: frozenset[int], missing: frozenset[int]
) -> None:
    index = ImageIndex(project)
    index.set_flag("predicted", predicted)
    index.set_flag("missing", missing)
    expected = [record.id for record in project if passes(record, wanted, predicted, missing)]
    assert index.ids(index.select(wanted)).tolist() == expected


@given(projects(), st.sampled_from(SortKey), st.booleans())
def test_images_are_ordered_by_any_key_and_equals_by_name(
    project: list[ImageRecord], by: SortKey, descending: bool
) -> None:
    index = ImageIndex(project)
    index.set_edited({record.id: edited(record.id) for record in project if edited(record.id)})
    found = [project[row] for row in index.select(Filter(), by, descending=descending)]
    if by is SortKey.SMALLEST:
        # What has no box has no smallest one, and comes last.
        has_box = [record.box_count > 0 for record in found]
        assert has_box == sorted(has_box, reverse=True)
        found = [record for record in found if record.box_count]
    keys = [key_of(record, by) for record in found]
    assert keys == sorted(keys, reverse=descending)  # type: ignore[type-var]
    places = [project.index(record) for record in found]
    if by is SortKey.NAME:
        assert places == sorted(places, reverse=descending)
    else:
        assert all(
            first < second or key != other
            for first, second, key, other in zip(places, places[1:], keys, keys[1:], strict=False)
        )


@given(projects(), st.data(), filters)
def test_an_edit_is_taken_in_as_if_the_index_were_made_anew(
    project: list[ImageRecord], data: st.DataObject, wanted: Filter
) -> None:
    index = ImageIndex(project)
    index.select(wanted, SortKey.GROUP)  # so that columns are there before the edits
    index.select(Filter(words="lot", carries=frozenset({1}), boxes=Range(1), smallest=Range(1), note=True))
    changed = list(project)
    for row in data.draw(st.lists(st.integers(0, len(project) - 1), max_size=3, unique=True)) if project else ():
        other = data.draw(records())
        changed[row] = replace(other, id=project[row].id, path=project[row].path)
    edited = [record for record, before in zip(changed, project, strict=True) if record != before]
    assert index.update(edited).tolist() == [row for row, record in enumerate(changed) if record != project[row]]
    anew = ImageIndex(changed)
    assert index.select(wanted).tolist() == anew.select(wanted).tolist()
    assert index.select(Filter(), SortKey.GROUP).tolist() == anew.select(Filter(), SortKey.GROUP).tolist()
    assert index.status_counts() == anew.status_counts()
    assert index.group_counts() == anew.group_counts()


@pytest.mark.parametrize("typed", ["FRÜH", "fru\u0308h", "früh*", "Groß", "GROSS"])
def test_case_and_the_way_an_accent_is_written_make_no_difference_to_the_search(typed: str) -> None:
    paths = ["Schicht/früh_groß.png", "Schicht/fru\u0308h_gross.png", "Schicht/spa\u0308t.png"]
    index = ImageIndex([ImageRecord(number, path, 1, 1, Status.CLEAN) for number, path in enumerate(paths)])
    assert index.select(Filter(words=typed)).tolist() == [0, 1]


def test_only_the_rows_that_are_asked_about_are_judged() -> None:
    project = [ImageRecord(number, f"{number}.png", 1, 1, Status.CLEAN) for number in range(5)]
    index = ImageIndex(project)
    assert index.passing(Filter(statuses=frozenset({Status.CLEAN})), np.array([3, 1])).tolist() == [3, 1]


def test_groups_are_counted_in_natural_order_with_the_ungrouped_last() -> None:
    names = ["lot 10", "", "lot 2", "lot 2"]
    index = ImageIndex([ImageRecord(n, f"{n}.png", 1, 1, group=name) for n, name in enumerate(names)])
    assert index.group_counts() == [("lot 2", 2), ("lot 10", 1), ("", 1)]


@pytest.mark.parametrize("missing", [True, False])
def test_before_files_were_looked_at_none_counts_as_missing(missing: bool) -> None:
    index = ImageIndex([ImageRecord(1, "1.png", 1, 1)])
    assert len(index.select(Filter(missing=missing))) == (0 if missing else 1)
    index.set_flag("missing", [1, 7])
    assert len(index.select(Filter(missing=missing))) == (1 if missing else 0)


def test_an_image_that_is_not_listed_has_no_row() -> None:
    index = ImageIndex([ImageRecord(4, "4.png", 1, 1)])
    assert (index.row(4), index.row(5), index.row(None)) == (0, -1, -1)
    assert index.update([ImageRecord(5, "5.png", 1, 1)]).tolist() == []


@pytest.mark.parametrize("descending", [False, True])
def test_images_without_boxes_come_last_by_their_smallest_box(descending: bool) -> None:
    sizes = (0.0, 12.0, 0.0, 3.0)
    made = [
        ImageRecord(number, f"{number}.png", 9, 9, box_count=int(size > 0), smallest=size)
        for number, size in enumerate(sizes)
    ]
    index = ImageIndex(made)
    expected = [1, 3, 0, 2] if descending else [3, 1, 0, 2]
    assert index.ids(index.select(Filter(), SortKey.SMALLEST, descending=descending)).tolist() == expected
