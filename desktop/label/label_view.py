"""How the Label page shows an image: zoom, what is hidden or locked, measuring, and the view's adjustment."""

from __future__ import annotations

import time
from collections.abc import Callable

from pydantic import ValidationError
from PySide6.QtCore import QEvent, QObject, QPoint, Qt, QTimer
from PySide6.QtGui import QAction, QColor, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QApplication

from core.errors import InputError
from core.imaging.adjust import Adjustment
from desktop.base.actions import ActionSet
from desktop.base.theme import set_icon
from desktop.label.adjust_panel import AS_IT_IS, AdjustPanel
from desktop.label.canvas.annotation_canvas import AnnotationCanvas
from desktop.label.canvas.box_picture import CanvasStyle
from desktop.label.canvas.overlay import RULER
from desktop.label.label_context import LabelContext
from desktop.services import Services

ADJUSTMENT, SCALE = "view_adjustment", "mm_per_pixel"  # settings of the project
SAVE_AFTER = 400  # ms without a change
HELD = 0.35  # seconds; a key held longer compares only while it is held
STYLE = frozenset({"canvas_line_width", "canvas_fill_opacity", "canvas_crosshair", "canvas_guide_color"})
# States of the view that are the user's, not a project's: the action, whose name the state has, and the setting.
KEPT = (("minimap", "canvas_minimap"), ("rulers", "canvas_rulers"), ("pixel_grid", "canvas_pixel_grid"))
NAMED = (
    "draw",
    "delete",
    "hide",
    "hide_names",
    "show_hidden",
    "lock",
    "lock_box",
    "measure",
    "compare",
)  # by hints and badges


class LabelView(QObject):
    """The actions of `desktop.base.actions.LABEL_VIEW`; none of them changes the project's boxes."""

    def __init__(self, canvas: AnnotationCanvas, context: LabelContext, services: Services, actions: ActionSet) -> None:
        super().__init__(canvas)
        self._canvas = canvas
        self._context = context
        self._settings = services.settings
        self._actions = actions
        self._compared_at = 0.0
        self._unsaved = False
        self._ours = False  # the project's setting is being written by this
        self.panel = AdjustPanel(canvas.view)
        self._save_timer = QTimer(self, singleShot=True, interval=SAVE_AFTER)
        self._save_timer.timeout.connect(self.settle)
        self.panel.adjusted.connect(self._take_adjustment)
        self.panel.closed.connect(self._panel_closed)
        canvas.badge_clicked.connect(self._end_state)
        canvas.cancelled.connect(self._close_panel)
        canvas.measuring_changed.connect(lambda on: self._check_action("measure", on))
        canvas.view.installEventFilter(self)
        session = context.session
        session.setting_changed.connect(self._setting_changed)
        session.settle.connect(self.settle)
        services.settings_changed.connect(self._follow_settings)
        actions.add_handlers(self._list_handlers())
        for name in NAMED:
            actions[name].changed.connect(self._tell_keys)
        self._tell_keys()
        self._follow_settings(STYLE | {"canvas_background", "label_ask_labels"} | {setting for _, setting in KEPT})

    def _list_handlers(self) -> dict[str, Callable[..., object]]:
        canvas = self._canvas
        return {
            "fit": canvas.view.fit_image,
            "actual_size": canvas.view.show_actual_size,
            "zoom_in": lambda: canvas.view.zoom_by(1.25),
            "zoom_out": lambda: canvas.view.zoom_by(0.8),
            "zoom_selection": canvas.zoom_to_selection,
            "hide": lambda on: self._switch_hidden("hide", hidden=on),
            "hide_names": lambda on: canvas.set_state(names_hidden=on),
            "lock": lambda on: canvas.set_state(locked=on),
            "measure": canvas.set_measuring,
            "guides": lambda on: self._keep_setting(canvas_crosshair=on),
            "pixel_grid": lambda on: self._keep_setting(canvas_pixel_grid=on),
            "rulers": lambda on: self._keep_setting(canvas_rulers=on),
            "minimap": lambda on: self._keep_setting(canvas_minimap=on),
            "ask_labels": lambda on: self._keep_setting(label_ask_labels=on),
            "adjust": self._show_panel,
            "compare": self._compare_original,
        }

    # -- the project

    def open_project(self) -> None:
        """Show the session's project as it was shown last."""
        project = self._context.project
        self._unsaved = False
        self._save_timer.stop()
        kept = project.setting(ADJUSTMENT) if project is not None else None
        self.panel.show_adjustment(self._read_adjustment(kept))
        self._show_adjusted()
        self._canvas.set_mm_per_pixel(project.setting(SCALE) if project is not None else None)

    def settle(self) -> None:
        """Keep the adjustment in the project, if it has changed and the project may be written."""
        if not self._unsaved:
            return
        self._unsaved = False
        self._save_timer.stop()
        session = self._context.session
        if session.project is None or not self._context.editable:
            return
        value = self.panel.adjustment
        self._ours = True
        try:
            session.set_setting(ADJUSTMENT, None if value.is_neutral else value.model_dump(exclude_defaults=True))
        except InputError as error:
            self._context.notice.show_notice(f"The view's adjustment could not be kept in the project. {error}")
        finally:
            self._ours = False

    def _setting_changed(self, name: str) -> None:
        if self._ours or self._context.project is None:
            return
        if name == SCALE:
            self._canvas.set_mm_per_pixel(self._context.project.setting(SCALE))
        elif name == ADJUSTMENT:
            self.panel.show_adjustment(self._read_adjustment(self._context.project.setting(ADJUSTMENT)))
            self._show_adjusted()

    def _read_adjustment(self, kept: object) -> Adjustment:
        if kept is None:
            return AS_IT_IS
        try:
            return Adjustment.model_validate(kept)
        except ValidationError as error:
            first = error.errors()[0]
            why = f"{ADJUSTMENT}: {first['msg']}. Images are shown as they are; choose the adjustment again."
            self._context.notice.show_notice(why, "warning", stays=False)
            return AS_IT_IS

    # -- adjustment

    def _take_adjustment(self, adjustment: Adjustment) -> None:
        self._check_action("compare", False)
        self._show_adjusted()
        self._unsaved = True
        self._save_timer.start()

    def _show_adjusted(self) -> None:
        value = self.panel.adjustment
        self._canvas.set_adjustment(None if value.is_neutral else value)
        set_icon(self._actions["adjust"], "adjust", "text" if value.is_neutral else "warning")

    def _compare_original(self, on: bool) -> None:
        if on and self.panel.adjustment.is_neutral:
            self._context.session.message.emit("The view is not adjusted: there is nothing to compare with")
            self._check_action("compare", False)
            return
        self._compared_at = time.monotonic()
        self._canvas.compare_original(on)

    def _show_panel(self, on: bool) -> None:
        if not on:
            focus = QApplication.focusWidget()
            had_keys = focus is not None and self.panel.isAncestorOf(focus)
            self.panel.hide()
            # Else Qt gives them to whatever comes next, and Enter would press it.
            if had_keys:
                self._canvas.view.setFocus(Qt.FocusReason.OtherFocusReason)
            return
        self.panel.adjustSize()
        edge = int(RULER) if self._canvas.state.rulers else 0
        # Below the badges, in the corner where tools for the view are looked for.
        self.panel.move_inside(QPoint(self._canvas.view.width() - self.panel.width() - 12, edge + 48))
        self.panel.show()
        self.panel.raise_()

    def _close_panel(self) -> None:
        """Esc, with nothing else to cancel."""
        if self.panel.isVisible():
            self.panel.close_panel()

    def _panel_closed(self) -> None:
        self._check_action("adjust", False)
        self._canvas.view.setFocus(Qt.FocusReason.OtherFocusReason)

    # -- states

    def _switch_hidden(self, action: str, *, hidden: bool) -> None:
        self._canvas.set_state(hidden=hidden)
        set_icon(self._actions[action], "show" if hidden else "hide")

    def _keep_setting(self, **setting: bool) -> None:
        name, on = next(iter(setting.items()))
        if getattr(self._settings.values, name) != on:
            self._settings.update(**setting)

    def _follow_settings(self, names: frozenset[str]) -> None:
        values = self._settings.values
        if names & STYLE:
            self._canvas.set_style(
                CanvasStyle(
                    line_width=values.canvas_line_width,
                    fill_opacity=values.canvas_fill_opacity,
                    guides=values.canvas_crosshair,
                    guide_color=values.canvas_guide_color,
                )
            )
            self._check_action("guides", values.canvas_crosshair)
        if "canvas_background" in names:
            color = values.canvas_background
            self._canvas.view.set_background(QColor(color) if color else None)
        if "label_ask_labels" in names:
            self._check_action("ask_labels", values.label_ask_labels)
        for action, setting in KEPT:
            if setting in names:
                on = getattr(values, setting)
                self._canvas.set_state(**{action: on})
                self._check_action(action, on)

    def _end_state(self, name: str) -> None:
        """A badge was clicked: end what it shows."""
        if name:
            self._actions[name].trigger()

    def _check_action(self, name: str, on: bool) -> None:
        self._actions[name].setChecked(on)

    def _tell_keys(self) -> None:
        shown = QKeySequence.SequenceFormat.NativeText
        self._canvas.set_keys({name: self._actions[name].shortcut().toString(shown) for name in NAMED})

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        # A shortcut hears of a key going down only; held for long, comparing ends where the key comes up.
        if event.type() == QEvent.Type.KeyRelease and isinstance(event, QKeyEvent) and not event.isAutoRepeat():
            compare = self._actions["compare"]
            held = time.monotonic() - self._compared_at >= HELD
            if compare.isChecked() and held and _is_key_of(event, compare):
                compare.setChecked(False)
        return False


def _is_key_of(event: QKeyEvent, action: QAction) -> bool:
    # Without its modifiers: they may come up before or after it.
    last = QKeySequence(event.key())
    return any(keys.toString().rpartition("+")[2] == last.toString() for keys in action.shortcuts())
