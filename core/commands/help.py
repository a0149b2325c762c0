"""The help topics on a terminal."""

from __future__ import annotations

import re
from typing import Annotated

import typer
from rich.markdown import Markdown

from core.commands.options import Json
from core.console import out, print_json, print_table
from core.help_topics import find_topic, load_topics

_SENTENCE_END = re.compile(r"(?<=[.?!]) ")
_TOPIC_LINK = re.compile(r"\[([^\]]+)\]\(([\w-]+)\.md(?:#[\w-]*)?\)")


def show_help(
    topic: Annotated[str | None, typer.Argument(metavar="[TOPIC]", help="One of the topics that are listed.")] = None,
    json: Json = False,
) -> None:
    """Read a help topic; without one, list them."""
    if topic is None:
        _list_topics(json=json)
        return
    found = find_topic(topic)
    if json:
        print_json({"name": found.name, "title": found.title, "text": found.text})
    elif out.is_terminal:
        out.print(Markdown(_TOPIC_LINK.sub(r"\1 (*help \2*)", found.text), hyperlinks=False))
    else:
        # As it is written: for pipes and files, in whatever width they are read.
        print(found.text, end="")


def _list_topics(*, json: bool) -> None:
    topics = load_topics()
    if json:
        print_json({"topics": [{"name": one.name, "title": one.title, "about": one.about} for one in topics]})
        return
    print_table(("topic", "what it is about"), [(one.name, _SENTENCE_END.split(one.about, 1)[0]) for one in topics])
