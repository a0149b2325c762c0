"""Findings about a recipe reach the form, the queue and a run in the same words."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from core.cli import app
from core.operations.judge_recipe import apply_mend, judge_for_project
from core.operations.start_run import prepare_run
from core.project.project import Project
from core.project.snapshot import Snapshot
from core.recipe.recipe import default_recipe
from core.training.loop import train
from tests.builders import draw, write_picture


@pytest.fixture
def long_scratches(tmp_path: Path) -> Path:
    """A project of four images with a scratch of 900 x 40 px on each."""
    project = Project.create(tmp_path / "p", ["scratch", "pit"])
    with project:
        for number in range(4):
            grey = np.full((120, 1000, 3), 100 + number, np.uint8)
            write_picture(tmp_path / "p" / "images" / f"{number}.png", grey)
        project.files.add_images([tmp_path / "p" / "images"])
        for image_id in project.image_ids():
            draw(project, image_id, (40, 30, 940, 70))
    return tmp_path / "p"


def test_a_project_is_judged_before_its_images_are_divided_and_a_mend_applied(long_scratches: Path) -> None:
    with Project.open(long_scratches) as project:
        recipe = default_recipe("ssd_compact")
        found = judge_for_project(project, recipe)
        first = found[0]
        assert (first.code, first.severity, dict(first.labels)) == ("too_large_for_crops", "high", {"scratch": 4})
        mended = judge_for_project(project, apply_mend(recipe, first.mends[0]))
        assert "too_large_for_crops" not in [one.code for one in mended]


def test_the_queue_says_what_is_found_in_words_and_in_json(long_scratches: Path) -> None:
    told = CliRunner().invoke(app, ["train", str(long_scratches), "--queue", "--json"])
    values = json.loads(told.stdout)
    (found,) = (one for one in values["findings"] if one["code"] == "too_large_for_crops")
    assert found["labels"] == {"scratch": 3} and found["severity"] == "high"  # of those that it would train on
    assert all(set(mend) == {"settings", "words", "gain"} for mend in found["mends"])
    said = CliRunner().invoke(app, ["train", str(long_scratches), "--queue"])
    assert "they are never taught" in said.output and "[sampling.mode=whole" in said.output.replace("\n", " ")


def test_a_run_says_it_before_its_first_step(long_scratches: Path) -> None:
    with Project.open(long_scratches) as project:
        run = prepare_run(project, default_recipe("ssd_compact"))
    events = train(default_recipe("ssd_compact"), Snapshot.load(run.path / "snapshot.json"), run.path, lambda: True)
    codes = [getattr(event, "code", "") for event in events]
    assert "too_large_for_crops" in codes[:3]


def test_judging_loads_no_torch(long_scratches: Path) -> None:
    code = (
        "import sys; from core.operations.judge_recipe import judge_for_project; from core.project.project import Project;"
        "from core.recipe.recipe import default_recipe; from pathlib import Path;"
        "p = Project.open(Path(sys.argv[1])); print(len(judge_for_project(p, default_recipe('ssd_compact'))));"
        "assert 'torch' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(long_scratches)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 and int(done.stdout) >= 1, done.stderr
