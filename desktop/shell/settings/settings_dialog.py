"""The settings, as a form that is built from their declaration. Nothing changes before OK or Apply."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from core.settings import Preferences, Settings
from desktop.base.key_choice import KeyChoice, choice_of
from desktop.base.theme import PAD, set_icon
from desktop.kit.error_box import show_error
from desktop.kit.model_form import ModelForm
from desktop.kit.parts import surface, words
from desktop.kit.screen_room import resize_within_screen
from desktop.shell.settings.canvas_preview import CanvasPreview
from desktop.shell.settings.shortcut_editor import ShortcutEditor

SHORTCUTS = "Shortcuts"
ROW = 34  # height of a section in the list, in pixels
ABOUT = {
    "Appearance": "How the whole window looks. Letters get another size from the next start on.",
    "Canvas": "How boxes and guides look on the image. The picture below follows what you set.",
    SHORTCUTS: "Keys of every action. A key can do one thing on a page; what is heard everywhere counts on each.",
    "Labelling": "What happens while boxes are drawn.",
    "Images": "How much memory decoded images may take, and which files are refused.",
    "Computing": "How much of this machine a training or a prediction may use.",
}


def list_sections() -> dict[str, list[str]]:
    """Headings with the settings that a user changes in the form, in the order of their declaration."""
    found: dict[str, list[str]] = {}
    for name, info in Preferences.model_fields.items():
        if isinstance(info.json_schema_extra, dict) and (section := info.json_schema_extra.get("section")):
            found.setdefault(str(section), []).append(name)
    return found


class SettingsDialog(QDialog):
    """A list of sections at the left, the section in front at the right."""

    def __init__(self, settings: Settings, parent: QWidget | None = None, *, section: str = "") -> None:
        super().__init__(parent)
        self.setWindowTitle("Settings")
        resize_within_screen(self, 860, 620)
        self._settings = settings
        values = settings.values
        self.forms: dict[str, ModelForm] = {}
        self.keys = ShortcutEditor(choice_of(values.shortcut_preset, values.shortcuts))
        self._list = QListWidget()
        self._list.setAccessibleName("Sections of the settings")
        self._list.setProperty("role", "sections")
        self._list.setFixedWidth(150)
        self._stack = QStackedWidget()
        for name, fields in list_sections().items():
            self.forms[name] = ModelForm(values, {"": fields})
            if name == "Canvas":
                self._preview = CanvasPreview(values)
                self.forms[name].changed.connect(self._preview.show_values)
                self._add_section(name, self.forms[name], self._preview)
                self._add_section(SHORTCUTS, self.keys)
            else:
                self._add_section(name, self.forms[name])
        self._list.currentRowChanged.connect(self._stack.setCurrentIndex)
        self._buttons = self._make_buttons()
        self._lay_out()
        self.show_section(section or "Appearance")
        self._enable_buttons()

    def show_section(self, name: str) -> None:
        """Bring a section to the front."""
        (item,) = self._list.findItems(name, Qt.MatchFlag.MatchExactly)
        self._list.setCurrentItem(item)
        self._list.setFocus()

    def changes(self) -> dict[str, Any]:
        """The settings that differ from those in force."""
        now = self._settings.values
        wanted: dict[str, Any] = {}
        for name, fields in list_sections().items():
            value = self.forms[name].value()
            wanted |= {field: getattr(value, field) for field in fields}
        choice = self.keys.choice
        wanted["shortcut_preset"] = choice.preset
        wanted["shortcuts"] = {action: list(keys) for action, keys in choice.changes.items()}
        return {name: value for name, value in wanted.items() if value != getattr(now, name)}

    def accept(self) -> None:
        if self.apply():
            super().accept()

    def apply(self) -> bool:
        """Put the changes in force; False, with the section in front, where a field is wrong."""
        changes = self.changes()
        for name, form in self.forms.items():
            if not form.is_valid():
                self.show_section(name)
                return False
        try:
            if changes:
                self._settings.update(**changes)
        except OSError as error:
            show_error(self, "The settings could not be written", error)
            return False
        self._enable_buttons()
        return True

    def restore_defaults(self) -> None:
        """Put the defaults into the section in front."""
        name = self._list.currentItem().text()
        if name == SHORTCUTS:
            self.keys.set_choice(KeyChoice("defectdesk", {}))
            return
        form, fields = self.forms[name], list_sections()[name]
        default = Preferences()
        form.set_value(form.value().model_copy(update={field: getattr(default, field) for field in fields}))
        if name == "Canvas":
            self._preview.show_values(default)
        self._enable_buttons()

    def _enable_buttons(self, *_whatever: object) -> None:
        valid = all(form.is_valid() for form in self.forms.values())
        for kind in (QDialogButtonBox.StandardButton.Ok, QDialogButtonBox.StandardButton.Apply):
            self._buttons.button(kind).setEnabled(valid)

    # -- building

    def _add_section(self, name: str, *parts: QWidget) -> None:
        item = QListWidgetItem(name)
        item.setSizeHint(QSize(0, ROW))
        self._list.addItem(item)
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setContentsMargins(2 * PAD, 2 * PAD, 2 * PAD, PAD)
        layout.setSpacing(PAD)
        layout.addWidget(words(name, "heading"))
        layout.addWidget(words(ABOUT.get(name, ""), "muted", wrap=True))
        for part in parts:
            layout.addWidget(part, 1 if part is parts[-1] else 0)
            if isinstance(part, ModelForm):
                part.changed.connect(self._enable_buttons)
                part.valid_changed.connect(self._enable_buttons)
        self._stack.addWidget(page)

    def _make_buttons(self) -> QDialogButtonBox:
        kind = QDialogButtonBox.StandardButton
        buttons = QDialogButtonBox(kind.Ok | kind.Cancel | kind.Apply)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        buttons.button(kind.Apply).clicked.connect(self.apply)
        return buttons

    def _lay_out(self) -> None:
        defaults = QPushButton("Defaults of this section")
        set_icon(defaults, "undo", "muted", size=16)
        defaults.setAutoDefault(False)
        defaults.clicked.connect(self.restore_defaults)
        foot = surface("foot")
        row = QHBoxLayout(foot)
        row.setContentsMargins(2 * PAD, PAD, 2 * PAD, PAD)
        row.addWidget(defaults)
        row.addStretch(1)
        row.addWidget(self._buttons)
        body = QHBoxLayout()
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(0)
        body.addWidget(self._list)
        body.addWidget(self._stack, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(body, 1)
        layout.addWidget(foot)
