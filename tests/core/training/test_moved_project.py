"""Runs of a project that was moved, copied or whose images were renamed learn from its own images."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from core.errors import InputError
from core.jobs.events import Event, RunPaused
from core.jobs.folder import JobFolder
from core.operations.start_run import prepare_run
from core.project.edits.image_edits import set_split
from core.project.images import relocating
from core.project.project import Project
from core.project.snapshot import Snapshot
from core.recipe.recipe import load_recipe
from core.training.data.checked_snapshot import load_checked_snapshot
from core.training.loop import train
from core.types import Split
from tests.builders import draw, project_with_pictures, write_picture
from tests.core.training.test_resume import after, assert_same, whole_state
from tests.core.training.test_training import never, tiny


@pytest.fixture
def run(tmp_path: Path) -> JobFolder:
    """A run that waits, of a project whose images lie in it."""
    with project_with_pictures(tmp_path / "a" / "p", 6) as project:
        ids = project.image_ids()
        for image_id in ids:
            draw(project, image_id)
        project.apply(set_split(project, ids[:4], Split.TRAIN))
        project.apply(set_split(project, ids[4:], Split.VAL))
        return prepare_run(project, tiny(schedule__batch_size=2, schedule__epochs=3))


def make_absolute(run: Path) -> None:
    """As runs of before were written."""
    snapshot = Snapshot.load(run / "snapshot.json")
    snapshot.save(run / "snapshot.json")
    assert json.loads((run / "snapshot.json").read_text())["version"] == 1


def paths_of(run: Path) -> list[Path]:
    snapshot, notices = load_checked_snapshot(run)
    assert not notices
    return [Path(image.path) for image in snapshot.images]


def train_in(run: Path, should_pause: Callable[[], bool] = never) -> Event:
    """The last that was said."""
    snapshot, _ = load_checked_snapshot(run)
    return list(train(load_recipe(run / "recipe.yaml"), snapshot, run, never, should_pause))[-1]


def test_paths_in_a_run_are_as_in_the_project(run: JobFolder) -> None:
    tree = json.loads((run.path / "snapshot.json").read_text())
    assert [image["path"] for image in tree["images"]] == [f"images/part{number}.png" for number in range(1, 7)]
    assert Snapshot.load(run.path / "snapshot.json").hash == tree["hash"]


@pytest.mark.parametrize("absolute", [False, True], ids=["as now", "as before"])
def test_a_run_goes_on_to_the_same_bits_after_its_project_was_moved(
    run: JobFolder, tmp_path: Path, absolute: bool
) -> None:
    if absolute:
        make_absolute(run.path)
    shutil.copytree(tmp_path / "a" / "p", tmp_path / "b" / "p")
    whole = tmp_path / "b" / "p" / "runs" / "r001"
    train_in(whole)
    assert isinstance(train_in(run.path, after(10)), RunPaused)
    shutil.move(tmp_path / "a" / "p", tmp_path / "c" / "q")
    moved = tmp_path / "c" / "q" / "runs" / "r001"
    train_in(moved)
    assert_same(whole_state(whole), whole_state(moved))


@pytest.mark.parametrize("absolute", [False, True], ids=["as now", "as before"])
@pytest.mark.parametrize("original", ["kept", "removed", "altered"])
def test_a_copied_run_learns_from_the_images_of_the_copy(
    run: JobFolder, tmp_path: Path, absolute: bool, original: str
) -> None:
    if absolute:
        make_absolute(run.path)
    copy = tmp_path / "b" / "copy"
    shutil.copytree(tmp_path / "a" / "p", copy)
    if original == "removed":
        shutil.rmtree(tmp_path / "a")
    elif original == "altered":
        for number in range(1, 7):
            write_picture(tmp_path / "a" / "p" / "images" / f"part{number}.png", seed=100 + number)
    assert paths_of(copy / "runs" / "r001") == [copy / "images" / f"part{number}.png" for number in range(1, 7)]


@pytest.mark.parametrize("absolute", [False, True], ids=["as now", "as before"])
def test_an_image_that_the_copy_lacks_is_not_taken_from_the_original(
    run: JobFolder, tmp_path: Path, absolute: bool
) -> None:
    if absolute:
        make_absolute(run.path)
    copy = tmp_path / "b" / "copy"
    shutil.copytree(tmp_path / "a" / "p", copy)
    lost = copy / "images" / "part2.png"
    lost.unlink()
    snapshot, notices = load_checked_snapshot(copy / "runs" / "r001")
    assert len(snapshot.images) == 5 and notices == [f"{lost} is left out: there is no such file any more"]
    (copy / "runs" / "r001" / "checkpoints").mkdir()
    (copy / "runs" / "r001" / "checkpoints" / "last.safetensors").touch()
    with pytest.raises(InputError, match="part2.png: the run cannot go on as it began"):
        load_checked_snapshot(copy / "runs" / "r001")


@pytest.mark.parametrize("absolute", [False, True], ids=["as now", "as before"])
def test_images_that_were_renamed_are_found_by_their_contents(run: JobFolder, tmp_path: Path, absolute: bool) -> None:
    if absolute:
        make_absolute(run.path)
    folder = tmp_path / "a" / "p"
    # Two names change places, and one is new: a name alone would show other pictures than the boxes were drawn on.
    images = folder / "images"
    for old, new in (("part1", "x"), ("part2", "part1"), ("x", "part2"), ("part3", "new")):
        (images / f"{old}.png").rename(images / f"{new}.png")
    with Project.open(folder) as project:
        found = relocating.find_moved(project, project.image_ids(), images)
        project.files.relocate_images({one.image_id: one.path for one in found if one.by == "content"})
    before = {image.content_hash for image in Snapshot.load(run.path / "snapshot.json").images}
    snapshot, notices = load_checked_snapshot(run.path)
    assert not notices and {image.content_hash for image in snapshot.images} == before
    assert [Path(image.path).stem for image in snapshot.images] == ["part2", "part1", "new", "part4", "part5", "part6"]
