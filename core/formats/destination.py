"""The folder of an export: written beside its place and put there whole, never over anything that no export wrote."""

from __future__ import annotations

import glob
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core import files
from core.errors import InputError, StorageError
from core.formats.annotations import MARKER

_MAX_MARKER = 2**28
_ABANDONED = 3600.0  # s without a change in it


@contextmanager
def new_folder(folder: Path, *, overwrite: bool) -> Iterator[Path]:
    """Yield an empty folder beside `folder`; on leaving, it becomes `folder`. If the body raises, nothing is left of it.

    What is at `folder` must be nothing, an empty folder or, with `overwrite`, an earlier export to which nothing was
    added. Raises InputError if it is not, StorageError if the disk refuses.
    """
    folder = Path(os.path.abspath(folder))
    _check_target(folder, overwrite=overwrite)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        place = Path(tempfile.mkdtemp(prefix=_name_prefix(folder), suffix=".part", dir=folder.parent))
        _clear_up(folder, place)
    except OSError as error:
        raise _explain_refusal(folder, error) from error
    try:
        try:
            yield place
            _put_in_place(place, folder, overwrite=overwrite)
        except OSError as error:
            raise _explain_refusal(folder, error) from error
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _clear_up(folder: Path, own: Path) -> None:
    """Take away what an export to this folder left beside it when the program was killed: hidden, and as big as it was.

    How long ago that was is judged by the time that the disk gave to `own`, just made: a share has a clock of its own.
    """
    long_ago = own.stat().st_mtime - _ABANDONED
    for part in folder.parent.glob(f"{glob.escape(_name_prefix(folder))}????????.part"):
        # A running export changes something in it all the time; two levels tell, as every format has them.
        if all(place.lstat().st_mtime < long_ago for place in (part, *part.glob("*"), *part.glob("*/*"))):
            shutil.rmtree(part, ignore_errors=True)


def _name_prefix(folder: Path) -> str:
    return f".{folder.name[:60]}."


def _explain_refusal(folder: Path, error: OSError) -> StorageError:
    reason = error.strerror or str(error)
    return StorageError(f"{folder}: cannot be written ({reason}); nothing was exported, choose another folder")


def _check_target(folder: Path, *, overwrite: bool) -> None:
    if not folder.exists() and not folder.is_symlink():
        return
    if not folder.is_dir():
        raise InputError(f"{folder}: it is a file, not a folder; choose a new folder")
    if not any(folder.iterdir()):
        return
    known = _written_before(folder)
    if known is None:
        raise InputError(f"{folder}: it holds other things than an earlier export; choose a new folder")
    if not overwrite:
        raise InputError(f"{folder}: there is an earlier export in it; choose a new folder, or overwrite it")
    foreign = next((name for name in _names_in(folder) if name not in known), None)
    if foreign is not None:
        raise InputError(
            f"{folder / foreign}: no export wrote it, and overwriting would take it away; move it, or choose a new folder"
        )


def _written_before(folder: Path) -> set[str] | None:
    """Names of the files of the earlier export in `folder`; None if there is none."""
    path = folder / MARKER
    try:
        if path.stat().st_size > _MAX_MARKER:
            return None
        tree = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    written = tree.get("files") if isinstance(tree, dict) and tree.get("program") == "DefectDesk" else None
    if not isinstance(written, list):
        return None
    return {MARKER, *(name for name in written if isinstance(name, str))}


def _names_in(folder: Path) -> Iterator[str]:
    for place, folders, names in os.walk(folder):
        links = [name for name in folders if Path(place, name).is_symlink()]
        for name in sorted([*names, *links]):
            yield Path(place, name).relative_to(folder).as_posix()


def _put_in_place(place: Path, folder: Path, *, overwrite: bool) -> None:
    """Rename `place` to `folder`; an earlier export goes only when the new one is there."""
    umask = os.umask(0)
    os.umask(umask)
    place.chmod(0o777 & ~umask)  # mkdtemp makes it private
    if hasattr(os, "sync"):
        os.sync()  # a folder whose name is durable before its files are would come back as blanks
    _check_target(folder, overwrite=overwrite)  # once more: writing may have taken an hour
    if not folder.exists():
        place.rename(folder)
        files.sync_folder(folder.parent)
        return
    aside = Path(tempfile.mkdtemp(prefix=_name_prefix(folder), suffix=".old", dir=folder.parent))
    folder.rename(aside / "old")
    try:
        place.rename(folder)
    except OSError:
        (aside / "old").rename(folder)
        aside.rmdir()
        raise
    files.sync_folder(folder.parent)
    shutil.rmtree(aside, ignore_errors=True)
