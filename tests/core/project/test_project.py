import os
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.changes import Changes
from core.errors import InputError
from core.project.edits import box_edits, image_edits
from core.project.images import image_files
from core.project.images.image_files import absolute_path, natural_key, stored_path
from core.project.project import Project
from core.project.storage import database
from core.types import Split, Status
from tests.builders import add_labels, draw, picture, project_with_pictures, write_picture, write_pictures
from tests.core.project.raw_database import connection_of


def test_a_new_project_has_its_folders_and_labels(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p", ["scratch", "pit"]) as project:
        assert project.name == "p" and project.image_ids() == []
        assert [(label.name, label.shortcut) for label in project.labels()] == [("scratch", "1"), ("pit", "2")]
        assert len({label.color for label in project.labels()}) == 2
        assert project.history.undo_name is None and project.history.undo() is None and project.history.redo() is None
        assert {path.name for path in (tmp_path / "p").iterdir()} >= {"project.sqlite", "runs", "backups", "cache"}


def test_a_project_is_never_made_over_another(tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "p", 1) as project:
        draw(project, project.image_ids()[0])
    with pytest.raises(InputError, match="there is a project in it already"):
        Project.create(tmp_path / "p")
    with Project.open(tmp_path / "p") as project:
        assert project.counts().boxes == 1


def test_of_several_that_make_a_project_at_once_one_does_and_keeps_it(tmp_path: Path) -> None:
    starting = threading.Barrier(4)

    def make(folder: Path, name: str) -> str:
        starting.wait()
        try:
            Project.create(folder, [name]).close()
        except InputError as error:
            assert "there is a project in it already" in str(error)
            return ""
        return name

    with ThreadPoolExecutor(4) as pool:
        for number in range(12):
            folder = tmp_path / str(number)
            (made,) = filter(None, pool.map(make, [folder] * 4, "abcd"))
            with Project.open(folder) as project:
                assert [label.name for label in project.labels()] == [made]
            assert {path.name for path in folder.iterdir()} >= {"project.sqlite", "runs", "backups", "cache"}


def test_images_that_users_put_into_the_folders_of_a_project_are_counted(tmp_path: Path) -> None:
    for name in ("runs/machine 7/1.png", "runs/2.png", "cache/3.png", "cache/thumbnails/0f/4.png", "5.png"):
        write_picture(tmp_path / name)
    with Project.create(tmp_path) as project:
        _, problems = project.files.add_images([tmp_path])
        assert [image.path for image in project.images()] == ["5.png"]
        assert [(Path(one.file).name, one.problem.partition(";")[0]) for one in problems] == [
            ("cache", "1 image in it passed over: a project keeps its own files there"),
            ("runs", "2 images in it passed over: a project keeps its own files there"),
        ]
        project.files.add_images([tmp_path / "runs"])
        assert {image.path for image in project.images()} >= {"runs/2.png", "runs/machine 7/1.png"}


def test_everything_is_there_after_reopening(tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "p", 3) as project:
        first, second, third = project.image_ids()
        draw(project, first, (1.25, 2.5, 30.125, 40), ["scratch", "stain"])
        project.apply(image_edits.set_status(project, [second], Status.CLEAN))
        project.apply(image_edits.set_split(project, [first, second], Split.VAL))
        project.apply(image_edits.set_group(project, [third], "lot 7"))
        project.apply(image_edits.set_note(project, third, "blurred\nsee mail"))
        project.set_setting("recipe", {"model": "ssd_compact", "lr": 0.1})
        kept = project.images(), project.boxes(first), project.labels(), project.counts()
    with Project.open(tmp_path / "p") as project:
        assert (project.images(), project.boxes(first), project.labels(), project.counts()) == kept
        assert project.boxes(first)[0].xyxy == (1.25, 2.5, 30.125, 40)
        assert project.image(first).box_count == 1 and project.image(third).note == "blurred\nsee mail"
        assert project.setting("recipe") == {"model": "ssd_compact", "lr": 0.1}
        assert project.setting("nothing", 5) == 5
        assert project.counts().to_json() == {
            "images": 3,
            "boxes": 1,
            "labels": {"scratch": 1, "pit": 0, "stain": 1},
            "status": {"unlabelled": 1, "labelled": 1, "reviewed": 0, "clean": 1},
            "splits": {"none": 1, "train": 0, "val": 2, "test": 0},
        }


def test_images_are_listed_in_natural_order(tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "p", 11) as project:
        names = [Path(image.path).name for image in project.images()]
        assert names == [f"part{number}.png" for number in range(1, 12)]
    assert sorted(["b2", "a10", "a9", "A1", "1"], key=natural_key) == ["1", "A1", "a9", "a10", "b2"]


def test_a_folder_with_bad_files_gives_the_good_ones_and_names_the_rest(tmp_path: Path) -> None:
    folder = tmp_path / "images"
    write_pictures(folder, 2)
    write_picture(folder / "deep" / "grün.jpg", picture(200, 150))
    (folder / "empty.png").write_bytes(b"")
    (folder / "cut.jpg").write_bytes((folder / "deep" / "grün.jpg").read_bytes()[:900])
    (folder / "text.png").write_text("no image")
    (folder / "notes.txt").write_text("hello")
    (folder / ".hidden.png").write_text("no image")
    (folder / "dangling.png").symlink_to(tmp_path / "nowhere.png")
    with Project.create(tmp_path / "p") as project:
        changes, problems = project.files.add_images([folder, tmp_path / "missing.png"])
        assert len(changes.images) == 3 and changes.image_list
        assert {Path(image.path).name for image in project.images()} == {"part1.png", "part2.png", "grün.jpg"}
        told = {Path(problem.file).name: problem.problem for problem in problems}
        assert told.keys() == {"empty.png", "cut.jpg", "text.png", "notes.txt", "dangling.png", "missing.png"}
        assert "0 bytes" in told["empty.png"] and "truncated" in told["cut.jpg"]
        assert "not an image" in told["text.png"] and "not an image" in told["notes.txt"]
        assert "no such file" in told["missing.png"]
        assert all(problem.problem.endswith("skipped") for problem in problems)


def test_a_file_is_added_once_however_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with project_with_pictures(tmp_path / "p", 2) as project:
        monkeypatch.chdir(tmp_path / "p")
        again = [Path("images"), Path("images/../images/part1.png"), tmp_path / "p" / "images" / "part2.png"]
        assert project.files.add_images(again) == (Changes(), [])
        assert len(project.image_ids()) == 2 and project.history.undo_name == "Add 2 images"


def test_the_projects_own_folders_are_not_searched_for_images(tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "p", 1) as project:
        write_picture(tmp_path / "p" / "cache" / "thumbnails" / "thumb.png")
        write_picture(tmp_path / "p" / "runs" / "r001" / "curve.png")
        (tmp_path / "p" / "runs" / "r001" / "recipe.yaml").touch()
        write_picture(tmp_path / "p" / "more" / "x.png", seed=9)
        _, problems = project.files.add_images([tmp_path / "p"])
        assert problems == []
        assert [image.path for image in project.images()] == ["images/part1.png", "more/x.png"]


def test_progress_counts_every_file_in_the_callers_thread(tmp_path: Path) -> None:
    write_pictures(tmp_path / "images", 5)
    seen: list[tuple[int, int]] = []
    threads: set[int] = set()

    def progress(done: int, total: int) -> None:
        seen.append((done, total))
        threads.add(threading.get_ident())

    with Project.create(tmp_path / "p") as project:
        project.files.add_images([tmp_path / "images"], progress)
    assert seen == [(n, 5) for n in range(1, 6)] and threads == {threading.get_ident()}


def test_a_walk_over_folders_can_be_cancelled(tmp_path: Path) -> None:
    for number in range(30):
        folder = tmp_path / "images" / f"lot{number}"
        folder.mkdir(parents=True)
        for name in range(20):
            (folder / f"{name}.txt").touch()
    write_pictures(tmp_path / "images", 2)
    seen: list[tuple[int, int]] = []

    def cancel(done: int, total: int) -> None:
        seen.append((done, total))
        if done >= 300:
            raise KeyboardInterrupt

    with Project.create(tmp_path / "p") as project:
        with pytest.raises(KeyboardInterrupt):
            project.files.add_images([tmp_path / "images"], cancel)
        assert seen == [(100, 0), (200, 0), (300, 0)] and not project.image_ids()
        changes, problems = project.files.add_images([tmp_path / "images"], lambda done, total: None)
        assert len(changes.images) == 2 and len(problems) == 600


def test_folders_are_walked_in_natural_order_and_links_to_folders_are_not(tmp_path: Path) -> None:
    for name in ("b/part10.png", "b/part2.png", "a10/x.png", "a2/deep/x.png", "a2/z.png", "z.png", ".hidden/x.png"):
        write_picture(tmp_path / "images" / name)
    (tmp_path / "images" / "round").symlink_to(tmp_path / "images")
    write_picture(tmp_path / "other" / "x.png")
    (tmp_path / "images" / "out").symlink_to(tmp_path / "other")
    files, problems = image_files.gather_files([tmp_path / "images"], tmp_path / "p")
    assert [file.relative_to(tmp_path / "images").as_posix() for file in files] == [
        "z.png",
        "a2/z.png",
        "a2/deep/x.png",
        "a10/x.png",
        "b/part2.png",
        "b/part10.png",
    ]
    assert [problem.file for problem in problems] == [str(tmp_path / "images" / "out")]
    assert "a link to a folder, which was not followed" in problems[0].problem


def test_a_project_moves_together_with_its_images(tmp_path: Path) -> None:
    write_pictures(tmp_path / "job" / "images", 1)
    project_with_pictures(tmp_path / "job" / "p", 1).close()
    with Project.open(tmp_path / "job" / "p") as project:
        project.files.add_images([tmp_path / "job" / "images"])
        assert [image.path for image in project.images()] == ["../images/part1.png", "images/part1.png"]
    (tmp_path / "job").rename(tmp_path / "moved")
    with Project.open(tmp_path / "moved" / "p") as project:
        assert all(project.image_path(image).is_file() for image in project.images())
        assert project.image_path(project.image_ids()[0]) == tmp_path / "moved" / "images" / "part1.png"


def test_files_far_away_are_referred_to_where_they_are(tmp_path: Path) -> None:
    assert stored_path(Path("/data/p"), Path("/mnt/disk/a.png")) == "/mnt/disk/a.png"
    assert stored_path(Path("/p"), Path("/mnt/disk/a.png")) == "/mnt/disk/a.png"
    assert absolute_path(Path("/data/p"), "/mnt/disk/a.png") == Path("/mnt/disk/a.png")


@given(st.lists(st.text("ab/ 12.é", min_size=1, max_size=12).filter(lambda text: text.strip("/. "))))
def test_keys_of_many_files_are_those_of_each(names: list[str]) -> None:
    folder = Path("/data/job/p")
    files = [Path(os.path.normpath(f"{base}/{name}")) for name in names for base in (folder, folder.parent, "/mnt")]
    paths = [stored_path(folder, file) for file in files]
    assert [absolute_path(folder, path) for path in paths] == files
    assert image_files.path_keys(folder, paths) == [image_files.path_key(file) for file in files]
    odd = ["../../x.png", "a/../b.png", "./c.png", "/mnt//d.png", "../e/./f.png"]
    assert image_files.path_keys(folder, odd) == [image_files.path_key(absolute_path(folder, path)) for path in odd]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.lists(st.text("aB01239_", min_size=1, max_size=4), max_size=6), max_size=5),
    st.lists(st.integers(0, 3), max_size=4),
)
def test_images_stay_in_natural_order_however_they_come_and_go(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[str]], steps: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("case") / "p"

    def in_order(project: Project) -> bool:
        paths = [image.path for image in project.images()]
        known = {image_files.path_key(project.image_path(image)): image.id for image in project.images()}
        return paths == sorted(paths, key=image_files.order_key) and project.files.ids_by_path() == known

    with Project.create(folder) as project:
        for batch in batches:
            probed = [image_files.Probed(folder / f"{name}.png", 9, 9, 1, name) for name in batch]
            project.apply(project.files.build_addition({one.path: one for one in probed}.values()))
            assert in_order(project)
        for step in steps:
            ids = project.image_ids()
            if step == 0 and ids:
                project.apply(image_edits.remove_images(project, ids[::2]))
            else:
                project.history.undo() if step < 3 else project.history.redo()
            assert in_order(project)
        kept = project.image_ids()
    with Project.open(folder) as project:
        assert project.image_ids() == kept and in_order(project)


def test_box_ids_are_never_used_twice(tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "p", 1) as project:
        (image,) = project.image_ids()
        first = draw(project, image)
        project.history.undo()
        second = draw(project, image)
        assert second > first
        project.history.undo()
    with Project.open(tmp_path / "p") as project:
        assert draw(project, image) > second


def test_colours_and_shortcuts_stay_unique_while_they_last(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p", ["a"]) as project:
        add_labels(project, [f"label {n}" for n in range(11)] + ["a"])
        labels = project.labels()
        assert [label.name for label in labels] == ["a", *(f"label {n}" for n in range(11))]
        assert len({label.color for label in labels}) == 12
        assert "".join(label.shortcut for label in labels) == "1234567890"
        with pytest.raises(InputError, match="blank"):
            add_labels(project, ["  "])


@pytest.mark.parametrize("content", [b"", b"hello", b"SQLite format 3\0" + b"\0" * 84])
def test_what_is_no_project_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "project.sqlite").write_bytes(content)
    for read_only in (False, True):
        with pytest.raises(InputError, match="not a project"):
            Project.open(tmp_path, read_only=read_only)
    assert (tmp_path / "project.sqlite").read_bytes() == content


def test_an_empty_or_missing_folder_is_no_project(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(InputError, match="not a project"):
            Project.open(folder)
    assert not (tmp_path / "nowhere").exists()


def test_a_database_of_another_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "project.sqlite")
    connection.execute("CREATE TABLE things (x)")
    connection.close()
    before = (tmp_path / "project.sqlite").read_bytes()
    with pytest.raises(InputError, match="another program"):
        Project.open(tmp_path)
    assert (tmp_path / "project.sqlite").read_bytes() == before


def test_a_project_of_a_newer_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    Project.create(tmp_path / "p").close()
    connection = sqlite3.connect(tmp_path / "p" / "project.sqlite")
    connection.execute("PRAGMA user_version=99")
    connection.close()
    before = (tmp_path / "p" / "project.sqlite").read_bytes()
    for read_only in (False, True):
        with pytest.raises(InputError, match="newer DefectDesk.*update"):
            Project.open(tmp_path / "p", read_only=read_only)
    assert (tmp_path / "p" / "project.sqlite").read_bytes() == before


def test_a_damaged_project_is_refused_by_name(tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "p", 30) as project:
        for image in project.image_ids():
            draw(project, image)
    path = tmp_path / "p" / "project.sqlite"
    data = bytearray(path.read_bytes())
    data[4096:] = b"\x5a" * (len(data) - 4096)
    path.write_bytes(data)
    for read_only in (False, True):
        with pytest.raises(InputError, match="project.sqlite: damaged"):
            Project.open(tmp_path / "p", read_only=read_only)


def test_an_older_project_is_migrated_once_and_backed_up_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with project_with_pictures(tmp_path / "p", 2) as project:
        draw(project, project.image_ids()[0])
    version = len(database.list_migrations())
    scripts = (*database.list_migrations(), "ALTER TABLE images ADD COLUMN camera TEXT NOT NULL DEFAULT ''")
    monkeypatch.setattr(database, "list_migrations", lambda: scripts)
    for _ in range(2):
        with Project.open(tmp_path / "p") as project:
            assert project.counts().boxes == 1
    path = tmp_path / "p" / "project.sqlite"
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (version + 1,)
    backup = tmp_path / "p" / "backups" / f"before-version-{version + 1}.sqlite"
    with sqlite3.connect(backup) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (version,)
        assert connection.execute("SELECT count(*) FROM boxes").fetchone() == (1,)


def test_a_migration_that_fails_leaves_the_project_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project_with_pictures(tmp_path / "p", 2).close()
    broken = (*database.list_migrations(), "CREATE TABLE extra (x); INSERT INTO nowhere VALUES (1);")
    with monkeypatch.context() as patch:
        patch.setattr(database, "list_migrations", lambda: broken)
        with pytest.raises(InputError, match="nowhere"):
            Project.open(tmp_path / "p")
    with Project.open(tmp_path / "p") as project:
        assert project.counts().images == 2


def test_a_read_only_project_shows_everything_and_changes_nothing(tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "p", 2) as project:
        image = project.image_ids()[0]
        draw(project, image)
        with Project.open(tmp_path / "p", read_only=True) as copy:
            assert copy.runs.make_folder().is_dir()  # what trains beside an open window needs one
            assert copy.read_only and copy.images() == project.images() and copy.boxes(image) == project.boxes(image)
            assert copy.image_path(image) == project.image_path(image)
            draw(project, image, (1, 1, 9, 9))
            assert len(copy.boxes(image)) == 1 and len(project.boxes(image)) == 2
            with pytest.raises(InputError, match="read-only"):
                copy.apply(box_edits.add_box(copy, image, (0, 0, 5, 5), {1}))
            for change in (
                copy.history.undo,
                copy.runs.sync_folders,
                lambda: copy.set_setting("a", 1),
            ):
                with pytest.raises(InputError, match="read-only"):
                    change()


def test_opening_twice_in_one_process_is_refused_too(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p"), pytest.raises(InputError, match="open elsewhere"):
        Project.open(tmp_path / "p")
    Project.open(tmp_path / "p").close()


def test_a_closed_project_says_so(tmp_path: Path) -> None:
    project = project_with_pictures(tmp_path / "p", 1)
    project.close()
    project.close()
    with pytest.raises(InputError, match="closed"):
        project.boxes(1)


def test_threads_may_read_while_another_imports(tmp_path: Path) -> None:
    write_pictures(tmp_path / "more", 40)
    with project_with_pictures(tmp_path / "p", 1) as project:
        image = project.image_ids()[0]
        faults: list[InputError] = []

        def add() -> None:
            try:
                project.files.add_images([tmp_path / "more"])
            except InputError as error:
                faults.append(error)

        thread = threading.Thread(target=add)
        thread.start()
        drawn = 0
        while thread.is_alive() or drawn < 5:
            draw(project, image, (1, 1, 2 + drawn % 50, 9))
            drawn += 1
            assert len(project.boxes(image)) == drawn == project.counts().boxes
        thread.join()
        assert not faults and project.counts().images == 41


def test_a_full_disk_changes_nothing_and_says_so(tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "p", 2) as project:
        image = project.image_ids()[0]
        pages = connection_of(project).execute("PRAGMA page_count").fetchone()[0]
        connection_of(project).execute(f"PRAGMA max_page_count={pages}")
        before = project.images(), project.counts(), project.history.undo_name
        big = image_edits.set_note(project, image, "x" * 100_000)
        with pytest.raises(InputError, match="disk is full"):
            project.apply(big)
        assert (project.images(), project.counts(), project.history.undo_name) == before
        connection_of(project).execute("PRAGMA max_page_count=1000000")
        project.apply(big)
        assert len(project.image(image).note) == 100_000
