"""Edits that the disk refuses: on the screen, tried again in order, and never lost without a question."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication, QMessageBox
from pytestqt.qtbot import QtBot

from core.errors import StorageError
from core.project.edits import box_edits, image_edits, label_edits
from core.project.edits.edit import Edit
from core.project.project_reader import ProjectReader
from core.types import Label, Split, Status
from desktop.base import pending_edits
from desktop.base.session import Session, SessionHooks
from desktop.label.history_rows import ABOUT
from desktop.label.label_page import LabelPage
from desktop.shell.pending_notice import PendingNotice, ask_before_leaving
from tests.builders import draw, label_named, project_with_pictures
from tests.desktop.full_disk import full_disk
from tests.desktop.label.label_builders import KEYS, boxes_of, draw_by_hand, loaded, names, project_of
from tests.desktop.label.page_driver import find_action


@pytest.fixture
def session(qtbot: QtBot, tmp_path: Path) -> Iterator[Session]:
    session = Session(SessionHooks(may_leave_image=lambda session: ask_before_leaving(session, "image", None)))
    session.adopt(project_with_pictures(tmp_path / "project", 3))
    yield session
    session.close()


@pytest.fixture
def notice(page: LabelPage, session: Session) -> PendingNotice:
    """In the page's window, so that the keys stay with it."""
    return PendingNotice(session, page)


def _answer(qtbot: QtBot, wanted: str, asked: list[str]) -> None:
    """Presses the button `wanted` of the question that comes."""

    def press() -> None:
        box = QApplication.activeModalWidget()
        assert isinstance(box, QMessageBox)
        asked.append(box.text())
        next(button for button in box.buttons() if button.text().startswith(wanted)).click()

    QTimer.singleShot(50, press)


def test_a_refused_edit_stays_on_the_screen_and_is_written_when_the_disk_has_room(
    qtbot: QtBot, page: LabelPage, session: Session, notice: PendingNotice
) -> None:
    project = project_of(session)
    with full_disk(project):
        draw_by_hand(qtbot, page, (5, 6), (30, 36))
        qtbot.keyClick(page.canvas.view, KEYS["2"])
        qtbot.keyClick(page.canvas.view, KEYS["3"])
        assert boxes_of(session) == ()  # nothing is on the disk
        (shown,) = page.canvas.boxes
        assert len(shown.labels) == 2 and page.canvas.selected == {shown.id}
        assert session.shown is not None and session.shown.image(session.image_id or 0).status is Status.LABELLED
        assert len(session.pending.edits) == 3
        assert notice.isVisible() and "3 edits not written yet" in notice.text
        notice.button.click()
        assert len(session.pending.edits) == 3 and notice.isVisible()
    notice.button.click()
    assert boxes_of(session) == page.canvas.boxes == (shown,)
    assert not session.pending and not notice.isVisible()
    assert names(session, shown) == ["pit", "stain"]


def test_the_next_edit_writes_what_waits_before_it(qtbot: QtBot, page: LabelPage, session: Session) -> None:
    project = project_of(session)
    with full_disk(project):
        draw_by_hand(qtbot, page, (5, 6), (30, 36))
    qtbot.keyClick(page.canvas.view, KEYS["1"])
    assert not session.pending
    assert [entry.name for entry in project.history.list_entries()[-2:]] == ["Draw box", "Set scratch"]


def test_it_is_tried_again_by_itself(qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pending_edits, "RETRY", 30)
    session = Session()
    session.adopt(project_with_pictures(tmp_path / "project", 1))
    project = project_of(session)
    edit = box_edits.add_box(project, session.image_id or 0, (5, 6, 30, 36), {1})
    with full_disk(project):
        with pytest.raises(StorageError) as refusal:
            session.apply(edit)
        session.hold_edit(edit, str(refusal.value))
        qtbot.wait(100)
        assert session.pending
    qtbot.waitUntil(lambda: not session.pending)
    assert len(boxes_of(session)) == 1
    session.close()


def test_undo_takes_back_what_is_not_written_yet(qtbot: QtBot, page: LabelPage, session: Session) -> None:
    with full_disk(project_of(session)):
        draw_by_hand(qtbot, page, (5, 6), (30, 36))
        qtbot.keyClick(page.canvas.view, KEYS["1"])
        session.undo()
        assert [box.labels for box in page.canvas.boxes] == [frozenset()]
        session.undo()
        assert page.canvas.boxes == () and not session.pending


def test_leaving_the_image_asks_first_and_loses_nothing(qtbot: QtBot, page: LabelPage, session: Session) -> None:
    project, asked = project_of(session), list[str]()
    first = session.image_id
    with full_disk(project):
        draw_by_hand(qtbot, page, (5, 6), (30, 36))
        _answer(qtbot, "Stay", asked)
        qtbot.keyClick(page.canvas.view, Qt.Key.Key_D)
        assert session.image_id == first and len(page.canvas.boxes) == 1
        assert page.images.position()[0] == 1
        _answer(qtbot, "Go on", asked)
        find_action(page, "next").trigger()  # no window manager is here to give the keys back after a question
        loaded(qtbot, page)
        assert session.image_id != first and page.canvas.boxes == ()
        draw_by_hand(qtbot, page, (1, 1), (20, 20))
        assert len(session.pending.edits) == 2
    assert asked == ["1 edit not written to the disk yet"] * 2
    assert session.try_again()
    assert [len(project.boxes(image)) for image in project.image_ids()] == [1, 1, 0]


def test_closing_asks_first_and_tries_again_when_told(qtbot: QtBot, page: LabelPage, session: Session) -> None:
    asked: list[str] = []
    with full_disk(project_of(session)):
        draw_by_hand(qtbot, page, (5, 6), (30, 36))
        _answer(qtbot, "Stay", asked)
        assert not ask_before_leaving(session, "project", page)
        _answer(qtbot, "Close and lose 1 edit", asked)
        assert ask_before_leaving(session, "project", page)
        assert session.pending  # only closing itself gives them up
    _answer(qtbot, "Try again", asked)
    assert ask_before_leaving(session, "project", page)
    assert len(boxes_of(session)) == 1 and len(asked) == 3


def test_a_renamed_label_waits_as_well(qtbot: QtBot, page: LabelPage, session: Session) -> None:
    project = project_of(session)
    pit = project.labels()[1]
    with full_disk(project):
        page.labels.change_label(Label(pit.id, "pore", pit.color, pit.shortcut))
        assert [label.name for label in page.labels.model.labels()] == ["scratch", "pore", "stain"]
        assert label_named(project, "pore") is None
    assert session.try_again()
    assert label_named(project, "pore") is not None


def test_an_edit_that_no_longer_fits_is_told_and_not_silently_lost(
    qtbot: QtBot, page: LabelPage, session: Session
) -> None:
    project, dropped = project_of(session), list[str]()
    session.pending.dropped.connect(dropped.append)
    with full_disk(project):
        draw_by_hand(qtbot, page, (5, 6), (30, 36))
    draw(project, session.image_id or 0, (1, 1, 9, 9))  # behind the session's back
    assert session.try_again()
    assert len(dropped) == 1 and "“Draw box” could not be kept" in dropped[0]
    assert [box.xyxy for box in boxes_of(session)] == [(1, 1, 9, 9)]


def test_what_is_said_of_an_image_while_its_box_waits_is_written_with_it(
    qtbot: QtBot, page: LabelPage, session: Session
) -> None:
    project, image_id, dropped = project_of(session), session.image_id or 0, list[str]()
    session.pending.dropped.connect(dropped.append)
    builds: list[Callable[[ProjectReader], Edit]] = [
        lambda shown: label_edits.toggle_label(shown, image_id, [shown.boxes(image_id)[0].id], 1),
        lambda shown: image_edits.set_status(shown, [image_id], Status.REVIEWED),
        lambda shown: image_edits.set_note(shown, image_id, "bent pin"),
        lambda shown: image_edits.set_split(shown, [image_id], Split.VAL),
        lambda shown: image_edits.set_group(shown, [image_id], "lot 7"),
    ]
    with full_disk(project):
        draw_by_hand(qtbot, page, (5, 6), (30, 36))
        for build in builds:
            assert session.shown is not None
            edit = build(session.shown)
            with pytest.raises(StorageError) as refusal:
                session.apply(edit)
            session.hold_edit(edit, str(refusal.value))
        assert session.shown is not None
        shown = session.shown.image(image_id)
        assert session.pending.edits[-1].name == "Set group" and session.shown.counts().boxes == 1
    assert session.try_again() and not dropped
    assert project.image(image_id) == shown
    assert (shown.status, shown.note, shown.split, shown.group) == (Status.REVIEWED, "bent pin", Split.VAL, "lot 7")


def test_the_list_of_edits_shows_what_waits_and_takes_it_back(qtbot: QtBot, page: LabelPage, session: Session) -> None:
    project = project_of(session)
    history = page.edits
    with full_disk(project):
        draw_by_hand(qtbot, page, (5, 6), (30, 36))
        qtbot.keyClick(page.canvas.view, KEYS["1"])
        history.refresh()
        rows = [str(history.model.index(row).data()) for row in range(history.model.rowCount())]
        assert rows == ["Now", "Set scratch", "Draw box", "Add 3 images", "Before all of these"]
        about = [str(history.model.index(row).data(ABOUT)) for row in (1, 3)]
        assert about[0].endswith("part1.png · not written yet") and "not written" not in about[1]
        waiting = [entry for entry in session.list_edits() if entry.waits]
        session.go_to(waiting[0].position)
        assert [edit.name for edit in session.pending.edits] == ["Draw box"]
        assert [box.labels for box in page.canvas.boxes] == [frozenset()]
        session.go_to(project.history.position)
        assert not session.pending and page.canvas.boxes == ()
    assert [entry.name for entry in session.list_edits()] == ["Add 3 images"]


def test_the_history_of_an_image_shows_what_waits(qtbot: QtBot, page: LabelPage, session: Session) -> None:
    project, image_id = project_of(session), session.image_id or 0
    with full_disk(project):
        draw_by_hand(qtbot, page, (5, 6), (30, 36))
        kinds = [(event.name, event.kind) for event in session.list_events(image_id)]
        assert kinds == [("Draw box", "waiting"), ("Add 3 images", "done")]
        other = next(other for other in project.image_ids() if other != image_id)
        assert [event.kind for event in session.list_events(other)] == ["done"]
        page.history.show_events(session.list_events(image_id))
        assert page.history.list.item(0).text().startswith("Draw box (not written yet)")
    assert session.try_again()
    assert [event.kind for event in session.list_events(image_id)] == ["done", "done"]


def test_work_that_reads_the_disk_waits_for_what_waits(qtbot: QtBot, page: LabelPage, session: Session) -> None:
    project = project_of(session)
    with full_disk(project):
        draw_by_hand(qtbot, page, (5, 6), (30, 36))
        with pytest.raises(StorageError, match=r"project: 1 edit is not written .* left out: .*; ") as refusal:
            session.require_written()
        assert str(refusal.value).count("project.sqlite") == 0 and session.pending
    session.require_written()
    assert not session.pending and len(boxes_of(session)) == 1
