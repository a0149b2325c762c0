"""The services of a window for tests."""

from __future__ import annotations

from pathlib import Path

from core.jobs.launcher import JobLauncher
from core.operations.launcher import make_launcher
from core.settings import Settings
from desktop.base.background import Tasks
from desktop.services import Services
from desktop.viewer.thumbnails import ThumbnailLoader


def make_services(folder: Path, launcher: JobLauncher | None = None) -> Services:
    """Services with their settings in `folder`, and the program's own launcher unless another is given.

    Call `services.tasks.shut_down()` at the end.
    """
    tasks = Tasks()
    return Services(tasks, Settings(folder / "config"), ThumbnailLoader(tasks), launcher or make_launcher())


def make_test_launcher(module: str, **modules: str) -> JobLauncher:
    """A launcher whose children do their jobs by small modules of tests/desktop; `modules` are named by kind."""
    return JobLauncher(module, modules, [Path(__file__).parent])
