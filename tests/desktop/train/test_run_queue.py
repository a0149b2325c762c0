"""The card of the runs that wait."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QToolButton
from pytestqt.qtbot import QtBot

from core.project.records import RunRecord
from desktop.train.run.run_queue import RunQueue


def card(qtbot: QtBot, runs: int = 3) -> RunQueue:
    queue = RunQueue()
    qtbot.addWidget(queue)
    records = [RunRecord(f"r{number:03}", "ssd_compact", "", "waiting", 0) for number in range(1, runs + 1)]
    queue.show_queue(records, held=False, training=True)
    return queue


def fold_button(queue: RunQueue) -> QToolButton:
    return next(one for one in queue.findChildren(QToolButton) if one.accessibleName().endswith(("away", "the runs")))


def test_where_there_is_little_room_the_queue_is_one_line_that_names_its_runs(qtbot: QtBot) -> None:
    queue = card(qtbot)
    tall = queue.sizeHint().height()
    assert queue.find_button("r002", "Remove").isVisible()
    queue.set_low(True)
    assert not queue.find_button("r002", "Remove").isVisible()
    assert queue.folded_text() == "r001, r002, r003"
    assert queue.sizeHint().height() < tall - 60
    queue.set_low(False)
    assert queue.find_button("r002", "Remove").isVisible() and queue.folded_text() == ""


def test_what_the_person_folded_or_unfolded_stays_so_whatever_the_room(qtbot: QtBot) -> None:
    queue = card(qtbot)
    queue.set_low(True)
    qtbot.mouseClick(fold_button(queue), Qt.MouseButton.LeftButton)
    assert queue.is_open
    queue.set_low(True)
    assert queue.is_open and fold_button(queue).accessibleName() == "Fold the runs away"
    qtbot.mouseClick(fold_button(queue), Qt.MouseButton.LeftButton)
    queue.set_low(False)
    assert not queue.is_open
