"""Models that tell labels of images, in the window: their own measures, and nothing that only boxes have."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from core.training.events import CheckpointSaved, EpochDone, RunStarted, to_json
from desktop.models.checkpoint_table import describe
from desktop.models.run_history import RunHistory
from desktop.models.wording import precision
from desktop.widgets.checkpoint_detail import CheckpointDetail
from desktop.widgets.inspect_stage import InspectStage
from desktop.widgets.run_status import RunStatus, summary
from desktop.widgets.run_view import RunView
from tests.builders import project_with_pictures
from tests.desktop.model_builders import write_checkpoint
from tests.desktop.training_child import events

METRICS = {"macro_f1": 0.5, "micro_f1": 0.625, "macro_precision": 0.25, "macro_roc_auc": 0.875, "exact_match": 0.125}


def history(model: str = "resnet50", *, labels_only: bool = True) -> RunHistory:
    """A run of two epochs; `labels_only`: judged as a model is that tells labels of images."""
    lines = []
    for event in events(2, lambda: False, pause=0):
        if isinstance(event, RunStarted):
            event = replace(event, model=model)
        if isinstance(event, EpochDone) and labels_only:
            event = replace(event, map50=None, map=0.75, metrics=METRICS)
        if isinstance(event, CheckpointSaved) and labels_only:
            event = replace(event, map50=None, map=0.75)
        lines.append(to_json(event))
    return RunHistory.of(lines)


def test_the_run_page_draws_and_names_the_measures_of_labels(qtbot: QtBot) -> None:
    view = RunView()
    qtbot.addWidget(view)
    view.show_run(history(), "finished", {})
    keys = view.map.curve_keys()
    assert "map50" not in keys
    drawn = [key for key in keys if view.map.is_shown(key)]
    assert drawn == ["map", "metric:macro_f1", "metric:micro_f1", "metric:macro_roc_auc"]
    assert view.map._items["metric:macro_roc_auc"].y.tolist() == [0.875, 0.875]
    assert view.map._items["metric:macro_roc_auc"].style.title == "macro ROC-AUC"
    assert len({view.map._items[key].style.pen_color().name() for key in drawn}) == 4
    # Beside a detector's, and back again.
    view.set_compared({"r002": history("ssd_compact", labels_only=False)})
    assert "r002/map" in view.map.curve_keys() and "r002/map50" not in view.map.curve_keys()
    view.show_run(history("ssd_compact", labels_only=False), "finished", {})
    assert {"map50", "map", "r002/map50"} <= set(view.map.curve_keys())


def test_figures_summary_and_log_tell_no_overlap(qtbot: QtBot) -> None:
    run, status = history(), RunStatus()
    qtbot.addWidget(status)
    status.show_run(run, "finished")
    assert (status.figure("Best mAP"), status.figure("Its macro F1")) == ("0.750", "0.500")
    assert summary(run, "finished").endswith("mAP 0.750, macro F1 0.500.")
    told = " ".join(line.text for line in run.log)
    assert "macro ROC-AUC 0.875" in told and "mAP 0.750" in told
    assert "@" not in told and "nchors" not in told
    status.show_run(history("ssd_compact", labels_only=False), "finished")
    assert status.figure("Best mAP@0.5") != "–"


def test_a_checkpoint_is_known_by_the_average_precision_that_it_has() -> None:
    assert (precision(0.5, 0.25), precision(None, 0.25), precision(None, None)) == (
        "mAP@0.5 0.500", "mAP 0.250", "not evaluated",
    )  # fmt: skip


@pytest.mark.parametrize(("model", "told"), [("resnet50", "of the labels"), ("ssd_compact", "at IoU 0.5")])
def test_a_checkpoint_tells_what_its_average_precision_is_of(
    model: str, told: str, qtbot: QtBot, tmp_path: Path
) -> None:
    with project_with_pictures(tmp_path / "parts", 1) as project:
        write_checkpoint(project, "r001", "best", model=model)
        project.sync_runs()
        [record] = project.checkpoints()
    if model == "resnet50":
        record = replace(record, map50=None, map=0.75)
    detail = CheckpointDetail()
    qtbot.addWidget(detail)
    detail.set_checkpoints([record], None, {}, editable=True)
    assert told in describe(record)
    assert detail._map50.text() == ("0.750" if model == "resnet50" else "0.500")
    assert detail._captions[0].text() == ("mAP" if model == "resnet50" else "mAP@.5")


def test_no_overlap_is_asked_for_where_labels_lie_on_the_whole_image(qtbot: QtBot) -> None:
    stage = InspectStage()
    qtbot.addWidget(stage)
    stage.show()
    assert stage.ious.isVisible()
    stage.set_tells_where(False)
    assert not stage.ious.isVisible()
