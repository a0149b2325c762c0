"""The folder that `predict` draws into: it never takes a name that is there, nor one that images to predict lie under."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from core import files
from core.errors import InputError
from core.inspection.drawing import Image, encode_picture
from core.project.images import image_files
from core.types import Problem


class PictureFolder:
    """Names pictures after the images that they show, and writes them."""

    def __init__(self, folder: Path, images: Iterable[Path], given: Iterable[Path]) -> None:
        """`images`: the files to predict; `given`: the files and folders as the user named them.

        Raises InputError, before anything is made, if `folder` cannot be written or holds images to predict: the
        pictures would be taken for images the next time.
        """
        self.path = Path(os.path.abspath(folder))
        _check_writable(self.path)
        real = os.path.realpath(self.path)
        sources = {os.path.realpath(path) for path in given if path.is_dir()}
        sources |= {os.path.realpath(image.parent) for image in images}
        if real in sources:
            raise InputError(
                f"--out: {folder} holds the images to predict; choose a folder of its own for the pictures"
            )
        self._taken = {path.name.casefold() for path in self.path.iterdir()} if self.path.is_dir() else set()

    def write_picture(self, image: Path, picture: Image) -> Path:
        """Write the picture of the file `image` under a name that is free; where it is. Raises InputError."""
        data = encode_picture(picture)
        number = 1
        while True:
            path = self.path / f"{image.stem}{'' if number == 1 else f'-{number}'}.png"
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


def _check_writable(folder: Path) -> None:
    place = folder
    while not os.path.lexists(place):
        place = place.parent
    if not place.is_dir():
        raise InputError(f"--out: {place} is not a folder; choose another one for the pictures")
    if not os.access(place, os.W_OK | os.X_OK):
        raise InputError(f"--out: {place} cannot be written; choose another folder for the pictures")
