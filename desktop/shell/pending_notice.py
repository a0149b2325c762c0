"""Says that edits could not be written yet and why; asks before they are left behind."""

from __future__ import annotations

from typing import Literal

from PySide6.QtWidgets import QMessageBox, QWidget

from core.counting import format_count
from desktop.base.pending_edits import RETRY
from desktop.base.session import Session
from desktop.kit.error_box import message_box, parts_of
from desktop.kit.notice import Notice

Leaving = Literal["image", "project"]


class PendingNotice(Notice):
    """A strip that stays as long as edits wait for the disk."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent, closable=False)
        self._session = session
        self.setAccessibleName("Edits that are not written yet")
        session.pending.changed.connect(self._show_count)
        self._show_count()

    def _show_count(self) -> None:
        pending = self._session.pending
        if not pending:
            self.clear()
            return
        count = format_count(len(pending.edits), "edit")
        parts = parts_of(pending.reason)
        self.show_notice(
            f"{count} not written yet: {parts.wrong} {parts.mend} "
            f"Nothing on the screen is lost; it is tried again every {RETRY // 1000} seconds and at the next edit.",
            "error",
            offer=("Try again", self._session.try_again),
        )


def ask_before_leaving(session: Session, leaving: Leaving, window: QWidget | None) -> bool:
    """Ask in front of `window`, while edits wait, whether to leave the image or the project all the same."""
    while session.pending:
        answer = _ask_user(session, leaving, window)
        if answer == "stay":
            return False
        if answer == "leave":
            return True
        session.try_again()
    return True


def _ask_user(session: Session, leaving: Leaving, window: QWidget | None) -> Literal["try", "leave", "stay"]:
    count = format_count(len(session.pending.edits), "edit")
    parts = parts_of(session.pending.reason)
    then = "They are kept in memory and tried again." if leaving == "image" else "Closing now loses them."
    text = f"{parts.wrong} {parts.mend} {then}\n\n{parts.where}"
    box = message_box(window, f"{count} not written to the disk yet", text)
    again = box.addButton("Try again", QMessageBox.ButtonRole.AcceptRole)
    going = "Go on without waiting" if leaving == "image" else f"Close and lose {count}"
    leave = box.addButton(going, QMessageBox.ButtonRole.DestructiveRole)
    leave.setProperty("role", "danger" if leaving == "project" else "")
    stay = box.addButton("Stay", QMessageBox.ButtonRole.RejectRole)
    again.setMinimumWidth(100)  # the default button is bold, which its own hint forgets
    box.setDefaultButton(again)
    box.setEscapeButton(stay)
    box.exec()
    clicked = box.clickedButton()
    return "try" if clicked is again else "leave" if clicked is leave else "stay"
