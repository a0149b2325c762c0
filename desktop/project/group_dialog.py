"""Groups by folder or by a pattern on the file name, with a view of what they would be before they are made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, QTimer
from PySide6.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QRadioButton,
    QStackedWidget,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from core.counting import format_count
from core.errors import InputError
from core.project.images import grouping
from core.project.images.expressions import by_expression
from core.project.images.grouping import Grouping
from core.project.images.split_table import divided_groups, list_names
from core.types import ImageRecord
from desktop.base.background import Tasks
from desktop.base.theme import GAP, PAD, theme
from desktop.kit.dialog_frame import DialogFrame
from desktop.kit.parts import restyle, words
from desktop.kit.screen_room import resize_within_screen

ABOUT = (
    "Images of one group, such as a part, a lot or a board, are never divided over train, val and test. "
    "Nothing is changed before you press Group."
)
EXPRESSION_HELP = (
    "A regular expression with (?P<group>…) around the part that names the group; it is looked for in the path."
)
TYPING = 250  # ms without a key before the view is made again
KEY = "group images"
FOLDER, PATTERN, EXPRESSION = range(3)
COLUMNS = ("Group", "Images", "Examples")
ASIDE = "fit nothing"

Index = QModelIndex | QPersistentModelIndex
NO_PARENT = QModelIndex()


@dataclass(frozen=True, slots=True)
class Preview:
    """What a rule would make, and the groups of it that lie in several splits."""

    grouping: Grouping
    divided: tuple[str, ...]


def preview_groups(images: Sequence[ImageRecord], how: int, text: str) -> Preview:
    """What grouping `images` makes: `how` is FOLDER with a number of levels, PATTERN or EXPRESSION with one.

    Raises InputError if the pattern or expression is wrong.
    """
    paths = {image.id: image.path for image in images}
    names: Sequence[str | None]
    if how == FOLDER:
        names = grouping.by_folder(list(paths.values()), int(text))
    elif how == PATTERN:
        rule = grouping.pattern_rule(text)
        names = [rule(path) for path in paths.values()]
    else:
        names = by_expression(list(paths.values()), text)
    made = grouping.collect_groups(paths, names)
    placed = [replace(image, group=made.groups[image.id]) for image in images if image.id in made.groups]
    return Preview(made, tuple(divided_groups(placed)))


class GroupImagesDialog(DialogFrame):
    """Asks which images and by what; `groups` is the answer."""

    def __init__(
        self, tasks: Tasks, scopes: Mapping[str, Sequence[ImageRecord]], parent: QWidget | None = None
    ) -> None:
        """`scopes`: the images that can be grouped, by how each choice of them reads; the first is offered first."""
        super().__init__("Group images", ABOUT, confirm="Group", parent=parent, width=720)
        self._tasks = tasks
        self._preview: Preview | None = None
        self._scope = QComboBox()
        for text, images in scopes.items():
            self._scope.addItem(text, list(images))
        self._scope.setAccessibleName("Which images")
        self._how = QButtonGroup(self)
        self._fields = QStackedWidget()
        self._levels = QComboBox()
        self._levels.setAccessibleName("Folders that name the group")
        self._one_folder = words("All of these images lie in one folder: choose the file name.", "muted", wrap=True)
        self._pattern = QLineEdit("{group}_{*}")
        self._pattern.setAccessibleName("Pattern of the file name")
        self._expression = QLineEdit(r"(?P<group>[^/_]+)_[^/]*$")
        self._expression.setAccessibleName("Regular expression")
        self._summary = words("", wrap=True)
        self._warning = words("", "warning", wrap=True)
        self._warning.setMinimumHeight(2 * self._warning.fontMetrics().lineSpacing())
        self._model = GroupTable()
        self._table = QTableView()
        self._timer = QTimer(self, singleShot=True, interval=TYPING)
        self._timer.timeout.connect(self._start_preview)
        self._place_fields()
        self._connect_fields()
        resize_within_screen(self, 720, 640)
        self._scope.setFocus()
        self._scope_changed()

    def read_groups(self) -> dict[int, str]:
        """The group of each image, by id; empty while there is no valid rule."""
        return dict(self._preview.grouping.groups) if self._preview is not None else {}

    def done(self, result: int) -> None:
        self._timer.stop()
        self._tasks.cancel(KEY)
        super().done(result)

    # -- building

    def _place_fields(self) -> None:
        form = self.add_form()
        form.addRow("Images", self._scope)
        ways = QHBoxLayout()
        ways.setSpacing(2 * PAD)
        for number, text in ((FOLDER, "Folder"), (PATTERN, "File name"), (EXPRESSION, "Expression")):
            button = QRadioButton(text)
            self._how.addButton(button, number)
            ways.addWidget(button)
        ways.addStretch(1)
        form.addRow("Group by", ways)
        self._fields.addWidget(_build_page(self._levels, self._one_folder))
        self._fields.addWidget(_build_page(self._pattern, words(grouping.PATTERN_HELP, "small", wrap=True)))
        self._fields.addWidget(_build_page(self._expression, words(EXPRESSION_HELP, "small", wrap=True)))
        self.body.addWidget(self._fields)
        self.body.addWidget(self._summary)
        self._table.setModel(self._model)
        self._table.setAccessibleName("Groups that would be made")
        self._table.setSelectionMode(QTableView.SelectionMode.NoSelection)
        self._table.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._table.setShowGrid(False)
        self._table.setWordWrap(False)
        self._table.verticalHeader().hide()
        self._table.verticalHeader().setDefaultSectionSize(28)
        header = self._table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.resizeSection(0, 220)
        header.resizeSection(1, 80)
        header.setStretchLastSection(True)
        self._table.setMinimumHeight(160)
        self.body.addWidget(self._table, 1)
        self.body.addWidget(self._warning)

    def _connect_fields(self) -> None:
        self._scope.currentIndexChanged.connect(self._scope_changed)
        self._how.idToggled.connect(lambda number, on: self._how_changed(number) if on else None)
        self._levels.currentIndexChanged.connect(lambda _row: self._timer.start())
        for field in (self._pattern, self._expression):
            field.textChanged.connect(lambda _text: self._timer.start())

    # -- asking

    def _list_images(self) -> list[ImageRecord]:
        images: list[ImageRecord] = self._scope.currentData()
        return images

    def _scope_changed(self) -> None:
        levels = grouping.folder_levels([image.path for image in self._list_images()])
        self._levels.clear()
        for number, example in enumerate(levels, start=1):
            depth = format_count(number, "folder")
            self._levels.addItem(f"{depth} below the one that all share, such as {example}", number)
        self._levels.setVisible(bool(levels))
        self._one_folder.setVisible(not levels)
        if self._how.checkedId() < 0:
            self._how.button(FOLDER if levels else PATTERN).setChecked(True)
        self._timer.start(0)

    def _how_changed(self, number: int) -> None:
        self._fields.setCurrentIndex(number)
        self._timer.start(0)

    def _start_preview(self) -> None:
        how = self._how.checkedId()
        text = {
            FOLDER: str(self._levels.currentData()),
            PATTERN: self._pattern.text(),
            EXPRESSION: self._expression.text(),
        }
        if how == FOLDER and self._levels.currentData() is None:
            self._show_nothing("")
            return
        images, wanted = self._list_images(), text[how]
        self.confirm.setEnabled(False)
        self._tasks.run(KEY, lambda: preview_groups(images, how, wanted), self._show_preview, self._show_complaint)

    def _show_complaint(self, error: Exception) -> None:
        if not isinstance(error, InputError):
            raise error
        self._show_nothing(str(error))

    def _show_nothing(self, reason: str) -> None:
        self._preview = None
        self._model.show_grouping(None)
        self._summary.clear()
        self._warning.clear()
        self.refuse(reason)
        self.confirm.setEnabled(False)
        self._mark_fields(bool(reason))

    def _show_preview(self, found: Preview) -> None:
        self._preview = found
        made = found.grouping
        self._model.show_grouping(made)
        self._summary.setText(summarize_groups(made))
        self._warning.setText(
            f"{list_names(found.divided)} would lie in several of train, val and test: assign the splits anew afterwards."
            if found.divided
            else ""
        )
        self.refuse("")
        self.confirm.setEnabled(bool(made.groups))
        self._mark_fields(not made.groups)

    def _mark_fields(self, wrong: bool) -> None:
        for field in (self._pattern, self._expression):
            restyle(field, "invalid", wrong)


def summarize_groups(made: Grouping) -> str:
    """What would be made, in one sentence."""
    if not made.groups:
        return "No image fits: nothing would be grouped."
    groups = format_count(len(made.proposals), "group")
    text = f"{groups} of {format_count(len(made.groups), 'image')}."
    single = sum(1 for proposal in made.proposals if proposal.count == 1)
    if single:
        text += f" {single:,} of them {'has' if single == 1 else 'have'} one image only."
    if made.unmatched.count:
        keeps = "keeps its group" if made.unmatched.count == 1 else "keep their groups"
        text += f" {format_count(made.unmatched.count, 'image')} {'fits' if made.unmatched.count == 1 else 'fit'} nothing and {keeps}."
    return text


class GroupTable(QAbstractTableModel):
    """One row a group; images that fit nothing stand first, where they are seen."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[grouping.Proposal] = []

    def show_grouping(self, made: Grouping | None) -> None:
        self.beginResetModel()
        self._rows = list(made.proposals) if made is not None else []
        if made is not None and made.unmatched.count:
            self._rows.insert(0, made.unmatched)
        self.endResetModel()

    def rowCount(self, parent: Index = NO_PARENT) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = NO_PARENT) -> int:
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = int(Qt.ItemDataRole.DisplayRole)
    ) -> object:
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return COLUMNS[section]
        if role == Qt.ItemDataRole.TextAlignmentRole and section == 1:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        return None

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> object:
        row = self._rows[index.row()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            more = " …" if row.count > len(row.examples) else ""
            return (row.name or ASIDE, f"{row.count:,}", ", ".join(row.examples) + more)[index.column()]
        if role == Qt.ItemDataRole.TextAlignmentRole and index.column() == 1:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if role == Qt.ItemDataRole.ForegroundRole and (not row.name or index.column() == 2):
            return theme().muted if row.name else theme().warning
        return None


def _build_page(field: QWidget, about: QWidget) -> QWidget:
    page = QWidget()
    layout = QVBoxLayout(page)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(GAP)
    layout.addWidget(field)
    layout.addWidget(about)
    layout.addStretch(1)
    return page
