"""What the files of an export are called: as the images are, below the folder that all of them share.

So two images of one name from two folders stay apart, as they are in the project. What some system cannot hold in a
name is replaced, what is too long is cut, and what would then be alike is numbered.
"""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path, PurePosixPath

_LONGEST = 120  # bytes of one part, so that a suffix, and a folder around it, still fit everywhere
_UNUSABLE = re.compile(r'[<>:"|?*\\/\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]')
DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_WRITTEN = frozenset({".json", ".txt", ".xml", ".csv", ".yaml"})


def relative_names(paths: Sequence[Path]) -> list[str]:
    """The name of each path below the folder that all of them share, with "/" between the parts."""
    if not paths:
        return []
    try:
        common = Path(os.path.commonpath([path.parent for path in paths]))
    except ValueError:  # several drives of Windows
        return ["/".join((path.drive.rstrip(":"), *path.parts[1:])) for path in paths]
    return [path.relative_to(common).as_posix() for path in paths]


def common_folder(paths: Iterable[Path]) -> Path | None:
    """The folder that `relative_names` are below, if there is one."""
    try:
        return Path(os.path.commonpath([path.parent for path in paths]))
    except ValueError:  # none, or several drives of Windows
        return None


def portable_stems(names: Sequence[str], reserved: Collection[str] = ()) -> list[str]:
    """For each relative name one without suffix that every system can hold, and no two alike but for case.

    `reserved` are names of folders and files at the top that must stay free, without suffix.
    """
    taken = {_fold_name(name) for name in reserved}
    counts: dict[str, int] = {}
    stems = []
    for name in names:
        path = PurePosixPath(name)
        folders = [_make_usable(part, is_folder=True, reserved=reserved) for part in path.parent.parts]
        wanted = "/".join([*folders, _make_usable(path.stem)])
        stem = wanted
        while _fold_name(stem) in taken:
            counts[wanted] = counts.get(wanted, 1) + 1
            stem = f"{wanted}-{counts[wanted]}"
        taken.add(_fold_name(stem))
        stems.append(stem)
    return stems


def _fold_name(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _make_usable(part: str, *, is_folder: bool = False, reserved: Collection[str] = ()) -> str:
    name = _UNUSABLE.sub("_", part).rstrip(". ").lstrip(" ")
    if name.startswith("."):
        name = "_" + name[1:]  # hidden files are passed over by those who look for images
    if DEVICES.fullmatch(name):
        name = "_" + name
    if is_folder and (PurePosixPath(name).suffix.lower() in _WRITTEN or _fold_name(name) in map(_fold_name, reserved)):
        name += "_"
    if len(name.encode()) > _LONGEST:
        digest = hashlib.blake2b(part.encode(errors="surrogatepass"), digest_size=4).hexdigest()
        name = name.encode()[: _LONGEST - 9].decode(errors="ignore") + "-" + digest
    return name or "_"
