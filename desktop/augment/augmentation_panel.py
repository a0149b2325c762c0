"""The controls of the augmentation: presets, a control for each parameter, and the way back to the defaults."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QFrame, QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from core.augmentation.config import PRESETS, AugmentationConfig
from desktop.base.theme import GAP, PAD
from desktop.kit.model_form import ModelForm

WIDTH = 376

SECTIONS = {
    "Position": ["horizontal_flip", "vertical_flip", "quarter_turn", "rotation", "scale", "shift", "shear"],
    "Crop": ["crop", "crop_smallest"],
    "Light and sharpness": ["brightness", "contrast", "saturation", "blur", "noise"],
    "Boxes": ["min_visible"],
}


class AugmentationPanel(QFrame):
    """Edits one AugmentationConfig."""

    changed = Signal(object)  # AugmentationConfig, after a change by the user

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "panel")
        self.setFixedWidth(WIDTH)
        self._config = AugmentationConfig.model_validate({})
        self._defaults = self._config
        self.form = ModelForm(self._config, SECTIONS)
        self.form.changed.connect(self.take_value)
        self.presets = QButtonGroup(self, exclusive=False)
        self.reset = QPushButton("Reset to defaults")
        self.reset.setToolTip("The augmentation that suits the chosen model")
        self.reset.clicked.connect(lambda: self._set_value(self._defaults))
        self._notice = QLabel(wordWrap=True)
        self._notice.setProperty("role", "error")
        self._notice.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(PAD, PAD, 0, PAD)
        column.setSpacing(GAP)
        column.addLayout(self._make_preset_row())
        column.addWidget(self._make_scrolling_form(), 1)
        column.addWidget(self._notice)
        last = QHBoxLayout()
        last.setContentsMargins(0, 0, PAD, 0)
        last.addWidget(self.reset)
        column.addLayout(last)
        self._show_dependents()

    def set_config(self, config: AugmentationConfig, defaults: AugmentationConfig) -> None:
        """Show `config`; the reset button goes to `defaults`."""
        self._config, self._defaults = config, defaults
        self.form.set_value(config)
        self._show_dependents()

    def show_notice(self, text: str) -> None:
        """Say what is wrong with keeping the values; an empty text takes it away."""
        self._notice.setText(text)
        self._notice.setVisible(bool(text))

    @property
    def notice(self) -> str:
        return self._notice.text()

    def _make_preset_row(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, PAD, 0)
        row.setSpacing(4)
        for name, config in PRESETS.items():
            button = QPushButton(name)
            button.setCheckable(True)
            words = (
                "Switch everything off" if name == "None" else f"Set every control to the {name.lower()} augmentation"
            )
            button.setToolTip(words)
            # Four names side by side need the room of the usual padding.
            button.setStyleSheet("padding-left: 4px; padding-right: 4px;")
            button.clicked.connect(lambda _=False, config=config: self._set_value(config))
            self.presets.addButton(button)
            row.addWidget(button, 1)
        return row

    def _make_scrolling_form(self) -> QScrollArea:
        scroll = QScrollArea(widgetResizable=True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # what is in it takes the keys
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.form.setContentsMargins(0, GAP // 2, PAD, 0)
        scroll.setWidget(self.form)
        # The panel's own colour shows through.
        scroll.viewport().setAutoFillBackground(False)
        self.form.setAutoFillBackground(False)
        return scroll

    def take_value(self, config: object) -> None:
        assert isinstance(config, AugmentationConfig)
        self._config = config
        self._show_dependents()
        self.changed.emit(config)

    def _set_value(self, config: AugmentationConfig) -> None:
        self.form.set_value(config)
        self.take_value(config)

    def _show_dependents(self) -> None:
        """What goes with the values: the preset that they are, the controls that have no effect."""
        self.form.set_field_enabled("crop_smallest", self._config.crop > 0)
        for button in self.presets.buttons():
            button.setChecked(PRESETS[button.text()] == self._config)
        self.reset.setEnabled(self._config != self._defaults)
