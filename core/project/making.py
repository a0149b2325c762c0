"""Making a project's files, and taking them away again if that fails."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from core.project.records import DATABASE_FILE
from core.project.storage import database

FOLDERS = ("runs", "backups", "cache")


class TakenError(Exception):
    """Another process has made a project in this folder in the meantime."""


def create_database(folder: Path) -> None:
    """Make the database of a new project. Raises TakenError, OSError."""
    try:
        database.create_database(folder / DATABASE_FILE)
    except FileExistsError as error:
        raise TakenError from error


def remove_database(folder: Path) -> None:
    """Delete the project's database in `folder`; everything else stays."""
    for name in ("", "-wal", "-shm", "-journal"):
        (folder / (DATABASE_FILE + name)).unlink(missing_ok=True)


@contextmanager
def undone_on_failure(folder: Path, *, made: bool) -> Iterator[None]:
    """Take away the project that was made in `folder`, and the folder if it was `made`, if the body fails.

    What another process made there at the same time (TakenError) is left alone.
    """
    try:
        yield
    except TakenError:
        raise
    except BaseException:
        remove_database(folder)
        # Only what is empty goes: the user's own files may lie beside.
        for place in (*(folder / name for name in FOLDERS), *([folder] if made else [])):
            with suppress(OSError):
                place.rmdir()
        raise
