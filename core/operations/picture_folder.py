"""The folder that `predict` draws into: it never takes a name that is there, nor one that images to predict lie under."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from core import files
from core.errors import InputError
from core.inspection.drawing import Image, encode_picture
from core.project.images import image_files
from core.types import Problem

_LONGEST_NAME = 255  # bytes, on the file systems in use
_HEADER_END = 33  # of a PNG: signature and IHDR
_MARK = b"tEXt" + b"Software\0DefectDesk predict"
_MARK_CHUNK = struct.pack(">I", len(_MARK) - 4) + _MARK + struct.pack(">I", zlib.crc32(_MARK))


class PictureFolder:
    """Names pictures after the images that they show, and writes them."""

    def __init__(self, folder: Path, images: Iterable[Path], given: Iterable[Path]) -> None:
        """`images`: the files to predict; `given`: the files and folders as the user named them.

        Raises InputError, before anything is made, if `folder` cannot be written or holds images to predict: the
        pictures would be taken for images the next time. A folder among the images may only hold what was drawn there.
        """
        self.path = Path(os.path.abspath(folder))
        _check_writable(self.path)
        real = os.path.realpath(self.path)
        read = {os.path.realpath(path) for path in given if path.is_dir()}
        if real in read or real in {os.path.realpath(image.parent) for image in images}:
            raise InputError(
                f"--out: {folder} holds the images to predict; choose a folder of its own for the pictures"
            )
        if any(Path(source) in Path(real).parents for source in read):
            _check_all_drawn(self.path)
        self._missing = [place for place in (self.path, *self.path.parents) if not place.exists()]
        self._taken = {path.name.casefold() for path in self.path.iterdir()} if self.path.is_dir() else set()

    @contextmanager
    def removed_on_failure(self) -> Iterator[Self]:
        """Take away the folders that were made for the pictures if the body fails before there is one."""
        try:
            yield self
        except BaseException:
            for place in self._missing:
                with suppress(OSError):
                    place.rmdir()
            raise

    def write_picture(self, image: Path, picture: Image) -> Path:
        """Write the picture of the file `image` under a name that is free; where it is. Raises InputError."""
        data = _mark_as_drawn(encode_picture(picture))
        number = 1
        while True:
            end = f"{'' if number == 1 else f'-{number}'}.png"
            path = self.path / (files.shorten_name(image.stem, _LONGEST_NAME - len(end)) + end)
            number += 1
            if path.name.casefold() in self._taken:
                continue
            self._taken.add(path.name.casefold())
            try:
                files.write_new_bytes(path, data)
            except FileExistsError:
                continue  # somebody else has made it since
            except OSError as error:
                raise InputError(f"{path}: cannot be written ({error.strerror}); choose another folder") from error
            return path


def gather_inputs(
    given: Sequence[Path], out: Path | None, own_folder: Path | None = None
) -> tuple[list[Path], list[Problem]]:
    """The image files of `given`, absolute and each once, and what was passed over, as for a new project.

    What lies in `out` is passed over and counted: most likely it was drawn there before. Raises InputError for a
    folder without images.
    """
    found: list[Path] = []
    problems: list[Problem] = []
    for path in given:
        inside, faults = image_files.gather_files([path], own_folder or Path(os.devnull), passed_over=out)
        if path.is_dir() and not inside:
            raise InputError(f"{path}: there are no images in this folder")
        found += inside
        problems += faults
    return list(dict.fromkeys(found)), list(dict.fromkeys(problems))


def _mark_as_drawn(png: bytes) -> bytes:
    return png[:_HEADER_END] + _MARK_CHUNK + png[_HEADER_END:]


def _is_drawn(file: Path) -> bool:
    end = _HEADER_END + len(_MARK_CHUNK)
    try:
        with files.open_at_once(file) as opened:
            return opened.read(end)[_HEADER_END:] == _MARK_CHUNK
    except OSError:
        return False


def _check_all_drawn(folder: Path) -> None:
    """Raise InputError for an image that `predict` did not draw: it would be passed over as a result."""
    inside = image_files.gather_files([folder], Path(os.devnull))[0] if folder.is_dir() else []
    other = next((file for file in inside if not _is_drawn(file)), None)
    if other is not None:
        raise InputError(
            f"--out: {folder} lies among the images to predict and holds {other.relative_to(folder)}, which was not "
            "drawn by predict; choose a folder of its own for the pictures"
        )


def _check_writable(folder: Path) -> None:
    place = folder
    while not os.path.lexists(place):
        place = place.parent
    if not place.is_dir():
        raise InputError(f"--out: {place} is not a folder; choose another one for the pictures")
    if not os.access(place, os.W_OK | os.X_OK):
        raise InputError(f"--out: {place} cannot be written; choose another folder for the pictures")
