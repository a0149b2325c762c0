"""Trainings in two processes, forked from one that has torch loaded; each case is told as one JSON line.

python -m tests.core.training.distributed_processes FOLDER
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from core.imaging.decode import ImageError
from core.jobs.events import StepDone, to_json
from core.jobs.folder import JobFolder
from core.models import checkpoint
from core.models.multilabel import LossSums
from core.project.snapshot import Snapshot
from core.recipe.recipe import Recipe
from core.training import distributed, loop
from core.training.data.dataset import TrainingSet
from core.training.data.image_cache import ImageCache
from core.training.loop import train
from core.training.process_group import ProcessGroup
from core.training.steps import Stepper
from core.training.strategy import Plan
from core.training.tasks import detection
from tests.core.training.small_training import small_recipe, small_snapshot, write_run

PATIENCE = 90.0  # seconds after which processes that wait for each other are ended, and the case has failed
Work = Callable[[ProcessGroup], Any]


def recipe(batch: int, **settings: Any) -> Recipe:
    """Plain gradient descent, in which every number of the gradient shows."""
    still = {
        "optimizer__kind": "sgd",
        "optimizer__momentum": 0.0,
        "optimizer__weight_decay": 0.0,
        "optimizer__lr": 0.02,
        "optimizer__clip_norm": 1e6,
        "schedule__warmup_steps": 0,
        "loss__kind": "focal",
    }
    # By this seed no activation is so near to zero that the order of sums decides whether it counts.
    return small_recipe(**still | {"schedule__batch_size": batch, "seed": 1} | settings)


# Running processes ----------------------------------------------------------------------------------------------------


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def become(rank: int, size: int, port: int) -> None:
    os.environ |= {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(size),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "GLOO_SOCKET_IFNAME": "lo",
    }


def in_processes(size: int, work: Work, folder: Path) -> list[Any]:
    """What `work` gives in each of `size` processes; a text for one that did not come to its end."""
    folder.mkdir(parents=True)
    port = free_port()
    children = [fork(lambda rank=rank: answer(rank, size, port, work, folder)) for rank in range(size)]
    wait(children)
    files = [folder / f"{rank}.json" for rank in range(size)]
    return [json.loads(file.read_text()) if file.exists() else "hung or died" for file in files]


def fork(work: Callable[[], Any]) -> int:
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        except SystemExit as leaving:
            code = int(leaving.code or 0)
        except BaseException:  # noqa: BLE001 - the process ends here
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)
    return child


def answer(rank: int, size: int, port: int, work: Work, folder: Path) -> None:
    become(rank, size, port)
    process_group = ProcessGroup.join()
    result = work(process_group)
    (folder / f"{rank}.part").write_text(json.dumps(result))
    (folder / f"{rank}.part").rename(folder / f"{rank}.json")
    process_group.leave()


def wait(children: list[int]) -> list[int]:
    """Exit codes; -9 for those that were ended here."""
    deadline = time.monotonic() + PATIENCE
    codes: dict[int, int] = {}
    while len(codes) < len(children):
        for child in children:
            if child in codes:
                continue
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                codes[child] = os.waitstatus_to_exitcode(status)
            elif time.monotonic() > deadline:
                os.kill(child, signal.SIGKILL)
        time.sleep(0.02)
    return [codes[child] for child in children]


def events_of(
    process_group: ProcessGroup, made: Recipe, snapshot: Snapshot, run: Path, stop: Callable[[], bool]
) -> list[dict[str, Any]]:
    return [to_json(event) for event in train(made, snapshot, run, stop, process_group=process_group)]


def never() -> bool:
    return False


# Cases ----------------------------------------------------------------------------------------------------------------


def alike(folder: Path, snapshot: Snapshot) -> dict[str, Any]:
    """One process with batches of 4, two with 2, and one with two batches of 2 for each step."""
    runs = {
        "one": (1, recipe(4)),
        "two": (2, recipe(2)),
        "accumulated": (1, recipe(2, optimizer__accumulate=2)),
        "averaged": (2, recipe(2, optimizer__ema=0.5)),
    }
    told: dict[str, Any] = {}
    tensors: dict[str, dict[str, torch.Tensor]] = {}
    for name, (size, made) in runs.items():
        run = write_run(folder / name / "r001", snapshot, made)
        ranks = in_processes(
            size,
            lambda process_group, made=made, run=run: events_of(process_group, made, snapshot, run, never),
            folder / name / "told",
        )
        told[name] = ranks
        tensors[name] = checkpoint.load(run / "checkpoints" / "last.safetensors").tensors
    start = write_run(folder / "start" / "r001", snapshot, recipe(4, schedule__epochs=1, optimizer__lr=1e-30))
    list(train(recipe(4, schedule__epochs=1, optimizer__lr=1e-30), snapshot, start, never))
    begun = checkpoint.load(start / "checkpoints" / "last.safetensors").tensors
    weights = [name for name, tensor in begun.items() if tensor.is_floating_point() and "running" not in name]

    def apart(one: dict[str, torch.Tensor], two: dict[str, torch.Tensor]) -> float:
        return max(float((one[name] - two[name]).abs().max()) for name in weights)

    told["moved"] = apart(begun, tensors["one"])
    told["two apart"] = apart(tensors["one"], tensors["two"])
    told["accumulated apart"] = apart(tensors["one"], tensors["accumulated"])
    return told


def pictures(folder: Path, snapshot: Snapshot) -> dict[str, Any]:
    """Which pictures each process computes in an epoch, told by their pixels."""

    def work(process_group: ProcessGroup) -> list[list[str]]:
        data = TrainingSet(list(snapshot.images), 5, recipe(2), (64, 64), ImageCache())
        return [
            [str(hash(picture.numpy().tobytes())) for picture in batch.images_b3hw.contiguous()]
            for batch in data.batches(1, rank=process_group.rank, size=process_group.size)
        ]

    return {"one": in_processes(1, work, folder / "one"), "two": in_processes(2, work, folder / "two")}


def trained(
    folder: Path, snapshot: Snapshot, change: Callable[[int], Callable[[], bool]], **settings: Any
) -> list[Any]:
    """Train in two processes; `change(rank)` spoils something in the process and says how it wishes to stop."""

    def work(process_group: ProcessGroup) -> list[dict[str, Any]]:
        return events_of(process_group, made, snapshot, folder / "r001", change(process_group.rank))

    made = recipe(2, schedule__epochs=3, **settings)
    write_run(folder / "r001", snapshot, made)
    return in_processes(2, work, folder / "told")


def nan(folder: Path, snapshot: Snapshot) -> list[Any]:
    def change(rank: int) -> Callable[[], bool]:
        whole, calls = detection.DetectionTask.loss_sums, iter(range(1000))

        def spoilt(self: Any, outputs: Any, targets: Any) -> LossSums:
            sums = whole(self, outputs, targets)
            bad = rank == 1 and next(calls) == 1
            return LossSums(sums.labels * (float("nan") if bad else 1.0), sums.boxes, sums.positives)

        detection.DetectionTask.loss_sums = spoilt  # type: ignore[method-assign]
        return never

    return trained(folder, snapshot, change)


def too_little_memory(folder: Path, snapshot: Snapshot) -> list[Any]:
    def change(rank: int) -> Callable[[], bool]:
        whole, calls = Stepper._backward, iter(range(1000))

        def spoilt(self: Stepper, *arguments: Any) -> torch.Tensor:
            if rank == 1 and next(calls) == 1:
                raise torch.OutOfMemoryError("for the test")
            return whole(self, *arguments)

        Stepper._backward = spoilt  # type: ignore[method-assign]
        return never

    return trained(folder, snapshot, change)


def lost_image(folder: Path, snapshot: Snapshot) -> list[Any]:
    def change(rank: int) -> Callable[[], bool]:
        def gone(*_: Any) -> Any:
            raise ImageError("b.png: there is no such file")

        if rank == 1:
            ImageCache.whole = gone  # type: ignore[method-assign]
        return never

    return trained(folder, snapshot, change)


def stopped(folder: Path, snapshot: Snapshot) -> list[Any]:
    def change(rank: int) -> Callable[[], bool]:
        looks = iter(range(1000))
        return lambda: rank == 1 and next(looks) >= 1

    return trained(folder, snapshot, change)


def launched(folder: Path, snapshot: Snapshot) -> dict[str, Any]:
    """The way of the command line, with a launcher that dies: what its processes do then, and after a new start."""
    made = recipe(2, schedule__epochs=100_000)
    run = write_run(folder / "runs" / "r001", snapshot, made)
    job = JobFolder.create(run, {"kind": "train"})
    distributed.GRACE = 20.0  # they should be gone long before
    children = folder / "children"
    children.mkdir()

    def worker(rank: int, port: int) -> None:
        become(rank, 2, port)
        os.environ["TORCHELASTIC_RUN_ID"] = "night"
        (children / str(os.getpid())).touch()
        for _ in distributed.train_together(lambda: job).events:
            pass

    def launcher() -> None:
        port = free_port()
        for rank in range(2):
            fork(lambda rank=rank: worker(rank, port))
        time.sleep(1000)

    process = fork(launcher)
    deadline = time.monotonic() + PATIENCE
    while not any(isinstance(event, StepDone) for event in job.read_events()[0]):
        if time.monotonic() > deadline:
            break
        time.sleep(0.02)
    os.kill(process, signal.SIGKILL)
    wait([process])
    while left := [child.name for child in children.iterdir() if exists(int(child.name))]:
        if time.monotonic() > deadline:
            break
        time.sleep(0.02)
    state = job.state()
    os.environ["TORCHELASTIC_RUN_ID"] = "night"
    found = distributed.run_of_launch(folder / "runs", made)
    other = distributed.run_of_launch(folder / "runs", recipe(2, seed=5))
    os.environ["TORCHELASTIC_RUN_ID"] = "another night"
    unknown = distributed.run_of_launch(folder / "runs", made)
    saved = checkpoint.load_resumable(run / "checkpoints")
    return {
        "left": left,
        "state": state,
        "step": saved.state.progress.step if saved else -1,
        "events": [event.event for event in job.read_events()[0]],
        "found": found.path.name if found else "",
        "other recipe": other is not None,
        "other launch": unknown is not None,
    }


def exists(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


CASES = (alike, pictures, nan, too_little_memory, lost_image, stopped, launched)


def without_statistics() -> None:
    """Let no BatchNorm use the batch: what is computed of a picture must not depend on which others are with it."""
    whole = Plan.training_mode

    def training_mode(self: Plan) -> None:
        whole(self)
        for module in self.network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()

    Plan.training_mode = training_mode  # type: ignore[method-assign]


def main() -> None:
    torch.set_num_threads(1)  # a forked process has no threads of its own to wait for
    without_statistics()
    loop.STEP_EVENTS_APART = 0.0  # each step is told, however fast it was
    folder = Path(sys.argv[1])
    snapshot = small_snapshot(folder / "images", train=8, val=3)
    for case in CASES:
        place = folder / case.__name__
        place.mkdir()
        print(json.dumps({"case": case.__name__, "told": case(place, snapshot)}), flush=True)


if __name__ == "__main__":
    main()
