"""The database of an open project, with the lock that serialises threads and the numbers that it counts."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from core.errors import InputError
from core.project.records import DATABASE_FILE, Counted
from core.project.storage import database
from core.project.storage.store import Store

_FIRST: dict[Counted, int] = {"history": 0, "image": 1, "label": 1, "box": 1, "run": 1}


class ProjectDatabase:
    """What the parts of a project share; no other package uses it."""

    def __init__(self, folder: Path, store: Store, resources: ExitStack, *, read_only: bool) -> None:
        """`resources` are closed with it."""
        self.folder = folder
        self.read_only = read_only
        self.store = store
        self.lock = threading.RLock()
        self._resources = resources
        self._copying = threading.RLock()  # a copy is made without the other lock, and must not meet the closing
        self._closed = False
        # The database counts more for itself; writing those back would undo it.
        stored = store.counters()
        self.counters = {str(name): stored.get(name, first) for name, first in _FIRST.items()}

    def close(self, order: Sequence[int]) -> None:
        """Give the project free for others, and keep the `order` of its images. May be called twice."""
        with self._copying, self.lock:
            if not self._closed:
                if not self.read_only:
                    self.store.settle(order)
                self._closed = True
                self._resources.close()

    def take_ids(self, kind: Counted, count: int) -> range:
        """`count` fresh ids; none was ever used, also not by what was undone."""
        with self.lock:
            first = self.counters[kind]
            self.counters[kind] = first + count
            return range(first, first + count)

    def check_writable(self) -> None:
        if self.read_only:
            raise InputError(f"{self.folder}: opened read-only; open it for writing to change it")

    def copy_to(self, path: Path) -> None:
        """Copy the database to the new file `path` while edits go on. Raises StorageError."""
        with self._copying, database.explain_errors(path):
            self._check_open()
            self.store.copy_to(path)

    @contextmanager
    def reading(self) -> Iterator[Store]:
        """Hold the lock, and explain what SQLite raises."""
        with self.lock, database.explain_errors(self.folder / DATABASE_FILE):
            self._check_open()
            yield self.store

    @contextmanager
    def writing(self) -> Iterator[Store]:
        """One transaction: all of it is on the disk afterwards, or nothing."""
        with self.reading():
            self.check_writable()
            with self.store.transaction():
                yield self.store

    def _check_open(self) -> None:
        if self._closed:
            raise InputError(f"{self.folder}: the project is closed")
