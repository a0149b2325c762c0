"""A count with its noun, in one way everywhere: 1 box, 2 boxes, 1,000 images."""

from __future__ import annotations


def format_count(count: int, one: str, many: str | None = None) -> str:
    """A count with its noun, thousands marked. `many`: the noun of several, where it takes more than an s (or es)."""
    return f"{count:,} {one if count == 1 else many or _pluralize(one)}"


def singularize(many: str) -> str:
    """The noun of one, from that of several: batches -> batch, images -> image."""
    short = many.removesuffix("es")
    return short if short != many and _pluralize(short) == many else many.removesuffix("s")


def _pluralize(noun: str) -> str:
    return noun + ("es" if noun.endswith(("x", "ss", "tch", "sh")) else "s")
