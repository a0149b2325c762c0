"""What is selected is what is seen; checkpoints stand by run, two are compared, and each has a menu."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from core.project.edits import image_edits
from core.project.snapshot import take_snapshot
from core.recipe.recipe import default_recipe, save_recipe, with_settings
from core.types import Split
from desktop.base.session import Session
from desktop.checkpoints.checkpoints_page import JUDGED, CheckpointsPage
from desktop.checkpoints.comparison_rows import list_recipe_rows
from desktop.services import Services
from tests.builders import draw, project_with_pictures
from tests.desktop.answers import answer_question
from tests.desktop.model_builders import write_checkpoint
from tests.desktop.window_builders import make_services, make_test_launcher

Key = Qt.Key
DESCENDING, ASCENDING = Qt.SortOrder.DescendingOrder, Qt.SortOrder.AscendingOrder


@pytest.fixture
def session(qtbot: QtBot, tmp_path: Path) -> Iterator[Session]:
    """Three runs over four images; the third has one more box, in an image that is judged by."""
    project = project_with_pictures(tmp_path / "parts", 4)
    ids = project.image_ids()
    for image_id in ids:
        draw(project, image_id, (4, 4, 24, 26), ["scratch"])
    project.apply(image_edits.set_split(project, ids[:2], Split.TRAIN))
    project.apply(image_edits.set_split(project, ids[2:], Split.VAL))
    for run, epochs, best, last in (("r001", 20, 0.61, 0.58), ("r002", 40, 0.83, 0.4), ("r003", 20, 0.7, 0.65)):
        if run == "r003":
            draw(project, ids[-1], (30, 30, 50, 50), ["pit"])
        day = run[-1]
        path = write_checkpoint(
            project,
            run,
            "best",
            epoch=8,
            map50=best,
            created=f"2025-03-0{day}T10:00:00+00:00",
            labels=("scratch", "pit"),
        )
        write_checkpoint(project, run, "last", epoch=20, map50=last, created=f"2025-03-0{day}T11:00:00+00:00")
        folder = path.parents[1]
        take_snapshot(project).save(folder / "snapshot.json")
        save_recipe(with_settings(default_recipe("ssd_compact"), {"schedule.epochs": epochs}), folder / "recipe.yaml")
    opened = Session()
    opened.adopt(project)
    yield opened
    opened.close()


@pytest.fixture
def services(qtbot: QtBot, tmp_path: Path) -> Iterator[Services]:
    services = make_services(tmp_path, make_test_launcher("predict_child"))
    yield services
    services.tasks.shut_down()


def build_page(qtbot: QtBot, session: Session, services: Services) -> CheckpointsPage:
    page = CheckpointsPage(session, services)
    qtbot.addWidget(page)
    page.resize(1200, 700)
    page.show()
    page.activated()
    return page


@pytest.fixture
def page(qtbot: QtBot, session: Session, services: Services) -> CheckpointsPage:
    return build_page(qtbot, session, services)


def list_ids(page: CheckpointsPage) -> list[str]:
    return [record.id for record in page.list.list_shown()]


def select(page: CheckpointsPage, *ids: str) -> None:
    table = page.list.table
    table.clearSelection()
    flags = table.selectionModel().SelectionFlag
    for one in ids:
        table.selectionModel().select(page.list.find_cell(one, "id"), flags.Select | flags.Rows)


def list_selected(page: CheckpointsPage) -> list[str]:
    return [record.id for record in page.list.list_selected()]


# -- what is selected


@pytest.mark.parametrize("how", ["words", "best", "starred", "model"])
def test_what_a_filter_hides_is_not_selected_and_not_deleted(
    qtbot: QtBot, page: CheckpointsPage, session: Session, how: str
) -> None:
    select(page, "r001-last", "r002-last")
    if how == "words":
        page.list.search.setText("r003")
    elif how == "best":
        page.list.best.setChecked(True)
    elif how == "starred":
        page.list.starred.setChecked(True)
    else:
        page.list.models.addItem("Other", "other")
        page.list.models.setCurrentIndex(page.list.models.findData("other"))
    assert list_selected(page) == [] and not page.detail.delete_button.isEnabled()
    page.list.table.setFocus()
    qtbot.keyClick(page.list.table, Key.Key_Delete)  # would open a question, which nobody answers
    assert session.project is not None and len(session.project.runs.list_checkpoints()) == 6


def test_of_a_selection_the_filter_keeps_what_it_shows(page: CheckpointsPage, session: Session) -> None:
    select(page, "r001-last", "r002-best", "r003-best")
    page.list.best.setChecked(True)
    assert sorted(list_selected(page)) == ["r002-best", "r003-best"]
    said = answer_question("Delete")
    page.detail.delete_button.click()
    assert said[0].startswith("Delete 2 checkpoints")
    page.list.best.setChecked(False)
    assert sorted(list_ids(page)) == ["r001-best", "r001-last", "r002-last", "r003-last"]


def test_a_filter_that_is_taken_away_selects_nothing_of_its_own(page: CheckpointsPage, session: Session) -> None:
    select(page, "r001-last")
    page.list.search.setText("r002")
    page.list.search.setText("")
    assert list_selected(page) == []
    page.list.search.setText("r003")
    session.notify(session.project.runs.set_note("r002-best", "seen"))  # the list is read again
    assert list_selected(page) == [] and "Select a checkpoint" in page.detail.prompt


def test_a_list_that_is_read_again_is_announced_once_and_read_of_only_in_front(
    page: CheckpointsPage, session: Session, services: Services
) -> None:
    told: list[int] = []
    page.list.selection_changed.connect(lambda: told.append(1))
    select(page, "r001-last")
    told.clear()
    page.deactivated()
    session.notify(session.project.runs.set_note("r002-best", "seen"))
    write_checkpoint(session.project, "r004", "best", epoch=8, created="2025-03-04T10:00:00+00:00")
    session.notify(session.project.runs.sync_folders())
    assert list_selected(page) == ["r001-last"] and len(told) == 2
    assert not services.tasks.busy(JUDGED), "a snapshot was read for a page that nobody sees"
    page.activated()
    assert len(told) == 3 and services.tasks.busy(JUDGED)


# -- order


def test_checkpoints_stand_by_run_with_the_best_first(page: CheckpointsPage) -> None:
    assert list_ids(page) == ["r003-best", "r003-last", "r002-best", "r002-last", "r001-best", "r001-last"]
    page.list.sort_by("map50", DESCENDING)
    assert list_ids(page) == ["r002-best", "r002-last", "r003-best", "r003-last", "r001-best", "r001-last"]
    page.list.sort_by("map50", ASCENDING)  # the lowest of r002 is the lowest of all
    assert list_ids(page) == ["r002-best", "r002-last", "r001-best", "r001-last", "r003-best", "r003-last"]
    page.list.by_run.setChecked(False)
    assert list_ids(page)[:2] == ["r002-last", "r001-last"]


def test_runs_are_ordered_by_what_is_shown_of_them(page: CheckpointsPage) -> None:
    page.list.sort_by("map50", ASCENDING)
    page.list.best.setChecked(True)
    assert list_ids(page) == ["r001-best", "r003-best", "r002-best"]


def test_order_and_grouping_are_kept_over_a_restart(
    qtbot: QtBot, page: CheckpointsPage, session: Session, services: Services
) -> None:
    page.list.sort_by("map50", ASCENDING)
    page.list.by_run.setChecked(False)
    again = build_page(qtbot, session, services)
    assert list_ids(again) == list_ids(page) and list_ids(again)[0] == "r002-last"
    header = again.list.table.horizontalHeader()
    assert header.sortIndicatorOrder() == ASCENDING and not again.list.by_run.isChecked()


def test_a_column_that_is_no_more_gives_way_to_the_date(qtbot: QtBot, session: Session, services: Services) -> None:
    services.settings.update(checkpoint_order=("colour", False))
    page = build_page(qtbot, session, services)
    assert list_ids(page)[0] == "r001-best"


# -- two side by side


def test_two_are_compared_by_figures_recipe_and_data(page: CheckpointsPage, services: Services) -> None:
    select(page, "r002-best", "r003-best")
    assert services.tasks.wait_idle()
    shown = page.detail.comparison
    figures = shown.list_rows("figures")
    first, second = page.list.list_selected()
    assert figures[0] == ("", first.id, second.id)
    by_name = {row[0]: row[1:] for row in figures}
    assert first.id == "r003-best" and by_name["mAP@0.5"] == ("0.700", "0.830", "+0.130")
    assert set(by_name) >= {"scratch", "pit", "mAP"}
    assert shown.list_rows("recipe") == [("Epochs", "20", "40")]
    assert "other settings the same" in shown.list_words()[0]
    assert ("Boxes with pit", "1", "0") in shown.list_rows("data")
    assert shown.list_words()[1] == "1 image labelled in another way."
    assert shown.warning.startswith("Other validation images or labels")


def test_best_and_last_of_a_run_have_one_recipe_and_the_same_data(page: CheckpointsPage, services: Services) -> None:
    select(page, "r001-best", "r001-last")
    assert services.tasks.wait_idle()
    shown = page.detail.comparison
    by_name = {row[0]: row[1:] for row in shown.list_rows("figures")}
    assert by_name["mAP@0.5"] == ("0.610", "0.580", "−0.030")
    assert by_name["stain"][0] == "–" and len(by_name["stain"]) == 2  # a label that one does not know has no difference
    assert shown.list_rows("recipe") == [] and shown.list_rows("data") == []
    assert shown.list_words() == [
        "Both are of r001, with one recipe.",
        "The same images with the same boxes and labels.",
    ]
    assert shown.warning == ""


def test_a_run_without_its_snapshot_says_so(page: CheckpointsPage, session: Session, services: Services) -> None:
    (session.project.folder / "runs" / "r001" / "snapshot.json").unlink()
    select(page, "r001-best", "r002-best")
    assert services.tasks.wait_idle()
    assert page.detail.comparison.list_words()[1].startswith("Not known. ")


def test_three_are_counted(page: CheckpointsPage) -> None:
    select(page, "r001-best", "r002-best", "r003-best")
    assert page.detail.prompt.startswith("3 checkpoints selected")


def test_recipes_of_other_versions_are_compared_as_far_as_they_go() -> None:
    rows, same = list_recipe_rows({"odd": {"x": 1}, "seed": 0}, {"seed": 0, "strategy": "old"})
    assert [(row.name, row.first, row.second) for row in rows] == [
        ("odd.x", "1", "–"),
        ("strategy", "–", "old"),
    ]
    assert same == 1


# -- the menu


def test_the_menu_offers_what_can_be_done_with_one(
    page: CheckpointsPage, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    menu = {action.objectName(): action for action in page.list.table.actions()}
    assert list(menu) == [
        "use",
        "continue_training",
        "show_run",
        "star",
        "open_folder",
        "copy_path",
        "delete",
    ]
    asked: list[str] = []
    session.continue_requested.connect(lambda name: asked.append(f"continue {name}"))
    session.run_requested.connect(lambda name: asked.append(f"run {name}"))
    opened: list[str] = []
    # The only thing that is not real here: opening a file manager on the machine that runs the tests.
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toLocalFile()) or True)
    select(page, "r002-last")
    (record,) = page.list.list_selected()
    for name in ("continue_training", "show_run", "open_folder", "copy_path"):
        menu[name].trigger()
    assert asked == ["continue r002-last", "run r002"]
    assert opened == [str(record.path.parent)] and QApplication.clipboard().text() == str(record.path)
    select(page, "r002-last", "r002-best")
    assert [name for name, action in menu.items() if action.isEnabled()] == ["star", "copy_path", "delete"]
    select(page)
    assert not any(action.isEnabled() for action in menu.values())


def test_the_search_is_reached_by_key(qtbot: QtBot, page: CheckpointsPage) -> None:
    page.activateWindow()
    page.list.table.setFocus()
    qtbot.keyClick(page.list.table, Key.Key_Slash)
    assert page.list.search.hasFocus()


def test_a_filter_that_nothing_passes_says_so(page: CheckpointsPage) -> None:
    assert page.list.absence.isHidden()
    page.list.search.setText("no such thing")
    assert not page.list.absence.isHidden() and page.list.count.text() == "0 of 6"
    page.list.search.setText("")
    assert page.list.absence.isHidden()
