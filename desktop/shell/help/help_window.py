"""The help in a window of its own: topics and a search at the left, the text at the right."""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import dataclass

from PySide6.QtCore import QByteArray, QEvent, QObject, QSize, Qt, QTimer
from PySide6.QtGui import QAction, QHideEvent, QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from core.counting import format_count
from core.help_topics import NAMES, Hit, Topic, find_topic, load_topics, search_topics
from core.settings import Settings
from desktop.base.theme import GAP, PAD, set_icon
from desktop.kit.parts import bar_button, surface, words
from desktop.kit.screen_room import resize_within_screen
from desktop.shell.help.help_text import HelpText

LIST_WIDTH = 230
ROW = 30
SHOWN_HITS = 60


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the help a user reads."""

    topic: str
    top: int = 0  # of the text, in pixels


class HelpWindow(QWidget):
    """Stays beside the program's window while that is used. Remembers where it was read, also for the next start."""

    def __init__(self, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Window)
        self.setObjectName("page")
        self.setWindowTitle("DefectDesk help")
        self.setMinimumSize(560, 380)
        self.setAttribute(Qt.WidgetAttribute.WA_QuitOnClose, False)
        self._settings = settings
        self._back: list[Place] = []
        self._forward: list[Place] = []
        self._topic: Topic = load_topics()[0]
        self.search = QLineEdit()
        self.list = QListWidget()
        self.text = HelpText()
        self._count = words("", "small")
        self._actions = self._make_actions()
        self._lay_out()
        self._connect()
        self._restore()

    @property
    def place(self) -> Place:
        return Place(self._topic.name, self.text.verticalScrollBar().value())

    def show_topic(self, name: str, anchor: str = "", marked: list[str] | None = None) -> None:
        """Show a topic from its beginning or from a heading, with words marked; the place before can be gone back to."""
        before = self.place
        self._show_text(name, marked)
        self.text.scroll_to(anchor)
        if self.place != before:
            self._back.append(before)
            self._forward.clear()
            self._enable()

    def go_back(self, _checked: bool = False) -> None:
        self._go(self._back, self._forward)

    def go_forward(self, _checked: bool = False) -> None:
        self._go(self._forward, self._back)

    def shown_hits(self) -> list[Hit]:
        """What the search has found; empty while nothing is searched."""
        found = (self.list.item(row).data(Qt.ItemDataRole.UserRole) for row in range(self.list.count()))
        return [one for one in found if isinstance(one, Hit)]

    # -- building

    def _make_actions(self) -> dict[str, QAction]:
        made: dict[str, QAction] = {}
        for name, text, icon, key, does in (
            ("back", "Back", "previous", QKeySequence.StandardKey.Back, self.go_back),
            ("forward", "Forward", "next", QKeySequence.StandardKey.Forward, self.go_forward),
            ("search", "Search the help", "search", QKeySequence.StandardKey.Find, self._focus_search),
        ):
            action = QAction(text, self)
            action.setShortcuts(QKeySequence.keyBindings(key))
            action.setToolTip(f"{text}   {action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)}")
            action.triggered.connect(does)
            set_icon(action, icon)
            self.addAction(action)
            made[name] = action
        return made

    def _lay_out(self) -> None:
        self.search.setPlaceholderText("Search the help")
        self.search.setAccessibleName("Search the help")
        self.search.setClearButtonEnabled(True)
        self.list.setAccessibleName("Topics of the help")
        self.list.setWordWrap(True)
        self.list.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        bar = QHBoxLayout()
        bar.setSpacing(4)
        for name in ("back", "forward"):
            bar.addWidget(bar_button(self._actions[name]))
        bar.addStretch(1)
        side = surface("panel")
        column = QVBoxLayout(side)
        column.setContentsMargins(PAD, PAD, PAD, PAD)
        column.setSpacing(GAP)
        column.addLayout(bar)
        column.addWidget(self.search)
        column.addWidget(self._count)
        column.addWidget(self.list, 1)
        splitter = QSplitter()
        splitter.addWidget(side)
        splitter.addWidget(self.text)
        splitter.setStretchFactor(1, 1)
        splitter.setSizes([LIST_WIDTH, 700])
        splitter.setChildrenCollapsible(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(splitter)

    def _connect(self) -> None:
        self.search.textChanged.connect(self._list_rows)
        self.search.installEventFilter(self)
        self.list.currentItemChanged.connect(lambda item, _before: self._choose(item))
        self.list.itemClicked.connect(self._choose)
        self.list.itemActivated.connect(lambda _item: self.text.setFocus())
        self.text.topic_wanted.connect(self.show_topic)

    # -- topics and hits

    def _list_rows(self) -> None:
        """List the hits of the search, or all topics while there is none."""
        hits = search_topics(self.search.text())
        self.list.setSpacing(3 if hits else 0)
        searched = bool(self.search.text().strip())
        self.list.clear()
        if searched:
            titles = {topic.name: topic.title for topic in load_topics()}
            for hit in hits[:SHOWN_HITS]:
                heading = hit.section.title if hit.section.anchor else "Beginning"
                self._add_row(f"{titles[hit.section.topic]} › {heading}\n{hit.excerpt}", hit)
        else:
            for topic in load_topics():
                self._add_row(topic.title, topic).setSizeHint(QSize(0, ROW))
            self.list.setCurrentRow(NAMES.index(self._topic.name))
        self._count.setVisible(searched)
        self._count.setText(format_count(len(hits), "place") if hits else "Nothing holds all of these words.")

    def _add_row(self, text: str, data: Topic | Hit) -> QListWidgetItem:
        item = QListWidgetItem(text)
        item.setData(Qt.ItemDataRole.UserRole, data)
        self.list.addItem(item)
        return item

    def _choose(self, item: QListWidgetItem | None) -> None:
        chosen = item.data(Qt.ItemDataRole.UserRole) if item is not None else None
        if isinstance(chosen, Hit):
            self.show_topic(chosen.section.topic, chosen.section.anchor, self.search.text().split())
        elif isinstance(chosen, Topic) and chosen is not self._topic:
            self.show_topic(chosen.name)

    def _show_text(self, name: str, marked: list[str] | None = None) -> None:
        self._topic = find_topic(name)
        self.text.show_topic(self._topic, marked)
        if not self.search.text().strip():
            self.list.setCurrentRow(NAMES.index(self._topic.name))

    def _go(self, places: list[Place], others: list[Place]) -> None:
        if places:
            others.append(self.place)
            self._show_place(places.pop())

    def _show_place(self, place: Place) -> None:
        self._show_text(place.topic)
        self.text.verticalScrollBar().setValue(place.top)
        self._enable()

    def _enable(self) -> None:
        self._actions["back"].setEnabled(bool(self._back))
        self._actions["forward"].setEnabled(bool(self._forward))

    # -- keys

    def _focus_search(self, _checked: bool = False) -> None:
        self.search.setFocus()
        self.search.selectAll()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """In the search field, Down goes to the hits and Enter shows the first."""
        if watched is self.search and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            key = Qt.Key(event.key())
            if key in (Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.list.count():
                self.list.setCurrentRow(max(self.list.currentRow(), 0))
                (self.list if key == Qt.Key.Key_Down else self.text).setFocus()
                return True
        return super().eventFilter(watched, event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() != Qt.Key.Key_Escape:
            super().keyPressEvent(event)
        elif self.search.text():
            self.search.clear()
        else:
            self.close()

    # -- what is remembered

    def _restore(self) -> None:
        kept = self._settings.values
        if not (kept.help_geometry and self.restoreGeometry(QByteArray(b64decode(kept.help_geometry)))):
            resize_within_screen(self, 960, 640)
        known = kept.help_topic if kept.help_topic in NAMES else NAMES[0]
        self._topic = find_topic(known)
        self._list_rows()
        self._show_text(known)
        self._enable()
        self.search.setFocus()
        # The text is as long as the window is wide, which it is only once it is shown.
        QTimer.singleShot(0, self, lambda: self.text.verticalScrollBar().setValue(kept.help_scroll))

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        if not event.spontaneous():
            place = self.place
            geometry = b64encode(self.saveGeometry().data()).decode("ascii")
            self._settings.update(help_geometry=geometry, help_topic=place.topic, help_scroll=place.top)
