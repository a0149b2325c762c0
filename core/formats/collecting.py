"""What readers of all formats share: images are found and measured, boxes mended or reported, coinciding ones merged.

A reader hands over what its file says; the rules are here, once:
- an image whose size is not the stated one is another picture: it is left out with its boxes, never scaled or guessed.
  If the size is that of the pixels as stored in a file with an Exif orientation, the boxes are turned upright with it;
- boxes of a file that all lie in 0..1 are shares of the image's sides, and are scaled;
- boxes are cut to the image; those without area, without finite numbers or wholly outside are left out;
- boxes that one defect got once per label become one box with the union of the labels.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.formats.annotations import DIFFICULT_MARKS, MARKER, Format, ImportedAnnotations, ImportedImage
from core.formats.difficult_marks import choose_difficult
from core.formats.duplicate_boxes import merged_groups
from core.formats.extras import Extras
from core.formats.file_choices import AmbiguousImage
from core.formats.frames import Frame, FrameError, read_frame
from core.formats.image_finder import ImageFinder
from core.formats.label_names import find_reserved_meaning
from core.formats.lookup import Folders
from core.formats.problem_log import ProblemLog
from core.formats.shares import scale_shares
from core.formats.text import parse_number, quote_short
from core.types import label_name_fault

Progress = Callable[[int, int], None]

NO_LABEL = -1
MAX_LABELS = 10_000
MAX_BOXES = 10_000  # of one image
_FARTHEST = 1e9  # pixels
_ROUNDING = 1e-3  # pixels: what arithmetic on coordinates may have left over the edge


@dataclass(slots=True)
class _Image:
    path: Path
    frame: Frame
    turn: bool  # its boxes are on the pixels as stored
    extras: Extras
    boxes: int = 0
    dropped: Counter[str] = field(default_factory=Counter)  # boxes that were left out, by why
    without_file: bool = False


class AnnotationCollector:
    """Takes in what a reader finds, and gives it as ImportedAnnotations."""

    def __init__(
        self, format: Format, source: Path, root: Path | None, progress: Progress | None = None, *, base: Path
    ) -> None:
        """`base` is where names of images start if no `root` is given. Raises InputError if there is no such root."""
        if root is not None and not root.is_dir():
            raise InputError(f"{root}: there is no such folder; name the folder that the images are in")
        self.format = format
        self.source = source
        self._log = ProblemLog(source)
        self.folders = Folders(root if root is not None else base, given=root is not None, advance=self.advance)
        self._finder = ImageFinder(format, self.folders, self._log)
        self.is_ours = (base / MARKER).is_file()  # an export of this program
        self.colors: dict[str, str] = {}
        self._progress = progress
        self._labels: dict[str, int] = {}
        self._usable: dict[str, int] = {}  # the places of names as boxes carry them
        self._images: list[_Image] = []
        self._by_path: dict[Path, int] = {}
        self._corners = array("d")
        self._image_of, self._label_of, self._key_of = array("q"), array("q"), array("q")
        self._marks: dict[int, tuple[str, ...]] = {}  # by the place of the box
        self._part_starts = [0]
        self._spare_labels: dict[str, str] = {}  # reasons by name
        self._keys: dict[Hashable, int] = {}
        self._lost_with_images = 0  # boxes that were counted before their image turned out to be lost
        self._disowned: set[int] = set()  # images whose file turned out to be that of another one

    # Problems

    def report(self, kind: str, problem: str, file: Path | str | None = None) -> None:
        """Note a fault. Of one `kind` a thousand are listed. Raises InputError once the file is mostly faults."""
        self._log.report(kind, problem, file)

    def note(self, kind: str, text: str, file: Path | str | None = None) -> None:
        """Say how something was understood that is used all the same. Of one `kind` a thousand are listed."""
        self._log.note(kind, text, file)

    def note_once(self, kind: str, text: str, file: Path | str | None = None) -> None:
        """`note` that says a thing of the whole only once."""
        self._log.note_once(kind, text, file)

    def pass_over(self) -> None:
        """Count an entry that cannot be used, for a reason that was told before. Raises InputError as `report` does."""
        self._log.pass_over()

    def skip_box(self, image: int, kind: str, problem: str, file: Path | str | None = None) -> None:
        """`report` that a box of `image` is left out, so that nobody takes the image for one without defects."""
        self._log.report(kind, problem, file)
        self.drop_boxes(image, kind)

    def drop_boxes(self, image: int, kind: str, count: int = 1) -> None:
        """Count boxes of `image` that are left out for a reason that was told before."""
        if count:
            self._log.lost_boxes[kind] += count
            self._images[image].dropped[kind] += count

    def lose_boxes(self, kind: str, count: int = 1, file: Path | None = None) -> None:
        """Count boxes of images that were left out themselves, or whose `file` is listed twice and once left out."""
        if file is not None and file in self._by_path:
            self.drop_boxes(self._by_path[file], kind, count)
        elif count:
            self._log.lost_boxes[kind] += count

    def advance(self, done: int, total: int) -> None:
        if self._progress is not None:
            self._progress(done, total)

    def begin_part(self) -> None:
        """The boxes that follow are of another file, with coordinates of its own kind."""
        if self._part_starts[-1] < len(self._image_of):
            self._part_starts.append(len(self._image_of))

    # Labels

    def label(self, name: Any) -> int:
        """The place of a label by its name. Raises ValueError saying why there cannot be such a label."""
        if isinstance(name, str):
            found = self._labels.get(name)
            if found is not None:
                return found
        if not isinstance(name, str) or not name.strip():
            raise ValueError("it has no name")
        name = name.strip()
        if fault := label_name_fault(name):
            raise ValueError(fault)
        if name not in self._labels:
            if len(self._labels) >= MAX_LABELS:
                raise InputError(f"{self.source}: it has more than {MAX_LABELS:,} labels; is it the right file?")
            self._labels[name] = len(self._labels)
        return self._labels[name]

    def label_of_box(self, image: int, name: Any, where: str, file: Path | str) -> int | None:
        """`label`, or None after a report that a box has none that can be used."""
        known = self._usable.get(name) if isinstance(name, str) else None
        if known is not None:
            return known
        if meaning := self.find_reserved_meaning(name):
            self.skip_box(image, "reserved", f"{where}: {quote_short(name)!r} is no defect, {meaning}; skipped", file)
            return None
        try:
            found = self._usable[name] = self.label(name)
            return found
        except ValueError as error:
            text = f"{where}: its label {quote_short(name)!r} cannot be used ({error}); skipped"
            self.skip_box(image, "label", text, file)
            return None

    def find_reserved_meaning(self, name: Any) -> str:
        """What a label of this name stands for if it is no defect; empty in an export of our own, which means its names."""
        return "" if self.is_ours else find_reserved_meaning(name)

    def spare_label(self, name: str, reason: str) -> None:
        """Leave the label `name` out, and say why, unless a box carries it."""
        if not self.is_ours:
            self._spare_labels.setdefault(name.strip(), reason)

    @property
    def label_names(self) -> list[str]:
        return list(self._labels)

    # Images

    def find(
        self, name: str, beside: Sequence[Path] = (), source: Path | None = None, others: Sequence[str] = ()
    ) -> Path | None:
        """The file of a name, or None after a report; see `ImageFinder.find`."""
        found = self._finder.find(name, beside, source, others)
        if found is None:
            return None
        path, is_moved = found
        if is_moved and path in self._by_path:
            self._disowned.add(self._by_path.pop(path))
        return path

    def image(self, path: Path, stated: tuple[Any, Any] = (None, None), extras: Extras | None = None) -> int | None:
        """The place of an image whose boxes were drawn on the `stated` size, or None after a report."""
        extras = extras or Extras()
        known = self._by_path.get(path)
        if known is not None and known >= 0:
            frame = self._images[known].frame
        else:
            try:
                frame = read_frame(path)
            except FrameError as error:
                self.report("unreadable", f"{error}; skipped, and its boxes with it", path)
                return None
        turn = self._is_turned(path, frame, stated, extras)
        if turn is None:
            return None
        self._log.used += 1
        if known is None:
            known = self._by_path[path] = len(self._images)
            self._images.append(_Image(path, frame, turn, extras))
        elif turn != self._images[known].turn:
            self.report("frame", "it is listed twice, upright and turned; the second was skipped with its boxes", path)
            return None
        return known

    def is_listed(self, path: Path) -> bool:
        return path in self._by_path

    def lack_file(self, image: int) -> None:
        """Note that there is no file of boxes for an image: nobody may have looked at it."""
        self._images[image].without_file = True

    def size(self, image: int) -> tuple[int, int]:
        """Width and height of the frame that the boxes of `image` are given in."""
        found = self._images[image]
        return found.frame.stored if found.turn else (found.frame.width, found.frame.height)

    def path(self, image: int) -> Path:
        return self._images[image].path

    def extras(self, image: int) -> Extras:
        return self._images[image].extras

    def _is_turned(self, path: Path, frame: Frame, stated: tuple[Any, Any], extras: Extras) -> bool | None:
        """True if the boxes are on the stored pixels; None, reported, if they are of another picture."""
        width, height = (parse_number(side) for side in stated)
        stored_width, stored_height = frame.stored
        unsaid = frame.orientation != 1 and not extras.upright
        if width is None or height is None or width <= 0 or height <= 0:
            if unsaid:
                self._doubt(path, frame, "no size is stated")
            return False
        if width == frame.width and height == frame.height:
            if unsaid and frame.stored == (frame.width, frame.height):
                self._doubt(path, frame, "the size does not tell")
            return False
        if width == stored_width and height == stored_height and not extras.upright:
            self.report(
                "turned",
                f"the boxes are for {width:g} x {height:g}, the image before its Exif orientation "
                f"{frame.orientation}; they were turned upright with it",
                path,
            )
            return True
        self.report(
            "size",
            f"it is {frame.width} x {frame.height}, but its boxes were made for {width:g} x {height:g}: another "
            "picture, or another version of it; skipped, and its boxes with it",
            path,
        )
        return None

    def _doubt(self, path: Path, frame: Frame, why: str) -> None:
        self.report(
            "orientation",
            f"it has the Exif orientation {frame.orientation}, and {why} whether its boxes are upright; "
            "they were taken as upright, look at them",
            path,
        )

    # Boxes

    def box(
        self,
        image: int,
        corners: Sequence[Any],
        label: int,
        where: str,
        key: Hashable = None,
        *,
        ordered: bool = True,
        marks: Sequence[str] = (),
    ) -> None:
        """Take in a box x1 y1 x2 y2 in the frame of `size`. Boxes of an image with the same `key` are one box.

        Without `ordered`, corners may be any two opposite ones. `marks` are what the file says of the box beside its
        label, such as "difficult".
        """
        found = self._images[image]
        numbers = [value if type(value) is float else parse_number(value) for value in corners]
        if len(numbers) != 4 or None in numbers:
            text = f"{where}: its box {quote_short(list(corners))} is not four numbers; skipped"
            self.skip_box(image, "box", text, found.path)
            return
        x1, y1, x2, y2 = cast("list[float]", numbers)
        low, high = -_FARTHEST, _FARTHEST
        if not (low < x1 < high and low < y1 < high and low < x2 < high and low < y2 < high):  # also False for NaN
            text = f"{where}: its box {quote_short(list(corners))} is not finite; skipped"
            self.skip_box(image, "box", text, found.path)
            return
        if x1 > x2 or y1 > y2:
            if ordered:
                self.report("swapped", f"{where}: its corners {_in_words((x1, y1, x2, y2))} were swapped", found.path)
            x1, y1, x2, y2 = min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)
        if not (x2 > x1 and y2 > y1):
            text = f"{where}: its box {quote_short(list(corners))} has no area; skipped"
            self.skip_box(image, "area", text, found.path)
            return
        if found.boxes >= MAX_BOXES:
            text = f"{where}: the image has more than {MAX_BOXES:,} boxes; skipped"
            self.skip_box(image, "many", text, found.path)
            return
        found.boxes += 1
        self._log.used += 1
        if marks:
            self._marks[len(self._image_of)] = tuple(marks)
        self._corners.extend((x1, y1, x2, y2))
        self._image_of.append(image)
        self._label_of.append(label)
        self._key_of.append(-1 if key is None else self._keys.setdefault(key, len(self._keys)))

    # The end

    def finish(self) -> ImportedAnnotations:
        """Cut to the images, coinciding boxes merged."""
        self._finder.tell_what_lies_elsewhere()
        boxes = np.array(self._corners, np.float64).reshape(-1, 4)
        owners = np.array(self._image_of, np.intp)
        labels, keys = np.array(self._label_of, np.intp), np.array(self._key_of, np.intp)
        self._scale_shares(boxes, owners)
        for place, image in enumerate(self._images):
            if image.turn and image.boxes:
                rows = np.flatnonzero(owners == place)
                boxes[rows] = image.frame.to_upright(boxes[rows])
        boxes, inside = self._cut(boxes, owners, labels)
        marks = [self._marks.get(row, ()) for row in np.flatnonzero(inside).tolist()] if self._marks else []
        boxes, owners, labels, keys = boxes[inside], owners[inside], labels[inside], keys[inside]
        names = self._leave_spare_labels_out(labels)
        leaders, members = merged_groups(boxes, owners, keys)
        self._tell_merged([leader for leader, member in members if keys[member] < 0], owners)
        images = self._merged(boxes, owners, labels, marks, leaders, members)
        listed = len(boxes) - sum(keys[member] >= 0 for _, member in members)
        self._lose_images(owners)
        self._log.count_the_rest()
        result = ImportedAnnotations(
            self.source,
            names,
            images,
            tuple(self._log.problems),
            self.format,
            dict(self.colors),
            tuple(sorted(self._finder.missing)),
            len(members),
            boxes_listed=int(listed) + self._log.lost_boxes.total() - self._lost_with_images,
            boxes_lost=dict(self._log.lost_boxes),
            problem_counts=dict(self._log.counts),
            ambiguous=tuple(AmbiguousImage(*entry) for entry in sorted(self._finder.ambiguous.items())),
        )
        return choose_difficult(result, DIFFICULT_MARKS)

    def _cut(
        self, given: NDArray[np.float64], owners: NDArray[np.intp], labels: NDArray[np.intp]
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        sizes = np.array([(i.frame.width, i.frame.height) * 2 for i in self._images], np.float64).reshape(-1, 4)
        cut = np.clip(given, 0, sizes[owners])
        inside = (cut[:, 2] > cut[:, 0]) & (cut[:, 3] > cut[:, 1])
        names = [*self._labels, "no label"]
        for row in np.flatnonzero((np.abs(cut - given) > _ROUNDING).any(axis=1) | ~inside).tolist():
            what = (
                "partly outside the image; cut off at its edge" if inside[row] else "wholly outside the image; skipped"
            )
            text = f"box {_in_words(given[row])} ({names[labels[row]]}): {what}"
            if inside[row]:
                self.report("partly outside", text, self._images[owners[row]].path)
            else:
                self.skip_box(int(owners[row]), "outside", text, self._images[owners[row]].path)
        return cut, inside

    def _scale_shares(self, boxes: NDArray[np.float64], owners: NDArray[np.intp]) -> None:
        """Scale what is in shares, and tell of boxes that are smaller than a pixel all the same."""
        sizes = np.array([self.size(place) * 2 for place in range(len(self._images))], np.float64).reshape(-1, 4)
        foreign = np.array([not image.extras.upright for image in self._images], bool)
        if self.format in (Format.YOLO, Format.MASKS):  # shares as such, and pixels for certain
            foreign[:] = False
        scaled = scale_shares(boxes, sizes[owners], self._part_starts, foreign[owners])
        if scaled.any():
            self.note(
                "shares",
                f"all coordinates of {int(scaled.sum()):,} {'box' if scaled.sum() == 1 else 'boxes'} lie between 0 and 1: "
                "they were taken as shares of the image's width and height",
            )
        sides = (boxes[:, 2:] - boxes[:, :2]).min(axis=1, initial=np.inf)
        for row in np.flatnonzero((sides < 1) & foreign[owners]).tolist():
            text = f"box {_in_words(boxes[row])} is narrower than a pixel; taken as it is, look at it"
            self.note("tiny", text, self._images[owners[row]].path)

    def _leave_spare_labels_out(self, labels: NDArray[np.intp]) -> tuple[str, ...]:
        """Names of the labels that stay."""
        used = set(labels.tolist())
        left_out = [name for name in self._spare_labels if name in self._labels and self._labels[name] not in used]
        for name in left_out:
            self.note("spare label", f"label {quote_short(name)!r} was left out: {self._spare_labels[name]}")
        return tuple(name for name in self._labels if name not in left_out)

    def _tell_merged(self, leaders: Sequence[int], owners: NDArray[np.intp]) -> None:
        """Say that boxes which the source lists one by one, such as copies with other labels, became one."""
        if leaders:
            images = {int(owners[leader]) for leader in leaders}
            boxes = "1 box coincides" if len(leaders) == 1 else f"{len(leaders):,} boxes coincide"
            text = (
                f"{boxes} with another of the same image (IoU of 0.9 or more), such as on "
                f"{self.path(min(images)).name}; they became one box with all labels"
            )
            self.note("merged", text)

    def _lose_images(self, owners: NDArray[np.intp]) -> None:
        """Count the boxes of images that nobody can tell apart."""
        lost = [place for place in range(len(self._images)) if not self._is_certain(place)]
        self._lost_with_images = int(np.isin(owners, lost).sum())
        self.lose_boxes("image", self._lost_with_images)

    def _is_certain(self, image: int) -> bool:
        return image not in self._disowned and self._images[image].path not in self._finder.doubtful

    def _merged(
        self,
        boxes: NDArray[np.float64],
        owners: NDArray[np.intp],
        labels: NDArray[np.intp],
        marks: Sequence[tuple[str, ...]],
        leaders: NDArray[np.intp],
        members: Sequence[tuple[int, int]],
    ) -> tuple[ImportedImage, ...]:
        names = list(self._labels)
        single = [frozenset([name]) for name in names] + [frozenset[str]()]
        label_sets = [single[label] for label in labels.tolist()]
        for leader, member in members:
            label_sets[leader] |= label_sets[member]
        mark_sets = [frozenset(row) for row in marks]
        for leader, member in members if mark_sets else ():
            mark_sets[leader] |= mark_sets[member]
        order = leaders[np.argsort(owners[leaders], kind="stable")]
        starts = np.searchsorted(owners[order], np.arange(len(self._images) + 1))
        images = []
        for place, image in enumerate(self._images):
            rows = order[starts[place] : starts[place + 1]]
            if not self._is_certain(place):
                continue
            extras = image.extras
            images.append(
                ImportedImage(
                    image.path,
                    boxes[rows],
                    tuple(label_sets[row] for row in rows.tolist()),
                    extras.status,
                    extras.split,
                    extras.group,
                    extras.note,
                    extras.content_hash,
                    tuple(image.dropped.items()),
                    tuple(mark_sets[row] for row in rows.tolist()) if mark_sets else (),
                    image.without_file,
                )
            )
        return tuple(images)


def _in_words(box: Any) -> str:
    return "(" + ", ".join(f"{value:g}" for value in box) + ")"
