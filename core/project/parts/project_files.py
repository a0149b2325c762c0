"""The image files that a project refers to: adding them, and following those that moved."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from core.changes import Changes
from core.project.edits.edit import Edit, file_of, state_of
from core.project.images import image_files, moving
from core.project.images.copies import describe_copies
from core.project.images.grouping import Grouper
from core.project.parts.project_cache import ProjectCache
from core.project.parts.project_database import ProjectDatabase
from core.project.parts.project_depths import ProjectDepths
from core.project.parts.project_history import ProjectHistory
from core.types import Problem

Progress = Callable[[int, int], None]


class ProjectFiles:
    """The image files of an open project: `project.files`."""

    def __init__(
        self, database: ProjectDatabase, cache: ProjectCache, history: ProjectHistory, depths: ProjectDepths
    ) -> None:
        self._database = database
        self._cache = cache
        self._history = history
        self._depths = depths

    def add_images(
        self, paths: Iterable[Path], progress: Progress | None = None, groups: Grouper | None = None
    ) -> tuple[Changes, list[Problem]]:
        """Refer to image files; folders are walked. Each file is decoded once, so a bad one is told now.

        Files that are in the project already are passed over. `progress(done, total)` is called in the
        caller's thread, with a total of 0 while folders are walked; it may raise to cancel. `groups` names the groups
        of the new images by their paths. One edit, which undo takes back. New images that are copies are among the
        problems, as one of the kind COPY; how files are read, such as one page of several, is told as NOTICE.
        """
        self._database.check_writable()
        files, problems = image_files.gather_files(paths, self._database.folder, progress)
        found, unreadable = image_files.probe_all(self.find_new(files), progress)
        problems += unreadable + image_files.describe_notices(found)
        with self._database.lock:
            edit = self.build_addition(found, groups)
            changes = self._history.apply_edit(edit) if edit.added else Changes()
            self.note_depths(edit, found)
            return changes, problems + describe_copies(self._cache.images.values(), edit.added)

    def note_depths(self, edit: Edit, found: Iterable[image_files.Probed]) -> None:
        """Follow an edit that added probed files: their cameras are decided on; `project.depths` says what was."""
        depths = {probed.content_hash: probed.depth for probed in found if probed.depth is not None}
        if edit.added:
            with self._database.lock:
                added = [self._cache.images[image.id] for image in edit.added]
            self._depths.take_in(added, depths)

    def build_addition(self, found: Iterable[image_files.Probed], groups: Grouper | None = None) -> Edit:
        """The edit that adds probed files which are not in the project yet, put into groups by `groups`."""
        folder = self._database.folder
        with self._database.lock:
            known = self._cache.ids_by_key()
            fresh = [probed for probed in found if image_files.path_key(probed.path) not in known]
            ids = self._database.take_ids("image", len(fresh))
            added = tuple(probed.record(image_id, folder) for image_id, probed in zip(ids, fresh, strict=True))
        name = "Add image" if len(added) == 1 else f"Add {len(added):,} images"
        after = {image.id: state_of(image, ()) for image in added}
        if groups is not None:
            names = groups([image.path for image in added])
            after = {
                image_id: replace(state, group=name or "")
                for (image_id, state), name in zip(after.items(), names, strict=True)
            }
        return Edit(name, {}, after, added=added)

    def relocate_images(
        self,
        paths: Mapping[int, Path],
        *,
        other_content: bool = False,
        other_scale: bool = False,
        progress: Progress | None = None,
    ) -> Changes:
        """Refer images, by id, to these files. One edit, which undo takes back.

        `progress(done, total)` counts the files that are read; what it raises ends it, with nothing changed. Images that
        are told apart by their folder keep the depth scale that they had; `project.depths` says so.

        Raises InputError, with nothing changed, if a file cannot be used, another image refers to it already, or
        it holds another picture than the image's file did; with `other_content` that is meant, and only another
        width or height is refused. Raises OtherScaleError if an image would be seen through another depth scale there;
        with `other_scale` that is meant, and said.
        """
        self._database.check_writable()
        paths = {image_id: Path(os.path.abspath(path)) for image_id, path in paths.items()}
        with self._database.lock:
            images = dict(self._cache.images)
        after, depths = moving.files_after(
            images, paths, self._database.folder, other_content=other_content, progress=progress
        )
        self._depths.follow_moves(after, depths, other_scale=other_scale)
        before = {image_id: file_of(images[image_id]) for image_id in after}
        name = "Relocate image" if len(after) == 1 else f"Relocate {len(after):,} images"
        changes = self._history.apply_edit(Edit(name, {}, {}, files_before=before, files_after=after))
        if other_content:
            with self._database.lock:
                taken = [self._cache.images[image_id] for image_id in after]
            self._depths.take_in(taken, self._depths.examine_files(taken))
        return changes

    def note_unchanged(self, modified_ns: Mapping[int, int]) -> None:
        """Note that the files of images, by id, hold what they did when they were last changed at these times."""
        with self._database.lock:
            with self._database.writing() as store:
                store.note_modified(modified_ns)
            for image_id, time in modified_ns.items():
                self._cache.images[image_id] = replace(self._cache.images[image_id], modified_ns=time)

    def find_new(self, files: Iterable[Path]) -> list[Path]:
        """Those of `files` that the project does not refer to yet, each once."""
        wanted = {image_files.path_key(file): file for file in files}
        with self._database.lock:
            known = self._cache.ids_by_key()
            return [file for key, file in wanted.items() if key not in known]

    def ids_by_path(self) -> dict[str, int]:
        """Image ids by `image_files.path_key` of their files."""
        with self._database.lock:
            return dict(self._cache.ids_by_key())
