"""What the user reads is written in one way, held over the source: counts, quotes, names of things."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.models.registry import MODELS
from core.terms import MAP, MAP50, STUDY, TERMS

ROOT = Path(__file__).parents[1]
NOUN = re.compile(
    r" ((more|other|new|validation|training) )?"
    r"(images?|boxe?s?|labels?|files?|epochs?|runs?|steps?|edits?|detections?|defects|pictures?|annotations|checkpoints?)\b"
)
# Of what is counted: a length, or a field that holds a number of images or boxes.
COUNT = re.compile(r"len\(.*\)|.*\.(images|boxes|train_images|val_images|val_boxes|box_count|epochs)")
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


def other_names(text: str) -> list[str]:
    """What a text calls things that have another name."""
    return [
        found[0]
        for term in TERMS
        for pattern in term.never
        for found in re.finditer(rf"(?<![\w@]){pattern}(?!\w)", text)
    ]


@pytest.mark.parametrize("room", ["core", "desktop"])
def test_a_thing_has_one_name(room: str) -> None:
    """By the table of terms: guides are no crosshair, and mAP@0.5 is not written in another way elsewhere."""
    texts = ((where, str(text.value)) for where, text in find_texts(room) if isinstance(text, ast.Constant))
    found = [
        (where, name) for where, text in texts if not where.startswith("core/terms.py") for name in other_names(text)
    ]
    # Names of attributes and settings have no capital and no space.
    assert not [(where, name) for where, name in found if not name.isidentifier() or name[0].isupper()]


@pytest.mark.parametrize(
    "path", [*sorted((ROOT / "resources" / "help").glob("*.md")), ROOT / "README.md"], ids=lambda p: p.name
)
def test_the_help_calls_things_as_the_window_does(path: Path) -> None:
    assert not other_names(path.read_text("utf-8"))


@pytest.mark.parametrize(
    "other", ["mAP@.5", "mAP50", "mAP@0.50", "mAP50-95", "mAP@.5:.95", "Miss", "Compare strategies…"]
)
def test_other_names_are_found(other: str) -> None:
    assert other_names(f"best {other}, 3")
    assert not other_names(f"{MAP50} and {MAP}, Missed, map50, AP@0.5, mAP@0.75, {STUDY}")


def test_the_help_names_each_model_as_the_window_and_as_a_recipe_do() -> None:
    table = (ROOT / "resources" / "help" / "models.md").read_text("utf-8")
    missing = [name for name, model in MODELS.items() if f"| {model.title} | `{name}` |" not in table]
    assert not missing


def test_what_the_window_quotes_stands_in_curly_quotes() -> None:
    texts = ((where, str(text.value)) for where, text in find_texts("desktop") if isinstance(text, ast.Constant))
    markup = re.compile(r"[<{=\\]")
    assert not [
        f"{where}: {text}" for where, text in texts if not markup.search(text) and LOOSE_QUOTES.search(f" {text}")
    ]
