"""Writing files whole: a reader, a crash or a full disk never meets a half-written one."""

from __future__ import annotations

import errno
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO


@contextmanager
def replacing(path: Path, keep: Path | None = None) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on leaving, flush it to the disk and rename it over `path`.

    If the body raises, the old file stays as it was and the temporary one is removed. The old file is kept as `keep`,
    in the same folder, if that is given.
    """
    with _temporary_beside(path) as temporary:
        yield temporary
        _finish_writing(temporary)
        if keep is not None and path.exists():
            _keep(path, keep)
        temporary.replace(path)
        sync_folder(path.parent)


@contextmanager
def making_new(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on leaving, flush it to the disk and give it the name `path`.

    Raises FileExistsError if by then something has that name: what another process made is not replaced.
    """
    with _temporary_beside(path) as temporary:
        yield temporary
        _finish_writing(temporary)
        try:
            os.link(temporary, path)
        except FileExistsError:
            raise
        except OSError:  # a file system without links, such as FAT
            path.open("xb").close()
            temporary.replace(path)
        sync_folder(path.parent)


@contextmanager
def _temporary_beside(path: Path) -> Iterator[Path]:
    """Yield the path of a new file in the folder of `path`, which is made if it is not there; on leaving, remove it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=_hidden(path), suffix=path.suffix, dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def _finish_writing(temporary: Path) -> None:
    """Give the file the folder's usual mode, and flush it to the disk."""
    # mkstemp makes the file private; a project shared by a team keeps the folder's usual mode.
    umask = os.umask(0)
    os.umask(umask)
    temporary.chmod(0o666 & ~umask)
    with temporary.open("rb") as written:
        os.fsync(written.fileno())


def remove_leftovers(path: Path) -> None:
    """Remove the temporary files of processes that were killed while they replaced `path`.

    Only for files that one process alone writes: another's temporary file would be removed, too.
    """
    if path.parent.is_dir():
        for left in path.parent.iterdir():
            if left.name.startswith(_hidden(path)):
                left.unlink(missing_ok=True)


def _hidden(path: Path) -> str:
    # What `tempfile` adds must fit as well.
    return f".{shorten_name(path.name, 80)}."


def shorten_name(name: str, limit: int) -> str:
    """As much of the start of a name as fits into `limit` bytes: file systems count these, not letters."""
    data = os.fsencode(name)
    return name if len(data) <= limit else data[:limit].decode(errors="ignore")


def _keep(path: Path, keep: Path) -> None:
    """Let `keep` name the file at `path`, too, so that at no moment there is neither."""
    if keep.exists() and keep.samefile(path):
        return  # as a process that was killed between this and the replacing left it
    second = path.with_name(_hidden(path) + "kept")
    try:
        second.unlink(missing_ok=True)
        os.link(path, second)
    except OSError:
        # A file system without links, such as FAT: for a moment there is no `path`, but there is `keep`.
        path.replace(keep)
    else:
        second.replace(keep)


def write_unsynced(path: Path, parts: Iterable[bytes | memoryview]) -> None:
    """Replace `path` by `parts`, one after another, for files that can be made again and are checked when they are read.

    Another process meets the old file or the new one, whole; only if the machine itself stops may it be damaged.
    """
    with _temporary_beside(path) as temporary:
        with temporary.open("wb") as file:
            for part in parts:
                file.write(part)
        temporary.replace(path)


def open_at_once(path: Path | str) -> BinaryIO:
    """Open for reading what may be no file at all. Raises OSError, and ValueError for what is no file name."""
    # Non-blocking, so that opening a pipe does not wait for somebody to write into it.
    return os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)), "rb")


def sync_folder(folder: Path) -> None:
    """Make the renames in `folder` durable. Windows has no such call and needs none."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_bytes(path: Path, data: bytes) -> None:
    """Replace `path` by `data`, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def write_new_bytes(path: Path, data: bytes) -> None:
    """Write `data` to the new file `path`, whole or not at all. Raises FileExistsError if there is one, and OSError."""
    with making_new(path) as temporary:
        temporary.write_bytes(data)


def write_new_texts(texts: Mapping[Path, str]) -> None:
    """Write new files in UTF-8, all or none of them. Raises FileExistsError if there is one of them, and OSError."""
    for path in texts:
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
    with ExitStack() as undoing:
        for path, text in texts.items():
            write_new_bytes(path, text.encode())
            undoing.callback(path.unlink, missing_ok=True)
        undoing.pop_all()


def find_free_path(wanted: Path, others: Callable[[Path], Iterable[Path]] = lambda _path: ()) -> Path:
    """`wanted`, or with a number behind its stem where it, or one of the `others` that go with it, is there already."""
    number, path = 1, wanted
    while any(os.path.lexists(one) for one in (path, *others(path))):
        number += 1
        path = wanted.with_name(f"{wanted.stem}-{number}{wanted.suffix}")
    return path


def write_text(path: Path, text: str) -> None:
    """Replace `path` by `text` in UTF-8, whole or not at all."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: Any) -> None:
    """Replace `path` by `value` as JSON, whole or not at all."""
    write_text(path, json.dumps(value, ensure_ascii=False, allow_nan=False))
