"""Edits of many images at once: one step of undo, named with its count."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import InputError
from core.project.edits.image_edits import mark_images, move_to_split, put_in_group, set_groups, set_status
from core.types import Split, Status
from tests.builders import draw, project_with_pictures


def test_a_selection_is_moved_as_one_edit_with_its_count(tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "p", 4) as project:
        ids = project.image_ids()
        project.apply(move_to_split(project, ids, Split.TRAIN))
        assert project.history.undo_name == "Set 4 images to train"
        project.apply(put_in_group(project, ids[:2], "lot 7"))
        assert project.history.undo_name == "Put 2 images into group lot 7"
        project.apply(move_to_split(project, ids[:1], Split.NONE))
        assert project.history.undo_name == "Take out of its split"
        for _ in range(3):
            project.history.undo()
        assert project.counts().splits["none"] == 4 and project.image(ids[0]).group == ""


def test_marking_leaves_alone_what_the_boxes_contradict_and_tells(tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "p", 4) as project:
        boxed, clean, silent, other = project.image_ids()
        draw(project, boxed)
        project.apply(mark_images(project, [clean], Status.CLEAN).edit)
        marking = mark_images(project, [boxed, clean, silent], Status.REVIEWED)
        # Clean is a verdict already: nothing to complain of.
        assert (marking.refused, marking.why) == ((silent,), "without boxes")
        project.apply(marking.edit)
        assert [project.image(i).status for i in (boxed, clean, silent)] == ["reviewed", "clean", "unlabelled"]
        marking = mark_images(project, [boxed, silent, other], Status.CLEAN)
        assert (marking.refused, marking.why) == ((boxed,), "with boxes")
        project.apply(marking.edit)
        assert project.history.undo_name == "Mark 2 images clean"
        assert project.image(boxed).status is Status.REVIEWED
        assert mark_images(project, [boxed, other], Status.UNLABELLED).refused == ()


def test_grouping_leaves_out_images_that_have_their_group_already(tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "p", 3) as project:
        first, second, third = project.image_ids()
        project.apply(put_in_group(project, [first], "a"))
        changes = project.apply(set_groups(project, {first: "a", second: "b", third: "b"}))
        assert changes.images == {second, third} and project.history.undo_name == "Group 2 images"
        project.history.undo()
        assert [project.image(i).group for i in (first, second, third)] == ["a", "", ""]


def test_an_image_with_a_box_without_a_label_cannot_be_reviewed(tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "p", 3) as project:
        complete, half, empty = project.image_ids()
        draw(project, complete)
        draw(project, half)
        draw(project, half, (20, 20, 30, 30), ())
        with pytest.raises(InputError, match=r"part2.png: has a box without a label; give it one"):
            project.apply(set_status(project, [half], Status.REVIEWED))
        marking = mark_images(project, [complete, half, empty], Status.REVIEWED)
        assert marking.refused == (empty, half)
        assert marking.why == "without boxes or with boxes that have no label yet"
        project.apply(marking.edit)
        assert project.image(complete).status is Status.REVIEWED
        draw(project, complete, (20, 20, 30, 30), ())
        assert project.image(complete).status is Status.LABELLED
