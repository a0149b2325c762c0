"""The services of a window for tests."""

from __future__ import annotations

from pathlib import Path

from core.settings import Settings
from desktop.base.background import Tasks
from desktop.services import Services
from desktop.viewer.thumbnails import ThumbnailLoader


def make_services(folder: Path) -> Services:
    """Services with their settings in `folder`. Call `services.tasks.shut_down()` at the end."""
    tasks = Tasks()
    return Services(tasks, Settings(folder / "config"), ThumbnailLoader(tasks))
