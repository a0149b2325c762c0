"""Training in the processes that a launcher started: torchrun, and what builds on it, under Slurm or Kubernetes.

Each process runs the same command. The first one makes the run's folder, writes into it and speaks; the others only
compute. Imports no torch until the training begins.
"""

from __future__ import annotations

import os
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from core import files
from core.errors import InputError
from core.jobs.child_runtime import keep_beating
from core.jobs.events import Event, Notice, RunFailed, StepDone
from core.jobs.folder import JobFolder
from core.jobs.pulse import SILENT_AFTER
from core.recipe.recipe import Recipe, load_recipe
from core.training.data.checked_snapshot import load_checked_snapshot
from core.training.tracking import track_events

if TYPE_CHECKING:
    from core.training.process_group import ProcessGroup

_LAUNCH = "launch"  # file in a run's folder: the name under which it was launched
_LOOK_EVERY = 0.2  # seconds
GRACE = 8.0  # seconds that processes whose launcher died have to save what they have


def is_launched() -> bool:
    """Whether a launcher started this process as one of several, or of one."""
    return all(name in os.environ for name in ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"))


def is_main() -> bool:
    """Whether it is the one of them that writes and speaks."""
    return os.environ["RANK"] == "0"


@dataclass(frozen=True, slots=True)
class Together:
    """A training under way in several processes."""

    folder: JobFolder
    events: Iterator[Event]  # of the run; every process must go through all of them


def train_together(choose: Callable[[], JobFolder]) -> Together:
    """Meet the other processes and train what `choose` says, which only the main one is asked.

    Ends the process, whatever it does, some seconds after its launcher died. SIGTERM and Ctrl+C ask the run to stop
    and keep what it has learnt. Raises InputError in the main process, and SystemExit in the others, if there is
    nothing to train, or no device for one of them.
    """
    stop = threading.Event()
    threading.Thread(target=_watch_launcher, args=(os.getppid(), stop), name="launcher", daemon=True).start()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _setting(stop))
    from core.training.process_group import ProcessGroup  # noqa: PLC0415 - torch comes with it

    process_group = ProcessGroup.join()
    path, fault = None, None
    if process_group.is_main:
        try:
            path = str(choose().path.absolute())
        except InputError as error:
            fault = error
    path = process_group.broadcast(path)
    if path is None:
        raise fault or SystemExit(2)
    folder = JobFolder(Path(path))
    return Together(folder, _events(folder, process_group, stop))


def run_of_launch(runs_folder: Path, recipe: Recipe) -> JobFolder | None:
    """The unfinished run of `recipe` that was launched under this launch's name, to go on with it.

    A launcher restarts processes that failed, Slurm a job that was preempted, and Kubernetes a pod: the command is the
    same, so it must mean the same run. A launch without a name, such as by torchrun --standalone, knows only its own
    restarts.
    """
    name = _launch_name()
    if name is None or not runs_folder.is_dir():
        return None
    for path in sorted(runs_folder.glob("r*"), reverse=True):
        try:
            if (path / _LAUNCH).read_text(encoding="utf-8") != name or load_recipe(path / "recipe.yaml") != recipe:
                continue
        except (OSError, ValueError, InputError):
            continue
        return _left_over(JobFolder(path)) if (path / "snapshot.json").is_file() else None
    return None


def _left_over(folder: JobFolder) -> JobFolder | None:
    # On another machine, a process that was killed is known to be dead only when its heartbeat stood still for a while.
    deadline = time.monotonic() + SILENT_AFTER + 2
    while folder.state() == "running":
        if time.monotonic() > deadline:
            raise InputError(f"{folder.path.name}: this launch is running already; give another one another --rdzv-id")
        time.sleep(_LOOK_EVERY)
    return None if folder.state() == "finished" else folder


def _name_launch(folder: JobFolder) -> None:
    """Note in a run's folder under which name it was launched."""
    if (name := _launch_name()) is not None:
        files.write_text(folder.path / _LAUNCH, name)


def _launch_name() -> str | None:
    name = os.environ.get("TORCHELASTIC_RUN_ID", "none")
    if name != "none":  # torchrun's default
        return name
    # The launcher's process is the same one in all its restarts.
    return f"process {os.getppid()}" if os.environ.get("TORCHELASTIC_MAX_RESTARTS", "0") != "0" else None


def _events(folder: JobFolder, process_group: ProcessGroup, stop: threading.Event) -> Iterator[Event]:
    """Train, writing down what happens if this is the main process."""
    if not process_group.is_main:
        yield from _silent(_trained(folder, process_group, stop.is_set, lambda: False))
        return
    folder.prepare_start()
    folder.write_heartbeat()
    _name_launch(folder)
    threading.Thread(target=keep_beating, args=(folder, stop), name="heartbeat", daemon=True).start()
    try:
        for event in _trained(folder, process_group, stop.is_set, folder.pause_requested):
            folder.append_event(event, durable=not isinstance(event, StepDone))
            yield event
    except InputError as error:
        yield _failed(folder, str(error), "")
    except Exception as error:  # noqa: BLE001 - the process ends here, and the folder must say why
        traceback.print_exc()
        first = (str(error).splitlines() or [""])[0]
        advice = (
            "Another of the processes may have ended: see what it said. Go on from the last checkpoint with --resume."
        )
        yield _failed(folder, f"{type(error).__name__}: {first}", advice)


def _silent(events: Iterator[Event]) -> Iterator[Event]:
    """The events of a process that does not speak: it leaves the saying of what failed to the main one.

    That it ends with an error tells the launcher to end the others, which may wait for it.
    """
    event: Event | None = None
    try:
        for event in events:
            yield event
    except InputError as error:
        raise SystemExit(2) from error
    if isinstance(event, RunFailed):
        raise SystemExit(2)


def _failed(folder: JobFolder, reason: str, advice: str) -> RunFailed:
    event = RunFailed(reason, advice)
    folder.append_event(event, durable=True)
    return event


def _trained(
    folder: JobFolder, process_group: ProcessGroup, should_stop: Callable[[], bool], should_pause: Callable[[], bool]
) -> Iterator[Event]:
    from core.training.loop import train  # noqa: PLC0415 - torch comes with it

    recipe = load_recipe(folder.path / "recipe.yaml")
    snapshot, notices = load_checked_snapshot(folder.path)
    yield from (Notice(text, "warning") for text in notices)
    process_group = process_group.on_device(recipe.device)
    events = train(recipe, snapshot, folder.path, should_stop, should_pause, process_group)
    for event in track_events(events, recipe, folder.path) if process_group.is_main else events:
        yield event
        if isinstance(event, RunFailed):
            return  # perhaps in this process alone: the others are not to be waited for
    process_group.barrier()  # the one that is ready first would take the connections of the others with it
    process_group.leave()


def _watch_launcher(launcher: int, stop: threading.Event) -> None:
    """End this process when its launcher has died: nobody else would."""
    while os.getppid() == launcher:
        time.sleep(_LOOK_EVERY)
    stop.set()
    time.sleep(GRACE)
    os._exit(1)


def _setting(stop: threading.Event) -> Callable[[int, FrameType | None], None]:
    return lambda _number, _frame: stop.set()
