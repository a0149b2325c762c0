"""The Label page: the images on the left, the canvas in the middle, labels and boxes on the right."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSplitter, QVBoxLayout, QWidget

from core.changes import Changes
from core.project import edits
from core.project.history import Edit
from core.types import Split, Status
from desktop import actions as table
from desktop.canvas.annotation_canvas import AnnotationCanvas
from desktop.canvas.pictures import PictureLoader, worth_fetching
from desktop.models import wording
from desktop.pages.box_editing import BoxEditing
from desktop.pages.label_context import LabelContext
from desktop.pages.label_view import LabelView
from desktop.services import Services
from desktop.session import Session
from desktop.widgets.box_list import BoxList
from desktop.widgets.canvas_bars import CanvasBar, PointerBar
from desktop.widgets.image_details import ImageDetails
from desktop.widgets.image_list_panel import ImageListPanel
from desktop.widgets.label_menus import images_menu
from desktop.widgets.label_panel import LabelPanel
from desktop.widgets.notice import Notice
from desktop.widgets.parts import surface, words

NO_IMAGES = (
    "No images yet.\n\nDrop image files or folders here, or press Ctrl+I to add files and Ctrl+Shift+I to add a folder."
)
LEFT, RIGHT = 250, 270  # widths of the side columns at first, in pixels
# Actions that need a project open for writing.
CHANGING = frozenset(
    {"draw", "delete", "duplicate", "cut", "paste", "paste_previous", "labels_menu", "keep_labels"}
    | {"clean", "reviewed", "remove_image"}
)
BOX_MENU = ("labels_menu", "duplicate", "copy", "cut", "delete")  # of the list of boxes


class LabelPage(QWidget):
    """Turns what the hand does on the canvas and the panels into edits of the session."""

    title = "Label"

    def __init__(self, session: Session, services: Services) -> None:
        super().__init__()
        self.setObjectName("page")
        self._session = session
        self._services = services
        self._pictures = PictureLoader(services.tasks, self)
        self.canvas = AnnotationCanvas()
        self.notice = Notice()
        self._context = LabelContext(session, self.notice)
        self.images = ImageListPanel(session, services)
        self.labels = LabelPanel(session, self._context.apply_to_project)
        self._editing = BoxEditing(self._context, self.canvas, self._image_before)
        self._view = LabelView(self.canvas)
        handlers = self._handlers() | self._editing.handlers() | self._view.handlers()
        self._actions = table.build(self, table.LABEL, handlers, Qt.ShortcutContext.WidgetWithChildrenShortcut)
        self._view.use_actions(self._actions)
        self._editing.use_actions(self._actions)
        self.labels.use_keep_action(self._actions["keep_labels"])
        self.box_list = BoxList()
        self.details = ImageDetails()
        self._bar = CanvasBar(self._actions)
        self._foot = PointerBar()
        self._place()
        self._connect()
        self._open_project()

    # -- for the main window

    def activated(self) -> None:
        self._session.hint.emit(self.canvas.hint())
        self.canvas.setFocus(Qt.FocusReason.OtherFocusReason)

    def deactivated(self) -> None:
        self._settle()

    def actions(self) -> list[QAction]:
        return list(self._actions.values())

    # -- building

    def _handlers(self) -> dict[str, Callable[..., object]]:
        return {
            "clean": self._toggle_clean,
            "reviewed": self._review_and_go_on,
            "previous": lambda: self._step(-1),
            "next": lambda: self._step(1),
            "remove_image": self._remove_current,
            "focus_labels": self.labels.rows.take_focus,
            "focus_boxes": lambda: self.box_list.take_focus(),
        }

    def _place(self) -> None:
        left = _panel(self.images)
        middle = QWidget()
        column = QVBoxLayout(middle)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._bar)
        column.addWidget(self.notice)
        column.addWidget(self.canvas, 1)
        column.addWidget(self._foot)
        right = QSplitter(Qt.Orientation.Vertical)
        right.setChildrenCollapsible(False)
        boxes = QWidget()
        inner = QVBoxLayout(boxes)
        inner.setContentsMargins(0, 8, 0, 0)
        heading = words("Boxes", "section")
        heading.setContentsMargins(12, 0, 12, 0)
        inner.addWidget(heading)
        inner.addWidget(self.box_list, 1)
        _fill(right, (self.labels, 0), (boxes, 1), (self.details, 0))
        panel = _panel(right)
        self._columns = QSplitter(Qt.Orientation.Horizontal)
        self._columns.setChildrenCollapsible(False)
        _fill(self._columns, (left, 0), (middle, 1), (panel, 0))
        left.setMinimumWidth(190)
        panel.setMinimumWidth(220)
        middle.setMinimumWidth(420)
        kept = self._services.settings.values.label_splitter
        self._columns.setSizes(list(kept) if len(kept) == 3 else [LEFT, 3000, RIGHT])
        self._columns.splitterMoved.connect(self._keep_columns)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._columns)

    def _connect(self) -> None:
        canvas, session = self.canvas, self._session
        canvas.selection_changed.connect(self._show_selection)
        canvas.armed_changed.connect(self._actions["draw"].setChecked)
        canvas.hint_changed.connect(session.hint)
        canvas.pointer_moved.connect(self._foot.show_pointer)
        canvas.view_changed.connect(lambda: self._foot.show_scale(canvas.scale, image=canvas.has_image))
        self.labels.toggled.connect(self._editing.toggle_label)
        self._editing.next_labels_changed.connect(self._show_selection)
        self._context.refused.connect(self._show_truth)
        self.labels.keep_switched.connect(self._editing.set_keep)
        self.labels.left.connect(canvas.setFocus)
        self.box_list.left.connect(canvas.setFocus)
        self.box_list.chosen.connect(canvas.select)
        self.box_list.opened.connect(self._show_box)
        self.box_list.pointed.connect(canvas.set_highlighted)
        self.box_list.use_menu(lambda: [self._actions[name] for name in BOX_MENU])
        self.images.menu_requested.connect(self._show_image_menu)
        self.details.split_chosen.connect(lambda split: self._edit_images(edits.set_split, split))
        self.details.group_entered.connect(lambda group: self._edit_images(edits.set_group, group))
        self.details.note_entered.connect(self._set_note)
        self._pictures.ready.connect(self._picture_came)
        self._pictures.failed.connect(self._picture_failed)
        session.image_changed.connect(self._show_image)
        session.changed.connect(self._refresh)
        session.project_changed.connect(self._open_project)
        session.settle.connect(self._settle)

    # -- following the session

    def _image_before(self) -> int | None:
        """The image before the current one in the list."""
        return next(iter(self.images.neighbours(ahead=0, behind=1)), None)

    def _open_project(self) -> None:
        project = self._session.project
        self._pictures.forget()
        self.notice.clear()
        labels = project.labels() if project is not None else ()
        self.canvas.set_labels(labels)
        self._editing.open_project()
        self.canvas.set_editable(self._context.editable)
        self._show_image()

    def _show_image(self) -> None:
        """Bring the session's image on the screen; until it is decoded, nothing of another image stays there."""
        self.canvas.set_boxes(())
        project, record = self._session.project, self._context.record
        path = project.image_path(record) if project is not None and record is not None else None
        picture = self._pictures.get(path) if path is not None else None
        self.canvas.set_image(picture)
        if picture is None and path is not None:
            self.canvas.set_message(self._pictures.problem(path) or "Loading…")
        elif path is None and project is not None:
            self.canvas.set_message(NO_IMAGES)
        if project is not None:
            ahead = worth_fetching([project.image(image_id) for image_id in self.images.neighbours()])
            self._pictures.want(path, [project.image_path(neighbour) for neighbour in ahead])
        self._show_record()
        self._show_boxes()

    def _refresh(self, changes: Changes, _initiator: object) -> None:
        project = self._context.project
        if project is None:
            return
        if changes.labels:
            self.canvas.set_labels(project.labels())
        current = self._session.image_id
        if current in changes.images or changes.labels or changes.image_list:
            self._show_boxes()
        if current in changes.images or changes.image_list:
            self._show_record()

    def _show_boxes(self) -> None:
        project, boxes = self._context.project, self._context.boxes
        self.canvas.set_boxes(boxes if self.canvas.has_image else ())
        labels = project.labels() if project is not None else ()
        scale = project.setting("mm_per_pixel") if project is not None else None
        self.box_list.show_boxes(boxes, labels, self.canvas.selected, scale)
        self._show_selection()

    def _show_record(self) -> None:
        record = self._context.record
        self._bar.show_record(record, *self.images.position())
        self.details.show_record(record, editable=self._context.editable)
        clean = record is not None and record.status is Status.CLEAN
        self._actions["clean"].setText("Not clean" if clean else "Clean")
        for name, action in self._actions.items():
            action.setEnabled(record is not None and (self._context.editable or name not in CHANGING))

    def _show_selection(self) -> None:
        """Tell panels and bars what is selected."""
        selected = [box for box in self.canvas.boxes if box.id in self.canvas.selected]
        if not selected:
            sets, about = [self._editing.next_labels], "Ticked: labels of the next box"
        elif len(selected) == 1:
            sets, about = [selected[0].labels], "Ticked: labels of the selected box"
        else:
            sets, about = [box.labels for box in selected], f"Ticked: labels of the {len(selected)} selected boxes"
        self.labels.show_sets(sets, about)
        self.canvas.set_next_labels(self._editing.next_labels, kept=self._editing.keeping)
        self.labels.show_keep(self._editing.keeping)
        self.box_list.show_selection(self.canvas.selected)
        if self._context.record is not None:
            self._foot.show_boxes(len(self.canvas.boxes), len(selected))
        else:
            self._foot.clear()

    def _picture_came(self, path: str) -> None:
        if self._is_current(path):
            self._show_image()

    def _picture_failed(self, path: str, reason: str) -> None:
        if self._is_current(path):
            self.canvas.set_message(reason)

    def _is_current(self, path: str) -> bool:
        project, record = self._session.project, self._context.record
        return project is not None and record is not None and str(project.image_path(record)) == path

    # -- edits

    def _show_truth(self) -> None:
        self._show_boxes()
        self._show_record()

    def _settle(self) -> None:
        self.canvas.finish_nudging()
        self.details.enter()

    def _toggle_clean(self) -> None:
        clean = self._context.record is not None and self._context.record.status is Status.CLEAN
        status = Status.UNLABELLED if clean else Status.CLEAN
        self._context.apply(lambda project, image_id: edits.set_status(project, [image_id], status))

    def _review_and_go_on(self) -> None:
        self._settle()
        record = self._context.record
        if record is None:
            return
        if record.status is Status.UNLABELLED:
            why = "This image has no boxes. Draw them, or press C to mark it clean if it has no defects."
            self.notice.show_notice(why, "warning", stays=False)
            return
        # Clean is a verdict already, and says more than reviewed would.
        done = record.status is Status.CLEAN or self._context.apply(
            lambda project, image_id: edits.set_status(project, [image_id], Status.REVIEWED)
        )
        if done:
            self._step(1)

    def _edit_images(self, build: Callable[..., Edit], value: Split | str) -> None:
        self._context.apply(lambda project, image_id: build(project, [image_id], value))

    def _set_note(self, note: str) -> None:
        self._context.apply(lambda project, image_id: edits.set_note(project, image_id, note))

    def _remove_current(self) -> None:
        if (record := self._context.record) is not None:
            self._remove([record.id])

    def _remove(self, image_ids: list[int]) -> None:
        if self._context.apply(lambda project, _current: edits.remove_images(project, image_ids)):
            taken = wording.plural(len(image_ids), "image")
            self._session.message.emit(f"Taken out: {taken}. The files stay; undo brings them back.")

    # -- going about

    def _step(self, by: int) -> None:
        self._settle()
        self.notice.clear()
        if not self.images.step(by):
            self._session.message.emit("This is the last image" if by > 0 else "This is the first image")

    def _show_box(self, box_id: int) -> None:
        box = next((box for box in self.canvas.boxes if box.id == box_id), None)
        if box is not None:
            self.canvas.show_rect(box.xyxy)

    def _keep_columns(self) -> None:
        self._services.settings.update(label_splitter=tuple(self._columns.sizes()))

    # -- menus

    def _show_image_menu(self, image_ids: list[int], at: QPoint) -> None:
        menu = images_menu(
            self,
            len(image_ids),
            lambda status: self._context.apply(lambda project, _id: edits.set_status(project, image_ids, status)),
            lambda split: self._context.apply(lambda project, _id: edits.set_split(project, image_ids, split)),
            lambda: self._remove(image_ids),
        )
        for action in menu.actions():
            action.setEnabled(self._context.editable)
        menu.exec(at)
        menu.deleteLater()


def _panel(content: QWidget) -> QFrame:
    panel = surface("panel")
    layout = QVBoxLayout(panel)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.addWidget(content)
    return panel


def _fill(splitter: QSplitter, *parts: tuple[QWidget, int]) -> None:
    """Add widgets, each with its share of the room that is left over."""
    for place, (widget, stretch) in enumerate(parts):
        splitter.addWidget(widget)
        splitter.setStretchFactor(place, stretch)
