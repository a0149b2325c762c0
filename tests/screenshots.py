"""Takes the pictures of the README from the running program: `python -m tests.screenshots`.

A sample is drawn and trained on for some five minutes (or `--project` is used again), and the window is driven under
Xvfb as the tests do it. With `--all` every page is taken in dark and light and in two sizes, for a person to look at.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.jobs.events import EpochDone, RunFailed
from core.operations.launcher import make_launcher
from core.operations.start_run import prepare_run, run_training
from core.project.project import Project
from core.recipe.recipe import default_recipe, with_settings
from core.sample import make_sample_project
from core.types import Box, ImageRecord
from tests.e2e.program import Program, running_program
from tests.e2e.screen import Screen, missing_programs, virtual_screen

OUT = Path(__file__).parents[1] / "resources" / "screenshots"
IMAGES, SIDE, SEED = 96, 512, 11
# Epochs and learning rate of each run; the first is poorer, so that there is something to compare.
RUNS = ((4, 5e-4), (24, 2e-3))
LARGEST = 300_000  # bytes of one picture
SIZES = {"1280": (1280, 800), "2560": (2560, 1440)}
# The pictures of the README: page and theme.
WANTED = (
    ("label", "dark"),
    ("augment", "dark"),
    ("train", "dark"),
    ("checkpoints", "dark"),
    ("inspect", "dark"),
    ("inspect", "light"),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--project", type=Path, help="where the project is made, or an earlier one is used again")
    parser.add_argument("--out", type=Path, default=OUT, help="folder of the pictures")
    parser.add_argument("--all", action="store_true", help="every page, dark and light, in both sizes, unreduced")
    options = parser.parse_args()
    if missing := missing_programs():
        sys.exit(f"{' and '.join(missing)} must be installed")
    with TemporaryDirectory(prefix="defectdesk-screenshots-") as work, virtual_screen(*SIZES["2560"]) as screen:
        folder = options.project or Path(work) / "turbine-plates"
        if not (folder / "runs").exists():
            make_project(folder)
        for theme in ("dark", "light"):
            for name, size in SIZES.items() if options.all else [("1280", SIZES["1280"])]:
                taken = take_pages(screen, Path(work) / f"{theme}-{name}", folder, theme, size)
                for page, pixels in taken.items():
                    if options.all:
                        write(options.out / f"{page}-{theme}-{name}.png", pixels, reduce=False)
                    elif (page, theme) in WANTED:
                        write(options.out / f"{page}-{theme}.png", pixels)
    return 0


def make_project(folder: Path) -> None:
    """A sample with two runs: one that was cut short, and one that learnt."""
    make_sample_project(folder, IMAGES, SIDE, SEED).close()
    for epochs, lr in RUNS:
        recipe = with_settings(default_recipe("ssd_compact"), {"schedule.epochs": epochs, "optimizer.lr": lr})
        with Project.open(folder) as project:
            project.set_setting("recipe", recipe.model_dump(mode="json"))  # as if it had been set up in the window
            launch = prepare_run(project, recipe)
        for event in run_training(launch, make_launcher()):
            if isinstance(event, EpochDone):
                say(f"epoch {event.epoch} of {event.epochs}: mAP@0.5 {event.map50 or 0:.3f}")
            if isinstance(event, RunFailed):
                sys.exit(f"the training failed: {event.reason}")
    with Project.open(folder) as project:
        project.runs.sync_folders()
        project.runs.set_star("r002-best", True)
        project.runs.set_note("r002-best", "candidate for line 2")
        project.runs.set_note("r001-best", "too small a learning rate")


def take_pages(
    screen: Screen, work: Path, folder: Path, theme: str, size: tuple[int, int]
) -> dict[str, NDArray[np.uint8]]:
    """Go through all pages in one window, and a picture of each."""
    (work / "config").mkdir(parents=True)
    (work / "config" / "settings.json").write_text(
        json.dumps({"theme": theme, "recent_projects": [str(folder)]}), "utf-8"
    )
    pages: dict[str, Callable[[Program, Path], None]] = {
        "welcome": lambda _program, _folder: None,
        "label": show_label,
        "augment": show_augment,
        "train": show_train,
        "checkpoints": show_checkpoints,
        "inspect": show_inspect,
    }
    taken = {}
    with running_program(screen, work, size=size) as program:
        for name, show in pages.items():
            show(program, folder)
            program.screen.move(size[0] + 20, size[1] + 20)  # the mouse hides nothing
            program.still()
            taken[name] = program.picture()
            say(f"{name}, {theme}, {size[0]} x {size[1]}")
        # Closed as a person closes it: the next window would tell of a crash.
        program.press("ctrl+q")
        program.wait("the program ended", lambda: program.process.poll() is not None)
        if program.complaints():
            sys.exit("the program complained:\n" + "\n".join(program.complaints()))
    return taken


def show_label(program: Program, folder: Path) -> None:
    """A picture with a box of two labels, which is selected."""
    program.click("the recent project", name=f"Open {folder.resolve()}")
    program.see("the Label page", text="Label", role="rail", checked=True)
    record, box = telling_image(folder)
    program.see("the list", text="surface-0000.png")
    program.press(*["d"] * (record.id - 1))
    program.see("the wanted image", text=Path(record.path).name, **{"class": "ElidedLabel"})
    canvas = program.see("the canvas", name="Image with its boxes")
    at = program.image_to_screen(canvas)
    program.screen.click(*at(((box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2)))
    program.see("the box selected", text=lambda text: text.endswith("1 selected"))


def show_augment(program: Program, folder: Path) -> None:
    program.page("Augment")
    program.click("a preset", text="Medium")
    program.see("the previews", text=lambda text: text.startswith("Of "))


def show_train(program: Program, folder: Path) -> None:
    program.page("Train")
    program.see("the run", text="Finished")


def show_checkpoints(program: Program, folder: Path) -> None:
    program.page("Checkpoints")
    program.click("the best", text="r002-best", **{"class": "cell"})


def show_inspect(program: Program, folder: Path) -> None:
    """The image with the most errors, which is shown first."""
    program.press("Return")
    program.see("the page", text="Inspect", role="rail", checked=True)
    button = program.see("the button", text=lambda text: text.startswith("Predict"), **{"class": "QPushButton"})
    if button.text == "Predict":
        program.screen.click(*button.centre)
    program.see("the counts", 120, text=lambda text: text.startswith("Missed "))


def telling_image(folder: Path) -> tuple[ImageRecord, Box]:
    """The image with the most boxes among those with a box of two labels, and that box."""
    with Project.open(folder, read_only=True) as project:
        found = [
            (len(project.boxes(image.id)), image, box)
            for image in project.images()
            for box in project.boxes(image.id)
            if len(box.labels) == 2 and min(box.x2 - box.x1, box.y2 - box.y1) > 30
        ]
    _, image, box = max(found, key=lambda one: one[0])
    return image, box


def write(path: Path, pixels: NDArray[np.uint8], *, reduce: bool = True) -> None:
    """Write a PNG; `reduce`: of as many colours as fit into the largest size."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(pixels)
    if not reduce:
        image.save(path)
        return
    for colors in (256, 192, 128, 96, 64):
        # An octree keeps the few pixels of a label's colour apart from the many of grey metal.
        image.quantize(colors, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(path, optimize=True)
        if path.stat().st_size <= LARGEST:
            break
    else:
        sys.exit(f"{path}: does not get smaller than {LARGEST // 1000} kB")
    say(f"wrote {path}, {path.stat().st_size // 1000} kB")


def say(text: str) -> None:
    sys.stderr.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main())
