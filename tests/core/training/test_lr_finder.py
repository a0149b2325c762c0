"""The range test's proposal on curves that are known, and the test itself on tiny pictures."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InputError
from core.jobs.events import RangePoint
from core.operations.launcher import make_launcher
from core.operations.start_run import prepare_range_test, run_training
from core.project.snapshot import Snapshot, take_snapshot
from core.recipe.recipe import Recipe, default_recipe, with_settings
from core.sample.project import make_sample_project
from core.training.data.image_cache import ImageCache
from core.training.lr_finder import range_test
from core.training.lr_finder_result import (
    RangeResult,
    is_over,
    lr_steps,
    propose_lr,
    round_lr,
    smooth_losses,
)


def points(raw: list[float], low: float = 1e-6, high: float = 1.0) -> list[RangePoint]:
    carried, found = 0.0, []
    for step, (rate, loss) in enumerate(zip(lr_steps(low, high, len(raw)), raw, strict=True), start=1):
        carried, shown = smooth_losses(carried, loss, step)
        found.append(RangePoint(step, rate, shown, loss))
    return found


def valley(middle: float, lowest: float, noise: float = 0.0, seed: int = 0) -> list[float]:
    """Losses that fall from 2 to 1 around the rate `middle`, and rise beyond `lowest`."""
    logs = np.log10(lr_steps(1e-6, 1.0, 100))
    falling = 2 - 1 / (1 + np.exp(-4 * (logs - math.log10(middle))))
    rising = np.exp(3 * np.maximum(logs - math.log10(lowest), 0)) - 1
    return [float(loss) for loss in falling + rising + np.random.default_rng(seed).normal(0, noise, 100)]


@pytest.mark.parametrize("middle", [1e-4, 1e-3, 1e-2])
@pytest.mark.parametrize("noise", [0.0, 0.08])
def test_the_proposal_lies_in_the_middle_of_a_wide_fall(middle: float, noise: float) -> None:
    found = propose_lr(points(valley(middle, 30 * middle, noise)), current=middle)
    assert found.proposed is not None and 1 / 2.5 < found.proposed / middle < 2.5
    assert found.lowest is not None and found.lowest > 5 * middle
    assert "beyond which it rose" in found.why and "of that size already" in found.why


def test_where_the_loss_breaks_soon_after_its_fall_the_proposal_keeps_away() -> None:
    found = propose_lr(points(valley(1e-3, 3e-3)), current=0.1)
    assert found.proposed is not None and found.lowest is not None
    assert found.proposed < found.lowest / 7 and "a whole run can bear it" in found.why and "times that" in found.why


def test_a_loss_that_hardly_falls_proposes_nothing() -> None:
    raw = list(2 + np.random.default_rng(1).normal(0, 0.01, 100))
    found = propose_lr(points(raw), current=1e-3)
    assert found.proposed is None and "fell by only" in found.why


def test_a_loss_that_breaks_at_once_says_to_begin_lower() -> None:
    found = propose_lr(points([2.0, 2.0, 3.0]), current=1.0, diverged=True)
    assert found.proposed is None and "lower rate" in found.why


def test_a_loss_that_never_turns_says_that_the_range_ended() -> None:
    found = propose_lr(points(list(np.linspace(2, 1, 100))), current=1e-3)
    assert found.proposed is not None and "end of the range" in found.why


def test_one_exploding_step_at_the_end_moves_nothing() -> None:
    with_it = points([*valley(1e-3, 1e-1)[:80], 1e9])
    calm, wild = propose_lr(with_it[:-1], current=1e-3), propose_lr(with_it, current=1e-3)
    assert calm.proposed == wild.proposed is not None


@given(st.floats(1e-8, 9.9))
def test_rates_are_rounded_to_one_digit_nearby(rate: float) -> None:
    near = round_lr(rate)
    assert 0.7 < near / rate < 1.5
    assert f"{near:.0e}"[0] in "12357" and round_lr(near) == near


def test_the_moving_average_is_free_of_its_beginning() -> None:
    carried = 0.0
    for step in range(1, 20):
        carried, shown = smooth_losses(carried, 3.0, step)
        assert shown == pytest.approx(3.0)


def test_it_ends_once_the_loss_has_left_for_good() -> None:
    raw = [2.0] * 30 + [50.0] * 10
    ended = next(count for count in range(1, 41) if is_over(points(raw)[:count]))
    assert 31 <= ended <= 36


@pytest.fixture(scope="module")
def project_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("range") / "parts"
    make_sample_project(folder, count=12, size=64).close()
    return folder


def tiny(**settings: Any) -> Recipe:
    usual = {
        "sampling.input_size": 64,
        "sampling.crops_per_image": 1,
        "schedule.batch_size": 4,
        "device": "cpu",
        "limits.precision": "fp32",
        "limits.workers": 1,
    }
    return with_settings(
        default_recipe("ssd_compact"), usual | {name.replace("__", "."): value for name, value in settings.items()}
    )


@pytest.fixture(scope="module")
def snapshot(project_folder: Path) -> Snapshot:
    from core.project.project import Project

    with Project.open(project_folder, read_only=True) as project:
        return take_snapshot(project)


@pytest.fixture(scope="module")
def found(snapshot: Snapshot) -> list[RangePoint | RangeResult]:
    return list(range_test(tiny(), snapshot, lambda: False, steps=20, low=1e-5, high=1e3))


def test_the_rate_rises_until_the_end_or_the_break(found: list[RangePoint | RangeResult]) -> None:
    *steps, result = found
    assert isinstance(result, RangeResult) and list(result.points) == steps and 10 <= len(steps) <= 20
    seen = [point.lr for point in result.points]
    assert seen == sorted(seen) and seen[0] == pytest.approx(1e-5)


def test_the_same_test_gives_the_same_points_at_rates_as_the_setting_says_them(
    snapshot: Snapshot, found: list[RangePoint | RangeResult]
) -> None:
    # A quarter of the usual 16 pictures learns at a quarter of the setting: the same losses come at four times of it.
    scaled = list(range_test(tiny(optimizer__lr_scaling="linear"), snapshot, lambda: False, 20, 4e-5, 4e3))
    pairs = [(one, two) for one, two in zip(found, scaled, strict=True) if isinstance(one, RangePoint)]
    assert len(pairs) >= 10
    for one, two in pairs:
        assert isinstance(two, RangePoint) and two.lr == pytest.approx(4 * one.lr) and two.raw == pytest.approx(one.raw)


def test_a_wish_to_stop_ends_it_without_a_result(snapshot: Snapshot) -> None:
    looks = iter([False, False, True])
    assert all(isinstance(one, RangePoint) for one in range_test(tiny(), snapshot, lambda: next(looks), steps=20))


def test_it_keeps_to_the_memory_that_the_recipe_gives(snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[int] = []
    real = ImageCache.__init__

    def noting(self: ImageCache, *arguments: Any, **more: Any) -> None:
        real(self, *arguments, **more)
        given.append(self.limit_bytes)

    monkeypatch.setattr(ImageCache, "__init__", noting)
    list(range_test(tiny(limits__ram_cache_mb=3), snapshot, lambda: True, 20))
    assert given == [3 * 2**20]


def test_a_range_that_does_not_rise_is_refused(snapshot: Snapshot) -> None:
    with pytest.raises(InputError, match="rising rates"):
        list(range_test(tiny(), snapshot, lambda: False, low=1e-2, high=1e-3))


def test_as_a_job_it_tells_points_and_result_and_leaves_no_run(project_folder: Path) -> None:
    from core.project.project import Project

    with Project.open(project_folder) as project:
        folder = prepare_range_test(project, tiny(), steps=20)
        assert not project.runs.list_runs()
    events = list(run_training(folder, make_launcher()))
    assert [event.event for event in events[-2:]] == ["range_result", "finished"]
    assert sum(isinstance(event, RangePoint) for event in events) == len(events) - 2 >= 10
    assert folder.state() == "finished"
