"""What every dialog that asks for something is made of: heading, sentence, fields, what is wrong, buttons."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from desktop.base.theme import GAP, PAD
from desktop.kit.body_scroll import BodyScroll
from desktop.kit.parts import restyle, words
from desktop.kit.screen_room import resize_within_screen

LABEL_WIDTH = 112  # of the names before fields, so that the fields of one dialog stand in one line


class DialogFrame(QDialog):
    """A dialog with one button that does it, disabled for as long as the line above it says why not."""

    def __init__(
        self,
        title: str,
        about: str = "",
        *,
        confirm: str,
        dismiss: str = "",
        parent: QWidget | None = None,
        width: int = 640,
    ) -> None:
        """`dismiss` is what the button says that does nothing, where "Cancel" would promise to take something back."""
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setMinimumWidth(width)
        self.problem = Paragraph("", "error")
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.confirm = self.buttons.addButton(confirm, QDialogButtonBox.ButtonRole.AcceptRole)
        self.confirm.setProperty("role", "primary")
        self.confirm.setDefault(True)
        cancel = self.buttons.button(QDialogButtonBox.StandardButton.Cancel)
        cancel.setAutoDefault(False)
        if dismiss:
            cancel.setText(dismiss)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        head = [words(title, "heading"), *([Paragraph(about, "muted")] if about else [])]
        around = [*head, self.problem, self.buttons]
        scroll = BodyScroll(around, (len(around) + 3) * PAD + GAP, PAD)
        self.body = scroll.body
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * PAD, 2 * PAD, 2 * PAD, PAD + GAP)
        layout.setSpacing(PAD)
        for label in head:
            layout.addWidget(label)
        layout.addWidget(scroll, 1)
        layout.addWidget(self.problem)
        self._foot = QHBoxLayout()
        self._foot.setSpacing(GAP)
        self._foot.addStretch(1)
        self._foot.addWidget(self.buttons)
        layout.addLayout(self._foot)

    def add_form(self) -> QFormLayout:
        """A form at the end of the body."""
        form = new_form()
        self.body.addLayout(form)
        return form

    def add_button(self, text: str, does: Callable[[], object]) -> QPushButton:
        """A button at the left, apart from those that end the dialog."""
        button = plain_button(text, does)
        self._foot.insertWidget(self._foot.count() - 2, button)
        return button

    def grow_to(self, height: int) -> None:
        """Be at least this high, and stay on the screen with all buttons: what grows, grows downwards."""
        resize_within_screen(self, self.width(), max(self.height(), height))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        room, frame = self.screen().availableGeometry(), self.frameGeometry()
        grown = self.isVisible() and event.size().height() > event.oldSize().height() >= 0
        if grown and frame.bottom() > room.bottom():
            self.move(frame.x(), max(room.top(), room.bottom() + 1 - frame.height()))

    def refuse(self, reason: str) -> None:
        """Say why it cannot be done yet; with an empty text it can."""
        self.say(reason, "error")
        self.confirm.setEnabled(not reason)

    def say(self, text: str, role: str = "muted") -> None:
        """Put a sentence on the line above the buttons."""
        self.problem.setText(text)
        restyle(self.problem, "role", role)


class Paragraph(QLabel):
    """Text of as many lines as it needs; layouts of Qt forget the last of them where a dialog is narrow."""

    def __init__(self, text: str = "", role: str = "") -> None:
        super().__init__(text)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(True)
        if role:
            self.setProperty("role", role)
        self._fit_height()

    def setText(self, text: str) -> None:
        super().setText(text)
        self._fit_height()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_height()

    def _fit_height(self) -> None:
        self.setMinimumHeight(max(self.fontMetrics().lineSpacing() + 4, self.heightForWidth(self.width())))


def plain_button(text: str, does: Callable[[], object]) -> QPushButton:
    """A button that Enter in a field does not press."""
    button = QPushButton(text)
    button.setAutoDefault(False)
    button.clicked.connect(lambda: does())
    return button


def new_form() -> QFormLayout:
    """A form with the spacing of all forms."""
    form = QFormLayout()
    form.setHorizontalSpacing(PAD)
    form.setVerticalSpacing(PAD)
    form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    return form


def add_row(form: QFormLayout, name: str, field: QWidget) -> QLabel:
    """Add a field with its name before it; the name is also what a screen reader says."""
    label = words(name)
    label.setMinimumWidth(LABEL_WIDTH)
    label.setBuddy(field)
    if not field.accessibleName():
        field.setAccessibleName(name)
    form.addRow(label, field)
    return label


def numeric(field: QAbstractSpinBox, name: str, width: int = 150) -> None:
    """Give a field for a number its name, its width, and the inner margin of the other fields."""
    field.setAccessibleName(name)
    field.setFixedWidth(width)
    line = field.lineEdit()
    assert line is not None
    line.setTextMargins(6, 0, 0, 0)
