"""The operating point on the Inspect page, and that the command line counts by the same one."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from core.commands import checkpoints
from core.commands.options import SplitName
from core.inference.predictions import PredictionSet
from core.project.edits import box_edits, image_edits, label_edits
from core.project.operating_points import hand_file, load_point
from core.project.project import Project
from core.project.snapshot import take_snapshot
from core.types import Label, Split
from desktop.base.background import Tasks
from desktop.base.session import Session
from desktop.inspect.inspect_page import InspectPage
from desktop.services import Services
from tests.desktop.inspect.inspect_builders import build_page, find_checkpoint, list_rows, project_of
from tests.desktop.model_builders import write_checkpoint, write_predictions

POINT = {
    "thresholds": {"scratch": 0.4213, "pit": 0.35, "stain": 0.62},
    "review": None,
    "chosen_on": "val",
    "how": "the best F1 of each label on 8 validation images in epoch 1",
}

Evaluate = Callable[..., dict[str, Any]]


@pytest.fixture
def page(qtbot: QtBot, session: Session, services: Services) -> InspectPage:
    """The page on r003-best, which carries an operating point and has predictions of all images."""
    project = project_of(session)
    write_checkpoint(
        project,
        "r003",
        "best",
        created="2025-03-03T10:00:00+00:00",
        label_ids=[label.id for label in project.labels()],
        operating_point=POINT,
    )
    project.runs.sync_folders()
    write_predictions(project, find_checkpoint(session, "r003-best"), "all")
    return build_page(qtbot, session, services)


@pytest.fixture
def evaluate(
    page: InspectPage, session: Session, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Evaluate:
    """`evaluate --json` with the detections that the page shows in place of a network."""
    record = find_checkpoint(session, "r003-best")
    (file,) = (project_of(session).folder / "cache" / "predictions").glob("r003-best-*/predictions.npz")
    made = PredictionSet.load(file)

    def answer(_predictor: object, sources: Sequence[str]) -> Iterator[SimpleNamespace]:
        found = made.by_path()
        for path in sources:
            yield SimpleNamespace(path=path, detections=found[path], about_depth=(), facts=None, cut_at=0.0)

    # In the place of the module that brings torch, which never comes into a process with a window.
    loop = ModuleType("core.inference.prediction_loop")
    loop.__dict__.update(predict_images=answer, ImageSource=SimpleNamespace(of_snapshot=lambda image: image.path))
    monkeypatch.setitem(sys.modules, loop.__name__, loop)
    described = SimpleNamespace(model=record.model, trained_on=None, input=SimpleNamespace(mode="crops"))
    predictor = SimpleNamespace(label_names=made.label_names, description=described)
    predictor.for_images = lambda _most_boxes: predictor
    monkeypatch.setattr(checkpoints, "load_predictor", lambda *_: predictor)
    folder = project_of(session).folder

    def run(split: SplitName = SplitName.VAL, threshold: float | None = None, *, keep: bool = False) -> dict[str, Any]:
        capsys.readouterr()
        checkpoints.evaluate_checkpoint(folder, "r003-best", split, threshold, keep, json=True)
        return dict(json.loads(capsys.readouterr().out))

    return run


def read_labels(page: InspectPage) -> dict[str, list[str]]:
    """The cells of each label beside its name."""
    table = page.workspace.column.labels
    return {
        table.item(row, 0).text(): [table.item(row, column).text() for column in range(1, 7)]
        for row in range(table.rowCount())
    }


def expect_agreement(page: InspectPage, values: dict[str, Any]) -> None:
    def write(value: float | None, digits: int) -> str:
        return "–" if value is None else f"{value:.{digits}f}"

    by_label = {
        name: [
            *(write(one[key], 2) for key in ("ap50", "precision", "recall")),
            *(f"{one[k]}" for k in ("tp", "fp", "fn")),
        ]
        for name, one in values["labels"].items()
    }
    assert read_labels(page) == by_label
    shown = page.workspace.column.strip.list_texts()
    assert shown == [write(values[key], 3) for key in ("precision", "recall", "f1", "map50")]


def test_window_and_command_line_count_by_the_thresholds_of_the_checkpoint(
    page: InspectPage, evaluate: Evaluate
) -> None:
    values = evaluate()
    assert values["operating_point"] == POINT and values["chosen_on_these"] == 8
    expect_agreement(page, values)
    assert page.workspace.thresholds.point.to_json() == POINT
    stage = page.workspace.stage
    assert stage.score.text == "by label" and not stage.reset_button.isEnabled()
    assert "scratch 0.4213, pit 0.35, stain 0.62; chosen on val" in page.workspace.column.point.text()
    assert "The thresholds were chosen on these 8 images" in page.workspace.column.point.text()


def test_what_the_slider_sets_is_kept_and_shown_as_set_by_hand(
    qtbot: QtBot, page: InspectPage, evaluate: Evaluate, session: Session, services: Services
) -> None:
    stage, path = page.workspace.stage, find_checkpoint(session, "r003-best").path
    stage.score.set_value(0.3)
    assert stage.score.text == "0.300" and stage.reset_button.isEnabled()
    assert page.workspace.column.point.text() == "Score ≥ 0.3 for every label; set by hand."
    qtbot.waitUntil(hand_file(path).exists)
    assert load_point(path).hand == {"scratch": 0.3, "pit": 0.3, "stain": 0.3}
    values = evaluate()
    assert values["operating_point"]["chosen_on"] == "hand" and values["chosen_on_these"] == 0
    expect_agreement(page, values)
    again = build_page(qtbot, session, services)
    assert again.workspace.stage.score.text == "0.300" and "set by hand" in again.workspace.column.point.text()
    stage.reset_button.click()
    assert stage.score.text == "by label" and page.may_close()
    assert not hand_file(path).exists()
    expect_agreement(page, evaluate())


def test_with_one_label_chosen_the_slider_sets_that_label_alone(page: InspectPage, evaluate: Evaluate) -> None:
    table = page.workspace.column.labels
    pit = next(row for row in range(table.rowCount()) if table.item(row, 0).text() == "pit")
    table.label_chosen.emit(pit)
    assert page.workspace.stage.score.text == "0.350"
    page.workspace.stage.score.set_value(0.8)
    table.label_chosen.emit(None)
    assert page.workspace.stage.score.text == "by label" and page.may_close()
    values = evaluate()
    assert values["operating_point"]["thresholds"] == POINT["thresholds"] | {"pit": 0.8}
    assert values["operating_point"]["how"].startswith("set by hand: pit; the others: ")
    assert values["chosen_on_these"] == 8
    expect_agreement(page, values)


def test_a_threshold_on_the_command_line_is_for_the_call_and_kept_on_demand(
    page: InspectPage, evaluate: Evaluate, session: Session, tasks: Tasks
) -> None:
    path = find_checkpoint(session, "r003-best").path
    values = evaluate(threshold=0.7)
    assert values["operating_point"]["thresholds"] == dict.fromkeys(POINT["thresholds"], 0.7)
    assert values["operating_point"]["chosen_on"] == "hand" and not hand_file(path).exists()
    evaluate(threshold=0.7, keep=True)
    assert load_point(path).hand == dict.fromkeys(POINT["thresholds"], 0.7)
    page.inspect_session.reload()
    assert tasks.wait_idle() and page.workspace.stage.score.text == "0.700"


def test_a_read_only_project_keeps_nothing_and_says_so(
    qtbot: QtBot, page: InspectPage, session: Session, services: Services
) -> None:
    folder, path = project_of(session).folder, find_checkpoint(session, "r003-best").path
    session.close()
    reader = Session()
    reader.adopt(Project.open(folder, read_only=True))
    other = build_page(qtbot, reader, services)
    other.workspace.stage.score.set_value(0.2)
    assert "not kept, the project is open read-only" in other.workspace.column.point.text()
    assert other.may_close() and not hand_file(path).exists()
    reader.close()


def test_a_renamed_label_is_judged_as_the_same_and_an_added_one_has_dashes(
    page: InspectPage, evaluate: Evaluate, session: Session, tasks: Tasks
) -> None:
    project = project_of(session)
    labels = [Label(one.id, "groove" if one.name == "scratch" else one.name, one.color) for one in project.labels()]
    session.apply(label_edits.set_labels(project, [*labels, Label(99, "new", "#00ff00")]))
    assert tasks.wait_idle()
    assert page.workspace.matched is not None
    assert page.workspace.matched.unknown_to_model == ("new",) and page.workspace.matched.not_in_project == ()
    assert "Scratch is called groove since the training" in page.bar.note.text()
    values = evaluate()
    assert values["renamed"] == {"scratch": "groove"} and values["unknown_labels"] == ["new"]
    assert values["operating_point"]["thresholds"]["groove"] == 0.4213
    assert values["labels"]["new"]["ap50"] is None and values["map50"] == values["map50_all_labels"]
    assert "does not know new" in page.bar.note.text() and "becomes" not in page.bar.note.text()
    expect_agreement(page, values)
    page.workspace.thresholds.set_threshold("groove", 0.1)
    assert page.may_close()
    assert load_point(find_checkpoint(session, "r003-best").path).hand == {"scratch": 0.1}


def test_a_label_without_its_boxes_known_pulls_only_the_other_mean(
    page: InspectPage, evaluate: Evaluate, session: Session, tasks: Tasks
) -> None:
    project = project_of(session)
    labels = list(project.labels())
    session.apply(label_edits.set_labels(project, [*labels, Label(99, "new", "#00ff00")]))
    new = next(one for one in project.labels() if one.name == "new")
    pit = next(one for one in project.labels() if one.name == "pit")
    image = project.image_ids()[0]
    session.apply(box_edits.add_box(project, image, (2, 44, 12, 56), {new.id, pit.id}))
    assert tasks.wait_idle()
    values = evaluate()
    count = sum(one["ap50"] is not None for one in values["labels"].values())
    assert values["map50_all_labels"] == pytest.approx(values["map50"] * count / (count + 1))
    assert f"becomes {values['map50_all_labels']:.3f} instead of {values['map50']:.3f}" in page.bar.note.text()
    expect_agreement(page, values)
    assert sum(row[1] for row in list_rows(page)) == sum(one["fn"] for one in values["labels"].values())


def test_thresholds_go_with_a_deleted_checkpoint(page: InspectPage, session: Session) -> None:
    path = find_checkpoint(session, "r003-best").path
    page.workspace.stage.score.set_value(0.3)
    assert page.may_close() and hand_file(path).exists()
    project_of(session).runs.delete_checkpoint("r003-best")
    assert not hand_file(path).exists() and not list(Path(path.parent).iterdir())


def test_judging_other_images_than_the_thresholds_were_chosen_on_says_nothing(
    page: InspectPage, evaluate: Evaluate, session: Session, tasks: Tasks
) -> None:
    project, path = project_of(session), find_checkpoint(session, "r003-best").path
    take_snapshot(project).save(path.parents[1] / "snapshot.json")
    ids = project.image_ids()
    session.apply(image_edits.set_split(project, ids[:2], Split.TEST))
    session.apply(image_edits.set_split(project, ids[8:], Split.VAL))
    assert tasks.wait_idle()
    assert evaluate()["chosen_on_these"] == 6 and "on 6 of these 10 images" in page.workspace.column.point.text()
    assert evaluate(SplitName.TEST)["chosen_on_these"] == 2, "what they were chosen on, whatever its split is now"
