"""Making a transfer study of a project, running it to its end, and going on with one that was cut short."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from core.errors import InputError
from core.inspection.lineage import start_notices
from core.jobs.events import (
    EpochDone,
    Event,
    Notice,
    RunFinished,
    StudyEpochDone,
    StudyRunEnded,
    StudyRunStarted,
    StudyStarted,
)
from core.jobs.folder import JobFolder
from core.jobs.launcher import JobLauncher
from core.jobs.process import follow_batches
from core.operations.start_run import frozen_snapshot, make_run
from core.operations.train_in_turn import wait_to_claim
from core.project.edits.edit import Edit
from core.project.project import Project
from core.recipe.recipe import Recipe, save_recipe
from core.study.report import write_report
from core.study.results import StudyResult, read_outcome, read_result
from core.study.study import (
    Arm,
    Study,
    StudyRun,
    arm_recipe,
    check_arms,
    format_now,
    load_study,
    new_study_folder,
    plan_runs,
    study_folders,
)
from core.types import Split


def studies_folder(project_folder: Path) -> Path:
    return project_folder / "studies"


def runs_folder_of(study_folder: Path) -> Path:
    return study_folder.parent.parent / "runs"


def find_study(project_folder: Path, name: str | None) -> Path:
    """The folder of the study called `name`, such as s001; None: the latest. Raises InputError."""
    known = study_folders(studies_folder(project_folder))
    if not known:
        raise InputError(f"{project_folder}: there are no studies yet; see 'defectdesk study run --help'")
    if name is None:
        return known[-1]
    for folder in known:
        if folder.name == name:
            return folder
    raise InputError(f"study: there is no {name!r}; choose one of {', '.join(folder.name for folder in known)}")


def create_study(
    project: Project,
    base: Recipe,
    arms: Sequence[Arm],
    seeds: Sequence[int],
    apply: Callable[[Edit], object] | None = None,
    notices: Sequence[str] = (),
) -> JobFolder:
    """Freeze the project's annotations once and make a run for every arm and seed; nothing is trained yet.

    `apply` and `notices` as for `prepare_run`. Raises InputError, with nothing made, if the study cannot be run or compares nothing.
    """
    check_arms(base, arms, seeds)
    snapshot, found = frozen_snapshot(project, base, apply)
    notices = [*notices, *found]
    notices += start_notices(base, snapshot, compares=True)
    judges = snapshot.of_split(Split.VAL)
    if not any(len(image.boxes) for image in judges):
        raise InputError(f"{project.folder}: the val split has no box to judge by; move labelled images there")
    folder = new_study_folder(studies_folder(project.folder))
    made: list[Path] = []
    try:
        runs = []
        for arm, seed in plan_runs(arms, seeds):
            recipe = arm_recipe(base, next(one for one in arms if one.name == arm), seed)
            run = make_run(project, recipe, snapshot, study=folder.name, strategy=arm)
            made.append(run.path)
            runs.append(StudyRun(arm=arm, seed=seed, run=run.path.name))
        save_recipe(base, folder / "recipe.yaml")
        Study(
            id=folder.name,
            created=format_now(),
            base=base.model_dump(mode="json"),
            arms=tuple(arms),
            seeds=tuple(seeds),
            runs=tuple(runs),
            snapshot_hash=snapshot.hash,
            train_images=len(snapshot.of_split(Split.TRAIN)),
            val_images=len(judges),
            val_boxes=sum(len(image.boxes) for image in judges),
            notices=tuple(notices),
        ).save_study(folder)
        return JobFolder.create(folder, {"kind": "study", "created": format_now(), "snapshot_hash": snapshot.hash})
    except (InputError, OSError) as error:
        for path in (*made, folder):  # half a study would be listed as runs that wait for nobody
            shutil.rmtree(path, ignore_errors=True)
        raise InputError(f"{folder}: the study cannot be written ({error}); check the disk") from error


def study_job(folder: Path) -> JobFolder:
    """The study in `folder` as a job that may be started. Raises InputError if a process works on it now."""
    job = JobFolder(folder)
    if job.state() == "running":
        raise InputError(f"{folder.name}: is running already; its report is {folder / 'report.md'}")
    return job


def run_study(folder: Path, should_stop: Callable[[], bool], launcher: JobLauncher) -> Iterator[Event]:
    """Train what is not trained yet, one run after the other; the report is written anew after each.

    Yields StudyStarted, for each run StudyRunStarted, StudyEpochDone and StudyRunEnded, and RunFinished at the end.
    A run that was interrupted goes on where it was. When `should_stop()` turns true, the run under way saves what it
    has learnt and the study ends; it can be gone on with. A run that fails is noted, and the others go on.
    """
    began = time.monotonic()
    study, runs = load_study(folder), runs_folder_of(folder)
    yield StudyStarted(study.id, len(study.runs))
    write_report(read_result(study, runs), folder)
    told: set[str] = set()
    for number, one in enumerate(study.runs, start=1):
        # What failed is tried once more: whoever goes on with a study has mended the cause.
        if not (runs / one.run).is_dir() or JobFolder(runs / one.run).state() == "finished":
            continue
        run = JobFolder(runs / one.run)
        _, offset = run.read_events()
        # Two trainings at once would slow each other down, and the times would say nothing.
        if not (yield from wait_to_claim(run, should_stop)):
            if should_stop():
                break
            continue  # it was finished by whoever was waited for
        yield StudyRunStarted(number, len(study.runs), one.run, one.arm, one.seed)
        for event in _train_run(run, offset, should_stop, launcher):
            if isinstance(event, EpochDone):
                yield _shorten_epoch(one, event)
            elif isinstance(event, Notice) and event.text not in told:
                told.add(event.text)  # most are the same for all runs
                yield Notice(f"{one.run}: {event.text}", event.level)
        outcome = read_outcome(runs, one)
        write_report(read_result(study, runs), folder)
        found = (outcome.state, outcome.map, outcome.map50, outcome.seconds, outcome.reason)
        yield StudyRunEnded(*found, run=one.run, strategy=one.arm, seed=one.seed)
        if should_stop():
            break
    result = report_study(folder)
    yield RunFinished(epoch=0, seconds=time.monotonic() - began, stopped=not result.is_complete)


def _shorten_epoch(run: StudyRun, event: EpochDone) -> StudyEpochDone:
    measured = (event.epoch, event.epochs, event.map50, event.map, event.seconds_left)
    return StudyEpochDone(run.run, run.arm, run.seed, *measured)


def report_study(folder: Path) -> StudyResult:
    """What the study came to by now; also writes its report."""
    result = read_result(load_study(folder), runs_folder_of(folder))
    write_report(result, folder)
    return result


def _train_run(run: JobFolder, offset: int, should_stop: Callable[[], bool], launcher: JobLauncher) -> Iterator[Event]:
    """One run in a child process; its events from `offset` on."""
    process = launcher.launch_job(run)
    asked = False
    try:
        for batch in follow_batches(run, process, offset):
            yield from batch
            if should_stop() and not asked:
                asked = True
                run.request_stop()
    finally:
        # Whoever follows is gone: a child must not go on unseen.
        if process.poll() is None:
            process.cancel(grace=5.0)
