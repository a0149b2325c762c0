"""Edits that wait for the disk: builders make of a project with them what they make of one where they are written."""

from __future__ import annotations

import inspect
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import InputError
from core.project.edits import box_edits, image_edits, label_edits
from core.project.edits.edit import Edit
from core.project.project import Project
from core.project.project_reader import ProjectReader
from core.types import Label, Split, Status
from tests.builders import draw, project_with_pictures

Build = Callable[[ProjectReader], Edit]


@dataclass(frozen=True)
class Choice:
    """Numbers from which every builder takes what it needs; places are taken modulo what there is."""

    builder: str
    image: int
    other: int
    label: int
    kind: int
    word: str

    def image_ids(self, project: ProjectReader) -> list[int]:
        ids = project.image_ids()
        return list(dict.fromkeys(ids[place % len(ids)] for place in (self.image, self.other))) if ids else []

    def image_id(self, project: ProjectReader) -> int:
        return self.image_ids(project)[0]

    def a_label(self, project: ProjectReader, by: int = 0) -> Label:
        labels = project.labels()
        return labels[(self.label + by) % len(labels)]

    def box_ids(self, project: ProjectReader) -> list[int]:
        boxes = project.boxes(self.image_id(project))
        return [box.id for box in boxes[self.other % 2 :: 2]]


def _mark(project: ProjectReader, choice: Choice) -> Edit:
    return image_edits.mark_images(project, choice.image_ids(project), list(Status)[choice.kind]).edit


def _replace_boxes(project: ProjectReader, choice: Choice) -> Edit:
    boxes = [replace(box, x1=box.x1 / 2) for box in project.boxes(choice.image_id(project))][choice.kind % 2 :]
    return box_edits.replace_boxes(project, choice.image_id(project), boxes, "Halve")


def _rename(project: ProjectReader, choice: Choice) -> Edit:
    return label_edits.change_label(project, replace(choice.a_label(project), name=choice.word, shortcut="7"))


def _set_labels(project: ProjectReader, choice: Choice) -> Edit:
    fresh = Label(project.new_ids("label", 1)[0], choice.word, "#123456")
    return label_edits.set_labels(project, [*project.labels()[choice.kind % 2 :], fresh])


def _box(choice: Choice) -> tuple[float, float, float, float]:
    return (choice.kind, choice.label, 20 + choice.other, 30 + choice.image)


BUILDERS: dict[str, Callable[[ProjectReader, Choice], Edit]] = {
    "add_box": lambda p, c: box_edits.add_box(p, c.image_id(p), _box(c), {c.a_label(p).id, c.a_label(p, c.kind).id}),
    "set_box": lambda p, c: box_edits.set_box(p, c.image_id(p), (c.box_ids(p) or [0])[0], _box(c)),
    "replace_boxes": _replace_boxes,
    "delete_boxes": lambda p, c: box_edits.delete_boxes(p, c.image_id(p), c.box_ids(p)),
    "toggle_difficult": lambda p, c: box_edits.toggle_difficult(p, c.image_id(p), c.box_ids(p)),
    "set_status": lambda p, c: image_edits.set_status(p, c.image_ids(p), list(Status)[c.kind]),
    "set_split": lambda p, c: image_edits.set_split(p, c.image_ids(p), list(Split)[c.kind]),
    "set_group": lambda p, c: image_edits.set_group(p, c.image_ids(p), c.word),
    "set_note": lambda p, c: image_edits.set_note(p, c.image_id(p), c.word),
    "set_fields": lambda p, c: image_edits.set_fields(
        p, "Both", c.image_ids(p), lambda fields: fields._replace(note=fields.note + c.word, group=fields.note)
    ),
    "fields_edit": lambda p, c: image_edits.fields_edit(
        p, "Again", {i: fields._replace(note=fields.group) for i, fields in p.fields(p.image_ids()).items()}
    ),
    "remove_images": lambda p, c: image_edits.remove_images(p, c.image_ids(p)[:1]),
    "assign_splits": lambda p, c: image_edits.assign_splits(p, seed=c.label, all=c.kind == 1),
    "mark_images": _mark,
    "move_to_split": lambda p, c: image_edits.move_to_split(p, c.image_ids(p), list(Split)[c.kind]),
    "put_in_group": lambda p, c: image_edits.put_in_group(p, c.image_ids(p), c.word),
    "set_groups": lambda p, c: image_edits.set_groups(p, dict.fromkeys(c.image_ids(p), c.word)),
    "toggle_label": lambda p, c: label_edits.toggle_label(p, c.image_id(p), c.box_ids(p), c.a_label(p).id),
    "create_label": lambda p, c: label_edits.create_label(p, c.word, c.image_id(p), c.box_ids(p)),
    "set_labels": _set_labels,
    "change_label": _rename,
    "delete_labels": lambda p, c: label_edits.delete_labels(p, [c.a_label(p).id]),
    "merge_labels": lambda p, c: label_edits.merge_labels(p, [c.a_label(p).id], c.a_label(p, 1 + c.kind).id),
    "order_labels": lambda p, c: label_edits.order_labels(p, [label.id for label in p.labels()[::-1]]),
}
choices = st.builds(
    Choice,
    st.sampled_from(sorted(BUILDERS)),
    *[st.integers(0, 3)] * 4,
    st.sampled_from(["crack", "void", "burr", "chip", "dent", "flux"]),
)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with boxes, closed, to be copied."""
    folder = tmp_path_factory.mktemp("pending") / "project"
    with project_with_pictures(folder, 4) as project:
        first, second, third, _ = project.image_ids()
        for image_id, labels in ((first, ["scratch", "pit"]), (first, ["pit"]), (second, ["stain"]), (second, [])):
            draw(project, image_id, labels=labels)
        project.apply(image_edits.set_status(project, [third], Status.CLEAN))
    return folder


@contextmanager
def _copied(template: Path, folder: Path) -> Iterator[Project]:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(template, folder)
    with Project.open(folder) as project:
        yield project


def test_every_builder_is_tried() -> None:
    found = {
        name
        for module in (box_edits, image_edits, label_edits)
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__
        and not name.startswith("_")
        and next(iter(inspect.signature(function).parameters), "") == "project"
    }
    assert found == BUILDERS.keys()


@given(st.lists(choices, min_size=1, max_size=8))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_edits_that_wait_lead_to_what_they_lead_to_when_they_are_written_at_once(
    template: Path, tmp_path: Path, sequence: list[Choice]
) -> None:
    with _copied(template, tmp_path / "a") as written, _copied(template, tmp_path / "b") as refused:
        waiting: list[Edit] = []
        shown = refused.with_pending(())
        for choice in sequence:
            build = BUILDERS[choice.builder]
            edit, there = _built(build, shown, choice), _built(build, written, choice)
            assert isinstance(edit, str) == isinstance(there, str)
            if isinstance(edit, Edit) and isinstance(there, Edit):
                assert _content(edit) == _content(there)
                written.apply(there)
                waiting.append(edit)
                shown = shown.with_edit(edit)
            _assert_equal(shown, written)
            _assert_equal(refused.with_pending(waiting), written)
        for edit in waiting:
            refused.apply(edit)
        _assert_equal(refused, written)


@pytest.mark.parametrize("later", sorted(BUILDERS))
@pytest.mark.parametrize("earlier", ["set_note", "add_box", "mark_images", "merge_labels"])
def test_what_is_given_to_an_image_whose_last_edit_waits_is_kept(
    template: Path, tmp_path: Path, earlier: str, later: str
) -> None:
    choice = Choice("", image=0, other=0, label=0, kind=1, word="crack")
    with _copied(template, tmp_path / "a") as project:
        first = BUILDERS[earlier](project, choice)
        shown = project.with_pending([first])
        second = _built(BUILDERS[later], shown, choice)
        project.apply(first)
        assert shown.states(shown.image_ids()) == project.states(project.image_ids())
        if isinstance(second, Edit):
            project.apply(second)
            seen = shown.with_edit(second)
            assert seen.states(seen.image_ids()) == project.states(project.image_ids())


def test_a_note_and_a_split_given_while_a_box_waits_are_both_written(template: Path, tmp_path: Path) -> None:
    with _copied(template, tmp_path / "a") as project:
        image_id = project.image_ids()[3]
        waiting: list[Edit] = []
        builds: Sequence[Build] = (
            lambda shown: box_edits.add_box(shown, image_id, (1, 1, 9, 9), {1}),
            lambda shown: image_edits.set_status(shown, [image_id], Status.REVIEWED),
            lambda shown: image_edits.set_note(shown, image_id, "bent pin"),
            lambda shown: image_edits.set_split(shown, [image_id], Split.VAL),
            lambda shown: image_edits.set_group(shown, [image_id], "lot 7"),
        )
        for build in builds:
            waiting.append(build(project.with_pending(waiting)))
        for edit in waiting:
            project.apply(edit)
        record = project.image(image_id)
        assert (record.status, record.note, record.split, record.group) == (
            Status.REVIEWED,
            "bent pin",
            Split.VAL,
            "lot 7",
        )


def _built(build: Callable[[ProjectReader, Choice], Edit], project: ProjectReader, choice: Choice) -> Edit | str:
    """The edit, or why there is none."""
    if not project.image_ids() or len(project.labels()) < 2:
        return "too little is left"
    try:
        return build(project, choice)
    except InputError as error:
        return str(error)


def _content(edit: Edit) -> tuple[Edit, list[tuple[int, int, frozenset[int], frozenset[int]]]]:
    """Without the order in which a relabelling lists its label sets."""
    if (change := edit.relabelled) is None:
        return edit, []
    columns = zip(change.images.tolist(), change.boxes.tolist(), change.before, change.after, strict=True)
    rows = [(image_id, box_id, change.sets[old], change.sets[new]) for image_id, box_id, old, new in columns]
    return replace(edit, relabelled=None), rows


def _assert_equal(one: ProjectReader, other: ProjectReader) -> None:
    ids = other.image_ids()
    assert one.image_ids() == ids
    assert one.labels() == other.labels()
    assert one.images() == other.images() == [one.image(image_id) for image_id in ids]
    assert one.states(ids) == other.states(ids)
    assert one.fields(ids) == other.fields(ids)
    assert one.boxes_of(ids) == other.boxes_of(ids)
    assert [one.boxes(image_id) for image_id in ids] == [other.boxes(image_id) for image_id in ids]
    assert one.label_sets() == other.label_sets()
    assert one.label_set_counts() == other.label_set_counts()
    assert one.counts() == other.counts()
    assert _order(one) == _order(other)


def _order(project: ProjectReader) -> list[set[int]]:
    """Images by when they were last edited."""
    found = project.last_edits()
    return [{i for i, number in found.items() if number == wanted} for wanted in sorted(set(found.values()))]
