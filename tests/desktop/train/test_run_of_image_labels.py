"""Models that tell labels of images, in the view of a run: their own measures, and nothing that only boxes have."""

from __future__ import annotations

from dataclasses import replace

from pytestqt.qtbot import QtBot

from core.jobs.events import CheckpointSaved, EpochDone, RunStarted
from desktop.train.run.run_about import RunAbout
from desktop.train.run.run_history import RunHistory
from desktop.train.run.run_status import RunStatus, summarize_run
from desktop.train.run.run_view import RunView
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
        lines.append(event)
    return RunHistory.of(lines)


def test_the_run_page_draws_and_names_the_measures_of_labels(qtbot: QtBot) -> None:
    view = RunView()
    qtbot.addWidget(view)
    view.show_run(history(), "finished", {})
    keys = view.map.curve_keys()
    assert "map50" not in keys
    drawn = [key for key in keys if view.map.is_shown(key)]
    assert drawn == ["map", "metric:macro_f1", "metric:micro_f1", "metric:macro_roc_auc"]
    assert view.map.curves["metric:macro_roc_auc"].y.tolist() == [0.875, 0.875]
    assert view.map.curves["metric:macro_roc_auc"].style.title == "macro ROC-AUC"
    assert len({view.map.curves[key].style.pen_color().name() for key in drawn}) == 4
    # Beside a detector's, and back again.
    view.set_compared([(RunAbout("r002"), history("ssd_compact", labels_only=False))])
    assert "r002/map" in view.map.curve_keys() and "r002/map50" not in view.map.curve_keys()
    view.show_run(history("ssd_compact", labels_only=False), "finished", {})
    assert {"map50", "map", "r002/map50"} <= set(view.map.curve_keys())


def test_figures_summary_and_log_tell_no_overlap(qtbot: QtBot) -> None:
    run, status = history(), RunStatus()
    qtbot.addWidget(status)
    status.show_run(run, "finished")
    assert (status.figure("Best mAP"), status.figure("Its macro F1")) == ("0.750", "0.500")
    assert summarize_run(run, "finished").endswith("mAP 0.750, macro F1 0.500.")
    told = " ".join(line.text for line in run.log)
    assert "macro ROC-AUC 0.875" in told and "mAP 0.750" in told
    assert "@" not in told and "nchors" not in told
    status.show_run(history("ssd_compact", labels_only=False), "finished")
    assert status.figure("Best mAP@0.5") != "–"
