"""What the window asks of its person besides a project: settings, the sheet of keys, the command palette."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QWidget

from desktop.base.actions import SCOPE_TITLES
from desktop.base.session import Session
from desktop.services import Services
from desktop.shell.palette import Command, CommandPalette, Found, remembered
from desktop.shell.palette_search import PaletteSearch
from desktop.shell.settings.settings_dialog import SHORTCUTS, SettingsDialog
from desktop.shell.settings.shortcuts_sheet import ShortcutsDialog

Front = tuple[str, Sequence[QAction]]  # the scope of the page in front and its actions; ("", ()) for none


class WindowDialogs(QObject):
    """Opens them over one window."""

    def __init__(self, window: QWidget, session: Session, services: Services, front: Callable[[], Front]) -> None:
        super().__init__(window)
        self._window = window
        self._session = session
        self._services = services
        self._front = front
        self._palette = CommandPalette(window)
        self._palette.chosen.connect(self._run)

    def settings(self, section: str = "") -> None:
        dialog = SettingsDialog(self._services.settings, self._window, section=section)
        dialog.exec()
        dialog.deleteLater()

    def shortcuts(self) -> None:
        """All keys; they can be changed from there."""
        dialog = ShortcutsDialog(self._services.keymap.choice, self._front()[0], self._window)
        wanted: list[bool] = []
        dialog.change_wanted.connect(lambda: wanted.append(True))
        dialog.exec()
        dialog.deleteLater()
        if wanted:
            self.settings(SHORTCUTS)

    def palette(self, window_actions: Mapping[str, QAction]) -> None:
        """Let the person run any action of the window or of the page in front; once more to close it."""
        if self._palette.isVisible():
            self._palette.leave()
        else:
            recent = self._services.settings.values.recent_actions
            self._palette.open(self.commands(window_actions), recent, PaletteSearch(self._session))

    def _run(self, command: Command | Found) -> None:
        if isinstance(command, Found):
            command.go()
            return
        settings = self._services.settings
        settings.update(recent_actions=remembered(settings.values.recent_actions, command.id))
        command.action.trigger()

    def commands(self, window_actions: Mapping[str, QAction]) -> list[Command]:
        """What the palette offers: the page's actions before the window's."""
        scope, page = self._front()
        found = [Command(f"{scope}.{one.objectName()}", one, SCOPE_TITLES[scope], self._why_not(one)) for one in page]
        found += [
            Command(f"window.{name}", action, "", self._why_not(action))
            for name, action in window_actions.items()
            if name != "palette"
        ]
        return [command for command in found if command.text]

    def _why_not(self, action: QAction) -> str:
        project = self._session.project
        if action.isEnabled():
            return ""
        _, _, told = action.toolTip().partition("\n")
        if told:
            return told
        if project is None:
            return "Open a project first."
        if project.read_only:
            return "The project is open read-only."
        if action.objectName() in ("undo", "redo"):
            return f"There is nothing to {action.objectName()}."
        if not project.counts().images:
            return "The project has no images yet."
        return "Not possible at present."
