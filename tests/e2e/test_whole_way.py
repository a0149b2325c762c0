"""The whole way in the real window, by mouse and keyboard: from a sample to an inspected model, and out of a training."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.operations.predict import load_predictor
from core.project.project import Project
from core.sample import SAMPLE_LABELS, make_sample_project
from core.types import Box, Label
from tests.e2e.program import Program, Widget, running_program
from tests.e2e.screen import Screen

SPREAD = 70  # between the strongest and the weakest channel of a curve's colour; grey lines and letters have less


def test_from_a_sample_to_an_inspected_model(screen: Screen, tmp_path: Path, pictures: Path) -> None:
    folder = tmp_path / "plates"
    with running_program(screen, tmp_path / "program") as program:
        program.shoot_still(pictures / "1-welcome.png")
        create_the_sample(program, folder, images=24)
        draw_a_box_with_two_labels(program, folder, pictures / "2-label.png")
        undo_and_redo(program, folder)
        see_previews_change(program, folder, pictures / "3-augment.png")
        train_two_epochs(program, folder, pictures / "4-train.png")
        find_the_checkpoint(program, folder, pictures / "5-checkpoints.png")
        inspect_its_predictions(program, folder, pictures / "6-inspect.png")
        program.press("ctrl+q")
        program.wait("the program ended", lambda: program.process.poll() is not None)
        assert program.process.returncode == 0
        assert program.complaints() == []
        assert program.own_processes() == []


def test_closing_the_window_during_a_training_keeps_what_was_learnt(
    screen: Screen, tmp_path: Path, pictures: Path
) -> None:
    folder = tmp_path / "plates"
    make_sample_project(folder, 24, 96, seed=2).close()
    with running_program(screen, tmp_path / "program", "open", str(folder)) as program:
        program.page("Train")
        set_recipe(program, epochs=5000)
        program.click("the button that trains", text="Train", role="primary")
        program.wait("a second epoch", lambda: len(events(folder, "epoch")) >= 2 or None, 90)
        before = program.own_processes()
        assert len(before) == 2, "the window and the training"

        program.press("ctrl+q")
        program.click("the way back", text="Cancel")
        seen = len(events(folder, "epoch"))
        program.wait("the training going on", lambda: len(events(folder, "epoch")) > seen or None)

        program.press("ctrl+q")
        program.see("the question", text="Stop and close")
        program.shoot(pictures / "7-closing.png")
        program.click("the consent", text="Stop and close")
        program.wait("the program ended", lambda: program.process.poll() is not None, 15)
        assert program.process.returncode == 0
        assert program.own_processes() == [], "nothing outlives the window"
        assert program.complaints() == []

    assert events(folder, "finished")[-1]["stopped"] is True
    with Project.open(folder) as project:  # not locked
        project.runs.sync_folders()
        (run,) = project.runs.list_runs()
        assert run.state == "stopped"
        last = next(one for one in project.runs.list_checkpoints() if one.id == f"{run.id}-last")
        image = project.image_path(project.images()[0])
    assert last.epoch >= 2
    # Loaded by this process, which is told nothing but the file.
    predictor = load_predictor(last.path)
    found = predictor.predict(predictor.read(image))
    assert found.label_names == SAMPLE_LABELS and np.isfinite(found.scores).all()


# -- the steps of the way ----------------------------------------------------------------------------------------


def create_the_sample(program: Program, folder: Path, images: int) -> None:
    program.click("the way to a sample", name="Sample project")
    program.enter("Folder of the project", str(folder))
    program.enter("Number of images", str(images))
    program.click("the button that creates", text="Create sample")
    program.see("the Label page", text="Label", role="rail", checked=True)
    program.see("the pictures in the list", text="surface-0000.png", **{"class": "cell"})
    with reading(folder) as project:
        assert project.counts().images == images


def draw_a_box_with_two_labels(program: Program, folder: Path, picture: Path) -> None:
    canvas = program.see("the canvas", name="Image with its boxes")
    with reading(folder) as project:
        image = project.images()[0]
        before, labels = project.boxes(image.id), project.labels()
    start, end = free_room(before, image.width, image.height)
    at = program.image_to_screen(canvas)
    program.screen.drag(at(start), at(end))

    drawn = program.wait("the box in the project", lambda: new_box(folder, image.id, before))
    assert drawn.labels == frozenset()
    # The window says whole pixels: the two readings by which the way to the screen is worked out are off by up to a half.
    assert np.allclose(drawn.xyxy, (*start, *end), atol=1.5), (drawn.xyxy, start, end)

    first, second = labels[0], labels[2]
    program.press(first.shortcut, second.shortcut)
    wanted = frozenset({first.id, second.id})
    program.wait("both labels on the box", lambda: new_box(folder, image.id, before).labels == wanted)
    program.see("the set in the list of boxes", text=f"{first.name}, {second.name}", **{"class": "cell"})
    program.wait("both colours at the box", lambda: shows_colors(program, (at(start), at(end)), (first, second)))
    program.shoot_still(picture)


def undo_and_redo(program: Program, folder: Path) -> None:
    with reading(folder) as project:
        image = project.images()[0].id
        after = project.boxes(image)
    program.press("ctrl+z")
    program.wait("one label left", lambda: [len(b.labels) for b in boxes(folder, image)][-1] == 1)
    program.press("ctrl+z", "ctrl+z")
    program.wait("the box gone", lambda: boxes(folder, image) == after[:-1])
    program.press("ctrl+shift+z", "ctrl+shift+z", "ctrl+shift+z")
    program.wait("box and labels back", lambda: boxes(folder, image) == after)


def see_previews_change(program: Program, folder: Path, picture: Path) -> None:
    program.page("Augment")
    grid = program.see("the previews", **{"class": "PreviewGrid"})
    program.see("what became of the boxes", text=re.compile(r"Of \d+ boxes in \d+ .*").fullmatch)
    first = grid.cut(program.still())
    assert colorfulness(first) > 100, "boxes are drawn over the previews"
    program.enter("Rotation", "30")
    program.wait("other previews", lambda: not np.array_equal(grid.cut(program.screen.pixels()), first))
    program.wait("the recipe in the project", lambda: recipe(folder)["augmentation"].get("rotation") == 30)
    program.shoot_still(picture)


def train_two_epochs(program: Program, folder: Path, picture: Path) -> None:
    program.page("Train")
    plots = program.wait("two plots", lambda: program.all(**{"class": "CurvePlot"}))
    assert len(plots) == 2
    empty = program.still()
    set_recipe(program, epochs=2)
    program.click("the button that trains", text="Train", role="primary")
    program.wait("points of steps in the plot", lambda: more_color(program, plots[0], empty), 60)
    program.see("the end of the training", 90, text="Finished")
    assert [event["epoch"] for event in events(folder, "epoch")] == [1, 2]
    assert recipe(folder, run="r001")["sampling"]["input_size"] == 64
    assert recipe(folder, run="r001")["augmentation"]["rotation"] == 30, "the Augment page sets up the training"
    program.see("where it ended", text="epoch 2 of 2")
    # The layout may have moved: what the run came to is now written above the plots.
    plots = program.all(**{"class": "CurvePlot"})
    for plot in plots:
        program.wait("curves in each plot", lambda plot=plot: colorfulness(plot.cut(program.screen.pixels())) > 100)
    program.shoot_still(picture)


def find_the_checkpoint(program: Program, folder: Path, picture: Path) -> None:
    program.page("Checkpoints")
    program.click("the best checkpoint in the table", text="r001-best", **{"class": "cell"})
    program.see("the last one in the table", text="r001-last", **{"class": "cell"})
    assert (folder / "runs" / "r001" / "checkpoints").is_dir()
    program.shoot_still(picture)
    program.press("Return")  # use it for prediction


def inspect_its_predictions(program: Program, folder: Path, picture: Path) -> None:
    program.see("the page Inspect in front", text="Inspect", role="rail", checked=True)
    program.see("the checkpoint chosen", text=lambda text: "r001-best" in text, **{"class": "QComboBox"})
    program.click("the button that predicts", text="Predict")
    with reading(folder) as project:
        looked_at = [Path(image.path).stem for image in project.images() if image.split == "val"]
    program.wait("the images of the split in the list", lambda: names_in_list(program, looked_at), 60)
    program.see("the boxes that were missed", text=re.compile(r"Missed [1-9]\d*").fullmatch)
    slider = program.see("the slider of the threshold", **{"class": "JumpSlider"})
    program.screen.drag(slider.at(slider.entry["value"] / 1000, 0.5), slider.at(0.0, 0.5))
    program.see("the lowest threshold", text="0.000")
    program.see("detections, right or wrong", text=re.compile(r"(Right|False) [1-9]\d*").fullmatch)
    program.shoot_still(picture)


# -- what the steps look at --------------------------------------------------------------------------------------


def reading(folder: Path) -> Project:
    """The project as it is on the disk, while the window has it open."""
    return Project.open(folder, read_only=True)


def boxes(folder: Path, image: int) -> tuple[Box, ...]:
    with reading(folder) as project:
        return project.boxes(image)


def new_box(folder: Path, image: int, before: tuple[Box, ...]) -> Box | None:
    return next(
        (box for box in boxes(folder, image) if box not in before and box.id not in {b.id for b in before}), None
    )


def recipe(folder: Path, run: str = "") -> dict[str, Any]:
    """The recipe that the pages keep, or that of a run."""
    with reading(folder) as project:
        if run:
            project_runs = {record.id: record.recipe for record in project.runs.list_runs()}
            return project_runs[run]
        return project.setting("recipe") or {"augmentation": {}}


def events(folder: Path, kind: str, run: str = "r001") -> list[dict[str, Any]]:
    """The events of one kind that a run has written so far."""
    path = folder / "runs" / run / "events.jsonl"
    lines = path.read_text("utf-8").splitlines(keepends=True) if path.exists() else []
    found = [json.loads(line) for line in lines if line.endswith("\n")]
    return [event for event in found if event["event"] == kind]


def set_recipe(program: Program, epochs: int) -> None:
    """A training that takes seconds and yet finds something: small crops, many steps."""
    for name, value in (("Input size", "64"), ("Epochs", str(epochs)), ("Batch", "4")):
        program.enter(name, value)
    program.enter("Learning rate", "0.003", place=0.3)  # the right end finds one
    for shown in ("64 px", str(epochs), "4", "0.003"):
        program.see(f"{shown} in the form", text=shown)


def names_in_list(program: Program, names: list[str]) -> bool:
    texts = program.texts()
    return bool(names) and all(name in texts for name in names)


def free_room(taken: tuple[Box, ...], width: int, height: int) -> tuple[tuple[float, float], tuple[float, float]]:
    """Two corners of a part of the image without boxes, in its pixels."""
    for y in range(16, height - 100, 8):
        for x in range(16, width - 100, 8):
            if all(b.x2 < x - 4 or b.x1 > x + 84 or b.y2 < y - 4 or b.y1 > y + 64 for b in taken):
                return (x, y), (x + 80.0, y + 60.0)
    raise AssertionError("the image is full of boxes")


def shows_colors(program: Program, corners: Any, labels: tuple[Label, ...]) -> bool:
    """Whether the colours of all labels are drawn along the edges of a box."""
    (x1, y1), (x2, y2) = ((round(x), round(y)) for x, y in corners)
    around = program.screen.pixels()[y1 - 24 : y2 + 24, x1 - 6 : x2 + 6].astype(int)
    wanted = [[int(label.color[at : at + 2], 16) for at in (1, 3, 5)] for label in labels]
    return all((np.abs(around - color).max(axis=2) < 12).sum() > 40 for color in wanted)


def colorfulness(pixels: NDArray[np.uint8]) -> int:
    """How many pixels have a decided colour."""
    return int((pixels.max(axis=2).astype(int) - pixels.min(axis=2) > SPREAD).sum())


def more_color(program: Program, plot: Widget, before: NDArray[np.uint8]) -> bool:
    return colorfulness(plot.cut(program.screen.pixels())) > colorfulness(plot.cut(before)) + 20
