"""The services of a window for tests."""

from __future__ import annotations

from pathlib import Path

from core.settings import Settings
from desktop.models.thumbnails import ThumbnailLoader
from desktop.services import Services
from desktop.tasks import Tasks


def make_services(folder: Path) -> Services:
    """Services with their settings in `folder`. Call `services.tasks.shut_down()` at the end."""
    tasks = Tasks()
    return Services(tasks, Settings(folder / "config"), ThumbnailLoader(tasks))
