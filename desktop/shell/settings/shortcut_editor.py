"""The keys of all actions, to be changed: a page of the settings."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QKeyEvent
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from desktop.base.actions import SCOPE_TITLES, SCOPES
from desktop.base.key_choice import PRESET_NOTES, PRESETS, KeyChoice, spec_of, to_native
from desktop.base.theme import GAP, theme
from desktop.kit.parts import words
from desktop.shell.settings.key_dialog import KeyDialog

ROW = 26  # height of an action, in pixels
ACTION = Qt.ItemDataRole.UserRole


class ShortcutEditor(QWidget):
    """A tree of pages and actions. Enter changes the key of the one in front, Del takes its keys away."""

    changed = Signal()

    def __init__(self, choice: KeyChoice, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.choice = choice
        self._items: dict[str, QTreeWidgetItem] = {}
        self._preset = QComboBox()
        self._preset.addItems(list(PRESETS))
        self._preset.setCurrentText(choice.preset)
        self._preset.setAccessibleName("Preset of keys")
        self._preset.activated.connect(lambda _index: self._take_preset(self._preset.currentText()))
        self._note = words("", "small", wrap=True)
        self._search = QLineEdit()
        self._search.setPlaceholderText("Find an action or a key")
        self._search.setAccessibleName("Find an action or a key")
        self._search.setProperty("role", "search")
        self._search.setClearButtonEnabled(True)
        self._search.textChanged.connect(self._filter_actions)
        self.tree = self._make_tree()
        self._about = words("", "warning", wrap=True)
        self._add = _build_button("Add a key…", self._ask_to_add)
        self._replace = _build_button("Change…", self.ask_to_change)
        self._remove = _build_button("No key", self._take_away)
        self._reset = _build_button("Reset", self._reset_one)
        self._reset_all = _build_button("Reset all", self._reset_all_keys)
        self._lay_out()
        self._show_choice()
        self.tree.setCurrentItem(self._items["label.draw"])

    def value(self) -> KeyChoice:
        return self.choice

    def set_choice(self, choice: KeyChoice) -> None:
        """Show other keys than before."""
        self.choice = choice
        self._preset.setCurrentText(choice.preset)
        self._show_choice()
        self.changed.emit()

    def select(self, action: str) -> None:
        self.tree.setCurrentItem(self._items[action])

    def give(self, action: str, key: str, *, instead: bool) -> None:
        """Give an action a key, beside those it has or instead of the first of them."""
        self.set_choice(self.choice.with_first_key(action, key) if instead else self.choice.with_key(action, key))

    # -- what the user does

    def ask_to_change(self) -> None:
        self._ask_key(instead=True)

    def _ask_to_add(self) -> None:
        self._ask_key(instead=False)

    def _ask_key(self, *, instead: bool) -> None:
        if (action := self._current_action()) is None:
            return
        dialog = KeyDialog(self.choice, action, self, instead=instead)
        if dialog.exec():
            self.give(action, dialog.key, instead=instead)
        dialog.deleteLater()

    def _take_away(self) -> None:
        if (action := self._current_action()) is not None:
            self.set_choice(self.choice.without_keys(action))

    def _reset_one(self) -> None:
        if (action := self._current_action()) is not None:
            self.set_choice(self.choice.reset_keys(action))

    def _reset_all_keys(self) -> None:
        self.set_choice(KeyChoice(self.choice.preset, {}))

    def _take_preset(self, preset: str) -> None:
        # Own changes were made against the former preset, and would clash with this one unforeseen.
        self.set_choice(KeyChoice(preset, {}))

    # -- what is shown

    def _current_action(self) -> str | None:
        item = self.tree.currentItem()
        return item.data(0, ACTION) if item is not None else None

    def _show_choice(self) -> None:
        self._note.setText(PRESET_NOTES[self.choice.preset])
        table = self.choice.list_keys()
        for action, item in self._items.items():
            item.setText(1, "   ".join(to_native(table[action])))
            font = QFont(item.font(0))
            font.setBold(self.choice.is_changed(action))
            item.setFont(0, font)
            item.setFont(1, font)
            clashing = any(self.choice.list_clashes(action, key) for key in table[action])
            item.setForeground(1, QColor(theme().bad if clashing else theme().text))
            changed = f"Changed; the preset has {' or '.join(to_native(self.choice.preset_keys(action))) or 'no key'}"
            item.setToolTip(1, changed if self.choice.is_changed(action) else "")
        self._show_current()

    def _show_current(self) -> None:
        action = self._current_action()
        for button in (self._add, self._replace):
            button.setEnabled(action is not None)
        self._remove.setEnabled(action is not None and bool(self.choice.find_keys(action)))
        self._reset.setEnabled(action is not None and self.choice.is_changed(action))
        self._reset_all.setEnabled(bool(self.choice.changes))
        clashing = []
        for key in self.choice.find_keys(action) if action is not None else ():
            for other in self.choice.list_clashes(action or "", key):
                clashing.append(f"{to_native([key])[0]} is also the key of “{spec_of(other).text}”: neither will work.")
        self._about.setText(" ".join(clashing))

    def _filter_actions(self, text: str) -> None:
        wanted = text.casefold().split()
        for scope in range(self.tree.topLevelItemCount()):
            group = self.tree.topLevelItem(scope)
            assert group is not None
            shown = 0
            for row in range(group.childCount()):
                item = group.child(row)
                assert item is not None
                words_of = f"{item.text(0)} {item.text(1)} {group.text(0)}".casefold()
                hidden = not all(word in words_of for word in wanted)
                item.setHidden(hidden)
                shown += not hidden
            group.setHidden(not shown)

    # -- building

    def _make_tree(self) -> QTreeWidget:
        tree = _Tree(self)
        tree.setColumnCount(2)
        tree.setHeaderLabels(["Action", "Keys"])
        tree.setAccessibleName("Actions and their keys")
        tree.setUniformRowHeights(True)
        tree.setIndentation(14)
        header = tree.header()
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Interactive)
        header.setStretchLastSection(False)
        header.resizeSection(1, 210)
        for scope, specs in SCOPES.items():
            group = QTreeWidgetItem([SCOPE_TITLES[scope], ""])
            group.setSizeHint(0, QSize(0, ROW))
            group.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable)
            tree.addTopLevelItem(group)
            group.setExpanded(True)
            for name, spec in specs.items():
                item = QTreeWidgetItem([spec.text.rstrip("…"), ""])
                item.setData(0, ACTION, f"{scope}.{name}")
                item.setToolTip(0, spec.tip)
                item.setSizeHint(0, QSize(0, ROW))
                group.addChild(item)
                self._items[f"{scope}.{name}"] = item
        tree.currentItemChanged.connect(lambda _now, _before: self._show_current())
        tree.itemDoubleClicked.connect(lambda _item, _column: self.ask_to_change())
        return tree

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(GAP)
        preset = words("&Preset")
        preset.setBuddy(self._preset)
        head.addWidget(preset)
        head.addWidget(self._preset)
        head.addWidget(self._note, 1)
        below = QHBoxLayout()
        below.setSpacing(GAP)
        for button in (self._replace, self._add, self._remove, self._reset):
            below.addWidget(button)
        below.addStretch(1)
        below.addWidget(self._reset_all)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GAP)
        layout.addLayout(head)
        layout.addWidget(self._search)
        layout.addWidget(self.tree, 1)
        layout.addWidget(self._about)
        layout.addLayout(below)


class _Tree(QTreeWidget):
    def __init__(self, editor: ShortcutEditor) -> None:
        super().__init__()
        self._editor = editor

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._editor.ask_to_change()
        elif event.key() == Qt.Key.Key_Delete:
            self._editor._take_away()
        else:
            super().keyPressEvent(event)


def _build_button(text: str, does: Callable[[], object]) -> QPushButton:
    button = QPushButton(text)
    button.setAutoDefault(False)
    button.clicked.connect(lambda: does())
    return button
