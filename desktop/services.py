"""What the composition root hands to every page."""

from __future__ import annotations

from dataclasses import dataclass

from core.settings import Settings
from desktop.models.thumbnails import ThumbnailLoader
from desktop.tasks import Tasks


@dataclass(frozen=True, slots=True)
class Services:
    """Shared helpers of the window: background work, the person's settings, thumbnails."""

    tasks: Tasks
    settings: Settings
    thumbnails: ThumbnailLoader
