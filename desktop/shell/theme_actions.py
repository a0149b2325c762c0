"""The choice between dark, light and what the desktop has."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication

from desktop.base.actions import ActionSet
from desktop.base.theme import apply_theme
from desktop.services import Services

CHOICES = ("system", "dark", "light")


class ThemeActions(QObject):
    """Keeps the user's choice in the settings, and dresses the program when it changes there."""

    def __init__(self, services: Services, actions: ActionSet, parent: QObject) -> None:
        super().__init__(parent)
        self._settings = services.settings
        self._actions = actions
        actions.add_handlers({f"theme_{choice}": partial(self._keep_choice, choice) for choice in CHOICES})
        services.settings_changed.connect(self._follow_settings)
        self._show_choice()

    def _keep_choice(self, choice: str, on: bool) -> None:
        if on and choice != self._settings.values.theme:
            self._settings.update(theme=choice)

    def _follow_settings(self, names: frozenset[str]) -> None:
        if "theme" in names:
            app = QApplication.instance()
            assert isinstance(app, QApplication)
            apply_theme(app, self._settings.values.theme)
            self._show_choice()

    def _show_choice(self) -> None:
        self._actions[f"theme_{self._settings.values.theme}"].setChecked(True)
