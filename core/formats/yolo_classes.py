"""The classes of a YOLO data set: data.yaml, classes.txt, or obj.data and obj.names as darknet and CVAT write them."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

import numpy as np
import yaml

from core.errors import InputError
from core.formats.collecting import MAX_LABELS
from core.formats.image_index import fold, is_for_annotations
from core.formats.text import quote_short, read_utf8
from core.formats.yolo_layout import CLASSES, DATA, choose_class_file, find_class_files, find_home, is_class_list

_MAX_DEPTH = 100  # open brackets in a data.yaml; those in use have one or two
_TOO_DEEP = f"nested deeper than {_MAX_DEPTH} levels"
_MAX_YAML = 2**18


def is_data_file(path: Path) -> bool:
    """True if a YAML file names classes. Raises InputError if it is no YAML."""
    return "names" in read_yaml(path)


@dataclass(frozen=True, slots=True)
class Classes:
    """What a data set is made of, before its images are looked for."""

    home: Path  # the folder that names of images and labels start at
    names: dict[int, str]  # by number
    tree: dict[str, Any]  # of data.yaml or obj.data; empty if there is none
    file: Path  # that it was read from


def read_classes(path: Path) -> Classes:
    """The classes of a data set by its folder, its data.yaml, or a list of classes. Raises InputError."""
    if path.is_dir():
        return _find_classes(path)
    if path.suffix.lower() in (".yaml", ".yml"):
        return _read_data_file(path, path.parent)
    if path.suffix.lower() == ".data":
        return _read_darknet(path)
    lists = [path] if is_class_list(path.name) else [file for file in path.parent.iterdir() if is_class_list(file.name)]
    if not lists:
        raise InputError(f"{path}: there is no {CLASSES} beside it that names its classes; choose a data.yaml")
    return _read_class_list(lists[0], find_home(lists[0]))


def _find_classes(folder: Path) -> Classes:
    """Of what lies in the folder, below it, or beside a folder of labels."""
    for top in dict.fromkeys([folder, folder.parent if is_for_annotations(folder.name) else folder]):
        tables, lists = find_class_files(top)
        faults: list[InputError] = []
        named = []
        for file in tables:
            try:
                tree = read_yaml(file)
            except InputError as error:
                faults.append(error)
                continue
            if "names" in tree:
                named.append(file)
        if not named and faults and not lists:
            raise faults[0]
        home = folder if top == folder else top
        if named and (not lists or len(named[0].parts) <= len(lists[0].parts)):
            return _read_data_file(choose_class_file(top, named, "name classes"), home)
        if lists:
            file = choose_class_file(top, lists, "list classes")
            return _read_class_list(
                file, home if file.is_relative_to(home) and file.parent != home else find_home(file)
            )
    raise InputError(
        f"{folder}: there is no file in it that names its classes; add a {DATA}, or a {CLASSES} with a class a line"
    )


def _read_data_file(file: Path, home: Path) -> Classes:
    tree = read_yaml(file)
    # As the export of a project without labels says it.
    has_none = "names" in tree and not tree["names"] and str(tree.get("nc")) == "0"
    names = {} if has_none else _parse_names(file, tree.get("names"))
    if home == file.parent and _leads_up(file, tree):
        home = home.parent
    return Classes(home, names, tree, file)


def _leads_up(file: Path, tree: dict[str, Any]) -> bool:
    """True if the images lie beside the folder of data.yaml, and are there."""
    places = []
    for key in ("train", "val", "valid", "test"):
        value = tree.get(key)
        places += [place for place in (value if isinstance(value, list) else [value]) if isinstance(place, str)]
    base = str(tree.get("path") or ".")
    for place in places:
        if any("\0" in text or text.startswith(("/", "\\")) for text in (base, place)):
            continue
        way = Path(os.path.normpath(file.parent / base.replace("\\", "/") / place.replace("\\", "/")))
        if not way.is_relative_to(file.parent) and way.is_relative_to(file.parent.parent) and way.exists():
            return way != file.parent.parent
    return False


def _read_class_list(file: Path, home: Path) -> Classes:
    lines = read_text(file, _MAX_YAML, "a list of classes").split("\n")
    names = {number: line.strip() for number, line in enumerate(lines) if line.strip()}
    if not names:
        raise InputError(f"{file}: it names no class; write one on each line")
    tree = next((_read_pairs(data) for data in sorted(file.parent.glob("*.data"))), {})
    return Classes(home, names, tree, file)


def _read_darknet(file: Path) -> Classes:
    """By obj.data of darknet, as CVAT writes it: the list of classes lies below, wherever the file says."""
    wanted = PurePosixPath(_read_pairs(file).get("names", "").replace("\\", "/")).name
    lists = [found for found in find_class_files(file.parent)[1] if not wanted or fold(found.name) == fold(wanted)]
    if not lists:
        raise InputError(f"{file}: there is no {wanted or 'obj.names'} beside it that names its classes")
    return _read_class_list(lists[0], file.parent)


def _read_pairs(file: Path) -> dict[str, str]:
    lines = read_text(file, _MAX_YAML, "a data file of darknet").splitlines()
    return {key.strip(): value.strip() for key, sign, value in (line.partition("=") for line in lines) if sign}


class _TextLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc] # libyaml's is ten times as fast
    """Leaves every plain scalar the text that it is: YAML 1.1 takes `no` for False, `010` for 8 and `12:30` for 750."""

    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}


def read_yaml(path: Path) -> dict[str, Any]:
    text = read_text(path, _MAX_YAML, "a data.yaml of YOLO")
    try:
        tree = yaml.load(text, _TextLoader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise InputError(f"{path}: not a data.yaml of YOLO ({_yaml_fault(text, error)}); check it") from error
    if _bracket_depth(text) > _MAX_DEPTH:
        raise InputError(f"{path}: not a data.yaml of YOLO ({_TOO_DEEP}); check it")
    if not isinstance(tree, dict):
        raise InputError(f"{path}: not a data.yaml of YOLO (it holds no names)")
    return tree


def _yaml_fault(text: str, error: Exception) -> str:
    """Why a text is no YAML. Parsers differ in how deep they follow and in what they say then: that limit is ours."""
    if _bracket_depth(text) > _MAX_DEPTH:
        return _TOO_DEEP
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).partition("\n")[0]
    return f"not YAML{f' in line {mark.line + 1}' if mark is not None else ''}: {problem}"


def _bracket_depth(text: str) -> int:
    """How many brackets of a text are open at once, at most."""
    steps = np.frombuffer(text.encode(), np.uint8)
    opened = np.isin(steps, np.frombuffer(b"[{", np.uint8)).astype(np.int64)
    closed = np.isin(steps, np.frombuffer(b"]}", np.uint8))
    return int(np.cumsum(opened - closed).max(initial=0))


def _parse_names(path: Path, names: Any) -> dict[int, str]:
    if isinstance(names, list):
        names = {str(number): name for number, name in enumerate(names)}
    if not isinstance(names, dict) or not names:
        raise InputError(f"{path}: not a data.yaml of YOLO (it has no list of names)")
    if len(names) > MAX_LABELS:
        raise InputError(f"{path}: it names more than {MAX_LABELS:,} classes; is it the right file?")
    found: dict[int, str] = {}
    for number, name in names.items():
        if not re.fullmatch("[0-9]{1,9}", str(number)) or not isinstance(name, str | int | float):
            raise InputError(
                f"{path}: names: {quote_short(number)}: {quote_short(name)} is no number with a name; mend it"
            )
        found[int(number)] = str(name)  # no text only where a tag says so
    return found


def read_text(path: Path, limit: int, what: str) -> str:
    try:
        return read_utf8(path, limit, what).decode()
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not {what} (not text in UTF-8); save it again") from error
