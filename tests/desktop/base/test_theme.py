"""Colours that can be read, icons that exist, and a choice that takes effect."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import fields
from importlib.resources import files
from itertools import combinations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QColor, QPalette
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QComboBox,
    QLineEdit,
    QListWidget,
    QPlainTextEdit,
    QPushButton,
    QRadioButton,
    QSlider,
    QSpinBox,
    QTabBar,
    QTableWidget,
    QToolButton,
    QTreeWidget,
    QVBoxLayout,
    QWidget,
)
from pytestqt.qtbot import QtBot

from desktop.base import theme
from desktop.base.actions import LABEL, WINDOW, ActionSet, ActionSpec
from desktop.shell.main_window import PAGES


def contrast(first: QColor, second: QColor) -> float:
    """Contrast ratio of WCAG 2."""

    def luminance(color: QColor) -> float:
        def linear(value: float) -> float:
            return value / 12.92 if value <= 0.03928 else ((value + 0.055) / 1.055) ** 2.4

        return 0.2126 * linear(color.redF()) + 0.7152 * linear(color.greenF()) + 0.0722 * linear(color.blueF())

    high, low = sorted((luminance(first), luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colors", [theme.DARK, theme.LIGHT], ids=["dark", "light"])
def test_words_can_be_read_on_every_surface(colors: theme.Theme) -> None:
    for ground in (colors.window, colors.panel, colors.raised, colors.field, colors.hover, colors.selected):
        assert contrast(colors.text, ground) >= 7
        for name in ("muted", "link", "good", "bad", "warning"):
            assert contrast(getattr(colors, name), ground) >= 4.5, (name, ground.name())
        # Not operable, so no rule asks for more; but it can be made out.
        assert contrast(colors.disabled, ground) >= 2.6
        # Around what has the keys.
        assert contrast(colors.link, ground) >= 3
    assert contrast(colors.accent_text, colors.accent) >= 4.5
    assert contrast(colors.accent_text, colors.accent_hover) >= 4.5
    assert contrast(colors.accent, colors.panel) >= 3


@pytest.mark.parametrize("colors", [theme.DARK, theme.LIGHT], ids=["dark", "light"])
def test_curves_stand_out_from_the_plot_and_from_each_other(colors: theme.Theme) -> None:
    assert all(contrast(curve, colors.plot_background) >= 2.2 for curve in colors.series)
    for first, second in combinations(colors.series, 2):
        distance = sum(abs(a - b) for a, b in zip(first.getRgb()[:3], second.getRgb()[:3], strict=True))
        assert distance > 60, (first.name(), second.name())


def test_choosing_a_theme_dresses_the_program_and_tells_the_views(qtbot: QtBot, qapp: QApplication) -> None:
    for choice, expected in (("light", theme.LIGHT), ("dark", theme.DARK)):
        with qtbot.waitSignal(theme.notifier.theme_changed):
            theme.apply_theme(qapp, choice)
        assert theme.theme() is expected
        assert qapp.palette().color(QPalette.ColorRole.Window) == expected.window
        assert expected.panel.name() in qapp.styleSheet()


def test_the_style_sheet_has_no_name_left_to_fill_in(qapp: QApplication) -> None:
    theme.apply_theme(qapp, "dark")
    rules = re.sub(r"/\*.*?\*/", "", qapp.styleSheet(), flags=re.DOTALL)
    assert "$" not in rules
    named = {field.name for field in fields(theme.Theme)}
    sheet = (files("resources") / "theme.qss").read_text("utf-8")
    used = set(re.findall(r"\$\{?(\w+)", re.sub(r"/\*.*?\*/", "", sheet, flags=re.DOTALL)))
    assert {name for name in used if not name.startswith("picture_")} - {"small", "gap", "pad"} <= named


def test_every_icon_draws_in_the_colour_asked_for(qapp: QApplication) -> None:
    names = [
        path.name.removesuffix(".svg")
        for path in (files("resources") / "icons").iterdir()
        if path.name.endswith(".svg")
    ]
    assert len(names) > 40
    for name in names:
        image = theme.icon_pixmap(name, QColor("#ff0000"), 24).toImage()
        inked = [image.pixelColor(x, y) for x in range(24) for y in range(24) if image.pixelColor(x, y).alpha() > 128]
        assert inked, name
        assert all(color.red() > 200 and color.green() < 60 for color in inked), name


def test_every_action_and_page_has_an_icon_that_exists() -> None:
    present = {path.name.removesuffix(".svg") for path in (files("resources") / "icons").iterdir()}
    wanted = {spec.icon for spec in (*WINDOW, *LABEL) if spec.icon} | {icon for _, icon, *_ in PAGES}
    assert wanted <= present


def test_no_two_actions_of_a_page_share_a_key() -> None:
    keys = [key for spec in (*WINDOW, *LABEL) for key in spec.keys]
    assert len(keys) == len(set(keys))


def test_a_tinted_icon_follows_the_theme(qapp: QApplication) -> None:
    theme.apply_theme(qapp, "dark")
    action = QAction()
    theme.set_icon(action, "dot", "bad")
    before = action.icon().pixmap(20).toImage().pixelColor(10, 10)
    theme.apply_theme(qapp, "light")
    after = action.icon().pixmap(20).toImage().pixelColor(10, 10)
    assert (before, after) == (theme.DARK.bad, theme.LIGHT.bad)


def test_an_action_without_a_handler_is_refused(qtbot: QtBot) -> None:
    widget = QWidget()
    qtbot.addWidget(widget)
    actions = ActionSet(widget, [ActionSpec("one", "One"), ActionSpec("two", "Two")])
    actions.add_handlers({"one": print})
    with pytest.raises(ValueError, match="without a handler.*two"):
        actions.require_handlers()


def test_a_handler_without_an_action_and_a_second_one_are_refused(qtbot: QtBot) -> None:
    widget = QWidget()
    qtbot.addWidget(widget)
    actions = ActionSet(widget, [ActionSpec("one", "One")])
    with pytest.raises(ValueError, match="other"):
        actions.add_handlers({"other": print})
    actions.add_handlers({"one": print})
    with pytest.raises(ValueError, match="one"):
        actions.add_handlers({"one": print})


FOCUSABLE: dict[str, Callable[[], QWidget]] = {
    "button": lambda: QPushButton("Go"),
    "primary button": lambda: _with_role(QPushButton("Go"), "primary"),
    "danger button": lambda: _with_role(QPushButton("Go"), "danger"),
    "link": lambda: _with_role(QPushButton("Go"), "link"),
    "card": lambda: _with_role(QPushButton("Go"), "card"),
    "tool button": lambda: _with_text(QToolButton()),
    "bar button": lambda: _with_role(_with_text(QToolButton()), "bar"),
    "rail button": lambda: _with_role(_with_text(QToolButton()), "rail"),
    "check box": lambda: QCheckBox("On"),
    "ticked box": lambda: _checked(QCheckBox("On")),
    "radio button": lambda: QRadioButton("On"),
    "chosen radio button": lambda: _checked(QRadioButton("On")),
    "line": QLineEdit,
    "text": QPlainTextEdit,
    "number": QSpinBox,
    "choice": QComboBox,
    "slider": lambda: QSlider(Qt.Orientation.Horizontal),
    "list": QListWidget,
    "tree": QTreeWidget,
    "table": lambda: QTableWidget(1, 1),
    "tabs": lambda: _with_tabs(QTabBar()),
}


@pytest.mark.parametrize("choice", ["dark", "light"])
@pytest.mark.parametrize("kind", FOCUSABLE)
def test_what_has_the_keys_looks_different(qtbot: QtBot, qapp: QApplication, kind: str, choice: theme.Choice) -> None:
    theme.apply_theme(qapp, choice)
    window = QWidget()
    qtbot.addWidget(window)
    layout = QVBoxLayout(window)
    other, control = QPushButton("Other"), FOCUSABLE[kind]()
    control.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    for widget in (other, control):
        layout.addWidget(widget)
    if isinstance(control, QLineEdit | QPlainTextEdit):
        control.setReadOnly(True)  # without the blinking cursor
    window.show()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    other.setFocus()
    without = control.grab().toImage()
    control.setFocus(Qt.FocusReason.TabFocusReason)
    ringed = control.grab().toImage()
    changed = sum(
        ringed.pixel(x, y) != without.pixel(x, y) for x in range(ringed.width()) for y in range(ringed.height())
    )
    assert control.hasFocus() and changed >= 40, f"{changed} pixels differ"


def _with_role(widget: QWidget, role: str) -> QWidget:
    widget.setProperty("role", role)
    return widget


def _with_text(button: QToolButton) -> QToolButton:
    button.setText("Go")
    return button


def _checked(button: QCheckBox | QRadioButton) -> QWidget:
    button.setChecked(True)
    return button


def _with_tabs(bar: QTabBar) -> QTabBar:
    bar.addTab("One")
    bar.addTab("Two")
    return bar
