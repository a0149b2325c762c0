"""Opening the project's database file: is it ours, is it whole, is it free, is it of this version.

One connection owns the file (`locking_mode=EXCLUSIVE`): no other process can change it under the window, and
SQLite versions before 3.51.3 cannot corrupt it by two connections resetting one write-ahead log.
"""

from __future__ import annotations

import filecmp
import json
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from core import files
from core.errors import InputError, StorageError
from core.project.network import on_network
from core.project.records import DATABASE_FILE
from core.project.storage import checking, copying
from core.project.storage.checking import APPLICATION_ID

__all__ = [
    "OPEN_MARK",
    "OpenElsewhereError",
    "Opened",
    "create_database",
    "explain_errors",
    "list_migrations",
    "mark_closed",
    "open_copy",
    "open_owned",
]

SCRIPTS = ("schema.sql", "schema_2.sql", "schema_3.sql", "schema_4.sql", "schema_5.sql", "schema_6.sql")
_CACHE_KIB = 32_768  # pages kept in memory: bulk edits touch many
OPEN_MARK = "open"  # a counter: 1 from opening to closing, so that what was not closed properly is known
_DISK_REFUSES = (
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_AUTH,
)
_ON_NETWORK = (
    "The project lies on a network drive: edits are written in a way that is safe there, and take a little longer. "
    "Close it on other computers before you open it here."
)


class OpenElsewhereError(InputError):
    """Another process, or another project of this one, has the database."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The connection that owns a project, and what the user should know about its opening."""

    connection: sqlite3.Connection
    notices: tuple[str, ...]


def list_migrations() -> tuple[str, ...]:
    """SQL that leads from version n to n + 1, for n = 0, 1, ...; the last version is this program's."""
    scripts = resources.files("core.project.storage")
    return tuple(scripts.joinpath(name).read_text(encoding="utf-8") for name in SCRIPTS)


def create_database(path: Path) -> None:
    """Make an empty project database at `path`, whole or not at all. Raises FileExistsError if there is one."""
    with files.making_new(path) as temporary:
        connection = sqlite3.connect(temporary, isolation_level=None)
        try:
            connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
            _migrate_database(connection, path, 0)
        finally:
            connection.close()


def open_owned(path: Path) -> Opened:
    """The one connection that may write. Raises InputError: no project, newer, damaged, acting or open elsewhere.

    Nothing is changed on the disk unless it succeeds.
    """
    checking.check_header(path)
    with explain_errors(path):
        log = _log_path(path)
        has_log = log.exists() and log.stat().st_size > 0
        if has_log:
            _check_with_log(path)
        connection = _open_connection(path)
        try:
            connection.execute("PRAGMA locking_mode=EXCLUSIVE")
            connection.execute("BEGIN EXCLUSIVE")  # takes the lock that locking_mode then keeps
            version = _check_contents(connection, path)
            notice = "" if _closed_properly(connection) else _check_file(connection, path, has_log)
            connection.execute("COMMIT")
            network = _lies_on_network(connection, path)
            connection.execute(f"PRAGMA journal_mode={'TRUNCATE' if network else 'WAL'}")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA journal_size_limit=67108864")
            connection.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
            if version < len(list_migrations()):
                _back_up(connection, path, version)
                _migrate_database(connection, path, version)
        except BaseException:
            connection.close()
            raise
    return Opened(connection, tuple(told for told in (notice, _ON_NETWORK if network else "") if told))


@contextmanager
def open_copy(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection to a private copy, for reading beside the owner, whose lock keeps readers out.

    Shows what was committed when it was opened. Raises InputError as `open_owned` does.
    """
    checking.check_header(path)
    with tempfile.TemporaryDirectory(prefix="defectdesk-", ignore_cleanup_errors=True) as folder, explain_errors(path):
        copy = Path(folder) / DATABASE_FILE
        copying.copy_consistently(path, copy)
        connection = _open_connection(copy)
        try:
            version = _check_contents(connection, path)
            checking.check_whole(connection, path, thoroughly=False)
            if version < len(list_migrations()):
                _migrate_database(connection, path, version)
            connection.execute("PRAGMA query_only=ON")
            yield connection
        finally:
            connection.close()


@contextmanager
def explain_errors(path: Path) -> Iterator[None]:
    """Turn what SQLite says about the file or the disk into an InputError that says what to do."""
    try:
        yield
    except sqlite3.IntegrityError:
        raise
    except sqlite3.DataError as error:
        raise InputError(f"{path}: more than one edit can hold ({error}); do it in smaller parts") from error
    except sqlite3.OperationalError as error:
        found = _explain_error(path, error)
        if found is None:
            raise
        raise found from error
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        raise checking.damage_error(path, error) from error


def _explain_error(path: Path, error: sqlite3.OperationalError) -> InputError | None:
    # The low byte is the kind, the others say more: SQLITE_IOERR_WRITE is an SQLITE_IOERR. A mistake in a
    # statement of ours is SQLITE_ERROR, and is told as what it is.
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return OpenElsewhereError(
            f"{path.parent}: the project is open elsewhere; close it there first, or open it read-only"
        )
    if code == sqlite3.SQLITE_FULL:
        return StorageError(f"{path}: the disk is full, nothing was changed; free some space and try again")
    if code in _DISK_REFUSES and (place := _find_read_only(path)) is not None:
        return StorageError(f"{path}: cannot be written, {place} is read-only; allow writing, or copy the project")
    if code in _DISK_REFUSES:
        return StorageError(f"{path}: cannot be written ({error}); check the disk and the permissions of its folder")
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) or "Could not decode" in str(error):
        return checking.damage_error(path, error)
    return _explain_damage(path, error)


def _find_read_only(path: Path) -> str | None:
    """What keeps the database from being written: SQLite says "disk I/O error" of a drive that is read-only."""
    if _is_on_read_only_drive(path.parent):
        return f"the drive of {path.parent}"
    if not os.access(path.parent, os.W_OK):
        return "its folder"
    if path.exists() and not os.access(path, os.W_OK):
        return "the file"
    return None


def _is_on_read_only_drive(folder: Path) -> bool:
    try:
        return hasattr(os, "statvfs") and bool(os.statvfs(folder).f_flag & os.ST_RDONLY)
    except OSError:
        return False


def _explain_damage(path: Path, error: sqlite3.OperationalError) -> InputError | None:
    # Said with the code of a mistake in a statement, but it is about the file's own header or schema.
    signs = ("unsupported file format", "malformed", "unsafe use of", "unable to use function")
    return checking.damage_error(path, error) if any(sign in str(error) for sign in signs) else None


def mark_closed(connection: sqlite3.Connection) -> None:
    """Note that everything is written and closing follows."""
    connection.execute("INSERT OR REPLACE INTO counters VALUES (?, 0)", (OPEN_MARK,))


def _closed_properly(connection: sqlite3.Connection) -> bool:
    row = connection.execute("SELECT value FROM counters WHERE name = ?", (OPEN_MARK,)).fetchone()
    # Version 1 had no mark.
    return row is not None and row[0] == 0


def _check_file(connection: sqlite3.Connection, path: Path, has_log: bool) -> str:
    """Check what was not closed properly, and say so. Raises InputError if it is damaged."""
    if not has_log:  # with one, it was checked before
        checking.check_whole(connection, path, thoroughly=True)
    marked = connection.execute("SELECT 1 FROM counters WHERE name = ?", (OPEN_MARK,)).fetchone()
    in_wal_mode = connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    if marked and in_wal_mode and not has_log:
        return (
            f"The project was not closed properly, and the log of its last edits ({_log_path(path).name}) is gone: they may "
            "be missing. Its database was checked and is whole."
        )
    return "The project was not closed properly. Its database was checked and is whole." if marked else ""


def _check_with_log(path: Path) -> None:
    """Check a database that a crash left with its log, without moving the log into it, as closing would."""
    shared = path.with_name(path.name + "-shm")
    made = not shared.exists()
    connection = _open_connection(path, "?mode=ro")
    try:
        connection.execute("BEGIN")
        _check_contents(connection, path)
        checking.check_whole(connection, path, thoroughly=True)
        connection.execute("COMMIT")
    finally:
        connection.close()
        if made:
            shared.unlink(missing_ok=True)


def _check_contents(connection: sqlite3.Connection, path: Path) -> int:
    version = checking.check_version(connection, path, len(list_migrations()))
    checking.check_schema(connection, path, list_migrations()[:version])
    return version


def _open_connection(path: Path, options: str = "") -> sqlite3.Connection:
    # The facade's lock serialises threads; a busy file is busy for as long as a window is open, so waiting is vain.
    connection = sqlite3.connect(
        path.absolute().as_uri() + options,
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        timeout=0.2,
        cached_statements=256,
    )
    try:
        checking.guard_connection(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _log_path(path: Path) -> Path:
    return path.with_name(path.name + "-wal")


def _lies_on_network(connection: sqlite3.Connection, path: Path) -> bool:
    """As the user declared by the setting "network_drive", or else as the system says."""
    row = connection.execute("SELECT value FROM settings WHERE key = 'network_drive'").fetchone()
    declared = json.loads(row[0]) if row is not None else None
    return declared if isinstance(declared, bool) else on_network(path)


def _migrate_database(connection: sqlite3.Connection, path: Path, version: int) -> None:
    for number, script in enumerate(list_migrations()[version:], start=version + 1):
        try:
            # executescript runs statement by statement; the transaction makes a version all or nothing.
            connection.executescript(f"BEGIN EXCLUSIVE;\n{script}\n;PRAGMA user_version={number};\nCOMMIT;")
        except sqlite3.OperationalError as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            if _explain_error(path, error) is not None:
                raise
            # The tables were checked before: the fault is in the script, and what it was run on is whole.
            raise InputError(
                f"{path}: cannot be brought to project version {number} ({error}); this is a mistake in DefectDesk, "
                "the project was not changed: go on with the version that made it, and report this"
            ) from error


def _back_up(connection: sqlite3.Connection, path: Path, version: int) -> None:
    # One may be there already: of another project of this version that was put in this place, or of the same one, if
    # the migration failed.
    usual_path = path.parent / "backups" / f"before-version-{version + 1}.sqlite"
    target_path = files.find_free_path(usual_path)
    with files.replacing(target_path) as temporary:
        target = sqlite3.connect(temporary)
        try:
            connection.backup(target)
        finally:
            target.close()
    for earlier in target_path.parent.glob(f"{usual_path.stem}*.sqlite"):
        if earlier != target_path and filecmp.cmp(earlier, target_path, shallow=False):
            target_path.unlink()
            break
