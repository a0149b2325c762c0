"""A training is killed at random moments: its last checkpoint can always be read, and it goes on from there.

`tests/benchmarks/kill_training.py` does it a hundred times.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.core.training.kill_training import kill_again_and_again
from tests.core.training.small_training import small_recipe, small_snapshot, write_run


@pytest.mark.skipif(not hasattr(os, "fork"), reason="trainings are forked from a warm process")
def test_however_often_it_is_killed_a_training_goes_on_from_its_last_checkpoint(tmp_path: Path) -> None:
    recipe = small_recipe(schedule__epochs=100_000, optimizer__ema=0.9)
    run = write_run(tmp_path / "r001", small_snapshot(tmp_path / "images", train=4, val=0), recipe)
    tally = kill_again_and_again(run, kills=6)
    assert tally.kills == 6 and tally.unreadable == 0 and tally.lost == 0, tally
    assert tally.steps > 2 and tally.early < 6, "nothing was saved, so nothing was tried"
    left = sorted(file.name for file in (run / "checkpoints").iterdir() if not file.name.startswith("."))
    assert left == ["best.safetensors", "last.safetensors", "previous.safetensors"]
