"""Recipes to start from, each with the situation that it is for."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QFrame, QPushButton, QToolButton, QVBoxLayout, QWidget

from core.models.registry import model_spec
from core.recipe.presets import Preset, load_presets
from desktop.base.theme import GAP, PAD
from desktop.kit.parts import words

WIDTH = 520
_DEFAULTS = "What suits the model on ordinary data: its own weights, strategy, rate and schedule."


class PresetButton(QToolButton):
    """Opens the list of presets."""

    opening = Signal()  # the list will be shown: time to say for which model
    chosen = Signal(object)  # Preset
    defaults_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setText("Presets")
        self.setToolTip("Begin with settings made for a situation")
        self.setProperty("role", "segment")
        self.setArrowType(Qt.ArrowType.DownArrow)
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.popup = QFrame(self, Qt.WindowType.Popup)
        self.popup.setProperty("role", "popover")
        self.popup.setFixedWidth(WIDTH)
        self._column = QVBoxLayout(self.popup)
        self._column.setContentsMargins(GAP, GAP, GAP, GAP)
        self._column.setSpacing(2)
        self.rows: list[_Row] = []
        self.clicked.connect(self.open_list)

    def show_for(self, model: str) -> None:
        """List the presets, and say of each that is not made for `model` which one it brings."""
        for row in self.rows:
            self._column.removeWidget(row)
            row.deleteLater()
        title = model_spec(model).title
        self.rows = [_Row("Model's defaults", _DEFAULTS, f"for {title}")]
        self.rows[0].clicked.connect(lambda: self._choose_preset(None))
        for preset in load_presets():
            if not preset.suits(model) and not preset.usual_model:
                continue  # made for models with weights, and names none
            other = "" if preset.suits(model) else f"brings {model_spec(preset.usual_model).title}"
            row = _Row(preset.title, preset.when, other)
            row.clicked.connect(lambda _=False, preset=preset: self._choose_preset(preset))
            self.rows.append(row)
        for row in self.rows:
            self._column.addWidget(row)

    def open_list(self) -> None:
        """Show the list below the button."""
        self.opening.emit()
        self.popup.adjustSize()
        self.popup.move(self.mapToGlobal(QPoint(0, self.height() + 2)))
        self.popup.show()
        self.rows[0].setFocus(Qt.FocusReason.PopupFocusReason)

    def _choose_preset(self, preset: Preset | None) -> None:
        self.popup.hide()
        if preset is None:
            self.defaults_wanted.emit()
        else:
            self.chosen.emit(preset)


class _Row(QPushButton):
    """A title, the sentences on when to use it, and at the right a note."""

    def __init__(self, title: str, when: str, note: str) -> None:
        super().__init__()
        self.setProperty("role", "row")
        self.setAccessibleName(title)
        self.setAccessibleDescription(" ".join(filter(None, (when, note))))
        head = words(f"{title}   ·   {note}" if note else title)
        head.setProperty("changed", True)
        self._when = words(when, "small", wrap=True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(PAD, GAP, PAD, GAP)
        layout.setSpacing(2)
        for label in (head, self._when):
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
            layout.addWidget(label)
        self._fit_height()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._fit_height()

    def _fit_height(self) -> None:
        # A button takes no height from the layout inside it.
        self._when.ensurePolished()
        layout = self.layout()
        assert layout is not None
        self.setFixedHeight(layout.totalHeightForWidth(self.width() if self.isVisible() else WIDTH - 2 * GAP))
