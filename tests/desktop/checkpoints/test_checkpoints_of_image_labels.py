"""Models that tell labels of images, on the Checkpoints page: their own measures, and nothing that only boxes have."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from desktop.checkpoints.checkpoint_detail import CheckpointDetail
from desktop.checkpoints.checkpoint_table import describe_checkpoint
from desktop.kit.formatting import map_text
from tests.builders import project_with_pictures
from tests.desktop.model_builders import write_checkpoint


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
        project.runs.sync_folders()
        [record] = project.runs.list_checkpoints()
    if model == "resnet50":
        record = replace(record, map50=None, map=0.75)
    detail = CheckpointDetail()
    qtbot.addWidget(detail)
    detail.set_checkpoints([record], {}, {}, editable=True)
    assert told in describe_checkpoint(record)
    shown = [("mAP", "0.750")] if model == "resnet50" else [("mAP@0.5", "0.500"), ("mAP@[.5:.95]", "0.300")]
    assert detail.list_averages() == shown
