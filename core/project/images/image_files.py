"""From files and folders that the user names to images of the project."""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePath

from core.counting import format_count
from core.errors import InputError
from core.imaging.cameras import Depth
from core.imaging.decode import IMAGE_SUFFIXES, ImageError, examine, read_bytes
from core.threads import count_cores
from core.types import ImageRecord, Problem

OrderKey = tuple[list[tuple[int, int | str]], str]

_DIGITS = re.compile(r"(\d+)")
OWN = frozenset({"runs", "backups", "cache"})
_DATABASE = "project.sqlite"
_HASH_BYTES = 16
NOTICE = "notice"  # a problem that says how files are read that can be used
_TOLD_EVERY = 100  # entries of folders: a listing this long takes no time that anybody would wait for
_IN_FLIGHT = 64  # files read ahead of the results: bounds memory, feeds every core


@dataclass(frozen=True, slots=True)
class Probed:
    """An image file that was read and decoded without fault."""

    path: Path  # absolute
    width: int  # of the upright image
    height: int
    size_bytes: int
    content_hash: str
    modified_ns: int = 0  # time of its last change
    depth: Depth | None = None

    def record(self, image_id: int, project_folder: Path) -> ImageRecord:
        """The record by which the project in `project_folder` refers to the file."""
        return ImageRecord(
            image_id,
            stored_path(project_folder, self.path),
            self.width,
            self.height,
            size_bytes=self.size_bytes,
            content_hash=self.content_hash,
            modified_ns=self.modified_ns,
        )


def probe_file(path: Path) -> Probed:
    """Read and decode one file. Raises ImageError (an InputError) naming the file and what is wrong."""
    if not is_text(str(path)):
        raise ImageError(f"{path}: its name is not valid text (UTF-8), so the project cannot refer to it; rename it")
    modified_ns = _modified_ns(path)  # before reading: what changes the file afterwards shows
    data = read_bytes(path)
    depth = examine(data, path)
    return Probed(path, depth.width, depth.height, len(data), hash_of(data), modified_ns, depth)


def hash_of(data: bytes) -> str:
    """The hash of a file's content, as image records hold it."""
    return hashlib.blake2b(data, digest_size=_HASH_BYTES).hexdigest()


def content_hash(path: Path) -> str:
    """The hash of a file's content, as image records hold it. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=_HASH_BYTES)).hexdigest()


def _modified_ns(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0  # reading the file says why


def probe_all(
    files: Iterable[Path], progress: Callable[[int, int], None] | None = None
) -> tuple[list[Probed], list[Problem]]:
    """Probe files in threads; results in the order of `files`, what cannot be used as problems."""
    wanted = list(files)
    found: list[Probed] = []
    problems: list[Problem] = []
    with ThreadPoolExecutor(count_cores(), thread_name_prefix="probe") as pool:
        waiting = iter(wanted)
        running = [pool.submit(_probed_or_problem, path) for path in islice(waiting, _IN_FLIGHT)]
        for done in range(1, len(wanted) + 1):
            result = running.pop(0).result()
            running += [pool.submit(_probed_or_problem, path) for path in islice(waiting, 1)]
            if isinstance(result, Problem):
                problems.append(result)
            else:
                found.append(result)
            if progress is not None:
                progress(done, len(wanted))
    return found, problems


def _probed_or_problem(path: Path) -> Probed | Problem:
    try:
        return probe_file(path)
    except InputError as error:
        return Problem(str(path), f"{str(error).removeprefix(f'{path}: ')}; skipped", "unreadable")


def describe_notices(found: Iterable[Probed]) -> list[Problem]:
    """What is to be known of how files are read, such as that one page of several is: each text once, of the kind NOTICE."""
    files: dict[str, list[Path]] = {}
    for probed in found:
        for text in probed.depth.notices if probed.depth is not None else ():
            files.setdefault(text, []).append(probed.path)
    return [
        Problem(str(paths[0]), text + (f", and so with {len(paths) - 1:,} more" if paths[1:] else ""), NOTICE)
        for text, paths in files.items()
    ]


def gather_files(
    paths: Iterable[Path],
    own_folder: Path,
    progress: Callable[[int, int], None] | None = None,
    passed_over: Path | None = None,
) -> tuple[list[Path], list[Problem]]:
    """The image files among `paths` and, in natural order, in the folders among them; absolute.

    Files that are no images, and what does not exist, come back as problems. The database, caches and runs of the
    project in `own_folder`, or of any other project, and hidden files, are passed over without a word; images that
    users put there, and those in the folder `passed_over`, are counted in a problem. In folders `progress(seen, 0)` is
    called for every few entries: nobody knows yet how many there are. It may raise to stop.
    """
    files: list[Path] = []
    problems: list[Problem] = []
    seen = _Seen(progress)
    for path in (Path(os.path.abspath(given)) for given in paths):
        if path.is_dir():
            for file in _walk_folder(path, own_folder, problems, seen, passed_over):
                if _is_image(file):
                    files.append(file)
                else:
                    problems.append(Problem(str(file), f"not an image file ({file.suffix or 'no suffix'}); skipped"))
        elif path.exists():
            files.append(path)
        else:
            problems.append(Problem(str(path), "there is no such file or folder; skipped"))
    return files, problems


class _Seen:
    """Counts entries of folders and tells of them: a folder on a slow disk takes minutes to list."""

    def __init__(self, progress: Callable[[int, int], None] | None) -> None:
        self._progress = progress
        self._count = 0

    def one(self) -> None:
        self._count += 1
        if self._progress is not None and self._count % _TOLD_EVERY == 0:
            self._progress(self._count, 0)


def _walk_folder(
    folder: Path, own_folder: Path, problems: list[Problem], seen: _Seen, passed_over: Path | None
) -> Iterator[Path]:
    """The files in a folder and, after them, in its folders; links to folders are not followed."""
    closed = None if passed_over is None else os.path.realpath(passed_over)
    waiting = [str(folder)]
    while waiting:
        place = waiting.pop()
        if closed is not None and place != str(folder) and os.path.realpath(place) == closed:
            # Its folders as well: whoever draws here draws into folders of its own.
            inside = [file for file in _walk_folder(Path(place), own_folder, [], seen, None) if _is_image(file)]
            if inside:
                count = f"{len(inside):,} image{'s' if len(inside) > 1 else ''}"
                problems.append(Problem(place, f"{count} in it passed over: this is where the results go"))
            continue
        names: list[str] = []
        folders: list[str] = []
        try:
            with os.scandir(place) as entries:
                for entry in entries:
                    seen.one()
                    if entry.name.startswith("."):
                        continue
                    if not _is_folder(entry):
                        names.append(entry.name)
                    elif _is_link(entry):
                        if _leads_into(entry.path, folder):
                            continue  # its images are found where they are
                        text = "a link to a folder, which was not followed; name it itself, if it holds images"
                        problems.append(Problem(entry.path, text, "link"))
                    else:
                        folders.append(entry.name)
        except OSError as error:
            problems.append(Problem(place, f"cannot be read ({error.strerror}); skipped"))
            continue
        is_own = Path(place) == own_folder or _DATABASE in names
        if is_own:
            problems += _find_images_of_users(Path(place), seen)
        for name in sorted(names, key=order_key):
            if not (is_own and name.startswith(_DATABASE)):
                yield Path(place, name)
        kept = sorted((name for name in folders if not (is_own and name in OWN)), key=order_key, reverse=True)
        waiting += [str(Path(place, name)) for name in kept]


def _find_images_of_users(project: Path, seen: _Seen) -> Iterator[Problem]:
    """Images in the folders that a project has for its own files, which are passed over: the program puts only thumbnails there."""
    for name in sorted(OWN):
        count = 0
        for place, folders, files in os.walk(project / name):
            if place == str(project / "cache") and "thumbnails" in folders:
                folders.remove("thumbnails")
            if "recipe.yaml" in files:
                folders.clear()
                continue  # a run: pictures in it are of its curves
            for file in files:
                seen.one()
                count += _is_image(Path(file)) and not file.startswith(".")
        if count:
            text = f"{format_count(count, 'image')} in it passed over: a project keeps its own files there"
            yield Problem(str(project / name), f"{text}; name the folder itself, or move them")


def _is_image(file: Path) -> bool:
    return file.suffix.lower() in IMAGE_SUFFIXES


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False  # reading it says why


def _leads_into(link: str, folder: Path) -> bool:
    """True if a link leads to a folder that is in `folder`, or to that itself."""
    real, top = os.path.realpath(link), os.path.realpath(folder)
    return real == top or real.startswith(top + os.sep)


def _is_link(entry: os.DirEntry[str]) -> bool:
    if sys.version_info >= (3, 12) and entry.is_junction():
        return True
    return entry.is_symlink()


def is_text(name: str) -> bool:
    """False for a name with bytes, or halves of characters, that no text can hold: neither databases nor JSON take it."""
    return not any("\ud800" <= letter <= "\udfff" for letter in name)


def natural_key(text: str) -> list[tuple[int, int | str]]:
    """A sort key that puts part2 before part10."""
    return [(0, int(part)) if part.isdecimal() else (1, part.casefold()) for part in _DIGITS.split(text) if part]


def order_key(path: str) -> OrderKey:
    """By this paths are in natural order, and never equal."""
    return natural_key(path), path


def in_order(paths: Mapping[int, str]) -> list[int]:
    """Image ids in the natural order of their paths."""
    return sorted(paths, key=lambda image: order_key(paths[image]))


def stored_path(project_folder: Path, path: Path) -> str:
    """How the project refers to the absolute `path`: relative if it lies in the project's folder or beside it.

    Then a project stays whole when it is moved together with its images; what lies elsewhere is found
    where it is, wherever the project goes.
    """
    text = path.as_posix()
    for base, prefix in ((project_folder, ""), (project_folder.parent, "../")):
        # Everything lies below the root: that is no reason to expect it to move along.
        start = _as_prefix(base)
        if base != Path(base.anchor) and os.path.normcase(text).startswith(os.path.normcase(start)):
            return prefix + text[len(start) :]
    return text


def _as_prefix(folder: Path) -> str:
    """What the paths of files in the folder start with, "/" between the parts."""
    text = folder.as_posix()
    return text if text.endswith("/") else text + "/"


def absolute_path(project_folder: Path, path: str) -> Path:
    """The file that `stored_path` referred to."""
    return Path(os.path.normpath(project_folder / PurePath(path)))


def path_keys(project_folder: Path, paths: Iterable[str]) -> list[str]:
    """`path_key` of the file that each of many stored paths refers to; as `absolute_path`, but 20 times as fast."""
    inside, beside = _as_prefix(project_folder), _as_prefix(project_folder.parent)
    found = []
    for path in paths:
        # `stored_path` leaves no other ".." and nothing doubled; where it did not write the path, take the long way.
        rest = path.removeprefix("../")
        if path.startswith("/") or "./" in rest or "//" in rest or os.name != "posix":
            found.append(path_key(absolute_path(project_folder, path)))
        else:
            found.append(os.path.normcase((inside if rest is path else beside) + rest))
    return found


def path_key(path: Path) -> str:
    """Equal for equal files, as the platform compares names."""
    return os.path.normcase(path)
