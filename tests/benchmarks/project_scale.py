"""A large project: how long opening, single edits and edits of everything take, and how much memory it needs.

    python tests/benchmarks/project_scale.py [--images 100000] [--boxes 10] [--edits 300] [--folder DIR]

Prints one table with the limit that each figure is held to, and leaves with code 1 if one is missed.
"""

from __future__ import annotations

import argparse
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from core.project import backup  # noqa: E402
from core.project.edits import box_edits, image_edits, label_edits  # noqa: E402
from core.project.edits.edit import Edit  # noqa: E402
from core.project.images import relocating  # noqa: E402
from core.project.images.summary import pack_labels  # noqa: E402
from core.project.project import Project  # noqa: E402
from core.project.records import DATABASE_FILE  # noqa: E402
from core.project.storage import checking, database  # noqa: E402
from core.types import Split, Status  # noqa: E402

LABELS = ("scratch", "pit", "stain", "dent", "crack", "burr", "void", "chip")
_COLORS = ("#e8443a", "#2f83f0", "#1f9d55", "#c77800", "#a259e6", "#0c97a8", "#e0489c", "#7d8b1a")

# Opens a project in a process of its own: seconds, the memory it had before, and the most it ever had, in MB.
OPENING = """
import sys, time
from pathlib import Path
import core.project.project as module
def memory_mb(name):
    for line in open("/proc/self/status"):
        if line.startswith(name):
            return int(line.split()[1]) / 1024
before = memory_mb("VmRSS")
started = time.perf_counter()
project = module.Project.open(Path(sys.argv[1]))
seconds = time.perf_counter() - started
print(seconds, before, memory_mb("VmRSS"), memory_mb("VmHWM"))
project.close()
"""


@dataclass(frozen=True, slots=True)
class Row:
    what: str
    value: float
    unit: str
    limit: float | None = None  # None: no limit is stated


def build_project(folder: Path, images: int, boxes_each: int) -> None:
    """Write a project of version 1 with this many images, whose files do not exist; the first opening migrates it."""
    for name in ("runs", "backups", "cache"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    sets = [{place + 1} for place in range(len(LABELS))] + [{1, 2}, {2, 5}, {1, 3, 4}, {6, 7}]
    packed = [pack_labels(labels) for labels in sets]
    with closing(sqlite3.connect(folder / DATABASE_FILE, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute(f"PRAGMA application_id={checking.APPLICATION_ID}")
        connection.execute("BEGIN")
        for statement in filter(str.strip, database.list_migrations()[0].split(";\n")):
            connection.execute(statement)
        connection.execute("PRAGMA user_version=1")
        rows = [(n + 1, n, name, _COLORS[n], str(n + 1)) for n, name in enumerate(LABELS)]
        connection.executemany("INSERT INTO labels VALUES (?, ?, ?, ?, ?)", rows)
        connection.executemany("INSERT INTO images VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, '')", _images(images, boxes_each))
        for first in range(0, images, 10_000):
            count = min(10_000, images - first) * boxes_each
            image = np.repeat(np.arange(first, min(first + 10_000, images)) + 1, boxes_each)
            corner = random.uniform(0, 3000, (count, 2))
            size = random.uniform(4, 400, (count, 2))
            chosen = random.integers(0, len(packed), count)
            connection.executemany(
                "INSERT INTO boxes VALUES (?, ?, ?, ?, ?, ?, ?)",
                zip(
                    image.tolist(),
                    (np.arange(count) + first * boxes_each + 1).tolist(),
                    corner[:, 0].tolist(),
                    corner[:, 1].tolist(),
                    (corner + size)[:, 0].tolist(),
                    (corner + size)[:, 1].tolist(),
                    [packed[place] for place in chosen],
                    strict=True,
                ),
            )
        counters = [("image", images + 1), ("label", len(LABELS) + 1), ("box", images * boxes_each + 1)]
        connection.executemany("INSERT INTO counters VALUES (?, ?)", counters)
        connection.execute("COMMIT")


def _images(images: int, boxes_each: int) -> Iterator[tuple[object, ...]]:
    status = "labelled" if boxes_each else "unlabelled"
    for n in range(images):
        path = f"../images/line {n % 7}/lot{n // 500:04d}/board {n}.png"
        yield n + 1, path, 4096, 3000, 5_000_000 + n, f"{n:032x}", status, "none", f"lot {n // 500}"


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def opening(folder: Path) -> Iterator[Row]:
    def opened() -> list[float]:
        found = subprocess.run(
            [sys.executable, "-c", OPENING, str(folder)],
            capture_output=True,
            text=True,
            check=True,
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        return [float(word) for word in found.stdout.split()]

    runs = [opened() for _ in range(3)]
    yield Row("open (best of three processes)", min(run[0] for run in runs), "s", 1.0)
    yield Row("memory of the process once open", max(run[2] for run in runs), "MB", 400)
    yield Row("most memory while opening", max(run[3] for run in runs), "MB", 400)
    yield Row("memory before opening", max(run[1] for run in runs), "MB")


def single_edits(project: Project, count: int) -> Iterator[Row]:
    """From the end of a gesture to the commit: building the edit, checking it, writing it, adopting it."""
    random = np.random.default_rng(1)
    ids = project.image_ids()
    took: dict[str, list[float]] = {"draw a box": [], "move a box": [], "toggle a label": [], "undo": [], "redo": []}

    def timed(what: str, work: Callable[[], object]) -> None:
        took[what].append(seconds(work) * 1000)

    for place in random.integers(0, len(ids), count):
        image = ids[int(place)]
        timed("draw a box", lambda image=image: project.apply(box_edits.add_box(project, image, (5, 5, 60, 60), {1})))
        box = project.boxes(image)[-1].id
        timed("move a box", lambda i=image, b=box: project.apply(box_edits.set_box(project, i, b, (9, 9, 70, 70))))
        timed("toggle a label", lambda i=image, b=box: project.apply(label_edits.toggle_label(project, i, [b], 2)))
        timed("undo", project.history.undo)
        timed("redo", project.history.redo)
    for what, times in took.items():
        yield Row(f"{what}, durable: median", statistics.median(times), "ms", 20)
    everything = sorted(value for times in took.values() for value in times)
    yield Row("all of these: 99th percentile", everything[int(len(everything) * 0.99)], "ms")


def bulk_edits(project: Project) -> Iterator[Row]:
    ids = project.image_ids()

    def rows(what: str, edit: Callable[[], Edit], limit: float | None) -> Iterator[Row]:
        yield Row(what, seconds(lambda: project.apply(edit())), "s", limit)
        yield Row("    undo", seconds(project.history.undo), "s", limit)
        yield Row("    redo", seconds(project.history.redo), "s", limit)

    size = f"{len(ids):,} images"
    yield from rows(f"{size}: status", lambda: image_edits.set_status(project, ids, Status.REVIEWED), 2)
    yield from rows(f"{size}: split", lambda: image_edits.set_split(project, ids, Split.TRAIN), 2)
    yield from rows(f"{size}: group", lambda: image_edits.set_group(project, ids, "lot"), 2)
    one = project.labels()[0]
    yield from rows("delete a label off its boxes", lambda: label_edits.delete_labels(project, [one.id]), 4)
    pair = project.labels()[:2]
    yield from rows("merge two labels", lambda: label_edits.merge_labels(project, [pair[0].id], pair[1].id), 4)
    some = ids[: len(ids) // 10]
    yield from rows(f"remove {len(some):,} images", lambda: image_edits.remove_images(project, some), None)


def reading(project: Project, folder: Path) -> Iterator[Row]:
    image = project.image_ids()[-1]
    yield Row("counts of the project", seconds(project.counts) * 1000, "ms", 10)
    yield Row("list of edits", seconds(project.history.list_entries) * 1000, "ms", 50)
    yield Row("history of an image", seconds(lambda: project.history.list_events(image)) * 1000, "ms", 50)
    yield Row("label sets of all images", seconds(project.label_sets) * 1000, "ms")
    yield Row("boxes of all images", seconds(lambda: project.boxes_of(project.image_ids())), "s")
    yield Row("missing files of all images", seconds(lambda: relocating.find_missing(project)), "s")
    yield Row("back up", seconds(lambda: backup.back_up(project)), "s")
    yield Row("size of the database", (folder / DATABASE_FILE).stat().st_size / 1e6, "MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--boxes", type=int, default=10, help="boxes of each image")
    parser.add_argument("--edits", type=int, default=300, help="single edits of each kind")
    parser.add_argument("--folder", type=Path, help="where to make the project; else a temporary folder")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = (options.folder or Path(temporary)) / "project"
        rows = [Row("build", seconds(lambda: build_project(folder, options.images, options.boxes)), "s")]
        rows.append(Row("open version 1: back up and migrate", seconds(lambda: Project.open(folder).close()), "s"))
        rows += opening(folder)
        with Project.open(folder) as project:
            rows += single_edits(project, options.edits)
            rows += bulk_edits(project)
            rows += reading(project, folder)
            rows.append(Row("close", seconds(project.close), "s"))
        rows.append(Row("open after all of that", seconds(lambda: Project.open(folder).close()), "s", 1.0))
    table = Table(title=f"{options.images:,} images, {options.images * options.boxes:,} boxes")
    for column in ("", "measured", "limit", ""):
        table.add_column(column, justify="right" if column else "left")
    for row in rows:
        limit = "" if row.limit is None else f"{row.limit:g} {row.unit}"
        kept = "" if row.limit is None else "ok" if row.value <= row.limit else "[red]missed"
        table.add_row(row.what, f"{row.value:.2f} {row.unit}", limit, kept)
    Console().print(table)
    if any(row.limit is not None and row.value > row.limit for row in rows):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
