"""Writing annotations for other programs: into a new folder, whole or not at all."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import numpy as np

from core.errors import InputError
from core.formats import coco, csv, labelme, voc, yolo, yolo_layout
from core.formats.annotations import MARKER, Format
from core.formats.destination import new_folder
from core.formats.export_losses import Loss, count_losses
from core.formats.export_plan import Sheet, SheetImage, SheetLabel
from core.formats.frames import Frame, FrameError, read_frame
from core.formats.naming import common_folder, portable_stems, relative_names
from core.formats.pictures import PictureError, copy_as_is, copy_upright
from core.project.images import image_files
from core.project.project import Project
from core.project.snapshot import Snapshot
from core.project.snapshot_files import find_changes
from core.types import Label, Problem, Split, Status, label_name_fault

Progress = Callable[[int, int], None]

_CHECKED_AT_ONCE = 256  # files whose content is looked at between two calls of `progress`
_CHUNK = 2000  # images that are read from a project at once: the window waits no longer for its lock


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What to write, and where to."""

    format: Format
    folder: Path  # made; must not exist, or be empty, or hold nothing but an earlier export and `overwrite` be set
    images: Literal["none", "copy"] = "none"
    splits: frozenset[Split] | None = None  # None: all
    statuses: frozenset[Status] | None = None  # None: all
    overwrite: bool = False

    def takes(self, status: Status, split: Split) -> bool:
        """True if an image with this status and split is to be written."""
        return (self.splits is None or split in self.splits) and (self.statuses is None or status in self.statuses)


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What was written."""

    folder: Path
    files: int
    images: int
    boxes: int
    dropped: tuple[Problem, ...]  # what was left out, changed or is to be known, each with its image
    left_out: int = 0  # images of the chosen kinds that are not in it, for their files changed or cannot be copied
    names_below: Path | None = None  # the folder that names of images start at, if they were not copied
    losses: tuple[Loss, ...] = ()  # what other programs do not get, counted


@dataclass(frozen=True, slots=True)
class _Kind:
    """How a format is written."""

    write: Callable[[Sheet], None]
    image_folder: str  # of copied images, below the export; empty: beside the annotations
    reserved: tuple[str, ...]  # names in that folder that must stay free
    losses: tuple[str, ...]


_WITHOUT_DIFFICULT = (Format.YOLO,)
_DIFFICULT = "Marks of difficult boxes, for other programs."
_SHORTCUTS = "Shortcuts of labels."
_COLORS = "Colours and the order of labels, for other programs."
_UNLABELLED = "That an image is not labelled yet: other programs take it as free of defects."
_KINDS: dict[Format, _Kind] = {
    Format.COCO: _Kind(coco.write, coco.IMAGES, (), (_SHORTCUTS, _UNLABELLED)),
    Format.VOC: _Kind(
        voc.write, voc.IMAGES, (), (_SHORTCUTS, _COLORS, "Corners between pixels, for other programs.", _UNLABELLED)
    ),
    Format.YOLO: _Kind(
        yolo.write,
        yolo_layout.IMAGES,
        (yolo_layout.IMAGES, yolo_layout.LABELS),
        (_SHORTCUTS, _DIFFICULT, "Which of several boxes at exactly the same place has which label.", _UNLABELLED),
    ),
    Format.LABELME: _Kind(labelme.write, "", (Path(MARKER).stem,), (_SHORTCUTS, _COLORS, _UNLABELLED)),
    Format.CSV: _Kind(
        csv.write,
        csv.IMAGES,
        (),
        (_SHORTCUTS, _COLORS, "Notes of more than 100,000 characters.", _UNLABELLED),
    ),
}


def list_losses(format: Format) -> tuple[str, ...]:
    """What the format cannot hold, in short sentences for a dialog."""
    return _KINDS[format].losses


def export_project(
    source: Project | Snapshot, options: ExportOptions, progress: Progress | None = None
) -> ExportReport:
    """Write the annotations of `source` into `options.folder`.

    A project gives everything as it is now; a snapshot, what a training saw (single precision).
    Images whose files hold another picture than their boxes were drawn on are left out, and counted. `progress(done,
    total)` may raise to cancel: then nothing is left behind. Raises InputError if there is nothing to export or the
    folder holds something; StorageError if the disk refuses.
    """
    kind = _KINDS[options.format]
    if isinstance(source, Project):
        _check_not_own(source.folder, Path(os.path.abspath(options.folder)))
    labels, images = _of_project(source, options) if isinstance(source, Project) else _of_snapshot(source, options)
    for label in labels:
        if fault := label_name_fault(label.name):
            raise InputError(f"label {label.name[:30]!r}: {fault}; rename it before it is exported")
    if not images:
        raise InputError("export: there is no image of the chosen splits and statuses; choose others")
    copying = options.images == "copy"
    with new_folder(options.folder, overwrite=options.overwrite) as place:
        sheet = Sheet(place, Path(options.folder).absolute(), tuple(labels), copying, progress, len(images))
        images = _leave_out_changed(sheet, images)
        frames = _measure_files(sheet, images)
        named = _name_files(images, frames, kind, copying=copying)
        sheet.root = None if copying else common_folder(image.source for image in images)
        sheet.images = _copy_images(sheet, named, frames, kind) if copying else tuple(named)
        if not sheet.images:
            first = sheet.dropped[0]
            raise InputError(f"{first.file}: {first.problem}; none of the images could be written")
        _tell_unlabelled(sheet)
        if options.format in _WITHOUT_DIFFICULT:
            _tell_difficult(sheet, options.format)
        kind.write(sheet)
        _write_marker(sheet, options)
    boxes = sum(len(image.labels) for image in sheet.images)
    losses = count_losses(options.format, labels, sheet.images, sheet.lost + _count_outside(source, options))
    return ExportReport(
        options.folder,
        len(sheet.files),
        len(sheet.images),
        boxes,
        tuple(sheet.dropped),
        sheet.left_out,
        sheet.root,
        losses,
    )


def _count_outside(source: Project | Snapshot, options: ExportOptions) -> Counter[str]:
    """What no format has a place for, and the images that were not asked for."""
    cameras = source.depths.cameras() if isinstance(source, Project) else source.cameras
    everything = source.images() if isinstance(source, Project) else source.images
    left_out = sum(not options.takes(image.status, image.split) for image in everything)
    return Counter({"camera": len(cameras.cameras) if cameras is not None else 0, "not chosen": left_out})


def _tell_difficult(sheet: Sheet, format: Format) -> None:
    """Say which images lose the marks of difficult boxes."""
    for image in sheet.images:
        if count := len(image.difficult):
            boxes = "1 difficult box" if count == 1 else f"{count:,} difficult boxes"
            sheet.drop(
                image, f"{boxes}: {format.display_name} has no place for the mark; other programs see it as any other"
            )


def _tell_unlabelled(sheet: Sheet) -> None:
    """Say which images have boxes that other programs do not see as defects."""
    for image in sheet.images:
        if count := sum(not labels for labels in image.labels):
            boxes = "1 box has no label" if count == 1 else f"{count:,} boxes have no label"
            sheet.drop(image, f"{boxes}: other programs take what is there for background; give each a label")


def _check_not_own(project_folder: Path, target: Path) -> None:
    """Raises InputError if an export would lie where the project keeps its own things."""
    for name in sorted(image_files.OWN):
        if target.resolve().is_relative_to((project_folder / name).resolve()):
            raise InputError(f"{target}: the project keeps its {name} there; choose a new folder")


def _write_marker(sheet: Sheet, options: ExportOptions) -> None:
    """By this file an export is known as such: what it wrote may be written over, and is read back in full."""
    tree: dict[str, Any] = {
        "program": "DefectDesk",
        "version": 1,
        "format": str(options.format),
        "frame": "upright",
        "labels": [{"name": label.name, "color": label.color} for label in sheet.labels],
    }
    if sheet.image_extras:
        tree["images"] = sheet.image_extras
    tree["files"] = [*sheet.files, MARKER]
    sheet.write_text(MARKER, json.dumps(tree, allow_nan=False, indent=1))


# From projects and snapshots


def _of_project(project: Project, options: ExportOptions) -> tuple[list[SheetLabel], list[SheetImage]]:
    labels = project.labels()
    column = {label.id: place for place, label in enumerate(labels)}
    images: list[SheetImage] = []
    waiting = iter(project.image_ids())
    while chunk := list(islice(waiting, _CHUNK)):
        with project.hold_lock():
            _check_labels(project, labels)
            try:
                records = list(map(project.image, chunk))
            except KeyError as error:
                raise InputError("export: an image was removed meanwhile; nothing was written, try again") from error
            taken = [record for record in records if options.takes(record.status, record.split)]
            boxes = project.boxes_of([record.id for record in taken])
        for record in taken:
            own = boxes.get(record.id, ())
            images.append(
                SheetImage(
                    project.image_path(record),
                    record.width,
                    record.height,
                    record.status,
                    record.split,
                    record.group,
                    record.note,
                    record.content_hash,
                    np.array([box.xyxy for box in own], np.float64).reshape(-1, 4),
                    tuple(tuple(column[label] for label in sorted(box.labels)) for box in own),
                    frozenset(row for row, box in enumerate(own) if box.difficult),
                    size_bytes=record.size_bytes,
                    modified_ns=record.modified_ns,
                )
            )
    _check_labels(project, labels)
    return [SheetLabel(label.name, label.color, label.id, label.shortcut) for label in labels], images


def _check_labels(project: Project, labels: Collection[Label]) -> None:
    if project.labels() != labels:
        raise InputError("export: the labels were changed meanwhile; nothing was written, try again")


def _of_snapshot(snapshot: Snapshot, options: ExportOptions) -> tuple[list[SheetLabel], list[SheetImage]]:
    labels = [
        SheetLabel(name, color, number)
        for number, (name, color) in enumerate(zip(snapshot.label_names, snapshot.label_colors, strict=True), start=1)
    ]
    images = [
        SheetImage(
            Path(image.path),
            image.width,
            image.height,
            image.status,
            image.split,
            image.group,
            image.note,
            image.content_hash,
            np.concatenate([image.boxes, image.ignored]).astype(np.float64),
            tuple(tuple(np.flatnonzero(marks).tolist()) for marks in (*image.labels, *image.ignored_labels)),
            frozenset(range(len(image.boxes), len(image.boxes) + len(image.ignored))),
            size_bytes=image.size_bytes,
            modified_ns=image.modified_ns,
        )
        for image in snapshot.images
        if options.takes(image.status, image.split)
    ]
    return labels, images


# Images


def _leave_out_changed(sheet: Sheet, images: list[SheetImage]) -> list[SheetImage]:
    """The images whose files hold what their boxes were drawn on, or are not there to be looked at."""
    kept = []
    for start in range(0, len(images), _CHECKED_AT_ONCE):
        part = images[start : start + _CHECKED_AT_ONCE]
        for image, change in zip(part, find_changes(part), strict=True):
            if change is None:
                kept.append(image)
                sheet.step()
            else:
                sheet.leave_out(image, change)
                sheet.step(sheet.rounds)
    return kept


def _measure_files(sheet: Sheet, images: list[SheetImage]) -> list[Frame]:
    """How each image lies in its file; what cannot be read is taken as upright, and copying will tell."""
    frames = []
    for image in images:
        try:
            frame = read_frame(image.source)
        except FrameError:
            frame = Frame(image.width, image.height)
        frames.append(frame)
        if frame.orientation != 1 and not sheet.copied:
            sheet.drop(
                image,
                f"it has the Exif orientation {frame.orientation}: its boxes are on the upright image of "
                f"{image.width} x {image.height}, which a reader that ignores Exif does not see; export with the images",
            )
        sheet.step()
    return frames


def _name_files(images: list[SheetImage], frames: list[Frame], kind: _Kind, *, copying: bool) -> list[SheetImage]:
    names = relative_names([image.source for image in images])
    stems = portable_stems(names, kind.reserved)
    named = []
    for image, frame, name, stem in zip(images, frames, names, stems, strict=True):
        suffix = ".png" if copying and frame.orientation != 1 else PurePosixPath(name).suffix
        named.append(replace(image, name=stem + suffix if copying else name, stem=stem))
    return named


def _copy_images(sheet: Sheet, images: list[SheetImage], frames: list[Frame], kind: _Kind) -> tuple[SheetImage, ...]:
    """Copies the images; those that could be."""
    kept = []
    for image, frame in zip(images, frames, strict=True):
        sheet.step()
        if (frame.width, frame.height) != (image.width, image.height):
            sheet.leave_out(
                image,
                f"it is {frame.width} x {frame.height} now, its boxes were drawn on {image.width} x {image.height}",
            )
            continue
        name = f"{kind.image_folder}/{image.name}".lstrip("/")
        target = sheet.place(name)
        try:
            upright = frame.orientation == 1
            content = copy_as_is(image.source, target) if upright else copy_upright(image.source, target, frame)
            if image.content_hash and content != image.content_hash:
                raise PictureError("it was changed while it was copied")
        except PictureError as error:
            target.unlink(missing_ok=True)
            sheet.files.remove(name)
            sheet.leave_out(image, str(error))
            continue
        if not upright:
            sheet.drop(image, f"it has the Exif orientation {frame.orientation}; written upright, as {name}")
        kept.append(image)
    return tuple(kept)
