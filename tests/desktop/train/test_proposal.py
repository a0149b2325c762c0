"""Asking for a recipe in the window, and what the form says of a training before it begins."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, QTimer

from core.project.edits.image_edits import set_split
from core.recipe.draft import load_draft
from core.types import Split
from desktop.train.trials.propose_dialog import ProposeDialog
from tests.desktop.train.train_driver import TrainBench
from tests.desktop.training_child import FAIL_FILE


def open_dialog(bench: TrainBench, does: Callable[[ProposeDialog], None]) -> None:
    """Press the button, and let `does` use the dialog; it ends with it at the latest."""
    failed: list[BaseException] = []

    def use() -> None:
        dialog = bench.page.trials.speed.dialog
        assert dialog is not None
        try:
            does(dialog)
        except BaseException as error:  # noqa: BLE001 - raised below: Qt would only print it
            failed.append(error)
        finally:
            if dialog.isVisible():
                dialog.reject()

    QTimer.singleShot(0, use)
    bench.qtbot.mouseClick(bench.page.recipe_column.panel.propose_button, Qt.MouseButton.LeftButton)
    if failed:
        raise failed[0]


def fail_trials(bench: TrainBench) -> None:
    (bench.folder / "cache").mkdir(exist_ok=True)
    (bench.folder / "cache" / FAIL_FILE).touch()


def wait_for_proposal(bench: TrainBench, dialog: ProposeDialog) -> None:
    bench.qtbot.waitUntil(lambda: dialog.confirm.isEnabled() and dialog.proposal is not None, timeout=20_000)


def test_a_proposal_says_why_and_is_taken_over_as_one_step_that_undo_takes_back(bench: TrainBench) -> None:
    before = bench.page.draft.model.recipe
    shown: list[str] = []

    def accept(dialog: ProposeDialog) -> None:
        assert dialog.minutes.value() == 30 and not dialog.confirm.isEnabled()
        dialog.minutes.setValue(5)
        wait_for_proposal(bench, dialog)
        bench.qtbot.waitUntil(lambda: dialog.proposal is not None and dialog.proposal.minutes == 5, timeout=20_000)
        wait_for_proposal(bench, dialog)
        shown.extend(dialog.reasons.texts)
        dialog.accept()

    open_dialog(bench, accept)
    assert sum("because" in text for text in shown) >= 6 and any("by a short trial here" in text for text in shown)
    model = bench.page.draft.model
    assert model.recipe != before and model.recipe.limits.time_minutes == 5
    assert not list((bench.folder / "cache").glob("speed-*"))
    assert model.steps.undo_name is not None
    model.steps.undo()
    assert model.recipe == before and model.steps.undo_name is None
    bench.page.draft.save_draft()
    assert load_draft(bench.project) == before


def test_without_a_trial_usual_speeds_are_taken(bench: TrainBench) -> None:
    def look(dialog: ProposeDialog) -> None:
        dialog.measure.setChecked(False)
        bench.qtbot.waitUntil(
            lambda: dialog.proposal is not None and not dialog.proposal.speed.measured, timeout=20_000
        )
        assert any("by usual speeds, without a trial" in text for text in dialog.reasons.texts)

    before = bench.page.draft.model.recipe
    open_dialog(bench, look)
    assert bench.page.draft.model.recipe == before  # dismissed


def test_where_there_is_nothing_to_learn_from_it_says_so(bench: TrainBench) -> None:
    bench.project.apply(set_split(bench.project, bench.project.image_ids(), Split.TEST))
    for image in bench.project.images():
        bench.project.image_path(image).unlink()

    def look(dialog: ProposeDialog) -> None:
        bench.qtbot.waitUntil(lambda: "no image to train on has a box" in dialog.problem.text(), timeout=20_000)
        assert not dialog.confirm.isEnabled() and dialog.proposal is None

    open_dialog(bench, look)


def test_a_trial_that_fails_says_why(bench: TrainBench) -> None:
    fail_trials(bench)

    def look(dialog: ProposeDialog) -> None:
        bench.qtbot.waitUntil(lambda: "too little memory" in dialog.problem.text(), timeout=20_000)
        assert not dialog.confirm.isEnabled()
        dialog.measure.setChecked(False)
        wait_for_proposal(bench, dialog)

    open_dialog(bench, look)


# -- before Train ---------------------------------------------------------------------------------------------------


def wait_for_preview(bench: TrainBench, text: str) -> None:
    bench.qtbot.waitUntil(lambda: text in bench.page.recipe_column.preview.text, timeout=20_000)


def test_the_form_says_what_learns_and_what_anchors_reach_before_train(bench: TrainBench) -> None:
    wait_for_preview(bench, "to train on.")
    text = bench.page.recipe_column.preview.text
    assert "parameters learn" in text and "1 anchor shape reaches 100% of 4 boxes to train on" in text
    assert "not known yet" in text and bench.page.recipe_column.preview.measure_button.isVisible()
    bench.change_settings(model="ssd300_vgg16", weights__source="imagenet", strategy__kind="frozen")
    wait_for_preview(bench, "never learning: conv1, conv2, conv3, conv4")


def test_time_and_memory_are_measured_by_a_trial_and_stay_known(bench: TrainBench) -> None:
    wait_for_preview(bench, "not known yet")
    bench.qtbot.mouseClick(bench.page.recipe_column.preview.measure_button, Qt.MouseButton.LeftButton)
    assert bench.page.trials.speed.running and bench.page.control.busy
    wait_for_preview(bench, "Up to 640 MB of memory, on CPU, 2 threads.")
    text = bench.page.recipe_column.preview.text
    assert "for up to 3 epochs" in text and not bench.page.recipe_column.preview.measure_button.isVisible()
    assert not list((bench.folder / "cache").glob("speed-*"))
    bench.change_settings(schedule__epochs=30)
    wait_for_preview(bench, "for up to 30 epochs")


def test_a_trial_that_fails_leaves_time_unknown_and_says_why(bench: TrainBench) -> None:
    fail_trials(bench)
    wait_for_preview(bench, "not known yet")
    button = bench.page.recipe_column.preview.measure_button
    bench.qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    bench.qtbot.waitUntil(lambda: "too little memory" in bench.error_text)
    bench.qtbot.waitUntil(button.isEnabled)
    assert "not known yet" in bench.page.recipe_column.preview.text


def test_a_mend_is_a_button_that_changes_the_recipe_as_one_step(bench: TrainBench) -> None:
    wait_for_preview(bench, "to train on.")
    before = bench.page.draft.model.recipe
    preview = bench.page.recipe_column.preview
    bench.change_settings(sampling__mode="crops", sampling__input_size=256)
    bench.qtbot.waitUntil(lambda: any("pictures shows" in text or "picture shows" in text for text in preview.findings))
    changed = bench.page.draft.model.recipe
    assert bench.page.recipe_column.advice.text().startswith(preview.warnings[0])  # beside the button to train, too
    bench.qtbot.mouseClick(preview.mend_buttons[0], Qt.MouseButton.LeftButton)
    assert bench.page.draft.model.recipe.sampling.mode == "whole" != changed.sampling.mode
    bench.qtbot.waitUntil(lambda: not any("picture shows" in text for text in preview.findings))
    bench.page.draft.model.steps.undo()
    assert bench.page.draft.model.recipe == changed != before
    bench.qtbot.waitUntil(lambda: bool(preview.warnings))


def test_no_proposal_while_a_training_runs(bench: TrainBench) -> None:
    bench.hold_runs()
    bench.page.control.begin_training()
    bench.wait_for_epoch()
    bench.page.trials.speed.propose_recipe()
    assert "A training runs" in bench.error_text and bench.page.trials.speed.dialog is None
    bench.release_runs()
    bench.wait_for_end()
