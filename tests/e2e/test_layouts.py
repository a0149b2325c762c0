"""Keyboards whose number row types something else than digits, in the real window."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.program import running_program
from tests.e2e.screen import Screen
from tests.e2e.test_labelling import image_ids, names, unlabelled_project

# What the keys of 1 and 2 type on these layouts.
LAYOUTS = {"fr": ("ampersand", "eacute"), "cz": ("plus", "ecaron"), "us": ("1", "2")}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_number_row_toggles_labels_by_its_place(
    screen: Screen, tmp_path: Path, layout: str, set_layout: None
) -> None:
    folder = unlabelled_project(tmp_path)
    with running_program(screen, tmp_path / "program", "open", str(folder)) as program:
        image = image_ids(folder)[0]
        at = program.image_to_screen(program.see("the canvas", name="Image with its boxes"))
        program.screen.drag(at((20, 30)), at((90, 80)))
        program.wait("a box", lambda: names(folder, image) == [set()])
        program.press(*LAYOUTS[layout])
        program.wait("both labels on it", lambda: names(folder, image) == [{"scratch", "pit"}])
        program.press(LAYOUTS[layout][0])
        program.wait("one label on it", lambda: names(folder, image) == [{"pit"}])
        assert program.complaints() == []


@pytest.fixture
def set_layout(screen: Screen, layout: str) -> Iterator[None]:
    def choose(name: str) -> None:
        subprocess.run(["setxkbmap", name], check=True, timeout=20, env={**os.environ, "DISPLAY": screen.display})

    choose(layout)
    yield
    choose("us")
