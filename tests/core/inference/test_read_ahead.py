"""Reading ahead: in order, bounded, and over when nobody wants it."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from core.inference.read_ahead import ReadAhead


def reader(
    items: list[int],
    read: Callable[[int], int] = lambda item: item,
    *,
    threads: int = 3,
    most_bytes: int = 1000,
    most_items: int = 5,
) -> ReadAhead[int, int]:
    return ReadAhead(items, read, lambda _: 10, threads=threads, most_bytes=most_bytes, most_items=most_items)


def test_items_come_in_order_however_long_each_takes() -> None:
    last_may_end = threading.Event()

    def read(item: int) -> int:
        if item == 0:
            assert last_may_end.wait(10)
        elif item == 2:
            last_may_end.set()
        return item * item

    with reader(list(range(20)), read) as ahead:
        assert list(ahead) == [(item, item * item) for item in range(20)]


def test_nothing_is_read_where_there_is_nothing() -> None:
    with reader([]) as ahead:
        assert list(ahead) == []


@pytest.mark.parametrize(("most_bytes", "most_items", "most"), [(40, 100, 4), (1000, 3, 3)])
def test_what_lies_ready_and_what_is_being_read_is_bounded(most_bytes: int, most_items: int, most: int) -> None:
    threads, lock = 2, threading.Lock()
    taken = read = highest = 0

    def load(item: int) -> int:
        nonlocal read, highest
        with lock:
            read += 1
            highest = max(highest, read - taken)
        return item

    with reader(list(range(200)), load, threads=threads, most_bytes=most_bytes, most_items=most_items) as ahead:
        for _ in ahead:
            with lock:
                taken += 1
    assert read == 200
    # One more has left the reader and is not counted as taken yet.
    assert highest <= most + threads + 1


def test_a_fault_is_raised_when_its_turn_comes() -> None:
    def read(item: int) -> int:
        if item == 3:
            raise MemoryError("3")
        return item

    told = []
    with pytest.raises(MemoryError, match="3"), reader(list(range(9)), read) as ahead:
        for item, _ in ahead:
            told.append(item)
    assert told == [0, 1, 2]


def test_no_thread_is_left_when_the_block_is_left() -> None:
    with reader(list(range(100))) as ahead:
        assert next(iter(ahead)) == (0, 0)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("read-ahead")]


def test_an_error_that_is_given_back_is_an_item_like_any_other() -> None:
    error = ValueError("of no use")
    with ReadAhead([1, 2], lambda _: error, lambda _: 1, threads=1, most_bytes=9, most_items=9) as ahead:
        assert list(ahead) == [(1, error), (2, error)]
