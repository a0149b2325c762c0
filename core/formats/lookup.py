"""From the names in annotations to image files: only below the folders that were named, never through a way out.

Names come from other machines and from strangers. What is absolute, or climbs out by "..", or is a link to somewhere
else, is not touched; not even looked at, for a Windows share would be told who looks. A name that leads nowhere is
looked up in the list of what lies below the folder and, where annotations stand in a folder of their own, beside it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

from core.formats.annotations import MARKER
from core.formats.image_index import Hints, ImageIndex, is_for_annotations
from core.formats.naming import DEVICES

_MOST_PARTS = 64  # a longer path is none
_NAMED = 3  # files that a message names
_NO_HINTS = Hints()


class LookupFault(Exception):
    """There is no file that may be used; the text says why."""


class AmbiguousName(LookupFault):
    """Several files may be meant."""

    def __init__(self, text: str, paths: Sequence[str]) -> None:
        super().__init__(text)
        self.paths = tuple(map(Path, paths))


@dataclass(frozen=True, slots=True)
class FoundFile:
    """The file that a name means."""

    path: Path
    is_guess: bool = False  # only the last parts of the name led to it
    is_elsewhere: bool = False  # it does not lie where the name says


class Folders:
    """Finds files below a root. Keeps what it learnt of folders, for annotations name thousands of files in each."""

    def __init__(
        self, root: Path, *, given: bool, advance: Callable[[int, int], None] = lambda done, total: None
    ) -> None:
        """`given`: the user named the root, so that what annotations say of other folders need not be true here.

        `advance(entries, 0)` is called while folders are listed, and may raise to stop.
        """
        self.root = Path(os.path.abspath(root))
        self._given = given
        root_text = os.fspath(self.root)
        self._start = root_text if root_text.endswith(os.sep) else root_text + os.sep
        self._real: dict[str, str] = {}
        self._beside: dict[tuple[Path, ...], list[str]] = {}
        self._advance = advance
        self._inside: ImageIndex | None = None
        self._around: ImageIndex | None = None
        self._found_inside = False  # an image was found below the root
        self._found_around = False  # and none there, but beside it

    def find(self, name: str, beside: Sequence[Path] = (), source: Path | None = None) -> FoundFile:
        """The file that `name` means, taken as below each of `beside` and then below the root, or else the only one of
        that name below the root or its parent. `source` is the annotation file. Raises LookupFault.
        """
        if not name or "\0" in name:
            raise LookupFault("it has no file name")
        found = next(self._candidates(name, beside), None)
        if found is None:
            found = self._search(name, Hints(source, tuple(self._folders(tuple(beside)))))
        if found is not None:
            self._found_around = self._found_around or not self.holds(os.fspath(found.path))
            self._found_inside = self._found_inside or self.holds(os.fspath(found.path))
            return found
        if self._leads_out(name):
            raise LookupFault(f"its path leads out of {self.root}")
        raise LookupFault(f"there is no such file in {self.describe_searched()}")

    def find_alike(self, name: str, beside: Sequence[Path], source: Path) -> FoundFile | None:
        """As `find` without looking where the name says: the only file that is called so, whatever its suffix."""
        hints = Hints(source, tuple(self._folders(tuple(beside))), any_suffix=True)
        return self._search(name, hints) if name and "\0" not in name else None

    @property
    def links(self) -> tuple[str, ...]:
        """Links to folders that were met and not followed."""
        indexes = [index for index in (self._inside, self._around) if index is not None]
        return tuple(link for index in indexes for link in index.links)

    @property
    def is_cut(self) -> bool:
        """True if there was too much to look at."""
        return any(index is not None and index.is_cut for index in (self._inside, self._around))

    def describe_searched(self) -> str:
        """The folders that were looked through, for a message."""
        return f"{self.root}" if self._around is None else f"{self.root} or {self._around.top}"

    def _search(self, name: str, hints: Hints) -> FoundFile | None:
        if self._inside is None:
            self._inside = ImageIndex.below(self.root, self._advance)
        paths = self._inside.find(name, hints)
        # Annotations in a folder of their own. Otherwise a name beside it is most likely that of another picture.
        is_alone = not self._found_inside and (not len(self._inside) or is_for_annotations(self.root.name))
        if not paths and not self._given and (self._found_around or is_alone):
            if self._around is None:
                self._around = ImageIndex.around(self.root, self._advance)
            paths = self._around.find(name, hints)
        if len(paths) > 1:
            raise AmbiguousName(f"it may be {_join_paths(paths)}; name the folder that is meant (--images)", paths)
        return FoundFile(Path(paths[0]), is_guess=True, is_elsewhere=True) if paths else None

    def _candidates(self, name: str, beside: Sequence[Path]) -> Iterator[FoundFile]:
        folders = self._folders(tuple(beside))
        for spelling in (name, name.replace("\\", "/")) if "\\" in name else (name,):
            # Elsewhere than on Windows, a colon is a letter.
            if spelling[0] in "/\\" if os.name != "nt" else _is_absolute(spelling):
                continue
            for folder in folders:
                path = os.path.normpath(os.path.join(folder, spelling))  # noqa: PTH118 - a hundred thousand times
                if self.holds(path) and self._is_file(path):
                    yield FoundFile(Path(path))
        if not (self._given or _is_absolute(name)):
            return
        parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".", "..")]
        foreign = _is_absolute(name)
        if foreign and self.holds(os.path.normpath(name)) and self._is_file(os.path.normpath(name)):
            yield FoundFile(Path(os.path.normpath(name)))
        # A path of the machine that the annotations come from: its last folders may be the same here.
        if (foreign or self._given) and len(parts) <= _MOST_PARTS:
            for first in range(len(parts)):
                path = os.path.join(self.root, *parts[first:])  # noqa: PTH118
                if not PureWindowsPath(parts[first]).drive and self._is_file(path):
                    yield FoundFile(Path(path), is_guess=True)

    def _folders(self, beside: tuple[Path, ...]) -> list[str]:
        if beside not in self._beside:
            self._beside[beside] = list(dict.fromkeys([*map(os.path.abspath, beside), os.fspath(self.root)]))
        return self._beside[beside]

    def holds(self, path: str) -> bool:
        """True if the absolute, normal `path` is below the root as it is written."""
        return path.startswith(self._start)

    def _is_file(self, path: str) -> bool:
        if os.name == "nt" and any(DEVICES.fullmatch(part.strip()) for part in PureWindowsPath(path).parts):
            return False
        try:
            found = os.lstat(path)
        except (OSError, ValueError):  # such as a name that is longer than the system allows
            return False
        if stat.S_ISLNK(found.st_mode):
            real = os.path.realpath(path)
            if not self._is_inside(real) or not Path(real).is_file():
                raise LookupFault(f"it is a link to somewhere outside {self.root}, or to nothing")
            return True
        if not stat.S_ISREG(found.st_mode):
            return False
        if not self._is_inside(self._real_folder(os.path.dirname(path))):  # noqa: PTH120
            raise LookupFault(f"a link in its path leads out of {self.root}")
        return True

    def _real_folder(self, folder: str) -> str:
        if folder not in self._real:
            self._real[folder] = os.path.realpath(folder)
        return self._real[folder]

    def _is_inside(self, real: str) -> bool:
        root = self._real_folder(os.fspath(self.root))
        return real == root or real.startswith(root if root.endswith(os.sep) else root + os.sep)

    def _leads_out(self, name: str) -> bool:
        if _is_absolute(name):
            return True
        way = os.path.normpath(name.replace("\\", "/"))
        return way == ".." or way.startswith(f"..{os.sep}")


def _join_paths(paths: Sequence[str]) -> str:
    named = " or ".join(paths[:_NAMED])
    return named if len(paths) <= _NAMED else f"{named} or {len(paths) - _NAMED:,} others"


def _is_absolute(name: str) -> bool:
    """True for a path from a root, a drive or a share, on any system."""
    return name[0] in "/\\" or name[1:2] == ":"


def files_below(
    folder: Path, suffixes: frozenset[str], most: int = 2_000_000, links: list[Path] | None = None
) -> Iterator[Path]:
    """Files below `folder` with one of the (lower case) suffixes, folder by folder, sorted by name.

    Links to folders are not followed but put into `links`, links to files that lead out of `folder` are passed over,
    and so is what is hidden. At most `most` names are looked at.
    """
    real = os.path.realpath(folder)
    seen = 0
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if links is not None:
            links += [folder for folder in (Path(place, name) for name in folders) if folder.is_symlink()]
        for name in sorted(names):
            seen += 1
            if seen > most:
                return
            if name.startswith(".") or name == MARKER or os.path.splitext(name)[1].lower() not in suffixes:  # noqa: PTH122
                continue
            path = os.path.join(place, name)  # noqa: PTH118
            if os.path.islink(path) and not os.path.realpath(path).startswith(real + os.sep):  # noqa: PTH114
                continue
            yield Path(path)
