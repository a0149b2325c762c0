"""What the user reads is written in one way, held over the source: counts, quotes, names of things."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOUN = re.compile(
    r" ((more|other|new|validation|training) )?"
    r"(images?|boxe?s?|labels?|files?|epochs?|runs?|steps?|edits?|detections?|defects|pictures?|annotations|checkpoints?)\b"
)
# Of what is counted: a length, or a field that holds a number of images or boxes.
COUNT = re.compile(r"len\(.*\)|.*\.(images|boxes|train_images|val_images|val_boxes|box_count|epochs)")
# One name for each thing: what is never said of it.
OTHER_NAMES = re.compile(r"\b(cross-?hairs?|mini-?map|bounding boxe?s?|annotation classes)\b", re.IGNORECASE)
LOOSE_QUOTES = re.compile(r"[‘’`]\w|\w\s\"\w[\w ]*\"")


def find_texts(room: str) -> Iterator[tuple[str, ast.JoinedStr | ast.Constant]]:
    """Every text in the code of a room that is no doc string, with its place."""
    for path in sorted((ROOT / room).rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            where = f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"
            is_text = isinstance(node, ast.JoinedStr) or (
                isinstance(node, ast.Constant) and isinstance(node.value, str)
            )
            if is_text and id(node) not in docs:
                yield where, node


@pytest.mark.parametrize("room", ["core", "desktop"])
def test_a_count_before_its_noun_has_its_thousands_marked(room: str) -> None:
    bare = []
    for where, text in find_texts(room):
        if isinstance(text, ast.JoinedStr):
            for field, after in zip(text.values, text.values[1:], strict=False):
                if isinstance(field, ast.FormattedValue) and isinstance(after, ast.Constant):
                    said = COUNT.fullmatch(ast.unparse(field.value)) and NOUN.match(str(after.value))
                    if said and field.format_spec is None:
                        bare.append(f"{where}: {ast.unparse(field.value)}{after.value}")
    assert not bare


@pytest.mark.parametrize("room", ["core", "desktop"])
def test_a_thing_has_one_name(room: str) -> None:
    """Guides are no crosshair, and the overview is no minimap."""
    texts = ((where, str(text.value)) for where, text in find_texts(room) if isinstance(text, ast.Constant))
    # Names of attributes and settings have no space.
    assert not [f"{where}: {text}" for where, text in texts if " " in text and OTHER_NAMES.search(text)]


def test_what_the_window_quotes_stands_in_curly_quotes() -> None:
    texts = ((where, str(text.value)) for where, text in find_texts("desktop") if isinstance(text, ast.Constant))
    markup = re.compile(r"[<{=\\]")
    assert not [
        f"{where}: {text}" for where, text in texts if not markup.search(text) and LOOSE_QUOTES.search(f" {text}")
    ]
