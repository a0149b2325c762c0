"""What the composition root hands to every page."""

from __future__ import annotations

from dataclasses import dataclass, field

from PySide6.QtCore import QObject, Signal, SignalInstance

from core.jobs.launcher import JobLauncher
from core.settings import Settings
from desktop.base.background import Tasks
from desktop.base.file_watch import FileWatch
from desktop.base.keymap import Keymap
from desktop.base.running_work import RunningWork
from desktop.base.warm_child import WarmKeeper
from desktop.viewer.thumbnails import ThumbnailLoader


class SettingsNotifier(QObject):
    """Tells the window that settings were changed."""

    changed = Signal(object)  # frozenset of their names


@dataclass(frozen=True, slots=True)
class Services:
    """Shared helpers of the window: background work, the user's settings, thumbnails, what starts long jobs.

    `settings_changed` tells the names of the settings that are different now; `keymap` has the keys of all actions;
    `files` tells which images' files are missing or changed; `running` what computes in the background; `warm` keeps a
    process ready for the next long job.
    """

    tasks: Tasks
    settings: Settings
    thumbnails: ThumbnailLoader
    launcher: JobLauncher
    notifier: SettingsNotifier = field(init=False)
    keymap: Keymap = field(init=False)
    files: FileWatch = field(init=False)
    running: RunningWork = field(init=False)
    warm: WarmKeeper = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "notifier", SettingsNotifier())
        object.__setattr__(self, "keymap", Keymap(self.settings))
        object.__setattr__(self, "files", FileWatch(self.tasks))
        object.__setattr__(self, "running", RunningWork())
        object.__setattr__(self, "warm", WarmKeeper(self.launcher))
        self.settings.listen(self.notifier.changed.emit)
        self.settings.listen(self.warm.follow_settings)

    @property
    def settings_changed(self) -> SignalInstance:
        """Emits a frozenset of names."""
        return self.notifier.changed
