"""Is a file a project database of ours, of this version, whole, and without anything that acts by itself?"""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

from core.errors import InputError

BACKUPS = "backups"  # the folder of the backups, in the project's
APPLICATION_ID = 0x44464454  # "DFDT"
_LARGEST_VALUE = 2**28  # bytes of one text or blob; a crafted file may claim a gigabyte
# Words by which a table of ours never checks or computes anything.
_ACTING_WORDS = re.compile(r"\b(CHECK|REFERENCES|COLLATE|GENERATED|VIRTUAL)\b")
_COMMENTS = re.compile(r"--[^\n]*")

Columns = list[tuple[str, str, int]]  # name, type, and whether hidden or generated


def check_header(path: Path) -> None:
    """Before SQLite touches a file that may not be ours. Raises InputError."""
    if not path.is_file():
        raise InputError(
            f"{path.parent}: not a project (there is no {path.name} in it); create one with 'defectdesk new'"
        )
    try:
        with path.open("rb") as file:
            header = file.read(100)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check its permissions") from error
    if not header.startswith(b"SQLite format 3\0") or len(header) < 100:
        raise InputError(f"{path}: not a project database, or damaged; choose another folder or restore a copy")
    if int.from_bytes(header[68:72], "big") != APPLICATION_ID:
        raise InputError(f"{path}: a database of another program, not a project; choose another folder")
    _check_length(path, header)


def _check_length(path: Path, header: bytes) -> None:
    # What a log or journal beside the file holds may be missing in it, so only a file that stands alone is judged.
    if any(path.with_name(path.name + end).exists() for end in ("-wal", "-journal")):
        return
    page = int.from_bytes(header[16:18], "big")
    pages = int.from_bytes(header[28:32], "big")
    # The count is valid where both change counters agree; other programs may leave it behind.
    if header[24:28] == header[92:96] and pages * (65536 if page == 1 else page) > path.stat().st_size:
        raise damage_error(path, "it is cut off")


def guard_connection(connection: sqlite3.Connection) -> None:
    """Before anything is read: nothing in the file may act or fill the memory."""
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LARGEST_VALUE)
    connection.execute("PRAGMA trusted_schema=OFF")
    connection.execute("PRAGMA cell_size_check=ON")


def check_version(connection: sqlite3.Connection, path: Path, newest: int) -> int:
    """The file's version; it is read here, not from the header, since the log may hold a newer header."""
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > newest:
        raise InputError(
            f"{path.parent}: made by a newer DefectDesk (project version {version}, this one reads up to "
            f"{newest}); update DefectDesk"
        )
    if version < 1:
        raise damage_error(path, f"project version {version}")
    return version


def check_schema(connection: sqlite3.Connection, path: Path, scripts: tuple[str, ...]) -> None:
    """Raises InputError if the tables are not those that `scripts` make, or anything acts on them."""
    expected = sqlite3.connect(":memory:", isolation_level=None)
    try:
        for script in scripts:
            expected.executescript(script)
        ours = set(expected.execute("SELECT type, name FROM sqlite_schema"))
        for kind, name, sql in connection.execute("SELECT type, name, sql FROM sqlite_schema").fetchall():
            acts = isinstance(sql, str) and _ACTING_WORDS.search(_COMMENTS.sub("", sql.upper()))
            if (kind != "table" and (kind, name) not in ours) or acts:
                raise InputError(
                    f"{path}: holds a {kind} {name!r} that DefectDesk did not make and that could act when the project "
                    f"is used; it was not opened: ask where it comes from, or restore a copy from "
                    f"{path.parent / 'backups'}"
                )
        for kind, name in ours:
            if kind == "table" and _list_columns(connection, name) != _list_columns(expected, name):
                raise damage_error(path, f"its table {name} is not as DefectDesk made it")
    finally:
        expected.close()


def _list_columns(connection: sqlite3.Connection, table: str) -> Columns:
    return connection.execute("SELECT name, type, hidden FROM pragma_table_xinfo(?)", (table,)).fetchall()


def check_whole(connection: sqlite3.Connection, path: Path, *, thoroughly: bool) -> None:
    """Raises InputError if SQLite finds the file damaged; `thoroughly` compares the indexes, too."""
    found = connection.execute(f"PRAGMA {'integrity_check' if thoroughly else 'quick_check'}(1)").fetchone()[0]
    if found != "ok":
        raise damage_error(path, found)


def damage_error(path: Path, what: object) -> InputError:
    """The error for a file that cannot be read any more."""
    what = " ".join(str(what).removeprefix("*** in database main ***").split())
    if path.parent.name == BACKUPS:
        return InputError(f"{path}: damaged ({what}); choose another backup")
    return InputError(f"{path}: damaged ({what}); restore it from {path.parent / BACKUPS} or another copy")
