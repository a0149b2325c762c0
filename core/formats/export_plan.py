"""What writers of formats write: labels and images with their boxes, and the folder that the files go into."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.types import Problem, Split, Status

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class SheetLabel:
    """A label as it is written."""

    name: str
    color: str
    number: int  # 1 or more, the same in every export of the project, whatever the order or the name
    shortcut: str = ""  # written nowhere, and said so


@dataclass(frozen=True, slots=True, eq=False)
class SheetImage:
    """An image as it is written."""

    source: Path  # the file that the project refers to
    width: int  # of the upright image
    height: int
    status: Status
    split: Split
    group: str
    note: str
    content_hash: str
    boxes: NDArray[np.float64]  # (n, 4) x1 y1 x2 y2 in pixels of the upright image
    labels: tuple[tuple[int, ...], ...]  # of each box: places in the sheet's labels, by their numbers; maybe none
    difficult: frozenset[int] = frozenset()  # rows of boxes that training and judging ignore
    name: str = ""  # what annotations call it: relative, "/" between the parts
    stem: str = ""  # what files about it are called, without suffix: relative, no two alike but for case
    size_bytes: int = 0  # of the file, and the time of its last change, when it last held this; 0: not noted
    modified_ns: int = 0

    @property
    def path(self) -> str:
        return str(self.source)

    def bare_boxes(self, write_box: Callable[[NDArray[np.float64]], list[float]]) -> dict[str, list[Any]]:
        """The boxes that have no label yet, as `extras.list_bare_boxes` reads them; nothing where there are none."""
        bare = [row for row, labels in enumerate(self.labels) if not labels]
        values: dict[str, list[Any]] = {
            "boxes_without_label": [write_box(self.boxes[row]) for row in bare],
            "difficult_without_label": [place for place, row in enumerate(bare) if row in self.difficult],
        }
        return {key: value for key, value in values.items() if value}

    def extras(self) -> dict[str, str]:
        """What other formats have no place for; empty texts are left out."""
        values = {
            "status": str(self.status),
            "split": str(self.split),
            "group": self.group,
            "note": self.note,
            "content_hash": self.content_hash,
            "frame": "upright",
        }
        return {key: value for key, value in values.items() if value}


@dataclass(slots=True)
class Sheet:
    """All that is written, the folder that it goes into, and what had to be left out."""

    folder: Path  # where files are written now
    home: Path  # where they will be
    labels: tuple[SheetLabel, ...]  # in the order that the project shows them in
    copied: bool  # the images are in the folder, at their names
    progress: Progress | None
    total: int  # images at the beginning
    images: tuple[SheetImage, ...] = ()
    root: Path | None = None  # the folder that the names of images are below, if they are not copied
    done: int = 0
    files: list[str] = field(default_factory=list)
    dropped: list[Problem] = field(default_factory=list)
    lost: Counter[str] = field(default_factory=Counter)  # what a writer left out, by the kinds of `export_losses`
    left_out: int = 0  # images
    image_extras: list[dict[str, Any]] = field(default_factory=list)  # for formats that have no place for them

    def advancing(self) -> Iterator[tuple[int, SheetImage]]:
        """The images with their numbers from 1; reports each as done."""
        for number, image in enumerate(self.images, start=1):
            yield number, image
            self.step()

    @property
    def rounds(self) -> int:
        """How often each image is gone through: checked, measured, perhaps copied, written."""
        return 4 if self.copied else 3

    def step(self, rounds: int = 1) -> None:
        """One image is through so many rounds more: the progress is by images that are done with all of them."""
        self.done += rounds
        if self.progress is not None:
            self.progress(min(self.done // self.rounds, self.total), self.total)

    def place(self, name: str) -> Path:
        """Where the new file `name` (relative, "/" between the parts) goes; its folder is made."""
        path = self.folder.joinpath(*name.split("/"))
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            raise InputError(f"{path}: two files of one name; report this as a fault of the program")
        self.files.append(name)
        return path

    @contextmanager
    def text_file(self, name: str) -> Iterator[TextIO]:
        """A new file for text in UTF-8; line ends are written as they are given."""
        with self.place(name).open("x", encoding="utf-8", newline="") as file:
            yield file

    def write_text(self, name: str, text: str) -> None:
        with self.text_file(name) as file:
            file.write(text)

    def leave_out(self, image: SheetImage, problem: str) -> None:
        """Tell of an image that is not in the export at all."""
        self.left_out += 1
        self.drop(image, f"{problem}; left out with its boxes")

    def drop(self, image: SheetImage, problem: str) -> None:
        """Tell what is not in the export as it is in the project."""
        self.dropped.append(Problem(str(image.source), problem))
