"""Run in a name space of its own by test_project_storage: what a project does on a disk that is really full.

    unshare -rm python small_disk.py CASE FOLDER

FOLDER gets a small file system of its own, which nobody else sees and which ends with this process.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from core.errors import InputError, StorageError
from core.project import backup
from core.project.edits import box_edits, image_edits
from core.project.edits.edit import Edit
from core.project.project import Project
from core.types import Status
from tests.builders import draw, project_with_pictures

KILOBYTES = 3000


def mount(folder: Path) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={KILOBYTES}k", "none", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """A file that takes all the space that is left, to the last byte."""
    filler = folder / "filler"
    with filler.open("ab", buffering=0) as file:
        for size in (65536, 4096, 512, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue
    return filler


def everything(project: Project) -> tuple[object, ...]:
    boxes = project.boxes_of(project.image_ids())
    return (
        project.labels(),
        project.images(),
        boxes,
        project.counts(),
        project.history.list_entries(),
        project.history.undo_name,
    )


def refused(project: Project, work: Callable[[], object]) -> None:
    before = everything(project)
    try:
        work()
    except StorageError as error:
        assert "full" in str(error) or "cannot be written" in str(error), error
    else:
        raise AssertionError("it was written on a full disk")
    assert everything(project) == before


def until_refused(project: Project, edit: Callable[[], Edit]) -> Edit:
    """Edits until the disk is full; gives the one that was refused."""
    for _ in range(5000):
        wanted = edit()
        before = everything(project)
        try:
            project.apply(wanted)
        except StorageError:
            assert everything(project) == before
            return wanted
    raise AssertionError("the disk never was full")


def edits_on_a_full_disk(folder: Path) -> None:
    with project_with_pictures(folder / "p", 8) as project:
        first, *others = project.image_ids()
        draw(project, first)
        filler = fill(folder)
        drawn = until_refused(project, lambda: box_edits.add_box(project, others[0], (1, 1, 20, 20), {1}))
        bulk = image_edits.set_status(project, others[1:], Status.CLEAN)
        note = image_edits.set_note(project, first, "x" * 50_000)
        refused(project, lambda: project.apply(note))
        for _ in range(3):
            refused(project, lambda: project.apply(drawn))
        kept = everything(project)
    # Closed and opened again, still without room: everything that was told to be saved is there.
    with Project.open(folder / "p", read_only=True) as project:
        assert everything(project)[:4] == kept[:4]
    filler.unlink()
    with Project.open(folder / "p") as project:
        assert everything(project)[:4] == kept[:4], "lost what was saved"
        # The very edits that were refused.
        for edit in (drawn, note, bulk):
            assert project.apply(edit).images
        assert {box.id for box in drawn.after[others[0]].boxes} == {box.id for box in project.boxes(others[0])}
        assert project.history.undo() and project.history.undo() and project.history.redo()
    with Project.open(folder / "p") as project:
        assert project.notices == () and len(project.image(first).note) == 50_000


def the_same_session_goes_on_when_there_is_room(folder: Path) -> None:
    with project_with_pictures(folder / "p", 3) as project:
        image = project.image_ids()[0]
        for _ in range(3):
            filler = fill(folder)
            waiting = until_refused(project, lambda: box_edits.add_box(project, image, (1, 1, 20, 20), {1}))
            undone = project.history.list_entries()[-1]
            refused(project, lambda: project.set_setting("x", "y" * 50_000))
            filler.unlink()
            project.apply(waiting)
            assert project.boxes(image)[-1].id == waiting.after[image].boxes[-1].id
            assert project.history.undo() and project.history.list_entries()[-2].position == undone.position
            assert project.history.redo()
        kept = everything(project)
    with Project.open(folder / "p") as project:
        assert everything(project) == kept and project.notices == ()


def undo_on_a_full_disk(folder: Path) -> None:
    with project_with_pictures(folder / "p", 3) as project:
        image = project.image_ids()[0]
        project.apply(image_edits.set_note(project, image, "n" * 30_000))
        project.apply(image_edits.set_note(project, image, "m" * 30_000))
        filler = fill(folder)
        until_refused(project, lambda: box_edits.add_box(project, image, (1, 1, 20, 20), {1}))
        # Undoing writes, too. What of it finds room is done whole.
        while True:
            before = everything(project)
            try:
                if project.history.undo() is None or project.history.redo() is None:
                    raise AssertionError("there was nothing to undo")
            except StorageError:
                break
        after = everything(project)
        assert after == before or project.history.redo_name is not None
        filler.unlink()
        project.history.go_to(project.history.list_entries()[0].position)
        assert project.image(image).note == "" and not project.boxes(image)


def a_backup_on_a_full_disk(folder: Path) -> None:
    with project_with_pictures(folder / "p", 3) as project:
        assert backup.back_up(project) is not None
        draw(project, project.image_ids()[0])
        filler = fill(folder)
        try:
            backup.back_up(project)
        except StorageError as error:
            assert "free some space" in str(error), error
        else:
            raise AssertionError("a backup was written on a full disk")
        kept = backup.list_backups(project.folder)
        assert len(kept) == 1 and not kept[0].fault
        names = sorted(path.name for path in (project.folder / "backups").iterdir())
        assert names == [kept[0].path.name], names
        filler.unlink()
        taken = backup.back_up(project)
        assert taken is not None and taken.boxes == 1
    filler = fill(folder)
    before = (folder / "p" / "project.sqlite").read_bytes()
    try:
        backup.restore_backup(folder / "p", kept[0])
    except StorageError:
        pass
    else:
        raise AssertionError("a backup was restored on a full disk")
    assert (folder / "p" / "project.sqlite").read_bytes() == before
    filler.unlink()
    backup.restore_backup(folder / "p", kept[0])
    with Project.open(folder / "p") as project:
        assert project.counts().boxes == 0


def a_folder_that_becomes_read_only(folder: Path) -> None:
    with project_with_pictures(folder / "p", 3) as project:
        image = project.image_ids()[0]
        draw(project, image)
        edit = box_edits.add_box(project, image, (1, 1, 30, 30), {2})
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
    before = (folder / "p" / "project.sqlite").read_bytes()
    try:
        Project.open(folder / "p")
    except StorageError as error:
        assert "cannot be written" in str(error) and str(folder) in str(error), error
    else:
        raise AssertionError("it was opened for writing where nothing can be written")
    assert (folder / "p" / "project.sqlite").read_bytes() == before
    with Project.open(folder / "p", read_only=True) as copy:
        assert copy.counts().boxes == 1
        try:
            copy.apply(edit)
        except InputError as error:
            assert "read-only" in str(error)
    subprocess.run(["mount", "-o", "remount,rw", str(folder)], check=True)
    with Project.open(folder / "p") as project:
        project.apply(edit)
        assert project.counts().boxes == 2


def a_new_project_on_a_full_disk(folder: Path) -> None:
    fill(folder).rename(folder / "filler")
    try:
        Project.create(folder / "p", ["a"])
    except InputError as error:
        assert "full" in str(error) or "No space" in str(error) or "cannot" in str(error), error
    else:
        raise AssertionError("it was made on a full disk")
    assert not (folder / "p" / "project.sqlite").exists()


CASES = {
    case.__name__: case
    for case in (
        edits_on_a_full_disk,
        the_same_session_goes_on_when_there_is_room,
        undo_on_a_full_disk,
        a_backup_on_a_full_disk,
        a_folder_that_becomes_read_only,
        a_new_project_on_a_full_disk,
    )
}

if __name__ == "__main__":
    place = Path(sys.argv[2])
    mount(place)
    assert os.statvfs(place).f_blocks * os.statvfs(place).f_frsize <= KILOBYTES * 1024
    CASES[sys.argv[1]](place)
    print("kept its promises")
