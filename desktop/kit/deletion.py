"""Asking before something is deleted for good."""

from __future__ import annotations

from PySide6.QtWidgets import QMessageBox, QWidget

from desktop.kit.error_box import message_box


def may_delete(parent: QWidget, question: str, details: str) -> bool:
    """Whether the user says so; Enter and Escape say no."""
    box = message_box(parent, question, f"{details}\n\nThis cannot be undone.")
    delete = box.addButton("Delete", QMessageBox.ButtonRole.DestructiveRole)
    cancel = box.addButton(QMessageBox.StandardButton.Cancel)
    box.setDefaultButton(cancel)
    box.setEscapeButton(cancel)
    box.exec()
    return box.clickedButton() is delete
