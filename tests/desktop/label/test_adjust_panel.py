"""The view's adjustment: the panel, what the project keeps of it, and comparing with the image as it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QCheckBox, QComboBox, QSlider, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from core.imaging.adjust import Adjustment
from core.project.project import Project
from desktop.base.session import Session
from desktop.label.adjust_panel import PRESETS, SCALES, AdjustPanel
from desktop.label.label_page import LabelPage
from desktop.label.label_view import HELD, SAVE_AFTER
from desktop.services import Services
from tests.builders import project_with_pictures
from tests.desktop.label.label_builders import shown_page
from tests.desktop.label.page_driver import adjust_view, find_action, find_button, find_named, find_only


@pytest.fixture
def panel(qtbot: QtBot) -> AdjustPanel:
    around = QWidget()
    qtbot.addWidget(around)
    around.resize(600, 600)
    panel = AdjustPanel(around)
    around.show()
    panel.show()
    return panel


def _slider(panel: AdjustPanel, name: str) -> QSlider:
    return next(one for one in panel.findChildren(QSlider) if one.accessibleName() == name)


def _announced(panel: AdjustPanel) -> list[Adjustment]:
    heard: list[Adjustment] = []
    panel.adjusted.connect(heard.append)
    return heard


def test_every_value_of_the_adjustment_can_be_set(qtbot: QtBot, panel: AdjustPanel) -> None:
    heard = _announced(panel)
    for scale in SCALES:
        slider = _slider(panel, scale.text)
        if not slider.isEnabled():
            qtbot.mouseClick(panel.findChild(QCheckBox), Qt.MouseButton.LeftButton, pos=QPoint(6, 10))
        slider.setValue(slider.maximum() - 1)
        assert getattr(heard[-1], scale.field) == pytest.approx(scale.high - 1 / scale.steps)
    grey = next(one for one in panel.findChildren(QToolButton) if one.objectName() == "grey")
    qtbot.mouseClick(grey, Qt.MouseButton.LeftButton)
    assert heard[-1].channel == "grey" and heard[-1].stretch
    assert {scale.field for scale in SCALES} | {"channel", "stretch"} == Adjustment.model_fields.keys()


def test_presets_and_reset_set_all_at_once_and_are_named(qtbot: QtBot, panel: AdjustPanel) -> None:
    heard, presets = _announced(panel), panel.findChild(QComboBox)
    assert presets is not None
    qtbot.keyClick(presets, Qt.Key.Key_Down)
    assert heard == [PRESETS["Dark defects"][0]] and presets.currentText() == "Dark defects"
    _slider(panel, "Gamma").setValue(30)
    assert presets.currentText() == "Own values" and len(heard) == 2
    reset = find_button(panel, "Reset")
    reset.click()
    assert heard[-1].is_neutral and presets.currentText() == "As it is" and not reset.isEnabled()


def test_a_double_click_puts_one_slider_back(qtbot: QtBot, panel: AdjustPanel) -> None:
    panel.show_adjustment(Adjustment(gamma=2.0, contrast=30))
    qtbot.mouseDClick(_slider(panel, "Gamma"), Qt.MouseButton.LeftButton)
    assert panel.adjustment == Adjustment(contrast=30)


def test_showing_values_announces_none_of_them(qtbot: QtBot, panel: AdjustPanel) -> None:
    heard = _announced(panel)
    panel.show_adjustment(PRESETS["Faint contrast"][0])
    assert heard == [] and panel.adjustment == PRESETS["Faint contrast"][0]


def test_the_panel_stays_in_the_view_and_escape_closes_it(qtbot: QtBot, panel: AdjustPanel) -> None:
    panel.move_inside(QPoint(5000, -20))
    view = panel.parentWidget()
    assert view is not None and view.rect().contains(panel.geometry())
    with qtbot.waitSignal(panel.closed):
        qtbot.keyClick(_slider(panel, "Gamma"), Qt.Key.Key_Escape)
    assert not panel.isVisible()


def test_everything_in_the_panel_has_a_name_and_can_be_reached_by_keys(qtbot: QtBot, panel: AdjustPanel) -> None:
    for one in [*panel.findChildren(QSlider), *panel.findChildren(QToolButton), *panel.findChildren(QComboBox)]:
        assert one.accessibleName(), one
        assert one.focusPolicy() & Qt.FocusPolicy.TabFocus, one


# -- in the page


@pytest.fixture
def session(qtbot: QtBot, tmp_path: Path) -> Iterator[Session]:
    session = Session()
    session.adopt(project_with_pictures(tmp_path / "project", 2))
    yield session
    session.close()


def _kept(session: Session) -> object:
    assert session.project is not None
    return session.project.setting("view_adjustment")


def _middle(page: LabelPage) -> QColor:
    return page.canvas.view.grab().toImage().pixelColor(page.canvas.view.rect().center())


def test_the_view_changes_at_once_and_the_project_keeps_it_soon(
    qtbot: QtBot, page: LabelPage, session: Session
) -> None:
    before = _middle(page)
    adjust_view(page, Adjustment(channel="red", brightness=20))
    red = _middle(page)
    assert red.red() == red.green() == red.blue() and red != before
    assert [badge.text for badge in page.canvas.badges] == ["View adjusted"]
    assert _kept(session) is None
    qtbot.wait(SAVE_AFTER + 200)
    assert _kept(session) == {"channel": "red", "brightness": 20}


def test_what_was_adjusted_last_is_kept_when_the_project_is_closed_at_once(
    qtbot: QtBot, page: LabelPage, session: Session
) -> None:
    assert session.project is not None
    folder = session.project.folder
    adjust_view(page, Adjustment(gamma=2.0))
    session.close()
    assert page.canvas.view.adjustment is None
    with Project.open(folder) as project:
        assert project.setting("view_adjustment") == {"gamma": 2.0}
    session.open(folder)
    assert page.canvas.view.adjustment == Adjustment(gamma=2.0) == find_only(page.canvas.view, AdjustPanel).adjustment


def test_without_an_adjustment_the_project_forgets_it(qtbot: QtBot, page: LabelPage, session: Session) -> None:
    adjust_view(page, Adjustment(gamma=2.0))
    session.settle.emit()
    adjust_view(page, Adjustment())
    session.settle.emit()
    assert _kept(session) is None and page.canvas.badges == ()


def test_a_read_only_project_is_adjusted_for_the_session_only(
    qtbot: QtBot, session: Session, services: Services
) -> None:
    assert session.project is not None
    folder = session.project.folder
    session.close()
    session.open(folder, read_only=True)
    page = shown_page(qtbot, session, services)
    adjust_view(page, Adjustment(gamma=2.0))
    session.settle.emit()
    assert page.canvas.view.adjustment == Adjustment(gamma=2.0) and not page.notice.isVisible()
    session.close()
    with Project.open(folder) as project:
        assert project.setting("view_adjustment") is None


def test_an_adjustment_that_cannot_be_read_is_told_and_not_used(
    qtbot: QtBot, session: Session, services: Services
) -> None:
    assert session.project is not None
    session.project.set_setting("view_adjustment", {"gamma": "dark"})
    page = shown_page(qtbot, session, services)
    assert page.canvas.view.adjustment is None
    assert "view_adjustment" in page.notice.text


def test_a_key_compares_with_the_image_as_it_is_pressed_or_held(
    qtbot: QtBot, page: LabelPage, session: Session
) -> None:
    plain = _middle(page)
    adjust_view(page, Adjustment(brightness=40))
    adjusted = _middle(page)
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_O)
    assert _middle(page) == plain and page.canvas.badges[0].text.endswith("off")
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_O)
    assert _middle(page) == adjusted
    qtbot.keyPress(page.canvas.view, Qt.Key.Key_O)
    qtbot.wait(round(HELD * 1000) + 100)
    assert _middle(page) == plain
    qtbot.keyRelease(page.canvas.view, Qt.Key.Key_O)
    assert _middle(page) == adjusted


def test_changing_a_value_ends_comparing(qtbot: QtBot, page: LabelPage) -> None:
    adjust_view(page, Adjustment(brightness=40))
    find_action(page, "compare").setChecked(True)
    adjust_view(page, Adjustment(brightness=50))
    assert not find_action(page, "compare").isChecked() and page.canvas.view.adjustment == Adjustment(brightness=50)


def test_the_scale_of_the_project_reaches_the_canvas(qtbot: QtBot, page: LabelPage, session: Session) -> None:
    assert page.canvas.mm_per_pixel is None
    session.set_setting("mm_per_pixel", 0.05)
    assert page.canvas.mm_per_pixel == 0.05


def test_what_a_person_switches_of_the_view_is_kept_in_the_settings(
    qtbot: QtBot, page: LabelPage, services: Services
) -> None:
    for action, setting in (
        ("guides", "canvas_crosshair"),
        ("rulers", "canvas_rulers"),
        ("minimap", "canvas_minimap"),
        ("pixel_grid", "canvas_pixel_grid"),
    ):
        before = getattr(services.settings.values, setting)
        find_action(page, action).toggle()
        assert getattr(services.settings.values, setting) is not before
        services.settings.update(**{setting: before})
        assert find_action(page, action).isChecked() is before
    assert page.canvas.state.minimap and not page.canvas.state.rulers


def test_a_click_on_a_sign_ends_its_state(qtbot: QtBot, page: LabelPage) -> None:
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_H)
    assert page.canvas.state.hidden
    sign = next(one for one in page.canvas.strip.findChildren(QToolButton) if one.isVisible())
    qtbot.mouseClick(sign, Qt.MouseButton.LeftButton)
    assert not page.canvas.state.hidden and not find_action(page, "hide").isChecked()


def test_opening_a_project_whose_adjustment_cannot_be_read_tells_so_too(
    qtbot: QtBot, page: LabelPage, session: Session
) -> None:
    assert session.project is not None
    session.project.set_setting("view_adjustment", {"channel": "infrared"})
    folder = session.project.folder
    session.close()
    session.open(folder)
    assert page.canvas.view.adjustment is None and "view_adjustment" in page.notice.text


def test_the_canvas_has_the_keys_back_when_the_panel_goes(qtbot: QtBot, page: LabelPage) -> None:
    find_action(page, "adjust").setChecked(True)
    slider = find_named(page.canvas.view, QSlider, "Gamma")
    slider.setFocus()
    qtbot.waitUntil(slider.hasFocus)
    find_action(page, "adjust").setChecked(False)
    assert page.canvas.view.hasFocus()
