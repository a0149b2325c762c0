"""The cameras of a project: decided once, kept, carried over from older projects, and said."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from core.errors import InputError
from core.imaging.cameras import Camera, Cameras, Kind
from core.imaging.decode import decode
from core.imaging.thumbnails import shrunk
from core.inference.prediction_loop import ImageSource, read_source
from core.operations.depth import divide_cameras, parse_camera, remove_camera, set_window
from core.project.camera_lookup import look_up_cameras
from core.project.edits import image_edits
from core.project.project import Project
from core.project.snapshot import take_snapshot
from core.project.storage import database
from core.training.data.image_cache import ImageCache
from core.types import Status
from tests.builders import picture, write_picture

GREY_12 = Camera((0, 4095), 1, 16)


def write_frames(folder: Path, tops: list[int], background: int = 1000) -> list[Path]:
    """Grey images of 16 bits, each with another brightest spot."""
    paths = []
    for number, top in enumerate(tops):
        values = np.full((40, 60), background, np.uint16)
        values[5:9, 5:9] = top
        values[20, 20] = number  # no two are copies
        paths.append(write_picture(folder / f"{number}.png", values))
    return paths


def age(folder: Path, setting: str | None = None) -> None:
    """Take from a project what version 3 did not have, and set its window as that did."""
    with sqlite3.connect(folder / "project.sqlite") as connection:
        connection.execute("DROP TABLE depths")
        connection.execute("ALTER TABLE boxes DROP COLUMN difficult")
        connection.execute("ALTER TABLE images DROP COLUMN difficult_count")
        connection.execute("DELETE FROM settings WHERE key = 'cameras'")
        if setting is not None:
            connection.execute("INSERT INTO settings VALUES ('depth_window', ?)", (setting,))
        connection.execute("PRAGMA user_version=3")
    connection.close()


def make_old(folder: Path, images: list[Path], setting: str | None = None) -> Path:
    with Project.create(folder) as project:
        project.files.add_images(images)
    age(folder, setting)
    return folder


def test_the_first_images_decide_and_later_ones_change_nothing_but_are_said(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p") as project:
        project.files.add_images(write_frames(tmp_path / "a", [2000, 3000]))
        (said,) = project.depths.take_notices()
        assert "grey, 16 bits: 0 to 4,095" in said and "3,000" in said
        assert project.depths.cameras() == Cameras((GREY_12,))
        project.files.add_images(write_frames(tmp_path / "b", [4100, 4000, 9000], 900))
        (said,) = project.depths.take_notices()
        assert said.startswith("2 images of the new ones have values above 4,095") and "b/0.png" in said
        assert project.depths.cameras() == Cameras((GREY_12,))
    with Project.open(tmp_path / "p") as project:
        assert project.depths.settle() == Cameras((GREY_12,)) and project.depths.take_notices() == []


def test_a_picture_that_takes_the_place_of_another_changes_no_scale_but_is_said(tmp_path: Path) -> None:
    path, other = write_frames(tmp_path / "a", [2000])[0], write_frames(tmp_path / "b", [9000])[0]
    with Project.create(tmp_path / "p") as project:
        project.files.add_images([path])
        project.depths.take_notices()
        project.files.relocate_images({project.image_ids()[0]: other}, other_content=True)
        (said,) = project.depths.take_notices()
        assert "above 4,095" in said and project.depths.cameras() == Cameras((GREY_12,))


def test_another_kind_of_image_gets_a_camera_of_its_own(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p") as project:
        project.files.add_images(write_frames(tmp_path / "a", [2000]))
        colour = np.full((40, 60, 3), 20000, np.uint16)
        project.files.add_images([write_picture(tmp_path / "c.tiff", colour), write_picture(tmp_path / "8.png")])
        assert project.depths.cameras() == Cameras((GREY_12, Camera((0, 65535), 3, 16)))
        assert project.depths.bits_seen() == (8, 16)


def test_images_of_8_bits_decide_nothing_and_say_nothing(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p") as project:
        project.files.add_images([write_picture(tmp_path / "8.png")])
        assert project.depths.cameras() == Cameras() and project.depths.take_notices() == []


def test_folders_that_use_other_bits_are_named_but_not_parted(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p") as project:
        project.files.add_images([*write_frames(tmp_path / "x", [900], 500), *write_frames(tmp_path / "y", [9000])])
        said = project.depths.take_notices()
        assert len(project.depths.cameras().cameras) == 1
        assert "../x 10" in said[1] and "../y 14" in said[1] and "--by folder" in said[1]


@pytest.mark.parametrize("read_only", [False, True])
def test_an_older_project_keeps_its_window(tmp_path: Path, read_only: bool) -> None:
    folder = make_old(tmp_path / "p", write_frames(tmp_path / "a", [2000]), "[100, 900]")
    with Project.open(folder, read_only=read_only) as project:
        assert project.depths.settle() == Cameras.of_window((100, 900))
        assert project.depths.take_notices() == [] and project.setting("depth_window") is None
        assert take_snapshot(project).cameras == Cameras.of_window((100, 900))


@pytest.mark.parametrize("setting", [None, "null"])
@pytest.mark.parametrize("read_only", [False, True])
def test_an_older_project_without_a_window_is_decided_on_at_first_use(
    tmp_path: Path, read_only: bool, setting: str | None
) -> None:
    folder = make_old(tmp_path / "p", write_frames(tmp_path / "a", [2000, 4090]), setting)
    with Project.open(folder, read_only=read_only) as project:
        assert not project.depths.is_settled
        assert take_snapshot(project).cameras == Cameras((GREY_12,))
        (said,) = project.depths.take_notices()
        assert "0 to 4,095" in said
        assert take_snapshot(project).cameras == Cameras((GREY_12,)) and project.depths.take_notices() == []


def test_images_added_to_an_older_project_do_not_decide_for_those_it_had(tmp_path: Path) -> None:
    folder = make_old(tmp_path / "p", write_frames(tmp_path / "a", [2000]))
    with Project.open(folder) as project:
        project.files.add_images(write_frames(tmp_path / "b", [60000]))
        assert project.depths.cameras() == Cameras((GREY_12,))
        assert any("above 4,095" in text for text in project.depths.take_notices())


def test_the_sample_of_an_older_project_does_not_depend_on_names_or_order(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    tops = [int(top) for top in rng.integers(900, 60000, 40)]
    made = write_frames(tmp_path / "a", tops)
    moved = [tmp_path / "b" / f"{40 - number}.png" for number in range(40)]
    for old, new in zip(made, moved, strict=True):
        write_picture(new)
        new.write_bytes(old.read_bytes())
    found = []
    for name, paths in (("p", made), ("q", moved)):
        with Project.open(make_old(tmp_path / name, paths)) as project:
            found.append(project.depths.settle())
    assert found[0] == found[1] != Cameras()


def test_a_project_of_version_3_is_migrated_and_checked(tmp_path: Path) -> None:
    folder = make_old(tmp_path / "p", write_frames(tmp_path / "a", [2000]), "[5, 900]")
    with Project.open(folder) as project:
        assert project.depths.cameras() == Cameras.of_window((5, 900))
    with sqlite3.connect(folder / "project.sqlite") as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (len(database.list_migrations()),)
        assert connection.execute("SELECT count(*) FROM depths").fetchone() == (0,)
    connection.close()


def test_damaged_cameras_are_refused_by_name(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p") as project:
        project.set_setting("cameras", [{"window": [9, 1]}])
        with pytest.raises(InputError, match="p: cameras: "):
            project.depths.settle()


def test_view_training_and_prediction_give_the_same_pixels(tmp_path: Path) -> None:
    """Cameras by folder, group, size and kind, and files of every kind that has more than 8 bits, in one project."""
    rng = np.random.default_rng(0)
    paths = []
    for number in range(12):
        shape = ((40, 60), (40, 60, 3), (30, 50))[number % 3]
        values = rng.integers(0, 2 ** (10, 12, 14, 16)[number % 4], shape).astype(np.uint16)
        suffix = (".png", ".tiff")[number % 2]
        paths.append(write_picture(tmp_path / ("line-1", "line-2")[number % 2] / f"{number}{suffix}", values))
    paths.append(write_picture(tmp_path / "line-1" / "8.png", picture(60, 40)))
    with Project.create(tmp_path / "p") as project:
        project.files.add_images(paths)
        ids = project.image_ids()
        project.apply(image_edits.set_groups(project, dict.fromkeys(ids[:4], "A")))
        project.apply(image_edits.set_status(project, ids, Status.CLEAN))
        more = (
            Camera((0, 900), 1, folder="line-2"),
            Camera((50, 3000), 1, group="A"),
            Camera((7, 9000), size=(50, 30)),
        )
        project.depths.set_cameras(Cameras((*project.depths.cameras().cameras, *more)))
        snapshot, lookup = take_snapshot(project), look_up_cameras(project)
    cache = ImageCache(10**7, snapshot.cameras, tmp_path / "cache", 10**7)
    shown = set()
    for image in snapshot.images:
        seen = decode(image.path, lookup.scale_of(image.path))
        assert np.array_equal(cache.whole(image), seen)
        assert np.array_equal(
            read_source(ImageSource.of_snapshot(image), snapshot.cameras).pixels, _plain(seen, image.path)
        )
        path = Path(image.path)
        assert np.array_equal(shrunk(path.read_bytes(), path, 99, lookup.scale_of(path)), seen)
        assert snapshot.cameras is not None
        scale = snapshot.cameras.in_group(image.group)
        shown.add(scale.key_at(path))
    assert len(shown) > 2


def _plain(seen: np.ndarray, path: str) -> np.ndarray:
    """The pixels of a grey file without its two copies."""
    grey = (seen[..., :1] == seen).all()
    return seen[..., 0] if grey else seen


def test_a_window_is_set_fitted_and_removed_for_one_camera_alone(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p") as project:
        project.files.add_images([*write_frames(tmp_path / "x", [900], 500), *write_frames(tmp_path / "y", [9000])])
        general = project.depths.cameras().cameras[0]
        mine = parse_camera("folder=x, grey")
        assert set_window(project, mine, (10, 800)).cameras == (general, Camera((10, 800), 1, folder="x"))
        assert set_window(project, mine, None).cameras == (general, Camera((0, 1023), 1, folder="x"))
        assert set_window(project, None, (1, 2)).cameras == (
            Camera((1, 2), general.channels, general.bits),
            Camera((1, 2), 1, folder="x"),
        )
        assert remove_camera(project, mine).cameras == (Camera((1, 2), general.channels, general.bits),)
        with pytest.raises(InputError, match="has none for grey, folder x"):
            remove_camera(project, mine)
        with pytest.raises(InputError, match="no image above 8 bits of folder z"):
            set_window(project, parse_camera("folder=z"), None)


@pytest.mark.parametrize("by", ["folder", "group", "size", "kind"])
def test_cameras_are_made_for_each_folder_group_size_or_kind(tmp_path: Path, by: str) -> None:
    with Project.create(tmp_path / "p") as project:
        paths = [*write_frames(tmp_path / "x[1]", [900, 950], 500), *write_frames(tmp_path / "y", [9000])]
        paths.append(write_picture(tmp_path / "y" / "small.png", np.full((20, 20), 3000, np.uint16)))
        project.files.add_images(paths)
        of_x = [one.id for one in project.images() if "x[1]" in one.path]
        project.apply(image_edits.set_groups(project, dict.fromkeys(of_x, "A")))
        divide_cameras(project, by)  # type: ignore[arg-type]
        windows = {
            str(project.image_path(one)): look_up_cameras(project)
            .scale_of(project.image_path(one))
            .find(project.image_path(one), Kind(1, 16), (one.width, one.height))
            for one in project.images()
        }
    tops = [windows[str(path)].window[1] for path in paths]  # type: ignore[union-attr]
    assert (
        tops
        == {
            "folder": [1023, 1023, 16383, 16383],
            "group": [1023, 1023, 16383, 16383],
            "size": [16383, 16383, 16383, 4095],
            "kind": [16383] * 4,
        }[by]
    )


@pytest.mark.parametrize("text", ["", "blue", "bits=7", "bits=x", "size=9", "folder=", "group=", "grey,,"])
def test_what_tells_no_camera_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="tells no camera"):
        parse_camera(text)


def test_a_snapshot_says_what_bits_its_project_has(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p") as project:
        project.files.add_images(write_frames(tmp_path / "a", [2000]))
        take_snapshot(project).save(tmp_path / "s.json")
    assert json.loads((tmp_path / "s.json").read_text("utf-8"))["bits"] == [16]
