"""The process that runs a study: `python -m core.operations.study_child FOLDER`.

It loads no torch, for each run is a child process of its own, which gives its memory back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from core.jobs.child_runtime import run_child
from core.jobs.events import Event
from core.jobs.folder import JobFolder
from core.operations.launcher import make_launcher
from core.operations.run_study import run_study


def main(folder: JobFolder, should_stop: Callable[[], bool]) -> Iterator[Event]:
    """Run the study in `folder`, yielding its events as plain values."""
    return run_study(folder.path, should_stop, make_launcher())


if __name__ == "__main__":
    run_child(main, lambda: None, niceness=0)  # its children lower their own priority
