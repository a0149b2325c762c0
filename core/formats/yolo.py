"""YOLO: one text file an image, a line a box: class, centre and size as shares of the image's width and height.

The order of classes is that in which the project's labels were made, which neither renaming nor re-ordering changes; it
is written in full to data.yaml and classes.txt. A box with several labels is one line for each, alike to the last digit.
What the format has no place for is in the export's own file: status, group, note, content hash, boxes without a label, difficult ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from core.errors import InputError
from core.formats.annotations import DIFFICULT, MARKER, Format, ImportedAnnotations
from core.formats.collecting import NO_LABEL, AnnotationCollector, Progress
from core.formats.export_plan import Sheet
from core.formats.extras import Extras, list_bare_boxes
from core.formats.text import quote_short
from core.formats.yolo_classes import read_classes
from core.formats.yolo_layout import CLASSES, DATA, IMAGES, LABELS
from core.formats.yolo_lines import (
    Line,
    LineReader,
    Shares,
    are_pixels,
    explain_kind,
    find_shares,
    parse_keypoint_shape,
)
from core.formats.yolo_pictures import SPLITS, OwnFile, Picture, PictureFinder, count_boxes, read_labels


def read(path: Path, images_root: Path | None = None, progress: Progress | None = None) -> ImportedAnnotations:
    """Read a data set by its data.yaml, or its folder: with a data.yaml, or a classes.txt, in it.

    Label files lie in `labels` where images lie in `images`, or beside them. Polygons become the box around them, and a
    sixth number, the score of a prediction, is passed over. Raises InputError if classes or images are not to be found.
    """
    path = path.absolute()
    classes = read_classes(path)
    collector = AnnotationCollector(Format.YOLO, path, images_root, progress, base=classes.home)
    own = OwnFile.read(classes.home / MARKER)
    labels = _take_labels(classes.names, collector, classes.file)
    finder = PictureFinder(classes, collector, own, images_root)
    reader = _Reader(finder, labels, LineReader(parse_keypoint_shape(classes.tree)))
    pictures = finder.find()
    for done, picture in enumerate(pictures, start=1):
        reader.read(picture)
        collector.advance(done, len(pictures))
    reader.finish()
    finder.tell_the_rest()
    return collector.finish()


# Classes


def _take_labels(names: dict[int, str], into: AnnotationCollector, file: Path) -> dict[int, int]:
    """Places of the labels by the numbers of their classes."""
    labels: dict[int, int] = {}
    first: dict[int, int] = {}
    for number, name in names.items():
        if meaning := into.find_reserved_meaning(name):
            into.report("class", f"class {number}: {name!r} is no defect, {meaning}; its boxes are skipped", file)
            continue
        try:
            labels[number] = into.label(name)
        except ValueError as error:
            into.report("class", f"class {number}: {error}; skipped, and its boxes with it", file)
            continue
        if (same := first.setdefault(labels[number], number)) != number:
            into.note("one name", f"classes {same} and {number} are both called {name!r}: they became one label", file)
    return labels


# Boxes


class _Reader:
    """Takes the boxes of the images that were found into a collector."""

    def __init__(self, pictures: PictureFinder, labels: dict[int, int], lines: LineReader) -> None:
        self.pictures = pictures
        self.into = pictures.into
        self.own = pictures.own
        self.labels = labels
        self.lines = lines
        self._waiting: list[Line] = []
        self._difficult: set[tuple[int, Shares]] = set()  # the image, and the box as its line has it

    def read(self, picture: Picture) -> None:
        entry, file, labels = picture.entry, picture.file, picture.labels
        own = self.own.images.get(entry.name, {})
        extras = Extras.of(own) if own else Extras()
        extras.upright = extras.upright or self.own.is_there
        if extras.split is None:
            extras.split = Extras.of({"split": entry.split}).split
        image = self.into.image(file, (own.get("width"), own.get("height")), extras)
        if image is None:
            self.into.lose_boxes("image", count_boxes(labels) if labels is not None else 0, file)
            return
        self._difficult.update((image, box) for box in _list_difficult(own))
        if labels is None and not own:
            self.into.lack_file(image)
        if labels is not None and labels.is_symlink() and not self.pictures.is_ours(labels):
            self.into.report("link", f"a link that leads out of {self.pictures.home}; passed over", labels)
            self.into.drop_boxes(image, "link")
        elif labels is not None:
            try:
                text = read_labels(labels)
            except InputError as error:
                self.into.skip_box(image, "labels", f"{str(error).removeprefix(f'{labels}: ')}; skipped", labels)
                return
            for number, line in enumerate(text.splitlines(), start=1):
                if line.strip():
                    self._line(image, line, number, labels)
        for place, corners, marks in list_bare_boxes(own):
            if isinstance(corners, list):
                where = f"box {place} without a label"
                self.into.box(image, corners, NO_LABEL, where, ("none", entry.name, place), marks=marks)

    def finish(self) -> None:
        """Take in the lines that wait until all of the data set were seen."""
        for line in self._waiting:
            self._take(line)
        self._waiting.clear()

    def _line(self, image: int, text: str, number: int, file: Path) -> None:
        line = self.lines.read(text, image, number, file)
        if line is None:
            self.into.skip_box(
                image, "line", f"line {number}: {quote_short(text)!r} is no class and box; skipped", file
            )
        elif line.count > 5 or (self._waiting and self._waiting[-1].image == image):  # the boxes keep their order
            self._waiting.append(line)
        else:
            self._take(line)

    def _take(self, line: Line) -> None:
        number = float(line.label)
        label = self.labels.get(int(number)) if number.is_integer() else None
        if label is None:
            text = f"{line.where}: there is no class {quote_short(line.label)}; skipped"
            self.into.skip_box(line.image, "dangling label", text, line.file)
            return
        kind = self.lines.find_kind(line.count)
        corners = find_shares(kind, line)
        across, down = self.into.size(line.image)
        if are_pixels(corners):
            text = (
                f"{line.where}: {quote_short(line.text)!r} is in pixels, not in shares of the image's width and height "
                f"(0 to 1); skipped: divide x and width by {across}, y and height by {down}, or export it again as YOLO"
            )
            self.into.skip_box(line.image, "pixels", text, line.file)
            return
        if corners[0] >= corners[2] or corners[1] >= corners[3]:
            text = f"{line.where}: its box {quote_short(line.text)} has no area; skipped"
            self.into.skip_box(line.image, "area", text, line.file)
            return
        if explanation := explain_kind(kind):
            self.into.note(kind, f"{line.where}: {explanation}", line.file)
        scaled = [corners[0] * across, corners[1] * down, corners[2] * across, corners[3] * down]
        # In a file of ours, boxes are one only if they are alike to the last digit.
        key = (line.image, *corners) if self.own.is_there else None
        marks = [DIFFICULT] if (line.image, line.box) in self._difficult else []
        self.into.box(line.image, scaled, label, line.where, key, marks=marks)


def _list_difficult(own: dict[str, Any]) -> Iterator[Shares]:
    """Boxes that an export of ours tells to be difficult: centre and size, as in their lines."""
    boxes = own.get("difficult")
    for box in boxes if isinstance(boxes, list) else ():
        if isinstance(box, list) and len(box) == 4 and all(isinstance(value, float) for value in box):
            x, y, width, height = box
            yield (x - width / 2, y - height / 2, x + width / 2, y + height / 2)


# Writing


def write(sheet: Sheet) -> None:
    """labels/<name>.txt for each image, a list for each split, and the classes in data.yaml and classes.txt."""
    order = sorted(range(len(sheet.labels)), key=lambda place: sheet.labels[place].number)
    classes = {place: number for number, place in enumerate(order)}
    lists: dict[str, list[str]] = {split: [] for split in (*SPLITS, "none")}
    for _, image in sheet.advancing():
        name = f"{IMAGES}/{image.stem}{PurePosixPath(image.name).suffix}"
        lines, difficult = [], []
        for row, labels in enumerate(image.labels):
            x1, y1, x2, y2 = image.boxes[row].tolist()
            box = (
                (x1 + x2) / 2 / image.width,
                (y1 + y2) / 2 / image.height,
                (x2 - x1) / image.width,
                (y2 - y1) / image.height,
            )
            lines += [f"{classes[label]} {' '.join(map(repr, box))}\n" for label in labels]
            if labels and row in image.difficult:
                difficult.append(box)
        sheet.write_text(f"{LABELS}/{image.stem}.txt", "".join(lines))
        lists[image.split].append(f"./{name}\n")
        own: dict[str, Any] = {"name": f"./{name}", "width": image.width, "height": image.height, **image.extras()}
        if not sheet.copied:
            own["source"] = image.name
        own |= image.bare_boxes(lambda box: box.tolist())
        if difficult:
            own["difficult"] = difficult  # the box as its lines have it: one that is changed there is another box
        sheet.image_extras.append(own)
    # No `path`: trainers take it from where they run, and without it from where the file is.
    data: dict[str, Any] = {}
    for split, names in lists.items():
        if names:
            sheet.write_text(f"{split}.txt", "".join(names))
        # Trainers want to be told of training and validation, even where there is none.
        if names or split in ("train", "val"):
            data[split] = f"{split}.txt" if names else ""
    data |= {"nc": len(order), "names": {number: sheet.labels[place].name for place, number in classes.items()}}
    sheet.write_text(DATA, yaml.safe_dump(data, allow_unicode=True, sort_keys=False))
    sheet.write_text(CLASSES, "".join(f"{sheet.labels[place].name}\n" for place in order))
