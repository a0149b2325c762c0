"""How the image is shown, for the eye alone: brightness, contrast, gamma, percentiles, local contrast, one channel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QComboBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from core.imaging.adjust import Adjustment
from desktop.base.theme import GAP, PAD, mono_font
from desktop.kit.jump_slider import JumpSlider
from desktop.kit.parts import icon_button, words
from desktop.label.canvas.canvas_state import CHANNELS

WIDTH = 292
AS_IT_IS = Adjustment()
# What an inspector reaches for first, each with what it is good for.
PRESETS: Mapping[str, tuple[Adjustment, str]] = {
    "As it is": (AS_IT_IS, "The image's own values"),
    "Dark defects": (
        Adjustment(gamma=1.8, contrast=20, stretch=True, low=0.5, high=99.5),
        "Opens the shadows: inclusions, cracks and burns on dark parts",
    ),
    "Bright defects": (
        Adjustment(gamma=0.6, contrast=20, stretch=True, low=0.5, high=99.5),
        "Holds back the lights: glare, scratches and blisters on shiny parts",
    ),
    "Faint contrast": (
        Adjustment(channel="grey", stretch=True, low=2.0, high=98.0, clahe=3.0),
        "Spreads what little difference there is: stains, dents, haze",
    ),
    "Uneven light": (Adjustment(clahe=2.0), "Evens out the light from place to place and keeps the detail"),
}
CHANNEL_TEXT: Mapping[str, str] = {"rgb": "RGB", "red": "R", "green": "G", "blue": "B", "grey": "Grey"}


@dataclass(frozen=True, slots=True)
class Scale:
    """One value of the adjustment as a slider: `steps` of the slider for each unit of the value."""

    field: str
    text: str
    low: float
    high: float
    steps: int
    write: Callable[[float], str]


def _write_signed(value: float) -> str:
    return f"{value:+.0f}" if value else "0"


SCALES = (
    Scale("brightness", "Brightness", -100, 100, 1, _write_signed),
    Scale("contrast", "Contrast", -100, 100, 1, _write_signed),
    Scale("gamma", "Gamma", 0.2, 4.0, 20, "{:.2f}".format),
    Scale("clahe", "Local contrast", 0, 10, 10, lambda value: f"{value:.1f}" if value else "off"),
    Scale("low", "Black below", 0, 20, 10, "{:.1f} %".format),
    Scale("high", "White above", 80, 100, 10, "{:.1f} %".format),
)
STRETCH = ("low", "high")


class AdjustPanel(QFrame):
    """Floats over the image, so that one sees at once what a slider does; stays until it is closed."""

    adjusted = Signal(object)  # Adjustment
    closed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._view = parent
        self.setProperty("role", "popover")
        self.setAccessibleName("View adjustment")
        self.setFixedWidth(WIDTH)
        self.setCursor(Qt.CursorShape.ArrowCursor)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self._value = AS_IT_IS
        self._showing = False
        self._grip: QPoint | None = None
        self._sliders: dict[str, _Slider] = {}
        self._numbers: dict[str, QLabel] = {}
        self._presets = QComboBox()
        self._channels = QButtonGroup(self)
        self._stretch = QCheckBox("Stretch to percentiles")
        self._reset = QPushButton("Reset")
        self._place_parts()
        self._connect_parts()
        self.show_adjustment(AS_IT_IS)
        self.hide()

    @property
    def adjustment(self) -> Adjustment:
        return self._value

    def show_adjustment(self, adjustment: Adjustment) -> None:
        """Show these values without announcing them."""
        self._value, self._showing = adjustment, True
        for scale in SCALES:
            self._sliders[scale.field].setValue(round(getattr(adjustment, scale.field) * scale.steps))
            self._numbers[scale.field].setText(scale.write(getattr(adjustment, scale.field)))
        for button in self._channels.buttons():
            button.setChecked(button.objectName() == adjustment.channel)
        self._stretch.setChecked(adjustment.stretch)
        for name in STRETCH:
            self._sliders[name].setEnabled(adjustment.stretch)
            self._numbers[name].setEnabled(adjustment.stretch)
        known = [name for name, (preset, _) in PRESETS.items() if preset == adjustment]
        self._presets.setCurrentText(known[0] if known else "Own values")
        self._reset.setEnabled(not adjustment.is_neutral)
        self._showing = False

    # -- building

    def _place_parts(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(PAD, GAP, PAD, PAD)
        layout.setSpacing(GAP)
        head = QHBoxLayout()
        head.addWidget(words("View adjustment", "section"), 1)
        shut = icon_button("close", "Close  Esc")
        shut.clicked.connect(self.close_panel)
        head.addWidget(shut)
        layout.addLayout(head)
        row = QHBoxLayout()
        for name, (_, why) in PRESETS.items():
            self._presets.addItem(name)
            self._presets.setItemData(self._presets.count() - 1, why, Qt.ItemDataRole.ToolTipRole)
        self._presets.addItem("Own values")
        self._presets.setAccessibleName("Preset of the view")
        self._presets.setToolTip("What an inspector reaches for first")
        self._reset.setToolTip("Show the image as it is, and forget these values")
        row.addWidget(self._presets, 1)
        row.addWidget(self._reset)
        layout.addLayout(row)
        layout.addLayout(self._channel_row())
        grid = QGridLayout()
        grid.setHorizontalSpacing(GAP)
        grid.setVerticalSpacing(2)
        for line, scale in enumerate(SCALES):
            if scale.field == STRETCH[0]:
                grid.addWidget(self._stretch, line, 0, 1, 3)
            self._add_slider(grid, line + (scale.field in STRETCH), scale)
        grid.setColumnStretch(1, 1)
        layout.addLayout(grid)
        note = words("For the eye alone: files, training and export keep the image as it is.", "small", wrap=True)
        layout.addWidget(note)

    def _channel_row(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(2)
        self._channels.setExclusive(True)
        for channel, text in CHANNEL_TEXT.items():
            button = QToolButton()
            button.setText(text)
            button.setCheckable(True)
            button.setObjectName(channel)
            button.setProperty("role", "segment")
            button.setToolTip(CHANNELS[channel])
            button.setAccessibleName(CHANNELS[channel])
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            self._channels.addButton(button)
            row.addWidget(button)
        return row

    def _add_slider(self, grid: QGridLayout, line: int, scale: Scale) -> None:
        slider = _Slider(round(getattr(AS_IT_IS, scale.field) * scale.steps))
        slider.setRange(round(scale.low * scale.steps), round(scale.high * scale.steps))
        slider.setPageStep(max(1, (slider.maximum() - slider.minimum()) // 10))
        help_text = Adjustment.model_fields[scale.field].description or ""
        slider.setToolTip(f"{help_text}. Double click: back to where it was")
        slider.setAccessibleName(scale.text)
        number = words(role="small")
        number.setFont(mono_font(11))
        number.setFixedWidth(50)
        number.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._sliders[scale.field], self._numbers[scale.field] = slider, number
        name = words(scale.text, "small")
        name.setBuddy(slider)
        grid.addWidget(name, line, 0)
        grid.addWidget(slider, line, 1)
        grid.addWidget(number, line, 2)

    def _connect_parts(self) -> None:
        for scale in SCALES:
            self._sliders[scale.field].valueChanged.connect(lambda _value, scale=scale: self._take_slider(scale))
        self._presets.activated.connect(self._choose_preset)
        self._channels.buttonClicked.connect(lambda button: self._change_values(channel=button.objectName()))
        self._stretch.clicked.connect(lambda on: self._change_values(stretch=on))
        self._reset.clicked.connect(lambda: self.enter_adjustment(AS_IT_IS))

    # -- what the user does

    def _take_slider(self, scale: Scale) -> None:
        value = self._sliders[scale.field].value() / scale.steps
        kind = type(getattr(AS_IT_IS, scale.field))
        self._change_values(**{scale.field: kind(value)})

    def _choose_preset(self, place: int) -> None:
        if (name := self._presets.itemText(place)) in PRESETS:
            self.enter_adjustment(PRESETS[name][0])

    def _change_values(self, **values: object) -> None:
        if not self._showing:
            self.enter_adjustment(self._value.model_copy(update=values))

    def enter_adjustment(self, adjustment: Adjustment) -> None:
        """Show these values and announce them, as if the user had set them."""
        if adjustment != self._value:
            self.show_adjustment(adjustment)
            self.adjusted.emit(adjustment)

    def close_panel(self) -> None:
        self.hide()
        self.closed.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.close_panel()
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._grip = event.position().toPoint()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """The panel can be moved aside, by any bare part of it."""
        if self._grip is not None and event.buttons() & Qt.MouseButton.LeftButton:
            self.move_inside(self.pos() + event.position().toPoint() - self._grip)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._grip = None

    def move_inside(self, at: QPoint) -> None:
        """Stand at `at`, or as near to it as the view has room."""
        room = self._view.size() - self.size()
        self.move(min(max(at.x(), 0), max(room.width(), 0)), min(max(at.y(), 0), max(room.height(), 0)))

    def sizeHint(self) -> QSize:
        return QSize(WIDTH, super().sizeHint().height())


class _Slider(JumpSlider):
    def __init__(self, rest: int) -> None:
        super().__init__()
        self._rest = rest

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.setValue(self._rest)
