"""The number row works by its place where the layout types something else there, and never takes another key away."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from desktop.base.actions import LABEL, WINDOW, build_actions
from desktop.base.digit_places import DigitPlaces, find_digit
from desktop.base.key_choice import KeyChoice, keys_by_place
from desktop.services import Services

NONE = Qt.KeyboardModifier.NoModifier
CONTROL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
AZERTY = dict(zip("1234567890", (0x26, 0xC9, 0x22, 0x27, 0x28, 0x2D, 0xC8, 0x5F, 0xC7, 0xC0), strict=True))
Press = Callable[..., None]


@pytest.mark.parametrize(
    ("platform", "scan", "virtual", "digit"),
    [
        ("linux", 10, 0, "1"),
        ("linux", 19, 0, "0"),
        ("linux", 9, 0, None),
        ("linux", 20, 0, None),
        ("linux", 87, 0, None),  # of the number pad
        ("win32", 2, 0x31, "1"),
        ("win32", 11, 0x30, "0"),
        ("win32", 12, 0, None),
        ("darwin", 1, 0x12, "1"),
        ("darwin", 1, 0x17, "5"),
        ("darwin", 1, 0x16, "6"),
        ("darwin", 1, 0x1D, "0"),
        ("darwin", 1, 0x18, None),
    ],
)
def test_every_platform_tells_the_place_in_its_own_way(
    platform: str, scan: int, virtual: int, digit: str | None
) -> None:
    assert find_digit(scan, virtual, platform) == digit


def test_a_character_that_is_a_key_already_stays_that_key() -> None:
    plain = KeyChoice("defectdesk", {})
    assert keys_by_place(plain, "label.digit_1", AZERTY) == ("&",)
    assert keys_by_place(plain, "window.page_1", AZERTY) == ("Ctrl+&",)
    assert keys_by_place(plain, "label.actual_size", AZERTY) == ("Ctrl+À",)
    assert (
        keys_by_place(plain, "window.page_1", {"1": int(Qt.Key.Key_Plus)}) == ()
    )  # Ctrl++ zooms, as on Czech keyboards
    assert keys_by_place(KeyChoice("CVAT", {}), "label.digit_6", AZERTY) == ()  # Ctrl+- zooms
    taken = KeyChoice("defectdesk", {"label.clean": ("&",)})
    assert keys_by_place(taken, "label.digit_1", AZERTY) == ()
    assert keys_by_place(plain, "label.draw", AZERTY) == ()
    assert keys_by_place(plain, "label.digit_1", {}) == ()


@pytest.fixture
def done() -> list[str]:
    return []


@pytest.fixture
def host(qtbot: QtBot, services: Services, done: list[str]) -> Iterator[QWidget]:
    """A window with the actions of the window and of the Label page, and a text field."""
    window = QWidget()
    qtbot.addWidget(window)
    field = QLineEdit()
    QVBoxLayout(window).addWidget(field)
    for scope, specs in (("window", WINDOW), ("label", LABEL)):
        actions = build_actions(
            window, specs, {spec.name: lambda *_on, name=spec.name: done.append(name) for spec in specs}
        )
        services.keymap.attach_actions(scope, window, actions.values())
    DigitPlaces(window, services.keymap)
    window.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    window.show()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    window.setFocus()
    yield window


@pytest.fixture
def press(host: QWidget) -> Press:
    """Press a key with its place, as the system reports it: first what asks for an action, then the key itself."""
    codes = {"linux": range(10, 20), "win32": range(2, 12)}.get(sys.platform)
    if codes is None:
        pytest.skip("a test cannot press keys of macOS by their place")
    places = dict(zip("1234567890", codes, strict=True))

    def press_key(key: int, place: str | None, modifiers: Qt.KeyboardModifier = NONE, text: str = "") -> None:
        focused = QApplication.focusWidget()
        assert focused is not None
        scan = places[place] if place else 60
        asked = QKeyEvent(QEvent.Type.ShortcutOverride, key, modifiers, scan, 0, 0, text)
        asked.ignore()
        QApplication.sendEvent(focused, asked)
        QTest.keyClick(focused, Qt.Key(key), modifiers)

    return press_key


def test_digits_work_by_place_on_azerty(press: Press, done: list[str]) -> None:
    for digit, key in AZERTY.items():
        press(key, digit)
    assert done == [f"digit_{digit}" for digit in "1234567890"]


def test_pages_are_chosen_by_place_too(press: Press, done: list[str]) -> None:
    press(AZERTY["3"], "3", CONTROL)
    press(AZERTY["6"], "6", CONTROL)
    assert done == ["page_3", "zoom_out"]  # Ctrl+- is a key of its own


def test_a_layout_with_digits_is_left_alone(press: Press, done: list[str], services: Services) -> None:
    press(Qt.Key.Key_1, "1")
    press(Qt.Key.Key_Ampersand, "7", SHIFT)  # as on a US keyboard
    assert done == ["digit_1"]
    assert services.keymap.typed_for_digits == {}


def test_what_the_layout_before_typed_is_forgotten(press: Press, done: list[str], services: Services) -> None:
    press(AZERTY["1"], "1")
    press(AZERTY["2"], "2")
    press(Qt.Key.Key_Ampersand, "7", SHIFT)  # another layout now, with & elsewhere
    press(Qt.Key.Key_2, "2")
    assert done == ["digit_1", "digit_2", "digit_2"]
    assert services.keymap.typed_for_digits == {}


def test_what_is_typed_into_a_field_stays_there(press: Press, host: QWidget, done: list[str]) -> None:
    field = host.findChild(QLineEdit)
    assert isinstance(field, QLineEdit)
    field.setFocus()
    press(AZERTY["2"], "2", text="é")
    assert done == []


def test_changed_keys_still_work_by_place(press: Press, done: list[str], services: Services) -> None:
    press(AZERTY["1"], "1")
    services.settings.update(shortcut_preset="CVAT")
    press(AZERTY["1"], "1")
    press(AZERTY["1"], "1", CONTROL)
    assert done == ["digit_1", "digit_1"]
