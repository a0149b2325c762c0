"""Search, filter and order of the image list, and what is asked for now as words that can be taken away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QAction, QActionGroup, QIcon
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QMenu, QToolButton, QVBoxLayout, QWidget

from core.project.images.query import Filter, SortKey
from core.types import Label, Split
from desktop.base.theme import GAP, icon, notifier, set_icon, theme
from desktop.kit.chips import Chips, chip
from desktop.kit.leaving_field import SearchField
from desktop.kit.parts import icon_button
from desktop.label.images.filter_popup import FilterPopup
from desktop.label.images.filter_words import SORTS, parts

TYPING = 120  # ms without a key before the words are looked for
HELP = (
    "Every word must be in the path or the note of an image.\nA word with * or ? must be the whole file name: *_top.jpg"
)


class FilterBar(QWidget):
    """Holds what is asked for. `changed` and `sorted` tell of it; whoever shows images applies it."""

    changed = Signal(object)  # Filter
    sorted = Signal(object, bool)  # SortKey, descending
    offers_wanted = Signal()  # the fields are about to be shown: `show_project` what they offer

    def __init__(self) -> None:
        super().__init__()
        self._value = Filter()
        self._sort, self._descending = SortKey.NAME, False
        self._labels: dict[int, Label] = {}
        self.search = SearchField(placeholderText="Search", clearButtonEnabled=True)
        self.search.setProperty("role", "search")
        self.search.setAccessibleName("Search the images")
        self.search.setToolTip(HELP)
        self._sign = self.search.addAction(QIcon(), QLineEdit.ActionPosition.LeadingPosition)
        self.popup = FilterPopup(self)
        self._filter_button = icon_button("filter", "Filter the images", 18)
        self._filter_button.clicked.connect(self.open_filters)
        self._sort_button = icon_button("sort", "Order the images", 18)
        self._sort_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._sort_menu = QMenu(self)
        self._sort_menu.aboutToShow.connect(self._fill_sort_menu)
        self._sort_button.setMenu(self._sort_menu)
        self._chips = Chips()
        self._chips.hide()
        self._typing = QTimer(self, singleShot=True, interval=TYPING)
        self._typing.timeout.connect(self._search_words)
        self.search.textChanged.connect(lambda _text: self._typing.start())
        self.search.returnPressed.connect(self._search_words)
        self.popup.changed.connect(self.set_value)
        line = QHBoxLayout()
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(2)
        line.addWidget(self.search, 1)
        line.addWidget(self._filter_button)
        line.addWidget(self._sort_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GAP)
        layout.addLayout(line)
        layout.addWidget(self._chips)
        notifier.theme_changed.connect(self._tint_icons)
        self._tint_icons()

    @property
    def value(self) -> Filter:
        """What is asked for, words that were typed a moment ago included."""
        return replace(self._value, words=self.search.text().strip())

    @property
    def chips(self) -> list[QToolButton]:
        """The parts of what is asked for, each of which is taken away by its button."""
        flow = self._chips.flow
        widgets = [item.widget() for place in range(flow.count()) if (item := flow.itemAt(place)) is not None]
        return [widget for widget in widgets if isinstance(widget, QToolButton)]

    def set_value(self, value: Filter) -> None:
        """Ask for something else, and announce it."""
        self._typing.stop()
        if self.search.text().strip() != value.words:
            self.search.setText(value.words)
            self._typing.stop()
        self._value = value
        self._show_value()
        self.changed.emit(value)

    def start_over(self) -> None:
        """Ask for everything in the order of names, without announcing it: another project came."""
        self.search.setText("")
        self._typing.stop()
        self._value, self._sort, self._descending = Filter(), SortKey.NAME, False
        self.popup.close()
        self._show_value()

    def show_labels(self, labels: Sequence[Label]) -> None:
        """The labels by which images can be filtered."""
        self._labels = {label.id: label for label in labels}
        self._show_value()

    def show_offers(self, groups: Sequence[tuple[str, int]], splits: Mapping[Split, int]) -> None:
        """What can be chosen in the fields."""
        self.popup.show_project(list(self._labels.values()), groups, splits)

    def open_filters(self) -> None:
        """Show all fields."""
        self.offers_wanted.emit()
        self.popup.show_value(self.value)
        self.popup.open_beside(self)

    def fields(self) -> list[QWidget]:
        """What takes the keys, in order."""
        return [self.search, self._filter_button, self._sort_button]

    # -- inside

    def _search_words(self) -> None:
        self._typing.stop()
        if self.value != self._value:
            self.set_value(self.value)

    def _show_value(self) -> None:
        self._chips.flow.clear()
        found = parts(self._value, self._labels)
        for part in found:
            button = chip(part.text, removes=f"Do not ask for “{part.text}” any more")
            button.clicked.connect(partial(self.set_value, part.without))
            self._chips.flow.addWidget(button)
        if found:
            clear = chip("Clear all")
            clear.setProperty("role", "chip-link")
            clear.clicked.connect(lambda: self.set_value(Filter()))
            self._chips.flow.addWidget(clear)
        self._chips.setVisible(bool(found))
        self._chips.updateGeometry()
        self._tint_icons()
        if self.popup.isVisible():
            self.popup.show_value(self._value)

    def _fill_sort_menu(self) -> None:
        self._sort_menu.clear()
        keys = QActionGroup(self._sort_menu)
        for key, (text, *_) in SORTS.items():
            self._add_choice(keys, text, key is self._sort, key, self._descending if key is self._sort else False)
        self._sort_menu.addSeparator()
        ways = QActionGroup(self._sort_menu)
        _, upwards, downwards = SORTS[self._sort]
        for text, descending in ((upwards, False), (downwards, True)):
            self._add_choice(ways, text[0].upper() + text[1:], descending is self._descending, self._sort, descending)

    def _add_choice(self, group: QActionGroup, text: str, checked: bool, key: SortKey, descending: bool) -> None:
        action = QAction(text, self._sort_menu)
        action.setCheckable(True)
        action.setChecked(checked)
        action.triggered.connect(lambda: self.choose_sorting(key, descending))
        group.addAction(action)
        self._sort_menu.addAction(action)

    def choose_sorting(self, key: SortKey, descending: bool) -> None:
        """Put the images in another order, and announce it."""
        self._sort, self._descending = key, descending
        self._tint_icons()
        self.sorted.emit(key, descending)

    def _tint_icons(self) -> None:
        self._sign.setIcon(icon("search", theme().muted, size=16))
        active = bool(replace(self._value, words=""))
        set_icon(self._filter_button, "filter", "accent" if active else "muted", size=18)
        ordered = self._sort is not SortKey.NAME or self._descending
        set_icon(self._sort_button, "sort", "accent" if ordered else "muted", size=18)
        text, upwards, downwards = SORTS[self._sort]
        self._sort_button.setToolTip(f"Order: {text.lower()}, {downwards if self._descending else upwards}")
