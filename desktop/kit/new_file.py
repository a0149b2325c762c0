"""Asking for the name of a file that is not there yet."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QWidget


def ask_new_file(parent: QWidget, title: str, proposal: str, kinds: str) -> Path | None:
    """The file that the user names, with the ending of `proposal` if they gave none; None if they named none.

    A file of this name may be there: whoever writes takes a free name (`find_free_path`) and says so. The desktop's
    dialog must not offer to replace what is never replaced.
    """
    chosen, _ = QFileDialog.getSaveFileName(parent, title, proposal, kinds, "", QFileDialog.Option.DontConfirmOverwrite)
    if not chosen:
        return None
    path = Path(chosen)
    return path if path.suffix else path.with_suffix(Path(proposal).suffix)
