"""Two checkpoints beside each other, as rows of texts: figures, recipe, data. Knows no widgets."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.counting import format_count
from core.inspection.snapshot_difference import SnapshotDifference
from core.project.records import CheckpointRecord
from core.recipe.field_words import describe_value, field_title
from core.types import Split
from desktop.kit import formatting

LONGEST = 24  # characters of a value; the end of a path tells more than its beginning
SPLITS = {str(Split.TRAIN): "Training", str(Split.VAL): "Validation", str(Split.TEST): "Test"}
OTHER_JUDGES = "Other validation images or labels: these figures are not of the same test."
_OWN_CHECKPOINT = re.compile(r".*[/\\](?P<run>[^/\\]+)[/\\]checkpoints[/\\](?P<stem>\w+)\.safetensors")


@dataclass(frozen=True, slots=True)
class Row:
    """A name and the values of both; of figures also the second less the first."""

    name: str
    first: str
    second: str
    difference: float | None = None


def list_figure_rows(first: CheckpointRecord, second: CheckpointRecord) -> list[Row]:
    """Means and average precision by label; a dash where one does not know the label, or was not evaluated."""
    rows = [
        _make_figure_row("mAP@0.5", first.map50, second.map50),
        _make_figure_row("mAP", first.map, second.map),
    ]
    if first.map50 is None and second.map50 is None and (first.map is not None or second.map is not None):
        rows = rows[1:]  # models that tell labels of images have no place to be right about
    names = dict.fromkeys([*first.label_ap50, *second.label_ap50])
    return rows + [_make_figure_row(name, first.label_ap50.get(name), second.label_ap50.get(name)) for name in names]


def _make_figure_row(name: str, first: float | None, second: float | None) -> Row:
    difference = None if first is None or second is None else second - first
    return Row(name, formatting.metric(first), formatting.metric(second), difference)


def list_recipe_rows(first: Mapping[str, Any], second: Mapping[str, Any]) -> tuple[list[Row], int]:
    """The settings in which two recipes differ, in the words of the form, and how many are the same in both."""
    one, two = dict(_list_leaves(first, "")), dict(_list_leaves(second, ""))
    names = dict.fromkeys([*one, *two])
    differing = [name for name in names if one.get(name) != two.get(name)]
    return [
        Row(_name_setting(name), _describe_setting(name, one), _describe_setting(name, two)) for name in differing
    ], len(names) - len(differing)


def _list_leaves(tree: Any, name: str) -> Iterator[tuple[str, Any]]:
    if isinstance(tree, Mapping):
        for key, below in tree.items():
            yield from _list_leaves(below, f"{name}.{key}" if name else str(key))
    elif name:
        yield name, tree


def _name_setting(name: str) -> str:
    try:
        return field_title(name)
    except (KeyError, AttributeError):  # of another version of the program, or an operation of the augmentation
        return name


def _describe_setting(name: str, values: Mapping[str, Any]) -> str:
    if name not in values:
        return formatting.NONE
    value = values[name]
    try:
        text = describe_value(name, value) if type(value) in (int, float, str) else formatting.setting(value)
    except (KeyError, AttributeError):
        text = formatting.setting(value)
    if checkpoint := _OWN_CHECKPOINT.fullmatch(text):
        return f"{checkpoint['run']}-{checkpoint['stem']}"  # as it is called everywhere
    return (text if len(text) <= LONGEST else f"…{text[1 - LONGEST :]}") or "none"


def list_data_rows(difference: SnapshotDifference) -> list[Row]:
    """The numbers of images and boxes in which two snapshots differ."""
    splits = [(f"{SPLITS[split]} images", pair) for split, pair in difference.images_by_split.items()]
    labels = [(f"Boxes with {name}", pair) for name, pair in difference.boxes_by_label.items()]
    return [Row(name, f"{one:,}", f"{two:,}") for name, (one, two) in (*splits, *labels) if one != two]


def describe_data(difference: SnapshotDifference, first: str, second: str) -> str:
    """In a sentence or two, what became of the images between the runs `first` and `second`."""
    if difference.is_same:
        return "The same images with the same boxes and labels."
    parts: Sequence[tuple[int, str]] = (
        (difference.only_first, f"only in {first}"),
        (difference.only_second, f"only in {second}"),
        (difference.relabelled, "labelled in another way"),
        (difference.moved, "in another split"),
    )
    said = [f"{format_count(count, 'image')} {text}" for count, text in parts if count]
    return f"{', '.join(said)}." if said else "The same images."
