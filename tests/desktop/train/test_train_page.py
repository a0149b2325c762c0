"""The Train page on real projects, with real processes that speak as a training does."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from core.errors import StorageError
from core.jobs.folder import JobFolder
from core.project.edits.box_edits import add_box
from core.project.edits.image_edits import set_split
from core.project.snapshot import Snapshot
from core.recipe.draft import load_draft, save_draft
from core.recipe.recipe import Recipe, default_recipe, load_recipe, with_settings
from core.types import Split
from desktop.kit.field_controls import TextControl
from tests.desktop.full_disk import full_disk
from tests.desktop.model_builders import write_checkpoint
from tests.desktop.train.train_driver import TrainBench
from tests.desktop.training_child import events


def exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


# -- a training ------------------------------------------------------------------------------------------------


def test_the_train_button_trains_and_the_plots_show_it(bench: TrainBench, qtbot: QtBot) -> None:
    qtbot.mouseClick(bench.page.recipe_column.train_button, Qt.MouseButton.LeftButton)
    assert bench.page.training
    assert bench.page.recipe_column.train_button.text() == "Add to queue"
    assert bench.page.run_column.live_buttons.stop.isEnabled()
    bench.wait_for_end()
    qtbot.waitUntil(lambda: bench.view.status.state_text() == "Finished")
    history = bench.view.history
    assert [epoch.epoch for epoch in history.epochs] == [1, 2, 3]
    x, loss = history.steps()
    assert len(x) == len(loss) == 12
    assert list(bench.view.map.curves["map50"].y) == [0.5, 0.75, 0.875]
    assert list(bench.view.loss.curves["val_loss"].x) == [1, 2, 3]
    assert bench.view.status.progress_bar.value() == 1000
    assert bench.view.status.figure("Best mAP@0.5") == "0.875"
    assert "pit" in bench.view.texts.notices.text()
    assert "Epoch 3" in bench.view.texts.log.text()


def test_a_run_folder_says_what_was_trained_on_what(bench: TrainBench) -> None:
    bench.change_settings(schedule__epochs=2, sampling__input_size=64)
    bench.train_to_end()
    folder = bench.run_folder()
    recipe = load_recipe(folder.path / "recipe.yaml")
    assert (recipe.schedule.epochs, recipe.sampling.input_size) == (2, 64)
    snapshot = Snapshot.load(folder.path / "snapshot.json")
    assert len(snapshot.of_split(Split.TRAIN)) == 4
    assert folder.read_job()["snapshot_hash"] == snapshot.hash
    (run,) = bench.project.runs.list_runs()
    assert (run.id, run.state, run.epochs, run.model) == ("r001", "finished", 2, "ssd_compact")


def test_a_finished_run_leads_on_to_its_best_checkpoint(bench: TrainBench, qtbot: QtBot) -> None:
    bench.train_to_end()
    assert "0.875" in bench.view.summary.text()
    buttons = {button.text(): button for button in bench.view.summary.findChildren(QPushButton)}
    qtbot.mouseClick(buttons["Inspect"], Qt.MouseButton.LeftButton)
    qtbot.mouseClick(buttons["Show checkpoints"], Qt.MouseButton.LeftButton)
    assert bench.said == [("inspect", "r001-best"), ("page", "Checkpoints")]


def test_a_stop_keeps_what_was_learnt(bench: TrainBench, qtbot: QtBot) -> None:
    bench.change_settings(schedule__epochs=100_000)
    bench.page.control.begin_training()
    bench.wait_for_epoch()
    qtbot.mouseClick(bench.page.run_column.live_buttons.stop, Qt.MouseButton.LeftButton)
    assert bench.view.status.state_text() == "Stopping"
    bench.wait_for_end()
    assert bench.view.status.state_text() == "Stopped"
    assert bench.view.summary.text().startswith("Stopped after")
    assert bench.page.recipe_column.train_button.isEnabled()


def test_a_crash_of_the_training_is_told_and_another_can_start(
    bench: TrainBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.page.live.warm.dismiss_child()  # it was started before the environment changed
    monkeypatch.setenv("TRAINING_BEHAVIOUR", "crash")
    bench.train_to_end()
    assert bench.view.status.state_text() == "Interrupted"
    assert "crash" in bench.view.summary.text()
    bench.page.live.warm.dismiss_child()
    monkeypatch.delenv("TRAINING_BEHAVIOUR")
    bench.train_to_end()
    assert [run.state for run in bench.project.runs.list_runs()] == ["interrupted", "finished"]


# -- closing ---------------------------------------------------------------------------------------------------


def test_closing_asks_and_a_no_lets_the_training_go_on(bench: TrainBench) -> None:
    bench.change_settings(schedule__epochs=100_000)
    bench.page.control.begin_training()
    bench.wait_for_epoch()
    bench.page.ask_how_to_close = lambda: "cancel"
    assert not bench.page.may_close()
    assert bench.page.training
    assert exists(bench.read_process_id())


def test_closing_stops_the_training_cleanly_and_leaves_no_process(bench: TrainBench) -> None:
    bench.change_settings(schedule__epochs=100_000)
    bench.page.control.begin_training()
    bench.wait_for_epoch()
    pid = bench.read_process_id()
    bench.page.ask_how_to_close = lambda: "stop"
    assert bench.page.may_close()
    assert not exists(pid)
    assert bench.run_folder().state() == "stopped"


def test_closing_without_a_training_asks_nothing_and_leaves_no_waiting_process(bench: TrainBench) -> None:
    def never() -> bool:
        raise AssertionError("there is nothing to ask")

    bench.page.ask_how_to_close = never
    pid = bench.page.live.warm.pid
    assert pid is not None
    assert bench.page.may_close()
    assert not exists(pid)


def test_closing_the_project_stops_its_training(bench: TrainBench) -> None:
    bench.change_settings(schedule__epochs=100_000)
    bench.page.control.begin_training()
    bench.wait_for_epoch()
    pid = bench.read_process_id()
    bench.session.close()
    assert not exists(pid)
    assert bench.run_folder().state() == "stopped"
    assert not bench.page.recipe_column.train_button.isEnabled()
    assert bench.view.status.state_text() == "No run yet"


# -- the data --------------------------------------------------------------------------------------------------


def test_the_data_of_the_next_training_are_summed_up(bench: TrainBench) -> None:
    assert bench.page.recipe_column.data.image_numbers() == {
        Split.TRAIN: "4",
        Split.VAL: "2",
        Split.TEST: "0",
    }
    assert bench.page.recipe_column.data.problem_text() == ""


def test_without_validation_images_the_page_says_so_and_splitting_mends_it(
    bench: TrainBench, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    bench.session.apply(set_split(bench.project, bench.project.image_ids(), Split.TRAIN))
    qtbot.waitUntil(lambda: "validation" in bench.page.recipe_column.data.problem_text())
    monkeypatch.setattr("desktop.train.recipe.recipe_column.SplitImagesDialog.exec", lambda _dialog: 1)
    qtbot.mouseClick(bench.page.recipe_column.data.split_button, Qt.MouseButton.LeftButton)
    assert bench.page.recipe_column.data.problem_text() == ""
    assert bench.project.counts().splits["val"] > 0
    assert bench.project.history.undo_name == "Assign splits"


def test_with_nothing_to_learn_from_no_run_begins(bench: TrainBench) -> None:
    bench.session.apply(set_split(bench.project, bench.project.image_ids(), Split.TEST))
    bench.page.control.begin_training()
    assert not bench.page.training
    assert "train split" in bench.error_text
    assert not (bench.folder / "runs" / "r001").exists()


# -- the recipe ------------------------------------------------------------------------------------------------


def test_a_setting_that_is_wrong_is_shown_at_its_field_and_stops_the_start(bench: TrainBench) -> None:
    form = bench.page.recipe_column.panel.form.fields
    form.control("weights.source").edited.emit("file")
    assert "name the file" in form.errors()["weights.path"]
    bench.page.control.begin_training()
    assert not bench.page.training
    assert "marked red" in bench.error_text


def test_another_model_brings_its_defaults_and_keeps_the_augmentation(bench: TrainBench) -> None:
    bench.change_settings(augmentation__rotation=12.0, schedule__epochs=7)
    bench.page.draft.model.choose_model("ssd300_vgg16")
    recipe = bench.page.draft.model.settle_recipe()
    assert recipe.model == "ssd300_vgg16"
    assert recipe.sampling.input_size == default_recipe("ssd300_vgg16").sampling.input_size
    assert recipe.schedule.epochs == default_recipe("ssd300_vgg16").schedule.epochs
    assert recipe.augmentation.rotation == 12.0


def test_the_recipe_is_kept_in_the_project_beside_what_the_augment_page_sets(bench: TrainBench, qtbot: QtBot) -> None:
    bench.page.recipe_column.panel.form.fields.control("schedule.epochs").number.setValue(33)
    qtbot.waitUntil(lambda: load_draft(bench.project).schedule.epochs == 33)
    bench.page.deactivated()
    save_draft(bench.project, with_settings(load_draft(bench.project), {"augmentation.blur": 2.0}))
    bench.page.activated()
    bench.page.recipe_column.panel.form.fields.control("schedule.batch_size").number.setValue(5)
    bench.page.deactivated()
    recipe = load_draft(bench.project)
    assert (recipe.schedule.epochs, recipe.schedule.batch_size, recipe.augmentation.blur) == (33, 5, 2.0)


def test_a_number_that_is_being_typed_is_left_alone_while_the_draft_is_saved(bench: TrainBench, qtbot: QtBot) -> None:
    form = bench.page.recipe_column.panel.form
    form.fields.control("schedule.batch_size").number.setValue(5)  # the draft is saved soon
    rate = form.fields.control("optimizer.lr").number
    rate.setFocus()
    rate.selectAll()
    qtbot.keyClicks(rate, "0.0")
    qtbot.waitUntil(lambda: load_draft(bench.project).schedule.batch_size == 5)
    bench.page.recipe_column.show_data()
    bench.page.recipe_column.set_gpus([])
    qtbot.keyClicks(rate, "07")
    assert rate.text() == "0.007"
    bench.page.deactivated()
    assert load_draft(bench.project).optimizer.lr == 0.007, "leaving the page ends the typing"


def test_a_damaged_draft_is_told_and_replaced_by_the_defaults(bench: TrainBench) -> None:
    bench.project.set_setting("recipe", {"model": "ssd_compact", "schedule": {"epochs": 0}})
    bench.page.activated()
    assert "schedule.epochs" in bench.error_text
    assert bench.page.draft.model.settle_recipe() == default_recipe("ssd_compact")


def test_every_setting_of_a_recipe_can_be_reached(bench: TrainBench) -> None:
    shown = set(bench.page.recipe_column.panel.form.fields.names)
    leaves = set()
    for name, info in Recipe.model_fields.items():
        inner = getattr(info.annotation, "model_fields", None)
        leaves |= {f"{name}.{below}" for below in inner} if inner else {name}
    elsewhere = {leaf for leaf in leaves if leaf.startswith("augmentation.")} | {"model"}
    assert shown == leaves - elsewhere


def test_continuing_puts_the_checkpoint_and_its_model_into_the_recipe(bench: TrainBench) -> None:
    path = write_checkpoint(bench.project, "r007", "best", model="ssdlite320_mobilenet_v3")
    bench.project.runs.sync_folders()
    before = bench.page.draft.model.settle_recipe()
    bench.session.continue_requested.emit("r007-best")
    bench.page.activated()
    recipe = bench.page.draft.model.settle_recipe()
    assert recipe.model == "ssdlite320_mobilenet_v3"
    assert (recipe.weights.source, recipe.weights.path) == ("checkpoint", str(path))
    field = bench.page.recipe_column.panel.form.fields.control("weights.path")
    assert isinstance(field, TextControl) and not field.isHidden()
    # The end of a long path tells one file from another; the whole is in the tool tip.
    assert field.line.cursorPosition() == len(str(path)) and field.line.toolTip() == str(path)
    notice = bench.page.run_column.notice
    assert notice.text == "The form has the recipe of r007 now, and starts from r007-best."
    next(one for one in notice.findChildren(QPushButton) if one.text() == "Undo").click()
    assert bench.page.draft.model.settle_recipe() == before


def test_a_run_that_another_page_asks_for_is_shown(bench: TrainBench) -> None:
    past_run(bench, "r001")
    past_run(bench, "r002")
    bench.project.runs.sync_folders()
    bench.page.activated()
    for run in ("r001", "r002", "r001"):
        bench.session.run_requested.emit(run)
        assert bench.page.run_column.shown is not None and bench.page.run_column.shown.id == run


# -- runs of the past ------------------------------------------------------------------------------------------


def past_run(bench: TrainBench, run: str, *, lines: int | None = None) -> None:
    """A run folder as a training of four epochs left it; cut short after `lines` lines."""
    folder = JobFolder.create(bench.folder / "runs" / run, {"kind": "train"})
    said = list(events(4, lambda: False, run=run, pause=0))
    for event in said[:lines]:
        folder.append_event(event)


def test_a_past_run_shows_its_curves_when_it_is_chosen(bench: TrainBench, qtbot: QtBot) -> None:
    past_run(bench, "r001")
    bench.train_to_end()  # becomes r002
    assert bench.view.history.epochs[-1].epoch == 3
    bench.choose_run("r001")
    qtbot.waitUntil(lambda: bool(bench.view.history.epochs) and bench.view.history.epochs[-1].epoch == 4)
    assert bench.view.status.state_text() == "Finished"
    assert list(bench.view.map.curves["map50"].x) == [1, 2, 3, 4]


def test_a_run_that_a_crash_left_open_is_shown_as_interrupted(bench: TrainBench, qtbot: QtBot) -> None:
    past_run(bench, "r001", lines=10)
    bench.page.activated()
    qtbot.waitUntil(lambda: bench.view.status.state_text() == "Interrupted")
    assert "interrupted" in bench.page.run_column.picker.itemText(0)
    assert [epoch.epoch for epoch in bench.view.history.epochs] == [1]


def test_looking_at_a_past_run_does_not_disturb_the_one_that_trains(bench: TrainBench, qtbot: QtBot) -> None:
    past_run(bench, "r001")
    bench.change_settings(schedule__epochs=100_000)
    bench.page.control.begin_training()
    bench.wait_for_epoch()
    bench.choose_run("r001")
    qtbot.waitUntil(lambda: bench.view.status.state_text() == "Finished")
    assert bench.page.training
    before = len(bench.page.live.history.epochs)
    qtbot.waitUntil(lambda: len(bench.page.live.history.epochs) > before + 3)
    assert bench.view.history.epochs[-1].epoch == 4
    bench.choose_run("r002")
    assert bench.view.history is bench.page.live.history
    assert bench.view.status.state_text() == "Training"


# -- the waiting process ---------------------------------------------------------------------------------------


def test_a_process_waits_while_the_page_is_in_use_and_leaves_with_the_project(bench: TrainBench) -> None:
    first = bench.page.live.warm.pid
    assert first is not None
    assert exists(first)
    bench.train_to_end()
    second = bench.page.live.warm.pid
    assert second not in (None, first)
    bench.session.close()
    assert second is not None
    assert not exists(second)


def test_a_waiting_process_that_was_killed_is_no_obstacle(bench: TrainBench) -> None:
    pid = bench.page.live.warm.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    bench.train_to_end()
    assert bench.view.status.state_text() == "Finished"


def test_the_page_of_a_read_only_project_shows_runs_but_does_not_train(
    bench: TrainBench, qtbot: QtBot, tmp_path: Path
) -> None:
    past_run(bench, "r001")
    bench.session.close()
    bench.session.open(bench.folder, read_only=True)
    bench.page.activated()
    qtbot.waitUntil(lambda: bench.view.status.state_text() == "Finished")
    assert not bench.page.recipe_column.train_button.isEnabled()
    assert bench.page.live.warm.pid is None


def test_a_training_does_not_begin_without_edits_that_wait_for_the_disk(bench: TrainBench) -> None:
    edit = add_box(bench.project, bench.project.image_ids()[0], (1, 1, 9, 9), {1})
    with full_disk(bench.project):
        with pytest.raises(StorageError) as refusal:
            bench.session.apply(edit)
        bench.session.hold_edit(edit, str(refusal.value))
        bench.page.control.begin_training()
        assert "1 edit is not written to the disk yet" in bench.error_text
        assert not bench.page.training and not (bench.folder / "runs" / "r001").exists()
    bench.train_to_end()
    assert not bench.session.pending and bench.error_text == ""
    trained = Snapshot.load(bench.folder / "runs" / "r001" / "snapshot.json")
    assert sum(len(image.boxes) for image in trained.images) == 7
