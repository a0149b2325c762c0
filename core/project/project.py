"""The facade of a project folder. Every mutation is durable when it returns, and says what it changed."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Self

from core.changes import Changes
from core.errors import InputError
from core.gc_pause import gc_paused
from core.project import making, palette
from core.project.edits.edit import (
    KEPT_AFTER_RESTART,
    Edit,
    EventKind,
    HistoryEntry,
    ImageEvent,
    fields_of,
    file_of,
    state_of,
)
from core.project.images import image_files, moving
from core.project.images.grouping import Grouper
from core.project.images.summary import Summary
from core.project.project_cache import Memory
from core.project.project_reading import ProjectReading
from core.project.project_runs import ProjectRuns
from core.project.records import DATABASE_FILE
from core.project.storage import database
from core.project.storage.encoding import encode
from core.project.storage.event_tables import now
from core.project.storage.store import StaleEditError, Store
from core.types import Problem


class Project(ProjectReading, ProjectRuns):
    """One open project. May be used from several threads: a lock serialises them.

    Labels, image records and counts are kept in memory; boxes are read from the database.
    """

    def __init__(self, folder: Path, store: Store, notices: tuple[str, ...], *, read_only: bool) -> None:
        """Use `create` or `open`."""
        super().__init__(folder, store, read_only=read_only)
        self.notices = notices  # what a person should know about the opening

    # Life

    @classmethod
    def create(cls, folder: Path, labels: Sequence[str] = ()) -> Self:
        """Make a project in `folder` (made if need be) and open it.

        Raises InputError if the folder holds a project already, cannot be written, or a label is no good.
        """
        folder = Path(os.path.abspath(folder))
        path = folder / DATABASE_FILE
        if path.exists():
            raise InputError(f"{folder}: there is a project in it already; open it, or choose another folder")
        first = palette.extended((), labels)
        try:
            with making.undone_on_failure(folder, made=not folder.exists()), database.explained(path):
                for name in making.FOLDERS:
                    (folder / name).mkdir(parents=True, exist_ok=True)
                database.create(path)
                project = cls.open(folder)
                with project._closed_on_failure():
                    if first:
                        with project._writing():
                            project._store.write(Edit("Create", {}, {}, (), first))
                            project._store.set_counters({"label": len(first) + 1})
                        project._load()
        except OSError as error:
            raise InputError(
                f"{folder}: cannot make a project there ({error.strerror}); choose another folder"
            ) from error
        return project

    @classmethod
    @contextmanager
    def creating(cls, folder: Path, labels: Sequence[str] = ()) -> Iterator[Self]:
        """`create`, for filling the project in the body: if that fails or is interrupted, no project is left behind."""
        # Before anything is made: a project that is there already is nobody's to take away.
        with ExitStack() as undoing:
            made = not folder.exists()
            project = cls.create(folder, labels)
            undoing.enter_context(making.undone_on_failure(project.folder, made=made))
            with project:
                yield project

    @contextmanager
    def _closed_on_failure(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self.close()
            raise

    @classmethod
    def open(cls, folder: Path, *, read_only: bool = False) -> Self:
        """Open the project in `folder`.

        Read-only shows what was saved at this moment, and works beside a window that has the project open.
        Raises InputError: not a project, newer than this program, damaged, or open elsewhere.
        """
        folder = Path(os.path.abspath(folder))
        path = folder / DATABASE_FILE
        notices: tuple[str, ...] = ()
        with ExitStack() as resources:
            if read_only:
                store = Store(resources.enter_context(database.open_copy(path)))
            else:
                opened = database.open_owned(path)
                store, notices = Store(opened.connection), opened.notices
                resources.callback(store.close)
            with database.explained(path):
                project = cls(folder, store, notices, read_only=read_only)
                project._load()
                if not read_only:
                    # Not before everything was read: what is damaged stays as it is.
                    store.take_over(project._counters["history"] - KEPT_AFTER_RESTART)
            project._resources = resources.pop_all()
        return project

    def _load(self) -> None:
        with self._lock:
            images = self._store.images()
            order = self._store.order()
            if len(order) != len(images) or images.keys() != set(order):
                order = image_files.in_order({image.id: image.path for image in images.values()})
            self._memory = Memory(self.folder, self._store.labels(), images, order, self._store.label_set_counts())
            self._counters = self._read_counters()

    def close(self) -> None:
        """Give the project free for others. May be called twice."""
        with self._copying, self._lock:
            if not self._closed and not self.read_only:
                self._store.settle(self._memory.order)
            super().close()

    # Edits

    @gc_paused()
    def apply(self, edit: Edit) -> Changes:
        """Make an edit durable and put it on the undo stack. An edit that changes nothing is not recorded.

        Raises InputError if the project is read-only, the disk refuses, or what the edit was made from has
        changed meanwhile; then nothing was written.
        """
        with self._lock:
            self._check_writable()
            self._check_fresh(edit)
            if edit.is_empty:
                return Changes()
            changes, encoded, time = edit.changes(), encode(edit), now()
            position = self._counters["history"]
            try:
                with self._writing():
                    summaries = self._write(edit, "done", time, changes.images)
                    self._store.history.push(position, edit, encoded, time, len(changes.images))
                    self._store.set_counters(self._counters | {"history": position + 1})
            except StaleEditError:
                raise _stale(edit, "boxes were") from None
            self._counters["history"] = position + 1
            self._memory.adopt(edit, summaries)
            return changes

    def undo(self) -> Changes | None:
        """Take back the last edit, durably; None if there is none."""
        return self._steps(self._counters["history"] - 1)

    def redo(self) -> Changes | None:
        """Do again what was undone last, durably; None if there is nothing."""
        return self._steps(self._counters["history"] + 1)

    def go_to(self, position: int) -> Changes:
        """Undo or redo until the edit of the `HistoryEntry` with this position is the last one that is done.

        `position` is the number of edits that are done then, counted from the project's first; one less than that
        of the first entry takes everything back that can be. All of it is durable, or nothing is.
        Raises InputError if it is out of reach.
        """
        changes = self._steps(position)
        if changes is None:
            raise InputError(f"history: there is no position {position}; see what can be undone in the list of edits")
        return changes

    @property
    def position(self) -> int:
        """How many edits are done, as `go_to` counts them."""
        with self._lock:
            return self._counters["history"]

    @property
    def undone(self) -> int:
        """How many edits can be redone; the next edit takes their place for good."""
        with self._reading():
            return max(0, self._store.history.span()[1] - self._counters["history"])

    def images_of_edit(self, position: int) -> frozenset[int]:
        """The images that the edit of the `HistoryEntry` with this position touches; none where there is no such edit."""
        with self._reading():
            edit = self._store.history.edit(position - 1)
        return frozenset(edit.image_ids) if edit is not None else frozenset()

    def images_on_the_way(self, position: int) -> int:
        """How many images `go_to` would touch, counted for each edit between: by this it takes its time."""
        with self._reading():
            return self._store.history.images_between(*sorted((position, self._counters["history"])))

    def history(self) -> list[HistoryEntry]:
        """What can be undone and redone, oldest first."""
        with self._reading():
            return self._store.history.entries(self._counters["history"])

    def image_history(self, image_id: int) -> list[ImageEvent]:
        """Each edit of an image that was done, undone or redone, newest first; kept for ever."""
        with self._reading():
            return self._store.events.of_image(image_id)

    @property
    def undo_name(self) -> str | None:
        """The name of the edit that `undo` would take back."""
        with self._reading():
            return self._store.history.name(self._counters["history"] - 1)

    @property
    def redo_name(self) -> str | None:
        """The name of the edit that `redo` would do again."""
        with self._reading():
            return self._store.history.name(self._counters["history"])

    @gc_paused()
    def _steps(self, target: int) -> Changes | None:
        """Undo or redo up to position `target` in one transaction; None if there is no such position."""
        with self._reading():
            self._check_writable()
            position = self._counters["history"]
            first, last = self._store.history.span()
            if not first <= target <= last:
                return None
            back = target < position
            done: list[tuple[Edit, dict[int, Summary]]] = []
            changes, time = Changes(), now()
            with self._writing():
                for place in range(position - 1, target - 1, -1) if back else range(position, target):
                    edit = self._store.history.edit(place)
                    if edit is None:
                        raise sqlite3.DatabaseError(f"the history lacks edit {place}")
                    step = edit.reversed if back else edit
                    touched = step.changes()
                    done.append((step, self._write(step, "undone" if back else "redone", time, touched.images)))
                    changes |= touched
                self._store.set_counters({"history": target})
            self._counters["history"] = target
            for step, summaries in done:
                self._memory.adopt(step, summaries)
            return changes

    def _write(self, edit: Edit, kind: EventKind, time: str, images: frozenset[int]) -> dict[int, Summary]:
        """Inside a transaction: the edit and that it happened."""
        self._store.events.add(time, edit.name, kind, images)
        if edit.added or edit.removed or edit.files_after:
            self._store.forget_order()
        return self._store.write(edit)

    def _check_fresh(self, edit: Edit) -> None:
        images = self._memory.images
        touched = (*edit.before, *edit.fields_before, *edit.files_before)
        if any(image not in images for image in touched):
            raise _stale(edit, "an image was removed")
        if edit.labels_before is not None and edit.labels_before != self._memory.labels:
            raise _stale(edit, "the labels were changed")
        states = self.states(edit.before.keys())
        changed = [image for image, state in states.items() if state != edit.before[image]]
        changed += [image for image, fields in edit.fields_before.items() if fields != fields_of(images[image])]
        changed += [image for image, file in edit.files_before.items() if file != file_of(images[image])]
        if changed:
            raise _stale(edit, f"{images[changed[0]].path} was changed")

    # Images, labels, settings

    def add_images(
        self,
        paths: Iterable[Path],
        progress: Callable[[int, int], None] | None = None,
        groups: Grouper | None = None,
    ) -> tuple[Changes, list[Problem]]:
        """Refer to image files; folders are walked. Each file is decoded once, so a bad one is told now.

        Files that are in the project already are passed over. `progress(done, total)` is called in the
        caller's thread, with a total of 0 while folders are walked; it may raise to cancel. `groups` names the groups
        of the new images by their paths. One edit, which undo takes back.
        """
        self._check_writable()
        files, problems = image_files.gather(paths, self.folder, progress)
        found, unreadable = image_files.probe_all(self.new_files(files), progress)
        problems += unreadable
        with self._lock:
            edit = self.adding(found, groups)
            return (self.apply(edit) if edit.added else Changes()), problems

    def adding(self, found: Iterable[image_files.Probed], groups: Grouper | None = None) -> Edit:
        """The edit that adds probed files which are not in the project yet, put into groups by `groups`."""
        with self._lock:
            known = self._memory.ids_by_key()
            fresh = [probed for probed in found if image_files.key(probed.path) not in known]
            ids = self.new_ids("image", len(fresh))
            added = tuple(probed.record(image_id, self.folder) for image_id, probed in zip(ids, fresh, strict=True))
        name = "Add image" if len(added) == 1 else f"Add {len(added):,} images"
        after = {image.id: state_of(image, ()) for image in added}
        if groups is not None:
            names = groups([image.path for image in added])
            after = {
                image_id: replace(state, group=name or "")
                for (image_id, state), name in zip(after.items(), names, strict=True)
            }
        return Edit(name, {}, after, added=added)

    def relocate(self, paths: Mapping[int, Path], *, other_content: bool = False) -> Changes:
        """Refer images, by id, to these files. One edit, which undo takes back.

        Raises InputError, with nothing changed, if a file cannot be used, another image refers to it already, or
        it holds another picture than the image's file did; with `other_content` that is meant, and only another
        width or height is refused.
        """
        self._check_writable()
        paths = {image_id: Path(os.path.abspath(path)) for image_id, path in paths.items()}
        with self._lock:
            images = dict(self._memory.images)
        after = moving.files_after(images, paths, self.folder, other_content=other_content)
        before = {image_id: file_of(images[image_id]) for image_id in after}
        name = "Relocate image" if len(after) == 1 else f"Relocate {len(after):,} images"
        return self.apply(Edit(name, {}, {}, files_before=before, files_after=after))

    def note_unchanged(self, modified_ns: Mapping[int, int]) -> None:
        """Note that the files of images, by id, hold what they did when they were last changed at these times."""
        with self._lock:
            with self._writing():
                self._store.note_modified(modified_ns)
            for image_id, time in modified_ns.items():
                self._memory.images[image_id] = replace(self._memory.images[image_id], modified_ns=time)

    def add_labels(self, names: Sequence[str]) -> Changes:
        """Add labels at the end of the list, with colours and shortcuts; names that are there are passed over.

        Raises InputError if a name is blank.
        """
        with self._lock:
            after = palette.extended(self._memory.labels, names, lambda: self.new_ids("label", 1)[0])
            return self.apply(
                Edit("Add label" if len(names) == 1 else "Add labels", {}, {}, self._memory.labels, after)
            )


def _stale(edit: Edit, what: str) -> InputError:
    return InputError(f"{edit.name}: {what} meanwhile; nothing was changed, try again")
