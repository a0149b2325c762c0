"""Reading in threads, ahead of whoever takes what was read: in order, and never more than fits."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Generic, Self, TypeVar

Item = TypeVar("Item")
Loaded = TypeVar("Loaded")


@dataclass(frozen=True, slots=True, eq=False)
class _Failure:
    """Where an item would be that could not be read; an error that was read and given back is an item like others."""

    error: BaseException


class ReadAhead(Generic[Item, Loaded]):
    """Within a `with` block, threads read `items` one after the other; iterating gives what was read, in their order.

    A thread takes no new item while what lies ready has `most_bytes` or is `most_items`, so that memory holds that
    much and an item for each thread, however large the items turn out. What `read` raises is raised to who iterates,
    when the item's turn comes. At the end of the block no thread is left: those that read finish their item.
    """

    def __init__(
        self,
        items: Sequence[Item],
        read: Callable[[Item], Loaded],
        count_bytes: Callable[[Loaded], int],
        *,
        threads: int,
        most_bytes: int,
        most_items: int,
    ) -> None:
        self._items, self._read, self._count_bytes = items, read, count_bytes
        self._most_bytes, self._most_items = most_bytes, most_items
        self._changed = threading.Condition()
        self._ready: dict[int, Loaded | _Failure] = {}  # by number of the item
        self._bytes = 0  # of what lies ready
        self._next = 0  # number of the item that a thread takes next
        self._over = False
        self._threads = [
            threading.Thread(target=self._work, name=f"read-ahead-{number}")
            for number in range(min(threads, len(items)))
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with self._changed:
            self._over = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()
        self._ready.clear()

    def __iter__(self) -> Iterator[tuple[Item, Loaded]]:
        for number, item in enumerate(self._items):
            with self._changed:
                while number not in self._ready:
                    self._changed.wait()
                found = self._ready.pop(number)
                if not isinstance(found, _Failure):
                    self._bytes -= self._count_bytes(found)
                self._changed.notify_all()
            if isinstance(found, _Failure):
                raise found.error
            yield item, found
            del found  # or it would be held while the next one is waited for

    def _work(self) -> None:
        while (number := self._take_number()) is not None:
            found: Loaded | _Failure
            try:
                found = self._read(self._items[number])
            except BaseException as error:  # noqa: BLE001 - raised where its turn comes
                found = _Failure(error)
            with self._changed:
                self._ready[number] = found
                if not isinstance(found, _Failure):
                    self._bytes += self._count_bytes(found)
                self._changed.notify_all()
            del found

    def _take_number(self) -> int | None:
        """The next item to read, once there is room for it; None when there is nothing left to do."""
        with self._changed:
            while not self._over and self._next < len(self._items):
                if self._bytes < self._most_bytes and len(self._ready) < self._most_items:
                    self._next += 1
                    return self._next - 1
                self._changed.wait()
            return None
