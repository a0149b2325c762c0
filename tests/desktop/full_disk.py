"""A disk that refuses to be written, by the kernel's own limit, so that SQLite meets a real refusal."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager

from core.project.project import Project


@contextmanager
def full_disk(project: Project) -> Iterator[None]:
    """No file may grow beyond what the project's log has already."""
    log = project.folder / "project.sqlite-wal"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # SQLite writes to the log's end, so its present size is the least limit that lets nothing in.
    resource.setrlimit(resource.RLIMIT_FSIZE, (max(log.stat().st_size, 1), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
