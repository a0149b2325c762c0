"""A recipe as YAML to be edited: writing it, reading it, and the line at which something is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml
from pydantic import ValidationError

from core.errors import InputError
from core.recipe.recipe import Recipe, with_defaults
from desktop.train.recipe.recipe_model import RecipeProblem

_ORDINARY = "Value error, "


class _Dumper(yaml.SafeDumper):
    """Blocks for the parts of a recipe, one line for lists."""

    def represent_items(self, value: Any) -> yaml.Node:
        plain = all(isinstance(one, int | float | str) for one in value)
        return self.represent_sequence("tag:yaml.org,2002:seq", value, flow_style=plain)


_Dumper.add_representer(list, _Dumper.represent_items)
_Dumper.add_representer(tuple, _Dumper.represent_items)


def to_text(tree: Recipe | Mapping[str, Any]) -> str:
    """A recipe, or plain values that may not be one, as YAML with an empty line between its parts."""
    values = tree.model_dump() if isinstance(tree, Recipe) else dict(tree)
    text = ""
    for name, value in values.items():
        dumped = yaml.dump({name: value}, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1000)
        text += ("\n" if text and isinstance(value, dict) else "") + dumped
    return text


def from_text(text: str) -> Recipe | list[RecipeProblem]:
    """The recipe that a YAML text says, or all that is wrong with it, by line.

    What the text does not name comes from the model's defaults, as in a recipe file.
    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        tree = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        return [RecipeProblem(mark.line + 1 if mark else 1, f"not YAML: {error.problem or error.context}")]
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: a date that is none
        return [RecipeProblem(1, f"not YAML: {str(error).splitlines()[0]}")]
    if not isinstance(tree, dict) or not isinstance(root, yaml.MappingNode):
        return [RecipeProblem(1, "a recipe is a list of settings such as 'model: ssd_compact'")]
    if twice := _find_repeated(root):
        return [twice]
    try:
        return Recipe.model_validate(with_defaults(tree, "recipe"))
    except ValidationError as error:
        return sorted((_locate_problem(entry, root) for entry in error.errors()), key=lambda problem: problem.line)
    except InputError as error:
        return [
            RecipeProblem(
                _line_of(root, ["model"]), str(error).removeprefix("recipe: ").removeprefix("model: "), "model"
            )
        ]


def _locate_problem(entry: Any, root: yaml.MappingNode) -> RecipeProblem:
    place = [str(part) for part in entry["loc"]]
    text = str(entry["msg"]).removeprefix(_ORDINARY)
    front, colon, rest = text.partition(": ")
    if colon and front.replace(".", "").replace("_", "").isalnum() and " " not in front:
        # A rule over several settings names the one that it means.
        place, text = [*place, *front.split(".")], rest
    if entry["type"] == "extra_forbidden":
        text = "there is no such setting"
    return RecipeProblem(_line_of(root, place), text, ".".join(place))


def _line_of(root: yaml.Node, place: list[str]) -> int:
    """The line of a setting; of the part that it belongs to where the text does not name it."""
    node, line = root, root.start_mark.line
    for name in place:
        if isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if key.value == name), None)
            if found is None:
                break
            line, node = found[0].start_mark.line, found[1]
        elif isinstance(node, yaml.SequenceNode) and name.isdecimal() and int(name) < len(node.value):
            node = node.value[int(name)]
            line = node.start_mark.line
        else:
            break
    return line + 1


def _find_repeated(root: yaml.MappingNode, under: str = "") -> RecipeProblem | None:
    """A setting that is named twice: YAML would take the last one without a word."""
    seen: set[str] = set()
    for key, value in root.value:
        name = f"{under}{key.value}"
        if name in seen:
            return RecipeProblem(key.start_mark.line + 1, "named twice; keep one of the two", name)
        seen.add(name)
        # No setting lies deeper; a text whose parts contain themselves would have no end.
        deep = name.count(".") >= 3
        if isinstance(value, yaml.MappingNode) and not deep and (inner := _find_repeated(value, f"{name}.")):
            return inner
    return None
