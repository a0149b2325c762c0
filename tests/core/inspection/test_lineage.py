"""Which images a model has learnt from, and who is told."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.inspection.lineage import count_learnt, learnt_from
from core.jobs.events import Notice
from core.operations.run_study import create_study
from core.operations.start_run import make_run, prepare_run
from core.project.edits import image_edits
from core.project.project import Project
from core.project.snapshot import take_snapshot
from core.recipe.recipe import Recipe, default_recipe, with_settings
from core.study.study import load_study, usual_arm
from core.types import Split
from tests.builders import draw, project_with_pictures
from tests.desktop.model_builders import write_checkpoint

RECIPE = default_recipe("ssd_compact")


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Six images with a box each: four to learn from, two to judge by."""
    made = project_with_pictures(tmp_path / "parts", 6)
    for image in made.image_ids():
        draw(made, image)
    divide(made, train=(0, 1, 2, 3), val=(4, 5))
    yield made
    made.close()


def divide(project: Project, train: tuple[int, ...], val: tuple[int, ...]) -> None:
    ids = project.image_ids()
    project.apply(image_edits.set_split(project, [ids[place] for place in train], Split.TRAIN))
    project.apply(image_edits.set_split(project, [ids[place] for place in val], Split.VAL))


def trained(project: Project, recipe: Recipe = RECIPE) -> Path:
    """The last checkpoint of a run on the project as it is now."""
    run = make_run(project, recipe, take_snapshot(project))
    return write_checkpoint(project, run.path.name, "last")


def going_on_from(path: Path) -> Recipe:
    return with_settings(
        RECIPE, {"weights.source": "checkpoint", "weights.path": str(path), "strategy.kind": "scratch"}
    )


def hashes(project: Project, *places: int) -> set[str]:
    images = take_snapshot(project).images
    return {images[place].content_hash for place in places}


def test_a_model_has_learnt_from_the_train_images_of_its_run_whatever_their_split_is_now(project: Project) -> None:
    path = trained(project)
    divide(project, train=(4, 5), val=(2, 3))
    learnt = learnt_from(path)
    assert learnt == hashes(project, 0, 1, 2, 3)
    snapshot = take_snapshot(project)
    assert count_learnt(snapshot.of_split(Split.VAL), learnt) == 2
    assert count_learnt(snapshot.of_split(Split.TRAIN), learnt) == 2, "of four"


def test_what_it_was_started_from_counts_too_through_every_run_before(project: Project) -> None:
    first = trained(project)
    divide(project, train=(), val=(0, 1, 2, 3))
    divide(project, train=(4,), val=())
    second = make_run(project, going_on_from(first), take_snapshot(project)).path
    assert learnt_from(second / "checkpoints" / "best.safetensors") == hashes(project, 0, 1, 2, 3, 4)
    divide(project, train=(5,), val=(4,))
    third = make_run(project, going_on_from(second / "checkpoints" / "best.safetensors"), take_snapshot(project)).path
    assert learnt_from(third / "checkpoints" / "last.safetensors") == hashes(project, 0, 1, 2, 3, 4, 5)
    shutil.rmtree(first.parents[1])
    assert learnt_from(third / "checkpoints" / "last.safetensors") == hashes(project, 4, 5), "as far as it is known"


def test_runs_that_name_each_other_are_gone_through_once(project: Project) -> None:
    loop = project.folder / "runs" / "r001" / "checkpoints" / "last.safetensors"
    run = make_run(project, going_on_from(loop), take_snapshot(project))
    assert run.path == loop.parents[1] and learnt_from(loop) == hashes(project, 0, 1, 2, 3)


@pytest.mark.parametrize("damage", ["moved", "torn", "gone"])
def test_nothing_is_claimed_of_a_file_whose_run_is_not_known(project: Project, tmp_path: Path, damage: str) -> None:
    path = trained(project)
    if damage == "moved":
        path = Path(shutil.copy(path, tmp_path / "model.safetensors"))
    elif damage == "torn":
        (path.parents[1] / "snapshot.json").write_text('{"format": "defectdesk-snap')
    else:
        (path.parents[1] / "snapshot.json").unlink()
    assert learnt_from(path) is None
    run = prepare_run(project, going_on_from(path))
    assert not [event for event in run.read_events()[0] if "learnt from" in str(event)]


def test_a_run_says_when_its_starting_weights_know_the_images_that_it_is_judged_by(project: Project) -> None:
    path = trained(project)
    same = prepare_run(project, going_on_from(path))
    assert not [event for event in same.read_events()[0] if "learnt from" in str(event)], "judged by what it never saw"
    divide(project, train=(3, 4, 5), val=(0, 1))
    other = prepare_run(project, going_on_from(path))
    (told,) = [event for event in other.read_events()[0] if isinstance(event, Notice)]
    assert told.text.startswith("the starting weights have learnt from 2 of the 2 validation images already")
    assert told.level == "warning"


def test_a_study_says_when_its_starting_weights_know_the_images_already(project: Project) -> None:
    recipe = going_on_from(trained(project))
    arms = [usual_arm("scratch", recipe), usual_arm("fine_tune", recipe)]
    (told,) = load_study(create_study(project, recipe, arms, [0]).path).notices
    assert "4 of the 4 training images already" in told and "not transfer" in told
