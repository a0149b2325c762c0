"""The image files below a folder, by name: for annotations whose paths lead nowhere here.

Names come from other machines: their folders differ in case or are others, blanks are written as %20, suffixes are
missing. A name is looked up by its last part; the folders before it, and those of the annotation file, decide between
files of one name. Where they do not, nobody can tell which is meant, and none is taken.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path, PurePath
from urllib.parse import unquote, urlsplit

from core.formats.annotations import MARKER
from core.formats.split_names import find_split
from core.imaging.decode import IMAGE_SUFFIXES

MOST = 500_000  # entries of folders that are looked at
_DEEPEST = 5  # folders below the parent of the chosen one
_TOLD_EVERY = 1000
_LONGEST = 4096
_WORDS = re.compile("[a-z]+")
# Folders by what kind of files they hold, which says nothing of which image is meant.
_KINDS_OF_FILES = frozenset(
    {
        *("annotations", "annotation", "ann", "anns", "labels", "label", "xml", "xmls", "json", "jsons", "csv", "csvs"),
        *("images", "image", "img", "imgs", "jpegimages", "data"),
    }
)
_FOR_IMAGES = frozenset(
    {
        *("images", "image", "img", "imgs", "jpeg", "jpg", "png", "jpegimages", "pictures", "pics", "photos", "frames"),
        *("data", "raw", "train", "training", "val", "valid", "validation", "dev", "test", "testing", "trainval"),
        "default",
    }
)
_MASKS = frozenset({"mask", "masks", "segmentationclass", "segmentationobject", "ground_truth", "groundtruth"})
_ANNOTATIONS = frozenset({".json", ".xml", ".csv", ".yaml", ".yml", ".names"})
_OWN = frozenset({"runs", "backups", "cache"})  # of a project, beside its database
_DATABASE = "project.sqlite"


def fold(name: str) -> str:
    """Equal for names that differ only in case, or in how accents are written."""
    return unicodedata.normalize("NFC", name).casefold()


def is_for_annotations(folder: str) -> bool:
    """True for the usual names of a folder that stands beside the folder of the images."""
    return fold(folder) in {
        "annotations",
        "annotation",
        "ann",
        "anns",
        "labels",
        "label",
        "xml",
        "xmls",
        "json",
        "jsons",
    }


def find_home(folder: Path) -> Path:
    """The folder of the data set whose annotations are in `folder`: above one that holds nothing else."""
    is_whole = (folder / MARKER).is_file()  # an export of this program, however its folder is called
    return folder.parent if is_for_annotations(folder.name) and not is_whole else folder


def list_places(file: Path) -> list[Path]:
    """Where the images of an annotation file usually lie: beside it, or in a folder that is called after it."""
    home = find_home(file.parent)
    words = file.stem.split("_")
    subsets = [file.stem, *("_".join(part) for cut in range(1, len(words)) for part in (words[cut:], words[:cut]))]
    tops = [home, home / "images"]
    return [
        place
        for place in (file.parent, *[t / s for t in tops for s in subsets], *tops, home / "data")
        if place.is_dir()
    ]


def find_folded(top: Path, names: Sequence[str]) -> Path | None:
    """The file or folder that `names` lead to from `top`, whatever their case; None if there is none, or no only one."""
    place = top
    for name in names:
        if (place / name).exists():
            place /= name
            continue
        try:
            same = [entry for entry in place.iterdir() if fold(entry.name) == fold(name)]
        except OSError:
            return None
        if len(same) != 1:
            return None
        place = same[0]
    return place


@dataclass(frozen=True, slots=True)
class Hints:
    """What is known beside a name: the file that names it, and the folders where its format keeps images."""

    source: Path | None = None
    places: tuple[str, ...] = ()  # absolute
    any_suffix: bool = False


@dataclass(slots=True)
class ImageIndex:
    """Names of image files, listed once. Links to folders are not followed, hidden files are passed over."""

    top: Path
    by_name: dict[str, list[str]] = field(default_factory=dict)  # paths by their folded name
    by_stem: dict[str, list[str]] = field(default_factory=dict)
    links: list[str] = field(default_factory=list)  # links to folders
    is_cut: bool = False  # not all was looked at

    @classmethod
    def below(cls, top: Path, advance: Callable[[int, int], None]) -> ImageIndex:
        """All images below `top`. `advance(entries, 0)` may raise to stop."""
        index = cls(top)
        index._add(_list_files(os.fspath(top), index, _Budget(advance), deepest=None))
        return index

    @classmethod
    def around(cls, folder: Path, advance: Callable[[int, int], None]) -> ImageIndex:
        """The images in and below the parent of `folder`, but not below itself, nor in other data sets beside it.

        A folder beside it that holds annotations of its own is another data set, unless it is called like one for
        images: a file of the wanted name in it is most likely another picture.
        """
        top = folder.parent
        index = cls(top)
        budget = _Budget(advance)
        try:
            with os.scandir(top) as entries:
                children = sorted(entries, key=lambda entry: entry.name)
        except OSError:
            return index
        index._add(entry.path for entry in children if _is_image(entry.name) and entry.is_file(follow_symlinks=False))
        careful = top in (Path(top.anchor), Path.home())
        for child in children:
            if child.name.startswith(".") or child.path == os.fspath(folder) or not child.is_dir():
                continue
            usual = {*_WORDS.findall(fold(child.name))} <= _FOR_IMAGES
            if child.is_symlink():
                index.links += [child.path] if usual else []
                continue
            if not usual and careful:
                continue
            found = list(
                _list_files(child.path, index, budget, deepest=_DEEPEST, stop_at=() if usual else _ANNOTATIONS)
            )
            if None not in found:
                index._add(path for path in found if path is not None)
        return index

    def _add(self, paths: Iterator[str | None]) -> None:
        for path in paths:
            if path is not None:
                name = fold(os.path.basename(path))  # noqa: PTH119 - a hundred thousand times
                self.by_name.setdefault(name, []).append(path)
                self.by_stem.setdefault(name.rpartition(".")[0], []).append(path)

    def __len__(self) -> int:
        return len(self.by_name)

    def find(self, name: str, hints: Hints) -> list[str]:
        """The files that `name` most likely means: one, or several where nothing tells them apart, or none."""
        for spelling in _spellings(name):
            parts = [fold(part) for part in spelling.replace("\\", "/").split("/") if part not in ("", ".", "..")]
            if not parts:
                continue
            found = self.by_name.get(parts[-1], [])
            if not found and hints.any_suffix:
                stem, dot, suffix = parts[-1].rpartition(".")
                found = self.by_stem.get(stem, []) if f"{dot}{suffix}" in IMAGE_SUFFIXES else []
                found = found or self.by_stem.get(parts[-1], [])
            if found:
                return self._choose(parts[:-1], found, hints)
        return []

    def _choose(self, folders: Sequence[str], found: Sequence[str], hints: Hints) -> list[str]:
        source_folders, source_words, source_split = _describe_source(hints.source, self.top)
        places = {fold(place) for place in hints.places}
        best: list[str] = []
        best_rank: tuple[int, ...] = ()
        for path in found:
            folder = os.path.dirname(path)  # noqa: PTH120
            own = _split_path(folder, os.fspath(self.top))
            alike = _count_alike(folders, own)
            if not alike and not _MASKS.isdisjoint(own):
                continue  # a mask is called like its image
            split = find_split(own)
            if split and source_split and split != source_split:
                continue  # a picture of that name, but of another split
            rank = (
                alike,
                fold(folder) in places,
                _count_alike(_without_kinds(source_folders), _without_kinds(own)),
                _count_alike(source_folders[::-1], own[::-1]),  # below the same folder
                any(name in source_words for name in own),
            )
            if rank > best_rank or not best:
                best, best_rank = [path], rank
            elif rank == best_rank:
                best.append(path)
        return best


@dataclass(slots=True)
class _Budget:
    advance: Callable[[int, int], None]
    seen: int = 0

    def spend(self) -> bool:
        """Count an entry; False once there were too many."""
        self.seen += 1
        if self.seen % _TOLD_EVERY == 0:
            self.advance(self.seen, 0)
        return self.seen <= MOST


def _list_files(
    top: str, index: ImageIndex, budget: _Budget, deepest: int | None, stop_at: Collection[str] = ()
) -> Iterator[str | None]:
    """Paths of image files below `top`; None, and no more, where a file has one of the suffixes `stop_at`."""
    waiting = [(top, 0)]
    while waiting:
        folder, depth = waiting.pop()
        try:
            with os.scandir(folder) as entries:
                listed = sorted(entries, key=lambda entry: entry.name)
        except OSError:
            continue
        is_project = any(entry.name == _DATABASE for entry in listed)
        below = []
        for entry in listed:
            if not budget.spend():
                index.is_cut = True
                return
            if entry.name.startswith("."):
                continue
            if _is_image(entry.name):
                if _is_usable_file(entry, os.fspath(index.top)):
                    yield entry.path
            elif os.path.splitext(entry.name)[1].lower() in stop_at:  # noqa: PTH122
                yield None
                return
            elif _is_folder(entry) and not (is_project and entry.name in _OWN):
                if entry.is_symlink():
                    index.links.append(entry.path)
                elif deepest is None or depth < deepest:
                    below.append((entry.path, depth + 1))
        waiting += reversed(below)


def _is_image(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES and not name.startswith(".")  # noqa: PTH122


def _is_usable_file(entry: os.DirEntry[str], top: str) -> bool:
    """A file, and no link to one outside of `top`."""
    try:
        if entry.is_symlink():
            return entry.is_file() and os.path.realpath(entry.path).startswith(os.path.realpath(top) + os.sep)
        return entry.is_file(follow_symlinks=False)
    except OSError:
        return False


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _spellings(name: str) -> list[str]:
    """The name as it is written, and what it means if it is a URL."""
    if len(name) > _LONGEST:
        return []
    found = [name]
    if "?d=" in name:  # Label Studio's way to a file on the disk
        found.append(unquote(name.partition("?d=")[2]))
    if "://" in name:
        with suppress(ValueError):
            found.append(unquote(urlsplit(name).path))
    if "%" in name:
        found.append(unquote(name))
    return found


@lru_cache(maxsize=64)
def _describe_source(source: PurePath | None, top: PurePath) -> tuple[tuple[str, ...], frozenset[str], str]:
    """(folders from `top` on, words of the name, split) of an annotation file."""
    if source is None:
        return (), frozenset(), ""
    inside = source.is_relative_to(top)
    folders = source.parent.relative_to(top).parts if inside else source.parent.parts
    words = frozenset({fold(source.stem), *re.split(r"[ _.-]", fold(source.stem))})
    return tuple(map(fold, folders)), words, find_split(folders if inside else folders[-1:], source.stem)


def _without_kinds(folders: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in folders if name not in _KINDS_OF_FILES)


@lru_cache(maxsize=4096)
def _split_path(folder: str, top: str) -> tuple[str, ...]:
    """The folded names of the folders from `top` to `folder`."""
    return tuple(map(fold, PurePath(os.path.relpath(folder, top)).parts)) if len(folder) > len(top) else ()


def _count_alike(first: Sequence[str], second: Sequence[str]) -> int:
    """How many names of two ways are the same, from the end."""
    count = 0
    for one, other in zip(reversed(first), reversed(second), strict=False):
        if one != other:
            break
        count += 1
    return count
