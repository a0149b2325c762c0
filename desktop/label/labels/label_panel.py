"""The project's labels beside the canvas: tick them for the selected boxes or for the next box, and edit them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import partial

from PySide6.QtCore import QMargins, QPoint, QSize, Signal
from PySide6.QtGui import QAction, QColor, QResizeEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QColorDialog,
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QMenu,
    QMessageBox,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from core.counting import format_count
from core.project.cooccurrence import count_cooccurrence
from core.project.edits import label_edits
from core.project.edits.edit import Edit
from core.project.palette import extend_labels
from core.project.project_reader import ProjectReader
from core.types import Label
from desktop.base.session import LONG, Session
from desktop.base.theme import GAP, PAD, icon, set_icon
from desktop.kit.error_box import message_box
from desktop.kit.parts import icon_button, restyle, surface, swatch, words
from desktop.label.canvas.box_rules import NO_RULES, BoxRules
from desktop.label.labels.label_delegate import ROW
from desktop.label.labels.label_dialog import LabelDialog
from desktop.label.labels.label_list import LABEL, LabelListModel
from desktop.label.labels.label_match import find_matches
from desktop.label.labels.label_rows import LabelRows
from desktop.label.labels.label_together import TogetherBars, TogetherDialog
from desktop.label.labels.merge_dialog import MergeLabelsDialog

ROWS_IN_SIGHT = 3  # of labels, however low the window is; the others are reached by scrolling
EDGES = 4  # of the list, above and below its rows together
SPACING = 2
ROWS_FIRST = 10  # of labels, before there is room for the bars
SEARCHED = 10  # with more labels than this there is a field to search them
Apply = Callable[[Callable[[ProjectReader], Edit]], bool]


class LabelPanel(QWidget):
    """Announces `toggled` and `keep_switched`, and leaves it to the page what that is about."""

    toggled = Signal(int)  # label id
    keep_switched = Signal(bool)
    hide_switched = Signal(int)  # label id: hide its boxes, or show them
    only_switched = Signal(int)  # label id: show its boxes only, or all
    lock_switched = Signal(int)  # label id: lock its boxes, or unlock them
    left = Signal()  # the keys go back to the image

    def __init__(self, session: Session, apply: Apply, keep_action: QAction) -> None:
        """`apply` makes an edit of the project, and shows why where that is refused; the switch names the key of
        `keep_action`.
        """
        super().__init__()
        self._session = session
        self._apply = apply
        self._rules = NO_RULES
        self._own: frozenset[int] = frozenset()  # labels of what is selected, for the bars
        self.model = LabelListModel(session, self)
        self.rows = LabelRows()
        self.rows.setModel(self.model)
        self.together = TogetherBars()
        self._about = words("", "small", wrap=True)
        self.search = QLineEdit(placeholderText="Search labels", clearButtonEnabled=True)
        self.search.setProperty("role", "search")
        self._add = icon_button("add", "Add a label")
        self._more = icon_button("more", "More about the labels")
        self._first = QPushButton("Add the first label")
        set_icon(self._first, "add")
        self._keep_action = keep_action
        self._keep = QCheckBox()
        self._keep.setToolTip("Every new box starts with the labels of the last, on every image, until this is off")
        self._keep_row = surface("switch")
        self._place_parts()
        self._connect_parts()
        self._show_keep_key()
        self._update_rows()

    def _place_parts(self) -> None:
        head = QHBoxLayout()
        head.setContentsMargins(PAD, GAP, GAP, 0)
        head.setSpacing(0)
        head.addWidget(words("Labels", "section"), 1)
        head.addWidget(self._add)
        head.addWidget(self._more)
        inner = QVBoxLayout()
        inner.setContentsMargins(PAD, 0, PAD, 4)
        inner.setSpacing(6)
        inner.addWidget(self._about)
        inner.addWidget(self.search)
        inner.addWidget(self._first)
        switch = QHBoxLayout(self._keep_row)
        switch.setContentsMargins(PAD, 5, PAD, 5)
        switch.addWidget(self._keep, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACING)
        layout.addLayout(head)
        layout.addLayout(inner)
        layout.addWidget(self.rows, 1)
        layout.addWidget(_make_line())
        layout.addWidget(self._keep_row)
        layout.addWidget(self.together)
        layout.addStretch(0)  # takes the room while there are no labels

    def _connect_parts(self) -> None:
        self._add.clicked.connect(self.add_label)
        self._first.clicked.connect(self.add_label)
        self._more.clicked.connect(self._show_more)
        self._keep.toggled.connect(self._switch_keep)
        self._keep_action.changed.connect(self._show_keep_key)
        self.search.textChanged.connect(self._filter_rows)
        self.search.returnPressed.connect(self.rows.take_focus)
        self.rows.toggled.connect(lambda row: self.toggled.emit(self._label_at(row).id))
        self.rows.menu_wanted.connect(self._show_menu)
        self.rows.edit_wanted.connect(lambda row: self.edit_label(self._label_at(row)))
        self.rows.delete_wanted.connect(lambda row: self.delete_label(self._label_at(row)))
        self.rows.moved.connect(self.move_label)
        self.rows.pointed.connect(self._point_at)
        self.rows.left.connect(self.left)
        self.together.all_wanted.connect(self.show_together)
        self.model.modelReset.connect(self._filter_rows)
        self._session.project_changed.connect(self._start_over)
        self._session.changed.connect(self._update_rows)

    # -- for the page

    def show_sets(self, sets: Sequence[frozenset[int]], about: str) -> None:
        """Tick the labels of `sets`, and say in `about` whose they are."""
        self.model.set_selection(sets)
        self._about.setText(about)
        self._own = sets[0] if len(sets) == 1 else frozenset()
        self._bring_into_sight(frozenset().union(*sets))
        self._point_at(-1)

    def show_rules(self, rules: BoxRules) -> None:
        """Say of which labels the boxes are hidden or locked."""
        self._rules = rules
        self.model.set_rules(rules)

    def show_keep(self, keep: bool) -> None:
        """Whether labels are kept for the next box."""
        self._keep.setChecked(keep)
        restyle(self._keep_row, "on", keep)

    def _show_keep_key(self) -> None:
        key = self._keep_action.shortcut().toString()
        self._keep.setText(f"Keep for the next box   {key}" if key else "Keep for the next box")

    # -- editing the labels

    def add_label(self) -> None:
        project = self._session.shown
        if project is None:
            return
        # A free name stands in until one is typed; only its colour and key are taken.
        taken = {label.name for label in project.labels()}
        stand_in = next(name for name in map(str, itertools.count(1)) if name not in taken)
        fresh = extend_labels(project.labels(), [stand_in], lambda: project.new_ids("label", 1)[0])[-1]
        dialog = LabelDialog(fresh, project.labels(), title="Add a label", parent=self)
        if dialog.exec():
            added = dialog.value()
            others = tuple(_without_key(label, added.shortcut) for label in project.labels())
            self._apply(lambda project: label_edits.set_labels(project, (*others, added), f"Add label {added.name}"))

    def edit_label(self, label: Label) -> None:
        """Change name, colour and key in a dialog."""
        if not self._editable:
            return
        dialog = LabelDialog(label, self.model.labels(), title=f"Label {label.name}", parent=self)
        if dialog.exec():
            self.change_label(dialog.value())

    def change_label(self, changed: Label) -> None:
        """A key that is given to this label is taken from the one that had it."""
        self._apply(lambda project: label_edits.change_label(project, changed))

    def recolor_label(self, label: Label) -> None:
        chosen = QColorDialog.getColor(QColor(label.color), self, f"Colour of {label.name}")
        if chosen.isValid():
            self.change_label(replace(label, color=chosen.name()))

    def merge_label(self, label: Label) -> None:
        """Ask which labels become one, and merge them."""
        project = self._session.shown
        if project is None or len(self.model.labels()) < 2:
            return
        dialog = MergeLabelsDialog(self.model.labels(), project.label_set_counts(), label, self)
        if dialog.exec():
            gone, into = dialog.gone, dialog.into
            self._apply_to_all(gone, lambda project: label_edits.merge_labels(project, gone, into))

    def delete_label(self, label: Label) -> None:
        """Ask, and take the label off the project and all its boxes."""
        project = self._session.shown
        if project is None or not self._editable:
            return
        counts = project.label_set_counts()
        touched, bare = label_edits.boxes_with(counts, [label.id]), counts.get(frozenset({label.id}), 0)
        where = "No box carries it."
        if touched:
            where = f"It is taken off {format_count(touched, 'box')}; the boxes themselves stay."
        if bare:
            where += f" {bare:,} of them {'is' if bare == 1 else 'are'} left with no label."
        box = message_box(self, f"Delete the label “{label.name}”?", f"{where} Undo brings it back.")
        delete = box.addButton("Delete label", QMessageBox.ButtonRole.DestructiveRole)
        delete.setProperty("role", "danger")
        box.setDefaultButton(box.addButton(QMessageBox.StandardButton.Cancel))
        box.exec()
        if box.clickedButton() is delete:
            self._apply_to_all([label.id], lambda project: label_edits.delete_labels(project, [label.id]))

    def _apply_to_all(self, gone: Collection[int], build: Callable[[ProjectReader], Edit]) -> None:
        """Make an edit of every box that carries one of `gone`; of very many already reading them takes its time."""
        project = self._session.shown
        if project is None:
            return
        session, touched = self._session, label_edits.boxes_with(project.label_set_counts(), gone)
        reads = f"Reading {format_count(touched, 'box')}"
        many = touched >= LONG
        self._apply(lambda project: session.run_at_length(reads, lambda: build(project)) if many else build(project))

    def move_label(self, row: int, to: int) -> None:
        """Put the label of `row` before the present place `to`."""
        if self._editable:
            ids = [label.id for label in self.model.labels()]
            order = label_edits.move_ids(ids, {ids[row]}, to)
            self._apply(lambda project: label_edits.order_labels(project, order))

    def sort_labels(self) -> None:
        """By name."""
        order = [label.id for label in sorted(self.model.labels(), key=lambda label: label.name.casefold())]
        self._apply(lambda project: label_edits.order_labels(project, order))

    def show_together(self) -> None:
        """All pairs of labels as a matrix."""
        project = self._session.shown
        if project is not None:
            dialog = TogetherDialog(project.labels(), count_cooccurrence(project.label_set_counts()), self)
            dialog.exec()
            dialog.deleteLater()

    # -- menus

    def _show_menu(self, row: int, at: QPoint) -> None:
        label, last = self._label_at(row), self.model.rowCount() - 1
        rules = self._rules
        menu = QMenu(self)
        for text, on, signal in (
            ("Hide its boxes", label.id in rules.hidden_labels, self.hide_switched),
            ("Show only its boxes", rules.only_label == label.id, self.only_switched),
            ("Lock its boxes", label.id in rules.locked_labels, self.lock_switched),
        ):
            action = menu.addAction(text, partial(signal.emit, label.id))
            action.setCheckable(True)
            action.setChecked(on)
        menu.addSeparator()
        looks = menu.actions()
        menu.addAction(icon("edit"), "Rename, key…\tF2", lambda: self.edit_label(label))
        menu.addAction(swatch(QColor(label.color)), "Colour…", lambda: self.recolor_label(label))
        menu.addSeparator()
        for text, enabled, to in (
            ("Move to the top\tAlt+Home", row > 0, 0),
            ("Move up\tAlt+Up", row > 0, row - 1),
            ("Move down\tAlt+Down", row < last, row + 2),
            ("Move to the end\tAlt+End", row < last, last + 1),
        ):
            menu.addAction(text, partial(self.move_label, row, to)).setEnabled(enabled)
        menu.addSeparator()
        menu.addAction("Merge into another…", lambda: self.merge_label(label)).setEnabled(last > 0)
        menu.addAction(icon("delete"), "Delete…\tDel", lambda: self.delete_label(label))
        for action in menu.actions():
            action.setEnabled(action.isEnabled() and (self._editable or action in looks))
        menu.exec(at)
        menu.deleteLater()

    def _show_more(self) -> None:
        menu = QMenu(self)
        some, several = self.model.rowCount() > 0, self.model.rowCount() > 1
        menu.addAction("Merge labels…", lambda: self.merge_label(self._label_at(0))).setEnabled(
            several and self._editable
        )
        menu.addAction("Sort by name", self.sort_labels).setEnabled(several and self._editable)
        menu.addAction("Labels that occur together…", self.show_together).setEnabled(some)
        menu.exec(self._more.mapToGlobal(QPoint(0, self._more.height())))
        menu.deleteLater()

    # -- what is shown

    def _label_at(self, row: int) -> Label:
        label: Label = self.model.index(row).data(LABEL)
        return label

    @property
    def _editable(self) -> bool:
        return self._session.project is not None and not self._session.project.read_only

    def _switch_keep(self, keep: bool) -> None:
        restyle(self._keep_row, "on", keep)
        self.keep_switched.emit(keep)

    def _point_at(self, row: int) -> None:
        """The bars tell of the label under the mouse, else of the one that the selection carries."""
        if row >= 0:
            self.together.show_label(self._label_at(row).id)
        elif self._own:
            self.together.show_label(next((label.id for label in self.model.labels() if label.id in self._own), None))

    def _bring_into_sight(self, ticked: frozenset[int]) -> None:
        """Scroll to a ticked label where none of them is seen."""
        rows = [self.model.index(row) for row, label in enumerate(self.model.labels()) if label.id in ticked]
        shown = self.rows.viewport().rect()
        if rows and not any(shown.contains(self.rows.visualRect(row).center()) for row in rows):
            self.rows.scrollTo(rows[0])

    def _filter_rows(self) -> None:
        typed = self.search.text()
        fits = {match.label.id for match in find_matches(self.model.labels(), typed)}
        for row, label in enumerate(self.model.labels()):
            self.rows.setRowHidden(row, label.id not in fits)
        # Between labels that are not seen there is no place to put one.
        self.rows.movable = not typed.strip() and self._editable

    def _start_over(self) -> None:
        self.search.clear()
        self.show_keep(False)
        self._update_rows()

    def _update_rows(self) -> None:
        count, project = self.model.rowCount(), self._session.shown
        self._add.setEnabled(self._editable)
        self._first.setVisible(self._editable and not count)
        for widget in (self.rows, self._about, self._keep_row, self._more):
            widget.setVisible(count > 0)
        self._keep.setEnabled(self._editable)
        self.search.setVisible(count > SEARCHED)
        if count <= SEARCHED and self.search.text():
            self.search.clear()
        self.rows.movable = self._editable and not self.search.text().strip()
        if project is not None:
            self.together.show_counts(project.labels(), count_cooccurrence(project.label_set_counts()))
        self._limit_height(count)

    # -- the room

    def sizeHint(self) -> QSize:
        """All labels and the bars in sight."""
        bars = self._bars_height() if self.together.has_pairs else 0
        return QSize(super().sizeHint().width(), self._rest_height() + self.model.rowCount() * ROW + bars)

    def minimumSizeHint(self) -> QSize:
        """The bars make way where there is little room."""
        least = super().minimumSizeHint()
        return least if self.together.isHidden() else least.shrunkBy(QMargins(0, 0, 0, self._bars_height()))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._share_room()

    def _limit_height(self, count: int) -> None:
        """Few labels take no more room than they need, many no less than some rows."""
        self.rows.setMinimumHeight(min(count, ROWS_IN_SIGHT) * ROW + EDGES)
        self._share_room()
        self.updateGeometry()

    def _share_room(self) -> None:
        """The bars are seen where the labels do not need the room; of the labels, no row is cut."""
        count, room = self.model.rowCount(), self.height() - self._rest_height()
        bars = self.together.has_pairs and room >= min(count, ROWS_FIRST) * ROW + self._bars_height()
        self.together.setVisible(bars)
        rows = (room - (self._bars_height() if bars else 0)) // ROW
        self.rows.setMaximumHeight(min(count, max(rows, ROWS_IN_SIGHT)) * ROW + EDGES)

    def _rest_height(self) -> int:
        """What everything but the rows and the bars takes, and the edges of the list."""
        layout = self.layout()
        assert layout is not None
        whole = layout.totalMinimumHeightForWidth(self.width()) if layout.hasHeightForWidth() else -1
        whole = whole if whole >= 0 else layout.totalMinimumSize().height()
        whole -= self._bars_height() if not self.together.isHidden() else 0
        return whole - (self.rows.minimumHeight() - EDGES if not self.rows.isHidden() else 0)

    def _bars_height(self) -> int:
        return self.together.minimumSizeHint().height() + SPACING


def _without_key(label: Label, key: str) -> Label:
    return replace(label, shortcut="") if key and label.shortcut == key else label


def _make_line() -> QFrame:
    return surface("line")
