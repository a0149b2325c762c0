"""What is kept with the images about their boxes is always what the boxes say."""

import json
import shutil
import sqlite3
import zlib
from collections import Counter
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.formats.annotations import ImportedAnnotations, ImportedImage
from core.formats.importing import import_into
from core.project.edits import box_edits, image_edits, label_edits
from core.project.edits.edit import Edit
from core.project.images.summary import pack_labels
from core.project.project import Project
from core.project.records import DATABASE_FILE
from core.project.storage import checking, database
from core.project.storage.store import Store
from core.types import Split, Status
from tests.builders import draw, picture, project_with_pictures, write_picture
from tests.core.project.raw_database import connection_of

IMAGES = 4


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("template") / "p"
    with project_with_pictures(folder, IMAGES) as project:
        for image in project.image_ids():
            draw(project, image)
    write_picture(folder.parent / "more" / "new.png", picture(seed=99))
    return folder.parent


def assert_columns_fit(project: Project) -> None:
    """Memory and tables against nothing but the boxes."""
    every: Counter[frozenset[int]] = Counter()
    rows = {
        row[0]: row[1:]
        for row in connection_of(project).execute("SELECT id, box_count, smallest, label_sets, set_counts FROM images")
    }
    listed: set[tuple[int, frozenset[int], int]] = set()
    for image in project.images():
        boxes = project.boxes(image.id)
        sets = Counter(box.labels for box in boxes)
        every += sets
        smallest = min((min(box.x2 - box.x1, box.y2 - box.y1) for box in boxes), default=0.0)
        assert (image.box_count, image.smallest) == (len(boxes), smallest)
        assert image.difficult_count == sum(box.difficult for box in boxes)
        assert image.label_sets == tuple(sorted(sets, key=pack_labels))
        in_order = sorted(sets, key=pack_labels)
        counts = "|".join(str(sets[labels]) for labels in in_order)
        assert rows[image.id] == (len(boxes), smallest, "|".join(map(pack_labels, in_order)), counts)
        listed |= {(image.id, labels, count) for labels, count in sets.items()}
    assert project.label_set_counts() == dict(every)
    assert Store(connection_of(project)).label_set_counts() == dict(every)
    assert set(project.label_sets()) == listed
    counts = project.counts()
    assert counts.boxes == sum(every.values()) and counts.images == len(project.images())
    assert counts.status == {str(kind): sum(i.status is kind for i in project.images()) for kind in Status}
    assert counts.splits == {str(kind): sum(i.split is kind for i in project.images()) for kind in Split}


def imported(folder: Path, side: float) -> ImportedAnnotations:
    boxes = np.array([[2, 2, 2 + side, 20], [30, 5, 50, 6 + side]])
    sets = (frozenset({"pit"}), frozenset({"pit", "new label"}))
    images = tuple(
        ImportedImage(path, boxes, sets)
        for path in (folder / "more" / "new.png", folder / "p" / "images" / "part2.png")
    )
    return ImportedAnnotations(labels=("pit", "new label"), images=images, problems=(), source=folder)


def step(project: Project, folder: Path, kind: str, a: int, b: float) -> None:
    ids = project.image_ids()
    labels = project.labels()
    image = ids[a % len(ids)] if ids else None
    boxes = project.boxes(image) if image is not None else ()
    edit: Edit | None = None
    if kind == "undo":
        project.history.undo()
    elif kind == "redo":
        project.history.redo()
    elif kind == "go":
        entries = project.history.list_entries()
        project.history.go_to(entries[a % len(entries)].position)
    elif kind == "import":
        import_into(project, imported(folder, b))
    elif image is None:
        return
    elif kind == "draw":
        carried = {label.id for place, label in enumerate(labels) if a >> place & 1}
        edit = box_edits.add_box(project, image, (1, 1, 2 + b, 3 + a % 40), carried)
    elif kind == "move" and boxes:
        edit = box_edits.set_box(project, image, boxes[-1].id, (b, 1, b + 5, 40))
    elif kind == "toggle" and boxes and labels:
        chosen = [box.id for box in boxes[: 1 + a % 2]]
        edit = label_edits.toggle_label(project, image, chosen, labels[a % len(labels)].id)
    elif kind == "difficult" and boxes:
        edit = box_edits.toggle_difficult(project, image, [box.id for box in boxes[: 1 + a % 2]])
    elif kind == "delete" and boxes:
        edit = box_edits.delete_boxes(project, image, [boxes[0].id])
    elif kind == "status":
        with_boxes = [other.id for other in project.images() if other.box_count and not other.has_unlabelled_box]
        edit = image_edits.set_status(project, with_boxes, Status.REVIEWED)
    elif kind == "split":
        edit = image_edits.set_split(project, ids, list(Split)[a % 4])
    elif kind == "remove":
        edit = image_edits.remove_images(project, [image])
    elif kind == "delete label" and labels:
        edit = label_edits.delete_labels(project, [labels[a % len(labels)].id])
    elif kind == "merge" and len(labels) > 1:
        edit = label_edits.merge_labels(project, [labels[0].id], labels[1].id)
    if edit is not None:
        project.apply(edit)


KINDS = (
    "draw",
    "draw",
    "move",
    "toggle",
    "difficult",
    "delete",
    "status",
    "split",
    "remove",
    "delete label",
    "merge",
    "import",
    "undo",
    "undo",
    "redo",
    "go",
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 99), st.floats(0.5, 20)), min_size=1, max_size=12)
)
def test_columns_equal_what_the_boxes_say_after_any_steps(
    template: Path, tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int, float]]
) -> None:
    folder = tmp_path_factory.mktemp("case")
    shutil.copytree(template, folder, dirs_exist_ok=True)
    with Project.open(folder / "p") as project:
        for kind, a, b in steps:
            step(project, folder, kind, a, b)
            assert_columns_fit(project)
        kept = project.images(), project.label_set_counts(), project.history.list_entries()
    with Project.open(folder / "p") as project:
        assert_columns_fit(project)
        assert (project.images(), project.label_set_counts(), project.history.list_entries()) == kept


def of_version_1(folder: Path, boxes: list[tuple[int, int, float, float, float, float, str]], images: int) -> Path:
    """A project as the first version wrote it."""
    folder.mkdir()
    path = folder / DATABASE_FILE
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA application_id={checking.APPLICATION_ID}")
        connection.executescript(database.list_migrations()[0] + ";PRAGMA user_version=1;")
        connection.executemany("INSERT INTO labels VALUES (?, ?, ?, '#112233', '')", [(1, 0, "a"), (2, 1, "b")])
        rows = [(n, f"images/{n}.png", f"{n:032x}") for n in range(1, images + 1)]
        connection.executemany("INSERT INTO images VALUES (?, ?, 64, 48, 9, ?, 'labelled', 'none', '', '')", rows)
        connection.executemany("INSERT INTO boxes VALUES (?, ?, ?, ?, ?, ?, ?)", boxes)
    return folder


_side = st.floats(0.001, 3000, allow_nan=False)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(1, 4), _side, _side, st.sampled_from(["", "1", "1,2", "2", "10"])), max_size=25))
def test_migrating_a_first_version_fills_the_columns(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[tuple[int, float, float, str]]
) -> None:
    boxes = [(image, place, 1.0, 2.0, 1.0 + w, 2.0 + h, packed) for place, (image, w, h, packed) in enumerate(drawn)]
    with Project.open(of_version_1(tmp_path_factory.mktemp("old") / "p", boxes, 5)) as project:
        assert_columns_fit(project)
        assert project.notices == () and len(project.boxes_of(range(6))) == len({row[0] for row in boxes})


def test_undo_of_the_first_version_still_works_after_migrating(tmp_path: Path) -> None:
    folder = of_version_1(tmp_path / "p", [(1, 7, 1.0, 2.0, 9.0, 9.5, "1")], 2)
    tree = {
        "before": {"1": ["unlabelled", "none", "", "", []]},
        "after": {"1": ["labelled", "none", "", "", [[7, 1.0, 2.0, 9.0, 9.5, [1]]]]},
    }
    with closing(sqlite3.connect(folder / DATABASE_FILE, isolation_level=None)) as connection:
        connection.execute("INSERT INTO history VALUES (0, 'Draw box', ?)", (zlib.compress(json.dumps(tree).encode()),))
        connection.executemany("INSERT INTO counters VALUES (?, ?)", [("history", 1), ("box", 8), ("image", 3)])
    with Project.open(folder) as project:
        (entry,) = project.history.list_entries()
        assert (entry.name, entry.time, entry.done) == ("Draw box", "", True)
        assert project.history.undo() is not None and project.boxes(1) == ()
        assert_columns_fit(project)
        assert project.history.redo() is not None and project.image(1).smallest == 7.5
        assert_columns_fit(project)
