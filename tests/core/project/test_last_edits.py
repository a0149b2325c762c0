"""Which image was edited last."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from core.project.edits.image_edits import move_to_split
from core.project.project import Project
from core.project.storage import database
from core.project.storage.event_tables import EventTables
from core.types import Split
from tests.builders import draw, project_with_pictures

few = st.frozensets(st.integers(1, 9000), min_size=1, max_size=4)
# More than the rows that an edit of few images takes, over more than one bitmap.
many = st.tuples(st.integers(1, 8000), st.integers(65, 900)).map(lambda span: frozenset(range(span[0], sum(span))))


def test_what_was_edited_last_has_the_largest_number(tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "project", 3) as project:
        first, second, third = project.image_ids()
        for image_id in (second, first, third):
            draw(project, image_id)
        assert _order(project) == [second, first, third]
        project.apply(move_to_split(project, [second, third], Split.TEST))
        draw(project, first)
        assert _order(project) == [second, third, first]
        project.history.undo()
        project.history.undo()  # an undo is an edit as well
        found = project.last_edits()
        assert found[second] == found[third] > found[first]


@given(st.lists(few | many, max_size=6))
def test_edits_of_few_and_of_very_many_images_count_alike(edits: list[frozenset[int]]) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        for script in database.list_migrations():
            connection.executescript(script)
        events = EventTables(connection)
        expected: dict[int, int] = {}
        for number, images in enumerate(edits, 1):
            events.add("2026-01-01", "Edit", "done", images)
            expected |= dict.fromkeys(images, number)
        assert events.last() == expected


def _order(project: Project) -> list[int]:
    found = project.last_edits()
    return sorted(found, key=found.__getitem__)
