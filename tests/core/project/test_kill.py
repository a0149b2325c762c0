"""A process that edits is killed at random moments: nothing that was promised is lost, nothing is there by half.

DEFECTDESK_KILLS sets how often; 200 by default.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import pytest

from core.project.project import Project
from tests.builders import project_with_pictures
from tests.core.project.kill_child import KINDS, digest, state_of
from tests.core.project.raw_database import connection_of
from tests.core.project.test_project_columns import assert_columns_fit

ROOT = Path(__file__).parents[3]
KILLS = int(os.environ.get("DEFECTDESK_KILLS", "200"))


@contextmanager
def nursery() -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.core.project.kill_child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    try:
        yield process
    finally:
        process.communicate(timeout=30)


def life(process: subprocess.Popen[str], folder: Path, seed: int, lines: int, seconds: float) -> list[list[str]]:
    """What a child told from opening the project to its violent death, `seconds` after it had told so many lines."""
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(f"{folder} {seed}\n")
    process.stdin.flush()
    born, child = process.stdout.readline().split()
    assert born == "born"
    told: list[list[str]] = []
    while len(told) < lines:
        told.append(process.stdout.readline().split())
        assert told[-1] and told[-1][0] != "dead", "the child ended by itself; see its stderr"
    time.sleep(seconds)
    os.kill(int(child), signal.SIGKILL)
    told += until_dead(process.stdout)
    assert told[-1] == ["dead", child, str(int(signal.SIGKILL))], "the child ended by itself; see its stderr"
    return told[:-1]


def until_dead(lines: IO[str]) -> Iterator[list[str]]:
    for line in lines:
        yield line.split()
        if line.startswith("dead"):
            return
    raise AssertionError("the process that forks has ended")


@dataclass(slots=True)
class Tally:
    """What a series of kills came upon."""

    tried: Counter[str] = field(default_factory=Counter)
    kept: int = 0
    under_way: int = 0


def series(folder: Path, kills: range) -> Tally:
    """Kill a child that edits the project in `folder` once per seed, and look each time at what is left."""
    with project_with_pictures(folder, 5) as project:
        present = digest(state_of(project))
    choose = random.Random(kills.start)
    tally = Tally()
    with nursery() as process:
        for kill in kills:
            told = life(process, folder, kill, lines=choose.randrange(20), seconds=choose.uniform(0, 0.015))
            # The last promise, or the edit that was under way: whole, but not yet acknowledged.
            allowed = {present}
            for what, state, *kind in told:
                if what == "open":
                    assert state == present
                elif what == "try":
                    tally.tried.update(kind)
                    allowed = {present, state}
                else:
                    present = state
                    tally.kept += 1
                    allowed = {present}
            tally.under_way += len(allowed) == 2
            with Project.open(folder) as project:
                assert connection_of(project).execute("PRAGMA integrity_check").fetchall() == [("ok",)]
                found = digest(state_of(project))
                assert found in allowed, f"kill {kill}: {told[-3:]}"
                present = found
                assert_columns_fit(project)
                if kill % 5 == 0 and project.history.undo() is not None:
                    # The history is at the same edit as the content.
                    assert project.history.redo() is not None and digest(state_of(project)) == present
    return tally


@pytest.mark.skipif(not hasattr(os, "fork"), reason="children are forked from a warm process")
def test_no_promised_edit_is_lost_and_none_is_there_by_half_however_often_it_is_killed(tmp_path: Path) -> None:
    # Two projects at a time: the one who kills mostly waits.
    with ThreadPoolExecutor(2) as both:
        halves = [range(KILLS // 2), range(KILLS // 2, KILLS)]
        first, second = both.map(series, (tmp_path / "p", tmp_path / "q"), halves)
    assert first.kept + second.kept > 2 * KILLS and first.under_way + second.under_way > KILLS / 20
    if KILLS >= 200:
        assert (first.tried + second.tried).keys() == set(KINDS)
