"""The shape of the code, counted: imports stay in their rooms, names are verbs with objects, tests use public ways.

`python -m tests.test_structure` prints the figures.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

ROOT = Path(__file__).parents[1]
SHARED = ("base", "kit")  # rooms that are there to be imported: whoever builds on them leaves no room of its own
PRIVATE = re.compile(r"(?<!self)(?<!cls)\._[a-z]\w*")


def parsed_modules(package: str) -> dict[str, ast.Module]:
    """Syntax trees of a package's files, by dotted name."""
    files = (ROOT / package).rglob("*.py")
    return {
        ".".join(file.relative_to(ROOT).with_suffix("").parts): ast.parse(file.read_text("utf-8")) for file in files
    }


def find_imports(package: str) -> set[tuple[str, str]]:
    """Which module of a package imports which other of it."""
    modules = parsed_modules(package)
    found: set[tuple[str, str]] = set()
    for importer, tree in modules.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module is not None:
                names = (f"{node.module}.{alias.name}" for alias in node.names)
                found |= {(importer, name if name in modules else node.module) for name in names}
    return {(importer, imported) for importer, imported in found if imported in modules}


def room_of(module: str) -> str | None:
    """The room that a module lies in; None for one that lies beside the rooms, such as desktop.app."""
    parts = module.split(".")
    return parts[1] if len(parts) > 2 else None


def share_inside_rooms() -> float:
    """The share of imports between files in rooms of the window that stay in their room."""
    pairs = [(room_of(importer), room_of(imported)) for importer, imported in find_imports("desktop")]
    counted = [(a, b) for a, b in pairs if a is not None and b is not None and a not in SHARED and b not in SHARED]
    return sum(a == b for a, b in counted) / len(counted)


def count_arrows(package: str) -> int:
    """How many pairs of rooms there are of which one imports the other. A module beside the rooms counts as one."""
    rooms = {tuple(name.split(".")[1] if "." in name else name for name in pair) for pair in find_imports(package)}
    return sum(a != b for a, b in rooms)


def function_names(package: str) -> Iterator[str]:
    """The names of all functions and methods, but for those that Python gives a meaning."""
    for node in chain.from_iterable(map(ast.walk, parsed_modules(package).values())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("__"):
            yield node.name


def share_of_one_word_names(package: str) -> float:
    """The share of functions whose name is one word. Names that Qt gives, such as mousePressEvent, are several."""
    names = list(function_names(package))
    return sum("_" not in name.strip("_") and name.islower() for name in names) / len(names)


def count_private_reaches() -> int:
    """How often tests reach for a private attribute of something else than themselves."""
    return sum(len(PRIVATE.findall(file.read_text("utf-8"))) for file in (ROOT / "tests").rglob("*.py"))


def test_imports_of_the_window_stay_in_their_rooms() -> None:
    assert share_inside_rooms() >= 0.85


def test_functions_are_named_by_a_verb_and_its_object() -> None:
    assert share_of_one_word_names("core") < 0.45
    assert share_of_one_word_names("desktop") < 0.45


def test_tests_use_public_ways() -> None:
    assert count_private_reaches() < 150


def test_no_line_keeps_the_formatter_away() -> None:
    mark = "fmt: " + "skip"
    for package in ("core", "desktop", "tests"):
        assert [file for file in (ROOT / package).rglob("*.py") if mark in file.read_text("utf-8")] == []


if __name__ == "__main__":
    print(f"imports that stay in their room of desktop/, base and kit apart: {share_inside_rooms():.1%}")
    for package in ("desktop", "core"):
        print(
            f"{package}: arrows between rooms {count_arrows(package)}, one-word names {share_of_one_word_names(package):.1%}"
        )
    print(f"private reaches from tests: {count_private_reaches()}")
