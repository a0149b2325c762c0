"""The facade of a project folder. Every mutation is durable when it returns, and says what it changed."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from core.changes import Changes
from core.errors import InputError
from core.gc_pause import gc_paused
from core.project import making, palette
from core.project.edits.edit import KEPT_AFTER_RESTART, Edit, ImageFields, ImageState
from core.project.edits.relabelling import Relabelling
from core.project.images import image_files
from core.project.images.summary import LabelSet
from core.project.parts.project_cache import ProjectCache
from core.project.parts.project_database import ProjectDatabase
from core.project.parts.project_depths import ProjectDepths
from core.project.parts.project_files import ProjectFiles
from core.project.parts.project_history import ProjectHistory
from core.project.parts.project_runs import ProjectRuns
from core.project.pending import ProjectWithPendingEdits
from core.project.records import DATABASE_FILE, Counted, Counts
from core.project.storage import database
from core.project.storage.store import Store
from core.types import Box, ImageRecord, Label

_ALREADY_THERE = "{}: there is a project in it already; open it, or choose another folder"


class Project:
    """One open project, a `ProjectReader`. May be used from several threads: a lock serialises them.

    Labels, image records and counts are kept in memory; boxes are read from the database.
    """

    def __init__(self, database: ProjectDatabase, notices: tuple[str, ...]) -> None:
        """Use `create` or `open`."""
        self.folder = database.folder
        self.read_only = database.read_only
        self.notices = notices  # what the user should know about the opening
        self._database = database
        self._cache = _load_cache(database)
        self.history = ProjectHistory(database, self._cache)
        self.runs = ProjectRuns(database)
        self.depths = ProjectDepths(database, self._cache)
        self.files = ProjectFiles(database, self._cache, self.history, self.depths)

    # Life

    @classmethod
    def create(cls, folder: Path, labels: Sequence[str] = ()) -> Self:
        """Make a project in `folder` (made if need be) and open it.

        Raises InputError if the folder holds a project already, cannot be written, or a label is no good.
        """
        folder = Path(os.path.abspath(folder))
        path = folder / DATABASE_FILE
        if path.exists():
            raise InputError(_ALREADY_THERE.format(folder))
        first = palette.extend_labels((), labels)
        try:
            with making.undone_on_failure(folder, making.list_missing(folder)), database.explain_errors(path):
                for name in making.FOLDERS:
                    (folder / name).mkdir(parents=True, exist_ok=True)
                making.create_database(folder)
                return cls._open_with_labels(folder, first)
        except making.TakenError as error:
            raise InputError(_ALREADY_THERE.format(folder)) from error
        except OSError as error:
            raise InputError(
                f"{folder}: cannot make a project there ({error.strerror}); choose another folder"
            ) from error

    @classmethod
    def _open_with_labels(cls, folder: Path, labels: tuple[Label, ...]) -> Self:
        """Open the project that was just made, with its first labels, which no undo takes away."""
        project = cls.open(folder)
        with ExitStack() as undoing:
            undoing.callback(project.close)
            if labels:
                edit = Edit("Create", {}, {}, (), labels)
                with project._database.writing() as store:
                    store.write_edit(edit)
                    store.set_counters({"label": len(labels) + 1})
                project._database.counters["label"] = len(labels) + 1
                project._cache.follow_edit(edit, {})
            undoing.pop_all()
        return project

    @classmethod
    @contextmanager
    def creating(cls, folder: Path, labels: Sequence[str] = ()) -> Iterator[Self]:
        """`create`, for filling the project in the body: if that fails or is interrupted, no project is left behind."""
        # Before anything is made: a project that is there already is nobody's to take away.
        with ExitStack() as undoing:
            missing = making.list_missing(Path(os.path.abspath(folder)))
            project = cls.create(folder, labels)
            undoing.enter_context(making.undone_on_failure(project.folder, missing))
            with project:
                yield project

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
            with database.explain_errors(path):
                closing = ExitStack()
                project = cls(ProjectDatabase(folder, store, closing, read_only=read_only), notices)
                if not read_only:
                    # Not before everything was read: what is damaged stays as it is.
                    store.take_over(project.history.position - KEPT_AFTER_RESTART)
            closing.callback(resources.pop_all().close)
        return project

    @classmethod
    def open_beside(cls, folder: Path) -> Self:
        """Open the project to make runs of it: as it is on the disk now where another program has it open.

        `read_only` tells which. Raises InputError as `open` does.
        """
        try:
            return cls.open(folder)
        except database.OpenElsewhereError:
            return cls.open(folder, read_only=True)

    def close(self) -> None:
        """Give the project free for others. May be called twice."""
        self._database.close(self._cache.order)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def revision(self) -> int:
        """Another number after each change of the project, of whatever kind."""
        with self._database.reading() as store:
            return store.counters().get("revision", 0)

    def copy_to(self, path: Path) -> None:
        """Copy the database to the new file `path` while edits go on. Raises StorageError."""
        self._database.copy_to(path)

    def hold_lock(self) -> AbstractContextManager[object]:
        """Keep other threads out from reading what an edit is made of until the edit is applied."""
        return self._database.lock

    # Edits

    def apply(self, edit: Edit) -> Changes:
        """Make an edit durable and put it on the undo stack. An edit that changes nothing is not recorded.

        Raises InputError if the project is read-only, the disk refuses, or what the edit was made from has
        changed meanwhile; then nothing was written.
        """
        return self.history.apply_edit(edit)

    def with_pending(self, edits: Iterable[Edit]) -> ProjectWithPendingEdits:
        """The project as it will be once these edits are applied."""
        with self._database.lock:
            return ProjectWithPendingEdits(self, self._cache.make_copy(), edits)

    def new_ids(self, kind: Counted, count: int) -> range:
        """`count` fresh ids for "box", "label" or "image"; none was ever used, also not by what was undone."""
        return self._database.take_ids(kind, count)

    # Reading

    def labels(self) -> tuple[Label, ...]:
        """Labels in display order."""
        return self._cache.labels

    def image_ids(self) -> list[int]:
        """Image ids in the natural order of their paths: part2 before part10."""
        with self._database.lock:
            return list(self._cache.order)

    def images(self) -> list[ImageRecord]:
        """Every image, in the order of `image_ids`."""
        with self._database.lock:
            return self._cache.listed_images()

    def image(self, image_id: int) -> ImageRecord:
        """One image; KeyError if there is none."""
        return self._cache.images[image_id]

    def has_image(self, image_id: int) -> bool:
        """Whether there is such an image; does not wait for an edit that is being written."""
        return image_id in self._cache.images

    def image_path(self, image: ImageRecord | int) -> Path:
        """Where the image's file is, absolute."""
        record = self._cache.images[image] if isinstance(image, int) else image
        return image_files.absolute_path(self.folder, record.path)

    def boxes(self, image_id: int) -> tuple[Box, ...]:
        """The boxes of an image, in ascending order of their ids."""
        with self._database.reading() as store:
            return store.boxes(image_id)

    def boxes_of(self, image_ids: Collection[int]) -> dict[int, tuple[Box, ...]]:
        """Boxes of many images at once; an image without boxes is left out."""
        with self._database.reading() as store:
            return store.boxes_of(image_ids)

    @gc_paused()
    def states(self, image_ids: Collection[int]) -> dict[int, ImageState]:
        """What the user edits of each image: the `before` of an edit."""
        with self._database.lock:
            return self._cache.states(image_ids, self.boxes_of(image_ids))

    @gc_paused()
    def fields(self, image_ids: Collection[int]) -> dict[int, ImageFields]:
        """What the user says of each image as a whole: the `fields_before` of an edit. Reads no boxes."""
        with self._database.lock:
            return self._cache.fields(image_ids)

    def relabelling(self, change: Callable[[LabelSet], LabelSet]) -> Relabelling:
        """What `change` does to the label sets of all boxes: the `relabelled` of an edit.

        Called once for each different set that boxes have, not for each box.
        """
        with self._database.reading() as store:
            return store.relabelling(change)

    def label_sets(self) -> list[tuple[int, LabelSet, int]]:
        """(image id, label set, number of boxes that carry exactly this set) over all images with boxes."""
        with self._database.reading() as store:
            return store.label_sets()

    def label_set_counts(self) -> dict[LabelSet, int]:
        """How many boxes of the project carry each label set; from memory."""
        with self._database.lock:
            return self._cache.label_set_counts()

    def counts(self) -> Counts:
        """How many images, boxes, boxes by label, images by status and by split."""
        with self._database.lock:
            return self._cache.counts()

    def last_edits(self) -> dict[int, int]:
        """By image id, a number that is the larger the later the image was last edited; of those that ever were."""
        with self._database.reading() as store:
            return store.events.last()

    # Settings

    def setting(self, key: str, default: Any = None) -> Any:
        """A JSON value that a page or a command keeps in the project."""
        with self._database.reading() as store:
            value = store.setting(key)
        return default if value is None else value

    def set_setting(self, key: str, value: Any) -> None:
        """Keep a JSON value under `key`; not an edit, undo does not touch it."""
        with self._database.writing() as store:
            store.set_setting(key, value)


def _load_cache(opened: ProjectDatabase) -> ProjectCache:
    with opened.lock:
        images, order = opened.store.images(), opened.store.order()
        if len(order) != len(images) or images.keys() != set(order):
            order = image_files.in_order({image.id: image.path for image in images.values()})
        return ProjectCache(opened.folder, opened.store.labels(), images, order, opened.store.label_set_counts())
