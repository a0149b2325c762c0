"""`defectdesk propose`: what it prints, what it writes, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from core.cli import app
from core.errors import InputError
from core.jobs.folder import JobFolder
from core.operations.propose import forget_trial, prepare_trial, request_proposal
from core.project.project import Project
from core.recipe.recipe import load_recipe, with_settings
from core.sample.project import make_sample_project


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    make_sample_project(tmp_path / "parts", 12, 96).close()
    return tmp_path / "parts"


def propose(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["propose", *map(str, arguments)])


def test_it_says_each_choice_with_its_reason_and_changes_nothing(parts: Path) -> None:
    with Project.open(parts) as project:
        before = project.setting("recipe")
    told = propose(parts, "--minutes", 2, "--no-trial")
    assert told.exit_code == 0
    text = told.output.replace("\n", " ")
    for about in ("Model:", "Input:", "Batch and rate:", "Length:", "Augmentation:", "Anchors:"):
        assert about in text
    assert text.count("because") >= 6 and "usual speeds, without a trial" in text
    with Project.open(parts) as project:
        assert project.setting("recipe") == before


def test_the_recipe_that_it_writes_is_one_that_train_takes(parts: Path, tmp_path: Path) -> None:
    out = tmp_path / "recipe.yaml"
    told = propose(parts, "--minutes", 2, "--no-trial", "--out", out, "--json", "--device", "cpu")
    values = json.loads(told.stdout)
    recipe = load_recipe(out)
    assert recipe.model_dump(mode="json") == values["recipe"] and recipe.device == "cpu"
    assert recipe.limits.time_minutes == 2 and recipe.sampling.mode == "whole"
    assert {choice["about"] for choice in values["choices"]} >= {"Model", "Input", "Length"}
    assert all(choice["why"] for choice in values["choices"]) and values["speed"]["measured"] is False
    queued = CliRunner().invoke(app, ["train", str(parts), "--queue", "--recipe", str(out)])
    assert queued.exit_code == 0
    with Project.open(parts) as project:
        (run,) = project.runs.folder.iterdir()
    assert load_recipe(run / "recipe.yaml") == recipe


def test_a_trial_measures_the_speed_and_is_remembered(parts: Path) -> None:
    first = json.loads(propose(parts, "--minutes", 1, "--json", "--device", "cpu").stdout)
    assert first["speed"]["measured"] is True
    with Project.open(parts) as project:
        request = request_proposal(project, 1, device="cpu")
        assert request.known is not None and request.known.val_images > 0
        assert not list((parts / "cache").glob("speed-*"))  # nothing is kept of the trial but its figures
        job = prepare_trial(project, request.recipe, request.snapshot)
        assert job.read_kind() == "speed" and JobFolder(job.path).state() == "waiting"
        forget_trial(job)
        assert not job.path.exists()


@pytest.mark.parametrize("minutes", ["0", "-3", "nan", "inf", "1e9"])
def test_a_time_that_is_none_is_refused_in_one_line(parts: Path, minutes: str) -> None:
    with Project.open(parts) as project, pytest.raises(InputError, match="minutes: .* give more than 0"):
        request_proposal(project, float(minutes))


def test_what_exists_is_not_written_over_and_nothing_to_learn_from_is_said(parts: Path, tmp_path: Path) -> None:
    out = tmp_path / "mine.yaml"
    out.write_text("mine")
    told = propose(parts, "--no-trial", "--out", out)
    assert isinstance(told.exception, InputError) and "is not written over" in str(told.exception)
    assert out.read_text() == "mine"
    Project.create(tmp_path / "empty", ["pit"]).close()
    told = propose(tmp_path / "empty", "--no-trial")
    assert isinstance(told.exception, InputError) and "no image to train on has a box" in str(told.exception)


def test_images_that_are_gone_are_left_out(parts: Path) -> None:
    with Project.open(parts) as project:
        whole = len(request_proposal(project, 1).snapshot.images)
        next((parts / "images").iterdir()).unlink()
        assert len(request_proposal(project, 1).snapshot.images) == whole - 1
        mine = with_settings(request_proposal(project, 1).before, {"seed": 5, "limits.workers": 1})
        kept = request_proposal(project, 1, mine).make_proposal(None).recipe
    assert (kept.seed, kept.limits.workers) == (5, 1)
