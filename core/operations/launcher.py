"""Which modules do the jobs of this program, for the window and for the command line."""

from __future__ import annotations

from core.jobs.launcher import JobLauncher


def make_launcher() -> JobLauncher:
    """The launcher that the composition root hands in. The modules are named, for this process never loads torch."""
    return JobLauncher(
        "core.training.child", {"study": "core.operations.study_child", "queue": "core.operations.queue_child"}
    )
