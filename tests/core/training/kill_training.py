"""Trains and saves after every step until it is killed, again and again, going on from the last checkpoint each time.

One warm process forks the trainings, so that a hundred of them start in no time. It reads run folders and writes

    born PID      a training was forked
    try STEP      it is about to save its state after this many steps
    done STEP     the save has returned: the state must be there from now on
    dead PID      the training has ended
"""

from __future__ import annotations

import itertools
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from core.models import checkpoint
from core.project.snapshot import Snapshot
from core.recipe.recipe import load_recipe
from core.training import saving
from core.training.loop import train

ROOT = Path(__file__).parents[3]


@dataclass(slots=True)
class Tally:
    """What became of a run that was killed many times."""

    kills: int = 0
    unreadable: int = 0  # the last checkpoint could not be read
    lost: int = 0  # a state that was promised was not there, nor a later one
    early: int = 0  # killed before anything was saved in that life
    saving: int = 0  # killed between the beginning and the end of a save
    steps: int = 0


def kill_again_and_again(run: Path, kills: int, seed: int = 1) -> Tally:
    """Train the run in `run` and kill it `kills` times, each at a random moment in the life of a training."""
    choose = random.Random(seed)
    tally = Tally()
    promised = 0
    with _nursery() as process:
        # The first life lasts until there is something to lose. Of the others, some end before their first save.
        for kill in itertools.count():
            told = _life(process, run, choose.choice((0, 1, 1, 2, 3, 3)) if kill else 4, choose)
            tried = max((step for word, step in told if word == "try"), default=promised)
            promised = max((step for word, step in told if word == "done"), default=promised)
            if kill:
                tally.kills += 1
                tally.early += not told
                tally.saving += bool(told) and told[-1][0] == "try"
            try:
                found = checkpoint.load_resumable(run / "checkpoints")
            except checkpoint.InputError:
                found = None
            tally.unreadable += found is None or bool(found.notice)
            tally.lost += found is None or not promised <= found.state.progress.step <= max(tried, promised)
            promised = found.state.progress.step if found else promised
            tally.steps = promised
            if kill == kills:
                return tally
    raise AssertionError("the loop returns")


@contextmanager
def _nursery() -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.core.training.kill_training"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    )
    try:
        yield process
    finally:
        process.communicate(timeout=60)


def _life(process: subprocess.Popen[str], run: Path, lines: int, choose: random.Random) -> list[tuple[str, int]]:
    """What a training told until it was killed, some time after its first `lines` lines.

    Moments are counted in lines, since a busy machine may take seconds to the first; a save takes some 20 ms.
    """
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(f"{run}\n")
    process.stdin.flush()
    born, child = process.stdout.readline().split()
    assert born == "born"
    told = _lines(process.stdout, lines)
    time.sleep(choose.choice((0.0, choose.uniform(0, 0.02), choose.uniform(0, 0.2))))
    os.kill(int(child), signal.SIGKILL)
    told += _lines(process.stdout)
    assert told[-1][0] == "dead"
    return told[:-1]


def _lines(pipe: IO[str], count: int | None = None) -> list[tuple[str, int]]:
    lines = []
    while count is None or len(lines) < count:
        word, number = pipe.readline().split()
        lines.append((word, int(number)))
        if word == "dead":
            break
    return lines


def _tell(line: str) -> None:
    os.write(1, f"{line}\n".encode())  # one call: what is told is told whole, also at the moment of death


def _work(run: Path) -> None:
    save = checkpoint.save

    def told(path: Path, network: Any, description: Any, state: Any = None) -> None:
        if state is not None:
            _tell(f"try {state.progress.step}")
        save(path, network, description, state)
        if state is not None:
            _tell(f"done {state.progress.step}")

    checkpoint.save = told
    saving.SAVES_APART, saving.MOST_SAVING = 0.0, 1e9  # after every step
    for _ in train(load_recipe(run / "recipe.yaml"), Snapshot.load(run / "snapshot.json"), run, lambda: False):
        pass


def main() -> None:
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _tell(f"born {os.getpid()}")  # by itself, so that it comes before all that it tells
            _work(Path(line.rstrip("\n")))
            return
        os.waitpid(child, 0)
        _tell(f"dead {child}")


if __name__ == "__main__":
    main()
