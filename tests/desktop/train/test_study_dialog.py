"""Transfer studies in the window: asked for, followed, read, gone on with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QTableWidget, QWidget
from pytestqt.qtbot import QtBot

from core.jobs.folder import JobFolder
from core.project.edits.image_edits import remove_images, set_split
from core.recipe.recipe import Recipe, default_recipe, with_settings
from core.types import Split
from desktop.base.session import Session
from desktop.services import Services
from desktop.train.recipe.recipe_draft import RecipeDraft
from desktop.train.run.live_training import LiveTraining
from desktop.train.trials.spread_plot import SpreadPlot, SpreadRow
from desktop.train.trials.study_dialog import StudyDialog
from desktop.train.trials.study_request import OWN, StudyRequest
from desktop.train.trials.study_setup import StudySetup
from desktop.train.trials.trials import Trials
from tests.builders import draw, project_with_pictures
from tests.desktop.study_child import HOLD_FILE
from tests.desktop.window_builders import make_services, make_test_launcher

BASE = with_settings(default_recipe("ssd300_vgg16"), {"schedule.epochs": 4, "strategy.from_stage": "conv4"})


def request(names: tuple[str, ...], base: Recipe = BASE, seeds: int = 2, epochs: int = 4) -> StudyRequest:
    return StudyRequest(base, names, seeds, epochs, 0)


# -- what is asked for -----------------------------------------------------------------------------------------


def test_all_strategies_get_the_same_budget_and_the_seeds_follow_the_recipes() -> None:
    asked = StudyRequest(with_settings(BASE, {"seed": 7}), ("scratch", "fine_tune", OWN), 3, 9, 5)
    assert asked.seed_numbers() == [7, 8, 9]
    assert (asked.recipe.schedule.epochs, asked.recipe.limits.time_minutes) == (9, 5)
    assert asked.find_problem() == "“Fine-tune” and “As in the form” are the same recipe; leave one out."
    assert not replace(asked, names=("scratch", "fine_tune")).find_problem()
    assert "3 strategies × 3 seeds = 9 runs" in asked.describe_budget() and "45 minutes" in asked.describe_budget()


@pytest.mark.parametrize(
    ("asked", "word"),
    [
        (request(("scratch",)), "at least two"),
        (request(("fine_tune", OWN)), "the same recipe"),
        (request(("scratch", "frozen"), default_recipe("ssd_compact")), "something to transfer"),
    ],
)
def test_what_compares_nothing_is_refused_in_words(asked: StudyRequest, word: str) -> None:
    assert word in asked.find_problem()


def test_a_budget_shorter_than_the_recipes_phases_is_fitted() -> None:
    long = with_settings(BASE, {"schedule.epochs": 40, "strategy.kind": "two_phase", "strategy.head_epochs": 20})
    assert request((OWN, "scratch"), long, epochs=10).find_problem() == ""


def test_without_starting_weights_the_setup_says_what_is_missing(qtbot: QtBot) -> None:
    setup = StudySetup(default_recipe("ssd_compact"))
    qtbot.addWidget(setup)
    assert [name for name, box in setup.boxes.items() if box.isEnabled()] == ["scratch", OWN]
    other = StudySetup(BASE)
    qtbot.addWidget(other)
    assert all(box.isEnabled() for box in other.boxes.values()) and other.read_request().find_problem() == ""


def test_variants_of_ones_own_take_part_and_are_checked_with_the_others(qtbot: QtBot) -> None:
    setup = StudySetup(BASE)
    qtbot.addWidget(setup)
    setup.show()
    for name, box in setup.boxes.items():
        box.setChecked(name == "fine_tune")
    setup.variants.add_button.click()
    setup.variants.add_button.click()
    first, second = setup.variants.rows
    assert setup.read_request().find_missing() == "Write what is special about variant 1."
    first.name.setText("slow")
    first.settings.setText("strategy.kind=fine_tune, strategy.backbone_lr_factor=0.01")
    second.settings.setText("strategy.knid=frozen")
    assert setup.read_request().find_problem().startswith("Strategy variant 2: strategy.knid")
    qtbot.mouseClick(second.remove, Qt.MouseButton.LeftButton)
    asked = setup.read_request()
    assert (
        not asked.find_missing()
        and not asked.find_problem()
        and asked.describe_budget().startswith("2 strategies × 3 seeds = 6 runs")
    )
    assert [arm.name for arm in asked.list_arms()] == ["fine_tune", "slow"]
    assert asked.list_arms()[1].settings["strategy.backbone_lr_factor"] == 0.01


# -- in the window ---------------------------------------------------------------------------------------------


@pytest.fixture
def services(tmp_path: Path, qtbot: QtBot) -> Iterator[Services]:
    services = make_services(tmp_path, make_test_launcher("trial_child", study="study_child"))
    yield services
    services.tasks.shut_down()


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """A project with four images to train and two to validate is open."""
    project = project_with_pictures(tmp_path / "project", 6, ("scratch",))
    ids = project.image_ids()
    for image in ids:
        draw(project, image)
    project.apply(set_split(project, ids[:4], Split.TRAIN))
    project.apply(set_split(project, ids[4:], Split.VAL))
    project.close()
    session = Session()
    session.open(tmp_path / "project")
    yield session
    session.close()


@pytest.fixture
def trials(session: Session, qtbot: QtBot, services: Services) -> Iterator[Trials]:
    window, draft = QWidget(), RecipeDraft()
    qtbot.addWidget(window)
    draft.set_project(session.project)
    draft.model.replace_recipe(BASE)
    trials = Trials(session, services, LiveTraining(services.launcher, services.warm), draft, window)
    yield trials
    trials.set_project(None)
    services.tasks.wait_idle()


def opened(trials: Trials) -> StudyDialog:
    trials.open_study()
    assert trials.dialog is not None
    return trials.dialog


def begun(trials: Trials, qtbot: QtBot, session: Session) -> StudyDialog:
    """A study of two strategies with two seeds, which runs now and waits after its first run until it is released."""
    session.project.runs.folder.mkdir(exist_ok=True)
    (session.project.runs.folder / HOLD_FILE).touch()
    dialog = opened(trials)
    for name, box in dialog.setup.boxes.items():
        box.setChecked(name in ("frozen", "fine_tune"))
    dialog.setup.seeds.setValue(2)
    with qtbot.waitSignal(trials.runs_changed):
        qtbot.mouseClick(dialog.start, Qt.MouseButton.LeftButton)
    return dialog


def released(session: Session) -> None:
    (session.project.runs.folder / HOLD_FILE).unlink()


def ended(dialog: StudyDialog, qtbot: QtBot, services: Services) -> None:
    qtbot.waitUntil(lambda: not dialog.job.running)
    assert services.tasks.wait_idle()


def texts(table: QTableWidget, column: int) -> list[str]:
    return [table.item(row, column).text() for row in range(table.rowCount())]


def test_a_study_is_made_followed_and_answered(
    trials: Trials, session: Session, qtbot: QtBot, services: Services
) -> None:
    dialog = begun(trials, qtbot, session)
    assert dialog.shown == "s001" and dialog.start.text() == "Stop" and trials.study == "s001"
    released(session)
    ended(dialog, qtbot, services)
    view = dialog.view
    assert view.state.text().startswith("4 of 4 runs are done") and not dialog.start.isVisible()
    assert "Re-training the backbone helps: “Fine-tune” reaches mAP 0.705" in view.answers.text()
    assert texts(view.arms, 0)[0] == "Fine-tune" and texts(view.arms, 1) == ["2/2"] * 2
    assert texts(view.runs, 3) == ["finished"] * 4
    assert view.map.rows[0].name == "Fine-tune" and len(view.map.rows[0].values) == 2
    assert dialog.report.isVisible()
    with qtbot.waitSignal(dialog.run_requested) as asked:
        view.runs.cellActivated.emit(2, 0)
    assert asked.args == [texts(view.runs, 0)[2]]


def test_a_study_that_was_stopped_goes_on_where_it_was(
    trials: Trials, session: Session, qtbot: QtBot, services: Services
) -> None:
    dialog = begun(trials, qtbot, session)
    first = JobFolder(session.project.runs.folder / "r001")
    qtbot.waitUntil(lambda: first.state() == "finished")
    qtbot.mouseClick(dialog.start, Qt.MouseButton.LeftButton)
    ended(dialog, qtbot, services)
    assert texts(dialog.view.runs, 3).count("finished") == 1
    assert dialog.start.text() == "Go on" and dialog.start.isEnabled()
    assert "can be gone on with" in dialog.view.state.text()
    released(session)
    qtbot.mouseClick(dialog.start, Qt.MouseButton.LeftButton)
    ended(dialog, qtbot, services)
    assert texts(dialog.view.runs, 3) == ["finished"] * 4


def test_the_dialog_can_be_closed_and_opened_again_while_a_study_runs(
    trials: Trials, session: Session, qtbot: QtBot
) -> None:
    dialog = begun(trials, qtbot, session)
    dialog.reject()
    assert trials.study == "s001" and trials.dialog is None
    again = opened(trials)
    assert again.shown == "s001" and again.start.text() == "Stop"


def test_what_cannot_be_studied_is_said_where_it_is_asked(trials: Trials, session: Session) -> None:
    dialog = opened(trials)
    for name, box in dialog.setup.boxes.items():
        box.setChecked(name == "scratch")
    assert not dialog.start.isEnabled() and "at least two" in dialog.problem.text()
    assert dialog.problem.property("role") == "muted", "nothing is wrong yet"
    assert dialog.setup.read_request().describe_budget().startswith("1 strategy × ")
    dialog.setup.variants.add_button.click()
    dialog.setup.variants.rows[0].settings.setText("strategy.knid=frozen")
    assert dialog.problem.property("role") == "error" and "strategy.knid" in dialog.problem.text()
    dialog.setup.variants.rows[0].remove.click()
    dialog.setup.boxes["frozen"].setChecked(True)
    assert dialog.start.isEnabled() and not dialog.problem.isVisible()
    project = session.project
    project.apply(remove_images(project, project.image_ids()))
    dialog.start.click()
    assert "no image is labelled" in dialog.problem.text() and dialog.problem.isVisible()
    assert not dialog.shown and not trials.running


def test_closing_the_project_ends_its_study(trials: Trials, session: Session, qtbot: QtBot) -> None:
    begun(trials, qtbot, session)
    trials.set_project(None)
    assert not trials.running and trials.dialog is None


def test_no_range_test_begins_beside_a_study(trials: Trials, session: Session, qtbot: QtBot) -> None:
    begun(trials, qtbot, session)
    with qtbot.waitSignal(trials.error_changed) as said:
        trials.find_rate()
    assert said.args[0].startswith("A study runs")


def test_the_axis_of_the_spread_holds_all_that_is_shown(qtbot: QtBot) -> None:
    plot = SpreadPlot("mAP")
    qtbot.addWidget(plot)
    assert plot.range() == (0.0, 1.0)
    plot.show_rows([SpreadRow("a", (0.4, 0.6), 0.5, 0.14), SpreadRow("b")])
    low, high = plot.range()
    assert 0 <= low < 0.36 and 0.64 < high <= 1
    plot.grab()
