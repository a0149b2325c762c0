"""Predicting on the Inspect page, in a process of its own."""

from __future__ import annotations

import os

import pytest
from pytestqt.qtbot import QtBot

from core.inspection.prediction_cache import prediction_root
from core.project.evaluations import load_evaluations
from desktop.base.background import Tasks
from desktop.base.session import Session
from desktop.inspect.inspect_page import InspectPage
from desktop.services import Services
from tests.desktop.inspect.inspect_builders import build_page, find_checkpoint, list_rows, project_of
from tests.desktop.model_builders import write_checkpoint, write_predictions


def test_predicting_runs_in_a_child_and_its_result_is_there_at_once_the_next_time(
    qtbot: QtBot, session: Session, services: Services, tasks: Tasks
) -> None:
    page = build_page(qtbot, session, services)
    session.inspect_requested.emit("r001-best")
    tasks.wait_idle()
    assert page.bar.checkpoint_id == "r001-best"
    assert "has not looked at these 8 images" in page.absence
    page.activateWindow()
    page.bar.button.setFocus()
    with qtbot.waitSignal(page.inspect_session.prediction.ended) as ended:
        page.bar.button.click()
        assert page.bar.cancel_button.isVisible() and page.bar.cancel_button.hasFocus()
    assert ended.args == ["finished", ""] and page.bar.button.hasFocus(), "the keys stay on the page"
    tasks.wait_idle()
    assert len(list_rows(page)) == 8
    assert page.workspace.column.strip.list_texts() == ["1.000", "1.000", "1.000", "1.000"]
    again = build_page(qtbot, session, services)
    again.inspect_session.show_checkpoint("r001-best")
    tasks.wait_idle()
    assert len(list_rows(again)) == 8
    files = list(prediction_root(project_of(session)).rglob("predictions.npz"))
    assert len(files) == 1
    assert files[0].parent.name.startswith("r001-best-val-")


def test_the_figures_of_a_prediction_are_kept_with_the_checkpoint(
    qtbot: QtBot, session: Session, services: Services, tasks: Tasks
) -> None:
    page = build_page(qtbot, session, services)
    predict_to_end(qtbot, page)
    tasks.wait_idle()
    [kept] = load_evaluations(find_checkpoint(session, "r002-best").path).found
    assert (kept.made_by, kept.key.split, kept.images, kept.best_known) == ("inspect", "val", 8, 1.0)


def predict_to_end(qtbot: QtBot, page: InspectPage) -> None:
    with qtbot.waitSignal(page.inspect_session.prediction.ended) as ended:
        page.bar.button.click()
    assert ended.args == ["finished", ""]


def test_the_process_that_predicted_waits_for_the_next_prediction(
    qtbot: QtBot, session: Session, services: Services, tasks: Tasks
) -> None:
    page, messages = build_page(qtbot, session, services), []
    session.message.connect(messages.append)
    first = services.warm.pid
    assert first is not None, "none was kept ready while the page is in front"
    predict_to_end(qtbot, page)
    assert services.warm.pid == first
    assert messages[-1] == "Prediction finished: 40 images/s"
    session.inspect_requested.emit("r001-best")
    tasks.wait_idle()
    predict_to_end(qtbot, page)
    assert services.warm.pid == first
    tasks.wait_idle()
    assert len(list_rows(page)) == 8


def test_a_process_that_was_started_by_other_settings_does_not_predict(
    qtbot: QtBot, session: Session, services: Services
) -> None:
    page = build_page(qtbot, session, services)
    first = services.warm.pid
    services.settings.update(threads=1)
    assert services.warm.pid not in (None, first)
    services.settings.update(theme="dark")
    second = services.warm.pid
    predict_to_end(qtbot, page)
    assert services.warm.pid == second


def test_no_process_waits_where_nothing_can_be_predicted(
    qtbot: QtBot, session: Session, services: Services, tasks: Tasks
) -> None:
    page = build_page(qtbot, session, services)
    pid = services.warm.pid
    assert pid is not None
    folder = project_of(session).folder
    session.close()
    assert services.warm.pid is None
    session.open(folder, read_only=True)
    page.activated()
    tasks.wait_idle()
    assert page.inspect_session.checkpoints and services.warm.pid is None


def test_a_checkpoint_file_that_was_replaced_is_predicted_anew(
    page: InspectPage, session: Session, tasks: Tasks
) -> None:
    record = page.inspect_session.checkpoint
    assert record is not None
    os.utime(record.path, ns=(5, 5))
    page.inspect_session.show_checkpoint("r002-best")
    tasks.wait_idle()
    assert page.workspace.matched is not None, "the file was only touched"
    write_checkpoint(project_of(session), "r002", "best", map50=0.9)
    page.inspect_session.show_checkpoint("r002-best")
    tasks.wait_idle()
    assert page.workspace.matched is None
    assert page.bar.button.text() == "Predict"


def test_a_prediction_is_cancelled_and_leaves_nothing_that_looks_finished(
    qtbot: QtBot, session: Session, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREDICT_BEHAVIOUR", "slow")
    page = build_page(qtbot, session, services)
    page.bar.button.click()
    qtbot.waitUntil(lambda: page.bar.progress.maximum() == 8)
    with qtbot.waitSignal(page.inspect_session.prediction.ended) as ended:
        page.bar.cancel_button.click()
    assert ended.args[0] == "stopped"
    assert page.bar.status.text() == "Cancelled"
    assert page.bar.button.isVisible()
    assert not list(prediction_root(project_of(session)).rglob("predictions.npz"))


def test_a_prediction_that_fails_says_why(
    qtbot: QtBot, session: Session, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREDICT_BEHAVIOUR", "fail")
    page = build_page(qtbot, session, services)
    with qtbot.waitSignal(page.inspect_session.prediction.ended):
        page.bar.button.click()
    assert "best.safetensors: damaged" in page.bar.note.text()
    assert page.bar.button.isEnabled()


def test_closing_while_predicting_leaves_no_process(
    qtbot: QtBot, session: Session, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREDICT_BEHAVIOUR", "slow")
    page = build_page(qtbot, session, services)
    page.bar.button.click()
    qtbot.waitUntil(lambda: page.bar.progress.maximum() == 8)
    folder = page.inspect_session.prediction.job_folder
    assert folder is not None
    assert folder.is_alive()
    assert page.may_close()
    assert not folder.is_alive()
    assert page.inspect_session.prediction.target is None


def test_what_is_being_predicted_is_said_and_what_is_not_is_offered(
    qtbot: QtBot, session: Session, services: Services, tasks: Tasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREDICT_BEHAVIOUR", "slow")
    page = build_page(qtbot, session, services)
    page.bar.button.click()
    assert "r002-best is looking at the images" in page.absence
    page.inspect_session.show_checkpoint("r001-best")
    tasks.wait_idle()
    assert "r001-best has not looked" in page.absence
    page.inspect_session.show_checkpoint("r002-best")
    tasks.wait_idle()
    assert "r002-best is looking at the images" in page.absence


def test_predictions_that_cannot_be_read_are_told_also_where_there_are_no_others(
    qtbot: QtBot, session: Session, services: Services
) -> None:
    record = find_checkpoint(session, "r002-best")
    write_predictions(project_of(session), record, "all").write_bytes(b"torn")
    page = build_page(qtbot, session, services)
    assert "has not looked" in page.absence
    assert "earlier predictions was passed over" in page.bar.note.text()


def test_a_prediction_that_cannot_be_kept_names_the_file_and_can_be_tried_again(
    qtbot: QtBot, session: Session, services: Services
) -> None:
    page = build_page(qtbot, session, services)
    root = prediction_root(project_of(session))
    root.parent.mkdir(exist_ok=True)
    root.write_bytes(b"a file where the folder belongs")
    with qtbot.waitSignal(page.inspect_session.prediction.ended) as ended:
        page.bar.button.click()
    assert ended.args[0] == "failed" and str(root) in ended.args[1]
    assert str(root) in page.bar.note.text()
    assert page.bar.button.isVisible()
