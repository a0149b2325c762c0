"""The settings' dialog: built from the declaration, nothing in force before OK, Cancel forgets."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QListWidget, QStackedWidget
from pytestqt.qtbot import QtBot

from core.settings import Preferences, Settings
from desktop.base.theme import theme
from desktop.kit.color_control import ColorControl
from desktop.kit.field_controls import SliderControl
from desktop.services import Services
from desktop.shell.settings.canvas_preview import CanvasPreview
from desktop.shell.settings.settings_dialog import SHORTCUTS, SettingsDialog, list_sections
from tests.desktop.kit.form_driver import find_button, find_field


@pytest.fixture
def dialog(qtbot: QtBot, services: Services) -> SettingsDialog:
    made = SettingsDialog(services.settings)
    qtbot.addWidget(made)
    made.show()
    return made


def sections_of(dialog: SettingsDialog) -> QListWidget:
    return find_field(dialog, QListWidget, "Sections of the settings")


def pages_of(dialog: SettingsDialog) -> QStackedWidget:
    (found,) = dialog.findChildren(QStackedWidget, options=Qt.FindChildOption.FindDirectChildrenOnly)
    return found


def test_every_declared_section_is_a_page_of_the_dialog(dialog: SettingsDialog) -> None:
    listed, pages = sections_of(dialog), pages_of(dialog)
    names = [listed.item(row).text() for row in range(listed.count())]
    assert set(names) == {*list_sections(), SHORTCUTS} and pages.count() == len(names)
    shown = {name for fields in list_sections().values() for name in fields}
    assert {"theme", "canvas_line_width", "canvas_background", "picture_cache_mb", "max_megapixels"} <= shown
    for name in names:
        dialog.show_section(name)
        assert pages.currentWidget().isVisible()


def test_ok_puts_the_changes_in_force_and_tells_which(qtbot: QtBot, dialog: SettingsDialog, services: Services) -> None:
    told: list[frozenset[str]] = []
    services.settings_changed.connect(told.append)
    _enter(dialog, "Canvas", "canvas_line_width", 4.0)
    dialog.keys.give("label.draw", "X", instead=True)
    assert services.settings.values == Preferences() and told == []
    dialog.accept()
    assert services.settings.values.canvas_line_width == 4.0
    assert services.settings.values.shortcuts == {"label.draw": ["X", "R"]}
    assert services.keymap.find_keys("label.draw") == ("X", "R")
    assert told == [frozenset({"canvas_line_width", "shortcuts"})]
    kept = json.loads(services.settings.path.read_text("utf-8"))
    assert kept == {"canvas_line_width": 4.0, "shortcuts": {"label.draw": ["X", "R"]}}


def test_cancel_leaves_everything_as_it_was(dialog: SettingsDialog, services: Services) -> None:
    _enter(dialog, "Canvas", "canvas_line_width", 4.0)
    _enter(dialog, "Appearance", "theme", "light")
    dialog.keys.give("label.draw", "X", instead=True)
    before = theme()
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert not dialog.isVisible()
    assert services.settings.values == Preferences() and not services.settings.path.exists()
    assert theme() is before


def test_apply_keeps_the_dialog_and_cancel_afterwards_takes_back_only_what_came_later(
    dialog: SettingsDialog, services: Services
) -> None:
    _enter(dialog, "Images", "max_megapixels", 500)
    find_button(dialog, "Apply").click()
    assert dialog.isVisible() and services.settings.values.max_megapixels == 500
    _enter(dialog, "Images", "max_megapixels", 600)
    dialog.reject()
    assert services.settings.values.max_megapixels == 500


def test_a_wrong_colour_is_said_at_its_field_and_holds_ok_back(dialog: SettingsDialog, services: Services) -> None:
    dialog.show_section("Canvas")
    control = dialog.forms["Canvas"].control("canvas_background")
    assert isinstance(control, ColorControl)
    control.code.setText("#12")
    control.code.textEdited.emit("#12")
    assert "six digits" in dialog.forms["Canvas"].errors()["canvas_background"]
    assert not find_button(dialog, "OK").isEnabled()
    dialog.show_section("Images")
    assert not dialog.apply()
    assert sections_of(dialog).currentItem().text() == "Canvas"
    control.code.setText("#123456")
    control.code.textEdited.emit("#123456")
    assert dialog.apply() and services.settings.values.canvas_background == "#123456"


def test_a_colour_can_follow_the_theme_again(dialog: SettingsDialog) -> None:
    _enter(dialog, "Canvas", "canvas_background", "#123456")
    control = dialog.forms["Canvas"].control("canvas_background")
    assert isinstance(control, ColorControl) and control.clear is not None
    control.clear.click()
    assert dialog.changes() == {}


def test_the_defaults_of_a_section_leave_the_others(dialog: SettingsDialog) -> None:
    _enter(dialog, "Canvas", "canvas_line_width", 4.0)
    _enter(dialog, "Images", "max_megapixels", 500)
    dialog.show_section("Canvas")
    dialog.restore_defaults()
    assert dialog.changes() == {"max_megapixels": 500}


def test_the_preview_follows_before_anything_is_in_force(dialog: SettingsDialog, services: Services) -> None:
    dialog.show_section("Canvas")
    _enter(dialog, "Canvas", "canvas_background", "#ff0000")
    (preview,) = dialog.findChildren(CanvasPreview)
    image = preview.grab().toImage()
    assert image.pixelColor(3, 3) == QColor("#ff0000")
    assert services.settings.values.canvas_background == ""


def test_a_slider_of_the_form_moves_the_value(dialog: SettingsDialog) -> None:
    dialog.show_section("Canvas")
    control = dialog.forms["Canvas"].control("canvas_line_width")
    assert isinstance(control, SliderControl)
    QTest.keyClick(control.slider, Qt.Key.Key_Right)
    assert dialog.changes()["canvas_line_width"] > 2.0


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_leaves_the_settings_in_force(services: Services) -> None:
    services.settings.path.parent.mkdir(parents=True, exist_ok=True)
    services.settings.path.parent.chmod(0o500)
    with pytest.raises(OSError, match="denied"):
        services.settings.update(theme="light")
    assert services.settings.values.theme == "system"


def test_a_listener_hears_only_of_what_is_different(tmp_path: Path) -> None:
    settings = Settings(tmp_path)
    told: list[frozenset[str]] = []
    settings.listen(told.append)
    settings.update(theme="system", canvas_line_width=3.0)
    settings.update(canvas_line_width=3.0)
    assert told == [frozenset({"canvas_line_width"})]


@pytest.mark.parametrize("data", [b"", b"[]", b"7", b"null", b'{"theme": "dark"', b"\x00", b"\xff\xfe", b"[" * 100_000])
def test_a_file_that_is_no_settings_at_all_gives_the_defaults(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "settings.json").write_bytes(data)
    settings = Settings(tmp_path)
    assert settings.values == Preferences()
    assert settings.problem is not None and "settings.json" in settings.problem


@pytest.mark.parametrize(
    "wrong",
    [{"canvas_line_width": 99}, {"canvas_guide_color": "red"}, {"max_megapixels": 0}, {"shortcut_preset": "vim"}],
)
def test_a_value_out_of_its_limits_is_said_and_the_others_stay(tmp_path: Path, wrong: dict[str, object]) -> None:
    (tmp_path / "settings.json").write_text(json.dumps({**wrong, "picture_cache_mb": 100}), "utf-8")
    settings = Settings(tmp_path)
    assert settings.values == Preferences(picture_cache_mb=100)
    assert settings.problem is not None and next(iter(wrong)) in settings.problem
    assert (tmp_path / "settings.damaged.json").exists()


def _enter(dialog: SettingsDialog, section: str, field: str, value: object) -> None:
    """Change a field as its control does when the person changed it."""
    control = dialog.forms[section].control(field)
    control.take_value(value)
