import shutil
import sqlite3
import threading
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.errors import InputError, StorageError
from core.project import backup
from core.project.edits import image_edits
from core.project.project import Project
from core.project.records import DATABASE_FILE
from tests.builders import draw, project_with_pictures
from tests.core.project.raw_database import connection_of
from tests.core.project.test_project_columns import of_version_1


def test_a_backup_is_a_whole_project_of_the_moment_it_was_taken(tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "p", 3) as project:
        for image in project.image_ids():
            draw(project, image)
        taken = backup.back_up(project)
        assert taken is not None and (taken.images, taken.boxes, taken.fault) == (3, 3, "")
        assert taken.size_bytes == taken.path.stat().st_size > 0
        assert abs((datetime.now(UTC) - datetime.fromisoformat(taken.time)).total_seconds()) < 60
        expected = project.images(), project.history.list_entries()
        draw(project, project.image_ids()[0])
    other = tmp_path / "other"
    other.mkdir()
    shutil.copyfile(taken.path, other / DATABASE_FILE)
    with Project.open(other) as copy:
        assert (copy.images(), copy.history.list_entries(), copy.notices) == (*expected, ())
    assert {path.suffix for path in taken.path.parent.iterdir()} == {".sqlite"}


def test_there_is_no_backup_when_nothing_changed(tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "p", 1) as project:
        assert backup.back_up(project) is not None and backup.back_up(project) is None
        changes = (
            lambda: draw(project, project.image_ids()[0]),
            project.history.undo,
            lambda: project.set_setting("mm_per_pixel", 0.1),
        )
        for change in changes:
            change()
            assert backup.back_up(project) is not None and backup.back_up(project) is None
    with Project.open(tmp_path / "p") as project:
        assert backup.back_up(project) is None
    assert len(backup.list_backups(tmp_path / "p")) == 4


def test_the_last_ten_are_kept_newest_first(tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "p", 1) as project:
        taken = []
        for number in range(13):
            project.set_setting("number", number)
            taken.append(backup.back_up(project))
    kept = backup.list_backups(tmp_path / "p")
    assert kept == [one for one in reversed(taken) if one is not None][:10] and len(kept) == 10
    assert [one.time for one in kept] == sorted((one.time for one in kept), reverse=True)


def test_as_many_edits_as_a_restore_took_back_are_not_taken_for_those(tmp_path: Path) -> None:
    folder = tmp_path / "p"
    with project_with_pictures(folder, 1) as project:
        first = backup.back_up(project)
        assert first is not None
        for number in range(3):
            project.set_setting("number", number)
    assert backup.restore_backup(folder, first) is not None
    with Project.open(folder) as project:
        for number in range(3):
            project.set_setting("other", number)
        assert backup.back_up(project) is not None and backup.back_up(project) is None


def test_a_restore_that_the_disk_has_no_room_for_changes_nothing_and_says_so(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    folder = tmp_path / "p"
    with project_with_pictures(folder, 1) as project:
        small = backup.back_up(project)
        assert small is not None
        project.set_setting("long", "x" * 1_000_000)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # Room for the backup, but not for keeping what is there now.
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 * small.size_bytes, hard))
    try:
        with pytest.raises(StorageError, match="cannot be written"):
            backup.restore_backup(folder, small)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert backup.list_backups(folder) == [small]
    with Project.open(folder) as project:
        assert len(project.setting("long")) == 1_000_000


def test_restoring_puts_the_backup_back_and_keeps_what_was_there(tmp_path: Path) -> None:
    folder = tmp_path / "p"
    with project_with_pictures(folder, 2) as project:
        image = project.image_ids()[0]
        draw(project, image)
        first = backup.back_up(project)
        assert first is not None
        draw(project, image, (1, 1, 9, 9))
    kept = backup.restore_backup(folder, first)
    assert kept is not None and (kept.images, kept.boxes) == (2, 2)
    with Project.open(folder) as project:
        assert project.counts().boxes == 1 and project.notices == ()
        draw(project, image)
    assert backup.list_backups(folder)[0] == kept
    backup.restore_backup(folder, kept)
    with Project.open(folder) as project:
        assert [box.xyxy for box in project.boxes(image)] == [(5, 6, 25, 30), (1, 1, 9, 9)]
    assert sorted(path.name for path in folder.iterdir()) == ["backups", "cache", "images", "project.sqlite", "runs"]


@pytest.mark.parametrize("fault", ["zeroed page", "cut off", "empty", "other program", "newer", "trigger", "text"])
def test_a_backup_that_is_no_whole_project_is_refused_with_nothing_changed(tmp_path: Path, fault: str) -> None:
    folder = tmp_path / "p"
    with project_with_pictures(folder, 20) as project:
        for image in project.image_ids():
            draw(project, image)
        taken = backup.back_up(project)
        assert taken is not None
        project.history.undo()
    data = bytearray(taken.path.read_bytes())
    if fault == "zeroed page":
        data[4096:8192] = bytes(4096)
    elif fault == "cut off":
        del data[len(data) // 2 :]
    taken.path.write_bytes(b"" if fault == "empty" else b"hello" * 40 if fault == "text" else data)
    statements = {
        "other program": "PRAGMA application_id=5",
        "newer": "PRAGMA user_version=77",
        "trigger": "CREATE TRIGGER t AFTER INSERT ON boxes BEGIN DELETE FROM boxes; END",
    }
    if fault in statements:
        with closing(sqlite3.connect(taken.path, isolation_level=None)) as connection:
            connection.execute(statements[fault])
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with (
        pytest.raises(InputError, match=str(taken.path))
        if fault != "newer"
        else pytest.raises(InputError, match="newer")
    ):
        backup.restore_backup(folder, taken)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    (listed,) = backup.list_backups(folder)
    if fault in ("cut off", "empty", "newer", "text"):
        assert listed.fault


def test_a_project_that_is_open_is_not_restored_under_the_user(tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "p", 1) as project:
        taken = backup.back_up(project)
        assert taken is not None
        draw(project, project.image_ids()[0])
        with pytest.raises(InputError, match="open elsewhere"):
            backup.restore_backup(tmp_path / "p", taken)
        draw(project, project.image_ids()[0])
        assert project.counts().boxes == 2
    assert len(backup.list_backups(tmp_path / "p")) == 1


def test_a_damaged_project_is_restored_and_its_remains_are_kept(tmp_path: Path) -> None:
    folder = tmp_path / "p"
    with project_with_pictures(folder, 3) as project:
        draw(project, project.image_ids()[0])
        taken = backup.back_up(project)
        assert taken is not None
    path = folder / DATABASE_FILE
    remains = path.read_bytes()[:5000]
    path.write_bytes(remains)
    (folder / "project.sqlite-wal").write_bytes(b"rest of a log")
    assert backup.restore_backup(folder, taken) is None
    with Project.open(folder) as project:
        assert project.counts().boxes == 1
    kept = {path.name.partition("Z.")[2]: path.read_bytes() for path in (folder / "backups").glob("kept-*")}
    assert kept == {"sqlite": remains, "sqlite-wal": b"rest of a log"}


def test_a_project_whose_database_is_gone_is_restored(tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "p", 3) as project:
        taken = backup.back_up(project)
        assert taken is not None
    (tmp_path / "p" / DATABASE_FILE).unlink()
    assert backup.restore_backup(tmp_path / "p", taken.path) is None
    with Project.open(tmp_path / "p") as project:
        assert len(project.image_ids()) == 3


def test_a_damaged_project_makes_no_backup_and_pushes_none_out(tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "p", 1) as project:
        project.apply(image_edits.set_note(project, project.image_ids()[0], "x" * 60_000))
        good = backup.back_up(project)
        project.set_setting("a", 1)
        connection_of(project).execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection_of(project).execute("PRAGMA writable_schema=ON")
        connection_of(project).execute(
            "UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'boxes') WHERE name = 'settings'"
        )
        with pytest.raises(InputError, match="damaged"):
            backup.back_up(project)
        assert backup.list_backups(tmp_path / "p") == [good]


def test_edits_go_on_while_a_backup_is_taken_and_it_is_of_one_moment(tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "p", 2) as project:
        first, second = project.image_ids()
        # Enough pages that the copy takes many steps.
        for number in range(30):
            project.apply(image_edits.set_note(project, first, f"{number}" * 60_000))
        taken: list[backup.Backup | None] = []
        thread = threading.Thread(target=lambda: taken.append(backup.back_up(project)))
        thread.start()
        done = 0
        while thread.is_alive() or done < 5:
            # One edit changes both: a copy of one moment has both or neither.
            project.apply(image_edits.set_group(project, [first, second], f"lot {done}"))
            done += 1
        thread.join()
        assert taken[0] is not None
        with closing(sqlite3.connect(taken[0].path)) as copy:
            groups = copy.execute("SELECT grp FROM images").fetchall()
            events = copy.execute("SELECT count(*) FROM events WHERE name = 'Set group'").fetchone()[0]
        assert groups[0] == groups[1]
        assert groups[0][0] == (f"lot {events - 1}" if events else "")


def test_a_closing_waits_for_the_backup(tmp_path: Path) -> None:
    project = project_with_pictures(tmp_path / "p", 2)
    thread = threading.Thread(target=lambda: backup.back_up(project))
    thread.start()
    thread.join()
    project.close()
    with pytest.raises(InputError, match="closed"):
        backup.back_up(project)
    assert not [one for one in backup.list_backups(tmp_path / "p") if one.fault]


def test_a_copy_from_before_a_new_version_is_listed_and_can_be_restored(tmp_path: Path) -> None:
    folder = of_version_1(tmp_path / "p", [(1, 1, 1.0, 1.0, 9.0, 9.0, "1")], 2)
    with Project.open(folder) as project:
        project.history.undo()
    (listed,) = backup.list_backups(folder)
    assert listed.path.name == "before-version-2.sqlite" and (listed.images, listed.boxes) == (2, 1)
    backup.restore_backup(folder, listed)
    with Project.open(folder) as project:
        assert project.counts().boxes == 1


def test_a_copy_from_before_a_new_version_replaces_no_other_copy(tmp_path: Path) -> None:
    folder = of_version_1(tmp_path / "p", [(1, 1, 1.0, 1.0, 9.0, 9.0, "1")], 2)
    older = (folder / "project.sqlite").read_bytes()
    Project.open(folder).close()
    (first,) = backup.list_backups(folder)
    kept = first.path.read_bytes()
    # The same project once more, as after a migration that failed: there is nothing new to keep.
    (folder / "project.sqlite").write_bytes(older)
    Project.open(folder).close()
    assert [one.path.name for one in backup.list_backups(folder)] == ["before-version-2.sqlite"]
    # Another one of that version, put in its place: both are kept.
    other = of_version_1(tmp_path / "q", [], 3)
    (folder / "project.sqlite").write_bytes((other / "project.sqlite").read_bytes())
    Project.open(folder).close()
    assert first.path.read_bytes() == kept
    assert sorted((one.path.name, one.images) for one in backup.list_backups(folder)) == [
        ("before-version-2-2.sqlite", 3),
        ("before-version-2.sqlite", 2),
    ]


def test_a_damaged_backup_is_refused_with_advice_that_helps_and_changes_nothing(tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "p", 2) as project:
        chosen = backup.back_up(project)
        assert chosen is not None
    content = bytearray(chosen.path.read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    chosen.path.write_bytes(content)
    before = (tmp_path / "p" / "project.sqlite").read_bytes()
    with pytest.raises(InputError, match=r"damaged \(.*\); choose another backup"):
        backup.restore_backup(tmp_path / "p", chosen)
    assert (tmp_path / "p" / "project.sqlite").read_bytes() == before
