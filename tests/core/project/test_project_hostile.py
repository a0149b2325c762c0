"""Project files that are not what they should be: told by a typed error, soon, in little memory, and left as they are."""

import random
import resource
import shutil
import sqlite3
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from core.errors import InputError
from core.project.project import Project
from core.project.records import DATABASE_FILE
from core.project.storage import checking, database
from tests.builders import draw, project_with_pictures

ROOT = Path(__file__).parents[3]
SECONDS, MEGABYTES = 2.0, 500


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed project of some pages: 40 images, 80 boxes, a history."""
    folder = tmp_path_factory.mktemp("template") / "p"
    with project_with_pictures(folder, 40) as project:
        for image in project.image_ids():
            draw(project, image)
            draw(project, image, (1, 1, 9, 9), ["pit", "stain"])
        project.history.undo()
    return folder


@pytest.fixture
def folder(template: Path, tmp_path: Path) -> Path:
    shutil.copytree(template, tmp_path / "p")
    return tmp_path / "p"


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@contextmanager
def within_limits() -> Iterator[None]:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    yield
    assert time.perf_counter() - started < SECONDS
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024 < MEGABYTES


def assert_refused(folder: Path, match: str) -> None:
    """Both ways of opening say what is wrong, and not a byte in the folder is another."""
    before = content(folder)
    for read_only in (False, True):
        with within_limits(), pytest.raises(InputError, match=match):
            Project.open(folder, read_only=read_only)
        assert content(folder) == before


def rewrite(folder: Path, change: Callable[[bytearray], None]) -> None:
    path = folder / DATABASE_FILE
    data = bytearray(path.read_bytes())
    change(data)
    path.write_bytes(data)


def execute(folder: Path, *statements: str) -> None:
    with closing(sqlite3.connect(folder / DATABASE_FILE, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def test_a_zero_byte_file_is_refused(folder: Path) -> None:
    rewrite(folder, bytearray.clear)
    assert_refused(folder, "not a project database, or damaged")


@pytest.mark.parametrize("length", [16, 100, 512])
def test_a_zeroed_header_is_refused(folder: Path, length: int) -> None:
    def zero(data: bytearray) -> None:
        data[:length] = bytes(length)

    rewrite(folder, zero)
    assert_refused(folder, "not a project database, or damaged")


@pytest.mark.parametrize("kept", [0.02, 0.3, 0.7, 0.999])
def test_a_truncated_file_is_refused(folder: Path, kept: float) -> None:
    def cut(data: bytearray) -> None:
        del data[int(len(data) * kept) :]

    rewrite(folder, cut)
    assert_refused(folder, "damaged")


def test_a_newer_schema_is_refused(folder: Path) -> None:
    execute(folder, "PRAGMA user_version=99")
    assert_refused(folder, "newer DefectDesk.*update")


def test_a_wrong_application_id_is_refused(folder: Path) -> None:
    execute(folder, "PRAGMA application_id=7")
    assert_refused(folder, "another program")


def test_a_database_without_a_version_is_refused(folder: Path) -> None:
    execute(folder, "PRAGMA user_version=0")
    assert_refused(folder, "damaged")


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER t AFTER INSERT ON boxes BEGIN DELETE FROM images; END",
        "CREATE TRIGGER t AFTER UPDATE ON counters BEGIN UPDATE labels SET name = writefile('/tmp/x', 'y'); END",
        "CREATE VIEW v AS SELECT load_extension('/tmp/evil.so')",
        "CREATE VIRTUAL TABLE f USING fts5(x)",
        "CREATE INDEX i ON images (zeroblob(100000 + id))",
        "CREATE TABLE other (x CHECK (x IN (SELECT 1)))",
    ],
)
def test_what_could_act_by_itself_is_refused(folder: Path, statement: str) -> None:
    # Some can only be written by a program that is careless, as the author of a trap would be.
    with closing(sqlite3.connect(folder / DATABASE_FILE, isolation_level=None)) as connection:
        kind, name = statement.split()[1].lower(), statement.split()[2]
        kind, name = ("table", statement.split()[3]) if kind == "virtual" else (kind, name)
        try:
            connection.execute(statement)
        except sqlite3.OperationalError:
            connection.execute("PRAGMA writable_schema=ON")
            row = (kind, name, "images", 0, statement)
            connection.execute("INSERT INTO sqlite_schema VALUES (?, ?, ?, ?, ?)", row)
    assert_refused(folder, "did not make|damaged")


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE boxes",
        "ALTER TABLE images RENAME COLUMN status TO state",
        "ALTER TABLE images ADD COLUMN twice GENERATED ALWAYS AS (width * 2) VIRTUAL",
    ],
)
def test_tables_that_are_not_as_they_were_made_are_refused(folder: Path, statement: str) -> None:
    execute(folder, statement)
    assert_refused(folder, "damaged|did not make")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE images SET status = 'excellent' WHERE id = 3",
        "UPDATE images SET label_sets = 'x|y' WHERE id = 3",
        "UPDATE images SET label_sets = x'00ff' WHERE id = 3",
        "UPDATE label_sets SET labels = 'one' WHERE labels = '1'",
        "UPDATE labels SET name = '' WHERE id = 1",
    ],
)
def test_rows_that_nobody_wrote_are_refused(folder: Path, statement: str) -> None:
    execute(folder, statement)
    assert_refused(folder, "damaged")


def test_a_text_of_a_gigabyte_is_refused(folder: Path) -> None:
    execute(folder, "UPDATE images SET note = CAST(zeroblob(280000000) AS TEXT) WHERE id = 3")
    with within_limits(), pytest.raises(InputError, match=r"project\.sqlite"):
        Project.open(folder)


def test_an_edit_that_unpacks_a_hundredfold_is_refused(folder: Path) -> None:
    bomb = zlib.compressobj(1)
    packed = b"".join([bomb.compress(bytes(2**26)) for _ in range(4)]) + bomb.flush()
    with closing(sqlite3.connect(folder / DATABASE_FILE, isolation_level=None)) as connection:
        last = connection.execute("SELECT value FROM counters WHERE name = 'history'").fetchone()[0] - 1
        connection.execute("UPDATE history SET edit = ? WHERE position = ?", (packed, last))
    with Project.open(folder) as project:
        before = project.images()
        with within_limits(), pytest.raises(InputError, match="damaged"):
            project.history.undo()
        assert project.images() == before
        draw(project, before[0].id)


def flipped(original: bytes, place: int, bit: int) -> bytes:
    data = bytearray(original)
    data[place] ^= 1 << bit
    return bytes(data)


def test_a_flipped_bit_is_told_or_harmless_but_never_a_crash(folder: Path) -> None:
    """Bits all over the file. SQLite keeps no checksums: what it cannot see may show as another value."""
    path = folder / DATABASE_FILE
    original = path.read_bytes()
    choose = random.Random(4)
    refused = 0
    for place in [*(choose.randrange(len(original)) for _ in range(60)), *range(0, 100, 3)]:
        path.write_bytes(flipped(original, place, choose.randrange(8)))
        try:
            with within_limits(), Project.open(folder) as project:
                project.boxes_of(project.image_ids())
                project.label_sets()
                project.history.list_entries()
                for image in project.image_ids():
                    project.history.list_events(image)
                project.history.undo()
        except InputError as error:
            refused += 1
            assert str(folder) in str(error)
        (folder / "project.sqlite-wal").unlink(missing_ok=True)
    assert 10 < refused < 94


def test_a_flipped_bit_that_keeps_a_project_from_opening_leaves_its_file_as_it_is(folder: Path) -> None:
    path = folder / DATABASE_FILE
    original = path.read_bytes()
    choose = random.Random(5)
    refused = 0
    for place in [*(choose.randrange(len(original)) for _ in range(40)), *range(0, 100, 5)]:
        path.write_bytes(flipped(original, place, choose.randrange(8)))
        before = content(folder)
        try:
            project = Project.open(folder)
        except InputError:
            refused += 1
            assert content(folder) == before
        else:
            project.close()
    assert refused > 5


KILLED = """
import os, signal, sys
from pathlib import Path
from core.project.edits import box_edits
from core.project.project import Project
project = Project.open(Path(sys.argv[1]))
for image in project.image_ids():
    project.apply(box_edits.add_box(project, image, (2, 2, 30, 30), {1}))
os.kill(os.getpid(), signal.SIGKILL)
"""


def kill_while_open(folder: Path) -> None:
    subprocess.run([sys.executable, "-c", KILLED, str(folder)], cwd=ROOT, env={"PYTHONPATH": str(ROOT)})
    assert (folder / "project.sqlite-wal").stat().st_size > 0


def test_a_log_that_a_crash_left_is_taken_in_and_the_project_checked(folder: Path) -> None:
    with Project.open(folder) as project:
        boxes = project.counts().boxes
        assert project.notices == ()
    kill_while_open(folder)
    with Project.open(folder) as project:
        assert project.counts().boxes == boxes + 40
        assert len(project.notices) == 1 and "not closed properly" in project.notices[0]
    with Project.open(folder) as project:
        assert project.notices == ()


def test_a_missing_log_is_told_and_what_was_saved_before_is_there(folder: Path) -> None:
    with Project.open(folder) as project:
        boxes = project.counts().boxes
    kill_while_open(folder)
    (folder / "project.sqlite-wal").unlink()
    with within_limits(), Project.open(folder) as project:
        assert project.counts().boxes == boxes
        assert len(project.notices) == 1 and "project.sqlite-wal" in project.notices[0]


def test_damage_beside_the_log_of_a_crash_is_told_with_nothing_changed(folder: Path) -> None:
    kill_while_open(folder)

    def spoil(data: bytearray) -> None:
        data[4096 * 8 :] = b"\x5a" * (len(data) - 4096 * 8)

    rewrite(folder, spoil)
    assert_refused(folder, "damaged")


def test_a_log_of_another_database_is_not_taken_in(folder: Path, tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "other", 3):
        other = (tmp_path / "other" / "project.sqlite-wal").read_bytes()
        assert len(other) > 4096
    other = other[:32] + bytes(len(other) - 32)
    (folder / "project.sqlite-wal").write_bytes(other)
    with within_limits(), Project.open(folder) as project:
        assert project.counts().images == 40


def test_a_locked_project_is_told_at_once(folder: Path) -> None:
    with Project.open(folder) as project:
        before = content(folder)
        with within_limits(), pytest.raises(InputError, match="open elsewhere"):
            Project.open(folder)
        assert content(folder) == before
        draw(project, project.image_ids()[0])


def test_a_folder_in_the_place_of_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "p" / DATABASE_FILE).mkdir(parents=True)
    assert_refused(tmp_path / "p", "not a project")


def test_a_mistake_in_a_migration_is_not_told_as_damage(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = content(folder)
    for mistake in ("INSERT INTO nowhere VALUES (1)", "CREATE TABLE images (x)", "ALTER TABLE images ADD COLUMN note"):
        broken = (*database.list_migrations(), f"CREATE TABLE extra (x); {mistake};")
        with monkeypatch.context() as patch:
            patch.setattr(database, "list_migrations", lambda scripts=broken: scripts)
            with pytest.raises(InputError, match="mistake in DefectDesk") as told:
                Project.open(folder)
        assert "damaged" not in str(told.value)
    with Project.open(folder) as project:
        assert project.counts().images == 40
    assert content(folder).keys() >= before.keys()


def test_the_application_id_is_ours(folder: Path) -> None:
    header = (folder / DATABASE_FILE).read_bytes()[:100]
    assert int.from_bytes(header[68:72], "big") == checking.APPLICATION_ID
