"""The life of a run in the window: paused, resumed, queued, left going, shown again, watched from afar."""

from __future__ import annotations

import csv
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from core.jobs import queue
from core.jobs.events import JobResumed
from core.jobs.folder import JobFolder
from core.recipe.recipe import load_recipe
from desktop.base.running_work import WorkStatus
from desktop.train.train_page import TrainPage
from tests.desktop.answers import answer_question
from tests.desktop.train.train_driver import TrainBench
from tests.desktop.training_child import events


def click(qtbot: QtBot, button: QPushButton) -> None:
    assert button.isVisibleTo(button.window()) and button.isEnabled()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def reopened(bench: TrainBench) -> TrainPage:
    """The window is closed, and the project is opened again."""
    assert bench.page.may_close()
    bench.session.close()
    bench.session.open(bench.folder)
    bench.page.activated()
    return bench.page


@pytest.fixture(autouse=True)
def _nothing_goes_on(bench: TrainBench) -> Iterator[None]:
    yield
    queue.dismiss_worker(bench.folder / "runs")
    for job in queue.list_jobs(bench.folder / "runs"):
        job.leave_queue()
        # Runs that a test only pretends to train are kept alive by the test itself.
        if (pid := job.owner_here()) is not None and pid != os.getpid():
            os.kill(pid, signal.SIGKILL)


# -- pause and resume ------------------------------------------------------------------------------------------


def test_a_paused_run_frees_its_process_and_goes_on_where_it_was(bench: TrainBench, qtbot: QtBot) -> None:
    bench.change_settings(schedule__epochs=100_000)
    bench.page.control.begin_training()
    bench.wait_for_epoch()
    click(qtbot, bench.page.run_column.live_buttons.pause)
    assert bench.view.status.state_text() == "Pausing"
    bench.wait_for_end()
    assert bench.view.status.state_text() == "Paused"
    assert bench.view.summary.text().startswith("Paused in epoch")
    done = len(bench.view.history.epochs)
    click(qtbot, bench.find_summary_button("Resume"))
    assert bench.view.status.state_text() == "Starting"
    qtbot.waitUntil(lambda: len(bench.view.history.epochs) > done + 2)
    assert [epoch.epoch for epoch in bench.view.history.epochs[: done + 2]] == list(range(1, done + 3))
    assert bench.view.history.resumed_at == [done]
    assert bench.view.status.state_text() == "Training"


def test_a_run_whose_process_was_killed_can_be_resumed(bench: TrainBench, qtbot: QtBot) -> None:
    bench.change_settings(schedule__epochs=5)
    bench.hold_runs()
    bench.page.control.begin_training()
    bench.wait_for_epoch()
    pid = bench.run_folder().owner_here()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    bench.wait_for_end()
    assert bench.view.status.state_text() == "Interrupted"
    bench.release_runs()
    click(qtbot, bench.find_summary_button("Resume"))
    bench.wait_for_end()
    assert bench.view.status.state_text() == "Finished"
    assert [epoch.epoch for epoch in bench.view.history.epochs] == list(range(1, 6))


def test_a_finished_run_offers_no_resume_and_says_why_if_it_is_asked(bench: TrainBench) -> None:
    bench.page.control.begin_training()
    bench.wait_for_end()
    assert not bench.find_summary_button("Resume").isVisibleTo(bench.page)
    bench.page.control.resume_run("r001")
    assert "r001: has finished" in bench.error_text
    assert not bench.page.training


# -- the queue -------------------------------------------------------------------------------------------------


def test_runs_are_trained_one_after_the_other(bench: TrainBench, qtbot: QtBot) -> None:
    bench.hold_runs()
    bench.page.control.begin_training()
    bench.change_settings(schedule__epochs=2)
    for _ in range(3):
        click(qtbot, bench.page.recipe_column.train_button)
    card = bench.page.run_column.queue
    assert card.isVisibleTo(bench.page)
    assert [text[:4] for text in card.row_texts()] == ["r002", "r003", "r004"]
    card.set_low(False)
    click(qtbot, card.find_button("r004", "Earlier"))
    click(qtbot, card.find_button("r004", "Earlier"))
    click(qtbot, card.find_button("r003", "Remove"))
    assert [text[:4] for text in card.row_texts()] == ["r004", "r002"]
    bench.page.control.stop_training()
    bench.wait_for_state("r001", "stopped")
    bench.release_runs()
    bench.wait_for_state("r002", "finished")
    bench.wait_for_end()
    states = {run: bench.run_folder(run).state() for run in ("r001", "r002", "r003", "r004")}
    assert states == {"r001": "stopped", "r002": "finished", "r003": "waiting", "r004": "finished"}
    begun = [(bench.run_folder(run).path / "log.txt").stat().st_mtime for run in ("r004", "r002")]
    assert begun == sorted(begun)
    assert not card.isVisibleTo(bench.page)


def test_the_run_that_is_read_stays_in_view_when_the_next_of_the_queue_begins(bench: TrainBench, qtbot: QtBot) -> None:
    bench.hold_runs()
    bench.page.control.begin_training()
    bench.wait_for_epoch()
    bench.page.control.begin_training()
    column, buttons = bench.page.run_column, bench.page.run_column.live_buttons
    assert column.own_run == "r001" and buttons.stop.isVisibleTo(bench.page)
    bench.page.control.stop_training()
    qtbot.waitUntil(lambda: bench.page.live.run == "r002")
    assert column.own_run == "r001" and bench.view.status.state_text() == "Stopped"
    assert not buttons.pause.isVisibleTo(bench.page) and not buttons.stop.isVisibleTo(bench.page), (
        "they stop another run"
    )
    assert buttons.show_live.text() == "r002 trains"
    click(qtbot, buttons.show_live)
    assert column.own_run == "r002"
    assert not buttons.show_live.isVisibleTo(bench.page)
    click(qtbot, buttons.stop)
    bench.wait_for_end()
    assert bench.run_folder("r002").state() == "stopped"
    assert not buttons.stop.isVisibleTo(bench.page)


def test_what_runs_is_told_to_the_other_pages_with_what_it_does(bench: TrainBench, qtbot: QtBot) -> None:
    ended: list[tuple[str, str]] = []
    running = bench.services.running
    running.ended.connect(lambda name, how: ended.append((name, how)))
    bench.hold_runs()
    bench.page.control.begin_training()
    assert running.status == WorkStatus("r001", "loading")
    bench.wait_for_epoch()
    qtbot.waitUntil(lambda: running.status is not None and running.status.share is not None)
    assert running.status is not None
    assert (running.status.doing, running.status.place, running.status.share) == ("learning", "epoch 1 of 3", 0.333)
    bench.page.control.stop_training()
    assert running.status is not None and running.status.doing == "stopping"
    bench.wait_for_end()
    assert running.status is None
    assert ended == [("Training r001", "stopped")]


def test_a_pause_holds_the_queue_until_the_person_lets_it_go_on(bench: TrainBench, qtbot: QtBot) -> None:
    bench.hold_runs()
    bench.page.control.begin_training()
    bench.wait_for_epoch()
    bench.change_settings(schedule__epochs=2)
    bench.page.control.begin_training()
    bench.page.control.pause_training()
    bench.wait_for_end()
    assert bench.run_folder("r002").state() == "waiting"
    bench.release_runs()
    click(qtbot, next(one for one in bench.page.run_column.queue.findChildren(QPushButton) if "Train" in one.text()))
    bench.wait_for_state("r002", "finished")
    assert bench.run_folder("r001").state() == "paused"


def test_a_queue_of_last_time_waits_for_a_word(bench: TrainBench) -> None:
    bench.hold_runs()
    bench.page.control.begin_training()
    bench.page.control.begin_training()
    bench.page.ask_how_to_close = lambda: "stop"
    page = reopened(bench)
    assert not page.training
    assert [text[:4] for text in page.run_column.queue.row_texts()] == ["r002"]
    assert page.control.queue.held


# -- closing ---------------------------------------------------------------------------------------------------


def test_a_training_that_was_left_going_is_shown_again_and_can_be_stopped(bench: TrainBench, qtbot: QtBot) -> None:
    bench.change_settings(schedule__epochs=100_000)
    bench.page.control.begin_training()
    bench.wait_for_epoch()
    pid = bench.run_folder().owner_here()
    bench.page.ask_how_to_close = lambda: "leave"
    page = reopened(bench)
    assert page.training
    assert bench.run_folder().owner_here() == pid
    seen = len(bench.view.history.epochs)
    qtbot.waitUntil(lambda: len(bench.view.history.epochs) > seen + 5)
    assert [epoch.epoch for epoch in bench.view.history.epochs[:5]] == [1, 2, 3, 4, 5]
    assert bench.view.status.state_text() == "Training"
    click(qtbot, page.run_column.live_buttons.stop)
    qtbot.waitUntil(lambda: not page.training)
    assert bench.view.status.state_text() == "Stopped"
    assert bench.run_folder().state() == "stopped"


def test_a_queue_that_was_left_going_is_worked_off_without_a_window(bench: TrainBench, qtbot: QtBot) -> None:
    bench.hold_runs()
    bench.page.control.begin_training()
    bench.wait_for_epoch()
    bench.page.control.begin_training()
    bench.page.ask_how_to_close = lambda: "leave"
    assert bench.page.may_close()
    bench.session.close()
    bench.release_runs()
    bench.wait_for_state("r002", "finished")
    assert bench.run_folder("r001").state() == "finished"
    qtbot.waitUntil(lambda: queue.worker_folder(bench.folder / "runs").state() == "finished")


def test_a_window_that_opens_takes_the_queue_over(bench: TrainBench, qtbot: QtBot) -> None:
    bench.hold_runs()
    bench.page.control.begin_training()
    bench.wait_for_epoch()
    bench.page.control.begin_training()
    bench.page.ask_how_to_close = lambda: "leave"
    page = reopened(bench)
    worker = queue.worker_folder(bench.folder / "runs")
    qtbot.waitUntil(lambda: worker.state() == "stopped")
    assert page.live.run == "r001"
    assert not page.control.queue.held
    page.control.stop_training()
    bench.wait_for_state("r001", "stopped")
    bench.release_runs()
    bench.wait_for_state("r002", "finished")


# -- looking ---------------------------------------------------------------------------------------------------


def far_run(folder: Path, epochs: int = 3, lines: int | None = None) -> JobFolder:
    job = JobFolder.create(folder / "runs" / "r007", {"kind": "train"})
    job.write_heartbeat()
    for event in list(events(epochs, lambda: False, run="r007", pause=0))[:lines]:
        job.append_event(event)
    return job


def test_a_run_in_another_folder_is_followed_and_nothing_is_written_there(
    bench: TrainBench, qtbot: QtBot, tmp_path: Path
) -> None:
    job = far_run(tmp_path / "far", lines=9)
    before = sorted(path.name for path in job.path.iterdir())
    bench.page.run_column.watch_folder(job.path)
    qtbot.waitUntil(lambda: len(bench.view.history.epochs) == 1)
    qtbot.waitUntil(lambda: bench.view.status.state_text() == "Training")
    assert not bench.page.training
    assert not bench.page.run_column.live_buttons.stop.isVisibleTo(bench.page)
    for event in list(events(3, lambda: False, run="r007", pause=0))[9:]:
        job.append_event(event)
    qtbot.waitUntil(lambda: bench.view.status.state_text() == "Finished")
    assert [epoch.epoch for epoch in bench.view.history.epochs] == [1, 2, 3]
    assert sorted(path.name for path in job.path.iterdir()) == before
    assert "watched · r007 in far" in bench.page.run_column.picker.titles
    # Its checkpoints are not in this project: one of the same name may be, of another run.
    for text in ("Resume", "Inspect", "Show checkpoints"):
        assert not bench.find_summary_button(text).isVisibleTo(bench.page)


def test_what_was_read_of_a_watched_run_stays_while_its_folder_is_away(
    bench: TrainBench, qtbot: QtBot, tmp_path: Path
) -> None:
    job, notice = far_run(tmp_path / "far", lines=9), bench.page.run_column.notice
    bench.page.run_column.watch_folder(job.path)
    qtbot.waitUntil(lambda: len(bench.view.history.epochs) == 1)
    away = job.path.rename(tmp_path / "away")
    qtbot.waitUntil(lambda: "cannot be reached" in notice.text)
    assert len(bench.view.history.epochs) == 1
    away.rename(job.path)
    qtbot.waitUntil(lambda: "is there again" in notice.text)
    for event in list(events(3, lambda: False, run="r007", pause=0))[9:]:
        job.append_event(event)
    qtbot.waitUntil(lambda: bench.view.status.state_text() == "Finished")
    assert [epoch.epoch for epoch in bench.view.history.epochs] == [1, 2, 3]


def test_a_folder_that_is_no_run_is_refused_where_the_person_looks(bench: TrainBench, tmp_path: Path) -> None:
    bench.page.run_column.watch_folder(tmp_path)
    assert "is not the folder of a run; choose one such as" in bench.page.run_column.notice.text
    assert bench.page.run_column.notice.isVisibleTo(bench.page)


def test_another_run_is_drawn_beside_the_one_that_is_shown(bench: TrainBench, qtbot: QtBot) -> None:
    for epochs in (4, 2):
        bench.change_settings(schedule__epochs=epochs)
        bench.page.control.begin_training()
        bench.wait_for_end()
    assert bench.tasks.wait_idle()
    bench.view.bar.compare_run("r001", on=True)
    qtbot.waitUntil(lambda: "r001/map50" in bench.view.map.curve_keys())
    assert bench.view.map.curves["r001/map50"].x.tolist() == [1, 2, 3, 4]
    assert bench.view.loss.curves["r001/val_loss"].shown
    bench.choose_run("r001")
    qtbot.waitUntil(lambda: "r001/map50" not in bench.view.map.curve_keys())


def test_the_page_tells_recipe_snapshot_and_machine_of_a_run(bench: TrainBench) -> None:
    bench.page.control.begin_training()
    bench.wait_for_end()
    assert bench.view.texts.recipe.text().startswith("model: ssd_compact")
    assert bench.run_folder().read_job()["snapshot_hash"] in bench.view.texts.facts.text()


def test_the_recipe_of_a_run_is_taken_over_and_what_was_there_comes_back(bench: TrainBench, qtbot: QtBot) -> None:
    bench.change_settings(optimizer__lr=0.003)
    bench.page.control.begin_training()
    bench.wait_for_end()
    bench.change_settings(optimizer__lr=0.0001, loss__kind="focal")
    texts, model = bench.view.texts, bench.page.draft.model
    assert not texts.use_recipe.isVisible()
    texts.tabs.setCurrentWidget(texts.recipe)
    qtbot.mouseClick(texts.use_recipe, Qt.MouseButton.LeftButton)
    assert model.settle_recipe() == load_recipe(bench.run_folder().path / "recipe.yaml")
    assert model.settle_recipe().optimizer.lr == 0.003
    notice = bench.page.run_column.notice
    assert notice.text == "The form has the recipe of r001 now."
    qtbot.mouseClick(notice.button, Qt.MouseButton.LeftButton)
    assert (model.settle_recipe().optimizer.lr, model.settle_recipe().loss.kind) == (
        0.0001,
        "focal",
    ) and not notice.isVisible()
    (bench.run_folder().path / "recipe.yaml").write_text("model: [")
    bench.find_action("use_recipe").trigger()
    assert "recipe.yaml" in bench.error_text and model.settle_recipe().optimizer.lr == 0.0001


def test_a_run_is_deleted_once_the_person_agrees(bench: TrainBench, qtbot: QtBot) -> None:
    for _ in range(2):
        bench.page.control.begin_training()
        bench.wait_for_end()
    assert bench.tasks.wait_idle()
    delete, runs = bench.find_action("delete_run"), bench.folder / "runs"
    said = answer_question("Cancel")
    delete.trigger()
    assert said[0].startswith("Delete r002 (") and "cannot be undone" in said[0] and (runs / "r002").is_dir()
    answer_question("Delete")
    delete.trigger()
    assert bench.tasks.wait_idle()
    assert [folder.name for folder in runs.iterdir()] == ["r001"]
    shown = bench.page.run_column.picker
    assert [run.id for run in shown.runs] == ["r001"] and shown.currentText().startswith("r001 · ")
    qtbot.waitUntil(lambda: len(bench.view.history.epochs) == 3)
    resumed = JobFolder(runs / "r001")  # by another program
    resumed.append_event(JobResumed())
    resumed.write_heartbeat()
    answer_question("Delete")
    delete.trigger()
    assert resumed.path.is_dir() and "is being trained; stop it first" in bench.page.run_column.notice.text


def test_what_differs_between_compared_runs_is_listed(bench: TrainBench, qtbot: QtBot) -> None:
    for rate in (0.002, 0.001):
        bench.change_settings(optimizer__lr=rate)
        bench.page.control.begin_training()
        bench.wait_for_end()
    assert bench.tasks.wait_idle()
    listed = bench.view.texts.differences
    assert listed.text() == "" and "Compare" in listed.placeholderText()
    bench.view.bar.compare_run("r001", on=True)
    qtbot.waitUntil(lambda: "optimizer.lr" in listed.text())
    lines = [line.split() for line in listed.text().splitlines()]
    assert lines[0] == ["r002", "r001"] and ["best", "mAP@0.5", "0.875", "0.875"] in lines
    assert lines[-1] == ["optimizer.lr", "0.001", "0.002"]


def test_measures_are_exported_from_the_page(
    bench: TrainBench, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.page.control.begin_training()
    bench.wait_for_end()
    path = tmp_path / "out.csv"
    monkeypatch.setattr("desktop.train.run.run_export.QFileDialog.getSaveFileName", lambda *_: (str(path), ""))
    bench.view.csv_wanted.emit()
    qtbot.waitUntil(path.exists)
    with path.open(newline="") as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["1", "2", "3"]


@pytest.mark.parametrize("present", ["out.csv", "out-steps.csv"])
def test_an_export_of_measures_replaces_neither_the_named_file_nor_the_one_beside(
    bench: TrainBench, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, present: str
) -> None:
    bench.page.control.begin_training()
    bench.wait_for_end()
    (tmp_path / present).write_text("mine")
    monkeypatch.setattr("desktop.kit.new_file.QFileDialog.getSaveFileName", lambda *_: (str(tmp_path / "out"), ""))
    notice = bench.page.run_column.notice
    bench.view.csv_wanted.emit()
    qtbot.waitUntil(lambda: "Exported" in notice.text)
    assert (tmp_path / present).read_text() == "mine"
    assert (tmp_path / "out-2.csv").read_text().startswith("epoch,")
    assert "out-2.csv and out-2-steps.csv" in notice.text and f"{present} was there already" in notice.text
    assert sorted(path.name for path in tmp_path.glob("out*")) == sorted([present, "out-2.csv", "out-2-steps.csv"])


def test_a_run_of_this_project_that_another_program_trains_is_followed(bench: TrainBench, qtbot: QtBot) -> None:
    source = far_run(bench.folder.parent / "source", lines=9)
    shutil.copytree(source.path, bench.folder / "runs" / "r007")
    bench.page.activated()
    qtbot.waitUntil(lambda: len(bench.view.history.epochs) == 1)
    assert bench.view.status.state_text() == "Training"
