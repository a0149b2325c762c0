"""Models that tell labels of images, in the window: their own measures, and nothing that only boxes have."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtGui import QColor
from pytestqt.qtbot import QtBot

from core.inspection.error_counts import PrecisionRecall
from core.inspection.marks import list_marks
from core.inspection.matched_images import MatchedImages, match_images
from core.jobs.events import CheckpointSaved, EpochDone, RunStarted, to_json
from core.types import Detections, GroundTruth
from desktop.checkpoints.checkpoint_detail import CheckpointDetail
from desktop.checkpoints.checkpoint_table import describe
from desktop.inspect.inspect_column import InspectColumn
from desktop.inspect.inspect_stage import InspectStage
from desktop.inspect.inspect_view import Names
from desktop.inspect.mark_texts import explain_label
from desktop.kit.formatting import map_text
from desktop.train.run.run_about import RunAbout
from desktop.train.run.run_history import RunHistory
from desktop.train.run.run_status import RunStatus, summary
from desktop.train.run.run_view import RunView
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
    view.set_compared([(RunAbout("r002"), history("ssd_compact", labels_only=False))])
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
    assert (map_text(0.5, 0.25), map_text(None, 0.25), map_text(None, None)) == (
        "mAP@0.5 0.500",
        "mAP 0.250",
        "not evaluated",
    )


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
    assert stage.ious.isVisible() and "box" in stage.chips["fn"].toolTip()
    stage.set_is_detector(False)
    assert not stage.ious.isVisible()
    assert all("label" in chip.toolTip().lower() and "box" not in chip.toolTip() for chip in stage.chips.values())


def judged() -> MatchedImages:
    """Three images of 100 x 100: two carry "dent", one of which also "rust"; scores that rank "dent" imperfectly."""
    box = np.array([[0, 0, 100, 100]], np.float32)
    truth = [GroundTruth(box, np.array([flags])) for flags in ([True, False], [True, True])]
    truth.append(GroundTruth(np.zeros((0, 4), np.float32), np.zeros((0, 2), bool)))
    names = ("dent", "rust")
    scores = ((0.9, 0.2), (0.3, 0.8), (0.6, 0.1))
    found = [Detections(box, np.array([one], np.float32), names) for one in scores]
    return match_images([1, 2, 3], truth, found, names, names, 0.5, is_detector=False)


def test_average_precision_of_labels_is_that_of_the_images_that_carry_them() -> None:
    data = judged()
    # Precision 1 at the first of the two images with a dent, 2/3 at the second; rust is ranked rightly.
    assert data.label_ap == pytest.approx((0.5 * 1 + 0.5 * 2 / 3, 1.0))
    assert data.mean_ap == pytest.approx(sum(one for one in data.label_ap if one is not None) / 2)


def test_the_side_speaks_of_images_where_no_boxes_are_found(qtbot: QtBot) -> None:
    data, side = judged(), InspectColumn()
    qtbot.addWidget(side)
    side.show()
    assert side.detail.text() == "At the box" and "true boxes" in side.labels.horizontalHeaderItem(3).toolTip()
    side.set_is_detector(False)
    assert side.detail.text() == "In the image" and "image" in side.panel.prompt.text()
    assert all("box" not in side.labels.horizontalHeaderItem(column).toolTip() for column in range(7))
    names = Names(data.label_names, (QColor("red"), QColor("blue")))
    side.labels.set_labels(names)
    side.labels.set_scores((PrecisionRecall(1, 1, 1),) * 2, (0.5, 0.5))
    assert all("box" not in side.labels.item(0, column).toolTip() for column in range(1, 4))
    truth, said = list_marks(data, 1, 0.5)
    side.panel.set_mark(data, 1, truth, names, 0.5)
    assert side.panel.title.text() == "True labels, found in part" and not side.panel.where.isVisible()
    side.panel.set_mark(data, 1, said, names, 0.5)
    assert "rust: right" in side.panel.reasons.text() and "IoU" not in side.panel.reasons.text()
    (wrong,) = list_marks(data, 2, 0.5)
    assert explain_label(data, 2, wrong, 0, False) == "false: the image has no defect"
