"""How long one augmented picture takes beside torchvision.transforms.v2, and how soon the window shows a slider's move.

    python tests/benchmarks/augmentation.py [--repeats 60] [--no-window]

Both sides do the same chain on the same image and boxes: flips, affine (turn, scale, shift, shear), brightness,
contrast, saturation, blur, noise, boxes moved and clipped. OpenCV and torch each get one thread.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console
from rich.table import Table

from core.augmentation.config import PRESETS, AugmentationConfig
from core.augmentation.pipeline import View, augment
from core.operations.launcher import make_launcher
from core.sample import generate_image

IMAGE_SIDES = (640, 1000)
CONFIGS = {
    "nothing": PRESETS["None"],
    "light": PRESETS["Light"],
    "strong, no crop": PRESETS["Strong"].model_copy(update={"crop": 0.0}),
}
VIEWS = {
    "crop 256": View((256, 256), "crop", 0.8),
    "whole 320": View((320, 320), "whole"),
    "whole 640": View((640, 640), "whole"),
}


def torchvision_chain(config: AugmentationConfig, view: View) -> Callable[[np.ndarray, np.ndarray], object]:
    """The equivalent chain of transforms.v2, as a project would write it."""
    import torch
    from torchvision import tv_tensors
    from torchvision.transforms import v2

    torch.set_num_threads(1)
    width, height = view.size
    parts: list[object] = [v2.RandomHorizontalFlip(config.horizontal_flip), v2.RandomVerticalFlip(config.vertical_flip)]
    if view.mode == "crop":
        parts.append(v2.RandomCrop((height, width), pad_if_needed=True))
    else:
        parts.append(v2.Resize((height, width), antialias=True))
    if config.rotation or config.scale or config.shift or config.shear:
        parts.append(
            v2.RandomAffine(
                config.rotation,
                (config.shift, config.shift),
                (1 - config.scale, 1 / (1 - config.scale)),
                config.shear,
                interpolation=v2.InterpolationMode.BILINEAR,
            )
        )
    if config.brightness or config.contrast or config.saturation:
        parts.append(v2.ColorJitter(config.brightness, config.contrast, config.saturation))
    if config.blur:
        parts.append(v2.GaussianBlur(int(2 * np.ceil(3 * config.blur) + 1), (0.1, config.blur)))
    if config.noise:
        parts += [v2.ToDtype(torch.float32, scale=True), v2.GaussianNoise(sigma=config.noise / 510)]
        parts.append(v2.ToDtype(torch.uint8, scale=True))
    parts += [v2.ClampBoundingBoxes(), v2.SanitizeBoundingBoxes(labels_getter=lambda inputs: inputs[2])]
    chain = v2.Compose(parts)  # type: ignore[arg-type]

    def once(image: np.ndarray, boxes: np.ndarray) -> object:
        picture = tv_tensors.Image(torch.from_numpy(image).permute(2, 0, 1))
        their_boxes = tv_tensors.BoundingBoxes(boxes, format="XYXY", canvas_size=image.shape[:2])
        return chain(picture, their_boxes, torch.ones(len(boxes)))

    return once


def milliseconds(work: Callable[[int], object], repeats: int) -> float:
    """The median of `repeats` calls after a few to warm up."""
    times = []
    for turn in range(repeats + 5):
        start = time.perf_counter()
        work(turn)
        times.append(time.perf_counter() - start)
    return 1000 * statistics.median(times[5:])


def pipelines(repeats: int, console: Console) -> None:
    cv2.setNumThreads(1)
    table = Table(title="One picture, milliseconds (median)")
    for column in ("image", "view", "augmentation", "ours", "torchvision v2", "ratio"):
        table.add_column(column, justify="left" if column in ("view", "augmentation") else "right")
    for side in IMAGE_SIDES:
        image, boxes, _ = generate_image(1, 0, side)
        labels = np.ones((len(boxes), 3), bool)
        for view_name, view in VIEWS.items():
            for config_name, config in CONFIGS.items():
                theirs = torchvision_chain(config, view)
                ours_ms = milliseconds(lambda turn: augment(image, boxes, labels, config, turn, view), repeats)  # noqa: B023
                theirs_ms = milliseconds(lambda _: theirs(image, boxes), repeats)  # noqa: B023
                numbers = f"{ours_ms:.2f}", f"{theirs_ms:.2f}", f"{theirs_ms / ours_ms:.1f} x"
                table.add_row(str(side), view_name, config_name, *numbers)
    console.print(table)


def window(repeats: int, console: Console) -> None:
    """From a slider's move to the painted grid, on a page of the real window with an image of 1,000 px."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QApplication

    from core.project.project import Project
    from core.recipe.draft import save_draft
    from core.recipe.recipe import default_recipe
    from core.sample import make_sample_project
    from core.settings import Settings
    from desktop.augment.augment_page import AugmentPage
    from desktop.base.background import Tasks
    from desktop.base.session import Session
    from desktop.base.theme import apply_theme
    from desktop.services import Services
    from desktop.viewer.thumbnails import ThumbnailLoader

    cv2.setNumThreads(os.cpu_count() or 1)
    app = QApplication.instance() or QApplication(sys.argv)
    assert isinstance(app, QApplication)
    apply_theme(app, "dark")
    table = Table(title="From a slider's move to the painted grid of 12 pictures, image of 1,000 px, milliseconds")
    for column in ("model", "page", "median", "worst", "window blocked at most"):
        table.add_column(column, justify="left" if column in ("model", "page") else "right")
    with tempfile.TemporaryDirectory() as folder:
        project: Project = make_sample_project(Path(folder) / "project", count=2, size=1000)
        tasks, session = Tasks(), Session()
        session.adopt(project)
        page = AugmentPage(session, Services(tasks, Settings(Path(folder)), ThumbnailLoader(tasks), make_launcher()))
        for model in ("ssd_compact", "ssd300_vgg16"):
            save_draft(project, default_recipe(model).model_copy(update={"augmentation": PRESETS["Strong"]}))
            for size in ((1220, 740), (2500, 1380)):
                page.resize(*size)
                page.show()
                page.activated()
                tasks.wait_idle()
                slider = page.panel.form.control("rotation").slider  # type: ignore[attr-defined]
                last, blocked, times = [time.perf_counter()], [0.0], []

                def beat(last: list[float] = last, blocked: list[float] = blocked) -> None:
                    now = time.perf_counter()
                    blocked[0], last[0] = max(blocked[0], now - last[0]), now

                ticker = QTimer(interval=0)
                ticker.timeout.connect(beat)
                ticker.start()
                for turn in range(repeats):
                    before, start = page.shown, time.perf_counter()
                    slider.setValue(10 + turn % 60)
                    while page.shown is before:
                        app.processEvents()
                    page.grid.repaint()
                    times.append(1000 * (time.perf_counter() - start))
                ticker.stop()
                page.deactivated()
                numbers = [f"{value:.0f}" for value in (statistics.median(times), max(times), 1000 * blocked[0])]
                table.add_row(model, f"{size[0]} x {size[1]}", *numbers)
        tasks.shut_down()
        session.close()
    console.print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=60)
    parser.add_argument("--no-window", action="store_true", help="only the pipelines")
    parser.add_argument("--no-pipelines", action="store_true", help="only the window")
    chosen = parser.parse_args()
    console = Console()
    # The window first: torch in the process would slow it down, and is never there in the program.
    if not chosen.no_window:
        window(chosen.repeats, console)
    if not chosen.no_pipelines:
        pipelines(chosen.repeats, console)


if __name__ == "__main__":
    main()
