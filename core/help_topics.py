"""The help topics of `resources/help`, for the command line and the window: their texts, sections and a search."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from itertools import pairwise

from core.errors import InputError

# In the order in which a new user meets them.
NAMES = (
    "start",
    "keys",
    "command-line",
    "recipes",
    "models",
    "strategies",
    "runs",
    "clusters",
    "files",
    "accuracy",
    "troubleshooting",
    "glossary",
    "decisions",
)
EXCERPT = 100  # characters of a hit's surroundings
_HEADING = re.compile(r"^(#{1,3}) (.+)$", re.MULTILINE)
_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[([^\]]+)\]\([^)]*\)")
_MARKS = re.compile(r"[*`|#]+|^[-:| ]+$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Topic:
    """One page of the help, in Markdown. Its first line is its title, its first paragraph says what it is about."""

    name: str
    text: str

    @property
    def title(self) -> str:
        return self.text.split("\n", 1)[0].removeprefix("# ")

    @property
    def about(self) -> str:
        return plain_text(self.text.split("\n\n")[1]).replace("\n", " ")


@dataclass(frozen=True, slots=True)
class Section:
    """A heading of a topic and the text below it, without Markdown's signs."""

    topic: str
    title: str
    anchor: str  # empty for the topic itself, before its first heading
    text: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A section that holds all words of a search."""

    section: Section
    excerpt: str


@cache
def load_topics() -> tuple[Topic, ...]:
    folder = files("resources") / "help"
    return tuple(Topic(name, (folder / f"{name}.md").read_text("utf-8")) for name in NAMES)


def find_topic(name: str) -> Topic:
    """The topic called `name`. Raises InputError that names the near ones."""
    wanted = name.casefold().removesuffix(".md").replace("_", "-").replace(" ", "-")
    for topic in load_topics():
        if wanted in (topic.name, topic.title.casefold().replace(" ", "-")):
            return topic
    near = [one for one in NAMES if wanted and (one.startswith(wanted) or wanted in one)]
    near = near or get_close_matches(wanted, NAMES, n=3, cutoff=0.6)
    raise InputError(f"help: there is no topic {name!r}; choose one of {', '.join(near or NAMES)}")


def anchor_of(heading: str) -> str:
    """The name by which links point at a heading, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", plain_text(heading).casefold()).strip().replace(" ", "-")


def plain_text(markdown: str) -> str:
    """Text without Markdown's signs and the targets of links."""
    return _MARKS.sub("", _LINK.sub(r"\1", markdown)).strip()


@cache
def load_sections() -> tuple[Section, ...]:
    return tuple(section for topic in load_topics() for section in split_sections(topic))


def split_sections(topic: Topic) -> list[Section]:
    fences = [range(*fence.span()) for fence in _FENCE.finditer(topic.text)]  # a comment of a shell is no heading
    headings = [one for one in _HEADING.finditer(topic.text) if not any(one.start() in fence for fence in fences)]
    ends = [(one, following.start()) for one, following in pairwise(headings)] + [(headings[-1], len(topic.text))]
    return [
        Section(
            topic.name,
            plain_text(heading[2]),
            "" if heading[1] == "#" else anchor_of(heading[2]),
            plain_text(topic.text[heading.end() : end]),
        )
        for heading, end in ends
    ]


def search_topics(query: str) -> list[Hit]:
    """Sections in which a word begins with each word of `query`: those with it in the heading first, then by number."""
    words = [
        re.compile(rf"\b{re.escape(word)}" if word[0].isalnum() else re.escape(word), re.I) for word in query.split()
    ]
    if not words:
        return []
    found: list[tuple[int, Hit]] = []
    for section in load_sections():
        if all(word.search(section.title) or word.search(section.text) for word in words):
            weight = sum(
                100 * bool(word.search(section.title)) + min(len(word.findall(section.text)), 20) for word in words
            )
            found.append((weight, Hit(section, _cut_excerpt(section.text, words))))
    return [hit for _, hit in sorted(found, key=lambda one: -one[0])]


def _cut_excerpt(text: str, words: list[re.Pattern[str]]) -> str:
    """The surroundings of the first of `words` in `text`, in one line."""
    line = " ".join(text.split())
    places = [found.start() for word in words if (found := word.search(line))]
    start = max(0, min(places, default=0) - EXCERPT // 3)
    start = line.find(" ", start) + 1 if start else 0
    cut = line[start : start + EXCERPT]
    return f"{'… ' if start else ''}{cut}{' …' if start + EXCERPT < len(line) else ''}"
