"""How the curves of a run are shown: smoothing, scale, and other runs beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction, QIcon, QPainter, QPixmap, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QSlider, QToolButton, QWidget

from desktop.base.theme import GAP, PAD, notifier
from desktop.kit.parts import words
from desktop.train.run.curve_style import MOST_COMPARED, compared_color
from desktop.train.run.plot_choices import PLOT_TITLES, USUAL, PlotChoices
from desktop.train.run.run_curves import SMOOTHINGS

_WIDE = 600  # pixels that all of it takes with two runs beside the one that is shown
_NARROWEST = 300


class CurveBar(QWidget):
    """Announces what the user wants; draws nothing itself."""

    choices_changed = Signal(object)  # PlotChoices
    compared_changed = Signal(list)  # ids of runs, in the order in which they were chosen
    csv_wanted = Signal()
    tensorboard_wanted = Signal()
    picture_wanted = Signal()

    def __init__(self, choices: PlotChoices = USUAL, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._choices = choices
        self._runs: list[tuple[str, str]] = []
        self._compared: list[str] = []
        self._smoothing = QSlider(Qt.Orientation.Horizontal)
        self._smoothing.setRange(0, len(SMOOTHINGS) - 1)
        self._smoothing.setValue(SMOOTHINGS.index(choices.smoothing))
        self._smoothing.setPageStep(1)
        self._smoothing.setFixedWidth(110)
        self._smoothing.setAccessibleName("Smoothing of the steps")
        self._smoothed = QLabel()
        self._smoothed.setProperty("role", "muted")
        self._smoothed.setFixedWidth(self._smoothed.fontMetrics().horizontalAdvance("1000 steps") + GAP)
        self._log = _make_tool_button("Log scale", "Let the axis of the loss count powers of ten")
        self._log.setCheckable(True)
        self._log.setChecked(choices.logarithmic)
        self._plots = _make_tool_button("Curves", "Choose what is drawn")
        self._plots.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._plots_menu = QMenu(self._plots)
        self._plots.setMenu(self._plots_menu)
        self._compare = _make_tool_button("Compare", "Draw other runs beside this one")
        self._compare.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._compare_menu = QMenu(self._compare)
        self._compare.setMenu(self._compare_menu)
        self._export = _make_tool_button("Export", "Save the measures for other programs")
        self._export.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self._export)
        menu.addAction("Table (CSV)…", self.csv_wanted.emit)
        menu.addAction("TensorBoard event file…", self.tensorboard_wanted.emit)
        menu.addAction("Picture of the plots (PNG or SVG)…", self.picture_wanted.emit)
        self._export.setMenu(menu)
        self._caption = words("Smoothing", "muted")
        self._chips = QHBoxLayout()
        self._chips.setSpacing(GAP // 2)
        self._smoothing.valueChanged.connect(self._follow_smoothing)
        self._log.toggled.connect(lambda on: self._choose(replace(self._choices, logarithmic=on)))
        notifier.theme_changed.connect(self._build_chips)
        self._lay_out()
        self._name_smoothing()
        self._build_plots_menu()

    @property
    def choices(self) -> PlotChoices:
        return self._choices

    def choose_smoothing(self, steps: int) -> None:
        """Move the slider to one of SMOOTHINGS."""
        self._smoothing.setValue(SMOOTHINGS.index(steps))

    def choose_logarithmic(self, on: bool) -> None:
        """Press the switch of the scale."""
        self._log.setChecked(on)

    def show_plot(self, plot: str, on: bool) -> None:
        """Choose a plot in the menu, or take it away."""
        self._choose(self._choices.show_plot(plot, on))
        self._build_plots_menu()

    def plot_actions(self) -> dict[str, QAction]:
        """What the menu of the curves offers, by title."""
        return {action.text(): action for action in self._plots_menu.actions()}

    @property
    def compared(self) -> list[str]:
        return list(self._compared)

    def set_exportable(self, on: bool) -> None:
        """Whether there is anything to export."""
        self._export.setEnabled(on)

    def set_runs(self, runs: Sequence[tuple[str, str]]) -> None:
        """Offer these runs (id and title), without the one that is shown."""
        self._runs = list(runs)
        known = {run for run, _ in runs}
        if kept := [run for run in self._compared if run in known]:
            self._compared = kept
        elif self._compared:
            self._compared = []
            self.compared_changed.emit([])
        self._build_menu()
        self._build_chips()

    def compare_run(self, run: str, on: bool) -> None:
        """Choose a run to compare, or take it away."""
        if on == (run in self._compared):
            return
        if on:
            self._compared = [*self._compared, run][-MOST_COMPARED:]
        else:
            self._compared.remove(run)
        self._build_menu()
        self._build_chips()
        self.compared_changed.emit(list(self._compared))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Where there is little room the slider gets shorter and goes without its words, which its tip has."""
        super().resizeEvent(event)
        wide = self.width() >= _WIDE
        self._caption.setVisible(wide)
        self._smoothed.setVisible(wide)
        self._smoothing.setFixedWidth(110 if wide else 48)

    def minimumSizeHint(self) -> QSize:
        return QSize(_NARROWEST, super().minimumSizeHint().height())

    def _choose(self, choices: PlotChoices) -> None:
        if choices != self._choices:
            self._choices = choices
            self.choices_changed.emit(choices)

    def _build_plots_menu(self) -> None:
        self._plots_menu.clear()
        for plot, title in PLOT_TITLES.items():
            action = self._plots_menu.addAction(title)
            action.setCheckable(True)
            action.setChecked(plot in self._choices.plots)
            action.triggered.connect(lambda on, plot=plot: self.show_plot(plot, on))

    def _follow_smoothing(self) -> None:
        self._name_smoothing()
        self._choose(replace(self._choices, smoothing=SMOOTHINGS[self._smoothing.value()]))

    def _name_smoothing(self) -> None:
        steps = SMOOTHINGS[self._smoothing.value()]
        self._smoothed.setText("off" if steps == 1 else f"{steps} steps")
        self._smoothing.setToolTip(f"Smoothing: how many steps the thicker line is the mean of; now {steps}")

    def _build_menu(self) -> None:
        self._compare_menu.clear()
        for run, title in self._runs:
            action = self._compare_menu.addAction(title)
            action.setCheckable(True)
            action.setChecked(run in self._compared)
            action.toggled.connect(lambda on, run=run: self.compare_run(run, on))
        self._compare.setEnabled(bool(self._runs))

    def _build_chips(self) -> None:
        while (taken := self._chips.takeAt(0)) is not None:
            if (chip := taken.widget()) is not None:
                chip.hide()
                chip.deleteLater()
        for number, run in enumerate(self._compared):
            chip = QToolButton()
            chip.setProperty("role", "chip")
            chip.setText(f"{run}  ×")
            chip.setIcon(_draw_dot(number))
            chip.setIconSize(QSize(10, 10))
            chip.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            chip.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            chip.setToolTip(f"{run} is drawn in this colour. Press to take it away")
            chip.setAccessibleName(f"Compare with {run} no longer")
            chip.clicked.connect(lambda _checked=False, run=run: self.compare_run(run, on=False))
            self._chips.addWidget(chip)

    def _lay_out(self) -> None:
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GAP)
        layout.addWidget(self._caption)
        layout.addWidget(self._smoothing)
        layout.addWidget(self._smoothed)
        layout.addWidget(self._log)
        layout.addWidget(self._plots)
        layout.addSpacing(PAD)
        layout.addWidget(self._compare)
        layout.addLayout(self._chips)
        layout.addStretch(1)
        layout.addWidget(self._export)


def _make_tool_button(text: str, tip: str) -> QToolButton:
    button = QToolButton()
    button.setText(text)
    button.setToolTip(tip)
    button.setProperty("role", "segment")
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return button


def _draw_dot(number: int) -> QIcon:
    pixmap = QPixmap(QSize(20, 20))
    pixmap.setDevicePixelRatio(2)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(compared_color(number))
    painter.drawEllipse(1, 1, 8, 8)
    painter.end()
    return QIcon(pixmap)
