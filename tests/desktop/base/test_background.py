"""Background work: the latest of a key wins, and everything comes back on the window's thread."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Iterator

import pytest
from pytestqt.qtbot import QtBot

from core.imaging.cancelling import CancelToken
from desktop.base.background import Tasks


@pytest.fixture
def tasks(qtbot: QtBot) -> Iterator[Tasks]:
    tasks = Tasks()
    yield tasks
    tasks.shut_down()


@pytest.fixture
def one_thread(qtbot: QtBot) -> Iterator[Tasks]:
    tasks = Tasks(threads=1)
    yield tasks
    tasks.shut_down()


def test_work_runs_in_a_thread_and_its_result_comes_back_on_the_windows(tasks: Tasks) -> None:
    seen: list[tuple[bool, bool]] = []
    main = threading.get_ident()
    tasks.run("one", threading.get_ident, lambda ident: seen.append((ident == main, threading.get_ident() == main)))
    assert tasks.wait_idle()
    assert seen == [(False, True)]


def test_only_the_latest_work_of_a_key_is_handed_back(tasks: Tasks) -> None:
    release = threading.Event()
    results: list[str] = []

    def slow() -> str:
        release.wait(60)
        return "first"

    tasks.run("key", slow, results.append)
    tasks.run("key", lambda: "second", results.append)
    tasks.run("other", lambda: "other", results.append)
    release.set()
    assert tasks.wait_idle()
    assert sorted(results) == ["other", "second"]


def test_stale_work_that_has_not_begun_is_never_run(one_thread: Tasks) -> None:
    tasks = one_thread
    release = threading.Event()
    ran: list[int] = []
    tasks.run("blocker", lambda: release.wait(60), lambda _: None)
    for number in range(20):
        tasks.run("key", lambda number=number: ran.append(number), lambda _: None)
    release.set()
    assert tasks.wait_idle()
    assert ran == [19]


def test_an_error_reaches_the_one_who_asked(tasks: Tasks) -> None:
    errors: list[Exception] = []

    def broken() -> None:
        raise ValueError("bad")

    tasks.run("key", broken, lambda _: pytest.fail("done was called"), errors.append)
    assert tasks.wait_idle()
    assert [str(error) for error in errors] == ["bad"]


def test_an_error_that_nobody_handles_is_raised_on_the_windows_thread(tasks: Tasks, qtbot: QtBot) -> None:
    def broken() -> None:
        raise ValueError("nobody listens")

    with qtbot.captureExceptions() as raised:
        tasks.run("key", broken, lambda _: None)
        assert tasks.wait_idle()
    assert [str(error) for _, error, _ in raised] == ["nobody listens"]


def test_cancelled_work_says_nothing(tasks: Tasks) -> None:
    release = threading.Event()
    tasks.run("key", lambda: release.wait(60), lambda _: pytest.fail("done was called"))
    assert tasks.busy("key")
    tasks.cancel("key")
    release.set()
    assert not tasks.busy("key")
    tasks.run("last", lambda: None, lambda _: None)
    assert tasks.wait_idle()


def test_waiting_says_when_work_does_not_end(tasks: Tasks) -> None:
    release = threading.Event()
    tasks.run("key", lambda: release.wait(60), lambda _: None)
    assert not tasks.wait_idle(50)
    release.set()
    assert tasks.wait_idle()


def test_urgent_work_does_not_wait_for_what_is_under_way(one_thread: Tasks) -> None:
    tasks = one_thread
    release, order = threading.Event(), list[str]()
    tasks.run("blocker", lambda: release.wait(60), lambda _: order.append("blocker"))
    tasks.run("waited for", release.set, lambda _: order.append("urgent"), urgent=True)
    assert tasks.wait_idle()
    assert sorted(order) == ["blocker", "urgent"] and release.is_set()


@pytest.mark.parametrize("ending", ["result", "error", "cancelled"])
def test_what_work_holds_is_let_go_on_the_windows_thread(tasks: Tasks, ending: str) -> None:
    died_in: list[int] = []
    running, release = threading.Event(), threading.Event()

    class Widget:
        def __del__(self) -> None:
            died_in.append(threading.get_ident())

    def start() -> None:
        widget = Widget()

        def work() -> object:
            running.set()
            assert release.wait(60)
            if ending == "error":
                raise ValueError(widget)
            return widget

        tasks.run("key", work, lambda _: None, lambda _: None)

    start()
    assert running.wait(60)
    if ending == "cancelled":
        tasks.cancel("key")
    tasks.run("other", lambda: None, lambda _: None)
    release.set()
    assert tasks.wait_idle()
    tasks.shut_down()
    gc.collect()
    assert died_in == [threading.get_ident()]


def wait_for(stop: CancelToken) -> None:
    while not stop.is_cancelled:
        time.sleep(0.005)


def test_work_that_is_not_wanted_any_more_is_told_to_stop(tasks: Tasks) -> None:
    stops = [CancelToken() for _ in range(3)]
    release = threading.Event()
    tasks.run("one", lambda: release.wait(60), print, aside=True, stop=stops[0])
    tasks.run("one", lambda: release.wait(60), print, stop=stops[1])
    assert [stop.is_cancelled for stop in stops] == [True, False, False]
    tasks.cancel("one")
    assert [stop.is_cancelled for stop in stops] == [True, True, False]
    tasks.run("two", lambda: wait_for(stops[2]), print, slow=True, stop=stops[2])
    release.set()
    tasks.shut_down()
    assert stops[2].is_cancelled


def test_work_aside_holds_up_nothing_and_is_none_that_somebody_waits_for(one_thread: Tasks) -> None:
    release, came = threading.Event(), list[str]()
    one_thread.run("long", lambda: release.wait(60), lambda _: came.append("long"), aside=True)
    assert not one_thread.is_waited_for
    for name, lane in {"usual": {}, "urgent": {"urgent": True}, "slow": {"slow": True}}.items():
        one_thread.run(name, lambda name=name: name, came.append, **lane)
    deadline = time.monotonic() + 20
    while len(came) < 3 and time.monotonic() < deadline:
        one_thread.wait_idle(20)
    assert sorted(came) == ["slow", "urgent", "usual"]
    one_thread.run("wanted", lambda: release.wait(60), lambda _: None, urgent=True)
    assert one_thread.is_waited_for
    release.set()
    assert one_thread.wait_idle()
