"""Opening the project's database file: is it ours, is it whole, is it free, is it of this version.

One connection owns the file (`locking_mode=EXCLUSIVE`): no other process can change it under the window, and
SQLite versions before 3.51.3 cannot corrupt it by two connections resetting one write-ahead log.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

from core import files
from core.errors import InputError, StorageError

FILE_NAME = "project.sqlite"
APPLICATION_ID = 0x44464454  # "DFDT"
_NETWORK_FILE_SYSTEMS = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "9p", "afs", "glusterfs", "lustre"}
)
_COPY_ATTEMPTS = 20
# SQLite says these as OperationalError, like a mistake in a statement; ours are tested, so it is the file.
_SIGNS_OF_DAMAGE = ("unsupported file format", "Could not decode", "no such column", "no such table", "already exists")


def migrations() -> tuple[str, ...]:
    """SQL that leads from version n to n + 1, for n = 0, 1, ...; the last version is this program's."""
    scripts = resources.files("core.project")
    return tuple(scripts.joinpath(name).read_text(encoding="utf-8") for name in ("schema.sql", "schema_2.sql"))


def create(path: Path) -> None:
    """Make an empty project database at `path`, whole or not at all."""
    with files.replacing(path) as temporary:
        connection = sqlite3.connect(temporary, isolation_level=None)
        try:
            connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
            _migrate(connection)
        finally:
            connection.close()


def open_owned(path: Path) -> sqlite3.Connection:
    """The one connection that may write. Raises InputError: no project, newer, damaged or open elsewhere."""
    _check_header(path)
    with explained(path):
        connection = _connect(path)
        try:
            connection.execute("PRAGMA locking_mode=EXCLUSIVE")
            connection.execute("BEGIN EXCLUSIVE")  # takes the lock that locking_mode then keeps
            version = _check_version(connection, path)
            connection.execute("COMMIT")
            _check_whole(connection, path)
            journal = "TRUNCATE" if _on_network(path) else "WAL"
            connection.execute(f"PRAGMA journal_mode={journal}")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA journal_size_limit=67108864")
            if version < len(migrations()):
                _back_up(connection, path, version)
                _migrate(connection)
        except BaseException:
            connection.close()
            raise
    return connection


@contextmanager
def open_copy(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection to a private copy, for reading beside the owner, whose lock keeps readers out.

    Shows what was committed when it was opened. Raises InputError as `open_owned` does.
    """
    _check_header(path)
    with tempfile.TemporaryDirectory(prefix="defectdesk-", ignore_cleanup_errors=True) as folder, explained(path):
        copy = Path(folder) / FILE_NAME
        _copy_consistently(path, copy)
        connection = _connect(copy)
        try:
            version = _check_version(connection, path)
            _check_whole(connection, path)
            if version < len(migrations()):
                _migrate(connection)
            connection.execute("PRAGMA query_only=ON")
            yield connection
        finally:
            connection.close()


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what SQLite says about the file or the disk into an InputError that says what to do."""
    try:
        yield
    except sqlite3.OperationalError as error:
        text = str(error)
        if "locked" in text:
            raise InputError(
                f"{path.parent}: the project is open elsewhere; close it there first, or open it read-only"
            ) from error
        if "full" in text:
            raise StorageError(
                f"{path}: the disk is full, nothing was changed; free some space and try again"
            ) from error
        if "readonly" in text or "unable to open" in text or "disk I/O" in text:
            raise StorageError(
                f"{path}: cannot be written ({text}); check the disk and the permissions of its folder"
            ) from error
        if any(sign in text for sign in _SIGNS_OF_DAMAGE):
            raise _damaged(path, error) from error
        raise
    except sqlite3.IntegrityError:
        raise
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> InputError:
    return InputError(f"{path}: damaged ({error}); restore it from {path.parent / 'backups'} or another copy")


def _connect(path: Path) -> sqlite3.Connection:
    # The facade's lock serialises threads; a busy file is busy for as long as a window is open, so waiting is vain.
    return sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=0.2, cached_statements=256)


def _check_header(path: Path) -> None:
    """Before SQLite touches a file that may not be ours."""
    if not path.is_file():
        raise InputError(
            f"{path.parent}: not a project (there is no {FILE_NAME} in it); create one with 'defectdesk new'"
        )
    try:
        with path.open("rb") as file:
            header = file.read(100)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    if not header.startswith(b"SQLite format 3\0") or len(header) < 100:
        raise InputError(f"{path}: not a project database, or damaged; choose another folder or restore a copy")
    if int.from_bytes(header[68:72], "big") != APPLICATION_ID:
        raise InputError(f"{path}: a database of another program, not a project; choose another folder")


def _check_version(connection: sqlite3.Connection, path: Path) -> int:
    """The file's version; it is read here, not from the header, since the log may hold a newer header."""
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > len(migrations()):
        raise InputError(
            f"{path.parent}: made by a newer DefectDesk (project version {version}, this one reads up to "
            f"{len(migrations())}); update DefectDesk"
        )
    return version


def _check_whole(connection: sqlite3.Connection, path: Path) -> None:
    found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise InputError(f"{path}: damaged ({found}); restore it from {path.parent / 'backups'} or another copy")


def _migrate(connection: sqlite3.Connection) -> None:
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    for number, script in enumerate(migrations()[version:], start=version + 1):
        # executescript runs statement by statement; the transaction makes a version all or nothing.
        connection.executescript(f"BEGIN EXCLUSIVE;\n{script}\n;PRAGMA user_version={number};\nCOMMIT;")


def _back_up(connection: sqlite3.Connection, path: Path, version: int) -> None:
    target_path = path.parent / "backups" / f"before-version-{version + 1}.sqlite"
    with files.replacing(target_path) as temporary:
        target = sqlite3.connect(temporary)
        try:
            connection.backup(target)
        finally:
            target.close()


def _copy_consistently(path: Path, copy: Path) -> None:
    """Copy the database and its log while their owner may write.

    Between a checkpoint and the first write after it, the log's header stays; as long as it does, the log
    holds every page that the main file may have got meanwhile. So a copy between two equal headers is whole.
    """
    log = path.with_name(path.name + "-wal")
    log_copy = copy.with_name(copy.name + "-wal")
    for _ in range(_COPY_ATTEMPTS):
        before = _log_header(log), _stamp(path) if not _log_header(log) else None
        shutil.copyfile(path, copy)
        log_copy.unlink(missing_ok=True)
        if before[0]:
            try:
                shutil.copyfile(log, log_copy)
            except FileNotFoundError:
                continue
        after = _log_header(log), _stamp(path) if not _log_header(log) else None
        if before == after and not _has_journal(path):
            return
    raise InputError(f"{path.parent}: the project is open elsewhere and being written; try again in a moment")


def _log_header(log: Path) -> bytes:
    try:
        with log.open("rb") as file:
            return file.read(32)
    except FileNotFoundError:
        return b""


def _stamp(path: Path) -> tuple[int, int]:
    stat = path.stat()
    return stat.st_mtime_ns, stat.st_size


def _has_journal(path: Path) -> bool:
    # A rollback journal (on network shares) in the middle of a transaction.
    journal = path.with_name(path.name + "-journal")
    return journal.is_file() and journal.stat().st_size > 0


def _on_network(path: Path) -> bool:
    """True where the file lies on a network share, whose locks and shared pages a write-ahead log cannot trust."""
    if sys.platform == "win32":
        return str(path.resolve()).startswith("\\\\")
    mounts = Path("/proc/self/mounts")
    if not mounts.is_file():
        return False
    kind, longest, real = "", -1, os.path.realpath(path)
    for line in mounts.read_text(encoding="utf-8", errors="replace").splitlines():
        fields = line.split(" ")
        point = fields[1].replace("\\040", " ")
        if len(point) > longest and (real == point or real.startswith(point.rstrip("/") + "/")):
            kind, longest = fields[2], len(point)
    return kind in _NETWORK_FILE_SYSTEMS
