"""The sample images beside the curves."""

from __future__ import annotations

import numpy as np
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from core.project.snapshot import SnapshotImage
from core.training.samples import SampleBox, SampleWriter
from core.types import Detections, Split, Status
from desktop.train.run.samples_view import SamplesView, read_pictures
from tests.builders import picture
from tests.desktop.train.train_driver import TrainBench

NAMES = ("scratch", "pit")


def write_samples(bench: TrainBench, run: str, epochs: int) -> None:
    """As a training of so many epochs writes them: the score rises."""
    box = np.array([[8, 8, 40, 40]], np.float32)
    image = SnapshotImage("/x/a.png", 64, 48, Status.LABELLED, Split.VAL, "", "a", box, np.array([[True, False]]))
    writer = SampleWriter(bench.run_folder(run).path, [image], NAMES, seed=1, count=1)
    writer.write_pictures([picture()])
    for epoch in range(1, epochs + 1):
        writer.keep_found([Detections(box, np.array([[epoch / 4, 0.0]], np.float32), NAMES)])
        writer.write_epoch(epoch, dict.fromkeys(NAMES, 0.5))


def test_what_is_found_is_shown_with_the_true_boxes_by_epoch(bench: TrainBench, qtbot: QtBot) -> None:
    bench.train_to_end()
    bench.train_to_end()
    write_samples(bench, "r001", 3)
    view = bench.view.samples
    assert not view.isVisibleTo(bench.page), "the second run has shown nothing"
    bench.choose_run("r001")
    qtbot.waitUntil(lambda: view.epoch == 3)
    assert view.isVisibleTo(bench.page)
    assert view.pictures.found_boxes() == [(SampleBox((8, 8, 40, 40), (0,), 0.75),)]
    view.grab()
    view.choose_epoch(1)
    assert view.pictures.found_boxes() == [()], "0.25 is below the threshold"
    assert view.pictures.describe_images() == ["a.png: scratch there, nothing found"]
    bench.choose_run("r002")
    qtbot.waitUntil(lambda: not view.isVisibleTo(bench.page))


def test_the_last_epoch_is_followed_until_another_is_chosen(bench: TrainBench, qtbot: QtBot) -> None:
    bench.train_to_end()
    view = SamplesView()
    qtbot.addWidget(view)
    for epochs in (1, 2):
        write_samples(bench, "r001", epochs)
        view.show_samples("r001", *read_pictures(bench.run_folder().path), {})
        assert view.epoch == epochs
    view.choose_epoch(1)
    write_samples(bench, "r001", 3)
    view.show_samples("r001", *read_pictures(bench.run_folder().path), {})
    assert view.epoch == 1
    view.choose_epoch(3)
    write_samples(bench, "r001", 4)
    view.show_samples("r001", *read_pictures(bench.run_folder().path), {})
    assert view.epoch == 4


def test_pictures_that_are_not_there_leave_their_place_empty(bench: TrainBench, qtbot: QtBot) -> None:
    bench.train_to_end()
    write_samples(bench, "r001", 1)
    (bench.run_folder().path / "samples" / "0.jpg").unlink()
    samples, pictures = read_pictures(bench.run_folder().path)
    assert samples is not None and [isinstance(one, QImage) and one.isNull() for one in pictures] == [True]
    view = SamplesView()
    qtbot.addWidget(view)
    view.show_samples("r001", samples, pictures, {"scratch": "#ff0000"})
    view.resize(300, 400)
    view.show()
    view.grab()
