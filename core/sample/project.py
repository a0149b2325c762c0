"""The sample as a project: files on disk, labelled and divided."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from core import files
from core.errors import InputError
from core.project import making
from core.project.edits import image_edits
from core.project.edits.edit import Edit, ImageState
from core.project.project import Project
from core.sample.picture import SAMPLE_LABELS, USUAL_SIZE, generate_image
from core.threads import count_cores
from core.types import Box, Split, Status

_Drawn = tuple[Path, NDArray[np.float32], list[set[str]]]


def make_sample_project(
    folder: Path,
    count: int = 160,
    size: int | tuple[int, int] = USUAL_SIZE,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Project:
    """Draw `count` pictures into `folder`/images and make a labelled, divided project of them in `folder`.

    The same arguments give the same files, boxes and splits. `progress(done, total)` is called in the caller's thread.
    Returns the open project. Raises InputError if the folder holds a project already, a file that a picture would
    replace, or cannot be written; then, and if `progress` raises, no project is left behind.
    """
    pictures = Path(os.path.abspath(folder)) / "images"
    _check_place(pictures, count, seed, size)
    with making.undone_on_failure(folder, making.list_missing(Path(os.path.abspath(folder)))), ExitStack() as undoing:
        project = Project.create(folder, SAMPLE_LABELS)
        undoing.callback(project.close)
        drawn: list[_Drawn] = []
        with ThreadPoolExecutor(count_cores(), thread_name_prefix="sample") as pool:
            for one in pool.map(lambda index: _draw_images(pictures, index, seed, size), range(count)):
                drawn.append(one)
                if progress:
                    progress(len(drawn), count)
        project.files.add_images(path for path, _, _ in drawn)
        project.apply(_labelling_edit(project, drawn))
        project.apply(image_edits.assign_splits(project, seed=seed))
        undoing.pop_all()
    return project


def _check_place(folder: Path, count: int, seed: int, size: int | tuple[int, int]) -> None:
    """Raises InputError if a file in `folder` has the name of a picture, but is not that picture from an earlier attempt."""
    names = {path.name for path in folder.iterdir()} if folder.is_dir() else set[str]()
    for index in range(count):
        path = folder / _name_file(index)
        if path.name in names and not (path.is_file() and path.read_bytes() == _encode_image(index, seed, size)[0]):
            raise InputError(f"{path}: exists and is not written over; choose another folder, or take it away")


def _name_file(index: int) -> str:
    # Both kinds turn up in real folders, so the sample has both.
    return f"surface-{index:04d}.{'jpg' if index % 4 == 3 else 'png'}"


def _encode_image(
    index: int, seed: int, size: int | tuple[int, int]
) -> tuple[bytes, NDArray[np.float32], list[set[str]]]:
    """The content of the file of a picture, its boxes and their labels."""
    picture, boxes, labels = generate_image(index, seed, size)
    suffix = Path(_name_file(index)).suffix
    options = [cv2.IMWRITE_JPEG_QUALITY, 95] if suffix == ".jpg" else [cv2.IMWRITE_PNG_COMPRESSION, 1]
    _, data = cv2.imencode(suffix, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), options)
    return data.tobytes(), boxes, labels


def _draw_images(folder: Path, index: int, seed: int, size: int | tuple[int, int]) -> _Drawn:
    path = folder / _name_file(index)
    data, boxes, labels = _encode_image(index, seed, size)
    try:
        with suppress(FileExistsError):  # the same picture, which was looked at before
            files.write_new_bytes(path, data)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}); choose another folder") from error
    return path, boxes, labels


def _labelling_edit(project: Project, drawn: list[_Drawn]) -> Edit:
    ids = {label.name: label.id for label in project.labels()}
    images = {project.image_path(image): image.id for image in project.images()}
    box_ids = iter(project.new_ids("box", sum(len(boxes) for _, boxes, _ in drawn)))
    after: dict[int, ImageState] = {}
    for path, boxes, labels in drawn:
        after[images[path]] = ImageState(
            Status.LABELLED if len(boxes) else Status.CLEAN,
            Split.NONE,
            "",
            "",
            tuple(
                Box(next(box_ids), x1, y1, x2, y2, frozenset(ids[name] for name in names))
                for (x1, y1, x2, y2), names in zip(boxes.tolist(), labels, strict=True)
            ),
        )
    return Edit("Label the sample", project.states(after), after, by_name=True)
