"""The plots of a run together: which are shown, what they say while they are empty, and pictures of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from defusedxml.ElementTree import fromstring
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from core.errors import InputError
from core.jobs.events import EpochDone, Event, RunStarted
from core.settings import Settings
from desktop.train.run.empty_plots import explain_empty
from desktop.train.run.plot_choices import LABELS, PLOT_TITLES, PlotChoices, read_choices
from desktop.train.run.plot_picture import save_picture
from desktop.train.run.run_history import RunHistory
from desktop.train.run.run_plots import RunPlots
from tests.desktop.train.train_driver import TrainBench
from tests.desktop.training_child import events


def said(epochs: int = 3) -> list[Event]:
    return [
        replace(event, memory_mb=100.0 * event.epoch, lr=0.01 / event.epoch) if isinstance(event, EpochDone) else event
        for event in events(epochs, lambda: False, pause=0)
    ]


@pytest.fixture
def plots(qtbot: QtBot) -> RunPlots:
    plots = RunPlots()
    qtbot.addWidget(plots)
    plots.resize(900, 700)
    plots.show()
    plots.set_run(RunHistory.of(said()), {"scratch": "#ff0000"})
    plots.draw("finished", {})
    return plots


def test_the_menu_of_the_curves_adds_plots_and_takes_them_away_but_for_one(plots: RunPlots) -> None:
    assert plots.shown_plots == ["loss", "map"]
    plots.bar.plot_actions()["Learning rate"].trigger()
    plots.bar.plot_actions()["Memory"].trigger()
    assert plots.shown_plots == ["loss", "map", "rate", "memory"]
    assert plots.plots["memory"].curves["memory_mb"].y.tolist() == [100, 200, 300]
    assert plots.plots["rate"].curves["lr"].x.tolist()[:4] == [0.25, 0.5, 0.75, 1.0]
    for plot in ("loss", "map", "rate", "memory"):
        plots.bar.show_plot(plot, on=False)
    assert plots.shown_plots == ["memory"], "the last one stays"


def test_the_average_precision_of_all_labels_is_drawn_by_one_choice(plots: RunPlots) -> None:
    assert not plots.map.is_shown("label:scratch")
    plots.bar.plot_actions()[PLOT_TITLES[LABELS]].trigger()
    assert plots.map.is_shown("label:scratch") and plots.map.is_shown("label:pit")
    assert plots.map.curves["label:scratch"].y.tolist() == [0.5, 0.75, 0.875]
    plots.set_run(RunHistory.of([replace(said()[0], labels=["crack"])]), {})  # another run, of other labels
    plots.draw("running", {})
    assert plots.map.is_shown("label:crack")


def test_all_plots_are_read_out_at_the_same_epoch(plots: RunPlots) -> None:
    plots.bar.show_plot("memory", on=True)
    plots.map.read_out(2.2)
    assert {plot.cursor_place for plot in plots.plots.values()} == {2.0}
    assert "200.000" in plots.plots["memory"].readout_text()


def test_smoothing_scale_and_plots_are_as_they_were_left(bench: TrainBench) -> None:
    bar = bench.view.bar
    bar.choose_smoothing(100)
    bar.choose_logarithmic(True)
    bar.show_plot("rate", on=True)
    kept = read_choices(Settings(bench.services.settings.path.parent))
    assert kept == PlotChoices(100, True, frozenset({"loss", "map", "rate"}))
    again = RunPlots(kept)
    assert again.shown_plots == ["loss", "map", "rate"] and again.bar.choices == kept
    again.deleteLater()


def test_choices_that_this_version_does_not_know_are_passed_over(tmp_path: Path) -> None:
    settings = Settings(tmp_path)
    settings.update(train_smoothing=19, train_curves=("dream",))
    assert read_choices(settings) == PlotChoices()


@pytest.mark.parametrize(
    ("plot", "state", "lines", "text"),
    [
        ("loss", "", [], "The loss of every step and epoch appears here once a training runs."),
        ("loss", "reading", [], "The run is read from its folder."),
        ("map", "waiting", [], "The run waits for its turn."),
        ("loss", "starting", [], "The images and the weights are loaded; the first step appears soon."),
        ("map", "running", said()[:3], "appears here after each epoch."),
        ("map", "running", [replace(said()[0], val_images=0)], "Nothing is judged: the run has no validation images."),
        ("loss", "failed", [], "The run ended before its first step; what it said is under Notices and Log."),
        ("map", "stopped", said()[:4], "The run ended within its first epoch;"),
        ("memory", "finished", said(), "The run does not tell of this."),
    ],
)
def test_an_empty_plot_says_why(plot: str, state: str, lines: list[Event], text: str) -> None:
    assert text in explain_empty(plot, RunHistory.of(lines), state)


def test_a_plot_is_saved_as_pixels_and_as_lines_and_replaces_nothing(plots: RunPlots, tmp_path: Path) -> None:
    png, svg = tmp_path / "run.png", tmp_path / "run.svg"
    assert save_picture(plots.area, "r001", png) == png
    pixels = cv2.imread(str(png))
    assert pixels is not None and pixels.shape[1] > 2 * plots.area.width() and np.unique(pixels).size > 20
    before = png.read_bytes()
    assert save_picture(plots.area, "r001", png) == tmp_path / "run-2.png"
    assert png.read_bytes() == before
    save_picture(plots.area, "r001", svg)
    assert fromstring(svg.read_text("utf-8")).tag.endswith("svg") and "Mean average precision" in svg.read_text("utf-8")
    with pytest.raises(InputError, match=r"end the name in \.png or \.svg"):
        save_picture(plots.area, "r001", tmp_path / "run.bmp")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run-2.png", "run.png", "run.svg"]


def test_the_export_says_where_the_picture_is(bench: TrainBench, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = bench.folder / "plots.png"
    wanted.write_bytes(b"of somebody else")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(wanted), ""))
    bench.train_to_end()
    bench.view.bar.picture_wanted.emit()
    assert "plots-2.png" in bench.page.run_column.notice.text
    assert wanted.read_bytes() == b"of somebody else"


def test_a_run_is_told_to_be_read_until_it_is(bench: TrainBench) -> None:
    bench.train_to_end()
    bench.train_to_end()
    bench.choose_run("r001")
    assert (
        bench.view.status.state_text() == "Loading"
        and bench.view.loss.empty.text() == "The run is read from its folder."
    )
    assert bench.tasks.wait_idle()
    assert bench.view.status.state_text() == "Finished"


def test_events_of_earlier_versions_have_no_memory() -> None:
    assert isinstance(said()[0], RunStarted)
    assert RunHistory.of(list(events(2, lambda: False, pause=0))).epoch_curve("memory_mb")[0].tolist() == []
