"""Finding a learning rate in the window, with real processes that speak as a range test does."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from core.jobs.events import Notice
from core.jobs.folder import JobFolder
from core.recipe.recipe import default_recipe
from desktop.base.job_runner import JobRunner
from desktop.train.trials.lr_finder_dialog import RangeTestDialog
from desktop.train.trials.rate_plot import RatePlot
from tests.desktop.window_builders import make_test_launcher


@pytest.fixture
def dialog(request: pytest.FixtureRequest, tmp_path: Path, qtbot: QtBot):
    behaviour = getattr(request, "param", "")
    folder = JobFolder.create(tmp_path / "range-test", {"kind": "range_test", "behaviour": behaviour})
    folder.append_event(Notice("one image is left out"))
    job = JobRunner(make_test_launcher("trial_child"))
    dialog = RangeTestDialog(folder, default_recipe("ssd_compact"), job)
    qtbot.addWidget(dialog)
    dialog.show()
    yield dialog
    if job.running:
        dialog.reject()


def ended(dialog: RangeTestDialog, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: not dialog.job.running)


def test_the_curve_is_drawn_and_its_rate_offered(dialog: RangeTestDialog, qtbot: QtBot) -> None:
    assert not dialog.confirm.isEnabled()
    ended(dialog, qtbot)
    assert dialog.confirm.isEnabled() and 1e-3 < dialog.rate() < 0.1
    assert dialog.plot.rate == pytest.approx(dialog.rate())
    x, y = dialog.plot.curve.getData()
    assert len(x) > 40 and y.min() < 1 < y.max()
    assert f"{dialog.rate():g}" in dialog.answer.text()  # it is told why
    assert dialog.answer.text().endswith("One image is left out.")
    dialog.accept()
    assert dialog.result() == 1


def test_another_rate_than_the_proposed_one_can_be_taken(dialog: RangeTestDialog, qtbot: QtBot) -> None:
    ended(dialog, qtbot)
    proposed = dialog.rate()
    dialog.plot.setFocus()
    qtbot.keyClick(dialog.plot, Qt.Key.Key_Left)
    assert dialog.rate() < proposed and dialog.plot.rate == pytest.approx(dialog.rate())
    dialog.number.setValue(0.05)
    assert dialog.plot.rate == pytest.approx(0.05)


@pytest.mark.parametrize("dialog", ["flat"], indirect=True)
def test_where_nothing_can_be_told_no_rate_is_offered(dialog: RangeTestDialog, qtbot: QtBot) -> None:
    ended(dialog, qtbot)
    assert not dialog.confirm.isEnabled() and dialog.plot.rate is None
    assert "fell by only" in dialog.answer.text() and dialog.answer.property("role") == "warning"


@pytest.mark.parametrize(
    ("dialog", "word"), [("fail", "too little memory"), ("crash", "without a word")], indirect=["dialog"]
)
def test_a_test_that_fails_says_why_and_can_be_tried_again(dialog: RangeTestDialog, word: str, qtbot: QtBot) -> None:
    ended(dialog, qtbot)
    assert word in dialog.answer.text() and not dialog.confirm.isEnabled()
    assert dialog.again.text() == "Try again" and dialog.again.isEnabled()
    qtbot.mouseClick(dialog.again, Qt.MouseButton.LeftButton)
    assert dialog.job.running and dialog.again.text() == "Stop"


@pytest.mark.parametrize("dialog", ["slow"], indirect=True)
def test_closing_the_dialog_ends_the_test(dialog: RangeTestDialog, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: bool(dialog.rates))
    dialog.reject()
    assert not dialog.job.running and not dialog.folder.is_alive()


def test_the_plot_keeps_the_descent_in_view_when_the_loss_explodes(qtbot: QtBot) -> None:
    plot = RatePlot("")
    qtbot.addWidget(plot)
    plot.show_points([1e-4, 1e-3, 1e-2, 1e-1], [2.0, 1.0, 0.5, 5000.0])
    (_, (low, high)) = plot.plot.getViewBox().viewRange()
    assert low < 0.5 and 2.0 < high < 10
