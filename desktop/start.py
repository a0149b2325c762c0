"""The way into the window: looks whether Qt can run here, then loads it."""

from __future__ import annotations

from pathlib import Path

from desktop.base.system_libraries import require_window


def start_window(project: Path | None = None) -> int:
    """Open the window, on `project` if given, and return the exit code when it is closed.

    Raises InputError where the machine has no screen, or lacks what Qt is linked with.
    """
    require_window()
    from desktop.app import run  # noqa: PLC0415 - loads Qt, which cannot be loaded without those libraries

    return run(project)
