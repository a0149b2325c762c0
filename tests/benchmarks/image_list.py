"""The list of images of a large project: opening, scrolling, filtering, ordering and following edits.

    python tests/benchmarks/image_list.py [--images 100000] [--boxes 10]

Drawn off the screen, with the files of the images missing: the pictures come from other threads anyway.
Prints one table with the limit that each figure is held to, and leaves with code 1 if one is missed.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from PySide6.QtGui import QAction  # noqa: E402
from PySide6.QtWidgets import QAbstractSlider, QApplication  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

from core.changes import Changes  # noqa: E402
from core.operations.launcher import make_launcher  # noqa: E402
from core.project.edits import image_edits  # noqa: E402
from core.project.images.query import Filter, Range, SortKey, Where  # noqa: E402
from core.project.project import Project  # noqa: E402
from core.settings import Settings  # noqa: E402
from core.types import Split, Status  # noqa: E402
from desktop.base.background import Tasks  # noqa: E402
from desktop.base.session import Session  # noqa: E402
from desktop.base.theme import apply_theme  # noqa: E402
from desktop.label.images.image_list_panel import ImageListPanel  # noqa: E402
from desktop.services import Services  # noqa: E402
from desktop.viewer.thumbnails import ThumbnailLoader  # noqa: E402
from tests.benchmarks.project_scale import build_project  # noqa: E402

STALL, FILTERING = 50.0, 200.0  # ms
STEPS = 300  # of the scroll bar over the whole list
REPEATS = 3  # of each filter; the slowest counts


@dataclass(frozen=True, slots=True)
class Row:
    what: str
    milliseconds: float
    about: str = ""
    limit: float | None = None


class NoActs:
    """Nothing is edited from the list here."""

    def set_status(self, image_ids: list[int], status: Status) -> None: ...

    def set_split(self, image_ids: list[int], split: Split) -> None: ...

    def ask_group(self, image_ids: list[int]) -> None: ...

    def remove(self, image_ids: list[int]) -> None: ...


def timed(work: Callable[[], object]) -> float:
    """Milliseconds until `work` is done and what it changed is painted."""
    started = time.perf_counter()
    work()
    QApplication.processEvents()
    return 1000 * (time.perf_counter() - started)


def settle() -> None:
    """Let timers and threads of what was done before come to an end."""
    until = time.monotonic() + 0.3
    while time.monotonic() < until:
        QApplication.processEvents()
        time.sleep(0.002)


def scrolling(panel: ImageListPanel) -> Iterator[Row]:
    bar = panel.view.verticalScrollBar()
    for what, step in (("far", bar.maximum() / STEPS), ("by the wheel", 3 * bar.singleStep())):
        bar.setValue(0)
        settle()
        places = [round(place * step) for place in range(STEPS)]
        worst = max(timed(partial(bar.setValue, place)) for place in places)
        yield Row(f"scroll {what}", worst, f"slowest of {STEPS} steps", STALL)
    ends = (QAbstractSlider.SliderAction.SliderToMaximum, QAbstractSlider.SliderAction.SliderToMinimum)
    worst = max(timed(partial(bar.triggerAction, end)) for end in ends)
    yield Row("to the end and back", worst, "", STALL)


def filtering(panel: ImageListPanel, project: Project) -> Iterator[Row]:
    first, second, third = (label.id for label in project.labels()[:3])
    filters = {
        "status": Filter(statuses=frozenset({Status.REVIEWED, Status.LABELLED})),
        "split": Filter(splits=frozenset({Split.VAL})),
        "group": Filter(groups=frozenset({"lot 42"})),
        "words": Filter(words="board 77"),
        "words with *": Filter(words="*77.png"),
        "label": Filter(carries=frozenset({first})),
        "two labels on one box": Filter(carries=frozenset({first, second}), where=Where.BOX),
        "exactly this label": Filter(carries=frozenset({third}), where=Where.EXACT),
        "without a label": Filter(lacks=frozenset({first})),
        "number of boxes": Filter(boxes=Range(1, 5)),
        "smallest box": Filter(smallest=Range(None, 8)),
        "note": Filter(note=True),
        "predictions": Filter(predicted=False),
        "missing files": Filter(missing=False),
        "everything again": Filter(),
    }
    for what, wanted in filters.items():
        times = []
        for _ in range(REPEATS):
            panel.set_filter(Filter(words="no such image"))
            settle()
            times.append(timed(partial(panel.set_filter, wanted)))
        yield Row(f"filter: {what}", max(times), f"{panel.shown.rowCount():,} shown", FILTERING)


def ordering(panel: ImageListPanel) -> Iterator[Row]:
    for key in SortKey:
        settle()
        taken = max(timed(partial(panel._apply_sorting, key, down)) for down in (True, False))
        yield Row(f"order: {key}", taken, "", FILTERING)
    panel._apply_sorting(SortKey.NAME, False)


def following(panel: ImageListPanel, session: Session) -> Iterator[Row]:
    project = session.project
    assert project is not None
    ids = project.image_ids()
    panel.set_filter(Filter(statuses=frozenset({Status.LABELLED}), carries=frozenset({1})))
    settle()
    one = Changes(images=frozenset({panel.shown.image_ids([5])[0]}), boxes=True, status=True)
    yield Row("one edit", max(timed(lambda: session.notify(one)) for _ in range(20)), "the list alone, filtered", STALL)
    panel.set_filter(Filter())
    settle()
    yield Row("select all", timed(panel.view.selectAll), f"{len(panel.chosen()):,} chosen", FILTERING)
    changes = project.apply(image_edits.move_to_split(project, ids, Split.TRAIN))
    yield Row("an edit of every image", timed(lambda: session.notify(changes)), "the list alone")
    changes = project.apply(image_edits.set_split(project, ids[::2], Split.VAL))
    session.notify(changes)
    panel.view.clearSelection()
    session.select_image(ids[len(ids) // 2])
    settle()
    yield Row("next image", max(timed(lambda: panel.step(1)) for _ in range(50)), "the list alone", STALL)
    yield Row("next unlabelled", max(timed(lambda: panel.step_unlabelled(1)) for _ in range(20)), "", STALL)


def measure(folder: Path, images: int, boxes: int) -> Iterator[Row]:
    build_project(folder, images, boxes)
    project = Project.open(folder)
    ids = project.image_ids()
    project.apply(image_edits.set_status(project, ids[::3], Status.REVIEWED))
    project.apply(image_edits.set_status(project, ids[1::5], Status.UNLABELLED))
    project.apply(image_edits.set_split(project, ids[::4], Split.VAL))
    for image_id in ids[:20]:
        project.apply(image_edits.set_note(project, image_id, "glare"))
    session, tasks = Session(), Tasks()
    services = Services(tasks, Settings(folder / "config"), ThumbnailLoader(tasks), make_launcher())
    panel = ImageListPanel(session, services, NoActs(), QAction("Grid", None))
    panel.resize(300, 1000)
    panel.show()
    settle()
    yield Row("show the project", timed(lambda: session.adopt(project)), f"{images:,} images, first frame of the list")
    yield from scrolling(panel)
    yield from filtering(panel, project)
    yield from ordering(panel)
    yield from following(panel, session)
    panel.hide()
    tasks.shut_down()
    session.close()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--images", type=int, default=100_000)
    options.add_argument("--boxes", type=int, default=10, help="on each image")
    chosen = options.parse_args()
    app = QApplication([])
    apply_theme(app, "dark")
    table = Table(title=f"{chosen.images:,} images, {chosen.images * chosen.boxes:,} boxes")
    for heading in ("", "ms", "limit", ""):
        table.add_column(heading, justify="right" if heading else "left")
    missed = False
    with tempfile.TemporaryDirectory() as folder:
        for row in measure(Path(folder) / "project", chosen.images, chosen.boxes):
            late = row.limit is not None and row.milliseconds > row.limit
            missed |= late
            limit = f"{row.limit:.0f}" if row.limit is not None else ""
            table.add_row(row.what, f"[{'red' if late else 'green'}]{row.milliseconds:.1f}", limit, row.about)
    Console().print(table)
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
