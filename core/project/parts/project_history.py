"""How edits become durable, and how they are taken back and done again."""

from __future__ import annotations

import sqlite3

from core.changes import Changes
from core.errors import InputError
from core.gc_pause import gc_paused
from core.project.edits.edit import Edit, EventKind, HistoryEntry, ImageEvent, fields_of, file_of
from core.project.edits.effect import describe_effect
from core.project.images.summary import Summary
from core.project.parts.project_cache import ProjectCache
from core.project.parts.project_database import ProjectDatabase
from core.project.storage.encoding import encode_edit
from core.project.storage.event_tables import utc_now
from core.project.storage.store import StaleEditError


class ProjectHistory:
    """The edits of an open project: `project.history`."""

    def __init__(self, database: ProjectDatabase, cache: ProjectCache) -> None:
        self._database = database
        self._cache = cache

    @gc_paused()
    def apply_edit(self, edit: Edit) -> Changes:
        """`Project.apply`."""
        with self._database.lock:
            self._database.check_writable()
            self._check_fresh(edit)
            if edit.is_empty:
                return Changes()
            changes, encoded, time = edit.changes(), encode_edit(edit), utc_now()
            counters = self._database.counters
            position = counters["history"]
            try:
                with self._database.writing() as store:
                    summaries = self._write_step(edit, "done", time, changes.images)
                    store.history.push(position, edit, encoded, time, len(changes.images))
                    store.set_counters(counters | {"history": position + 1})
            except StaleEditError:
                raise _stale_edit(edit, "boxes were") from None
            counters["history"] = position + 1
            self._cache.follow_edit(edit, summaries)
            return changes

    def undo(self) -> Changes | None:
        """Take back the last edit, durably; None if there is none.

        Whoever does it at a mere key looks first whether the entry is undone `by_name` only.
        """
        return self._move_to(self.position - 1)

    def redo(self) -> Changes | None:
        """Do again what was undone last, durably; None if there is nothing."""
        return self._move_to(self.position + 1)

    def go_to(self, position: int) -> Changes:
        """Undo or redo until the edit of the `HistoryEntry` with this position is the last one that is done.

        `position` is the number of edits that are done then, counted from the project's first; one less than that
        of the first entry takes everything back that can be. All of it is durable, or nothing is.
        Raises InputError if it is out of reach.
        """
        changes = self._move_to(position)
        if changes is None:
            raise InputError(f"history: there is no position {position}; see what can be undone in the list of edits")
        return changes

    @property
    def position(self) -> int:
        """How many edits are done, as `go_to` counts them."""
        with self._database.lock:
            return self._database.counters["history"]

    @property
    def undone_count(self) -> int:
        """How many edits can be redone; the next edit takes their place for good."""
        with self._database.reading() as store:
            return max(0, store.history.span()[1] - self.position)

    @property
    def undo_name(self) -> str | None:
        """The name of the edit that `undo` would take back."""
        return entry.name if (entry := self.find_entry(self.position)) is not None else None

    @property
    def redo_name(self) -> str | None:
        """The name of the edit that `redo` would do again."""
        return entry.name if (entry := self.find_entry(self.position + 1)) is not None else None

    def find_entry(self, position: int) -> HistoryEntry | None:
        """The entry of this position: of the present `position` it is what `undo` would take back."""
        with self._database.reading() as store:
            return store.history.entry(position - 1, self.position)

    def describe_step(self, entry: HistoryEntry) -> str:
        """What undoing or redoing an edit does to the project; reads the whole edit."""
        with self._database.reading() as store:
            edit = store.history.edit(entry.position - 1)
        return describe_effect(edit.reversed if entry.done else edit) if edit is not None else ""

    def list_entries(self) -> list[HistoryEntry]:
        """What can be undone and redone, oldest first."""
        with self._database.reading() as store:
            return store.history.entries(self.position)

    def images_of_edit(self, position: int) -> frozenset[int]:
        """The images that the edit of the `HistoryEntry` with this position touches; none where there is no such edit."""
        with self._database.reading() as store:
            edit = store.history.edit(position - 1)
        return frozenset(edit.image_ids) if edit is not None else frozenset()

    def count_images_to(self, position: int) -> int:
        """How many images `go_to` would touch, counted for each edit between: by this it takes its time."""
        with self._database.reading() as store:
            return store.history.images_between(*sorted((position, self.position)))

    def list_events(self, image_id: int) -> list[ImageEvent]:
        """Each edit of an image that was done, undone or redone, newest first; kept for ever."""
        with self._database.reading() as store:
            return store.events.of_image(image_id)

    @gc_paused()
    def _move_to(self, target: int) -> Changes | None:
        """Undo or redo up to position `target` in one transaction; None if there is no such position."""
        with self._database.reading() as store:
            self._database.check_writable()
            position = self.position
            first, last = store.history.span()
            if not first <= target <= last:
                return None
            back = target < position
            done: list[tuple[Edit, dict[int, Summary]]] = []
            changes, time = Changes(), utc_now()
            with self._database.writing():
                for place in range(position - 1, target - 1, -1) if back else range(position, target):
                    edit = store.history.edit(place)
                    if edit is None:
                        raise sqlite3.DatabaseError(f"the history lacks edit {place}")
                    step = edit.reversed if back else edit
                    touched = step.changes()
                    done.append((step, self._write_step(step, "undone" if back else "redone", time, touched.images)))
                    changes |= touched
                store.set_counters({"history": target})
            self._database.counters["history"] = target
            for step, summaries in done:
                self._cache.follow_edit(step, summaries)
            return changes

    def _write_step(self, edit: Edit, kind: EventKind, time: str, images: frozenset[int]) -> dict[int, Summary]:
        """Inside a transaction: the edit and that it happened."""
        store = self._database.store
        store.events.add(time, edit.name, kind, images)
        if edit.added or edit.removed or edit.files_after:
            store.forget_order()
        return store.write_edit(edit)

    def _check_fresh(self, edit: Edit) -> None:
        images = self._cache.images
        touched = (*edit.before, *edit.fields_before, *edit.files_before)
        if any(image not in images for image in touched):
            raise _stale_edit(edit, "an image was removed")
        if edit.labels_before is not None and edit.labels_before != self._cache.labels:
            raise _stale_edit(edit, "the labels were changed")
        with self._database.reading() as store:
            states = self._cache.states(edit.before.keys(), store.boxes_of(edit.before.keys()))
        changed = [image for image, state in states.items() if state != edit.before[image]]
        changed += [image for image, fields in edit.fields_before.items() if fields != fields_of(images[image])]
        changed += [image for image, file in edit.files_before.items() if file != file_of(images[image])]
        if changed:
            raise _stale_edit(edit, f"{images[changed[0]].path} was changed")


def _stale_edit(edit: Edit, what: str) -> InputError:
    return InputError(f"{edit.name}: {what} meanwhile; nothing was changed, try again")
