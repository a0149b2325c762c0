"""Training: a new run, a run that goes on, or one for the queue."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from core.commands.options import Json, ProjectFolder
from core.commands.recipes import RecipeOptions, choose_fitted_recipe, given, with_recipe_options
from core.commands.running import WHO_TRAINS, find_out_states, show_to_the_end
from core.console import complain, describe_notice, print_json, say
from core.errors import InputError
from core.jobs.folder import JobFolder
from core.jobs.queue import claim_job, list_jobs, list_running, put_last
from core.operations.launcher import make_launcher
from core.operations.resume_run import run_to_resume
from core.operations.start_run import forget_if_refused, prepare_run
from core.operations.starting_weights import fetch_weights
from core.operations.train_in_turn import train_in_turn
from core.project.project import Project
from core.project.snapshot import Snapshot
from core.recipe.recipe import load_recipe
from core.training import distributed
from core.training.data.recipe_findings import judge_recipe, to_notice


@with_recipe_options
def train_model(
    folder: ProjectFolder,
    options: RecipeOptions,
    epochs: Annotated[int | None, typer.Option(help="How many times the images are gone through.")] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed, recipe and images give the same run.")] = None,
    resume: Annotated[
        str | None, typer.Option(help="Go on with a run that was paused, stopped or interrupted, such as r003.")
    ] = None,
    queue: Annotated[bool, typer.Option("--queue", help="Only add the run to the queue.")] = False,
    json: Json = False,
) -> None:
    """Train a model. Ctrl+C stops and keeps what was learnt. With --json, one event a line."""
    settings = given(epochs=epochs, seed=seed)
    if resume is not None and (settings or not options.is_empty):
        raise InputError("--resume: a run goes on with its own recipe; leave the other options out")

    def choose_run() -> JobFolder:
        if resume is not None:
            find_out_states([JobFolder(folder / "runs" / resume)])
            return run_to_resume(folder / "runs", resume)
        with Project.open_beside(folder) as project:
            recipe, fitted = choose_fitted_recipe(project, options, settings)
            if not queue:
                fetch_weights(recipe)
            run = distributed.run_of_launch(project.runs.folder, recipe) if distributed.is_launched() else None
            return run or prepare_run(project, recipe, notices=fitted)

    # The project is free again while the run goes on: the window can open it and watch.
    if distributed.is_launched():
        _train_launched(choose_run, folder / "runs", queue=queue, json=json)
    elif queue:
        _queue_run(choose_run(), json=json)
    else:
        run = choose_run()
        try:
            show_to_the_end(run, train_in_turn(run, make_launcher()), json=json)
        except KeyboardInterrupt:
            if run.state() == "waiting":
                complain(f"{run.path.name} was not begun; 'defectdesk train DIR --resume {run.path.name}' trains it")
            raise
        except InputError:
            if resume is None:
                forget_if_refused(run)
            raise


def _queue_run(run: JobFolder, *, json: bool) -> None:
    put_last(run)
    found = judge_recipe(load_recipe(run.path / "recipe.yaml"), Snapshot.load(run.path / "snapshot.json"))
    if json:
        findings = [finding.to_json() for finding in found]
        print_json({"run": run.path.name, "state": run.state(), "findings": findings})
    else:
        for finding in found:
            say(describe_notice(to_notice(finding)))
        say(f"{run.path.name} waits; {WHO_TRAINS}")


def _train_launched(choose: Callable[[], JobFolder], runs_folder: Path, *, queue: bool, json: bool) -> None:
    """Train in this and the other processes of a launcher such as torchrun; only the main one speaks."""
    if queue:
        raise InputError("--queue: a run in several processes begins at once; leave it out")

    def choose_alone() -> JobFolder:
        before = {job.path for job in list_jobs(runs_folder)}
        run = choose()
        find_out_states(list_jobs(runs_folder))
        if not claim_job(run) and (others := list_running(runs_folder)):
            if run.path not in before:
                shutil.rmtree(run.path, ignore_errors=True)
            other = others[0].path.name
            raise InputError(f"{other}: is being trained in this project; begin this launch when it has ended")
        return run

    together = distributed.train_together(choose_alone)
    if distributed.is_main():
        show_to_the_end(together.folder, together.events, json=json)
    else:
        for _ in together.events:
            pass
