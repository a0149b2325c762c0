"""A group of sub-commands of which one may be left out."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup

DEFAULT = "show"
_HELP = ("-h", "--help")


class DefaultGroup(TyperGroup):
    """Runs `show` where the first word names no sub-command: `runs parts r003` is `runs show parts r003`.

    A folder that is called like a sub-command is written `./list`.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # the context's class differs by typer's version
        if not args or (args[0] not in self.commands and args[0] not in _HELP):
            args = [DEFAULT, *args]
        return super().parse_args(ctx, args)
