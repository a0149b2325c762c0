"""What is done to boxes on the Label page: drawing, deleting, labelling."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from functools import partial

from PySide6.QtCore import QObject, QPoint, QPointF, QRect, Qt, Signal
from PySide6.QtWidgets import QWidget

from core.changes import Changes
from core.errors import InputError
from core.project.edits import box_edits, label_edits
from core.types import Box
from desktop.base.actions import ActionSet
from desktop.label.box_copying import BoxCopying
from desktop.label.canvas import interaction as act
from desktop.label.canvas.annotation_canvas import AnnotationCanvas
from desktop.label.canvas.shaping import XYXY
from desktop.label.label_context import LabelContext
from desktop.label.labels.label_picker import LabelPicker, Pickable
from desktop.label.next_labels import NextLabels

RECENT = "recent_labels"  # setting of the project: label ids, the latest first
NEXT_BOX = QRect(12, 12, 0, 40)  # where the picker opens for the next box: below its badge


class BoxEditing(QObject):
    """Turns what the canvas, the picker and the label panel announce into edits of the current image's boxes.

    Performs the actions of `desktop.base.actions.LABEL_BOXES` and `LABEL_DIGITS`.
    """

    next_labels_changed = Signal()

    def __init__(
        self,
        context: LabelContext,
        canvas: AnnotationCanvas,
        image_before: Callable[[], int | None],
        host: QWidget,
        actions: ActionSet,
    ) -> None:
        """`image_before` tells the image before the current one in the list; the picker opens over `host`."""
        super().__init__(canvas)
        self._context = context
        self._canvas = canvas
        self._next = NextLabels()
        self._keep_action = actions["keep_labels"]
        self._ask_action = actions["ask_labels"]
        self._copying = BoxCopying(context, canvas, image_before)
        self._host = host
        self._picker = LabelPicker(host)
        self._kept_recent: tuple[int, ...] = ()  # labels, as the project has them
        self._picked: frozenset[int] = frozenset()  # boxes that the picker is open for; none: the next box
        self._picker.toggled.connect(self._toggle_picked)
        self._picker.create_wanted.connect(self._create_picked)
        self._picker.closed.connect(lambda: canvas.view.setFocus(Qt.FocusReason.PopupFocusReason))
        canvas.drawn.connect(self._draw_box)
        canvas.edited.connect(self._replace_boxes)
        canvas.labels_wanted.connect(self.pick_labels)
        canvas.cancelled.connect(lambda: self.choose_next(frozenset()))
        canvas.selection_changed.connect(self._close_stale_picker)
        context.session.changed.connect(self._follow_project)
        context.session.image_changed.connect(self._leave_image)
        context.session.closing.connect(self._keep_recent)
        # Before an undo or another image: what is still being dragged is no edit yet.
        context.session.settle.connect(canvas.let_go)
        actions.add_handlers(self._list_handlers())

    @property
    def next_labels(self) -> frozenset[int]:
        """The labels that the next box will carry."""
        return self._next.labels

    @property
    def keeping(self) -> bool:
        """Whether every box starts with the labels of the last."""
        return self._next.keep

    @property
    def recent_labels(self) -> tuple[int, ...]:
        """The labels that were given lately, the latest first."""
        return self._next.recent

    @property
    def picker(self) -> LabelPicker:
        return self._picker

    def _list_handlers(self) -> dict[str, Callable[..., object]]:
        return {
            "draw": self._canvas.arm,
            "delete": self._delete_boxes,
            "difficult": self._toggle_difficult,
            "select_all": self._canvas.select_all,
            "labels_menu": self.pick_labels,
            "keep_labels": self.set_keep,
            **self._copying.list_handlers(),
            **{f"digit_{digit}": partial(self.press_digit, digit) for digit in "1234567890"},
        }

    def open_project(self) -> None:
        """Start over with the session's project: nothing is kept from the one before."""
        self._copying.forget_copies()
        self._picker.dismiss()
        project = self._context.project
        kept = project.setting(RECENT, []) if project is not None else []
        self._next.start_project(
            project.labels() if project is not None else (), kept if isinstance(kept, list) else ()
        )
        self._kept_recent = self._next.recent
        self._announce_next()

    def show_next_labels(self) -> None:
        """On the canvas: the next box's labels, and whether they are kept."""
        key = self._keep_action.shortcut().toString()
        self._canvas.set_next_labels(self._next.labels, kept=self._next.keep, off_key=key)

    # -- boxes

    def _draw_box(self, xyxy: XYXY) -> None:
        before = {box.id for box in self._canvas.boxes}
        labels = self._next.labels
        if self._context.apply(lambda project, image_id: box_edits.add_box(project, image_id, xyxy, labels)):
            self._next.note_used()
            self._canvas.select_boxes([box.id for box in self._canvas.boxes if box.id not in before])
            self._announce_next()
            if self._ask_action.isChecked():
                self.pick_labels()

    def _replace_boxes(self, boxes: tuple[Box, ...], name: str) -> None:
        self._context.apply(lambda project, image_id: box_edits.replace_boxes(project, image_id, boxes, name))

    def _delete_boxes(self) -> None:
        self._canvas.finish_nudging()
        if self._canvas.may_change() and (chosen := self._canvas.find_movable()):
            self._context.apply(lambda project, image_id: box_edits.delete_boxes(project, image_id, chosen))

    def _toggle_difficult(self) -> None:
        self._canvas.finish_nudging()
        chosen = [box.id for box in self._canvas.chosen]
        if not chosen:
            self._context.session.message.emit("Select the boxes that are difficult first")
        elif self._canvas.may_change():
            self._context.apply(lambda project, image_id: box_edits.toggle_difficult(project, image_id, chosen))

    # -- labels

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
        self._toggle_on(label_id, self._canvas.selected)

    def choose_next(self, labels: Collection[int]) -> None:
        """Give the next box these labels."""
        self._next.choose_labels(labels)
        self._announce_next()

    def set_keep(self, keep: bool) -> None:
        """Let every box start with the labels of the last, or with none again."""
        if keep != self._next.keep:
            self._next.set_keep(keep)
            self._announce_next()

    def _toggle_on(self, label_id: int, chosen: frozenset[int]) -> None:
        if not self._context.editable:
            return
        if not chosen:
            self.choose_next(act.toggle_label(self._next.labels, label_id))
            return
        if self._context.apply(lambda project, image_id: label_edits.toggle_label(project, image_id, chosen, label_id)):
            self._note_given(chosen, label_id)

    def _note_given(self, chosen: frozenset[int], label_id: int) -> None:
        sets = [box.labels for box in self._context.boxes if box.id in chosen]
        self._next.note_given(sets, [label_id] if any(label_id in labels for labels in sets) else [])
        self._announce_next()

    def _announce_next(self) -> None:
        self._keep_action.setChecked(self._next.keep)
        self.next_labels_changed.emit()
        self._show_in_picker()

    # -- the picker

    def pick_labels(self) -> None:
        """Open the picker at the selected boxes; with none selected, for the next box."""
        self._canvas.finish_nudging()
        project = self._context.project
        if project is None or self._context.record is None or not self._context.editable:
            return
        chosen = self._canvas.chosen
        self._picked = frozenset(box.id for box in chosen)
        about = "Labels of the box" if len(chosen) == 1 else f"Labels of {len(chosen):,} boxes"
        self._picker.open_at(
            self._find_anchor(chosen), self._make_pickable(), about if chosen else "Labels of the next box"
        )

    def _find_anchor(self, boxes: list[Box]) -> QRect:
        """The boxes in the host's pixels, as far as they are in sight."""
        corner = self._canvas.view.mapTo(self._host, QPoint(0, 0))
        if not boxes:
            return NEXT_BOX.translated(corner)
        corners = [
            (self._canvas.view.to_widget(QPointF(b.x1, b.y1)), self._canvas.view.to_widget(QPointF(b.x2, b.y2)))
            for b in boxes
        ]
        rects = [QRect(first.toPoint(), second.toPoint()) for first, second in corners]
        whole = rects[0]
        for rect in rects[1:]:
            whole = whole.united(rect)
        seen = whole.intersected(self._canvas.view.rect())
        return (seen if seen.isValid() else NEXT_BOX).translated(corner)

    def _make_pickable(self) -> Pickable:
        project = self._context.project
        assert project is not None
        boxes = [box.labels for box in self._context.boxes if box.id in self._picked]
        sets = tuple(boxes) if self._picked else (self._next.labels,)
        return Pickable(project.labels(), sets, self._next.recent, project.counts().labels)

    def _show_in_picker(self) -> None:
        if self._picker.isVisible() and self._context.project is not None:
            self._picker.show_labels(self._make_pickable())

    def _toggle_picked(self, label_id: int) -> None:
        self._toggle_on(label_id, self._picked)

    def _create_picked(self, name: str) -> None:
        """Make a new label and give it to what the picker is open for, in one edit."""
        picked = self._picked
        before = {label.id for label in self._context.project.labels()} if self._context.project else set()
        if not self._context.apply(lambda project, image_id: label_edits.create_label(project, name, image_id, picked)):
            return
        assert self._context.project is not None
        fresh = next(label.id for label in self._context.project.labels() if label.id not in before)
        if picked:
            self._note_given(picked, fresh)
        else:
            self.choose_next(self._next.labels | {fresh})

    def _close_stale_picker(self) -> None:
        if self._picker.isVisible() and self._canvas.selected != self._picked:
            self._picker.dismiss()

    # -- following the session

    def _follow_project(self, changes: Changes, _initiator: object) -> None:
        project = self._context.project
        if changes.labels and project is not None:
            self._next.set_known(project.labels())
            self._announce_next()
        self._show_in_picker()

    def _leave_image(self) -> None:
        self._picker.dismiss()
        self._keep_recent()
        self._next.leave_image()
        self._announce_next()

    def _keep_recent(self) -> None:
        """Keep in the project which labels were given last."""
        if self._context.editable and self._kept_recent != self._next.recent:
            self._kept_recent = self._next.recent
            # Only an order of convenience is lost; a disk that refuses it is told of by the edits that it refuses.
            with suppress(InputError):
                self._context.session.set_setting(RECENT, list(self._kept_recent))
