"""The plots of a training."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from core.jobs.events import Notice
from desktop.base.theme import apply_theme, theme
from desktop.train.run.curve_plot import CurvePlot
from desktop.train.run.curve_style import LOSS_CURVES, MAP_CURVES, compared_style, label_curve_style
from desktop.train.run.plot_parts import log_ticks
from desktop.train.run.plots import link_plots, loss_plot, map_plot
from desktop.train.run.run_about import RunAbout
from desktop.train.run.run_curves import Mark
from desktop.train.run.run_history import RunHistory
from desktop.train.run.run_texts import RunTexts
from desktop.train.run.run_view import RunView
from tests.desktop.training_child import events


@pytest.fixture
def loss(qtbot: QtBot) -> CurvePlot:
    plot = loss_plot()
    plot.resize(800, 300)
    qtbot.addWidget(plot)
    plot.show()
    return plot


def put(plot: CurvePlot, key: str, values: list[float]) -> None:
    plot.set_data(key, np.arange(1.0, len(values) + 1), np.array(values))


def view_range(plot: CurvePlot) -> tuple[list[float], list[float]]:
    x, y = plot.plot.getViewBox().viewRange()
    return x, y


def test_an_empty_plot_says_what_will_appear_and_a_point_takes_its_place(loss: CurvePlot) -> None:
    loss.finish(0)
    assert loss.empty.isVisible()
    assert "training" in loss.empty.text()
    put(loss, "train_loss", [2.0])
    loss.finish(10)
    assert not loss.empty.isVisible()


def test_the_view_holds_all_planned_epochs_and_all_values(loss: CurvePlot) -> None:
    put(loss, "train_loss", [2.0, 1.0])
    put(loss, "val_loss", [3.0, 1.5])
    loss.finish(20)
    x, y = view_range(loss)
    assert x[0] <= 0 and x[1] >= 20
    assert y[0] <= 0 and y[1] >= 3


def test_markers_of_many_epochs_are_small_so_that_the_curve_is_seen(loss: CurvePlot) -> None:
    put(loss, "train_loss", [1.0] * 40)
    curve = loss.curves["train_loss"].line
    few = curve.opts["symbolSize"]
    put(loss, "train_loss", [1.0] * 200)
    assert curve.opts["symbolSize"] < few / 2
    loss.grab()
    put(loss, "train_loss", [1.0])
    assert curve.opts["symbolSize"] == few


def test_a_view_moved_by_hand_stays_until_a_double_click_fits_it(loss: CurvePlot) -> None:
    put(loss, "train_loss", [2.0, 1.0])
    loss.finish(20)
    loss.plot.getViewBox().setRange(xRange=(1, 2), yRange=(1, 2), padding=0)
    loss.plot.getViewBox().sigRangeChangedManually.emit([True, True])
    loss.finish(20)
    assert view_range(loss)[0] == pytest.approx([1, 2])
    loss.fit()
    assert view_range(loss)[0][1] >= 20


def test_a_switch_hides_its_curve_and_those_that_follow_it(loss: CurvePlot) -> None:
    loss.set_shown("train_loss", False)
    assert not loss.is_shown("train_loss")
    assert not loss.is_shown("steps")
    assert not loss.is_shown("smooth")
    assert loss.is_shown("val_loss")
    loss.curves["train_loss"].button.click()
    assert loss.is_shown("smooth")


def test_parts_of_the_loss_are_hidden_until_asked_for(loss: CurvePlot) -> None:
    assert not loss.is_shown("val_box_loss")
    loss.curves["val_box_loss"].action.trigger()
    assert loss.is_shown("val_box_loss")


def test_the_readout_tells_the_values_of_the_nearest_epoch(loss: CurvePlot) -> None:
    put(loss, "train_loss", [2.0, 1.25, 1.0])
    put(loss, "val_loss", [3.0, 1.75, 1.5])
    loss.finish(3)
    loss.read_out(2.2)
    text = loss.readout_text()
    assert "Epoch 2" in text and "1.250" in text and "1.750" in text and "2.000" not in text
    loss.set_shown("val_loss", False)
    loss.read_out(2.2)
    assert "1.750" not in loss.readout_text()
    loss.read_out(None)
    assert loss.readout_text() == ""


def test_the_readout_tells_of_steps_before_the_first_epoch_has_ended(loss: CurvePlot) -> None:
    loss.set_data("smooth", np.array([0.25, 0.5]), np.array([4.0, 3.5]))
    loss.finish(3)
    loss.read_out(0.45)
    assert "Epoch 0.50" in loss.readout_text() and "3.500" in loss.readout_text()


def test_arrows_move_the_cursor_from_epoch_to_epoch(loss: CurvePlot, qtbot: QtBot) -> None:
    put(loss, "train_loss", [2.0, 1.25, 1.0])
    loss.finish(3)
    for key, epoch in (
        (Qt.Key.Key_Right, 1),
        (Qt.Key.Key_Right, 2),
        (Qt.Key.Key_End, 3),
        (Qt.Key.Key_Right, 3),
        (Qt.Key.Key_Left, 2),
        (Qt.Key.Key_Home, 1),
    ):
        qtbot.keyClick(loss, key)
        assert f"Epoch {epoch}<" in loss.readout_text()
    assert "Train 2.000" in loss.accessibleDescription()
    qtbot.keyClick(loss, Qt.Key.Key_Escape)
    assert loss.readout_text() == ""


def test_a_logarithmic_axis_shows_what_is_above_nothing_and_fits_it(loss: CurvePlot) -> None:
    put(loss, "train_loss", [100.0, 1.0, 0.01])
    put(loss, "val_loss", [10.0, 0.0, -1.0])
    loss.set_logarithmic(True)
    loss.finish(3)
    low, high = view_range(loss)[1]
    assert (low, high) == pytest.approx((-2, 2), abs=0.3)
    loss.set_logarithmic(False)
    assert view_range(loss)[1][1] >= 100


def test_marks_are_drawn_once_and_replaced_by_others(loss: CurvePlot) -> None:
    count = len(loss.plot.getPlotItem().items)
    for _ in range(3):
        loss.set_marks([Mark(0, "head"), Mark(4, "+stage4", planned=True)])
        assert len(loss.plot.getPlotItem().items) == count + 2
    loss.set_marks([])
    assert len(loss.plot.getPlotItem().items) == count


def test_a_compared_run_has_its_own_colour_and_is_hidden_with_the_curve_that_it_belongs_to(loss: CurvePlot) -> None:
    own = next(style for style in LOSS_CURVES if style.key == "val_loss")
    loss.set_curves([*LOSS_CURVES, compared_style(own, "r002", 0), compared_style(own, "r003", 1)])
    colors = {loss.curves[key].style.pen_color().name() for key in ("val_loss", "r002/val_loss", "r003/val_loss")}
    assert len(colors) == 3
    put(loss, "r003/val_loss", [0.125])
    loss.read_out(1)
    assert "r003 Validation" in loss.readout_text() and "0.125" in loss.readout_text()
    loss.set_shown("val_loss", False)
    assert not loss.is_shown("r003/val_loss")
    assert loss.curves["r003/val_loss"].button is None


def test_linked_plots_read_out_the_same_epoch(loss: CurvePlot, qtbot: QtBot) -> None:
    other = map_plot()
    qtbot.addWidget(other)
    other.show()
    link_plots([loss, other])
    put(loss, "train_loss", [2.0, 1.0])
    put(other, "map50", [0.25, 0.5])
    loss.read_out(2.2)
    assert "0.500" in other.readout_text()
    assert loss.cursor_place == other.cursor_place == 2


def test_linked_cursors_stand_above_each_other_where_one_plot_has_fewer_places(loss: CurvePlot, qtbot: QtBot) -> None:
    """Judged every second epoch: the other plot does not snap to an epoch of its own."""
    other = map_plot()
    qtbot.addWidget(other)
    other.show()
    link_plots([loss, other])
    put(loss, "train_loss", [2.0, 1.5, 1.0, 0.5])
    other.set_data("map50", np.array([2.0, 4.0]), np.array([0.25, 0.5]))
    loss.read_out(3.1)
    assert loss.cursor_place == other.cursor_place == 3
    assert "Epoch 3<" in other.readout_text() and "–" in other.readout_text()
    assert "0.250" not in other.readout_text() and "0.500" not in other.readout_text()
    other.read_out(3.1)
    assert loss.cursor_place == other.cursor_place and loss.cursor_place in (2, 4)
    other.read_out(None)
    assert loss.cursor_place is None and other.cursor_place is None


def test_a_run_that_is_shorter_has_a_dash_where_it_has_ended(loss: CurvePlot) -> None:
    own = next(style for style in LOSS_CURVES if style.key == "val_loss")
    loss.set_curves([*LOSS_CURVES, compared_style(own, "r002", 0)])
    loss.set_data("smooth", np.array([0.5, 1.0, 1.5, 2.0]), np.array([4.0, 3.0, 2.5, 2.25]))
    put(loss, "val_loss", [3.5, 2.75])
    put(loss, "r002/val_loss", [3.0, 2.0, 1.0])
    loss.finish(3)
    loss.read_out(3)
    assert "2.250" not in loss.readout_text() and "2.750" not in loss.readout_text()
    assert loss.readout_text().count("–") == 2 and "1.000" in loss.readout_text()
    loss.read_out(2)
    assert "2.250" in loss.readout_text() and "–" not in loss.readout_text()


def test_labels_get_curves_in_their_own_colours_and_lose_them_with_another_run(qtbot: QtBot) -> None:
    plot = map_plot()
    qtbot.addWidget(plot)
    plot.set_curves([*MAP_CURVES, label_curve_style("scratch", "#ff0000")])
    put(plot, "map50", [0.5])
    put(plot, "label:scratch", [0.25])
    assert plot.curves["label:scratch"].style.pen_color().name() == "#ff0000"
    assert not plot.is_shown("label:scratch")
    plot.set_curves([*MAP_CURVES, label_curve_style("pit", "#00ff00")])
    assert "label:scratch" not in plot.curves
    assert plot.curves["map50"].y.tolist() == [0.5]


@pytest.mark.parametrize("name", ["dark", "light"])
def test_curves_wear_the_colours_of_the_theme(loss: CurvePlot, qapp: QApplication, name: str) -> None:
    apply_theme(qapp, name)
    assert loss.curves["val_loss"].line.opts["pen"].color().name() == theme().series[1].name()
    apply_theme(qapp, "dark")


def test_gaps_and_spikes_do_not_spoil_the_view(loss: CurvePlot) -> None:
    values = np.concatenate([[1000.0], np.full(400, 1.0), [np.nan]])
    loss.set_data("steps", np.linspace(0.1, 5, len(values)), values)
    loss.finish(5)
    assert view_range(loss)[1][1] < 10


def test_a_hundred_thousand_steps_are_drawn_in_a_tenth_of_a_second(loss: CurvePlot, qapp: QApplication) -> None:
    x = np.linspace(0, 100, 100_000)
    y = np.random.default_rng(0).normal(1, 0.1, len(x))
    loss.set_data("steps", x, y)
    loss.finish(100)
    loss.grab()
    spans = []
    for _ in range(5):
        begun = time.process_time()  # what else the machine does is not counted
        loss.set_data("steps", x, y)
        loss.finish(100)
        loss.grab()
        spans.append(time.process_time() - begun)
    assert min(spans) < 0.1


@pytest.mark.parametrize(("low", "high"), [(1.5, 2.3), (0.02, 0.09), (0.5, 5), (2.0, 2.2), (1e-4, 9e-4)])
def test_a_log_scale_over_less_than_a_decade_has_several_round_ticks(low: float, high: float) -> None:
    ticks = log_ticks(low, high, 6)
    assert 3 <= len(ticks) <= 6 and all(low <= tick <= high for tick in ticks)
    assert all(len(f"{tick:.4g}".strip("0.").replace(".", "")) <= 3 for tick in ticks)


def test_a_log_scale_over_decades_has_ones_twos_and_fives_or_powers_of_ten() -> None:
    assert log_ticks(0.1, 10, 8) == pytest.approx([0.1, 0.2, 0.5, 1, 2, 5, 10])
    assert log_ticks(0.1, 10, 6) == pytest.approx([0.1, 1, 10])
    assert log_ticks(1e-9, 1, 5) == pytest.approx([1e-9, 1e-7, 1e-5, 1e-3, 0.1])


@given(st.floats(1e-9, 1e9), st.floats(1.02, 1e12), st.integers(3, 12))
def test_a_log_scale_never_has_too_many_ticks(low: float, ratio: float, most: int) -> None:
    ticks = log_ticks(low, low * ratio, most)
    assert (
        len(ticks) <= most
        and ticks == sorted(ticks)
        and all(low * (1 - 1e-9) <= tick <= low * ratio * (1 + 1e-9) for tick in ticks)
    )


def test_a_loss_that_hardly_falls_has_several_numbers_at_its_log_scale(loss: CurvePlot, qtbot: QtBot) -> None:
    loss.resize(700, 220)
    loss.set_data("train_loss", np.array([1.0, 2, 3]), np.array([2.3, 2.0, 1.6]))
    loss.set_logarithmic(True)
    loss.finish(3)
    axis = loss.plot.getAxis("left")
    ticks = [place for _, places in axis.tickValues(*axis.range, axis.height()) for place in places]
    assert len(axis.tickStrings(ticks, 1.0, 1.0)) >= 3 and "2" in axis.tickStrings(ticks, 1.0, 1.0)


@pytest.mark.parametrize("width", [440, 900])
def test_nothing_of_a_run_is_cut_off_in_a_narrow_or_a_wide_window(qtbot: QtBot, qapp: QApplication, width: int) -> None:
    apply_theme(qapp, "dark")
    window = QWidget()
    qtbot.addWidget(window)
    view = RunView(window)
    view.show_run(RunHistory.of(list(events(2, lambda: False, pause=0))), "finished", {})
    window.resize(width, 760)
    window.show()
    view.setGeometry(0, 0, width, 760)
    qtbot.waitExposed(window)

    def shown() -> list[QLabel | QToolButton]:
        parts = [*view.status.findChildren(QLabel), *view.bar.findChildren(QLabel)]
        parts += [*view.bar.findChildren(QToolButton), *view.map.findChildren(QToolButton)]
        return [part for part in parts if part.isVisible() and part.text()]

    assert {"Log scale", "Export", "Best mAP@[.5:.95]", "mAP@[.5:.95]"} <= {part.text() for part in shown()}
    qtbot.waitUntil(lambda: all(part.width() >= part.sizeHint().width() for part in shown()))


def test_notices_are_a_tab_where_there_is_little_room_and_keep_their_lines(qtbot: QtBot) -> None:
    texts = RunTexts()
    qtbot.addWidget(texts)
    texts.resize(900, 200)
    texts.show()
    history = RunHistory.of([Notice("few boxes of pit", "warning")])
    texts.show_run(history, RunAbout())
    for width, tab in ((900, -1), (320, 0), (900, -1), (300, 0)):
        texts.resize(width, 200)
        assert texts.tabs.indexOf(texts.notices) == tab
        assert texts.notices.isVisible() and texts.notices.text() == "• few boxes of pit"
    assert texts.tabs.count() == 5 and texts.tabs.currentIndex() == 0


@pytest.mark.parametrize(
    ("losses", "from_zero"), [([6.9, 6.5, 6.2], False), ([6.9, 3.0, 1.2], True), ([6.9], True), ([6.9, 6.85], True)]
)
def test_zero_is_in_sight_where_it_does_not_flatten_the_curve(
    loss: CurvePlot, losses: list[float], from_zero: bool
) -> None:
    loss.set_data("train_loss", np.arange(len(losses)) + 1.0, np.array(losses))
    loss.finish(len(losses))
    low, high = loss.plot.getViewBox().viewRange()[1]
    assert (low <= 0) == from_zero and (from_zero or low > 5)
    assert high >= max(losses)
