"""The training itself: a generator of events. A child process, the command line and the tests all iterate it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

from core.errors import InputError
from core.inference.runner import Runner
from core.jobs.events import ActivityBegun, CheckpointSaved, Event, Notice, PhaseBegun
from core.models import checkpoint
from core.models.device import choose_device
from core.project.snapshot import Snapshot
from core.recipe.field_words import field_title
from core.recipe.phases import never_learnt
from core.recipe.recipe import Recipe
from core.training.data.dataset import Batch
from core.training.data.recipe_findings import to_notice
from core.training.environment import (
    device_notices,
    limited_threads,
    try_convolutions,
    use_fast_arithmetic,
)
from core.training.out_of_memory import TooLittleMemory, in_memory, is_finite
from core.training.preparation import prepare_training, prepared_again
from core.training.process_group import ProcessGroup
from core.training.run import Run
from core.training.run_state import BestSoFar
from core.training.saving import check_belongs
from core.training.steps import Diverged
from core.training.stop_requests import StopRequested, StopRequests
from core.training.strategy import set_rate
from core.training.tasks.validation_result import ValidationResult

STEP_EVENTS_APART = 0.05  # seconds
JUDGING_EVENTS_APART = 0.2  # seconds
WELL_BEFORE = 0.8  # of its time limit: a run that takes less than this share leaves the limit unused


def never() -> bool:
    return False


def train(
    recipe: Recipe,
    snapshot: Snapshot,
    run_folder: Path,
    should_stop: Callable[[], bool],
    should_pause: Callable[[], bool] = never,
    process_group: ProcessGroup | None = None,
) -> Iterator[Event]:
    """Train `recipe` on `snapshot`, writing checkpoints into `run_folder`/checkpoints.

    Where that folder holds the last checkpoint of this run, the training goes on from it as if it had never been
    interrupted: on a CPU to the same bits. Yields events until RunFinished, RunPaused or RunFailed. When `should_stop()`
    or `should_pause()` turns true, also in the middle of a step, what was learnt is saved as the last checkpoint, and the
    run finishes as stopped or pauses. Raises InputError, before any step, if the recipe, the snapshot or the starting
    weights cannot work, or the folder belongs to another run.

    `process_group`: the processes that train together; each calls this, and the main one writes.
    """
    with limited_threads(recipe):
        yield from _train_run(recipe, snapshot, run_folder, StopRequests(should_stop, should_pause), process_group)


def _train_run(
    recipe: Recipe, snapshot: Snapshot, run_folder: Path, wishes: StopRequests, process_group: ProcessGroup | None
) -> Iterator[Event]:
    process_group = process_group or ProcessGroup(device=choose_device(recipe.device))
    use_fast_arithmetic(process_group.device)
    saved = checkpoint.load_resumable(run_folder / "checkpoints")
    if saved is not None:
        check_belongs(saved.checkpoint.description, recipe, snapshot, run_folder)
    prepared = prepared_again(saved) if saved else prepare_training(recipe, snapshot)
    run = Run(recipe, snapshot, run_folder, prepared, process_group)
    if saved is not None:
        run.restore(saved)
    yield run.started()
    yield from map(to_notice, prepared.findings)
    for text in [*prepared.notices, *device_notices(process_group.device, recipe, process_group.size), *run.notices()]:
        yield Notice(text, "warning")
    try:
        try:
            with wishes.inside(run.network if run.looks_inside else None):
                yield from _epochs(run, wishes)
        except StopRequested as wish:
            yield from run.save_last()
            yield run.paused() if wish.pause else run.finished(stopped=True)
        else:
            yield run.finished(stopped=False)
    except (InputError, MemoryError, TooLittleMemory, Diverged) as error:
        yield from run.failed(error)


def _epochs(run: Run, wishes: StopRequests) -> Iterator[Event]:
    while not run.state.over:
        if run.state.closed:
            run.state.begin_epoch()
        run.epoch_began = time.monotonic()
        yield from _begin_phase(run)
        yield from _steps(run, wishes)
        yield from _close_epoch(run, wishes)
        yield from (Notice(text, "warning") for text in run.cache.problems())
        if run.process_group.all_reduce_any(run.state.over or (run.process_group.is_main and run.saver.due)):
            yield from run.save_last()


def _begin_phase(run: Run) -> Iterator[Event]:
    phase = run.plan.set_epoch(run.state.epoch)
    # The network comes from being judged, or is new: neither is how it learns.
    run.plan.training_mode()
    try_convolutions(run.device, True)
    if phase is not None and phase is not run.plan.phases[0]:
        yield PhaseBegun(phase.epoch, list(phase.stages), run.plan.trainable_parameters())


def _steps(run: Run, wishes: StopRequests) -> Iterator[Event]:
    state, accumulate = run.state, run.recipe.optimizer.accumulate
    if state.epoch_step == run.epoch_steps or run.progress(state.step) >= 1:
        return
    shown = time.monotonic()
    yield ActivityBegun("learning", seconds_left=run.seconds_left())
    with closing(_batches(run, state.epoch, state.epoch_step * accumulate)) as batches:
        while state.epoch_step < run.epoch_steps:
            run.under_way = wishes.unless(run.process_group, lambda: list(islice(batches, accumulate)))
            rate = run.rate(state.step)
            set_rate(run.plan.optimizer, rate)
            loss = run.stepper.step(run.under_way, state.step)
            state.count(loss.labels, loss.boxes, sum(len(batch.images_b3hw) for batch in run.under_way))
            if run.average:
                run.average.follow(state.step)
            yield from (Notice(text, "warning") for text in run.stepper.news())
            now = time.monotonic()
            if now - shown >= STEP_EVENTS_APART or state.epoch_step == run.epoch_steps:
                shown = now
                run.stepper.check()
                yield run.step_done(float(loss.labels), float(loss.boxes), rate)
            if run.progress(state.step) >= 1:
                return
            # Weights that are of no use are not saved, and the next step says so, to all processes together.
            due = run.process_group.is_main and run.saver.due
            if due and state.epoch_step < run.epoch_steps and is_finite(run.network):
                yield from run.save_last()


def _batches(run: Run, epoch: int, first: int) -> Generator[Batch, None, None]:
    """The batches of an epoch from number `first` on; of many processes, this one's part of each."""
    process_group = run.process_group
    yield from run.data.batches(epoch, first, process_group.rank, process_group.size, device=run.device)


def _close_epoch(run: Run, wishes: StopRequests) -> Iterator[Event]:
    """Judge the network, tell of the epoch, keep the model if it is the best, and decide what follows."""
    state, recipe = run.state, run.recipe
    losses = state.sums.mean()
    run.stepper.check()
    in_time = run.progress(state.step) < 1
    last = state.epoch == recipe.schedule.epochs or not in_time
    seconds = run.epoch_seconds()
    if run.val_images and (last or state.epoch % recipe.evaluation.every == 0):
        state.latest = yield from _judge(run, wishes)
        if state.latest.rank is not None:
            state.ranks.append(state.latest.rank)
        state.point = run.choose_point(state.latest)
        yield from run.write_samples()
    yield run.epoch_done(losses, seconds)
    state.closed = True
    state.over = last
    if state.latest is not None:
        yield from _keep_if_best(run, state.latest)
        yield from _follow(run, state.latest)
    if last and state.step < run.steps:
        yield _ended_by_time(run)
    elif state.epoch == 1 and recipe.limits.time_minutes:
        yield from _foretell_end(run)
    elif last and state.is_rising:
        yield Notice(
            f"the model was still getting better when the run ended with its last epoch; {_go_on('schedule.epochs')}"
        )


def _ended_by_time(run: Run) -> Notice:
    state = run.state
    stages, first = never_learnt(run.plan.phases, state.epoch)
    text = f"the time limit ended the run in epoch {state.epoch} of {run.recipe.schedule.epochs}"
    if stages:
        text += f"; {', '.join(stages)}, to learn from epoch {first} on, never did"
    if not state.is_rising:
        return Notice(text)
    return Notice(f"{text}, while the model was still getting better; {_go_on('limits.time_minutes')}", "warning")


def _go_on(field: str) -> str:
    return (
        f"to go on, train with a larger {field_title(field)}, from this run's last checkpoint as the starting weights"
    )


def _foretell_end(run: Run) -> Iterator[Event]:
    """After the first epoch it can be seen which comes first, the last epoch or the time limit, and what it leaves out."""
    minutes, epochs = run.recipe.limits.time_minutes, run.recipe.schedule.epochs
    reached = math.floor(minutes * 60 / max(run.seconds(), 1e-9)) + 1
    limit, longer = f"{field_title('limits.time_minutes')} of {minutes:g} min", field_title("limits.time_minutes")
    stages, first = never_learnt(run.plan.phases, reached)
    if stages and reached < epochs:
        yield Notice(
            f"at this speed the {limit} ends the run in about epoch {reached}, before {', '.join(stages)} begin to "
            f"learn in epoch {first}; set a longer {longer}, or let them learn earlier",
            "warning",
        )
    elif reached < epochs:
        yield Notice(
            f"at this speed the {limit} ends the run in about epoch {reached} of {epochs}; the schedule is fitted to that, "
            f"and a longer {longer} lets all be trained"
        )
    elif reached * WELL_BEFORE > epochs:
        yield Notice(
            f"at this speed the run ends after its {epochs} epochs, in about {run.seconds() * epochs / 60:.2g} min, and the "
            f"{limit} will not be reached; about {reached} {field_title('schedule.epochs')} fill it"
        )


def _judge(run: Run, wishes: StopRequests) -> Generator[Event, None, ValidationResult]:
    network = run.predicting()
    for one in dict.fromkeys((run.network, network)):  # in the same order in all processes
        run.process_group.average_buffers(one)
    try_convolutions(run.device, False)
    network.eval()
    runner = Runner(network, run.prepared.input, run.device, run.recipe.limits.precision, run.decoding)
    with wishes.inside(network if run.average and run.looks_inside else None):
        judged = yield from _tell_judging(run, in_memory(lambda: run.validate(runner), run.device))
    if not math.isfinite(judged.label_loss + judged.box_loss):
        raise Diverged("the loss on the validation images became infinite or no number")
    return judged


def _tell_judging(
    run: Run, judging: Generator[int, None, ValidationResult]
) -> Generator[Event, None, ValidationResult]:
    """Tell how many images are judged; learn how long that takes."""
    began = shown = time.monotonic()
    total = len(run.val_images)
    yield ActivityBegun("judging", 0, total, run.pace.left_judging(run.state.epoch, 0.0, 0, total, run.seconds()))
    while True:
        try:
            looked = next(judging)
        except StopIteration as end:
            run.pace.judging = time.monotonic() - began
            result: ValidationResult = end.value
            return result
        now = time.monotonic()
        if now - shown >= JUDGING_EVENTS_APART:
            shown, done = now, min(total, looked * run.process_group.size)
            left = run.pace.left_judging(run.state.epoch, now - began, done, total, run.seconds())
            yield ActivityBegun("judging", done, total, left)


def _keep_if_best(run: Run, judged: ValidationResult) -> Iterator[Event]:
    if run.process_group.is_main and run.state.best.beaten_by(judged.rank):
        yield ActivityBegun("saving", seconds_left=run.seconds_left())
        event = run.saver.best(run.predicting(), run.state.epoch, judged, run.state.point)
        if isinstance(event, CheckpointSaved):
            run.state.best = BestSoFar(event.id, judged.rank, judged.map50, judged.map)
        yield event


def _follow(run: Run, judged: ValidationResult) -> Iterator[Event]:
    """Let the schedule and the early stop learn from a judgement."""
    state, schedule = run.state, run.recipe.schedule
    before = state.plateau.factor
    state.plateau = state.plateau.after(judged.label_loss + run.box_weight * judged.box_loss)
    if schedule.decay == "plateau" and state.plateau.factor < before:
        yield Notice(f"the validation loss has stopped falling: the learning rate drops to {run.rate(state.step):.2g}")
    state.early_stop = state.early_stop.after(state.epoch, judged.rank)
    if state.early_stop.over and not state.over:
        state.over = True
        yield Notice(
            f"{run.recipe.evaluation.early_stop} evaluations brought no better model: the run ends in epoch "
            f"{state.epoch} of {schedule.epochs}"
        )
