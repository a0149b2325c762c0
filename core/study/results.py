"""What the runs of a study came to, read from their folders, and what may be concluded from it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from core.jobs.events import EpochDone, PhaseBegun, RunFailed, RunFinished, RunStarted
from core.jobs.folder import JobFolder
from core.study.statistics import Difference, Spread, block_difference, least_difference, seeds_to_decide
from core.study.study import Study, StudyRun

CONFIDENCE = 0.95
ENOUGH_SEEDS = 5  # with fewer, only large differences lie beyond the spread


@dataclass(frozen=True, slots=True)
class Outcome:
    """One run of a study, as far as it has come."""

    arm: str
    seed: int
    run: str
    state: str  # of the job: waiting, running, finished, ...
    map: float | None = None  # of the best checkpoint, on the validation images
    map50: float | None = None
    best_epoch: int | None = None
    epochs: int = 0  # completed
    seconds: float | None = None
    parameters: int = 0
    trained: int = 0  # parameters that learnt, at the end
    device: str = ""
    reason: str = ""  # why it failed
    curve: tuple[tuple[int, float | None, float | None], ...] = ()  # epoch, map50, map

    @property
    def is_counted(self) -> bool:
        """Whether it was trained to its end and judged."""
        return self.state == "finished" and self.map is not None and math.isfinite(self.map)


def read_outcome(runs_folder: Path, one: StudyRun) -> Outcome:
    """How far a run has come. A folder that is gone counts as deleted."""
    path = runs_folder / one.run
    if not path.is_dir():
        return Outcome(one.arm, one.seed, one.run, "deleted", reason="its folder was deleted")
    job = JobFolder(path)
    values: dict[str, Any] = {}
    curve: dict[int, tuple[float | None, float | None]] = {}
    for event in job.read_events()[0]:
        if isinstance(event, RunStarted):
            learning = [event.trainable_parameters, *(int(phase.get("trainable", 0)) for phase in event.plan)]
            values |= {"parameters": event.parameters, "trained": max(learning), "device": event.device}
        elif isinstance(event, PhaseBegun):
            values["trained"] = max(values.get("trained", 0), event.trainable_parameters)
        elif isinstance(event, EpochDone):
            # A run that went on after an interruption may tell of an epoch twice.
            curve[event.epoch] = (event.map50, event.map)
            values["epochs"] = event.epoch
        elif isinstance(event, RunFinished):
            values |= {"map": event.best_map, "map50": event.best_map50, "seconds": event.seconds, "reason": ""}
        elif isinstance(event, RunFailed):
            values["reason"] = event.reason
    best = [epoch for epoch, (_, found) in curve.items() if found is not None and found == values.get("map")]
    return Outcome(
        one.arm,
        one.seed,
        one.run,
        job.state(),
        best_epoch=min(best, default=None),
        curve=tuple((epoch, *curve[epoch]) for epoch in sorted(curve)),
        **values,
    )


@dataclass(frozen=True, slots=True)
class ArmResult:
    """One strategy over all seeds. Spreads are of the runs that count; None where there is none."""

    arm: str
    kind: str  # of the strategy
    done: int
    of: int
    map: Spread | None
    map50: Spread | None
    seconds: Spread | None
    best_epoch: Spread | None
    parameters: int
    trained: int


@dataclass(frozen=True, slots=True)
class Conclusion:
    """One question and what the study says to it."""

    question: str
    text: str
    better: str = ""  # the arm that is better beyond the spread; "": that cannot be told
    difference: Difference | None = None  # of mAP
    difference50: Difference | None = None  # of mAP@0.5
    seeds_to_decide: int | None = None  # if difference and spread stay as they are; None: it is decided, or too many


@dataclass(frozen=True, slots=True)
class StudyResult:
    """The table of a study and what follows from it."""

    study: Study
    outcomes: tuple[Outcome, ...]
    arms: tuple[ArmResult, ...]
    conclusions: tuple[Conclusion, ...]
    cautions: tuple[str, ...] = field(default=())

    @property
    def is_complete(self) -> bool:
        return all(outcome.state in ("finished", "failed", "deleted") for outcome in self.outcomes)


def read_result(study: Study, runs_folder: Path) -> StudyResult:
    """Everything that the run folders say by now."""
    return conclude_study(study, [read_outcome(runs_folder, one) for one in study.runs])


def conclude_study(study: Study, outcomes: Sequence[Outcome]) -> StudyResult:
    """The table and the conclusions from these outcomes."""
    arms = tuple(_arm_result(study, arm.name, outcomes) for arm in study.arms)
    values = {
        arm.name: {one.seed: one for one in outcomes if one.arm == arm.name and one.is_counted} for arm in study.arms
    }
    cautions = (*_list_cautions(study, arms, outcomes), *study.notices)
    return StudyResult(study, tuple(outcomes), arms, tuple(_draw_conclusions(arms, values)), cautions)


def _arm_result(study: Study, name: str, outcomes: Sequence[Outcome]) -> ArmResult:
    own = [one for one in outcomes if one.arm == name]
    done = [one for one in own if one.is_counted]

    def spread(values: Sequence[float | None]) -> Spread | None:
        known = tuple(float(value) for value in values if value is not None)
        return Spread(known) if known else None

    return ArmResult(
        arm=name,
        kind=study.recipe_of(name, study.seeds[0]).strategy.kind,
        done=len(done),
        of=len(own),
        map=spread([one.map for one in done]),
        map50=spread([one.map50 for one in done]),
        seconds=spread([one.seconds for one in done]),
        best_epoch=spread([one.best_epoch for one in done]),
        parameters=max((one.parameters for one in own), default=0),
        trained=max((one.trained for one in own), default=0),
    )


_Values = dict[str, dict[int, Outcome]]  # by arm and seed


def _draw_conclusions(arms: Sequence[ArmResult], values: _Values) -> list[Conclusion]:
    judged = [arm for arm in arms if arm.map is not None]
    if len(judged) < 2:
        return [Conclusion("", "Nothing can be compared yet: fewer than two strategies have a finished run.")]
    by_kind = {
        "learning": [arm for arm in judged if arm.kind in ("fine_tune", "two_phase", "gradual")],
        "frozen": [arm for arm in judged if arm.kind == "frozen"],
        "scratch": [arm for arm in judged if arm.kind == "scratch"],
    }
    found = []
    if by_kind["learning"] and by_kind["frozen"]:
        found.append(
            _compare_arms(
                "Does re-training the backbone help?",
                by_kind["learning"],
                by_kind["frozen"],
                values,
                ("Re-training the backbone helps", "Re-training the backbone harms"),
            )
        )
    transferred = by_kind["learning"] + by_kind["frozen"]
    if transferred and by_kind["scratch"]:
        found.append(
            _compare_arms(
                "Do the starting weights help?",
                transferred,
                by_kind["scratch"],
                values,
                ("The starting weights help", "The starting weights harm"),
            )
        )
    if found and len(judged) == 2:
        return found  # which of the two is better has been said
    ranked = sorted(judged, key=_mean_of, reverse=True)
    found.append(
        _compare_arms(
            "Which strategy is the best?",
            ranked[:1],
            ranked[1:],
            values,
            (f"{ranked[0].arm} is better than every other strategy here",) * 2,
            against=len(judged) - 1,
        )
    )
    return found


def _mean_of(arm: ArmResult) -> float:
    assert arm.map is not None
    return arm.map.mean


def _compare_arms(
    question: str,
    candidates: Sequence[ArmResult],
    others: Sequence[ArmResult],
    values: _Values,
    words: tuple[str, str],
    against: int = 0,
) -> Conclusion:
    """Whether the best of `candidates` and the best of `others` differ by more than chance does.

    The more strategies the two were picked from, the wider the interval (Bonferroni): the best of many looks better
    than it is. `against`: how many comparisons that makes, where not every candidate is held against every other.
    """
    first, second = max(candidates, key=_mean_of), max(others, key=_mean_of)
    comparisons = against or len(candidates) * len(others)
    difference = _find_difference(values, first.arm, second.arm, 1 - (1 - CONFIDENCE) / comparisons)
    shown = f"{first.arm} reaches mAP {_mean_of(first):.3f}, {second.arm} {_mean_of(second):.3f}"
    if difference is None:
        text = f"{question} One seed cannot tell: {shown}, and how much of that is chance is unknown. Run more seeds."
        return Conclusion(question, text)
    by50 = _find_difference(values, first.arm, second.arm, difference.confidence, "map50")
    interval = _describe_interval(difference)
    if not difference.is_beyond_spread:
        needed = seeds_to_decide(difference)
        text = (
            f"{question} These runs cannot tell: {shown}, but the difference ({interval}) lies within the spread. "
            f"{_describe_needed(needed)} {_name_cheaper(first, second)}{_judge_by_map50(first, second, by50)}"
        )
        return Conclusion(question, text, "", difference, by50, needed)
    ahead = difference.low > 0
    text = f"{words[0] if ahead else words[1]}: {shown}; the difference ({interval}) lies beyond the spread."
    better = first.arm if ahead else second.arm
    return Conclusion(question, text + _judge_by_map50(first, second, by50), better, difference, by50)


def _describe_interval(difference: Difference) -> str:
    # Two measures between 0 and 1 differ by no more than 1, whatever the spread.
    low, high = max(difference.low, -1.0), min(difference.high, 1.0)
    return f"{difference.mean:+.3f}, {CONFIDENCE:.0%} interval {low:+.3f} to {high:+.3f} over {difference.seeds} seeds"


def _describe_needed(needed: int | None) -> str:
    """How many seeds it would take."""
    if needed is None:
        return "Even 100 seeds would not tell them apart if difference and spread stay as they are."
    return f"About {needed} seeds would tell, if difference and spread stay as they are."


def _judge_by_map50(first: ArmResult, second: ArmResult, difference: Difference | None) -> str:
    """What the same runs say by mAP@0.5, as a sentence to add."""
    if difference is None or first.map50 is None or second.map50 is None:
        return ""
    shown = f"{first.arm} {first.map50.mean:.3f}, {second.arm} {second.map50.mean:.3f}"
    if not difference.is_beyond_spread:
        needed = seeds_to_decide(difference)
        more = f"; about {needed} seeds would tell" if needed else ""
        return f" By mAP@0.5 these runs cannot tell: {shown} ({_describe_interval(difference)}){more}."
    better = first.arm if difference.low > 0 else second.arm
    return f" By mAP@0.5 {better} is better beyond the spread: {shown} ({_describe_interval(difference)})."


def _find_difference(
    values: _Values, first: str, second: str, confidence: float, measure: Literal["map", "map50"] = "map"
) -> Difference | None:
    """By how much `first` exceeds `second`, with the spread of all strategies that were trained with the same seeds."""
    trained = [arm for arm, by_seed in values.items() if by_seed]
    for names in (trained, [first, second]):
        seeds = sorted(set.intersection(*(set(values[name]) for name in names)))
        table = np.array([[getattr(values[name][seed], measure) for name in names] for seed in seeds], np.float64)
        if len(seeds) > 1 and np.isfinite(table).all():
            return block_difference(table, names.index(first), names.index(second), confidence)
    return None


def _name_cheaper(first: ArmResult, second: ArmResult) -> str:
    if first.seconds is None or second.seconds is None:
        return "Run more seeds."
    cheap, dear = sorted((first, second), key=lambda arm: arm.seconds.mean if arm.seconds else 0.0)
    assert cheap.seconds is not None and dear.seconds is not None
    share = cheap.seconds.mean / max(dear.seconds.mean, 1e-9)
    if share > 0.9:
        return "Both take about as long; more seeds would narrow the interval."
    return f"Take {cheap.arm}, which needs {share:.0%} of the time, or run more seeds to narrow the interval."


def describe_few_seeds(seeds: int, strategies: int) -> str:
    """What so few seeds can tell of the best of so many strategies; empty where they are enough."""
    if seeds >= ENOUGH_SEEDS or strategies < 2:
        return ""
    # The best is picked from all, so that each of its comparisons must be surer (Bonferroni).
    confidence = 1 - (1 - CONFIDENCE) / (strategies - 1)
    tellings = {count: least_difference(count, strategies, confidence) for count in {max(seeds, 2), ENOUGH_SEEDS, 8}}
    ways = [f"{count} seeds tell one of {tellings[count]:.1f} times the spread" for count in sorted(tellings)]
    one = "One seed cannot tell any difference from chance; " if seeds == 1 else "So few seeds can hardly decide: "
    return f"{one}{', '.join(ways)} of the runs of a strategy."


def _list_cautions(study: Study, arms: Sequence[ArmResult], outcomes: Sequence[Outcome]) -> list[str]:
    """What a reader must know to read the table rightly."""
    found = [
        f"Measured on the {study.val_images:,} validation images ({study.val_boxes:,} boxes), at each run's best epoch, so all "
        "figures flatter a little, and alike. Keep the test images for the model that you choose in the end.",
        "The spread is over training seeds on one division of the images; another division may move all figures. The "
        "intervals take all strategies to be spread alike, and are wider the more of them there are to pick from.",
        f"All strategies had the same budget and the same learning rate ({study.recipe.optimizer.lr:g}): each could do "
        "better with a rate of its own.",
    ]
    if few := describe_few_seeds(len(study.seeds), len(study.arms)):
        found.append(few)
    if study.val_boxes < 100:
        found.append(
            f"The validation images have few boxes ({study.val_boxes}): each moves the recall by "
            f"{1 / max(study.val_boxes, 1):.1%}."
        )
    late = [
        arm.arm
        for arm in arms
        if arm.best_epoch is not None and arm.best_epoch.mean > 0.9 * study.recipe.schedule.epochs
    ]
    if late:
        found.append(
            f"Still getting better at the end of the budget: {', '.join(late)}. A longer study may rank them otherwise."
        )
    sizes = {arm.parameters for arm in arms if arm.parameters}
    if len(sizes) > 1:
        found.append(
            "The networks differ in size, because starting weights fix parts of the architecture: "
            + ", ".join(f"{arm.arm} {arm.parameters:,}" for arm in arms if arm.parameters)
            + " parameters."
        )
    for arm in arms:
        if arm.kind == "scratch" and 0 < arm.trained < arm.parameters:
            found.append(
                f"{arm.arm} trains {arm.trained:,} of {arm.parameters:,} parameters: the others lie behind the last anchors, as "
                "the defects are small, and are never computed, so no strategy trains them."
            )
    devices = {one.device for one in outcomes if one.device}
    if len(devices) > 1:
        found.append(f"The times are from different devices ({', '.join(sorted(devices))}) and do not compare.")
    for one in outcomes:
        if one.reason:
            found.append(f"{one.arm} with seed {one.seed} ({one.run}) does not count: {one.reason}")
    return found
