"""The learning-rate range test."""

from __future__ import annotations

from typing import Annotated

import typer

from core.commands.options import Json, ProjectFolder
from core.commands.recipes import RecipeOptions, choose_fitted_recipe, with_recipe_options
from core.commands.running import why_it_failed
from core.console import complain, print_json, progress_bar, say
from core.errors import InputError
from core.jobs.events import Notice, RangePoint, RangeProposed, RunFailed, to_json
from core.operations.launcher import make_launcher
from core.operations.start_run import prepare_range_test, run_training
from core.project.project import Project
from core.training.lr_finder_result import STEPS


@with_recipe_options
def find_rate(
    folder: ProjectFolder,
    options: RecipeOptions,
    steps: Annotated[int, typer.Option(min=20, max=10_000, help="Steps from the lowest rate to the highest.")] = STEPS,
    low: Annotated[float | None, typer.Option(help="Lowest rate; chosen by the optimiser if left out.")] = None,
    high: Annotated[float | None, typer.Option(help="Highest rate; chosen by the optimiser if left out.")] = None,
    json: Json = False,
) -> None:
    """Find a learning rate: raise it from far too small to far too large and see where the loss falls and breaks."""
    with Project.open_beside(folder) as project:
        job = prepare_range_test(project, choose_fitted_recipe(project, options)[0], None, steps, low, high)
    points: list[RangePoint] = []
    result: RangeProposed | None = None
    notices: list[str] = []
    with progress_bar("raising the rate", quiet=json) as progress:
        for event in run_training(job, make_launcher()):
            if isinstance(event, RangePoint):
                points.append(event)
                progress(len(points), steps)
            elif isinstance(event, RangeProposed):
                result = event
            elif isinstance(event, Notice):
                notices.append(event.text)
            elif isinstance(event, RunFailed):
                raise InputError(why_it_failed(event))
    if json:
        found = {"points": [to_json(point) for point in points], "result": to_json(result) if result else None}
        print_json(found | {"notices": notices})
    else:
        _print_rate(result, len(points), steps)
        for text in notices:
            complain(text)


def _print_rate(result: RangeProposed | None, done: int, steps: int) -> None:
    if result is None:
        say(f"stopped after {done} of {steps} steps: too early to tell", "yellow")
        return
    _draw_curve(result.curve, result.proposed)
    if result.proposed is None:
        say(result.why, "yellow")
    else:
        say(f"optimizer.lr={result.proposed:g}", "bold")
        say(result.why)


def _draw_curve(curve: list[list[float]], proposed: float | None) -> None:
    """The loss over the rate, as bars: a terminal has no plot."""
    if not curve:
        return
    lowest, highest = min(loss for _, loss in curve), max(loss for _, loss in curve)
    every = max(1, len(curve) // 25)
    marked = False
    for rate, loss in curve[::every]:
        bar = "█" * round(1 + 50 * (loss - lowest) / max(highest - lowest, 1e-9))
        mark = proposed is not None and not marked and rate >= proposed
        marked = marked or mark
        say(f"{rate:8.1e}  {loss:8.3f}  {bar}{'  ← proposed' if mark else ''}")
