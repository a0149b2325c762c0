"""Groups by a regular expression of the user's own, which may take for ever: it runs apart, with a time limit."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import warnings
from collections.abc import Sequence

from core.errors import InputError

SECONDS = 3.0  # for all paths together; 100,000 take a sound expression less than one
MAX_EXPRESSION = 500  # characters

# Nothing in the interpreter can stop its `re` module once it has begun, so it works in a process that can be ended.
_APART = """
import json, re, sys
asked = json.load(sys.stdin.buffer)
search = re.compile(asked["expression"]).search
found = (search(path) for path in asked["paths"])
json.dump([match["group"] if match else None for match in found], sys.stdout)
"""


def by_expression(paths: Sequence[str], expression: str, seconds: float = SECONDS) -> list[str | None]:
    """The group of each path: what `(?P<group>...)` finds in it; None where nothing, or nothing but space, is found.

    Raises InputError if the expression is wrong, has no such group, or takes longer than `seconds`.
    """
    check_expression(expression)
    asked = json.dumps({"expression": expression, "paths": list(paths)}).encode()
    try:
        ended = subprocess.run(
            [sys.executable, "-I", "-S", "-c", _APART],
            input=asked,
            capture_output=True,
            timeout=seconds,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except subprocess.TimeoutExpired as error:
        raise InputError(
            f"expression: it takes longer than {seconds:g} s on these names; "
            "avoid repeats inside repeats, such as (a+)+, and several .* in a row"
        ) from error
    if ended.returncode:
        reason = ended.stderr.decode("utf-8", "replace").strip().splitlines() or ["no word"]
        raise InputError(f"expression: it could not be tried on these names ({reason[-1]}); use a simpler one")
    return [name.strip() or None if name else None for name in json.loads(ended.stdout)]


def check_expression(expression: str) -> None:
    """Raises InputError if `expression` is no regular expression with a group named group."""
    if len(expression) > MAX_EXPRESSION:
        raise InputError(f"expression: it is longer than {MAX_EXPRESSION} characters; shorten it")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # of a syntax that may change one day
            compiled = re.compile(expression)
    except (re.error, OverflowError, RecursionError) as error:
        raise InputError(f"expression: {error}; see the example (?P<group>[^_]+)_") from error
    if "group" not in compiled.groupindex:
        raise InputError("expression: it has no (?P<group>…); put it around the part that names the group")
