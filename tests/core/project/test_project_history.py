"""The list of edits, going to a place in it, and what happened to one image."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import InputError
from core.project.edits import box_edits, image_edits, label_edits
from core.project.project import Project
from core.project.storage.event_tables import EventTables
from core.types import Split, Status
from tests.builders import add_labels, draw, project_with_pictures
from tests.core.project.raw_database import connection_of


def content(project: Project) -> object:
    return project.labels(), project.images(), project.states(project.image_ids()), project.counts()


def test_every_edit_is_listed_with_its_time_and_how_much_it_touched(tmp_path: Path) -> None:
    started = datetime.now(UTC) - timedelta(milliseconds=1)
    with project_with_pictures(tmp_path / "p", 3) as project:
        draw(project, project.image_ids()[0])
        project.apply(image_edits.set_split(project, project.image_ids()[1:], Split.VAL))
        add_labels(project, ["new"])
        project.history.undo()
        listed = project.history.list_entries()
    assert [(entry.name, entry.images, entry.done) for entry in listed] == [
        ("Add 3 images", 3, True),
        ("Draw box", 1, True),
        ("Move to val", 2, True),
        ("Add label", 0, False),
    ]
    assert [entry.position for entry in listed] == [1, 2, 3, 4]
    times = [datetime.fromisoformat(entry.time) for entry in listed]
    assert times == sorted(times) and started <= times[0] and times[-1] <= datetime.now(UTC)
    with Project.open(tmp_path / "p") as project:
        assert project.history.list_entries() == listed


def test_going_to_an_entry_makes_it_the_last_one_done(tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "p", 3) as project:
        first, second, _ = project.image_ids()
        places = [content(project)]
        for edit in (
            lambda: box_edits.add_box(project, first, (1, 1, 20, 20), {1, 2}),
            lambda: image_edits.set_status(project, [second], Status.CLEAN),
            lambda: label_edits.delete_labels(project, [1]),
            lambda: image_edits.remove_images(project, [first]),
        ):
            project.apply(edit())
            places.append(content(project))
        entries = project.history.list_entries()
        changes = project.history.go_to(entries[1].position)
        assert (
            content(project) == places[1]
            and [entry.done for entry in project.history.list_entries()] == [True, True] + [False] * 3
        )
        assert changes.images == {first, second} and changes.boxes and changes.labels and changes.image_list
        for place in (4, 0, 3, 3, 2):
            project.history.go_to(entries[place].position)
            assert content(project) == places[place]
            assert project.history.undo_name == entries[place].name
        assert project.history.go_to(entries[2].position).images == frozenset()
        project.history.go_to(entries[0].position - 1)
        assert project.image_ids() == [] and project.history.undo_name is None
        for nowhere in (-1, 6):
            with pytest.raises(InputError, match="no position"):
                project.history.go_to(nowhere)
    with Project.open(tmp_path / "p") as project:
        project.history.go_to(5)
        assert content(project) == places[4]


def test_a_step_that_fails_leaves_the_whole_way_undone(tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "p", 2) as project:
        for _ in range(4):
            draw(project, project.image_ids()[0])
        before = content(project), project.history.list_entries()
        broken = project.history.list_entries()[2].position - 1
        kept = connection_of(project).execute("SELECT edit FROM history WHERE position = ?", (broken,)).fetchone()
        connection_of(project).execute("UPDATE history SET edit = x'00' WHERE position = ?", (broken,))
        with pytest.raises(InputError, match="damaged"):
            project.history.go_to(1)
        assert (content(project), project.history.list_entries()) == before
        connection_of(project).execute("UPDATE history SET edit = ? WHERE position = ?", (*kept, broken))
        project.history.go_to(1)
        assert project.counts().boxes == 0


def test_what_happened_to_an_image_is_told_newest_first_and_outlives_the_list_of_edits(tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "p", 2) as project:
        first, second = project.image_ids()
        draw(project, first)
        project.history.undo()
        project.history.redo()
        project.apply(image_edits.set_note(project, second, "other"))
        project.history.undo()
        project.apply(image_edits.set_group(project, [first, second], "lot"))
        told = project.history.list_events(first)
        assert [(event.name, event.kind) for event in told] == [
            ("Set group", "done"),
            ("Draw box", "redone"),
            ("Draw box", "undone"),
            ("Draw box", "done"),
            ("Add 2 images", "done"),
        ]
        assert [event.time for event in told] == sorted((event.time for event in told), reverse=True)
        # The note can no longer be redone, but it did happen.
        assert [event.kind for event in project.history.list_events(second)][:3] == ["done", "undone", "done"]
        connection_of(project).execute("DELETE FROM history")
    with Project.open(tmp_path / "p") as project:
        assert project.history.list_entries() == [] and project.history.list_events(first) == told
        assert project.history.list_events(99) == []


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.frozensets(st.integers(1, 20_000) | st.integers(4090, 4100), max_size=300), min_size=1, max_size=6))
def test_few_and_many_images_of_an_event_are_told_alike(
    tmp_path_factory: pytest.TempPathFactory, events: list[frozenset[int]]
) -> None:
    with Project.create(tmp_path_factory.mktemp("case") / "p") as project:
        tables = EventTables(connection_of(project))
        for number, images in enumerate(events):
            tables.add(f"2026-01-01T00:00:{number:02d}+00:00", f"edit {number}", "done", images)
        for image in {1, 4095, 4096, 4097, *(image for images in events for image in sorted(images)[:3])}:
            names = [event.name for event in project.history.list_events(image)]
            assert names == [f"edit {n}" for n in reversed(range(len(events))) if image in events[n]]


def test_the_history_of_an_image_stays_small_when_all_images_are_edited_together(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p") as project:
        db = connection_of(project)
        before = db.execute("PRAGMA page_count").fetchone()[0]
        for _ in range(20):
            EventTables(db).add("2026-01-01T00:00:00+00:00", "Mark clean", "done", range(1, 100_001))
        grown = (db.execute("PRAGMA page_count").fetchone()[0] - before) * 4096
        assert grown / 20 < 25_000  # bytes for each edit of 100,000 images
        assert len(project.history.list_events(77_777)) == 20
