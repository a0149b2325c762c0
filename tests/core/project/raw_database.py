"""The database under an open project: it is locked for everyone else, so tests that look into it, or break it, go here."""

from __future__ import annotations

import sqlite3

from core.project.project import Project


def connection_of(project: Project) -> sqlite3.Connection:
    """The connection that the project itself works with."""
    return project._database.store._db
