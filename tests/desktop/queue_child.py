"""Works a queue off without a window, as the program does, with runs that are done by `training_child`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from core.jobs.child_runtime import run_child
from core.jobs.events import Event
from core.jobs.folder import JobFolder
from core.jobs.launcher import JobLauncher
from core.jobs.queue import work_queue

LAUNCHER = JobLauncher("training_child", code=[Path(__file__).parent])


def main(folder: JobFolder, should_stop: Callable[[], bool]) -> Iterator[Event]:
    return work_queue(folder, should_stop, LAUNCHER)


if __name__ == "__main__":
    run_child(main, lambda: None, niceness=0)
