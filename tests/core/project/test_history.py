from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.changes import Changes
from core.errors import InputError
from core.project.edits import box_edits, image_edits, label_edits
from core.project.edits.edit import KEPT_AFTER_RESTART, Edit, ImageState
from core.project.project import Project
from core.project.storage import encoding
from core.types import Box, Label, Split, Status
from tests.builders import add_labels, draw, label_named, project_with_pictures

EMPTY = ImageState(Status.UNLABELLED, Split.NONE, "", "", ())


def picture_of(project: Project) -> object:
    """Everything that edits can change."""
    return project.labels(), project.images(), [project.boxes(image) for image in project.image_ids()], project.counts()


def test_undo_and_redo_restore_each_state_exactly(tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "p", 3) as project:
        first, second, third = project.image_ids()
        states = [picture_of(project)]

        def do(edit: Edit) -> None:
            project.apply(edit)
            states.append(picture_of(project))

        do(box_edits.add_box(project, first, (1, 2, 30, 40), {1}))
        box = project.boxes(first)[0].id
        do(label_edits.toggle_label(project, first, [box], 3))
        do(box_edits.set_box(project, first, box, (5, 5, 20, 20)))
        do(image_edits.set_status(project, [second, third], Status.CLEAN))
        do(label_edits.set_labels(project, project.labels()[1:]))
        do(image_edits.assign_splits(project, seed=3))
        do(image_edits.remove_images(project, [first]))
        for expected in reversed(states[:-1]):
            assert project.history.undo() is not None
            assert picture_of(project) == expected
        for expected in states[1:]:
            assert project.history.redo() is not None
            assert picture_of(project) == expected
        assert project.history.redo() is None


def test_undo_survives_a_restart_and_names_what_it_does(tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "p", 1) as project:
        (image,) = project.image_ids()
        draw(project, image)
        draw(project, image, (1, 1, 9, 9), ["pit"])
        project.history.undo()
    with Project.open(tmp_path / "p") as project:
        assert (project.history.undo_name, project.history.redo_name) == ("Draw box", "Draw box")
        assert project.history.redo() is not None and len(project.boxes(image)) == 2
        assert project.history.redo_name is None
        assert project.history.undo() and project.history.undo() and project.boxes(image) == ()
        assert project.image(image).status is Status.UNLABELLED
        assert project.history.undo_name == "Add image"
        assert project.history.undo() and project.image_ids() == []
        assert project.history.undo() is None and project.history.undo_name is None


def test_a_new_edit_forgets_what_was_undone(tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "p", 1) as project:
        (image,) = project.image_ids()
        draw(project, image)
        project.history.undo()
        project.apply(image_edits.set_note(project, image, "other"))
        assert project.history.redo_name is None and project.history.redo() is None
        assert project.boxes(image) == ()


def test_history_is_unlimited_in_a_session_and_200_edits_outlive_it(tmp_path: Path) -> None:
    count = KEPT_AFTER_RESTART + 30
    with project_with_pictures(tmp_path / "p", 1) as project:
        (image,) = project.image_ids()
        for number in range(count):
            project.apply(image_edits.set_note(project, image, f"note {number}"))
        for number in reversed(range(count - 1)):
            project.history.undo()
            assert project.image(image).note == f"note {number}"
        for _ in range(count - 1):
            project.history.redo()
    with Project.open(tmp_path / "p") as project:
        undone = 0
        while project.history.undo() is not None:
            undone += 1
        assert undone == KEPT_AFTER_RESTART
        assert project.image(image).note == f"note {count - 1 - KEPT_AFTER_RESTART}"
        assert project.history.redo() is not None


def test_an_edit_that_changes_nothing_is_not_recorded(tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "p", 1) as project:
        (image,) = project.image_ids()
        name = project.history.undo_name
        assert project.apply(image_edits.set_split(project, [image], Split.NONE)) == Changes()
        assert project.apply(box_edits.delete_boxes(project, image, [77])) == Changes()
        assert project.history.undo_name == name


def test_an_edit_made_from_an_older_state_is_refused(tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "p", 2) as project:
        first, second = project.image_ids()
        stale = box_edits.add_box(project, first, (1, 1, 20, 20), {1})
        elsewhere = box_edits.add_box(project, second, (1, 1, 20, 20), {1})
        old_labels = label_edits.set_labels(project, project.labels()[:2])
        gone = image_edits.set_note(project, first, "late")
        draw(project, first)
        with pytest.raises(InputError, match=r"part1.png was changed meanwhile"):
            project.apply(stale)
        project.apply(elsewhere)
        add_labels(project, ["new"])
        with pytest.raises(InputError, match="labels were changed"):
            project.apply(old_labels)
        project.apply(image_edits.remove_images(project, [first]))
        with pytest.raises(InputError, match="removed meanwhile"):
            project.apply(gone)
        assert project.counts().boxes == 1


def test_changes_tell_what_was_touched(tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "p", 3) as project:
        first, second, third = project.image_ids()
        drawn = project.apply(box_edits.add_box(project, first, (1, 1, 9, 9), {1}))
        assert drawn == Changes(frozenset({first}), boxes=True, status=True)
        again = project.apply(box_edits.add_box(project, first, (2, 2, 9, 9), {2}))
        assert again == Changes(frozenset({first}), boxes=True)
        assert project.history.undo() == Changes(frozenset({first}), boxes=True)
        split = project.apply(image_edits.set_split(project, [first, second], Split.TEST))
        assert split == Changes(frozenset({first, second}), status=True)
        added = add_labels(project, ["new"])
        assert added == Changes(labels=True)
        deleted = project.apply(label_edits.set_labels(project, project.labels()[1:]))
        assert deleted == Changes(frozenset({first}), boxes=True, labels=True)
        removed = project.apply(image_edits.remove_images(project, [third]))
        assert removed.image_list and removed.images == {third}


def test_the_first_box_labels_an_image_and_losing_the_last_unlabels_it(tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "p", 1) as project:
        (image,) = project.image_ids()
        project.apply(image_edits.set_status(project, [image], Status.CLEAN))
        box = draw(project, image)
        assert project.image(image).status is Status.LABELLED
        project.apply(image_edits.set_status(project, [image], Status.REVIEWED))
        other = draw(project, image, (1, 1, 9, 9))
        assert project.image(image).status is Status.REVIEWED
        project.apply(box_edits.delete_boxes(project, image, [box]))
        assert project.image(image).status is Status.REVIEWED
        project.apply(box_edits.delete_boxes(project, image, [other]))
        assert project.image(image).status is Status.UNLABELLED


def test_a_status_that_the_boxes_contradict_is_refused(tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "p", 2) as project:
        first, second = project.image_ids()
        draw(project, first)
        with pytest.raises(InputError, match="part1.png: .*delete its boxes first"):
            image_edits.set_status(project, [first, second], Status.CLEAN)
        for status in (Status.LABELLED, Status.REVIEWED):
            with pytest.raises(InputError, match="part2.png: has no boxes"):
                image_edits.set_status(project, [first, second], status)


def test_digits_toggle_labels_in_the_whole_selection(tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "p", 1) as project:
        (image,) = project.image_ids()
        one, two = draw(project, image), draw(project, image, (1, 1, 9, 9), ["scratch", "pit"])
        untouched = draw(project, image, (3, 3, 8, 8), ["stain"])

        def sets() -> dict[int, set[int]]:
            return {box.id: set(box.labels) for box in project.boxes(image)}

        project.apply(label_edits.toggle_label(project, image, [one, two], 2))
        assert sets() == {one: {1, 2}, two: {1, 2}, untouched: {3}}
        project.apply(label_edits.toggle_label(project, image, [one, two], 2))
        assert sets() == {one: {1}, two: {1}, untouched: {3}}
        project.apply(label_edits.toggle_label(project, image, [one], 1))
        assert sets() == {one: set(), two: {1}, untouched: {3}}
        assert project.counts().labels == {"scratch": 1, "pit": 0, "stain": 1} and project.counts().boxes == 3


def test_boxes_are_ordered_and_cut_at_the_edge(tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "p", 1) as project:
        (image,) = project.image_ids()
        box = draw(project, image, (200, 40, -5, 10))
        assert project.boxes(image)[0].xyxy == (0, 10, 64, 40)
        for outside in ((70, 10, 90, 20), (5, 5, 5, 20), (float("nan"), 1, 2, 3)):
            with pytest.raises(InputError, match="part1.png: a box must cover"):
                box_edits.add_box(project, image, outside, {1})
            with pytest.raises(InputError, match="part1.png: a box must cover"):
                box_edits.set_box(project, image, box, outside)


def test_labels_that_clash_are_refused(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p", ["a", "b"]) as project:
        first, second = project.labels()
        clashes = {
            "name": Label(second.id, "a", "#000000", "5"),
            "shortcut": Label(second.id, "c", "#000000", first.shortcut),
            "id": Label(first.id, "c", "#000000", "5"),
        }
        for what, clash in clashes.items():
            with pytest.raises(InputError, match=f"the {what} .* is used twice"):
                label_edits.set_labels(project, [first, clash])
        bare = [Label(1, "x", "#111111"), Label(2, "y", "#222222")]
        project.apply(label_edits.set_labels(project, bare))
        assert project.labels() == tuple(bare) and label_named(project, "y") == bare[1]


def test_an_inconsistent_edit_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="different images"):
        Edit("x", {1: EMPTY}, {2: EMPTY})
    with pytest.raises(ValueError, match="before and after, or neither"):
        Edit("x", {}, {}, labels_after=())


_sides = st.floats(0, 60, allow_nan=False)
_corners = st.tuples(_sides, _sides, st.floats(1, 64), st.floats(1, 64))


@st.composite
def _states(draw_value: st.DrawFn) -> ImageState:
    corners = draw_value(st.lists(_corners, max_size=4))
    labels = st.frozensets(st.integers(1, 5))
    boxes = tuple(Box(place, x, y, x + w, y + h, draw_value(labels)) for place, (x, y, w, h) in enumerate(corners))
    return ImageState(
        draw_value(st.sampled_from(Status)), draw_value(st.sampled_from(Split)), draw_value(st.text()), "", boxes
    )


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=60)
@given(st.dictionaries(st.integers(1, 99), st.tuples(_states(), _states()), max_size=5))
def test_what_is_stored_of_an_edit_is_the_edit(states: dict[int, tuple[ImageState, ImageState]]) -> None:
    edit = Edit(
        "x",
        {image: before for image, (before, _) in states.items()},
        {image: after for image, (_, after) in states.items()},
        (Label(1, "ä", "#112233", "1"),),
        (),
    )
    stored = encoding.encode_edit(edit)
    for side in (edit.before, edit.after):  # what is there before it is redone, and before it is undone
        present = {image: state.boxes for image, state in side.items()}
        assert (
            encoding.decode_edit("x", stored, lambda images, present=present: {i: present[i] for i in images}) == edit
        )
    assert edit.reversed.reversed == edit


def test_an_edit_of_one_of_many_boxes_stores_that_box_alone() -> None:
    boxes = tuple(Box(number, number, 1, number + 5.25, 8, frozenset({1})) for number in range(2000))
    before = ImageState(Status.LABELLED, Split.NONE, "", "", boxes)
    after = ImageState(Status.LABELLED, Split.NONE, "", "", boxes[:-1])
    assert len(encoding.encode_edit(Edit("Delete box", {1: before}, {1: after}))) < 200
