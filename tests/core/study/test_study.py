"""The transfer study: what is compared, what is concluded, and one that is really run, cut short and gone on with."""

from __future__ import annotations

import csv
import json
import math
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.commands.recipes import RecipeOptions, choose_recipe
from core.errors import InputError
from core.jobs.events import (
    EpochDone,
    Event,
    RunFailed,
    RunFinished,
    RunStarted,
    StudyEpochDone,
    StudyRunEnded,
    StudyRunStarted,
)
from core.jobs.folder import JobFolder
from core.models.anchors import Anchors
from core.models.checkpoint import Description, save
from core.models.inputs import InputSpec
from core.models.networks.families import Architecture
from core.operations.launcher import make_launcher
from core.operations.predict import find_checkpoint
from core.operations.run_study import create_study, find_study, report_study, run_study
from core.project.project import Project
from core.recipe.recipe import Recipe, default_recipe, load_recipe, with_settings
from core.sample.project import make_sample_project
from core.study.report import format_duration, list_rows, make_csv, make_markdown, result_to_json
from core.study.results import Outcome, StudyResult, conclude_study, describe_few_seeds, read_outcome
from core.study.statistics import Difference, Spread, block_difference, least_difference, seeds_to_decide, t_quantile
from core.study.study import Arm, Study, StudyRun, check_arms, load_study, plan_runs, usual_arm

Run = Callable[..., tuple[int, str, str]]


# -- statistics ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("probability", "freedom", "value"),
    # Abramowitz and Stegun, table 26.10.
    [
        (0.975, 1, 12.706),
        (0.975, 2, 4.303),
        (0.975, 4, 2.776),
        (0.975, 30, 2.042),
        (0.995, 3, 5.841),
        (0.9, 2, 1.886),
        (0.9995, 5, 6.869),
    ],
)
def test_students_quantiles_are_those_of_the_tables(probability: float, freedom: int, value: float) -> None:
    assert t_quantile(probability, freedom) == pytest.approx(value, abs=6e-4)


@pytest.mark.parametrize("arms", [2, 4])
def test_the_interval_holds_the_truth_as_often_as_it_says(arms: int) -> None:
    random = np.random.default_rng(0)
    held = 0
    for _ in range(600):
        # Seeds differ by more than strategies do, and take no part in the interval.
        table = random.normal(0.5, 0.2, (3, 1)) + random.normal(0, 0.03, (3, arms))
        table[:, 1] -= 0.02
        found = block_difference(table, 0, 1)
        assert found is not None
        held += found.low <= 0.02 <= found.high
    assert 0.93 < held / 600 < 0.97


def test_of_two_columns_it_is_students_paired_interval() -> None:
    found = block_difference(np.array([[0.50, 0.41], [0.46, 0.40], [0.55, 0.43]]), 0, 1)
    assert found is not None
    differences = np.array([0.09, 0.06, 0.12])
    reach = 4.30265 * differences.std(ddof=1) / math.sqrt(3)
    assert (found.mean, found.low, found.high) == pytest.approx((0.09, 0.09 - reach, 0.09 + reach), abs=1e-6)


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1)), min_size=2, max_size=9))
def test_a_difference_turned_round_is_its_negative(rows: list[tuple[float, float, float]]) -> None:
    one, other = block_difference(np.array(rows), 0, 2), block_difference(np.array(rows), 2, 0)
    assert one is not None and other is not None
    assert (one.mean, one.low, one.high) == pytest.approx((-other.mean, -other.high, -other.low))


def test_one_measurement_has_no_spread() -> None:
    assert Spread((0.5,)).deviation is None and block_difference(np.array([[0.5, 0.4]]), 0, 1) is None
    assert Spread((0.2, 0.4)).deviation == pytest.approx(math.sqrt(0.02))


# -- what is compared ------------------------------------------------------------------------------------------------


def base(**settings: Any) -> Recipe:
    usual = {"weights.source": "imagenet", "schedule.epochs": 8}
    return with_settings(
        default_recipe("ssd300_vgg16"), usual | {name.replace("__", "."): value for name, value in settings.items()}
    )


def test_the_usual_strategies_fit_the_budget() -> None:
    arm = usual_arm("two-phase", base())
    assert arm.name == "two_phase" and arm.settings["strategy.head_epochs"] == 2
    scratch = usual_arm("scratch", base())
    assert with_settings(base(), scratch.settings).weights.source == "none"


def test_nothing_can_be_transferred_from_random_weights() -> None:
    with pytest.raises(InputError, match="frozen needs something to transfer"):
        usual_arm("frozen", with_settings(default_recipe("ssd_compact"), {}))
    with pytest.raises(InputError, match="choose from scratch, frozen"):
        usual_arm("thawed", base())


@pytest.mark.parametrize(
    ("arms", "seeds", "reason"),
    [
        ([("a", {})], [0], "at least two"),
        ([("a", {}), ("a", {"optimizer.lr": 0.1})], [0], "named twice"),
        ([("a", {}), ("b", {"seed": 3})], [0], "the same recipe"),
        ([("a", {}), ("b", {"schedule.epochs": 9})], [0], "the same schedule.epochs"),
        ([("a", {}), ("b", {"optimizer.lr": 0})], [0], "strategy b: optimizer.lr"),
        ([("a", {}), ("b", {"optimizer.lr": 0.1})], [1, 1], "all different"),
        ([("a", {}), ("b", {"optimizer.lr": 0.1})], list(range(101)), "more than 200"),
    ],
)
def test_studies_that_compare_nothing_are_refused(
    arms: list[tuple[str, dict[str, Any]]], seeds: list[int], reason: str
) -> None:
    with pytest.raises(InputError, match=reason):
        check_arms(base(), [Arm(name=name, settings=settings) for name, settings in arms], seeds)


def test_a_study_that_is_cut_short_has_treated_all_alike() -> None:
    arms = [Arm(name=name, settings={}) for name in "abc"]
    assert plan_runs(arms, [5, 6])[:4] == [("a", 5), ("b", 5), ("c", 5), ("a", 6)]


# -- what is concluded -----------------------------------------------------------------------------------------------


def study(kinds: Sequence[str], seeds: int = 3) -> Study:
    recipe = base()
    arms = tuple(usual_arm(kind, recipe) for kind in kinds)
    runs = [
        StudyRun(arm=arm, seed=seed, run=f"r{number:03d}")
        for number, (arm, seed) in enumerate(plan_runs(arms, range(seeds)), start=1)
    ]
    return Study(
        id="s001",
        created="2026-01-01T00:00:00+00:00",
        base=recipe.model_dump(mode="json"),
        arms=arms,
        seeds=tuple(range(seeds)),
        runs=tuple(runs),
        snapshot_hash="abc",
        train_images=20,
        val_images=5,
        val_boxes=30,
    )


def result(values: dict[str, list[float]], seconds: dict[str, float] | None = None, **changes: Any) -> StudyResult:
    one = study(list(values), len(next(iter(values.values())))).model_copy(update=changes)
    outcomes = [
        Outcome(
            run.arm,
            run.seed,
            run.run,
            "finished",
            map=values[run.arm][run.seed],
            map50=values[run.arm][run.seed] + 0.1,
            best_epoch=5,
            epochs=8,
            seconds=(seconds or {}).get(run.arm, 60.0),
            parameters=1000,
            trained=100 if run.arm == "frozen" else 1000,
            device="CPU",
        )
        for run in one.runs
    ]
    return conclude_study(one, outcomes)


def test_parameters_that_no_strategy_trains_are_explained() -> None:
    found = result({"frozen": [0.3], "scratch": [0.1]})
    assert not any("never computed" in text for text in found.cautions)
    left_out = [replace(one, parameters=1000, trained=400) for one in found.outcomes]
    told = conclude_study(found.study, left_out).cautions
    assert next(text for text in told if "never computed" in text).startswith("scratch trains 400 of 1,000 parameters")


def test_a_difference_far_beyond_the_spread_is_a_verdict() -> None:
    found = result({"frozen": [0.30, 0.31, 0.29], "fine_tune": [0.50, 0.51, 0.50], "scratch": [0.1, 0.12, 0.09]})
    retraining, weights, best = found.conclusions
    assert retraining.better == "fine_tune" and "Re-training the backbone helps" in retraining.text
    assert weights.better == "fine_tune" and "starting weights help" in weights.text
    assert best.better == "fine_tune" and "beyond the spread" in best.text


def test_a_harm_is_told_as_plainly_as_a_help() -> None:
    found = result({"frozen": [0.50, 0.51, 0.50], "two_phase": [0.30, 0.31, 0.29]})
    (said,) = found.conclusions  # of two strategies there is nothing else to say
    assert said.better == "frozen" and "harms" in said.text


def test_a_difference_within_the_spread_is_none_and_the_cheaper_is_named() -> None:
    found = result({"frozen": [0.40, 0.45, 0.38], "fine_tune": [0.43, 0.41, 0.44]}, {"frozen": 30.0, "fine_tune": 90.0})
    first = found.conclusions[0]
    assert first.better == "" and "These runs cannot tell" in first.text and "within the spread" in first.text
    assert "Take frozen, which needs 33% of the time" in first.text


def test_it_says_how_many_seeds_would_decide_and_with_so_many_they_do() -> None:
    few = conclude_pair({"frozen": [0.40, 0.45, 0.38], "fine_tune": [0.45, 0.44, 0.44]})
    needed = seeds_to_decide(few)
    assert not few.is_beyond_spread and needed is not None and needed > 3
    half = (few.high - few.low) / 2 / least_difference(3)  # the spread of a run
    assert least_difference(needed) * half < few.mean <= least_difference(needed - 1) * half
    found = result({"frozen": [0.40, 0.45, 0.38], "fine_tune": [0.45, 0.44, 0.44]})
    assert found.conclusions[0].seeds_to_decide == needed
    assert f"About {needed} seeds would tell, if difference and spread stay" in found.conclusions[0].text
    nearly_none = conclude_pair({"frozen": [0.40, 0.50, 0.30], "fine_tune": [0.4001, 0.45, 0.35]})
    assert seeds_to_decide(nearly_none) is None


@pytest.mark.parametrize(("seeds", "arms", "spreads"), [(2, 2, 12.706), (3, 2, 3.513), (5, 2, 1.756), (2, 3, 4.303)])
def test_what_so_few_seeds_can_tell_follows_from_students_t(seeds: int, arms: int, spreads: float) -> None:
    assert least_difference(seeds, arms) == pytest.approx(spreads, abs=0.001)


def test_two_seeds_are_said_to_decide_hardly_anything_and_enough_are_not() -> None:
    told = result({"frozen": [0.2, 0.3], "fine_tune": [0.4, 0.5]}).cautions
    assert any("2 seeds tell one of 12.7 times the spread, 5 seeds tell one of 1.8" in text for text in told)
    assert describe_few_seeds(5, 2) == "" and "One seed cannot tell" in describe_few_seeds(1, 2)


def test_the_same_runs_are_judged_by_map50_too() -> None:
    found = result({"frozen": [0.40, 0.45, 0.38], "fine_tune": [0.43, 0.41, 0.44]})
    sure = {"frozen": [0.5, 0.51, 0.49], "fine_tune": [0.8, 0.81, 0.8]}
    outcomes = [replace(one, map50=sure[one.arm][one.seed]) for one in found.outcomes]
    first = conclude_study(found.study, outcomes).conclusions[0]
    assert first.better == "" and "These runs cannot tell" in first.text
    assert "By mAP@0.5 fine_tune is better beyond the spread: fine_tune 0.803, frozen 0.500" in first.text
    assert first.difference50 is not None and first.difference50.is_beyond_spread
    unknown = conclude_study(found.study, [replace(one, map50=None) for one in found.outcomes]).conclusions[0]
    assert "mAP@0.5" not in unknown.text and unknown.difference50 is None


def test_one_seed_tells_nothing_of_chance() -> None:
    found = result({"frozen": [0.2], "fine_tune": [0.9]})
    assert all(one.better == "" and "One seed cannot tell" in one.text for one in found.conclusions)


def test_the_best_of_many_must_show_more_than_the_best_of_two() -> None:
    close = {"frozen": [0.30, 0.31, 0.30], "fine_tune": [0.33, 0.335, 0.326]}
    # Strategies that follow the two exactly add nothing to the spread, but there are three to pick from.
    more = close | {"two_phase": [v - 0.02 for v in close["fine_tune"]], "gradual": [v - 0.03 for v in close["frozen"]]}
    two, four = result(close).conclusions[0].difference, result(more).conclusions[0].difference
    assert two is not None and four is not None and two.mean == pytest.approx(four.mean)
    narrow = conclude_pair(more)
    assert four.high - four.low > 1.3 * (narrow.high - narrow.low)


def conclude_pair(values: dict[str, list[float]]) -> Difference:
    """The interval of the first two, as if they alone had been thought of before."""
    found = block_difference(np.array(list(values.values())).T, 1, 0)
    assert found is not None
    return found


def test_an_impossible_difference_is_not_claimed() -> None:
    found = result({"frozen": [0.1, 0.6], "fine_tune": [0.5, 0.2]})
    assert "interval -1.000 to +1.000" in found.conclusions[0].text


def test_runs_that_did_not_count_are_named_and_left_out() -> None:
    one = study(["frozen", "fine_tune"], 2)
    outcomes = [
        Outcome(run.arm, run.seed, run.run, "failed", reason="no memory")
        if (run.arm, run.seed) == ("frozen", 1)
        else Outcome(run.arm, run.seed, run.run, "finished", map=0.5, map50=0.6, best_epoch=8, seconds=1.0, epochs=8)
        for run in one.runs
    ]
    found = conclude_study(one, outcomes)
    assert [(arm.arm, arm.done, arm.of) for arm in found.arms] == [("frozen", 1, 2), ("fine_tune", 2, 2)]
    assert any("frozen with seed 1 (r003) does not count: no memory" in text for text in found.cautions)
    assert any("Still getting better at the end" in text for text in found.cautions)
    assert found.is_complete and "One seed" in found.conclusions[0].text


def test_the_report_says_the_same_in_all_three_forms(tmp_path: Path) -> None:
    told = ("9 labelled images are in no split",)
    found = result({"frozen": [0.30, 0.31, 0.29], "fine_tune": [0.50, 0.51, 0.50]}, notices=told)
    text = make_markdown(found)
    assert f"- {told[0]}" in text and told[0] in result_to_json(found)["cautions"]
    assert list_rows(found)[0][:4] == ("fine_tune", "3/3", "0.503 ± 0.006", "0.603 ± 0.006")
    assert "| frozen | 3/3 | 0.300 ± 0.010 | 0.400 ± 0.010 | 60 s | 5 | 100 (10%) |" in text
    assert "Re-training the backbone helps" in text and "imagenet weights, 8 epochs for each of 6 runs" in text
    rows = list(csv.DictReader(make_csv(found).splitlines()))
    assert len(rows) == 6 and {(row["strategy"], row["map"]) for row in rows} >= {
        ("frozen", "0.3"),
        ("fine_tune", "0.51"),
    }
    tree = json.loads(json.dumps(result_to_json(found)))
    assert tree["complete"] and tree["strategies"][1]["map"]["mean"] == pytest.approx(0.5033, abs=1e-3)


@pytest.mark.parametrize(("seconds", "text"), [(41.2, "41 s"), (750, "12.5 min"), (11_520, "3.2 h")])
def test_durations_are_said_as_people_say_them(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


# -- runs ------------------------------------------------------------------------------------------------------------


def epoch(number: int, value: float) -> EpochDone:
    return EpochDone(number, 3, 1.0, 0.5, 0.5, 1.0, 0.5, 0.5, value + 0.2, value, {}, 1e-3, 10.0, 1.0, 1.0)


def test_an_outcome_is_read_from_the_folder_of_its_run(tmp_path: Path) -> None:
    one = StudyRun(arm="two_phase", seed=0, run="r001")
    assert read_outcome(tmp_path, one).state == "deleted"
    job = JobFolder.create(tmp_path / "r001", {"kind": "train"})
    assert read_outcome(tmp_path, one).state == "waiting"
    plan = [{"epoch": 1, "trainable": 10}, {"epoch": 2, "trainable": 70}]
    job.append_event(RunStarted("r001", "m", "CPU", 3, 1, 2, 1, ["a"], 100, 10, 1.0, "w", plan=plan))
    for number, value in ((1, 0.1), (2, 0.3), (3, 0.2)):
        job.append_event(epoch(number, value))
    job.append_event(RunFinished(3, 12.5, False, 0.5, 0.3, "r001-best"))
    found = read_outcome(tmp_path, one)
    assert (found.state, found.map, found.map50, found.best_epoch, found.epochs) == ("finished", 0.3, 0.5, 2, 3)
    assert (found.parameters, found.trained, found.seconds, found.is_counted) == (100, 70, 12.5, True)


def test_a_run_that_failed_says_why(tmp_path: Path) -> None:
    job = JobFolder.create(tmp_path / "r001", {"kind": "train"})
    job.append_event(RunFailed("the loss became inf", "a"))
    found = read_outcome(tmp_path, StudyRun(arm="a", seed=0, run="r001"))
    assert (found.state, found.reason, found.is_counted) == ("failed", "the loss became inf", False)


TINY = {
    "sampling.input_size": 64,
    "sampling.crops_per_image": 1,
    "schedule.batch_size": 8,
    "schedule.epochs": 1,
    "device": "cpu",
    "limits.precision": "fp32",
    "limits.workers": 1,
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "parts"
    make_sample_project(folder, count=14, size=64, seed=2).close()
    return folder


def test_a_study_makes_its_runs_on_one_snapshot_and_nothing_if_it_is_refused(project: Path) -> None:
    recipe = with_settings(default_recipe("ssd_compact"), TINY)
    slow = Arm(name="slow", settings={"optimizer.lr": 1e-4})
    with Project.open(project) as opened:
        with pytest.raises(InputError, match="at least two"):
            create_study(opened, recipe, [slow], [0])
        assert not (project / "studies").exists() and not list((project / "runs").glob("r*"))
        job = create_study(opened, recipe, [slow, Arm(name="base", settings={})], [4, 5])
    found = load_study(job.path)
    assert [run.run for run in found.runs] == ["r001", "r002", "r003", "r004"]
    recipes = [load_recipe(project / "runs" / run.run / "recipe.yaml") for run in found.runs]
    assert [(one.optimizer.lr, one.seed) for one in recipes] == [(1e-4, 4), (2e-3, 4), (1e-4, 5), (2e-3, 5)]
    snapshots = {(project / "runs" / run.run / "snapshot.json").read_bytes() for run in found.runs}
    assert len(snapshots) == 1 and found.snapshot_hash.encode() in snapshots.pop()
    assert find_study(project, None) == job.path and find_study(project, "s001") == job.path
    with pytest.raises(InputError, match="choose one of s001"):
        find_study(project, "s009")


def test_a_study_that_was_cut_short_goes_on_where_it_was(project: Path) -> None:
    recipe = with_settings(default_recipe("ssd_compact"), TINY)
    arms = [Arm(name="base", settings={}), Arm(name="slow", settings={"optimizer.lr": 1e-4})]
    with Project.open(project) as opened:
        folder = create_study(opened, recipe, arms, [0]).path
    events: list[Event] = []

    def one_has_ended() -> bool:
        return any(isinstance(event, StudyRunEnded) for event in events)

    for event in run_study(folder, one_has_ended, make_launcher()):
        events.append(event)
    assert isinstance(events[-1], RunFinished) and events[-1].stopped
    assert [event.run for event in events if isinstance(event, StudyRunStarted)] == ["r001"]
    assert not report_study(folder).is_complete and "Not complete: 1 of 2" in (folder / "report.md").read_text()
    again = list(run_study(folder, lambda: False, make_launcher()))
    assert [event.run for event in again if isinstance(event, StudyRunStarted)] == ["r002"]
    assert isinstance(again[-1], RunFinished) and not again[-1].stopped
    assert any(isinstance(event, StudyEpochDone) and event.strategy == "slow" for event in again)
    done = report_study(folder)
    assert done.is_complete and all(outcome.is_counted for outcome in done.outcomes)
    assert "One seed cannot tell" in (folder / "report.md").read_text()
    assert len((folder / "report.csv").read_text().splitlines()) == 3
    # The runs are usual ones: their models are there to be used.
    tensors = [project / "runs" / run / "checkpoints" / "best.safetensors" for run in ("r001", "r002")]
    assert all(path.is_file() for path in tensors)


def test_a_checkpoint_to_start_from_names_the_model_and_an_unknown_one_says_how_many_there_are(
    project: Path, run: Run
) -> None:
    folder = project / "runs" / "r001" / "checkpoints"
    network = Architecture("ssdlite320_mobilenet_v3", Anchors((8, 16, 32, 64), (((9.0, 9.0),), (), (), ())), 1).build()
    spec = InputSpec(mode="whole", width=64, height=64, mean=(0.5,) * 3, std=(0.5,) * 3)
    described = Description(
        id="r001-best",
        run="r001",
        model="ssdlite320_mobilenet_v3",
        epoch=1,
        created="2026-01-01T00:00:00",
        labels=["a"],
        label_colors=["#ff0000"],
        architecture={},
        input=spec,
        recipe={},
        snapshot_hash="",
    )
    save(folder / "best.safetensors", network, described)
    with Project.open(project) as opened:
        asked = choose_recipe(opened, RecipeOptions(start="r001-best"), {"schedule.epochs": 3})
        assert (asked.model, asked.weights.source) == ("ssdlite320_mobilenet_v3", "checkpoint")
        assert choose_recipe(opened, RecipeOptions(model="ssd_compact", start="r001-best")).model == "ssd_compact"
        for number in range(2, 9):
            shutil.copytree(folder.parent, folder.parents[1] / f"r{number:03d}")
        with pytest.raises(InputError, match="the last of 8 are: r003-best, .*; see 'defectdesk checkpoints DIR'"):
            find_checkpoint(opened, "nothing")


def test_the_command_lists_reports_and_refuses(project: Path, run: Run) -> None:
    code, _, error = run("study", "run", project, "--strategies", "frozen,scratch")
    assert code == 2 and "needs something to transfer" in error
    code, _, error = run("study", "run", project, "--strategies", "scratch", "--variant", "odd")
    assert code == 2 and "NAME:KEY=VALUE" in error
    assert run("study", "report", project, "s001")[0] == 2
    recipe = with_settings(default_recipe("ssd_compact"), TINY)
    with Project.open(project) as opened:
        create_study(opened, recipe, [Arm(name="a", settings={}), Arm(name="b", settings={"optimizer.lr": 1.0})], [0])
    code, out, _ = run("study", "list", project)
    assert code == 0 and "s001" in out and "a, b" in out
    code, out, _ = run("study", "report", project, "s001", "--json")
    assert code == 0 and json.loads(out)["complete"] is False
    JobFolder(project / "studies" / "s001").write_heartbeat()
    (project / "studies" / "s001" / "events.jsonl").write_text('{"event": "study_run"}\n')
    code, _, error = run("study", "resume", project, "s001")
    assert code == 2 and "is running already" in error


def test_presets_are_listed_and_a_run_can_start_from_one(project: Path, run: Run) -> None:
    code, out, _ = run("presets", "--json")
    listed = json.loads(out)["presets"]
    assert code == 0 and {one["name"] for one in listed} >= {"quick_look", "small_data"}
    assert "ssd_compact" not in next(one for one in listed if one["name"] == "full_fine_tune")["models"]
    code, _, error = run("train", project, "--preset", "full-fine-tune")
    assert code == 2 and "not made for ssd_compact" in error
    code, _, error = run("train", project, "--preset", "nothing")
    assert code == 2 and "there is no 'nothing'" in error
