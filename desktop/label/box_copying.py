"""Copies of boxes on the Label page: duplicated, passed on by the clipboard, taken over from the image before."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePath

from PySide6.QtCore import QObject

from core.counting import format_count
from core.project.edits import box_edits
from core.project.project_reader import ProjectReader
from core.types import Box, ImageRecord
from desktop.label.boxes import box_clipboard
from desktop.label.boxes.box_clipboard import Copied
from desktop.label.canvas import interaction as act
from desktop.label.canvas import shaping
from desktop.label.canvas.annotation_canvas import AnnotationCanvas
from desktop.label.label_context import LabelContext

DUPLICATE_OFFSET = 12.0  # of a copy, in image pixels


class BoxCopying(QObject):
    """Every copy is one edit. Boxes keep their place on other images; what lies outside is cut off and told."""

    def __init__(self, context: LabelContext, canvas: AnnotationCanvas, image_before: Callable[[], int | None]) -> None:
        """`image_before` tells the image before the current one in the list."""
        super().__init__(canvas)
        self._context = context
        self._canvas = canvas
        self._image_before = image_before
        self._clipboard: Copied | None = None  # for when another program takes the system's
        self._offered_on: int | None = None

    def list_handlers(self) -> dict[str, Callable[..., object]]:
        """What the actions of `desktop.base.actions.LABEL_BOXES` do that are about copies."""
        return {
            "duplicate": self.duplicate_boxes,
            "copy": self.copy_boxes,
            "cut": self.cut_boxes,
            "paste": self.paste_boxes,
            "paste_previous": self.paste_previous,
        }

    def forget_copies(self) -> None:
        """Another project is open."""
        self._clipboard = None
        self._offered_on = None

    def copy_boxes(self) -> bool:
        """Put the selected boxes on the clipboard; False where none are."""
        self._canvas.finish_nudging()
        project, record = self._context.project, self._context.record
        chosen = tuple(self._canvas.chosen)
        if project is None or record is None or not chosen:
            self._context.session.message.emit("Nothing is selected to be copied; Ctrl+A selects all boxes")
            return False
        self._clipboard = box_clipboard.pack_boxes(chosen, project.labels(), _name_file(record))
        box_clipboard.put_boxes(self._clipboard)
        self._context.session.message.emit(f"Copied {_count_boxes(len(chosen))} of {_name_file(record)}")
        return True

    def cut_boxes(self) -> None:
        if not (self._context.editable and self._canvas.may_change() and self.copy_boxes()):
            return
        # What is locked is copied and stays.
        if chosen := self._canvas.find_movable():
            self._context.apply(lambda project, image_id: box_edits.delete_boxes(project, image_id, chosen))

    def duplicate_boxes(self) -> None:
        self._canvas.finish_nudging()
        project = self._context.project
        if project is not None and (chosen := tuple(self._canvas.chosen)) and self._canvas.may_change():
            new_ids = project.new_ids("box", len(chosen))
            self._add_boxes(act.duplicate_boxes(chosen, new_ids, DUPLICATE_OFFSET, self._image_bounds()), "Duplicate")

    def paste_boxes(self) -> None:
        """Paste what was copied; where nothing was, offer the boxes of the image before, and take them if asked again."""
        what = box_clipboard.take_boxes() or self._clipboard
        if what is not None:
            self._paste_copied(what, "Paste", again=True)
        elif self._offered_on is not None and self._offered_on == self._context.session.image_id:
            self.paste_previous()
        else:
            self._offer_previous()

    def paste_previous(self) -> None:
        """Take over the boxes of the image before, but those that are here already."""
        self._offered_on = None
        if (what := self._find_previous()) is not None:
            self._paste_copied(what, "Paste", again=False)

    def _offer_previous(self) -> None:
        what = self._find_previous()
        if what is None:
            return
        self._offered_on = self._context.session.image_id
        count = _count_boxes(len(what.boxes))
        text = f"Nothing is copied. Ctrl+V again pastes the {count} of {what.source}, the image before."
        self._context.notice.show_notice(text, "info", offer=(f"Paste {count}", self.paste_previous))

    def _find_previous(self) -> Copied | None:
        """The boxes of the image before; says so where there are none."""
        project, before = self._context.project, self._image_before()
        if project is None or self._context.record is None:
            return None
        if before is None:
            self._context.session.message.emit("Nothing to paste: nothing is copied, and this is the first image")
            return None
        record = project.image(before)
        boxes = project.boxes(before)
        if not boxes:
            self._context.session.message.emit(
                f"Nothing to paste: {_name_file(record)}, the image before, has no boxes"
            )
            return None
        return box_clipboard.pack_boxes(boxes, project.labels(), _name_file(record))

    def _paste_copied(self, what: Copied, verb: str, *, again: bool) -> None:
        """`again`: also what is here already, a little aside."""
        self._canvas.finish_nudging()
        project = self._context.project
        if project is None or self._context.record is None or not self._canvas.may_change():
            return
        found = place_copies(what, project, self._image_bounds())
        present = {(box.xyxy, box.labels) for box in self._context.boxes}
        there = [box for box in found if (box.xyxy, box.labels) in present]
        if not again:
            found = [box for box in found if box not in there]
        if found:
            new_ids = project.new_ids("box", len(found))
            offset = DUPLICATE_OFFSET if again and there else 0.0
            copies = act.duplicate_boxes(found, new_ids, offset, self._image_bounds())
            if not self._add_boxes(copies, verb):
                return
        self._report_paste(what, project, len(found), 0 if again else len(there))

    def _report_paste(self, what: Copied, project: ProjectReader, pasted: int, there: int) -> None:
        """Tell what came over; a notice where it is not all that was copied."""
        record = self._context.record
        assert record is not None
        done = f"Pasted {_count_boxes(pasted)} of {what.source}" if pasted else f"No box of {what.source} was pasted"
        faults = pasting_faults(what, self._image_bounds(), {label.name for label in project.labels()})
        if there:
            faults.insert(0, f"{there:,} {'is' if there == 1 else 'are'} here already")
        if faults:
            self._context.notice.show_notice(f"{done}: {'; '.join(faults)}.", "warning", stays=False)
        else:
            self._context.session.message.emit(done)

    def _add_boxes(self, copies: tuple[Box, ...], verb: str) -> bool:
        name = f"{verb} {_count_boxes(len(copies))}"
        # The image may not be on the screen yet: its boxes are the project's, not the canvas's.
        done = self._context.apply(
            lambda project, image_id: box_edits.replace_boxes(
                project, image_id, (*project.boxes(image_id), *copies), name
            )
        )
        if done:
            self._canvas.select_boxes([copy.id for copy in copies])
        return done

    def _image_bounds(self) -> shaping.Point:
        record = self._context.record
        assert record is not None
        return (float(record.width), float(record.height))


def place_copies(what: Copied, project: ProjectReader, bounds: shaping.Point) -> list[Box]:
    """The copied boxes that lie on an image of `bounds`, cut off at its edge, with the labels that the project has.

    Their ids stand in.
    """
    ids = {label.name: label.id for label in project.labels()}
    result = []
    for place, box in enumerate(what.boxes):
        xyxy = _cut_box(box.xyxy, bounds)
        if xyxy is not None:
            labels = frozenset(ids[name] for name in box.labels if name in ids)
            result.append(Box(place, *xyxy, labels, box.difficult))
    return result


def pasting_faults(what: Copied, bounds: shaping.Point, known: set[str]) -> list[str]:
    """In words, what of the copied boxes an image of `bounds` in a project with the labels `known` cannot take."""
    fits = [_cut_box(box.xyxy, bounds) for box in what.boxes]
    outside = sum(xyxy is None for xyxy in fits)
    cut = sum(xyxy is not None and xyxy != box.xyxy for xyxy, box in zip(fits, what.boxes, strict=True))
    faults = []
    if outside:
        faults.append(f"{_count_boxes(outside)} outside this image left out")
    if cut:
        faults.append(f"{_count_boxes(cut)} cut off at its edge")
    if strange := sorted({name for box in what.boxes for name in box.labels} - known):
        names = ", ".join(f"“{name}”" for name in strange[:3]) + (" …" if len(strange) > 3 else "")
        faults.append(f"without {names}, which this project does not have")
    return faults


def _cut_box(xyxy: shaping.XYXY, bounds: shaping.Point) -> shaping.XYXY | None:
    """What of a box lies on an image of `bounds`; None where nothing does."""
    (x1, y1), (x2, y2) = shaping.clamp_point(xyxy[:2], bounds), shaping.clamp_point(xyxy[2:], bounds)
    return (x1, y1, x2, y2) if x2 > x1 and y2 > y1 else None


def _name_file(record: ImageRecord) -> str:
    return PurePath(record.path).name


def _count_boxes(count: int) -> str:
    return format_count(count, "box")
