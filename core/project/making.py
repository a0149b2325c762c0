"""Making a project's files, and taking them away again if that fails."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from core.project.records import DATABASE_FILE

FOLDERS = ("runs", "backups", "cache")


def remove_database(folder: Path) -> None:
    """Delete the project's database in `folder`; everything else stays."""
    for name in ("", "-wal", "-shm", "-journal"):
        (folder / (DATABASE_FILE + name)).unlink(missing_ok=True)


@contextmanager
def undone_on_failure(folder: Path, *, made: bool) -> Iterator[None]:
    """Take away the project that was made in `folder`, and the folder if it was `made`, if the body fails."""
    try:
        yield
    except BaseException:
        remove_database(folder)
        # Only what is empty goes: the user's own files may lie beside.
        for place in (*(folder / name for name in FOLDERS), *([folder] if made else [])):
            with suppress(OSError):
                place.rmdir()
        raise
