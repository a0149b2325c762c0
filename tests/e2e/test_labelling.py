"""A morning of labelling in the real window, by mouse and keyboard; then the power goes, and nothing is lost."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np

from core.formats.registry import Format, read_annotations
from core.imaging.decode import decode
from core.project.project import Project
from core.sample import make_sample_project
from core.types import Box, Status
from tests.e2e.program import ROOT, Program, running_program
from tests.e2e.screen import Screen
from tests.e2e.test_whole_way import boxes, reading

IMAGES = 5


def test_a_morning_of_labelling_survives_the_power_cut(screen: Screen, tmp_path: Path, pictures: Path) -> None:
    folder = unlabelled_project(tmp_path)
    with running_program(screen, tmp_path / "program", "open", str(folder)) as program:
        first, second = image_ids(folder)[:2]
        press_drag_and_name_a_new_label(program, folder, first, pictures / "8-picker.png")
        click_click_and_give_two_labels(program, folder, first)
        carry_the_boxes_to_the_next_image(program, folder, first, second)
        step_back_in_the_list_of_edits(program, folder, second, pictures / "9-edits.png")
        review_and_go_on(program, folder, second)
        find_an_action_by_typing(program)
        adjust_the_view_and_no_pixel(program, folder, pictures / "10-adjusted.png")
        kept = {image: boxes(folder, image) for image in image_ids(folder)}
        assert sum(map(len, kept.values())) == 4
        program.process.send_signal(signal.SIGKILL)
        program.process.wait(10)
        assert program.complaints() == []

    with running_program(screen, tmp_path / "program", "open", str(folder)) as program:
        program.see("that the project was checked", text=re.compile(r".*was not closed properly.*", re.S).fullmatch)
        assert {image: boxes(folder, image) for image in image_ids(folder)} == kept
        program.press("ctrl+q")
        program.wait("the program ended", lambda: program.process.poll() is not None)
        assert program.complaints() == []

    exported_and_read_back(folder, tmp_path / "out", kept)


# -- the steps ---------------------------------------------------------------------------------------------------


def unlabelled_project(tmp_path: Path) -> Path:
    """Pictures with defects that nobody has labelled yet."""
    make_sample_project(tmp_path / "source", IMAGES, 256, seed=5).close()
    folder = tmp_path / "Gehäuse Ünit 7"
    with Project.create(folder, ["scratch", "pit"]) as project:
        _, problems = project.files.add_images([tmp_path / "source" / "images"])
        assert problems == []
        assert project.counts().boxes == 0
    return folder


def press_drag_and_name_a_new_label(program: Program, folder: Path, image: int, picture: Path) -> None:
    canvas = program.see("the canvas", name="Image with its boxes")
    at = program.image_to_screen(canvas)
    program.screen.drag(at((20, 30)), at((90, 80)))
    box = program.wait("the box in the project", lambda: only(boxes(folder, image)))
    assert np.allclose(box.xyxy, (20, 30, 90, 80), atol=1.5)
    program.press("Return")
    program.see("the picker", text="Labels of the box")
    program.screen.type("porosity")
    program.shoot_still(picture)
    program.screen.keys("Return")
    program.wait("the new label on the box", lambda: names(folder, image) == [{"porosity"}])


def click_click_and_give_two_labels(program: Program, folder: Path, image: int) -> None:
    canvas = program.see("the canvas", name="Image with its boxes")
    at = program.image_to_screen(canvas)
    program.press("w")
    program.screen.click(*at((120, 130)))
    program.screen.move(*at((150, 160)))
    program.screen.click(*at((200, 190)))
    program.wait("the second box", lambda: len(boxes(folder, image)) == 2)
    program.press("1", "2")
    program.wait("two labels on it", lambda: names(folder, image) == [{"porosity"}, {"scratch", "pit"}])


def carry_the_boxes_to_the_next_image(program: Program, folder: Path, first: int, second: int) -> None:
    program.press("ctrl+a", "ctrl+c", "d")
    program.see("the next image", text=re.compile(r"2 / 5").fullmatch)
    program.image_to_screen(program.see("the canvas", name="Image with its boxes"))
    program.press("ctrl+v")
    program.wait("the boxes at the same places", lambda: shapes(folder, second) == shapes(folder, first))
    assert not {box.id for box in boxes(folder, first)} & {box.id for box in boxes(folder, second)}


def step_back_in_the_list_of_edits(program: Program, folder: Path, image: int, picture: Path) -> None:
    program.press("ctrl+z")
    program.wait("the pasted boxes gone", lambda: boxes(folder, image) == ())
    program.press("ctrl+y")
    program.wait("the pasted boxes back", lambda: len(boxes(folder, image)) == 2)
    tabs = program.see("the tabs", **{"class": "QTabBar"})
    program.screen.click(*tabs.at(0.62, 0.5))
    program.see("the edits by name", text=re.compile(r"Paste 2 boxes.*").match, **{"class": "cell"})
    program.shoot_still(picture)


def review_and_go_on(program: Program, folder: Path, image: int) -> None:
    canvas = program.see("the canvas", name="Image with its boxes")
    program.screen.move(*canvas.at(0.5, 0.5))
    program.press("ctrl+space")
    program.wait("reviewed", lambda: status(folder, image) is Status.REVIEWED)
    program.see("the image after it", text=re.compile(r"3 / 5").fullmatch)


def find_an_action_by_typing(program: Program) -> None:
    program.press("ctrl+k")
    program.screen.type("previous image")
    program.screen.keys("Return")
    program.see("the image before", text=re.compile(r"2 / 5").fullmatch)


def adjust_the_view_and_no_pixel(program: Program, folder: Path, picture: Path) -> None:
    with reading(folder) as project:
        path = project.image_path(project.images()[1])
    before = decode(path)
    canvas = program.see("the canvas", name="Image with its boxes")
    plain = canvas.cut(program.still())
    program.press("b")
    program.see("the panel of the view", text="View adjustment")
    program.click("one channel", text="R")
    program.press("b")  # away with the panel; what it set stays
    program.wait("another look", lambda: not np.array_equal(canvas.cut(program.screen.pixels()), plain))
    program.shoot_still(picture)
    assert np.array_equal(decode(path), before)


def exported_and_read_back(folder: Path, out: Path, kept: dict[int, tuple[Box, ...]]) -> None:
    command = [sys.executable, "-m", "core.cli", "export", str(folder), str(out), "--format", "yolo", "--copy-images"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    found = read_annotations(out, Format.YOLO)
    assert sum(len(image.boxes) for image in found.images) == sum(map(len, kept.values()))
    again = subprocess.run([*command, "--json"], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert again.returncode == 2, "nothing is written over what is there"
    assert again.stdout == "" or not json.loads(again.stdout).get("files")


# -- what they look at -------------------------------------------------------------------------------------------


def image_ids(folder: Path) -> list[int]:
    with reading(folder) as project:
        return project.image_ids()


def names(folder: Path, image: int) -> list[set[str]]:
    with reading(folder) as project:
        by_id = {label.id: label.name for label in project.labels()}
        return [{by_id[label] for label in box.labels} for box in project.boxes(image)]


def shapes(folder: Path, image: int) -> list[tuple[tuple[float, ...], frozenset[int]]]:
    return [(box.xyxy, box.labels) for box in boxes(folder, image)]


def status(folder: Path, image: int) -> Status:
    with reading(folder) as project:
        return project.image(image).status


def only(found: tuple[Box, ...]) -> Box | None:
    return found[0] if len(found) == 1 else None
