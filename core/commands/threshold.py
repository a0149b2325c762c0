"""From which score on a detection counts: show the operating point of a checkpoint, or set it by hand."""

from __future__ import annotations

from typing import Annotated

import typer

from core.commands.options import Json, ProjectFolder
from core.console import complain, print_json, print_table, say
from core.errors import InputError
from core.evaluation.operating_point import describe_point
from core.operations.predict import find_checkpoint
from core.project.label_renames import find_renames
from core.project.operating_points import StoredPoint, load_point, save_hand_set
from core.project.project import Project


def set_thresholds(
    folder: ProjectFolder,
    checkpoint: Annotated[
        str | None, typer.Option(help="Checkpoint id or file; the best of the project if left out.")
    ] = None,
    wanted: Annotated[
        list[str] | None, typer.Option("--set", metavar="LABEL=SCORE", help="Set the threshold of a label by hand.")
    ] = None,
    reset: Annotated[bool, typer.Option("--reset", help="Take back all that was set by hand.")] = False,
    json: Json = False,
) -> None:
    """Show from which score on each label of a checkpoint counts, and how that was chosen; or set it by hand."""
    with Project.open(folder, read_only=True) as project:
        name, path = find_checkpoint(project, checkpoint)
        renamed = find_renames(project, path)
    stored = load_point(path)
    if reset or wanted:
        old_names = {new: old for old, new in renamed.items()}
        own = {old_names.get(label, label): value for label, value in map(_parse_setting, wanted or ())}
        stored = save_hand_set(path, own if reset else {**stored.hand, **own})
    _print_point(name, stored.renamed(renamed), json)


def _print_point(name: str, stored: StoredPoint, json: bool) -> None:
    point, chosen = stored.point, stored.chosen
    if json:
        values = {"checkpoint": name, "operating_point": point.to_json(), "chosen_by_training": chosen.to_json()}
        print_json(values | {"set_by_hand": dict(stored.hand), "notices": list(stored.notices)})
        return
    say(f"{name}: thresholds {describe_point(point)}")
    rows = [
        (label, f"{value:.4g}", f"{chosen.thresholds[label]:.4g}", "by hand" if label in stored.hand else "")
        for label, value in point.thresholds.items()
    ]
    print_table(("label", ">score", ">of the training", "set"), rows)
    for text in stored.notices:
        complain(text)


def _parse_setting(text: str) -> tuple[str, float]:
    label, separator, value = text.rpartition("=")
    try:
        score = float(value)
    except ValueError:
        score = -1.0
    if not separator or not label or not 0 <= score <= 1:
        raise InputError(f"--set: {text!r} is not LABEL=SCORE with a score from 0 to 1, such as crack=0.4")
    return label, score
