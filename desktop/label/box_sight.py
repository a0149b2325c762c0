"""Hiding and locking of boxes, by the box and by label. The settings keep both until the project is opened again."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from core.counting import format_count
from core.settings import Settings
from desktop.base.actions import ActionSet
from desktop.label.canvas.annotation_canvas import AnnotationCanvas
from desktop.label.canvas.box_rules import NO_RULES, BoxRules
from desktop.label.label_context import LabelContext


class BoxSight(QObject):
    """Performs `hide_box`, `only_box`, `lock_box` and `show_hidden`; the project knows nothing of it."""

    changed = Signal(object)  # BoxRules

    def __init__(self, context: LabelContext, canvas: AnnotationCanvas, settings: Settings, actions: ActionSet) -> None:
        super().__init__(canvas)
        self._context = context
        self._canvas = canvas
        self._settings = settings
        self._rules = NO_RULES
        actions.add_handlers(self._list_handlers())
        context.session.closing.connect(self._keep_rules)
        context.session.project_changed.connect(self.recall_rules)

    @property
    def rules(self) -> BoxRules:
        return self._rules

    def recall_rules(self) -> None:
        """Hide and lock what was so when the project was closed. Labels that are gone since hide nothing."""
        project = self._context.session.project
        if project is None:
            self._set_rules(NO_RULES)
            return
        kept, labels = self._settings.recent(project.folder), frozenset(label.id for label in project.labels())
        self._set_rules(
            BoxRules(
                hidden_boxes=frozenset(kept.hidden_boxes),
                hidden_labels=labels & frozenset(kept.hidden_labels),
                only_label=kept.only_label if kept.only_label in labels else None,
                locked_boxes=frozenset(kept.locked_boxes),
                locked_labels=labels & frozenset(kept.locked_labels),
            )
        )

    def _keep_rules(self) -> None:
        project = self._context.session.project
        if project is not None:
            self._settings.remember_project(
                project.folder,
                hidden_boxes=tuple(sorted(self._rules.hidden_boxes)),
                hidden_labels=tuple(sorted(self._rules.hidden_labels)),
                only_label=self._rules.only_label,
                locked_boxes=tuple(sorted(self._rules.locked_boxes)),
                locked_labels=tuple(sorted(self._rules.locked_labels)),
            )

    def _list_handlers(self) -> dict[str, Callable[..., object]]:
        return {
            "hide_box": self.hide_selected,
            "only_box": self.show_only_selected,
            "lock_box": self.lock_selected,
            "show_hidden": self.show_all,
        }

    def hide_selected(self) -> None:
        """Put the selected boxes out of sight until all are shown again."""
        if chosen := self._need_selection("hides it"):
            self._canvas.select_boxes(())
            self._set_rules(self._rules.with_hidden(chosen))
            self._say_hidden(len(chosen))

    def show_only_selected(self) -> None:
        """Put all other boxes of the image out of sight."""
        if chosen := self._need_selection("hides all others"):
            others = [box.id for box in self._canvas.boxes if box.id not in chosen]
            self._set_rules(self._rules.with_hidden(others))
            self._say_hidden(len(others))

    def lock_selected(self) -> None:
        """Hold the selected boxes in place, or let them go."""
        if self._need_selection("locks it"):
            self._canvas.finish_nudging()
            self._set_rules(self._rules.with_locks_switched(self._canvas.chosen))
            locked = len(self._rules.locked_boxes & self._canvas.selected)
            self._say(f"Locked: {_count_boxes(locked)}" if locked else "Unlocked")

    def show_all(self) -> None:
        """Show every box that was hidden by itself or by its label."""
        self._set_rules(self._rules.with_all_shown())

    def switch_label_hidden(self, label_id: int) -> None:
        self._set_rules(self._rules.with_label_hidden(label_id))

    def switch_only_label(self, label_id: int) -> None:
        self._set_rules(self._rules.with_only_label(label_id))

    def switch_label_locked(self, label_id: int) -> None:
        self._canvas.finish_nudging()
        self._set_rules(self._rules.with_label_locked(label_id))

    def _need_selection(self, does: str) -> frozenset[int]:
        if not self._canvas.selected:
            self._say(f"Select a box first, then this {does}")
        return self._canvas.selected

    def _set_rules(self, rules: BoxRules) -> None:
        if rules != self._rules:
            self._rules = rules
            self._canvas.set_rules(rules)
            self.changed.emit(rules)

    def _say_hidden(self, count: int) -> None:
        self._say(
            f"Hidden: {_count_boxes(count)}; nothing leaves the project" if count else "There are no others to hide"
        )

    def _say(self, text: str) -> None:
        self._context.session.message.emit(text)


def _count_boxes(count: int) -> str:
    return format_count(count, "box")
