"""What an open project is before anything of it is read: its folder, its lock, its guards and its end."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from core.errors import InputError
from core.project.records import DATABASE_FILE
from core.project.storage import database
from core.project.storage.store import Store

_FIRST = {"history": 0, "image": 1, "label": 1, "box": 1, "run": 1}


class OpenProject:
    """The database of a project with the lock that serialises threads."""

    def __init__(self, folder: Path, store: Store, *, read_only: bool) -> None:
        self.folder = folder
        self.read_only = read_only
        self._store = store
        self._resources = ExitStack()  # closed with the project
        self._lock = threading.RLock()
        self._copying = threading.RLock()  # a copy is made without the other lock, and must not meet the closing
        self._closed = False
        self._counters = self._read_counters()

    def _read_counters(self) -> dict[str, int]:
        # The database counts more for itself; writing those back would undo it.
        stored = self._store.counters()
        return {name: stored.get(name, first) for name, first in _FIRST.items()}

    @property
    def name(self) -> str:
        return self.folder.name

    def close(self) -> None:
        """Give the project free for others. May be called twice."""
        with self._copying, self._lock:
            if not self._closed:
                self._closed = True
                self._resources.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def setting(self, key: str, default: Any = None) -> Any:
        """A JSON value that a page or a command keeps in the project."""
        with self._reading():
            value = self._store.setting(key)
        return default if value is None else value

    def set_setting(self, key: str, value: Any) -> None:
        """Keep a JSON value under `key`; not an edit, undo does not touch it."""
        with self._writing():
            self._store.set_setting(key, value)

    def new_ids(self, kind: str, count: int) -> range:
        """`count` fresh ids for "box", "label" or "image"; none was ever used, also not by what was undone."""
        with self._lock:
            first = self._counters[kind]
            self._counters[kind] = first + count
            return range(first, first + count)

    def locked(self) -> AbstractContextManager[object]:
        """Keep other threads out from reading what an edit is made of until the edit is applied."""
        return self._lock

    def _check_writable(self) -> None:
        if self.read_only:
            raise InputError(f"{self.folder}: opened read-only; open it for writing to change it")

    def copy_to(self, path: Path) -> None:
        """Copy the database to the new file `path` while edits go on. Raises StorageError."""
        with self._copying, database.explained(path):
            if self._closed:
                raise InputError(f"{self.folder}: the project is closed")
            self._store.copy_to(path)

    @property
    def revision(self) -> int:
        """Another number after each change of the project, of whatever kind."""
        with self._reading():
            return self._store.counters().get("revision", 0)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        with self._lock, database.explained(self.folder / DATABASE_FILE):
            if self._closed:
                raise InputError(f"{self.folder}: the project is closed")
            yield

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._reading():
            self._check_writable()
            with self._store.transaction():
                yield
