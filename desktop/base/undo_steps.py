"""Undo and redo of what one page edits, where that is not the project."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")


class UndoSteps(Protocol):
    """What the keys for undo and redo do on a page."""

    @property
    def undo_name(self) -> str | None:
        """What `undo` would take back; None where nothing can be."""

    @property
    def redo_name(self) -> str | None:
        """What `redo` would do again; None where nothing can be."""

    def undo(self) -> None:
        """Take back the last step, if there is one."""

    def redo(self) -> None:
        """Do again what was undone last, if there is anything."""


class NoSteps:
    """Of a page that edits nothing which could be undone."""

    undo_name = redo_name = None

    def undo(self) -> None:
        """Nothing on this page can be undone."""

    def redo(self) -> None:
        """Nothing on this page can be done again."""


@dataclass(frozen=True, slots=True)
class _Step(Generic[T]):
    name: str
    before: T
    after: T


class ValueSteps(Generic[T]):
    """Undo and redo of one value. Changes of one name in close succession, such as a slider's, are one step."""

    def __init__(self, show: Callable[[T], None], settle: Callable[[], object] = lambda: None) -> None:
        """`show` makes a former value the present one; `settle` enters what is still being typed."""
        self._show = show
        self._settle = settle
        self._done: list[_Step[T]] = []
        self._undone: list[_Step[T]] = []
        self._open = False  # whether a change of the last step's name still joins it

    @property
    def undo_name(self) -> str | None:
        return self._done[-1].name if self._done else None

    @property
    def redo_name(self) -> str | None:
        return self._undone[-1].name if self._undone else None

    def record(self, name: str, before: T, after: T) -> None:
        """The user has changed the value; what was undone cannot be done again."""
        if before == after:
            return
        self._undone.clear()
        if self._open and self._done and self._done[-1].name == name:
            before = self._done.pop().before
        if before != after:  # a slider may have come back to where it was
            self._done.append(_Step(name, before, after))
        self._open = True

    def close_step(self) -> None:
        """The next change is a step of its own, whatever its name."""
        self._open = False

    def forget(self) -> None:
        """The value has become another in another way: what was done before does not lead to it."""
        self._done.clear()
        self._undone.clear()
        self._open = False

    def undo(self) -> None:
        self._settle()
        if self._done:
            step = self._done.pop()
            self._undone.append(step)
            self._open = False
            self._show(step.before)

    def redo(self) -> None:
        self._settle()
        if self._undone:
            step = self._undone.pop()
            self._done.append(step)
            self._open = False
            self._show(step.after)
