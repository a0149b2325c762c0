"""Images whose camera is told by their folder look the same wherever their files come to lie."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from core.imaging.cameras import Camera, Cameras
from core.imaging.decode import decode
from core.operations.depth import divide_cameras
from core.project.images.moved_cameras import OtherScaleError
from core.project.project import Project
from tests.builders import write_picture
from tests.core.conftest import Run


def write_frame(path: Path, top: int, number: int) -> Path:
    values = np.full((20, 30), 500, np.uint16)
    values[3:9, 3:9] = top
    values[15, 15] = number  # no two are copies
    return write_picture(path, values)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Two cameras, of 10 and of 16 bits, each with a folder and a depth scale of its own, and a third image of the first."""
    with Project.create(tmp_path / "p") as project:
        paths = [write_frame(tmp_path / "line-1" / f"{number}.png", 1000, number) for number in range(3)]
        paths += [write_frame(tmp_path / "line-2" / f"{number}.png", 60000, 10 + number) for number in range(2)]
        project.files.add_images(paths)
        divide_cameras(project, "folder")
        project.depths.take_notices()
        yield project


def look(project: Project) -> dict[int, int]:
    """The brightness of a place of each image, as the project shows it."""
    cameras = project.depths.cameras()
    return {one.id: int(decode(project.image_path(one), cameras)[4, 4, 0]) for one in project.images()}


def move(project: Project, targets: dict[int, Path], *, other_scale: bool = False) -> None:
    for image_id, path in targets.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(project.image_path(image_id).read_bytes())
    project.files.relocate_images(targets, other_scale=other_scale)


def test_images_in_a_renamed_folder_look_as_before_and_it_is_said(project: Project, tmp_path: Path) -> None:
    before, ids = look(project), project.image_ids()
    assert set(before.values()) == {249, 233}
    move(project, {image_id: tmp_path / "moved" / f"{image_id}.png" for image_id in ids[:3]})
    assert look(project) == before
    (said,) = project.depths.take_notices()
    assert said.startswith("3 images in folder moved now: the depth scale from 0 to 1,023 that they had is kept")
    # Both folders renamed, one to the other's name and below a folder of its own.
    deep = {image_id: tmp_path / "new" / "line-2" / f"{image_id}.png" for image_id in ids[:3]}
    move(project, deep | {image_id: tmp_path / "new" / "b" / f"{image_id}.png" for image_id in ids[3:]})
    assert look(project) == before
    for _ in range(2):
        project.history.undo()
    assert look(project) == before


def test_a_part_of_a_folder_that_moves_into_the_folder_of_another_camera_is_not_taken_unasked(
    project: Project, tmp_path: Path
) -> None:
    before, ids, cameras = look(project), project.image_ids(), project.depths.cameras()
    target = {ids[0]: tmp_path / "line-2" / "stranger.png"}
    with pytest.raises(
        OtherScaleError, match=r"0\.png: in .*line-2 the depth scale of 1 image is another.*nothing was"
    ):
        move(project, target)
    assert look(project) == before and project.depths.cameras() == cameras
    move(project, target, other_scale=True)
    assert look(project)[ids[0]] < 10 and [look(project)[one] for one in ids[1:]] == [before[one] for one in ids[1:]]
    assert "is another one than before" in project.depths.take_notices()[0]


def test_where_no_camera_is_told_by_a_folder_nothing_is_added_or_said(project: Project, tmp_path: Path) -> None:
    cameras = Cameras((Camera((0, 4095)),))
    project.depths.set_cameras(cameras)
    move(project, {project.image_ids()[0]: tmp_path / "line-2" / "a.png"})
    assert project.depths.cameras() == cameras and project.depths.take_notices() == []


def test_the_command_keeps_the_scale_and_says_so_or_refuses_in_one_line(
    run: Run, project: Project, tmp_path: Path
) -> None:
    folder, before = project.folder, look(project)
    project.close()
    (tmp_path / "line-1").rename(tmp_path / "photos")
    code, out, _ = run("relocate", folder, tmp_path, "--json")
    told = json.loads(out)
    assert code == 0 and told["found"] == 3 and "is kept for that folder" in told["notices"][0]
    (tmp_path / "all").mkdir()
    for number, name in enumerate(("photos", "line-2")):
        for path in sorted((tmp_path / name).iterdir()):
            path.rename(tmp_path / "all" / f"{number}-{path.name}")
    code, out, err = run("relocate", folder, tmp_path / "all")
    assert code == 2 and out == "" and "--other-scale" in err and len(err.strip().splitlines()) == 1
    with Project.open(folder, read_only=True) as again:
        assert again.depths.cameras() is not None and len(again.image_ids()) == len(before)
        assert all("all" not in image.path for image in again.images())
    code, out, _ = run("relocate", folder, tmp_path / "all", "--other-scale")
    assert code == 0 and "is another one than before" in out


def test_a_group_that_gives_images_another_scale_is_said(run: Run, project: Project) -> None:
    cameras = project.depths.cameras()
    project.depths.set_cameras(Cameras((*cameras.cameras, Camera((0, 2000), group="line-1"))))
    folder = project.folder
    project.close()
    code, _, err = run("group", folder, "--by-folder", "1", "--dry-run")
    assert code == 0 and "scale" not in err
    code, _, err = run("group", folder, "--by-folder", "1")
    assert code == 0 and "3 images of a camera that is told by its group" in err
    assert "0 to 2,000 instead of 0 to 1,023 for 0.png" in err
