"""Watches the images' files: which are gone, which are no longer the file that was labelled, and which are new.

Only folders are listed, and in the background: a project of 100,000 images is watched by as many calls as it has
folders. What listings cannot tell is found by going over sizes and times, a few thousand files at a time; only
files that were written since, and the one on the screen, are read.
"""

from __future__ import annotations

import time
from collections import deque
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QFileSystemWatcher, QObject, QTimer, Signal

from core import files
from core.changes import Changes
from core.errors import InputError
from core.project.images import image_files, relocating
from core.project.project import Project
from desktop.base.background import Tasks
from desktop.base.file_checks import Folder, Listing, Suspicion, folders_of, list_folder, look_over, stamp_of
from desktop.base.session import Session

State = Literal["present", "missing", "changed"]

BEGIN_AFTER = 800  # ms: the window comes first
CHECK_EVERY = 10_000  # ms
QUIET = 1_000  # ms without news before folders are listed again, and before new files are reported
WATCHED = 256  # folders that the system is asked to tell of; the others are looked at in turn
STAMPS = 400  # folders whose time is asked for in one check
LOOKED_OVER = 4_000  # files whose size is asked for in one check
READ_AT_ONCE = 16  # files whose content is read in one check
# When the files of a project were looked at last, in ns since 1970: no part of the project, whose backups would
# otherwise count every look as a change.
SEEN = Path("cache", "files-seen")
KEY = "file watch"


class FileWatch(QObject):
    """One per window; follows the session. Its answers are of the last look, never of a call to the disk."""

    states_changed = Signal(object)  # frozenset of image ids
    appeared = Signal(object)  # list of Path: image files that came into folders of the project
    find_wanted = Signal(object)  # frozenset of image ids whose files a user wants to look for
    accept_wanted = Signal(object)  # frozenset of image ids whose changed files a user takes for the right ones

    def __init__(self, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tasks = tasks
        self._session: Session | None = None
        self._watcher = QFileSystemWatcher(self)
        self._watcher.directoryChanged.connect(self._folder_told)
        self._begin = QTimer(self, singleShot=True, interval=BEGIN_AFTER)
        self._begin.timeout.connect(self._plan_look)
        self._tick = QTimer(self, interval=CHECK_EVERY)
        self._tick.timeout.connect(self._look_again)
        self._told = QTimer(self, singleShot=True, interval=QUIET)
        self._told.timeout.connect(self._list_next)
        self._news = QTimer(self, singleShot=True, interval=2 * QUIET)
        self._news.timeout.connect(self._tell_new)
        self._shown = QTimer(self, singleShot=True, interval=QUIET // 4)
        self._shown.timeout.connect(self._read_current)
        self._clear_state()

    def follow_session(self, session: Session) -> None:
        """Watch the images of whatever project the session has open."""
        self._session = session
        session.project_changed.connect(self._set_project)
        session.changed.connect(self._project_edited)
        session.image_changed.connect(self._shown.start)
        session.closing.connect(self._keep_when_seen)
        self._set_project()

    def find_state(self, image_id: int) -> State:
        """What the last look said; "present" before the first."""
        return "missing" if image_id in self._missing else "changed" if image_id in self._changed else "present"

    @property
    def missing(self) -> frozenset[int]:
        """Images whose file is not where it was."""
        return self._missing

    @property
    def changed(self) -> frozenset[int]:
        """Images whose file is not the one that was labelled."""
        return self._changed

    @property
    def listed_folders(self) -> frozenset[str]:
        """Folders of the project whose content is known."""
        return frozenset(self._listings)

    @property
    def watched_folders(self) -> frozenset[str]:
        """Folders whose changes the system tells of."""
        return frozenset(self._watcher.directories())

    def look_now(self) -> None:
        """Look at every folder again, now."""
        self._begin.stop()
        self._plan_look()

    # -- the plan: which folders there are

    def _clear_state(self) -> None:
        self._folders: dict[str, Folder] = {}
        self._listings: dict[str, Listing] = {}
        self._waiting: deque[str] = deque()
        self._stamps_from = 0
        self._sizes_from = 0
        self._missing: frozenset[int] = frozenset()
        self._changed: frozenset[int] = frozenset()
        self._to_read: deque[int] = deque()
        self._offered: set[str] = set()  # `gathering.key` of files that are no news
        self._new: list[Path] = []
        self._since = time.time_ns()

    def _set_project(self) -> None:
        for key in ("plan", "list", "stamps", "sizes", "read"):
            self._tasks.cancel(f"{KEY} {key}")
        for timer in (self._begin, self._tick, self._told, self._news, self._shown):
            timer.stop()
        if watched := self._watcher.directories():
            self._watcher.removePaths(watched)
        self._clear_state()
        if self._project is not None:
            self._begin.start()

    @property
    def _project(self) -> Project | None:
        return self._session.project if self._session is not None else None

    def _project_edited(self, changes: Changes, _initiator: object) -> None:
        for image_id in changes.images & self._changed:
            # Its record may name the present content now.
            self._to_read.appendleft(image_id)
            self._shown.start()
        if changes.image_list:
            self._begin.start(QUIET)

    def _plan_look(self) -> None:
        project = self._project
        if project is None:
            return

        def work() -> tuple[dict[str, Folder], int | None]:
            return folders_of(project.images(), project.folder), _read_seen(project.folder)

        self._tasks.run(f"{KEY} plan", work, self._take_plan, self._give_up, priority=-2)

    def _take_plan(self, result: tuple[dict[str, Folder], int | None]) -> None:
        folders, seen = result
        if not self._folders and seen is not None:
            self._since = seen
        known = {image_id for folder in folders.values() for image_id in folder.ids.values()}
        for path, folder in self._folders.items():
            # What was taken out of the project stays where it is, and is no news.
            left = folder.ids.keys() - (folders[path].ids.keys() if path in folders else set())
            self._offered.update(image_files.path_key(Path(path, name)) for name in left)
        self._folders = folders
        self._listings = {path: found for path, found in self._listings.items() if path in folders}
        self._set_states(self._missing & known, self._changed & known)
        self._waiting = deque(folders)
        self._list_next()
        self._tick.start()
        self._shown.start()

    # -- listing folders

    def _folder_told(self, path: str) -> None:
        if path in self._folders and path not in self._waiting:
            self._waiting.append(path)
        self._told.start()

    def _list_next(self) -> None:
        if not self._waiting or self._tasks.busy(f"{KEY} list"):
            return
        folder = self._folders.get(self._waiting.popleft())
        if folder is None:
            return
        # What lay there before the project was looked at last was left out on purpose.
        since = self._since if folder.path not in self._listings else None
        self._tasks.run(
            f"{KEY} list",
            partial(list_folder, folder, since),
            partial(self._take_listing, folder),
            self._give_up,
            priority=-2,
        )

    def _take_listing(self, folder: Folder, found: Listing) -> None:
        first = folder.path not in self._listings
        if first and found.stamp and len(self._watcher.directories()) < WATCHED:
            # Asked of the system only once the folder has answered, for a share that hangs would hang the window.
            self._watcher.addPath(folder.path)
        self._listings[folder.path] = found
        if folder is self._folders.get(folder.path):
            self._set_states(missing=(self._missing - frozenset(folder.ids.values())) | found.missing)
            if new := [file for file in found.new if image_files.path_key(file) not in self._offered]:
                self._new += new
                self._news.start()
            self._offered.update(map(image_files.path_key, found.strangers))
        self._list_next()

    def _set_states(self, missing: frozenset[int] | None = None, changed: frozenset[int] | None = None) -> None:
        before = self._missing, self._changed
        self._missing = self._missing if missing is None else missing
        self._changed = self._changed if changed is None else changed
        if touched := (before[0] ^ self._missing) | (before[1] ^ self._changed):
            self.states_changed.emit(touched)

    def _tell_new(self) -> None:
        if self._begin.isActive() or self._tasks.busy(f"{KEY} plan"):
            self._news.start()  # what the project holds is about to be read again: some may have come into it
            return
        new, self._new = [file for file in self._new if not self._is_known(file)], []
        if new:
            self.appeared.emit(new)

    def _is_known(self, file: Path) -> bool:
        folder = self._folders.get(str(file.parent))
        return folder is not None and file.name in folder.ids

    # -- looking again

    def _look_again(self) -> None:
        """Ask a bounded number of folders and files for their times and sizes."""
        project = self._project
        if project is None or self._tasks.busy(f"{KEY} stamps") or not self._folders:
            return
        paths = list(self._folders)
        start = self._stamps_from % len(paths)
        part = paths[start : start + STAMPS]
        self._stamps_from = start + len(part)
        self._tasks.run(
            f"{KEY} stamps",
            lambda: {path: stamp_of(path) for path in part},
            self._take_stamps,
            self._give_up,
            priority=-2,
        )
        self._look_over_sizes(project)
        self._read_next()

    def _take_stamps(self, stamps: dict[str, int]) -> None:
        for path, stamp in stamps.items():
            known = self._listings.get(path)
            if (known is None or known.stamp != stamp or not known.settled) and path not in self._waiting:
                self._waiting.append(path)
        self._list_next()

    def _look_over_sizes(self, project: Project) -> None:
        if self._tasks.busy(f"{KEY} sizes"):
            return
        start, missing = self._sizes_from, self._missing

        def work() -> tuple[Suspicion, int, frozenset[int]]:
            part = project.images()[start : start + LOOKED_OVER]
            present = [(image, project.image_path(image)) for image in part if image.id not in missing]
            return look_over(present), len(part), frozenset(image.id for image in part)

        self._tasks.run(f"{KEY} sizes", work, self._take_sizes, self._give_up, priority=-2)

    def _take_sizes(self, result: tuple[Suspicion, int, frozenset[int]]) -> None:
        found, count, looked_at = result
        in_doubt = {*found.touched, *((self._changed & looked_at) - found.changed)}
        self._to_read += in_doubt.difference(self._to_read)
        self._set_states(changed=self._changed | found.changed)
        self._sizes_from = self._sizes_from + count if count == LOOKED_OVER else 0
        self._read_next()

    # -- reading contents

    def _read_current(self) -> None:
        image_id = self._session.image_id if self._session is not None else None
        if image_id is not None:
            self._to_read.appendleft(image_id)
            self._read_next()

    def _read_next(self) -> None:
        project = self._project
        if project is None or not self._to_read or self._tasks.busy(f"{KEY} read"):
            return
        wanted = {self._to_read.popleft() for _ in range(min(READ_AT_ONCE, len(self._to_read)))} - self._missing

        def work() -> tuple[set[int], list[int]]:
            present = wanted.intersection(project.image_ids())
            try:
                return present, relocating.find_changed(project, present)
            except KeyError:
                return set(), []  # one was taken out of the project meanwhile

        self._tasks.run(f"{KEY} read", work, self._take_contents, self._give_up, priority=-2)

    def _take_contents(self, result: tuple[set[int], list[int]]) -> None:
        read, other = result
        self._set_states(changed=(self._changed - read) | frozenset(other))

    # -- ends

    def _keep_when_seen(self) -> None:
        project = self._project
        if project is not None and not project.read_only and self._listings:
            with suppress(OSError):  # only convenience is lost: closing must not fail by it
                files.write_text(project.folder / SEEN, str(time.time_ns()))

    @staticmethod
    def _give_up(error: Exception) -> None:
        # The project was closed while it was read, or its folder is gone with the disk; the next look tells.
        if not isinstance(error, InputError | OSError):
            raise error


def _read_seen(folder: Path) -> int | None:
    try:
        return int((folder / SEEN).read_text("utf-8"))
    except (OSError, ValueError):
        return None
