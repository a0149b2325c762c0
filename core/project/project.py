"""The facade of a project folder. Every mutation is durable when it returns, and says what it changed."""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from core.changes import Changes
from core.errors import InputError
from core.project import database, gathering, making, palette, runs
from core.project.history import KEPT_AFTER_RESTART, Edit, ImageState, with_state
from core.project.records import CheckpointRecord, Counts, RunRecord
from core.project.store import Store
from core.types import Box, ImageRecord, Label, Problem, Split, Status


class Project:
    """One open project. May be used from several threads: a lock serialises them.

    Labels, image records and counts are kept in memory; boxes are read from the database.
    """

    def __init__(self, folder: Path, store: Store, resources: ExitStack, *, read_only: bool) -> None:
        """Use `create` or `open`. `resources` is closed with the project."""
        self.folder = folder
        self.read_only = read_only
        self._store = store
        self._resources = resources
        self._lock = threading.RLock()
        self._closed = False
        self._load()

    # Life

    @classmethod
    def create(cls, folder: Path, labels: Sequence[str] = ()) -> Self:
        """Make a project in `folder` (made if need be) and open it.

        Raises InputError if the folder holds a project already, cannot be written, or a label is no good.
        """
        folder = Path(os.path.abspath(folder))
        path = folder / database.FILE_NAME
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
        path = folder / database.FILE_NAME
        with ExitStack() as resources:
            if read_only:
                store = Store(resources.enter_context(database.open_copy(path)))
            else:
                store = Store(database.open_owned(path))
                resources.callback(store.close)
            with database.explained(path):
                project = cls(folder, store, resources.pop_all(), read_only=read_only)
        return project

    def close(self) -> None:
        """Give the project free for others. May be called twice."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._resources.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def name(self) -> str:
        return self.folder.name

    def _load(self) -> None:
        with self._lock:
            self._labels = self._store.labels()
            self._images = self._store.images()
            self._order = gathering.in_natural_order(self._images.values())
            self._label_sets: Counter[frozenset[int]] = Counter(self._store.label_set_counts())
            self._counters = {"history": 0, "image": 1, "label": 1, "box": 1, "run": 1} | self._store.counters()
            if not self.read_only:
                with self._writing():
                    self._store.forget_history(self._counters["history"] - KEPT_AFTER_RESTART)

    # Reading

    def labels(self) -> tuple[Label, ...]:
        """Labels in display order."""
        return self._labels

    def label_named(self, name: str) -> Label | None:
        return next((label for label in self._labels if label.name == name), None)

    def image_ids(self) -> list[int]:
        """Image ids in the natural order of their paths: part2 before part10."""
        with self._lock:
            return list(self._order)

    def images(self) -> list[ImageRecord]:
        """Every image, in the order of `image_ids`."""
        with self._lock:
            return [self._images[image_id] for image_id in self._order]

    def image(self, image_id: int) -> ImageRecord:
        """One image; KeyError if there is none."""
        return self._images[image_id]

    def boxes(self, image_id: int) -> tuple[Box, ...]:
        """The boxes of an image, in ascending order of their ids."""
        with self._reading():
            return self._store.boxes(image_id)

    def boxes_of(self, image_ids: Collection[int]) -> dict[int, tuple[Box, ...]]:
        """Boxes of many images at once; an image without boxes is left out."""
        with self._reading():
            return self._store.boxes_of(image_ids)

    def states(self, image_ids: Collection[int]) -> dict[int, ImageState]:
        """What a person edits of each image: the `before` of an edit."""
        with self._lock:
            boxes = self.boxes_of(image_ids)
            return {
                image_id: _state(self._images[image_id], boxes.get(image_id, ()))
                for image_id in dict.fromkeys(image_ids)
            }

    def label_sets(self) -> list[tuple[int, frozenset[int], int]]:
        """(image id, label set, number of boxes that carry exactly this set) over all images with boxes."""
        with self._reading():
            return self._store.label_sets()

    def label_set_counts(self) -> dict[frozenset[int], int]:
        """How many boxes of the whole project carry exactly each label set; kept in memory."""
        with self._lock:
            return {labels: count for labels, count in self._label_sets.items() if count}

    def images_with_labels(self, label_ids: Collection[int]) -> list[int]:
        """Ids of the images that have a box with at least one of the labels."""
        with self._reading():
            return self._store.images_with_labels(label_ids)

    def image_path(self, image: ImageRecord | int) -> Path:
        """Where the image's file is, absolute."""
        record = self._images[image] if isinstance(image, int) else image
        return gathering.absolute(self.folder, record.path)

    def counts(self) -> Counts:
        """How many images, boxes, boxes by label, images by status and by split."""
        with self._lock:
            images = self._images.values()
            status = Counter(image.status for image in images)
            split = Counter(image.split for image in images)
            by_label: Counter[int] = Counter()
            for labels, count in self._label_sets.items():
                for label in labels:
                    by_label[label] += count
            return Counts(
                images=len(self._images),
                boxes=sum(self._label_sets.values()),
                labels={label.name: by_label[label.id] for label in self._labels},
                status={str(kind): status[kind] for kind in Status},
                splits={str(kind): split[kind] for kind in Split},
            )

    def new_box_id(self) -> int:
        """An id that no box has or had, also not one that was undone."""
        return self.new_ids("box", 1)[0]

    def new_ids(self, kind: str, count: int) -> range:
        """`count` fresh ids for "box", "label" or "image"."""
        with self._lock:
            first = self._counters[kind]
            self._counters[kind] = first + count
            return range(first, first + count)

    # Edits

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
            position = self._counters["history"]
            with self._writing():
                self._store.write(edit)
                self._store.push_history(position, edit)
                self._store.set_counters(self._counters | {"history": position + 1})
            self._counters["history"] = position + 1
            return self._adopt(edit)

    def undo(self) -> Changes | None:
        """Take back the last edit, durably; None if there is none."""
        return self._step(-1)

    def redo(self) -> Changes | None:
        """Do again what was undone last, durably; None if there is nothing."""
        return self._step(1)

    @property
    def undo_name(self) -> str | None:
        """The name of the edit that `undo` would take back."""
        with self._reading():
            return self._store.history_name(self._counters["history"] - 1)

    @property
    def redo_name(self) -> str | None:
        """The name of the edit that `redo` would do again."""
        with self._reading():
            return self._store.history_name(self._counters["history"])

    def _step(self, direction: int) -> Changes | None:
        with self._reading():
            self._check_writable()
            position = self._counters["history"]
            recorded = self._store.history_edit(position - 1 if direction < 0 else position)
            if recorded is None:
                return None
            edit = recorded.reversed if direction < 0 else recorded
            with self._writing():
                self._store.write(edit)
                self._store.set_counters({"history": position + direction})
            self._counters["history"] = position + direction
            return self._adopt(edit)

    def _adopt(self, edit: Edit) -> Changes:
        """Bring what is kept in memory to the committed edit."""
        if edit.labels_after is not None:
            self._labels = edit.labels_after
        for image in edit.removed:
            del self._images[image.id]
        for image in edit.added:
            self._images[image.id] = image
        for image_id, state in edit.after.items():
            self._images[image_id] = with_state(self._images[image_id], state)
        for states, sign in ((edit.before, -1), (edit.after, 1)):
            for state in states.values():
                for box in state.boxes:
                    self._label_sets[box.labels] += sign
        if edit.added or edit.removed:
            self._order = gathering.in_natural_order(self._images.values())
        return edit.changes()

    def _check_fresh(self, edit: Edit) -> None:
        gone = [image_id for image_id in edit.before if image_id not in self._images]
        if gone:
            raise InputError(f"{edit.name}: an image was removed meanwhile; nothing was changed, try again")
        if edit.labels_before is not None and edit.labels_before != self._labels:
            raise InputError(f"{edit.name}: the labels were changed meanwhile; nothing was changed, try again")
        for image_id, state in self.states(edit.before.keys()).items():
            if state != edit.before[image_id]:
                name = self._images[image_id].path
                raise InputError(f"{edit.name}: {name} was changed meanwhile; nothing was changed, try again")

    # Images, labels, settings

    def add_images(
        self, paths: Iterable[Path], progress: Callable[[int, int], None] | None = None
    ) -> tuple[Changes, list[Problem]]:
        """Refer to image files; folders are walked. Each file is decoded once, so a bad one is told now.

        Files that are in the project already are passed over. `progress(done, total)` is called in the
        caller's thread. One edit, which undo takes back.
        """
        self._check_writable()
        files, problems = gathering.gather(paths, own_folder=self.folder)
        found, unreadable = gathering.probe_all(self.new_files(files), progress)
        problems += unreadable
        with self._lock:
            edit = self.adding(found)
            return (self.apply(edit) if edit.added else Changes()), problems

    def new_files(self, files: Iterable[Path]) -> list[Path]:
        """Those of `files` that the project does not refer to yet, each once."""
        known = self.ids_by_path()
        return list({gathering.key(file): file for file in files if gathering.key(file) not in known}.values())

    def ids_by_path(self) -> dict[str, int]:
        """Image ids by `gathering.key` of their files."""
        with self._lock:
            return {gathering.key(self.image_path(image)): image.id for image in self._images.values()}

    def adding(self, found: Iterable[gathering.Probed]) -> Edit:
        """The edit that adds probed files which are not in the project yet."""
        with self._lock:
            known = self.ids_by_path()
            fresh = [probed for probed in found if gathering.key(probed.path) not in known]
            ids = self.new_ids("image", len(fresh))
            added = tuple(probed.record(image_id, self.folder) for image_id, probed in zip(ids, fresh, strict=True))
        name = "Add image" if len(added) == 1 else f"Add {len(added):,} images"
        return Edit(name, {}, {image.id: _state(image, ()) for image in added}, added=added)

    def add_labels(self, names: Sequence[str]) -> Changes:
        """Add labels at the end of the list, with colours and shortcuts; names that are there are passed over.

        Raises InputError if a name is blank.
        """
        with self._lock:
            after = palette.extended(self._labels, names, lambda: self.new_ids("label", 1)[0])
            return self.apply(Edit("Add label" if len(names) == 1 else "Add labels", {}, {}, self._labels, after))

    def setting(self, key: str, default: Any = None) -> Any:
        """A JSON value that a page or a command keeps in the project."""
        with self._reading():
            value = self._store.setting(key)
        return default if value is None else value

    def set_setting(self, key: str, value: Any) -> None:
        """Keep a JSON value under `key`; not an edit, undo does not touch it."""
        with self._writing():
            self._store.set_setting(key, value)

    # Runs and checkpoints

    @property
    def runs_folder(self) -> Path:
        return self.folder / "runs"

    def new_run_folder(self) -> Path:
        """Make the folder of a new run; the numbers of deleted runs are not used again."""
        with self._lock:
            self._check_writable()
            folder, number = runs.make_folder(self.runs_folder, self._counters["run"])
            try:
                with self._writing():
                    self._store.set_counters({"run": number + 1})
            except BaseException:
                folder.rmdir()  # a folder without a number of its own would be listed as a run that waits
                raise
            self._counters["run"] = number + 1
            return folder

    def sync_runs(self) -> Changes:
        """Bring the list of runs and checkpoints to what the run folders hold."""
        with self._lock:
            self._check_writable()
            with self._writing():
                changed = runs.sync(self._store, self.runs_folder)
            return Changes(runs=changed)

    def runs(self) -> list[RunRecord]:
        """Runs as they were at the last `sync_runs`, oldest first."""
        with self._reading():
            return runs.listed_runs(self._store, self.runs_folder, scan=self.read_only)

    def checkpoints(self) -> list[CheckpointRecord]:
        """Checkpoints as they were at the last `sync_runs`, by run."""
        with self._reading():
            return runs.listed_checkpoints(self._store, self.runs_folder, scan=self.read_only)

    def set_star(self, checkpoint_id: str, star: bool) -> Changes:
        """Mark a checkpoint, or take the mark away. Raises InputError if there is no such checkpoint."""
        return self._annotate(checkpoint_id, lambda record: replace(record, star=star))

    def set_note(self, checkpoint_id: str, text: str) -> Changes:
        """Write down something about a checkpoint. Raises InputError if there is no such checkpoint."""
        return self._annotate(checkpoint_id, lambda record: replace(record, note=text))

    def _annotate(self, checkpoint_id: str, change: Callable[[CheckpointRecord], CheckpointRecord]) -> Changes:
        with self._lock:
            self._check_writable()
            record = change(self._checkpoint(checkpoint_id))
            with self._writing():
                self._store.set_checkpoint_note(checkpoint_id, record.star, record.note)
            return Changes(runs=True)

    def delete_checkpoint(self, checkpoint_id: str) -> Changes:
        """Delete a checkpoint's file. Raises InputError if there is none or the file cannot be deleted."""
        with self._lock:
            self._check_writable()
            path = self._checkpoint(checkpoint_id).path
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise InputError(f"{path}: cannot be deleted ({error.strerror})") from error
            with self._writing():
                self._store.delete_checkpoint(checkpoint_id)
                self._store.delete_checkpoint_note(checkpoint_id)
            return Changes(runs=True)

    def _checkpoint(self, checkpoint_id: str) -> CheckpointRecord:
        found = next((record for record in self.checkpoints() if record.id == checkpoint_id), None)
        if found is None:
            raise InputError(
                f"checkpoint: there is no {checkpoint_id!r} in {self.folder}; see 'defectdesk checkpoints'"
            )
        return found

    # Guards

    def locked(self) -> AbstractContextManager[object]:
        """Keep other threads out from reading what an edit is made of until the edit is applied."""
        return self._lock

    def _check_writable(self) -> None:
        if self.read_only:
            raise InputError(f"{self.folder}: opened read-only; open it for writing to change it")

    @contextmanager
    def _reading(self) -> Iterator[None]:
        with self._lock, database.explained(self.folder / database.FILE_NAME):
            if self._closed:
                raise InputError(f"{self.folder}: the project is closed")
            yield

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._reading():
            self._check_writable()
            with self._store.transaction():
                yield


def _state(image: ImageRecord, boxes: tuple[Box, ...]) -> ImageState:
    return ImageState(image.status, image.split, image.group, image.note, boxes)
