"""The maps of the code name what is there: every path, and the names that follow it; and they leave no room out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAPS = ("core/README.md", "desktop/README.md", "tests/README.md", ".github/CONTRIBUTING.md")
PATH = re.compile(r"`((?:core|desktop|tests|resources|\.ci)/[\w./-]*|pyproject\.toml)`")
NAMED = re.compile(r"`([\w./-]+\.py)`\s+\(((?:`\w+`(?:,\s+)?)+)\)")


def text_of(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


@pytest.mark.parametrize("name", MAPS)
def test_every_path_in_a_map_exists(name: str) -> None:
    paths = PATH.findall(text_of(name))
    assert paths
    assert not [path for path in paths if not (ROOT / path).exists()]


@pytest.mark.parametrize("name", MAPS)
def test_the_names_behind_a_path_are_in_that_file(name: str) -> None:
    for path, names in NAMED.findall(text_of(name)):
        source = text_of(path)
        for one in re.findall(r"\w+", names):
            assert re.search(rf"^\s*(?:class|def) {one}\b|^{one}\b", source, re.MULTILINE), f"{path}: {one}"


@pytest.mark.parametrize("package", ["core", "desktop"])
def test_no_room_is_left_out(package: str) -> None:
    rooms = {path.parent.relative_to(ROOT).as_posix() + "/" for path in (ROOT / package).glob("*/__init__.py")}
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / package).glob("*.py")} - {f"{package}/__init__.py"}
    assert not (rooms | modules) - set(PATH.findall(text_of(f"{package}/README.md")))
