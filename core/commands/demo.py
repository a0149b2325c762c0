"""The whole way on the sample, without a hand: draw it, train on it, judge the model on images that it never saw."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from core import console, files
from core.console import number, progress_bar, say
from core.errors import InputError
from core.evaluation.average_precision import Evaluation
from core.evaluation.curves import precision_recall_curves
from core.evaluation.matching import MatchTable
from core.imaging.decode import decode
from core.inspection import drawing
from core.inspection.charts import Chart, Series, draw_charts
from core.inspection.prediction_pictures import PredictionCase, draw_prediction_sheet
from core.jobs.events import EpochDone, Event, RunFailed, RunFinished
from core.jobs.folder import JobFolder
from core.operations.evaluations import keep_figures
from core.operations.launcher import make_launcher
from core.operations.predict import SplitPredictions, choose_point, find_checkpoint, load_predictor, predict_split
from core.operations.start_run import prepare_run, run_training
from core.project import making
from core.project.project import Project
from core.project.records import DATABASE_FILE
from core.project.snapshot import Snapshot, take_snapshot
from core.recipe.recipe import Recipe, default_recipe, with_settings
from core.sample import SAMPLE_LABELS, make_sample_project
from core.types import Split

IMAGES = 400
SEED = 0
EXPECTED_MAP50 = 0.75
CASES_SHOWN = 12
CURVE_POINTS = 200  # more would not be seen

_SETTING = "demo"  # by which a project of the demo is known

# What suits a few minutes on two cores; elsewhere the defaults of the model are better.
TRAINING: dict[str, Any] = {
    "schedule.epochs": 30,
    "limits.time_minutes": 3.3,
    "evaluation.every": 3,
}


def run_demo(
    folder: Path, *, count: int = IMAGES, settings: dict[str, Any] | None = None, quiet: bool = False
) -> dict[str, Any]:
    """Do it all in `folder`; what was made and how good it is.

    A folder of an earlier demo is used again: its images stay, a new run is added. Raises InputError if the folder
    holds anything else, or the training fails.
    """
    began = time.monotonic()
    with _demo_project(folder, count, quiet) as project:
        run = prepare_run(project, demo_recipe(settings or {}))
        snapshot = take_snapshot(project)
    events = _train(run, quiet)
    with Project.open(folder, read_only=True) as project:
        name, path = find_checkpoint(project, f"{run.path.name}-best")
    predictor = load_predictor(path)
    with progress_bar("judging", quiet=quiet) as progress:
        predicted = predict_split(predictor, snapshot, Split.TEST, progress)
    result = predicted.evaluation(choose_point(path, None).point.thresholds)
    for text in keep_figures(path, snapshot, Split.TEST, result, len(predicted.problems)):
        console.complain(text)
    pictures = _draw(project.folder, name, snapshot, predicted, result, events)
    seconds = time.monotonic() - began
    if not quiet:
        _report(project.folder, name, result, pictures, seconds)
    return {
        "project": str(project.folder),
        "checkpoint": name,
        "path": str(path),
        "seconds": round(seconds, 1),
        "predictions": str(pictures[0]),
        "curves": str(pictures[1]),
        **result.to_json(),
    }


def demo_recipe(settings: dict[str, Any]) -> Recipe:
    """The recipe of the demo, with `settings` over it."""
    return with_settings(default_recipe("ssd_compact"), TRAINING | settings)


def _demo_project(folder: Path, count: int, quiet: bool) -> Project:
    if (folder / DATABASE_FILE).exists():
        project = Project.open(folder)
        if project.setting(_SETTING) is not None:
            if not quiet:
                say(f"going on with the demo in {project.folder}")
            return project
        # Pictures are entered when all are drawn: a demo that was killed while drawing has the labels and no picture.
        unfinished = not project.counts().images and tuple(label.name for label in project.labels()) == SAMPLE_LABELS
        project.close()
        if not unfinished:
            raise InputError(f"{folder}: holds a project of your own; choose another folder for the demo")
        making.remove_database(folder)
    elif folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder}: exists and is not a demo; choose another folder")
    with progress_bar("drawing the sample", quiet=quiet) as progress:
        project = make_sample_project(folder, count, seed=SEED, progress=progress)
    project.set_setting(_SETTING, {"seed": SEED})
    counts = project.counts()
    if not quiet:
        clean = counts.status["clean"]
        say(
            f"drew {counts.images:,} surfaces with {counts.boxes:,} defects, {clean:,} of them clean, in {project.folder}"
        )
    return project


def _train(run: JobFolder, quiet: bool) -> list[EpochDone]:
    """Train; the events of the epochs."""
    epochs: list[EpochDone] = []

    def keep_epochs() -> Iterator[Event]:
        for event in run_training(run, make_launcher()):
            if isinstance(event, EpochDone):
                epochs.append(event)
            yield event

    last: Event | None = None
    if quiet:
        for event in keep_epochs():
            last = event
    else:
        last = console.show_training(keep_epochs())
    if isinstance(last, RunFailed):
        raise InputError(f"the training failed: {last.reason}. {last.advice}")
    if not isinstance(last, RunFinished) or last.stopped:
        raise InputError(f"the demo was stopped; what was learnt is in {run.path / 'checkpoints'}")
    return epochs


def _draw(
    folder: Path,
    name: str,
    snapshot: Snapshot,
    predicted: SplitPredictions,
    result: Evaluation,
    epochs: list[EpochDone],
) -> tuple[Path, Path]:
    """Write the two pictures; their paths."""
    judged = f"{name} on {result.images:,} images that it never saw"
    # What is there already shows an earlier run, or is the user's own.
    predictions, curves = (files.find_free_path(folder / one) for one in ("predictions.png", "curves.png"))
    drawing.write_picture(predictions, _picture_of_cases(snapshot, predicted, result, judged))
    charts = [
        Chart(
            "Loss",
            "epoch",
            (_series("train", epochs, "train_loss"), _series("validation", epochs, "val_loss")),
            low=0,
            per_epoch=True,
        ),
        Chart(
            "Mean average precision on the validation images",
            "epoch",
            (_series("mAP@0.5", epochs, "map50"), _series("mAP@[.5:.95]", epochs, "map")),
            low=0,
            high=1,
            per_epoch=True,
        ),
        Chart(
            "Precision and recall at IoU 0.5",
            "recall",
            _precision_recall(snapshot, predicted),
            low=0,
            high=1,
            x_low=0,
            x_high=1,
        ),
    ]
    subtitle = f"mAP@0.5 {number(result.map50)}   mAP@[.5:.95] {number(result.map)}"
    drawing.write_picture(curves, draw_charts(charts, judged, subtitle))
    return predictions, curves


def _series(name: str, epochs: list[EpochDone], key: str) -> Series:
    return Series(name, tuple((event.epoch, getattr(event, key)) for event in epochs))


def _precision_recall(snapshot: Snapshot, predicted: SplitPredictions) -> tuple[Series, ...]:
    series = []
    for name, curve in precision_recall_curves(predicted.truth, predicted.found, snapshot.label_names).items():
        # The corners of the curve are where a true box is found; the long tail of false alarms between them adds nothing.
        corners = np.flatnonzero(np.diff(curve.recall, prepend=0.0) > 0)
        rows = corners[np.unique(np.linspace(0, max(len(corners) - 1, 0), min(len(corners), CURVE_POINTS)).astype(int))]
        points = [(float(curve.recall[row]), float(curve.precision[row])) for row in rows.tolist()]
        series.append(Series(name, ((0.0, points[0][1]), *points) if points else ()))
    return tuple(series)


def _picture_of_cases(
    snapshot: Snapshot, predicted: SplitPredictions, result: Evaluation, judged: str
) -> drawing.Image:
    names = snapshot.label_names
    table = MatchTable.build(predicted.truth, predicted.found, names)
    thresholds = np.array([1.0 if one.threshold is None else one.threshold for one in result.labels.values()])
    matches = table.at(thresholds)
    # Images with several labels on a box first, then a clean one, then the rest as they come: the first twelve of a kind,
    # not the best twelve.
    several = [index for index, truth in enumerate(predicted.truth) if (truth.labels.sum(axis=1) > 1).any()]
    clean = [index for index, truth in enumerate(predicted.truth) if not len(truth)]
    order = dict.fromkeys([*several[:4], *clean[:1], *(i for i in range(len(predicted.truth)) if i not in set(clean))])
    cases = [
        PredictionCase(
            Path(predicted.images[index].path).name,
            decode(predicted.images[index].path, snapshot.cameras),
            predicted.truth[index],
            predicted.found[index],
            matches.image(index),
        )
        for index in list(order)[:CASES_SHOWN]
    ]
    return draw_prediction_sheet(cases, names, judged)


def _report(folder: Path, name: str, result: Evaluation, pictures: tuple[Path, Path], seconds: float) -> None:
    style = "bold green" if (result.map50 or 0) >= EXPECTED_MAP50 else "bold yellow"
    say(
        f"{name} on {result.images:,} images that it never saw: mAP@0.5 {number(result.map50)}, mAP {number(result.map)}",
        style,
    )
    if (result.map50 or 0) < EXPECTED_MAP50:
        say(
            f"that is less than the usual {EXPECTED_MAP50}: a slow or busy machine trains fewer epochs in the time",
            "yellow",
        )
    console.print_table(
        ("label", ">AP@0.5", ">precision", ">recall", ">boxes"),
        [
            (label, number(one.ap50), number(one.precision), number(one.recall), str(one.boxes))
            for label, one in result.labels.items()
        ],
    )
    say(f"predictions against truth: {pictures[0]}")
    say(f"curves: {pictures[1]}")
    say(f"took {seconds:.0f} s. Look at it in the window: defectdesk open {folder}")
