"""What the window asks of its user besides a project: settings, the sheet of keys, the help, the command palette."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QWidget

from desktop.base.actions import SCOPE_TITLES, ActionSet
from desktop.base.session import Session
from desktop.services import Services
from desktop.shell.help.help_window import HelpWindow
from desktop.shell.page_stack import Front
from desktop.shell.palette import Command, CommandPalette, PaletteResult, remember_command
from desktop.shell.palette_search import PaletteSearch
from desktop.shell.settings.settings_dialog import SHORTCUTS, SettingsDialog
from desktop.shell.settings.shortcuts_sheet import ShortcutsDialog


class WindowDialogs(QObject):
    """Opens them over one window, and performs the actions that ask for them."""

    def __init__(
        self,
        window: QWidget,
        session: Session,
        services: Services,
        actions: ActionSet,
        front: Callable[[], Front],
        before_palette: Callable[[], None],
    ) -> None:
        """`before_palette` brings the texts of `actions` up to date before they are listed."""
        super().__init__(window)
        self._window = window
        self._session = session
        self._services = services
        self._actions = actions
        self._front = front
        self._before_palette = before_palette
        self.palette = CommandPalette(window)
        self.palette.chosen.connect(self._run_command)
        self._help: HelpWindow | None = None
        actions.add_handlers(
            {
                "settings": self.show_settings,
                "shortcuts": self.show_shortcuts,
                "help": self.show_help,
                "palette": self.toggle_palette,
            }
        )

    def show_settings(self, section: str = "") -> None:
        dialog = SettingsDialog(self._services.settings, self._window, section=section)
        dialog.exec()
        dialog.deleteLater()

    def show_shortcuts(self) -> None:
        """All keys; they can be changed from there."""
        dialog = ShortcutsDialog(self._services.keymap.choice, self._front()[0], self._window)
        wanted: list[bool] = []
        dialog.change_wanted.connect(lambda: wanted.append(True))
        dialog.exec()
        dialog.deleteLater()
        if wanted:
            self.show_settings(SHORTCUTS)

    def show_help(self) -> None:
        """Bring the window of the help to the front; it is built when it is first asked for."""
        if self._help is None:
            self._help = HelpWindow(self._services.settings, self._window)
        self._help.show()
        # It may lie behind the program's window, which a window that belongs to another one cannot.
        self._help.windowHandle().setTransientParent(None)  # type: ignore[arg-type]
        self._help.activateWindow()  # raises it too

    def close_help(self) -> None:
        if self._help is not None:
            self._help.close()

    def toggle_palette(self) -> None:
        """Let the user run any action of the window or of the page in front; once more to close it."""
        if self.palette.isVisible():
            self.palette.close_palette()
        else:
            self._before_palette()
            recent = self._services.settings.values.recent_actions
            self.palette.open_with(self.list_commands(), recent, PaletteSearch(self._session))

    def _run_command(self, command: Command | PaletteResult) -> None:
        if isinstance(command, PaletteResult):
            command.go()
            return
        settings = self._services.settings
        settings.update(recent_actions=remember_command(settings.values.recent_actions, command.id))
        command.action.trigger()

    def list_commands(self) -> list[Command]:
        """What the palette offers: the page's actions before the window's."""
        scope, page = self._front()
        found = [Command(f"{scope}.{one.objectName()}", one, SCOPE_TITLES[scope], self._why_not(one)) for one in page]
        found += [
            Command(f"window.{name}", action, "", self._why_not(action))
            for name, action in self._actions.items()
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
