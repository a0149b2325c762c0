"""A study's result as Markdown for people, CSV for spreadsheets and JSON for programs."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict
from pathlib import Path
from typing import Any

from core import files
from core.counting import format_count
from core.study.results import ArmResult, StudyResult
from core.study.statistics import Spread
from core.study.study import Study

HEADINGS = ("strategy", "runs", "mAP", "mAP@0.5", "time", "best epoch", "parameters that learnt")


def list_rows(result: StudyResult) -> list[tuple[str, ...]]:
    """A row of texts for each strategy under `HEADINGS`, the best mAP first, those without a result last."""
    ranked = sorted(result.arms, key=lambda arm: arm.map.mean if arm.map else -1.0, reverse=True)
    return [_make_row(arm) for arm in ranked]


def write_report(result: StudyResult, folder: Path) -> Path:
    """Write report.md, report.csv and report.json into the study's folder; the path of the first."""
    files.write_text(folder / "report.csv", make_csv(result))
    files.write_json(folder / "report.json", result_to_json(result))
    files.write_text(folder / "report.md", make_markdown(result))
    return folder / "report.md"


def make_markdown(result: StudyResult) -> str:
    """The report for people: what was asked, what follows, the figures, what to mind."""
    study = result.study
    seeds = ", ".join(str(seed) for seed in study.seeds)
    lines = [
        f"# Transfer study {study.id}",
        "",
        f"{study.recipe.model} from {_describe_start(study)}, {describe_budget(study)} for each of "
        f"{len(study.runs):,} runs; {study.train_images:,} "
        f"images to learn from, {study.val_images:,} to judge by; seeds {seeds}; snapshot {study.snapshot_hash[:12]}; "
        f"{study.created}.",
        "",
    ]
    if not result.is_complete:
        done = sum(1 for outcome in result.outcomes if outcome.state == "finished")
        lines += [f"**Not complete: {done:,} of {len(result.outcomes):,} runs have finished.**", ""]
    lines += ["## What follows", "", *(f"- {one.text}" for one in result.conclusions), ""]
    lines += ["## Strategies", "", *_markdown_table(HEADINGS, list_rows(result)), ""]
    lines += ["Mean ± standard deviation over the seeds.", ""]
    lines += ["## What to mind", "", *(f"- {text}" for text in result.cautions), ""]
    lines += ["## Runs", "", *_markdown_table(_RUN_HEADINGS, _run_rows(result)), ""]
    lines += ["## Settings", "", *_list_settings(study), ""]
    return "\n".join(lines)


def make_csv(result: StudyResult) -> str:
    """One line for each run."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        ("strategy", "seed", "run", "state", "map", "map50", "best_epoch", "epochs", "seconds", "parameters", "trained")
    )
    for one in result.outcomes:
        writer.writerow(
            "" if value is None else value
            for value in (
                one.arm,
                one.seed,
                one.run,
                one.state,
                one.map,
                one.map50,
                one.best_epoch,
                one.epochs,
                one.seconds,
                one.parameters,
                one.trained,
            )
        )
    return text.getvalue()


def result_to_json(result: StudyResult) -> dict[str, Any]:
    """Everything, with the curves of all runs."""
    return {
        "study": result.study.model_dump(mode="json"),
        "complete": result.is_complete,
        "strategies": [_arm_json(arm) for arm in result.arms],
        "conclusions": [asdict(one) for one in result.conclusions],
        "cautions": list(result.cautions),
        "runs": [asdict(one) for one in result.outcomes],
    }


def describe_budget(study: Study) -> str:
    """What each run may use, in words."""
    recipe = study.recipe
    minutes = f", at most {recipe.limits.time_minutes:g} min" if recipe.limits.time_minutes else ""
    return f"{format_count(recipe.schedule.epochs, 'epoch')}{minutes}"


def format_duration(seconds: float) -> str:
    """Seconds as a person says them, such as "41 s", "12.5 min" or "3.2 h"."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


_RUN_HEADINGS = ("run", "strategy", "seed", "state", "mAP", "mAP@0.5", "best epoch", "time")


def _run_rows(result: StudyResult) -> list[tuple[str, ...]]:
    def format_cell(value: float | None) -> str:
        return "" if value is None else f"{value:.3f}"

    return [
        (
            one.run,
            one.arm,
            str(one.seed),
            one.state,
            format_cell(one.map),
            format_cell(one.map50),
            f"{one.best_epoch or ''}",
            "" if one.seconds is None else format_duration(one.seconds),
        )
        for one in result.outcomes
    ]


def _make_row(arm: ArmResult) -> tuple[str, ...]:
    share = f" ({arm.trained / arm.parameters:.0%})" if arm.parameters else ""
    return (
        arm.arm,
        f"{arm.done}/{arm.of}",
        _format_spread(arm.map),
        _format_spread(arm.map50),
        format_duration(arm.seconds.mean) if arm.seconds else "",
        f"{arm.best_epoch.mean:.0f}" if arm.best_epoch else "",
        f"{arm.trained:,}{share}" if arm.trained else "",
    )


def _format_spread(spread: Spread | None) -> str:
    if spread is None:
        return ""
    return f"{spread.mean:.3f}" + (f" ± {spread.deviation:.3f}" if spread.deviation is not None else "")


def _arm_json(arm: ArmResult) -> dict[str, Any]:
    def spread_to_json(one: Spread | None) -> dict[str, Any] | None:
        return None if one is None else {"mean": one.mean, "deviation": one.deviation, "values": list(one.values)}

    return {
        "strategy": arm.arm,
        "kind": arm.kind,
        "done": arm.done,
        "of": arm.of,
        "map": spread_to_json(arm.map),
        "map50": spread_to_json(arm.map50),
        "seconds": spread_to_json(arm.seconds),
        "best_epoch": spread_to_json(arm.best_epoch),
        "parameters": arm.parameters,
        "trained": arm.trained,
    }


def _describe_start(study: Study) -> str:
    weights = study.recipe.weights
    if weights.source in ("file", "checkpoint"):
        return f"{weights.source} {Path(weights.path).name}"
    return "random weights" if weights.source == "none" else f"{weights.source} weights"


def _list_settings(study: Study) -> list[str]:
    return [
        f"- **{arm.name}**: "
        + (", ".join(f"`{name}={value}`" for name, value in arm.settings.items()) or "as the base")
        for arm in study.arms
    ]


def _markdown_table(headings: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    return [_join_cells(headings), _join_cells(tuple("---" for _ in headings)), *(_join_cells(row) for row in rows)]


def _join_cells(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
