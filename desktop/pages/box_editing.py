"""What the hand does to boxes on the Label page: drawing, copying, deleting, labelling."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject, QPoint, QPointF, Signal

from core.project import edits, label_edits
from core.types import Box
from desktop.canvas import interaction as act
from desktop.canvas.annotation_canvas import AnnotationCanvas
from desktop.models import wording
from desktop.pages.label_context import LabelContext
from desktop.widgets.label_menus import labels_menu

DUPLICATE_OFFSET = 12.0  # of a copy, in image pixels


class BoxEditing(QObject):
    """Turns what the canvas and the label panel announce into edits of the current image's boxes."""

    next_labels_changed = Signal()

    def __init__(self, context: LabelContext, canvas: AnnotationCanvas, add_label: Callable[[], object]) -> None:
        """`add_label` asks for a new label of the project."""
        super().__init__(canvas)
        self._context = context
        self._canvas = canvas
        self._add_label = add_label
        self._next_labels: frozenset[int] = frozenset()
        self._clipboard: tuple[Box, ...] = ()
        canvas.drawn.connect(self._draw)
        canvas.edited.connect(self._replace_boxes)
        canvas.labels_wanted.connect(self._show_labels_menu)
        canvas.cancelled.connect(lambda: self.set_next_labels(frozenset()))

    @property
    def next_labels(self) -> frozenset[int]:
        """The labels that the next box will carry."""
        return self._next_labels

    def handlers(self) -> dict[str, Callable[..., object]]:
        """What the actions of `desktop.actions.LABEL_BOXES` and `LABEL_DIGITS` do."""
        return {
            "draw": self._canvas.arm,
            "delete": self._delete,
            "duplicate": self._duplicate,
            "copy": self._copy,
            "paste": self._paste,
            "select_all": lambda: self._canvas.select([box.id for box in self._canvas.boxes]),
            "labels_menu": self._show_labels_menu,
            **{f"digit_{digit}": partial(self.press_digit, digit) for digit in "1234567890"},
        }

    def open_project(self) -> None:
        """Start over with the session's project."""
        self._clipboard = ()
        labels = self._context.project.labels() if self._context.project is not None else ()
        # With a single label there is nothing to choose.
        self._next_labels = frozenset({labels[0].id}) if len(labels) == 1 else frozenset()

    def _draw(self, xyxy: act.XYXY) -> None:
        before = {box.id for box in self._canvas.boxes}
        if self._context.apply(lambda project, image_id: edits.add_box(project, image_id, xyxy, self._next_labels)):
            self._canvas.select([box.id for box in self._canvas.boxes if box.id not in before])

    def _replace_boxes(self, boxes: tuple[Box, ...], name: str) -> None:
        self._context.apply(lambda project, image_id: edits.replace_boxes(project, image_id, boxes, name))

    def _delete(self) -> None:
        self._canvas.finish_nudging()
        if chosen := self._canvas.selected:
            self._context.apply(lambda project, image_id: edits.delete_boxes(project, image_id, chosen))

    def _copy(self) -> None:
        self._clipboard = tuple(box for box in self._canvas.boxes if box.id in self._canvas.selected)
        if self._clipboard:
            self._context.session.message.emit(f"Copied {_boxes(len(self._clipboard))}")

    def _paste(self) -> None:
        present = {(box.xyxy, box.labels) for box in self._canvas.boxes}
        # On the image they come from, copies would lie exactly on their originals.
        same = any((box.xyxy, box.labels) in present for box in self._clipboard)
        self._add_copies(self._clipboard, DUPLICATE_OFFSET if same else 0.0, "Paste")

    def _duplicate(self) -> None:
        self._canvas.finish_nudging()
        chosen = tuple(box for box in self._canvas.boxes if box.id in self._canvas.selected)
        self._add_copies(chosen, DUPLICATE_OFFSET, "Duplicate")

    def _add_copies(self, boxes: tuple[Box, ...], offset: float, verb: str) -> None:
        project, record = self._context.project, self._context.record
        if not boxes or project is None or record is None:
            return
        known = {label.id for label in project.labels()}
        bounds = (float(record.width), float(record.height))
        new_ids = project.new_ids("box", len(boxes))
        copies = act.pasted(boxes, new_ids, known, offset, bounds)
        if not copies:
            self._context.notice.show_notice("The copied boxes lie outside this image.", "warning", stays=False)
            return
        present = self._canvas.boxes
        name = f"{verb} {_boxes(len(copies))}"
        if self._context.apply(
            lambda project, image_id: edits.replace_boxes(project, image_id, (*present, *copies), name)
        ):
            self._canvas.select([copy.id for copy in copies])

    def press_digit(self, digit: str) -> None:
        project = self._context.project
        label = next((label for label in project.labels() if label.shortcut == digit), None) if project else None
        if label is not None:
            self.toggle_label(label.id)
        else:
            self._context.session.message.emit(f"No label has the key {digit}")

    def toggle_label(self, label_id: int) -> None:
        """Toggle a label on the selected boxes; with none selected, for the next box."""
        self._canvas.finish_nudging()
        if not self._context.editable:
            return
        chosen = self._canvas.selected
        if chosen:
            self._context.apply(lambda project, image_id: label_edits.toggle_label(project, image_id, chosen, label_id))
        else:
            self.set_next_labels(act.toggled(self._next_labels, label_id))

    def set_next_labels(self, labels: frozenset[int]) -> None:
        self._next_labels = labels
        self.next_labels_changed.emit()

    def _show_labels_menu(self) -> None:
        project = self._context.project
        chosen = [box for box in self._canvas.boxes if box.id in self._canvas.selected]
        if project is None or not chosen or not self._context.editable:
            return
        menu = labels_menu(self._canvas, project.labels(), chosen, self.toggle_label, self._add_label)
        corner = self._canvas.to_widget(QPointF(chosen[0].x2, chosen[0].y1)).toPoint() + QPoint(8, 0)
        menu.exec(self._canvas.mapToGlobal(corner))
        menu.deleteLater()


def _boxes(count: int) -> str:
    return wording.plural(count, "box", "boxes")
