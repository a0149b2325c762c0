"""Garbage is collected in the thread of the window, where Qt's objects may go."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QObject

from core.gc_pause import collect_due
from desktop.base.session import Session
from desktop.gc_pauses import GcPauses


@pytest.fixture(autouse=True)
def collecting() -> Iterator[None]:
    """Whether Python collects by itself is of the whole process."""
    before = gc.isenabled()
    yield
    (gc.enable if before else gc.disable)()


def make_garbage(count: int) -> None:
    for _ in range(count):
        cycle: list[object] = []
        cycle.append(cycle)


@pytest.mark.usefixtures("qapp")
def test_a_worker_lets_qt_objects_in_cycles_be() -> None:
    gc.enable()
    pauses = GcPauses(Session())
    gone: list[int] = []

    def drop() -> None:
        lost = QObject()
        lost.destroyed.connect(lambda: gone.append(threading.get_ident()))
        cycle: list[object] = [lost]
        cycle.append(cycle)

    drop()
    worker = threading.Thread(target=make_garbage, args=(50_000,))
    worker.start()
    worker.join()
    assert not gone
    gc.collect()
    assert gone == [threading.get_ident()]
    assert pauses is not None


def test_what_is_due_is_collected_and_nothing_else() -> None:
    gc.disable()
    gc.collect()
    make_garbage(10)
    collect_due()
    assert gc.get_count()[0] >= 10  # too little to be worth a look
    make_garbage(gc.get_threshold()[0] + 1)
    collect_due()
    assert gc.get_count()[0] < gc.get_threshold()[0]
