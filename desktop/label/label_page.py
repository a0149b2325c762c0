"""The Label page: the images on the left, the canvas in the middle, labels and boxes on the right."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import QApplication, QHBoxLayout, QVBoxLayout, QWidget

from core.changes import Changes
from core.types import Status
from desktop.base import actions as table
from desktop.base.session import Session
from desktop.kit.notice import Notice
from desktop.label.box_editing import BoxEditing
from desktop.label.box_sight import BoxSight
from desktop.label.boxes.box_list import BoxList
from desktop.label.canvas.annotation_canvas import AnnotationCanvas
from desktop.label.canvas_bars import CanvasBar, PointerBar
from desktop.label.canvas_menu import CanvasMenu
from desktop.label.columns import Columns
from desktop.label.file_notes import FileNotes
from desktop.label.file_notice import FileNotice
from desktop.label.go_to_dialog import GoToDialog
from desktop.label.history_list import HistoryList
from desktop.label.image_details import ImageDetails
from desktop.label.image_history import ImageHistory
from desktop.label.image_work import ImageWork
from desktop.label.images.image_list_panel import ImageListPanel
from desktop.label.kept_keys import keeps_key, trigger_space
from desktop.label.label_context import LabelContext
from desktop.label.label_view import LabelView
from desktop.label.labels.label_panel import LabelPanel
from desktop.label.labels.label_rows import LabelRows
from desktop.label.last_place import Resume
from desktop.label.loading_message import LoadingMessage
from desktop.label.side_panel import SidePanel
from desktop.services import Services
from desktop.viewer.pictures import PictureLoader, Travel, worth_fetching
from desktop.viewer.pyramid import Pyramid
from desktop.viewer.view import TYPED_IN

NO_IMAGES = (
    "No images yet.\n\nDrop image files or folders here, or press {files} to add files and {folder} to add a folder."
)
# Actions that need a project open for writing.
CHANGING = frozenset(
    {"draw", "delete", "duplicate", "cut", "paste", "paste_previous", "labels_menu", "difficult", "keep_labels"}
    | {"clean", "reviewed", "remove_image", "group_images"}
)
# Actions that need no image.
ALWAYS = frozenset({"find_images", "image_grid", "show_images", "show_panels", "filter_images"})
# Of the list of boxes.
BOX_MENU = (
    "labels_menu",
    "difficult",
    "duplicate",
    "copy",
    "cut",
    "delete",
    "hide_box",
    "only_box",
    "show_hidden",
    "lock_box",
)

MANY = 200  # changed files that are looked for one by one


class LabelPage(QWidget):
    """Places the canvas and the panels, and turns what they announce into edits of the session."""

    title = "Label"

    def __init__(self, session: Session, services: Services, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("page")
        self._session = session
        self._services = services
        self._actions = table.ActionSet(self, table.LABEL)
        self.pictures = PictureLoader(services.tasks, self)
        self.pictures.follow(session, services.settings)
        self._travel = Travel()
        self.canvas = AnnotationCanvas()
        self.notice = Notice()
        self._context = LabelContext(session, self.notice)
        self.work = ImageWork(self._context, services.tasks, self)
        self.images = ImageListPanel(session, services, self.work, self._actions["image_grid"])
        self.labels = LabelPanel(session, self._context.apply_to_project, self._actions["keep_labels"])
        self.editing = BoxEditing(self._context, self.canvas, self.images.image_before, self, self._actions)
        self._view = LabelView(self.canvas, self._context, services, self._actions)
        self.sight = BoxSight(self._context, self.canvas, services.settings, self._actions)
        self.canvas_menu = CanvasMenu(self.canvas, self._actions)
        self._actions.add_handlers(self._list_handlers())
        self._actions.require_handlers()
        self.box_list = BoxList()
        self.details = ImageDetails()
        self.history = ImageHistory()
        self.edits = HistoryList(session)
        self._file_notes = FileNotes()
        self._loading = LoadingMessage(self.canvas.view.set_message, self)
        self._file_notice = FileNotice(session, services.files)
        self._bar = CanvasBar(self._actions)
        self._foot = PointerBar(self._actions)
        self._place_parts()
        self._connect_parts()
        self._set_project()
        Resume(session, services.settings, self.canvas.view)
        self.sight.recall_rules()

    # -- for the main window

    def activated(self) -> None:
        self._session.hint.emit(self.canvas.hint)
        self.take_focus()

    def take_focus(self) -> None:
        """Give the keys to the image."""
        self.canvas.view.setFocus(Qt.FocusReason.OtherFocusReason)

    def press_escape(self) -> None:
        """Esc was pressed beside the image: it cancels there all the same, but for Esc in a text, which only leaves it."""
        typed = isinstance(QApplication.focusWidget(), TYPED_IN)
        self.take_focus()
        if not typed:
            self.canvas.press_escape()

    def deactivated(self) -> None:
        self._settle_edits()

    def actions(self) -> list[QAction]:
        return list(self._actions.values())

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and keeps_key(event, self.images):
            event.accept()
            return True
        return super().event(event)

    # -- building

    def _list_handlers(self) -> dict[str, Callable[..., object]]:
        return {
            "clean": self.work.toggle_clean,
            "reviewed": self._review_image,
            "previous": lambda: self._step_images(-1),
            "next": lambda: self._step_images(1),
            "first": lambda: self._go_to_place(1),
            "last": lambda: self._go_to_place(-1),
            "go_to_image": self._ask_place,
            "open_folder": lambda: self._with_current(self.work.open_folder),
            "copy_path": lambda: self._with_current(self.work.copy_paths),
            "next_unlabelled": lambda: self._step_unlabelled(1),
            "previous_unlabelled": lambda: self._step_unlabelled(-1),
            "remove_image": lambda: self._with_current(self.work.remove_images),
            "focus_labels": lambda: self._go_to_panel(self.labels.rows),
            "focus_boxes": lambda: self._go_to_panel(self.box_list),
            "note": self._write_note,
            "group_images": lambda: self.work.group_images(self.images.chosen(), self.images.shown.image_ids()),
            "find_images": self._find_images,
            "filter_images": self._filter_images,
            "image_grid": self._switch_grid,
            "show_images": lambda shown: self._columns.fold("left", not shown),
            "show_panels": lambda shown: self._columns.fold("right", not shown),
        }

    def _tell_hint(self, hint: str) -> None:
        # Behind another page the canvas changes as well, such as by an image that comes late.
        if self.isVisible():
            self._session.hint.emit(hint)

    def _place_parts(self) -> None:
        middle = QWidget()
        column = QVBoxLayout(middle)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._bar)
        column.addWidget(self._file_notes)
        column.addWidget(self.notice)
        column.addWidget(self._file_notice)
        column.addWidget(self.canvas.strip)
        column.addWidget(self.canvas.view, 1)
        column.addWidget(self._foot)
        settings = self._services.settings
        self.side = SidePanel(
            self.labels, self.box_list, settings, Image=self.details, History=self.history, Undo=self.edits
        )
        self._columns = Columns(self.images, middle, self.side, settings)
        self._actions["image_grid"].setChecked(settings.values.label_image_grid)
        self._actions["show_images"].setChecked(not self._columns.folded("left"))
        self._actions["show_panels"].setChecked(not self._columns.folded("right"))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._columns)

    def _connect_parts(self) -> None:
        canvas, session = self.canvas, self._session
        canvas.selection_changed.connect(self._show_selection)
        canvas.view.space_tapped.connect(lambda: trigger_space(self._actions.values()))
        canvas.armed_changed.connect(self._actions["draw"].setChecked)
        canvas.hint_changed.connect(self._tell_hint)
        self._foot.follow_canvas(canvas)
        self.labels.toggled.connect(self.editing.toggle_label)
        self.editing.next_labels_changed.connect(self._show_selection)
        self._context.refused.connect(self._show_truth)
        self.labels.hide_switched.connect(self.sight.switch_label_hidden)
        self.labels.only_switched.connect(self.sight.switch_only_label)
        self.labels.lock_switched.connect(self.sight.switch_label_locked)
        self.sight.changed.connect(self.labels.show_rules)
        self.sight.changed.connect(self.box_list.show_rules)
        self.labels.keep_switched.connect(self.editing.set_keep)
        self.edits.failed.connect(self.notice.show_notice)
        self.box_list.chosen.connect(canvas.select_boxes)
        self.box_list.opened.connect(self._show_box)
        self.box_list.pointed.connect(canvas.set_highlighted)
        self.box_list.use_menu(lambda: [self._actions[name] for name in BOX_MENU])
        self.images.menu_requested.connect(self.work.show_menu)
        self.images.listed.connect(self._show_record)
        self.work.label_missing.connect(self._show_unlabelled_box)
        self.work.reviewed.connect(lambda: self._step_images(1))
        self.details.split_chosen.connect(lambda split: self._with_current(lambda ids: self.work.set_split(ids, split)))
        self.details.group_entered.connect(
            lambda group: self._with_current(lambda ids: self.work.set_group(ids, group))
        )
        self.details.note_entered.connect(self.work.set_note)
        for part in (self.images, self.details, self.labels, self.box_list, self.edits, self.notice, self._file_notice):
            part.left.connect(self.take_focus)
        self.side.tabs.currentChanged.connect(lambda _tab: self._show_history())
        self._file_notes.depth_wanted.connect(session.properties_requested)
        self.pictures.outdated.connect(self._show_image)
        self._services.files.states_changed.connect(self._read_again)
        self.pictures.ready.connect(self._picture_came)
        self.pictures.looked.connect(self._show_first_look)
        self.pictures.failed.connect(self._picture_failed)
        session.image_changed.connect(self._show_image)
        session.changed.connect(self._follow_changes)
        session.project_changed.connect(self._set_project)
        session.pending.changed.connect(self._show_history)
        session.settle.connect(self._settle_edits)

    # -- following the session

    def _set_project(self) -> None:
        project = self._session.project
        self.pictures.forget()
        self.notice.clear()
        labels = project.labels() if project is not None else ()
        self.canvas.set_labels(labels)
        self.editing.open_project()
        self._view.open_project()
        self.canvas.set_editable(self._context.editable)
        self._show_image()

    def _show_image(self) -> None:
        """Bring the session's image on the screen; until it is decoded, nothing of another image stays there."""
        self.canvas.set_boxes(())
        project, record = self._session.project, self._context.record
        path = project.image_path(record) if project is not None and record is not None else None
        picture = self._find_picture(path) if path is not None else None
        self._loading.end()
        self.box_list.scrollToTop()
        self.canvas.set_image(picture)
        if picture is None and path is not None:
            self.canvas.view.set_message(self.pictures.problem(path) or "Loading…")
        elif path is None and project is not None:
            keys = {"files": "window.add_images", "folder": "window.add_folder"}
            self.canvas.view.set_message(self._services.keymap.fill_in_keys(NO_IMAGES, **keys))
        self._file_notes.show_notes(picture.notices if picture is not None else ())
        if project is not None:
            near = [project.image(image_id) for image_id in self.images.neighbours(self._travel)]
            ahead = worth_fetching(near, self.pictures.ahead_bytes)
            self.pictures.want(path, [project.image_path(neighbour) for neighbour in ahead])
        if path is not None and picture is None:
            self._show_first_look(str(path))
        self._show_record()
        self._show_boxes()

    def _find_picture(self, path: Path) -> Pyramid | None:
        """The picture, or a preview of it."""
        look = self.pictures.first_look(path)
        return self.pictures.get(path) or (look.preview if look is not None else None)

    def _show_first_look(self, path: str) -> None:
        """Of an image that takes long: a preview to work on, or how long it has been read."""
        look = self.pictures.first_look(Path(path))
        if look is None or not self._is_current(path):
            return
        if look.preview is None:
            self._loading.begin(look, lambda: self.pictures.read_share(Path(path)))
        elif not self.canvas.view.has_image:
            self._show_image()
            self._session.message.emit(f"A preview: all {look.megapixels:,.0f} megapixels are being read")

    def _read_again(self, image_ids: frozenset[int]) -> None:
        """Show what changed files hold now; of one that vanished, what was seen last stays in sight."""
        project = self._session.project
        there = image_ids - self._services.files.missing
        if project is None or not there:
            return
        if len(there) > MANY:
            # A folder that came back: to look for each of its images among what is in memory would take longer.
            self.pictures.forget()
            self._services.thumbnails.forget_all()
            self._show_image()
            return
        paths = [project.image_path(image_id) for image_id in there if project.has_image(image_id)]
        self.pictures.read_again(paths)
        for path in paths:
            self._services.thumbnails.forget(path)

    def _follow_changes(self, changes: Changes, _initiator: object) -> None:
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
        self.details.show_groups(self.images.groups())

    def _show_boxes(self) -> None:
        project, boxes = self._context.project, self._context.boxes
        self.canvas.set_boxes(boxes if self.canvas.view.has_image else ())
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
            able = record is not None and (self._context.editable or name not in CHANGING)
            action.setEnabled(able or name in ALWAYS)
        self._show_history()

    def _show_history(self) -> None:
        image_id = self._session.image_id
        if self.history.isVisible():
            self.history.show_events(self._session.list_events(image_id) if image_id is not None else ())

    def _show_selection(self) -> None:
        """Tell panels and bars what is selected."""
        selected = self.canvas.chosen
        if not selected:
            sets, about = [self.editing.next_labels], "Ticked: labels of the next box"
        elif len(selected) == 1:
            sets, about = [selected[0].labels], "Ticked: labels of the selected box"
        else:
            sets, about = [box.labels for box in selected], f"Ticked: labels of the {len(selected):,} selected boxes"
        self.labels.show_sets(sets, about)
        self.editing.show_next_labels()
        self.labels.show_keep(self.editing.keeping)
        self.box_list.show_selection(self.canvas.selected)
        if self._context.record is not None:
            self._foot.show_boxes(len(self.canvas.boxes), len(selected))
        else:
            self._foot.clear()

    def _picture_came(self, path: str) -> None:
        picture = self.pictures.get(Path(path))
        if picture is not None:
            self._services.thumbnails.take_picture(path, picture.levels[-1])
        if not self._is_current(path) or picture is None:
            return
        # What was begun on the preview goes on.
        if self.canvas.replace_preview(picture):
            self._file_notes.show_notes(picture.notices)
            self._session.message.emit("The whole image is there")
        else:
            self._show_image()

    def _picture_failed(self, path: str, reason: str) -> None:
        if self._is_current(path):
            self._loading.end()
            self.canvas.set_image(None)
            self.canvas.set_boxes(())
            self.canvas.view.set_message(reason)

    def _is_current(self, path: str) -> bool:
        project, record = self._session.project, self._context.record
        return project is not None and record is not None and str(project.image_path(record)) == path

    # -- edits

    def _show_truth(self) -> None:
        self._show_boxes()
        self._show_record()

    def _settle_edits(self) -> None:
        self.canvas.finish_nudging()
        self.details.enter()

    def _with_current(self, do: Callable[[list[int]], object]) -> None:
        if (record := self._context.record) is not None:
            do([record.id])

    def _review_image(self) -> None:
        self._settle_edits()
        self.work.review_image()

    def _write_note(self) -> None:
        self._actions["show_panels"].setChecked(True)
        self.side.tabs.setCurrentWidget(self.details)
        self.details.focus_note()

    # -- going about

    def _step_images(self, by: int) -> None:
        self._settle_edits()
        self.notice.clear()
        if not self.images.step(by):
            self._session.message.emit("This is the last image" if by > 0 else "This is the first image")

    def _go_to_place(self, place: int) -> None:
        self._settle_edits()
        self.notice.clear()
        self.images.go_to_place(place)

    def _ask_place(self) -> None:
        """Ask for the number of an image among those shown, and go there."""
        place, count = self.images.position()
        if not count:
            self._session.message.emit("No images are shown in the list")
            return
        dialog = GoToDialog(max(place, 1), count, self)
        if dialog.exec():
            self._go_to_place(dialog.place)

    def _show_box(self, box_id: int) -> None:
        box = next((box for box in self.canvas.boxes if box.id == box_id), None)
        if box is not None:
            self.canvas.view.show_rect(box.xyxy)

    def _show_unlabelled_box(self) -> None:
        """Bring the first box without a label on the screen, and ask for its label."""
        box = next((box for box in self.canvas.boxes if not box.labels), None)
        if box is not None:
            self.canvas.select_boxes([box.id])
            self._show_box(box.id)
            self.editing.pick_labels()

    def _step_unlabelled(self, by: int) -> None:
        self._settle_edits()
        self.notice.clear()
        if said := self.images.step_unlabelled(by):
            self._session.message.emit(said)

    def _go_to_panel(self, panel: LabelRows | BoxList) -> None:
        self._actions["show_panels"].setChecked(True)
        panel.take_focus()

    def _find_images(self) -> None:
        self._actions["show_images"].setChecked(True)
        self.images.focus_search()

    def _filter_images(self) -> None:
        self._actions["show_images"].setChecked(True)
        self.images.filter_bar.open_filters()

    def _switch_grid(self, grid: bool) -> None:
        self.images.set_grid(grid)
        if grid != self._services.settings.values.label_image_grid:
            self._services.settings.update(label_image_grid=grid)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._columns.fit(self.width())
