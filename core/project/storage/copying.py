"""A copy of a database that its owner may be writing."""

from __future__ import annotations

import shutil
from pathlib import Path

from core.errors import InputError

_ATTEMPTS = 20


def copy_consistently(path: Path, copy: Path) -> None:
    """Copy the database and its log while their owner may write. Raises InputError if it never rests.

    Between a checkpoint and the first write after it, the log's header stays; as long as it does, the log
    holds every page that the main file may have got meanwhile. So a copy between two equal headers is whole.
    """
    log = path.with_name(path.name + "-wal")
    log_copy = copy.with_name(copy.name + "-wal")
    for _ in range(_ATTEMPTS):
        before = _log_header(log), _read_stamp(path) if not _log_header(log) else None
        shutil.copyfile(path, copy)
        log_copy.unlink(missing_ok=True)
        if before[0]:
            try:
                shutil.copyfile(log, log_copy)
            except FileNotFoundError:
                continue
        after = _log_header(log), _read_stamp(path) if not _log_header(log) else None
        if before == after and not _has_journal(path):
            return
    raise InputError(f"{path.parent}: the project is open elsewhere and being written; try again in a moment")


def _log_header(log: Path) -> bytes:
    try:
        with log.open("rb") as file:
            return file.read(32)
    except FileNotFoundError:
        return b""


def _read_stamp(path: Path) -> tuple[int, int]:
    stat = path.stat()
    return stat.st_mtime_ns, stat.st_size


def _has_journal(path: Path) -> bool:
    # A rollback journal (on network shares) in the middle of a transaction.
    journal = path.with_name(path.name + "-journal")
    return journal.is_file() and journal.stat().st_size > 0
