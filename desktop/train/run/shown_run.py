"""A run as the page shows it: which one it is, and what was read of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.jobs.folder import JobFolder, State
from desktop.train.run.run_about import RunAbout
from desktop.train.run.run_history import RunHistory


@dataclass(frozen=True, slots=True)
class ShownRun:
    """A run of the project, or one that is watched in a folder elsewhere."""

    folder: Path
    watched: bool = False

    @property
    def id(self) -> str:
        return self.folder.name

    @property
    def own_id(self) -> str:
        """The id of a run of the project; empty for one that is watched, whose id another run may have."""
        return "" if self.watched else self.id


@dataclass(frozen=True, slots=True)
class RunReading:
    """What the folder of a run said when it was read."""

    history: RunHistory
    state: State
    about: RunAbout


def read_shown_run(folder: Path) -> RunReading:
    """Read all of a run; takes as long as its events are many."""
    job = JobFolder(folder)
    state = job.state()
    return RunReading(RunHistory.of(job.read_events()[0]), state, RunAbout.of(folder))
