"""How long painting takes with 1,000 boxes on a 24 megapixel image, on the offscreen raster.

    python -m tests.benchmarks.canvas_boxes [--boxes 1000] [--repeats 60] [--peer-python /path/to/python-with-labelme]

Against the stated limit of 16 ms a paint (60 frames a second), for panning, zooming, pointing and dragging. Most boxes
carry one label, a quarter several, some none. With --peer-python labelme paints the same file with the same boxes in the
same run, and the ratio is told.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication
from rich.console import Console
from rich.table import Table

from core.imaging.decode import read_picture
from core.types import Box, Label
from desktop.base.theme import apply_theme
from desktop.label.canvas.annotation_canvas import AnnotationCanvas
from desktop.viewer.pyramid import make_pyramid
from tests.benchmarks.images import milliseconds, surface, write

WIDTH, HEIGHT = 6000, 4000
SIZES = ((1280, 800), (2560, 1440))
LIMIT = 16.0  # ms
LABELS = tuple(
    Label(number, name, color)
    for number, (name, color) in enumerate(
        (
            ("scratch", "#e69f00"),
            ("pit", "#56b4e9"),
            ("stain", "#009e73"),
            ("inclusion", "#d55e00"),
            ("crack", "#cc79a7"),
        ),
        start=1,
    )
)
MANY = (0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 3)  # labels of twenty boxes


def made_boxes(count: int) -> tuple[Box, ...]:
    random = np.random.default_rng(1)
    corners = random.uniform(0, 1, (count, 2)) * [WIDTH - 300, HEIGHT - 300]
    sides = random.uniform(15, 260, (count, 2))
    boxes = []
    for row in range(count):
        (x, y), (wide, high) = corners[row].tolist(), sides[row].tolist()
        labels = random.choice(len(LABELS), MANY[row % len(MANY)], replace=False) + 1
        boxes.append(Box(row + 1, x, y, x + wide, y + high, frozenset(labels.tolist())))
    return tuple(boxes)


def panning(canvas: AnnotationCanvas, scale: float | None, repeats: int) -> Iterator[None]:
    if scale is None:
        canvas.view.fit_image()
    else:
        canvas.view.zoom_to(scale, QPointF(canvas.view.rect().center()))
    canvas.view.repaint()
    for turn in range(repeats):
        canvas.view.pan_by(QPointF(-17, 9) if turn % 40 < 20 else QPointF(17, -9))
        yield


def zooming(canvas: AnnotationCanvas, repeats: int) -> Iterator[None]:
    canvas.view.fit_image()
    at = QPointF(canvas.view.width() * 0.4, canvas.view.height() * 0.6)
    for turn in range(repeats):
        canvas.view.zoom_to(canvas.view.scale * (1.15 if turn % 60 < 30 else 1 / 1.15), at)
        yield


def pointing(canvas: AnnotationCanvas, repeats: int) -> Iterator[None]:
    canvas.view.fit_image()
    for turn in range(repeats):
        send(
            canvas,
            QPointF(canvas.view.width() * (0.2 + 0.6 * turn / repeats), canvas.view.height() / 2),
            QEvent.Type.MouseMove,
        )
        yield


def dragging(canvas: AnnotationCanvas, repeats: int) -> Iterator[None]:
    """One box goes across all others."""
    canvas.view.fit_image()
    box = canvas.boxes[0]
    canvas.select_boxes({box.id})
    middle = canvas.view.rect_to_widget(box.xyxy).center()
    down, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    send(canvas, middle, QEvent.Type.MouseButtonPress, down, down)
    for turn in range(repeats):
        send(canvas, middle + QPointF(5 * turn, 2 * turn), QEvent.Type.MouseMove, none, down)
        yield
    canvas.cancel()
    send(canvas, middle, QEvent.Type.MouseButtonRelease, down, none)
    canvas.select_boxes(())


def send(
    canvas: AnnotationCanvas,
    at: QPointF,
    kind: QEvent.Type,
    button: Qt.MouseButton = Qt.MouseButton.NoButton,
    buttons: Qt.MouseButton = Qt.MouseButton.NoButton,
) -> None:
    modifiers = Qt.KeyboardModifier.NoModifier
    QApplication.sendEvent(canvas.view, QMouseEvent(kind, at, canvas.view.mapToGlobal(at), button, buttons, modifiers))


def painted(canvas: AnnotationCanvas, steps: Iterator[None]) -> list[float]:
    """Milliseconds of every step with its paint."""
    times = []
    while True:
        ended = False

        def step() -> None:
            nonlocal ended
            ended = next(steps, True) is True
            canvas.view.repaint()

        took = milliseconds(step)
        if ended:
            return times
        times.append(took)


def labelme_file(path: Path, boxes: tuple[Box, ...]) -> Path:
    """The same boxes for labelme, which gives a box one label only."""
    names = {label.id: label.name for label in LABELS}
    shapes = [
        {
            "label": names[min(box.labels, default=1)],
            "points": [[box.x1, box.y1], [box.x2, box.y2]],
            "group_id": None,
            "description": "",
            "shape_type": "rectangle",
            "flags": {},
            "mask": None,
        }
        for box in boxes
    ]
    tree = {
        "version": "5.5.0",
        "flags": {},
        "shapes": shapes,
        "imagePath": path.name,
        "imageData": None,
        "imageHeight": HEIGHT,
        "imageWidth": WIDTH,
    }
    target = path.with_suffix(".json")
    target.write_text(json.dumps(tree), "utf-8")
    return target


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--boxes", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=60)
    parser.add_argument("--peer-python", help="a Python that has labelme")
    chosen = parser.parse_args()
    console = Console()
    app = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(app, QApplication)
    apply_theme(app, "dark")
    table = Table(title=f"{chosen.boxes:,} boxes on 24 megapixels, milliseconds a paint")
    for column in ("view", "what", "median", "95%", "limit", ""):
        table.add_column(column, justify="right" if column in ("median", "95%", "limit") else "left")
    boxes = made_boxes(chosen.boxes)
    with tempfile.TemporaryDirectory() as name:
        path = write(Path(name) / "part.jpg", surface(WIDTH, HEIGHT))
        pyramid = make_pyramid(read_picture(path).pixels)
        ours: dict[tuple[int, str], float] = {}
        for width, height in SIZES:
            canvas = AnnotationCanvas()
            canvas.view.resize(width, height)
            canvas.view.show()
            canvas.set_image(pyramid)
            canvas.set_labels(LABELS)
            canvas.set_boxes(boxes)
            app.processEvents()  # a window that is not on the screen yet paints nothing
            for what, steps in (
                ("pan, whole image", panning(canvas, None, chosen.repeats)),
                ("pan at 60%", panning(canvas, 0.6, chosen.repeats)),
                ("pan at 100%", panning(canvas, 1.0, chosen.repeats)),
                ("zoom", zooming(canvas, chosen.repeats)),
                ("point at boxes", pointing(canvas, chosen.repeats)),
                ("drag one box", dragging(canvas, chosen.repeats)),
            ):
                times = sorted(painted(canvas, steps))
                median = ours[width, what] = statistics.median(times)
                verdict = "[green]kept[/]" if median <= LIMIT else "[red]missed[/]"
                late = times[int(len(times) * 0.95)]
                table.add_row(f"{width} x {height}", what, f"{median:.1f}", f"{late:.1f}", f"{LIMIT:.0f}", verdict)
            canvas.view.hide()
        console.print(table)
        if chosen.peer_python:
            script, file = Path(__file__).with_name("peer_labelme.py"), str(labelme_file(path, boxes))
            for width, height in SIZES:
                command = [chosen.peer_python, str(script), str(width), str(height), file, file]
                told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
                for what, key in (("scrolling", "pan at 100%"), ("zooming", "zoom")):
                    console.print(
                        f"labelme {told['version']} in a window of {width} x {height}: {told[what]:.1f} ms a paint while "
                        f"{what}, {told[what] / ours[width, key]:.1f} x ours"
                    )


if __name__ == "__main__":
    main()
