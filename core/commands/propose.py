"""A recipe for the data, the device and the time that there is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from core.commands.options import Json, ProjectFolder
from core.commands.recipes import DeviceName
from core.commands.running import why_it_failed
from core.console import complain, print_json, progress_bar, say
from core.errors import InputError
from core.jobs.events import JobProgress, Notice, RunFailed, SpeedMeasured
from core.operations.launcher import make_launcher
from core.operations.propose import ProposalRequest, forget_trial, prepare_trial, request_proposal
from core.operations.start_run import run_training
from core.project.project import Project
from core.recipe.recipe import save_recipe
from core.training.data.proposal import Proposal


def propose_recipe(
    folder: ProjectFolder,
    minutes: Annotated[float, typer.Option(help="How long the training may take.")] = 30,
    device: DeviceName = None,
    trial: Annotated[
        bool, typer.Option("--trial/--no-trial", help="Measure the speed by a few steps, or go by what is usual.")
    ] = True,
    out: Annotated[Path | None, typer.Option(help="Write the recipe to this new file, for train --recipe.")] = None,
    json: Json = False,
) -> None:
    """Propose a recipe for the images and boxes, this machine and the time that you have, and say why."""
    if out is not None and out.exists():
        raise InputError(f"--out: {out} exists and is not written over; choose another name")
    with Project.open(folder, read_only=True) as project:
        request = request_proposal(project, minutes, device=device)
        measured = request.known
        if measured is None and trial:
            measured = _measure_speed(project, request, quiet=json)
    proposal = request.make_proposal(measured if trial else None)
    if out is not None:
        _write_recipe(proposal, out)
    if json:
        print_json(proposal.to_json(request.before) | {"out": str(out) if out else None})
    else:
        _print_proposal(proposal, folder, out)


def _measure_speed(project: Project, request: ProposalRequest, *, quiet: bool) -> SpeedMeasured:
    """How fast the recipe learns here. Raises InputError where the trial fails."""
    job = prepare_trial(project, request.recipe, request.snapshot)
    measured: SpeedMeasured | None = None
    try:
        with progress_bar("a few steps, to see how fast they are", quiet=quiet) as progress:
            for event in run_training(job, make_launcher()):
                if isinstance(event, JobProgress):
                    progress(event.done, event.total)
                elif isinstance(event, SpeedMeasured):
                    measured = event
                elif isinstance(event, Notice):
                    complain(event.text)
                elif isinstance(event, RunFailed):
                    raise InputError(f"the trial failed: {why_it_failed(event)}; --no-trial goes without")
    finally:
        forget_trial(job)
    if measured is None:
        raise InputError("the trial was stopped before it could tell; --no-trial goes without")
    return measured


def _write_recipe(proposal: Proposal, out: Path) -> None:
    try:
        save_recipe(proposal.recipe, out)
    except OSError as error:
        raise InputError(f"--out: {out} cannot be written ({error.strerror}); choose another place") from error


def _print_proposal(proposal: Proposal, folder: Path, out: Path | None) -> None:
    for choice in proposal.choices:
        say(f"{choice.sentence}.")
    for finding in proposal.findings:
        complain(finding.text)
    if out is not None:
        say(f"{out}: 'defectdesk train {folder} --recipe {out}' trains it", "bold")
    else:
        say("--out FILE writes it as a recipe for train --recipe", "cyan")
