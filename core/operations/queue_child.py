"""The process that works a queue off without a window: `python -m core.operations.queue_child FOLDER`."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from core.jobs.child_runtime import run_child
from core.jobs.events import Event
from core.jobs.folder import JobFolder
from core.jobs.queue import work_queue
from core.operations.launcher import make_launcher


def main(folder: JobFolder, should_stop: Callable[[], bool]) -> Iterator[Event]:
    """Work off the queue that `folder` belongs to, yielding its events."""
    return work_queue(folder, should_stop, make_launcher())


if __name__ == "__main__":
    run_child(main, lambda: None, niceness=0)  # its children lower their own priority
