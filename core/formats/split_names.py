"""Which split the name of a file or folder tells of: train2017, valid, instances_test.json."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePath

_SPLITS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
}
_IN_STEM = re.compile(r"(?:^|[^a-z])(training|train|validation|valid|val|testing|test)(?:[^a-z]|$)")
_FOLDER = re.compile(r"([a-z]+)[ _.-]?\d*")


def find_folder_split(name: str) -> str:
    """The split that a folder of this name holds, such as train2017; empty for any other folder."""
    found = _FOLDER.fullmatch(name.lower())
    return _SPLITS.get(found[1], "") if found else ""


def find_split(folders: Sequence[str], stem: str = "") -> str:
    """The split that a path tells of: its last folder that is one, or else the stem of its file."""
    for name in reversed(folders):
        if split := find_folder_split(name):
            return split
    found = _IN_STEM.search(stem.lower())
    return _SPLITS[found[1]] if found else ""


def find_split_of_folder(file: PurePath, top: PurePath) -> str:
    """The split that a file below `top` is for by the folders between them, or by the one that it lies in."""
    folders = list(file.parent.relative_to(top).parts) if file.is_relative_to(top) else []
    return find_split(folders or [file.parent.name])


def find_file_split(file: PurePath, top: PurePath) -> str:
    """The split that an annotation file below `top` is for: by its folders below `top` and the one it lies in."""
    folders = list(file.parent.relative_to(top).parts) if file.is_relative_to(top) else []
    return find_split(folders or [file.parent.name], file.stem)
