"""The thread that follows a training process, with real processes."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, Qt
from pytestqt.qtbot import QtBot

from core.jobs.events import Event
from core.jobs.folder import JobFolder
from desktop.base.job_thread import AT_ONCE, JobThread
from tests.desktop.window_builders import make_test_launcher

LAUNCHER = make_test_launcher("training_child")


class Heard(QObject):
    """Keeps what a thread says, on the thread of the window."""

    def __init__(self, thread: JobThread) -> None:
        super().__init__()
        self.batches: list[list[Event]] = []
        self.times: list[float] = []
        self.states: list[str] = []
        thread.events.connect(self._hear)
        # Noted by the thread that says it: this one may be kept from hearing, and then hears many at once.
        thread.events.connect(lambda _: self.times.append(time.monotonic()), Qt.ConnectionType.DirectConnection)
        thread.ended.connect(self.states.append)

    def _hear(self, batch: list[Event]) -> None:
        self.batches.append(batch)

    @property
    def kinds(self) -> list[str]:
        return [event.event for batch in self.batches for event in batch]


def started(tmp_path: Path, **job: str) -> tuple[JobThread, Heard]:
    thread = JobThread(LAUNCHER, JobFolder.create(tmp_path / "r001", {"kind": "train", **job}))
    heard = Heard(thread)
    thread.start()
    return thread, heard


def test_every_event_arrives_before_the_end_is_told(tmp_path: Path, qtbot: QtBot) -> None:
    thread, heard = started(tmp_path)
    qtbot.waitUntil(lambda: bool(heard.states))
    assert heard.states == ["finished"]
    epoch = ["step"] * 4 + ["epoch", "checkpoint"]
    assert heard.kinds == ["started", "notice", *epoch, *epoch, "finished"]
    assert thread.wait(60_000)


def test_a_flood_of_events_comes_in_at_most_twenty_batches_a_second(tmp_path: Path, qtbot: QtBot) -> None:
    thread, heard = started(tmp_path, behaviour="flood")
    qtbot.waitUntil(lambda: bool(heard.states))
    assert heard.kinds.count("step") == 5000
    seconds = max(heard.times) - min(heard.times)
    # Many at once are cut, so that none of them holds up the window.
    assert max(len(batch) for batch in heard.batches) <= AT_ONCE
    assert len(heard.batches) <= 20 * seconds + 2 + 5000 / AT_ONCE
    thread.wait(60_000)


def test_a_stop_ends_the_training(tmp_path: Path, qtbot: QtBot) -> None:
    (tmp_path / "r001").mkdir()
    (tmp_path / "r001" / "recipe.yaml").write_text("model: ssd_compact\nschedule: {epochs: 100000}\n")
    thread, heard = started(tmp_path)
    qtbot.waitUntil(lambda: "epoch" in heard.kinds)
    thread.stop()
    qtbot.waitUntil(lambda: bool(heard.states))
    assert heard.states == ["stopped"]
    thread.wait(60_000)


def test_a_stop_before_the_process_runs_is_not_lost(tmp_path: Path, qtbot: QtBot) -> None:
    (tmp_path / "r001").mkdir()
    (tmp_path / "r001" / "recipe.yaml").write_text("model: ssd_compact\nschedule: {epochs: 100000}\n")
    thread, heard = started(tmp_path)
    thread.stop()
    qtbot.waitUntil(lambda: bool(heard.states))
    assert heard.states == ["stopped"]
    thread.wait(60_000)


def test_a_process_that_does_not_hear_is_ended_by_force(
    tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("desktop.base.job_thread.STOP_GRACE", 0.3)
    monkeypatch.setattr("desktop.base.job_thread.KILL_AFTER", 0.2)
    thread, heard = started(tmp_path, behaviour="deaf")
    qtbot.waitUntil(lambda: "notice" in heard.kinds)
    assert thread.stop_and_wait()
    qtbot.waitUntil(lambda: heard.states == ["interrupted"])


def test_a_process_that_crashes_leaves_an_interrupted_run(tmp_path: Path, qtbot: QtBot) -> None:
    thread, heard = started(tmp_path, behaviour="crash")
    qtbot.waitUntil(lambda: bool(heard.states))
    assert heard.kinds == ["notice"]
    assert heard.states == ["interrupted"]
    thread.wait(60_000)


def test_a_warm_process_is_taken_over(tmp_path: Path, qtbot: QtBot) -> None:
    warm = LAUNCHER.prepare_child()
    folder = JobFolder.create(tmp_path / "r001", {"kind": "train"})
    thread = JobThread(LAUNCHER, folder, warm)
    heard = Heard(thread)
    thread.start()
    qtbot.waitUntil(lambda: bool(heard.states))
    assert heard.states == ["finished"]
    assert f'"pid": {warm.pid}' in (folder.path / "heartbeat").read_text()
    thread.wait(60_000)
