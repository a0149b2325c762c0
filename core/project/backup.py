"""Backups of the project's database: taken while it is in use, checked, and put back when it is needed.

A backup holds labels, boxes, settings and history; images and runs are files of their own, which it refers to.
"""

from __future__ import annotations

import shutil
import sqlite3
import threading
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from core import files
from core.errors import InputError, StorageError
from core.project.project import Project
from core.project.records import DATABASE_FILE
from core.project.storage import checking, database

KEPT = 10  # backups of a project; an older one goes when a newer one is there
FOLDER = checking.BACKUPS
_PREFIX = "project-"
_STAMP = "%Y%m%dT%H%M%S.%fZ"  # in the order of their times, as text
_one_at_a_time = threading.Lock()


@dataclass(frozen=True, slots=True)
class Backup:
    """One backup file."""

    path: Path
    time: str  # when it was taken; ISO 8601 in UTC
    images: int
    boxes: int
    size_bytes: int
    fault: str = ""  # why it cannot be restored; empty for one that can


def back_up(project: Project) -> Backup | None:
    """Copy the database of an open project into its `backups` folder; None if nothing changed since the last.

    Edits may go on meanwhile, so this may run in a thread of its own. The copy is checked before it counts, and the
    ten newest are kept. Raises StorageError if the disk refuses, InputError if the project is damaged; the
    older backups are all left then.
    """
    with _one_at_a_time:
        folder = project.folder / FOLDER
        newest = max(_list_files(folder), default=None)
        if newest is not None and _read_revision(newest) == project.revision:
            return None
        path = _new_path(folder)
        try:
            with files.replacing(path) as temporary:
                temporary.unlink()
                project.copy_to(temporary)
                _check_backup(temporary, project.folder / DATABASE_FILE)
        except OSError as error:
            raise StorageError(
                f"{folder}: no backup could be written ({error.strerror}); free some space there or check its "
                "permissions: the project itself is not affected"
            ) from error
        _forget_old(folder)
        return _describe_backup(path)


def list_backups(folder: Path) -> list[Backup]:
    """The backups of the project in `folder`, newest first, with the copies that were made before a new version."""
    found = [*_list_files(folder / FOLDER), *(folder / FOLDER).glob("before-version-*.sqlite")]
    return sorted(map(_describe_backup, found), key=lambda backup: (backup.time, backup.path.name), reverse=True)


def restore_backup(folder: Path, backup: Backup | Path) -> Backup | None:
    """Put a backup in the place of the project's database. The project must be closed.

    What is there now is kept as one more backup, which is given back; what is damaged is kept, too, but cannot be
    restored. Raises InputError, with nothing changed: the backup is damaged, no project's or of a newer program, the
    project is open, or the disk refuses.
    """
    source = backup if isinstance(backup, Path) else backup.path
    path = folder / DATABASE_FILE
    with _one_at_a_time:
        _check_backup(source, source)
        try:
            with files.replacing(path) as temporary, database.explain_errors(path):
                shutil.copyfile(source, temporary)
                kept = _keep_present(path) if path.exists() else None
                _number_anew(temporary, path.parent / FOLDER)
                for ending in ("-wal", "-shm", "-journal"):
                    # What belongs to the old database must never be taken for the new one's.
                    path.with_name(path.name + ending).unlink(missing_ok=True)
        except OSError as error:
            raise StorageError(
                f"{folder}: the backup could not be put back ({error.strerror}); free some space or check the "
                "permissions, then try again"
            ) from error
        _forget_old(folder / FOLDER, but=source)
        return kept


def _keep_present(path: Path) -> Backup | None:
    """Keep the database at `path` among the backups. Raises InputError if it is open elsewhere."""
    target = _new_path(path.parent / FOLDER)
    try:
        with closing(database.open_owned(path).connection) as present, files.replacing(target) as temporary:
            temporary.unlink()
            with closing(sqlite3.connect(temporary, isolation_level=None)) as copy:
                present.backup(copy)
                database.mark_closed(copy)
                copy.execute("PRAGMA journal_mode=DELETE")
    except (StorageError, database.OpenElsewhereError):
        raise
    except InputError:
        _keep_as_it_is(path, target)
        return None
    return _describe_backup(target)


def _number_anew(restored: Path, folder: Path) -> None:
    """Count the revision on from the backups in `folder`: an edit must not bring it to that of another state."""
    highest = max((_read_revision(path) or 0 for path in _list_files(folder)), default=0)
    with closing(sqlite3.connect(restored, isolation_level=None)) as connection:
        checking.guard_connection(connection)
        connection.execute(
            "INSERT INTO counters VALUES ('revision', ?) ON CONFLICT (name) DO UPDATE SET"
            " value = max(value, excluded.value) + 1",
            (highest,),
        )


def _keep_as_it_is(path: Path, target: Path) -> None:
    # Damaged or newer: nothing can be made of it here, but it is the user's work, and others may be able to.
    for ending in ("", "-wal", "-journal"):
        source = path.with_name(path.name + ending)
        if source.exists():
            with files.replacing(target.with_name(f"kept-{target.stem}.sqlite{ending}")) as temporary:
                shutil.copyfile(source, temporary)


def _list_files(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"{_PREFIX}*.sqlite"))


def _new_path(folder: Path) -> Path:
    return folder / f"{_PREFIX}{datetime.now(UTC).strftime(_STAMP)}.sqlite"


def _forget_old(folder: Path, but: Path | None = None) -> None:
    for path in _list_files(folder)[:-KEPT]:
        if path != but:
            path.unlink(missing_ok=True)


def _read_revision(path: Path) -> int | None:
    """The project's revision when the backup was taken; None if it cannot be read."""
    try:
        with closing(_open_backup(path)) as connection:
            row = connection.execute("SELECT value FROM counters WHERE name = 'revision'").fetchone()
    except sqlite3.Error:
        return None
    return None if row is None else int(row[0])


def _check_backup(path: Path, shown: Path) -> None:
    """Raises InputError, naming `shown`, unless the file at `path` is a whole project database that can be opened."""
    checking.check_header(path)
    with database.explain_errors(shown), closing(_open_backup(path)) as connection:
        scripts = database.list_migrations()
        version = checking.check_version(connection, shown, len(scripts))
        checking.check_schema(connection, shown, scripts[:version])
        checking.check_whole(connection, shown, thoroughly=True)


def _describe_backup(path: Path) -> Backup:
    time, size = _parse_time(path), 0
    try:
        size = path.stat().st_size
        with database.explain_errors(path), closing(_open_backup(path)) as connection:
            checking.check_version(connection, path, len(database.list_migrations()))
            images = connection.execute("SELECT count(*) FROM images").fetchone()[0]
            # Version 1 kept no counts.
            counted = connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'label_sets'").fetchone()
            of_boxes = "SELECT coalesce(sum(boxes), 0) FROM label_sets" if counted else "SELECT count(*) FROM boxes"
            boxes = connection.execute(of_boxes).fetchone()[0]
    except InputError as error:
        return Backup(path, time, 0, 0, size, str(error))
    except (sqlite3.Error, OSError) as error:
        return Backup(path, time, 0, 0, size, f"{path}: cannot be read ({error})")
    return Backup(path, time, images, boxes, size)


def _parse_time(path: Path) -> str:
    try:
        time = datetime.strptime(path.stem.removeprefix(_PREFIX), _STAMP).replace(tzinfo=UTC)
    except ValueError:
        time = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return time.isoformat(timespec="milliseconds")


def _open_backup(path: Path) -> sqlite3.Connection:
    # Immutable: a backup is never written, and may lie where no lock and no journal can be made.
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True, isolation_level=None)
    checking.guard_connection(connection)
    return connection
