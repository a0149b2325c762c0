"""What the Label page does to images as a whole: one or many, each time one edit."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from PySide6.QtCore import QObject, QPoint, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QApplication, QInputDialog, QMessageBox, QWidget

from core.counting import format_count
from core.imaging.window import Window
from core.project.edits import image_edits
from core.project.edits.edit import Edit
from core.project.images.copies import describe_ungrouped, torn_copies
from core.project.images.moved_cameras import describe_regrouped
from core.project.images.split_table import LeftBehind, find_left_behind, list_divisions, list_names
from core.project.project_reader import ProjectReader
from core.types import Split, Status
from desktop.base.background import Tasks
from desktop.base.theme import icon
from desktop.kit.error_box import message_box
from desktop.label.images.bulk_bar import images_menu
from desktop.label.label_context import LabelContext
from desktop.project.group_dialog import GroupImagesDialog

ASK_FROM = 20  # images that are taken out without a question; undo brings them back anyway


class ImageWork(QObject):
    """Turns choices in lists, menus and fields into edits."""

    reviewed = Signal()  # the current image is done: go on to the next
    label_missing = Signal()  # the current image has a box without a label, and cannot be reviewed

    def __init__(self, context: LabelContext, tasks: Tasks, window: QWidget) -> None:
        """`window` is what questions are asked in front of."""
        super().__init__(window)
        self._context = context
        self._tasks = tasks
        self._window = window

    # -- status

    def set_status(self, image_ids: list[int], status: Status) -> None:
        project = self._context.project
        if project is None:
            return
        marking = image_edits.mark_images(project, image_ids, status)
        done = len(image_ids) - len(marking.refused)
        if marking.edit.is_empty and not marking.refused:
            self._say_done(f"{_count_images(len(image_ids))}: marked {status} already")
        elif marking.edit.is_empty:
            self._show_warning(f"{_explain_refused(len(marking.refused), marking.why, status)}.")
        elif self._apply_edit(lambda _project: marking.edit):
            self._say_done(marking.edit.name)
            if marking.refused:
                stay = _explain_refused(len(marking.refused), marking.why, status)
                self._show_warning(f"{_count_images(done)} marked {status}. {stay}, and kept the status.")

    def toggle_clean(self) -> None:
        """Say that the current image is free of defects, or take that back."""
        record = self._context.record
        clean = record is not None and record.status is Status.CLEAN
        status = Status.UNLABELLED if clean else Status.CLEAN
        self._context.apply(lambda project, image_id: image_edits.set_status(project, [image_id], status))

    def review_image(self) -> None:
        """Say that the current image is right as it is; announces `reviewed` where it can be."""
        record = self._context.record
        if record is None:
            return
        if record.status is Status.UNLABELLED and not record.box_count:
            self._show_warning("This image has no boxes. Draw them, or mark it clean if it has no defects.")
            return
        if record.has_unlabelled_box and record.status is not Status.REVIEWED:
            self._show_warning("A box has no label yet: give it one, then mark the image reviewed.")
            self.label_missing.emit()
            return
        # Clean is a verdict already, and says more than reviewed would. To write what is there already changes nothing.
        done = record.status in (Status.CLEAN, Status.REVIEWED) or self._context.apply(
            lambda project, image_id: image_edits.set_status(project, [image_id], Status.REVIEWED)
        )
        if done:
            self.reviewed.emit()

    # -- split, group, note

    def set_split(self, image_ids: list[int], split: Split) -> None:
        project = self._context.project
        if project is None:
            return
        images = project.images()
        behind = find_left_behind(images, image_ids, split)
        if behind.image_ids:
            alone = [*image_ids, *torn_copies(images, image_ids, split)]
            answer = self._ask_about_torn(behind, len(image_ids), len(alone), split)
            if answer is None:
                return
            image_ids = [*image_ids, *behind.image_ids] if answer else alone
        edit = image_edits.move_to_split(project, image_ids, split)
        if self._apply_edit(lambda _project: edit):
            self._say_done(edit.name)

    def set_group(self, image_ids: list[int], group: str) -> None:
        windows = self._list_windows()
        if not self._apply_edit(lambda project: image_edits.put_in_group(project, image_ids, group)):
            return
        count = _count_images(len(image_ids))
        self._say_done(f"{count} put into group {group}" if group else f"{count} taken out of their groups")
        self._warn_of_groups(image_ids, windows)

    def _list_windows(self) -> dict[int, Window | None]:
        """The depth windows of images, by id, where groups tell cameras."""
        project = self._context.session.project
        return project.depths.list_windows() if project is not None and project.depths.cameras().need_groups else {}

    def _warn_of_groups(self, image_ids: Collection[int], windows: Mapping[int, Window | None]) -> None:
        """Say where the images are now in a group that is divided, in another one than their copies, or of another camera."""
        if (project := self._context.project) is None:
            return
        images = project.images()
        groups = {project.image(image_id).group for image_id in image_ids} - {""}
        said = list_divisions([image for image in images if image.group in groups])
        contents = {project.image(image_id).content_hash for image_id in image_ids} - {""}
        said += describe_ungrouped(image for image in images if image.content_hash in contents)
        said += describe_regrouped(windows, self._list_windows(), map(project.image, image_ids))
        if said:
            self._show_warning(" ".join(said))

    def ask_group(self, image_ids: list[int]) -> None:
        """Ask for the group of some images."""
        project = self._context.project
        if project is None or not image_ids:
            return
        names = sorted({image.group for image in project.images()} - {""})
        present = {project.image(image_id).group for image_id in image_ids}
        current = next(iter(present)) if len(present) == 1 else ""
        choices = [current, *(name for name in ["", *names] if name != current)]
        text = f"Group of {_count_images(len(image_ids))} (empty: none).\nImages of one group stay together in train, val or test."
        name, done = QInputDialog.getItem(self._window, "Set group", text, choices, 0, True)
        if done:
            self.set_group(image_ids, name.strip())

    def group_images(self, chosen: list[int], shown: list[int]) -> None:
        """Group by folder or name: the images `chosen`, those `shown`, or all."""
        project = self._context.project
        if project is None:
            return
        images = project.images()
        scopes = {f"All {_count_images(len(images))}": images}
        for ids, text in ((shown, "shown"), (chosen if len(chosen) > 1 else [], "chosen")):
            if ids and len(ids) < len(images):
                scopes = {
                    f"The {_count_images(len(ids))} {text}": [project.image(image_id) for image_id in ids]
                } | scopes
        dialog = GroupImagesDialog(self._tasks, scopes, self._window)
        if dialog.exec() and (groups := dialog.read_groups()):
            edit = image_edits.set_groups(project, groups)
            if edit.is_empty:
                self._say_done("These images have these groups already")
                return
            windows = self._list_windows()
            if self._apply_edit(lambda _project: edit):
                self._say_done(edit.name)
                self._warn_of_groups(groups, windows)

    def set_note(self, note: str) -> None:
        self._context.apply(lambda project, image_id: image_edits.set_note(project, image_id, note))

    # -- taking out

    def remove_images(self, image_ids: list[int]) -> None:
        project = self._context.project
        if project is None or not image_ids:
            return
        if len(image_ids) >= ASK_FROM and not self._may_remove(project, image_ids):
            return
        if self._apply_edit(lambda project: image_edits.remove_images(project, image_ids)):
            self._say_done(f"Taken out: {_count_images(len(image_ids))}. The files stay; undo brings them back.")

    # -- files

    def open_folder(self, image_ids: list[int]) -> None:
        """Show the folder of the first of the images in the file manager."""
        project = self._context.project
        if project is None or not image_ids:
            return
        folder = project.image_path(image_ids[0]).parent
        if not folder.is_dir():
            self._show_warning(f"{folder}: the folder is not there. Find missing images in the Project menu helps.")
        elif not QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))):
            self._show_warning(f"{folder}: no file manager could be started. Its path can be copied instead.")

    def copy_paths(self, image_ids: list[int]) -> None:
        """Put the paths of the images on the clipboard, one a line."""
        project = self._context.project
        if project is None or not image_ids:
            return
        paths = [str(project.image_path(image_id)) for image_id in image_ids]
        QApplication.clipboard().setText("\n".join(paths))
        self._say_done(f"Copied {paths[0]}" if len(paths) == 1 else f"Copied {len(paths):,} paths")

    # -- the menu

    def show_menu(self, image_ids: list[int], at: QPoint) -> None:
        """What can be done to the images, at a place on the screen."""
        menu = images_menu(self._window, image_ids, self)
        for action in menu.actions():
            action.setEnabled(self._context.editable)
        menu.addSeparator()
        menu.addAction(icon("folder"), "Open the containing folder", lambda: self.open_folder(image_ids))
        paths = "Copy the path" if len(image_ids) == 1 else f"Copy {len(image_ids):,} paths"
        menu.addAction(paths, lambda: self.copy_paths(image_ids))
        menu.exec(at)
        menu.deleteLater()

    # -- inside

    def _apply_edit(self, build: Callable[[ProjectReader], Edit]) -> bool:
        return self._context.apply_to_project(build)

    def _say_done(self, text: str) -> None:
        self._context.session.message.emit(text)

    def _show_warning(self, text: str) -> None:
        self._context.notice.show_notice(text, "warning", stays=False)

    def _ask_about_torn(self, behind: LeftBehind, count: int, alone: int, split: Split) -> bool | None:
        """Whether whole groups go along with the `count` images and their copies, `alone` together; None: nothing moves."""
        what = "copies" if not behind.groups else "whole groups and copies" if behind.copies else "whole groups"
        box = message_box(self._window, f"Move {what} to {split}?", _explain_torn(behind))
        total = count + len(behind.image_ids)
        whole = box.addButton(f"Move all {total:,} images", QMessageBox.ButtonRole.AcceptRole)
        some = None
        if behind.groups:
            text = f"Only the {count:,} chosen" if alone == count else f"Only the {count:,} chosen and their copies"
            some = box.addButton(text, QMessageBox.ButtonRole.DestructiveRole)
        box.addButton(QMessageBox.StandardButton.Cancel)
        box.setDefaultButton(whole)
        box.exec()
        clicked = box.clickedButton()
        return True if clicked is whole else False if some is not None and clicked is some else None

    def _may_remove(self, project: ProjectReader, image_ids: list[int]) -> bool:
        boxes = sum(project.image(image_id).box_count for image_id in image_ids)
        text = (
            f"{format_count(boxes, 'box')} on them {'leaves' if boxes == 1 else 'leave'} the project, too. "
            "The files stay where they are, and undo brings everything back."
        )
        box = message_box(self._window, f"Take {_count_images(len(image_ids))} out of the project?", text)
        out = box.addButton("Take out", QMessageBox.ButtonRole.DestructiveRole)
        box.setDefaultButton(box.addButton(QMessageBox.StandardButton.Cancel))
        box.exec()
        return box.clickedButton() is out


def _explain_torn(behind: LeftBehind) -> str:
    """What of groups and copies is in another split, and why that matters."""
    texts = []
    if behind.groups:
        names, one = list_names(list(behind.groups)), len(behind.groups) == 1
        count = sum(len(own) for own in behind.groups.values())
        are = "is" if count == 1 else "are"
        texts.append(
            f"The {'group' if one else 'groups'} {names} would be divided: {_count_images(count)} of "
            f"{'it' if one else 'them'} {are} in another split."
        )
    if count := len(behind.copies):
        copies = "1 exact copy under another name is" if count == 1 else f"{count:,} exact copies under other names are"
        texts.append(f"{copies} in another split: copies always stay together.")
    return " ".join([*texts, "A model that was trained on a part is measured too well on the same part."])


def _count_images(count: int) -> str:
    return format_count(count, "image")


def _explain_refused(count: int, why: str, status: Status) -> str:
    """That images could not be given a status, as the beginning of a sentence."""
    return f"{_count_images(count)} {why} cannot be {status}"
