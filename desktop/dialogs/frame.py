"""What every dialog that asks for something is made of: heading, sentence, fields, what is wrong, buttons."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QFormLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from desktop.theme import GAP, PAD
from desktop.widgets.parts import restyle, words

LABEL_WIDTH = 112  # of the names before fields, so that the fields of one dialog stand in one line


class DialogFrame(QDialog):
    """A dialog with one button that does it, disabled for as long as the line above it says why not."""

    def __init__(
        self, title: str, about: str = "", *, confirm: str, parent: QWidget | None = None, width: int = 640
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setMinimumWidth(width)
        self.body = QVBoxLayout()
        self.body.setSpacing(PAD)
        self.problem = words("", "error", wrap=True)
        self.problem.setMinimumHeight(20)
        self.problem.setTextFormat(Qt.TextFormat.PlainText)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.confirm = self.buttons.addButton(confirm, QDialogButtonBox.ButtonRole.AcceptRole)
        self.confirm.setDefault(True)
        self.buttons.button(QDialogButtonBox.StandardButton.Cancel).setAutoDefault(False)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * PAD, 2 * PAD, 2 * PAD, PAD + GAP)
        layout.setSpacing(PAD)
        layout.addWidget(words(title, "heading"))
        if about:
            layout.addWidget(words(about, "muted", wrap=True))
        layout.addLayout(self.body, 1)
        layout.addWidget(self.problem)
        layout.addWidget(self.buttons)

    def add_form(self) -> QFormLayout:
        """A form at the end of the body."""
        form = new_form()
        self.body.addLayout(form)
        return form

    def add_button(self, text: str, does: Callable[[], object]) -> QPushButton:
        """A button to the left of those that end the dialog."""
        button = self.buttons.addButton(text, QDialogButtonBox.ButtonRole.ActionRole)
        button.setAutoDefault(False)
        button.clicked.connect(lambda: does())
        return button

    def refuse(self, reason: str) -> None:
        """Say why it cannot be done yet; with an empty text it can."""
        self.say(reason, "error")
        self.confirm.setEnabled(not reason)

    def say(self, text: str, role: str = "muted") -> None:
        """Put a sentence on the line above the buttons."""
        self.problem.setText(text)
        restyle(self.problem, "role", role)


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
