"""What a run says in words: notices, its log, its recipe and where it was computed."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QPlainTextEdit, QSplitter, QTabWidget, QToolButton, QVBoxLayout, QWidget

from desktop.base.theme import GAP
from desktop.kit.parts import words
from desktop.train.run.log_lines import LogLines, ReadingText
from desktop.train.run.run_about import RunAbout, facts_text
from desktop.train.run.run_differences import ComparedRun, differences_text
from desktop.train.run.run_history import LogLine, RunHistory

_LEAST = 104  # pixels: a title and some lines, however much else is shown
_WIDE = 560  # pixels from which on notices have a place of their own; below, they are the first of the tabs


class RunTexts(QSplitter):
    """Notices are beside the rest where there is room, so that nobody has to look for them."""

    recipe_wanted = Signal()  # the run's recipe is to be that of the next training

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.notices = LogLines("Notices", "Warnings and hints of the training appear here.", prose=True)
        self.log = LogLines("Log", "What the training does, line by line.")
        self.recipe = ReadingText("Recipe", "The recipe of the run, as it stands in its folder.")
        self.facts = ReadingText("Environment", "Snapshot, device, versions and weights of the run.")
        self.differences = ReadingText(
            "Differences", "Choose runs under Compare: in what their settings, data and results differ appears here."
        )
        self.differences.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)  # columns are to stay columns
        self.use_recipe = QToolButton()
        self.use_recipe.setText("Use this recipe")
        self.use_recipe.setToolTip("Put the recipe of this run into the form, for the next training")
        self.use_recipe.setProperty("role", "segment")
        self.use_recipe.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.use_recipe.clicked.connect(self.recipe_wanted)
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        for page, title in (
            (self.log, "Log"),
            (self.recipe, "Recipe"),
            (self.differences, "Differences"),
            (self.facts, "Environment"),
        ):
            self.tabs.addTab(page, title)
        self.tabs.setCornerWidget(self.use_recipe)
        self.tabs.currentChanged.connect(self._offer_recipe)
        self._offer_recipe()
        self._place = QWidget()
        self._column = QVBoxLayout(self._place)
        self._column.setContentsMargins(0, 0, GAP, 0)
        self._column.setSpacing(GAP // 2)
        self._column.addWidget(words("Notices", "section"))
        self._column.addWidget(self.notices, 1)
        self.setContentsMargins(0, GAP, 0, 0)
        self.setMinimumHeight(_LEAST)
        self.addWidget(self._place)
        self.addWidget(self.tabs)
        self.setSizes([400, 600])

    def clear(self) -> None:
        """Forget the lines, since another run is shown."""
        self.notices.clear()
        self.log.clear()

    def show_run(self, history: RunHistory, about: RunAbout, beside: Sequence[ComparedRun] = ()) -> None:
        """Show the words of a run, compared with those `beside` it; what is there already stays where it is."""
        self.notices.show_lines([LogLine(f"• {notice.text}", notice.level) for notice in history.notices])
        self.log.show_lines(history.log)
        self.recipe.show_text(about.recipe)
        self.facts.show_text(facts_text(about, history))
        self.differences.show_text(differences_text([(about, history), *beside]))
        self._offer_recipe()

    def _offer_recipe(self) -> None:
        self.use_recipe.setVisible(self.tabs.currentWidget() is self.recipe and bool(self.recipe.text()))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        apart = self.tabs.indexOf(self.notices) < 0
        if apart and self.width() < _WIDE:
            self.tabs.insertTab(0, self.notices, "Notices")
            self.tabs.setCurrentIndex(0)
            self._place.hide()
        elif not apart and self.width() >= _WIDE:
            self.tabs.removeTab(self.tabs.indexOf(self.notices))
            self._column.addWidget(self.notices, 1)
            self.notices.show()
            self._place.show()
