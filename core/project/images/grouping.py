"""Groups from where files lie or what they are called: which group each image would get, before anything is changed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from core.errors import InputError
from core.project.images.image_files import natural_key

EXAMPLES = 3  # files that stand for a group in a preview
PROJECT_FOLDER = "(project)"  # in the names of groups, where others lie outside of it
MAX_PATTERN = 200  # characters
PATTERN_HELP = (
    "{group} names the group, {*} is any text, {#} a number; {group:4}, {*:4} and {#:4} stand for exactly "
    "four characters. Text parts take as little as they can. Several {group} parts are joined by a space."
)
Path = str  # as the project stores it, with "/" between the parts
Rule = Callable[[Path], "str | None"]  # the group of a path, or None where the rule says nothing
Grouper = Callable[[Sequence[Path]], Sequence["str | None"]]  # the same of many paths at once


@dataclass(frozen=True, slots=True)
class Proposal:
    """One group that would be made."""

    name: str
    count: int  # of images
    examples: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Grouping:
    """What a rule makes of some images."""

    groups: Mapping[int, str]  # by image id; images that the rule says nothing about are not in it
    proposals: tuple[Proposal, ...]  # in natural order of the names
    unmatched: Proposal  # what the rule says nothing about; its name is empty


def collect_groups(paths: Mapping[int, Path], names: Sequence[str | None]) -> Grouping:
    """Put together what a rule said, `names`, about the images `paths`, in their order."""
    groups: dict[int, str] = {}
    members: dict[str | None, list[Path]] = {}
    for (image_id, path), name in zip(paths.items(), names, strict=True):
        members.setdefault(name, []).append(path)
        if name is not None:
            groups[image_id] = name
    proposals = [_make_proposal(name, found) for name, found in members.items() if name is not None]
    proposals.sort(key=lambda proposal: (natural_key(proposal.name), proposal.name))
    return Grouping(groups, tuple(proposals), _make_proposal("", members.get(None, [])))


def _make_proposal(name: str, paths: Sequence[Path]) -> Proposal:
    return Proposal(name, len(paths), tuple(path.rsplit("/", 1)[-1] for path in paths[:EXAMPLES]))


# By folder


def folder_levels(paths: Sequence[Path]) -> list[str]:
    """One example of a group for each number of folders, from 1, below the folder that all of `paths` share."""
    parts = _split_folders(paths)
    shared = _count_shared_folders(parts)
    deepest = max(parts, key=len, default=[])
    return ["/".join(deepest[shared : shared + level]) for level in range(1, len(deepest) - shared + 1)]


def by_folder(paths: Sequence[Path], levels: int) -> list[str | None]:
    """The group of each path: its first `levels` folders below the folder that all share.

    None for a file that lies in the shared folder itself. Counted from the top, so that `lot1/board1` and
    `lot2/board1` never fall into one group.
    """
    parts = _split_folders(paths)
    shared = _count_shared_folders(parts)
    return ["/".join(folders[shared : shared + levels]) or None for folders in parts]


def _split_folders(paths: Sequence[Path]) -> list[list[str]]:
    """The folders of each path. Where files lie outside the project, ".." is no folder to group by: the folders above
    the project are counted from the top, and those that the paths do not name have a name in brackets.
    """
    parts = [path.split("/")[:-1] for path in paths]
    above = [sum(name == ".." for name in folders) for folders in parts]
    most = max(above, default=0)
    unnamed = ["(above)"] * (most - 1) + [PROJECT_FOLDER] * (most > 0)
    return [
        ["/" + folders[1], *folders[2:]]
        if folders[:1] == [""] and folders[1:]
        else unnamed[: most - ups] + [name for name in folders if name != ".."]
        for folders, ups in zip(parts, above, strict=True)
    ]


def _count_shared_folders(parts: Sequence[list[str]]) -> int:
    """How many leading folders all have in common."""
    if not parts:
        return 0
    first, last = min(parts), max(parts)
    count = 0
    while count < min(len(first), len(last)) and first[count] == last[count]:
        count += 1
    return count


# By pattern

_FIELD = re.compile(r"\{([^{}]*)\}")
_KINDS = {"group": r"[^/]", "*": r"[^/]", "#": r"[0-9]"}
_OPEN = {"group": "+?", "*": "*?", "#": "++"}  # how far a part without a width goes


def pattern_rule(pattern: str) -> Rule:
    """A rule from a pattern such as `{group}_{*}.jpg`; see PATTERN_HELP.

    It must fit the whole file name, or with "/" in it the end of the path. Upper and lower case are the same.
    No pattern takes long: a part with its text up to the next open part is decided once, never again.
    Raises InputError naming what is wrong with the pattern.
    """
    if not pattern.strip():
        raise InputError("pattern: it is empty; write the file name with {group} for the part that names the group")
    if len(pattern) > MAX_PATTERN:
        raise InputError(f"pattern: it is longer than {MAX_PATTERN} characters; shorten it")
    expression, count = _compile_pattern(pattern)
    matches = re.compile(expression, re.IGNORECASE).match
    depth = pattern.count("/") + 1

    def rule(path: Path) -> str | None:
        found = matches("/".join(path.split("/")[-depth:]))
        if found is None:
            return None
        return " ".join(found[f"g{number}"] for number in range(count)).strip() or None

    return rule


def _compile_pattern(pattern: str) -> tuple[str, int]:
    """(regular expression, number of its groups)."""
    written: list[str] = []  # one entry an open part with what follows it
    current, count, before, last, end = "", 0, "", "", 0
    for field in _FIELD.finditer(pattern):
        text = pattern[end : field.start()]
        _check_text(text)
        kind, width = _parse_field(field[1])
        variable = "" if width else "#" if kind == "#" else "text"
        if not text and variable and variable == last:
            raise InputError(
                f"pattern: nothing tells where {before} ends and {field[0]} begins; "
                "put the text between them, or a width such as {#:4}"
            )
        current += re.escape(text)
        if kind != "#" and not width:
            written.append(current)
            current = ""
        part = _KINDS[kind] + (f"{{{width}}}" if width else _OPEN[kind])
        if kind == "group":
            part = f"(?P<g{count}>{part})"
            count += 1
        current += part
        before, last, end = field[0], variable, field.end()
    _check_text(pattern[end:])
    if not count:
        raise InputError("pattern: it has no {group}; put it where the name of the group stands")
    # Atomic but for the last one, which the end of the name decides.
    first, *others = [*written, current + re.escape(pattern[end:])]
    body = "".join(f"(?>{segment})" for segment in others[:-1]) + "".join(others[-1:])
    return rf"{first}{body}\Z", count


def _parse_field(field: str) -> tuple[str, int]:
    """(kind, width or 0) of what stands between braces."""
    kind, colon, width = field.partition(":")
    if kind not in _KINDS:
        raise InputError(
            f"pattern: there is no {{{field}}}; use {{group}}, {{*}} and {{#}}, such as {{group}}_{{*}}.jpg"
        )
    if not colon:
        return kind, 0
    if not (width.isascii() and width.isdecimal() and 0 < int(width) < 256):
        raise InputError(f"pattern: {{{field}}} needs a number of characters from 1 to 255 after the colon")
    return kind, int(width)


def _check_text(text: str) -> None:
    for brace, other in (("{", "}"), ("}", "{")):
        if brace in text:
            raise InputError(f"pattern: a “{brace}” has no “{other}”; braces enclose {{group}}, {{*}} and {{#}}")
