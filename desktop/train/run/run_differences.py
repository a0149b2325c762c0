"""In what runs differ: what came of them, their data, and every setting that is not the same in all. Knows no Qt."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from desktop.kit.formatting import NONE, metric, setting
from desktop.train.run.run_about import RunAbout, recipe_tree
from desktop.train.run.run_history import RunHistory

_LONGEST = 24  # characters of a value; the end of a path tells more than its beginning
_GAP = "  "
_OWN_CHECKPOINT = re.compile(r".*[/\\](?P<run>[^/\\]+)[/\\]checkpoints[/\\](?P<stem>\w+)\.safetensors")

ComparedRun = tuple[RunAbout, RunHistory]


def list_results(runs: Sequence[ComparedRun]) -> list[tuple[str, ...]]:
    """Rows of what came of the runs: a name, and the value of each run."""
    best = [history.best for _, history in runs]
    rows = [
        ("best mAP@0.5", *(metric(one.map50 if one else None) for one in best)),
        ("best mAP", *(metric(one.map if one else None) for one in best)),
        ("in epoch", *(str(one.epoch) if one else NONE for one in best)),
    ]
    # Where a model tells labels of images, nothing has a place.
    return rows[1:] if all(history.tells_labels for _, history in runs) else rows


def list_differences(runs: Sequence[ComparedRun]) -> list[tuple[str, ...]]:
    """A row for each thing in which the runs differ: its name, and the value of each run."""
    things = [{"snapshot": about.snapshot_hash[:12], **dict(_list_settings(about.recipe))} for about, _ in runs]
    names = dict.fromkeys(name for one in things for name in one)
    rows = [(name, *(one.get(name) or NONE for one in things)) for name in names]
    return [row for row in rows if len(set(row[1:])) > 1]


def differences_text(runs: Sequence[ComparedRun]) -> str:
    """Results and differences as text, the values one below the other; empty for fewer than two runs."""
    if len(runs) < 2:
        return ""
    differ = list_differences(runs)
    rows = [("", *(about.run for about, _ in runs)), *list_results(runs), *differ]
    cells = [[_shorten_cell(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [_GAP.join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
    if not differ:
        lines.append("Data and settings are the same.")
    return "\n".join(lines)


def _list_settings(recipe: str) -> Iterator[tuple[str, str]]:
    """Dotted names and values of a recipe as it stands in its file; nothing of one that is damaged."""
    yield from _list_leaves(recipe_tree(recipe), "")


def _list_leaves(tree: Any, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(tree, dict):
        for key, below in tree.items():
            yield from _list_leaves(below, f"{name}.{key}" if name else str(key))
    elif name:
        yield name, setting(tree)


def _shorten_cell(cell: str) -> str:
    if checkpoint := _OWN_CHECKPOINT.fullmatch(cell):
        return f"{checkpoint['run']}-{checkpoint['stem']}"  # as it is called everywhere
    return cell if len(cell) <= _LONGEST else f"…{cell[1 - _LONGEST :]}"
