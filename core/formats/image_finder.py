"""From the names in annotations to image files, with a report of those that are not found, or lie elsewhere.

One file is never taken for two images: where two names may mean it, the one that says where it lies has it, and where
neither does, none.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from core.formats.annotations import Format
from core.formats.file_choices import find_choice
from core.formats.lookup import AmbiguousName, Folders, FoundFile, LookupFault
from core.formats.problem_log import ProblemLog
from core.formats.text import quote_short
from core.imaging.decode import IMAGE_SUFFIXES

_FOLDERS = 5  # that are told of one by one
_ONE_IMAGE_A_FILE = (Format.VOC, Format.LABELME)


@dataclass(slots=True)
class _Taken:
    """Who has a file."""

    name: str
    key: Hashable
    is_guess: bool


@dataclass(slots=True)
class ImageFinder:
    """Finds the files of one source."""

    format: Format
    folders: Folders
    log: ProblemLog
    missing: set[str] = field(default_factory=set)  # names as the source writes them
    ambiguous: dict[str, tuple[Path, ...]] = field(default_factory=dict)  # names that several files have
    doubtful: set[Path] = field(default_factory=set)  # files of which nobody can tell whose they are
    _taken: dict[Path, _Taken] = field(default_factory=dict)
    _reported: set[Hashable] = field(default_factory=set)
    _elsewhere: Counter[str] = field(default_factory=Counter)  # images by the folder that they were found in
    _examples: dict[str, tuple[str, str]] = field(default_factory=dict)

    def find(
        self, name: str, beside: Sequence[Path] = (), source: Path | None = None, others: Sequence[str] = ()
    ) -> tuple[Path, bool] | None:
        """(file, whether it was taken from another name that only guessed at it), or None after a report.

        `source` is the annotation file, `others` are what the image may be called if there is no file of its name:
        with any suffix, as a name that has none of an image is looked for in any case.
        """
        # The same name in another folder is that of another image.
        key: Hashable = (name, source.parent if source is not None else None)
        try:
            found = self._look(name, beside, source, others)
        except LookupFault as fault:
            if isinstance(fault, AmbiguousName):
                choice = find_choice(name, fault.paths)
                if choice is not None:
                    return self._take(FoundFile(choice, is_elsewhere=True), name, key, source)
                self.ambiguous.setdefault(name, fault.paths)
            if not name.strip() and source is not None:
                text = "it names no image, and none is called like this file; skipped, and its boxes with it"
                self.log.report("name", text, source)
                return None
            kind = "several files" if isinstance(fault, AmbiguousName) else "file"
            self._report_missing(kind, name, key, f"{fault}; skipped, and its boxes with it", source)
            return None
        return self._take(found, name, key, source)

    def _look(self, name: str, beside: Sequence[Path], source: Path | None, others: Sequence[str]) -> FoundFile:
        try:
            return self.folders.find(name, beside, source)
        except AmbiguousName:
            raise
        except LookupFault:
            if source is not None:
                has_suffix = PurePath(name).suffix.lower() in IMAGE_SUFFIXES
                for other in others if has_suffix else dict.fromkeys((name, *others)):
                    found = self.folders.find_alike(other, beside, source)
                    if found is not None:
                        return found
            raise

    def _take(self, found: FoundFile, name: str, key: Hashable, source: Path | None) -> tuple[Path, bool] | None:
        path = found.path
        first = self._taken.get(path)
        is_moved = False
        if first is None or first.key == key or not (found.is_guess or first.is_guess):
            self._taken.setdefault(path, _Taken(name, key, found.is_guess))
        elif not found.is_guess:
            text = f"only {path} is called so, which is another image; skipped, and its boxes with it"
            self._report_missing("file", first.name, first.key, text, None)
            self._taken[path] = _Taken(name, key, is_guess=False)
            is_moved = True
        elif not first.is_guess:
            text = f"only {path} is called so, which is another image; skipped, and its boxes with it"
            self._report_missing("file", name, key, text, source)
            return None
        else:
            # Pictures of one name from two folders, of which only one is here: nobody can tell which.
            self.doubtful.add(path)
            names = f"both {quote_short(first.name)} and {quote_short(name)}"
            if first.name == name:
                names = f"several images called {quote_short(name)}"
            text = f"{names} may mean this file; skipped with their boxes"
            self.log.report("ambiguous", text, path)
            return None
        if found.is_elsewhere and (first is None or is_moved):
            folder = os.path.dirname(path)  # noqa: PTH120
            self._elsewhere[folder] += 1
            self._examples.setdefault(folder, (name or (source.name if source is not None else ""), path.name))
        return path, is_moved

    def _report_missing(self, kind: str, name: str, key: Hashable, text: str, source: Path | None) -> None:
        self.missing.add(name)
        if key in self._reported:
            return
        self._reported.add(key)
        if self.format in _ONE_IMAGE_A_FILE and source is not None:
            text += f" (named in {source})"
        self.log.report(kind, text, quote_short(name, 200) or None)

    def tell_what_lies_elsewhere(self) -> None:
        """Note from which folders images were taken that do not lie, or are not called, as the annotations say."""
        if len(self._elsewhere) > _FOLDERS:
            top = os.path.commonpath(self._elsewhere)
            self._examples[top] = next(iter(self._examples.values()))
            self._elsewhere = Counter({top: self._elsewhere.total()})
        for folder, count in self._elsewhere.items():
            name, real = self._examples[folder]
            images = "1 image was" if count == 1 else f"{count:,} images were"
            text = f"{images} not found as the annotations name {'it' if count == 1 else 'them'} and taken from here: "
            is_same = PurePath(name.replace("\\", "/")).name == real
            example = quote_short(name) if is_same else f"{quote_short(name)} is {quote_short(real)}"
            self.log.note("elsewhere", f"{text}{example}", folder)
        for link in self.folders.links if self.missing else ():
            self.log.note("link", "a link to a folder, which was not followed; name it itself (--images)", link)
        if self.folders.is_cut:
            text = "there are too many files in it to look through; name the folder of the images (--images)"
            self.log.note("too many files", text, self.folders.root)
