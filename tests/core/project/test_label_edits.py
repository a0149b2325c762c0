"""Edits of labels: what they do to the list and to the boxes, and that undo gives back exactly what was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import InputError
from core.project.edits import box_edits, label_edits
from core.project.edits.edit import Edit
from core.project.project import Project
from core.types import Box, Label
from tests.builders import draw, label_named, project_with_pictures

NAMES = ("scratch", "pit", "stain", "crack", "void")


def _everything(project: Project) -> tuple[object, ...]:
    return (
        project.labels(),
        project.images(),
        project.states(project.image_ids()),
        project.counts(),
        project.label_set_counts(),
    )


def _sets(project: Project) -> list[set[str]]:
    names = {label.id: label.name for label in project.labels()}
    return [{names[label] for label in box.labels} for image in project.image_ids() for box in project.boxes(image)]


def _id(project: Project, name: str) -> int:
    found = label_named(project, name)
    assert found is not None
    return found.id


def test_merging_makes_two_labels_one_and_a_box_with_both_carries_one(tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "p", 2, NAMES) as project:
        first, second = project.image_ids()
        draw(project, first, labels=["scratch"])
        draw(project, first, (1, 1, 9, 9), ["scratch", "pit", "stain"])
        draw(project, second, labels=["stain"])
        chosen = {_id(project, "scratch"), _id(project, "crack")}
        assert label_edits.boxes_with(project.label_set_counts(), chosen) == 2
        before = _everything(project)
        edit = label_edits.merge_labels(project, [*sorted(chosen)], _id(project, "pit"))
        assert edit.name == "Merge 2 labels into pit"
        changes = project.apply(edit)
        assert changes.images == {first} and changes.labels and changes.boxes
        assert _sets(project) == [{"pit"}, {"pit", "stain"}, {"stain"}]
        assert [label.name for label in project.labels()] == ["pit", "stain", "void"]
        project.history.undo()
        assert _everything(project) == before


def test_a_label_is_not_merged_into_itself_or_into_nothing(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p", NAMES) as project:
        pit = _id(project, "pit")
        with pytest.raises(InputError, match="pit cannot be merged into itself"):
            label_edits.merge_labels(project, [pit], pit)
        with pytest.raises(InputError, match="not in the project"):
            label_edits.merge_labels(project, [pit], 99)


def test_creating_a_label_for_boxes_is_one_edit(tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "p", 1, NAMES) as project:
        (image,) = project.image_ids()
        one, two = draw(project, image), draw(project, image, (1, 1, 9, 9), ["pit"])
        before = _everything(project)
        project.apply(label_edits.create_label(project, " porosity ", image, [one, two]))
        assert _sets(project) == [{"scratch", "porosity"}, {"pit", "porosity"}]
        assert project.labels()[-1].name == "porosity" and project.labels()[-1].shortcut == "6"
        assert project.history.undo_name == "Add label porosity"
        project.history.undo()
        assert _everything(project) == before
        for bad, why in (("pit", "already"), ("  ", "blank"), ("a\nb", "cannot be shown"), ("x" * 101, "longer")):
            with pytest.raises(InputError, match=why):
                label_edits.create_label(project, bad, image, [one])


def test_renaming_says_so_and_takes_a_key_from_the_label_that_had_it(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p", NAMES) as project:
        pit = project.labels()[1]
        edit = label_edits.change_label(project, replace(pit, name="pore", shortcut="1"))
        assert edit.name == "Rename pit to pore"
        project.apply(edit)
        assert [(label.name, label.shortcut) for label in project.labels()[:2]] == [("scratch", ""), ("pore", "1")]
        recolor = label_edits.change_label(project, replace(project.labels()[1], color="#010203"))
        assert recolor.name == "Recolour pore"
        with pytest.raises(InputError, match="'scratch' is used twice"):
            label_edits.change_label(project, replace(project.labels()[1], name="scratch"))


def test_a_new_order_names_every_label_once(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p", NAMES) as project:
        for wrong in ([1, 2, 3, 4], [1, 2, 3, 4, 4], [1, 2, 3, 4, 5, 6]):
            with pytest.raises(InputError, match="every label"):
                label_edits.order_labels(project, wrong)


@pytest.mark.parametrize(
    ("chosen", "to", "expected"),
    [
        ({1}, 5, (2, 3, 4, 5, 1)),
        ({5}, 0, (5, 1, 2, 3, 4)),
        ({2}, 2, (1, 2, 3, 4, 5)),
        ({2}, 1, (1, 2, 3, 4, 5)),
        ({1, 4}, 3, (2, 3, 1, 4, 5)),
        ({2, 3}, 5, (1, 4, 5, 2, 3)),
    ],
)
def test_labels_move_together_to_a_place(chosen: set[int], to: int, expected: tuple[int, ...]) -> None:
    assert label_edits.move_ids((1, 2, 3, 4, 5), chosen, to) == expected


# One step: what is done, and two numbers that say to which labels.
_STEPS = st.lists(
    st.tuples(
        st.sampled_from(["merge", "delete", "rename", "recolor", "order", "create", "toggle"]),
        st.integers(0, 99),
        st.integers(0, 99),
    ),
    min_size=1,
    max_size=6,
)
_BOXES = st.lists(st.frozensets(st.integers(1, len(NAMES)), max_size=3), max_size=5)


def _build(project: Project, kind: str, first: int, second: int) -> Edit | None:
    labels, image = project.labels(), project.image_ids()[second % 2]
    boxes = [box.id for box in project.boxes(image)]
    if kind == "create":
        return label_edits.create_label(project, f"new {first}-{second}-{len(labels)}", image, boxes[:2])
    if not labels:
        return None
    one, other = labels[first % len(labels)], labels[second % len(labels)]
    builders: dict[str, Callable[[], Edit]] = {
        "merge": lambda: label_edits.merge_labels(project, [one.id], other.id),
        "delete": lambda: label_edits.delete_labels(project, list({one.id, other.id})),
        "rename": lambda: label_edits.change_label(project, replace(one, name=f"name {one.id} {second}")),
        "recolor": lambda: label_edits.change_label(project, replace(one, color=f"#{first:06d}", shortcut="7")),
        "order": lambda: label_edits.order_labels(
            project, label_edits.move_ids([label.id for label in labels], {one.id}, second % (len(labels) + 1))
        ),
        "toggle": lambda: label_edits.toggle_label(project, image, boxes, one.id),
    }
    return None if kind == "merge" and one == other else builders[kind]()


def _expected(kind: str, labels: tuple[Label, ...], first: int, second: int, box: Box) -> frozenset[int] | None:
    """The label set of a box after merging or deleting; None for steps that say nothing about every box."""
    one, other = (labels[place % len(labels)].id for place in (first, second)) if labels else (0, 0)
    if kind == "delete":
        return box.labels - {one, other}
    if kind == "merge":
        return (box.labels - {one}) | {other} if one in box.labels else box.labels
    return box.labels if kind in ("rename", "recolor", "order") else None


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(boxes=st.tuples(_BOXES, _BOXES), steps=_STEPS)
def test_undo_of_any_edits_of_labels_gives_back_every_former_state(
    tmp_path_factory: pytest.TempPathFactory, boxes: tuple[list[frozenset[int]], ...], steps: list[tuple[str, int, int]]
) -> None:
    with project_with_pictures(tmp_path_factory.mktemp("p") / "p", 2, NAMES) as project:
        for image, sets in zip(project.image_ids(), boxes, strict=True):
            fresh = [Box(project.new_ids("box", 1)[0], 2, 2, 20 + i, 20, labels) for i, labels in enumerate(sets)]
            project.apply(box_edits.replace_boxes(project, image, fresh, "Draw"))
        states = [_everything(project)]
        for kind, first, second in steps:
            edit = _build(project, kind, first, second)
            if edit is None or edit.is_empty:
                continue
            labels = project.labels()
            before = {box.id: box for image in project.image_ids() for box in project.boxes(image)}
            project.apply(edit)
            ids = {label.id for label in project.labels()}
            for image in project.image_ids():
                for box in project.boxes(image):
                    assert box.labels <= ids
                    expected = _expected(kind, labels, first, second, before[box.id])
                    assert expected is None or box.labels == expected
            states.append(_everything(project))
        for state in reversed(states[:-1]):
            project.history.undo()
            assert _everything(project) == state
        for state in states[1:]:
            project.history.redo()
            assert _everything(project) == state
