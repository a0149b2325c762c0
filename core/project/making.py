"""Making a project's files, and taking them away again if that fails."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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


def list_missing(folder: Path) -> list[Path]:
    """The folders that a project in `folder` still needs, itself last: those that are there are the user's own."""
    return [place for place in (*(folder / name for name in FOLDERS), folder) if not place.exists()]


@contextmanager
def undone_on_failure(folder: Path, made: Iterable[Path]) -> Iterator[None]:
    """Take away the project that was made in `folder`, and those of its folders that were `made`, if the body fails.

    What another process made there at the same time (TakenError) is left alone.
    """
    try:
        yield
    except TakenError:
        raise
    except BaseException:
        remove_database(folder)
        # Only what is empty goes: the user's own files may lie beside.
        for place in made:
            with suppress(OSError):
                place.rmdir()
        raise
