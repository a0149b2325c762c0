import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from core.errors import InputError
from core.project.edits.edit import Edit, state_of
from core.project.images import relocating
from core.project.images.image_files import content_hash
from core.project.images.relocating import Found
from core.project.project import Project
from core.types import ImageRecord
from tests.builders import draw, picture, project_with_pictures, write_picture


def names(project: Project, found: list[Found]) -> dict[str, tuple[str, str]]:
    return {Path(project.image(one.image_id).path).name: (one.path.name, one.by) for one in found}


def test_missing_files_are_told_in_order(tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "p", 12) as project:
        ids = project.image_ids()
        assert relocating.find_missing(project) == []
        for place in (10, 1, 5):
            project.image_path(ids[place]).unlink()
        (tmp_path / "p" / "images" / "part6.png").symlink_to(tmp_path / "nowhere.png")
        assert relocating.find_missing(project) == [ids[1], ids[5], ids[10]]
        assert relocating.find_missing(project, [ids[5], ids[0]]) == [ids[5]]
        shutil.rmtree(tmp_path / "p" / "images")
        assert relocating.find_missing(project) == ids


def test_moved_and_renamed_files_are_found_by_their_content(tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "p", 6) as project:
        ids = project.image_ids()
        draw(project, ids[0])
        shutil.move(tmp_path / "p" / "images", tmp_path / "elsewhere" / "deep" / "inside")
        (tmp_path / "elsewhere" / "deep" / "inside" / "part3.png").rename(tmp_path / "elsewhere" / "other name.png")
        write_picture(tmp_path / "elsewhere" / "stranger.png", seed=77)
        lost = relocating.find_missing(project)
        found = relocating.find_moved(project, lost, tmp_path / "elsewhere")
        assert lost == ids and {one.by for one in found} == {"content"} and len(found) == 6
        assert names(project, found)["part3.png"][0] == "other name.png"
        changes = project.files.relocate_images({one.image_id: one.path for one in found})
        assert changes.images == set(ids) and changes.image_list
        assert relocating.find_missing(project) == [] and relocating.find_changed(project) == []
        assert project.counts().boxes == 1 and project.history.undo_name == "Relocate 6 images"
        project.history.undo()
        assert relocating.find_missing(project) == ids
        project.history.redo()
        kept = project.images()
    with Project.open(tmp_path / "p") as project:
        assert project.images() == kept
        assert [project.image_path(image).is_file() for image in project.images()] == [True] * 6


def test_another_picture_of_the_same_name_is_never_taken_silently(tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "p", 3) as project:
        first, second, third = project.image_ids()
        draw(project, first)
        shutil.move(tmp_path / "p" / "images", tmp_path / "old")
        other = tmp_path / "other"
        write_picture(other / "part1.png", picture(seed=500))
        original = (tmp_path / "old" / "part2.png").read_bytes()
        (other / "part2.png").write_bytes(original[:-1] + bytes([original[-1] ^ 1]))
        write_picture(other / "sub" / "part1.png", picture(80, 80, seed=501))
        found = relocating.find_moved(project, [first, second, third], other)
        assert names(project, found)["part2.png"] == ("part2.png", "name and size")
        assert names(project, found)["part1.png"][1] == "name" and third not in {one.image_id for one in found}
        before = project.images()
        with pytest.raises(InputError, match=r"part1\.png: holds another picture"):
            project.files.relocate_images({first: other / "part1.png"})
        with pytest.raises(InputError, match="80 x 80"):
            project.files.relocate_images({first: other / "sub" / "part1.png"}, other_content=True)
        with pytest.raises(InputError, match=r"gone\.png"):
            project.files.relocate_images({first: other / "gone.png"})
        assert project.images() == before and project.history.undo_name == "Draw box"
        project.files.relocate_images({first: other / "part1.png"}, other_content=True)
        assert project.image(first).content_hash == content_hash(other / "part1.png")
        assert len(project.boxes(first)) == 1
        project.history.undo()
        assert project.images() == before


def test_copies_of_one_picture_keep_their_names_and_no_file_is_taken_twice(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p") as project:
        for name in ("a/x.png", "a/y.png", "b/x.png"):
            write_picture(tmp_path / "p" / "images" / name, seed=3)
        project.files.add_images([tmp_path / "p" / "images"])
        shutil.move(tmp_path / "p" / "images", tmp_path / "moved")
        found = relocating.find_moved(project, project.image_ids(), tmp_path / "moved")
        places = {
            project.image(one.image_id).path: one.path.relative_to(tmp_path / "moved").as_posix() for one in found
        }
        assert places == {"images/a/x.png": "a/x.png", "images/a/y.png": "a/y.png", "images/b/x.png": "b/x.png"}
        (tmp_path / "moved" / "b" / "x.png").unlink()
        assert len(relocating.find_moved(project, project.image_ids(), tmp_path / "moved")) == 2


def test_files_of_other_images_are_left_to_them(tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "p", 2) as project:
        first, second = project.image_ids()
        shutil.copyfile(project.image_path(first), tmp_path / "p" / "images" / "copy.png")
        project.files.add_images([tmp_path / "p" / "images" / "copy.png"])
        project.image_path(first).unlink()
        assert relocating.find_moved(project, [first], tmp_path / "p") == []
        with pytest.raises(InputError, match="another image of the project refers to it"):
            project.files.relocate_images({first: tmp_path / "p" / "images" / "copy.png"})
        assert project.image_path(second).is_file()


def test_two_images_may_change_places(tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "p", 2) as project:
        first, second = project.image_ids()
        one, two = project.image_path(first), project.image_path(second)
        one.rename(tmp_path / "between.png")
        two.rename(one)
        (tmp_path / "between.png").rename(two)
        assert relocating.find_changed(project) == [first, second]
        project.files.relocate_images({first: two, second: one})
        assert relocating.find_changed(project) == [] and project.image_ids() == [second, first]
        project.history.undo()
        assert project.image_ids() == [first, second]


def test_a_file_that_was_changed_after_labelling_is_told(tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "p", 4) as project:
        ids = project.image_ids()
        assert relocating.find_changed(project) == []
        write_picture(project.image_path(ids[1]), picture(seed=300))
        # Of the same size: only its content tells.
        path = project.image_path(ids[2])
        data = path.read_bytes()
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        project.image_path(ids[3]).unlink()
        assert relocating.find_changed(project) == [ids[1], ids[2]]
        assert relocating.find_changed(project, [ids[0], ids[2]]) == [ids[2]]


def test_a_file_that_was_only_touched_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Path] = []
    real: Callable[[Path], str] = content_hash

    def counted(path: Path) -> str:
        read.append(path)
        return real(path)

    monkeypatch.setattr(relocating.image_files, "content_hash", counted)
    with project_with_pictures(tmp_path / "p", 3) as project:
        os.utime(project.image_path(project.image_ids()[0]), ns=(1, 1))
        revisions = []
        for _ in range(3):
            assert relocating.find_changed(project) == []
            revisions.append(len(read))
        assert revisions == [1, 1, 1] and project.history.undo_name == "Add 3 images"
    with Project.open(tmp_path / "p") as project:
        assert relocating.find_changed(project) == [] and len(read) == 1


def test_progress_counts_the_files_that_are_read_and_may_end_the_search(tmp_path: Path) -> None:
    class Stopped(Exception):
        pass

    with project_with_pictures(tmp_path / "p", 3) as project:
        shutil.move(tmp_path / "p" / "images", tmp_path / "moved")
        write_picture(tmp_path / "moved" / "of another size.png", picture(200, 200))
        seen: list[tuple[int, int]] = []
        relocating.find_moved(
            project, project.image_ids(), tmp_path / "moved", lambda done, total: seen.append((done, total))
        )
        assert seen == [(3, 3)]

        def stop(_done: int, _total: int) -> None:
            raise Stopped

        with pytest.raises(Stopped):
            relocating.find_moved(project, project.image_ids(), tmp_path / "moved", stop)


def test_ten_thousand_files_are_searched_without_reading_those_of_other_sizes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Path] = []
    monkeypatch.setattr(relocating.image_files, "content_hash", lambda path: read.append(path) or f"{path.stem:>032}")
    many = tmp_path / "many"
    for number in range(10_000):
        folder = many / f"lot{number // 500}"
        if number % 500 == 0:
            folder.mkdir(parents=True)
        (folder / f"{number}.png").touch()
        os.truncate(folder / f"{number}.png", 1000 + number)
    with Project.create(tmp_path / "p") as project:
        lost = tuple(
            ImageRecord(n + 1, f"gone/{n}.png", 9, 9, size_bytes=1000 + n, content_hash=f"{n:>032}")
            for n in range(0, 10_000, 100)
        )
        project.apply(Edit("Add images", {}, {image.id: state_of(image, ()) for image in lost}, added=lost))
        started = time.perf_counter()
        found = relocating.find_moved(project, project.image_ids(), many)
        assert time.perf_counter() - started < 5
        assert len(found) == len(read) == 100 and all(one.path.stem == str(one.image_id - 1) for one in found)


def test_taking_files_counts_them_and_can_be_ended_with_nothing_changed(tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "parts", 3) as project:
        ids = project.image_ids()
        shutil.move(tmp_path / "parts" / "images", tmp_path / "moved")
        paths = {image_id: tmp_path / "moved" / f"part{number}.png" for number, image_id in enumerate(ids, 1)}
        counted: list[tuple[int, int]] = []

        def stop(done: int, total: int) -> None:
            counted.append((done, total))
            if done == 2:
                raise InterruptedError

        before = project.images()
        with pytest.raises(InterruptedError):
            project.files.relocate_images(paths, progress=stop)
        assert counted == [(1, 3), (2, 3)] and project.images() == before
        assert project.history.undo_name == "Add 3 images"
        counted.clear()
        project.files.relocate_images(paths, progress=lambda done, total: counted.append((done, total)))
        assert counted == [(1, 3), (2, 3), (3, 3)] and project.image_path(ids[0]) == tmp_path / "moved" / "part1.png"
