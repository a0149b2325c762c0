"""The help: every command in it exists, its links lead somewhere, and it is read on the command line as in the window."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
import typer
import yaml

from core.cli import app
from core.commands.default_group import DEFAULT, DefaultGroup
from core.commands.recipes import parse_settings
from core.help_topics import NAMES, find_topic, load_sections, load_topics, search_topics
from core.models.registry import MODELS
from core.recipe.presets import NAMES as PRESETS
from core.recipe.recipe import default_recipe, parse_recipe, with_settings
from core.study.study import STRATEGIES
from tests.core.conftest import Run

ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text("utf-8")
TEXTS = {"README": README, **{topic.name: topic.text for topic in load_topics()}}
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]+\]\(([^)]+)\)")


def commands_in(text: str) -> list[str]:
    """The lines of fenced blocks that call the program, continuations joined, comments cut off."""
    lines = [line for _, block in FENCE.findall(text) for line in block.replace("\\\n", " ").splitlines()]
    lines = [re.sub(r"\s#.*", "", line).removeprefix("uv run ").strip() for line in lines]
    return [line.removeprefix("defectdesk") for line in lines if re.match(r"defectdesk\b", line)]


@pytest.mark.parametrize("name", TEXTS)
def test_every_command_in_the_help_is_understood_by_the_program(name: str) -> None:
    for line in commands_in(TEXTS[name]):
        words, command = shlex.split(line), typer.main.get_command(app)
        while words and hasattr(command, "commands"):
            default = DEFAULT if isinstance(command, DefaultGroup) and words[0] not in command.commands else ""
            command = command.commands[default or words.pop(0)]
        values = command.make_context(command.name, words).params  # refuses options that do not exist
        if values.get("settings"):
            model = str(values.get("model") or "ssd_compact")
            with_settings(default_recipe(model), parse_settings(values["settings"]))


def test_the_help_names_commands_and_the_readme_stays_short() -> None:
    assert len(README.encode()) <= 9_000
    assert len(commands_in(TEXTS["command-line"])) > 30 and commands_in(README)


@pytest.mark.parametrize("name", TEXTS)
def test_every_command_in_a_sentence_exists(name: str) -> None:
    top = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    for first, second in re.findall(r"`(?:uv run )?defectdesk ([a-z-]+)(?: ([a-z-]+))?[^`]*`", TEXTS[name]):
        assert first in top, first
        below = getattr(top[first], "commands", {})
        assert not below or first == "runs" or second in below, f"{first} {second}"


@pytest.mark.parametrize("name", TEXTS)
def test_every_link_leads_to_a_file_a_topic_or_a_heading(name: str) -> None:
    anchors = {(section.topic, section.anchor) for section in load_sections()}
    for target in LINK.findall(TEXTS[name]):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        if name == "README":
            assert (ROOT / path).is_file(), target
            path = Path(path).name
        topic = path.removesuffix(".md") or name
        assert topic in NAMES or name == "README", target
        assert topic not in NAMES or (topic, anchor) in anchors, target


def test_the_recipe_that_is_shown_is_a_recipe() -> None:
    (text,) = [block for kind, block in FENCE.findall(TEXTS["recipes"]) if kind == "yaml"]
    assert parse_recipe(yaml.safe_load(text), "recipes.md").model == "ssdlite320_mobilenet_v3"


@pytest.mark.parametrize("name", ["recipes", "models", "strategies", "accuracy", "clusters", "troubleshooting"])
def test_every_setting_that_is_named_exists(name: str) -> None:
    parts = {
        field: getattr(default_recipe("ssd_compact"), field)
        for field in type(default_recipe("ssd_compact")).model_fields
    }
    for part, setting in re.findall(r"`(\w+)\.(\w+)(?:[=:][^`]*)?`", TEXTS[name]):
        if part in parts:
            assert setting in type(parts[part]).model_fields, f"{part}.{setting}"


def test_every_command_is_named() -> None:
    named = "\n".join(commands_in(TEXTS["command-line"]))
    for name, command in typer.main.get_command(app).commands.items():  # type: ignore[attr-defined]
        assert f" {name}" in named, name
        for below in getattr(command, "commands", {}):
            assert f" {name} {below}" in named or below in ("show", "list"), f"{name} {below}"


def test_models_strategies_and_presets_are_those_of_the_program() -> None:
    for name, spec in MODELS.items():
        size = spec.parameters / 1e6
        row = next(line for line in TEXTS["models"].splitlines() if line.startswith(f"| {spec.title} | `{name}` |"))
        assert f"| {size:.0f} M |" in row or f"| {size:.1f} M |" in row, name
        assert f"at {spec.defaults['sampling.input_size']} |" in row, name
    assert set(re.findall(r"^\| `(\w+)` \| .*$", TEXTS["strategies"], re.MULTILINE)) == set(STRATEGIES)
    presets = TEXTS["recipes"].partition("## Presets")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", presets, re.MULTILINE) == list(PRESETS)


def test_every_script_that_measured_something_is_there() -> None:
    scripts = re.findall(r"^\| `(\w+\.py)` \|", TEXTS["accuracy"], re.MULTILINE)
    assert scripts and not [name for name in scripts if not (ROOT / "tests" / "benchmarks" / name).is_file()]


def test_topics_are_listed_and_read(run: Run) -> None:
    code, out, _ = run("help")
    assert code == 0 and all(name in out for name in NAMES)
    code, out, _ = run("help", "recipes")
    assert code == 0 and out == find_topic("recipes").text  # as it is written, for it is not a terminal
    code, out, _ = run("help", "--json")
    assert [one["name"] for one in json.loads(out)["topics"]] == list(NAMES)


def test_an_unknown_topic_is_refused_with_the_near_ones(run: Run) -> None:
    code, _, error = run("help", "recipies")
    assert code == 2 and error == "help: there is no topic 'recipies'; choose one of recipes\n"
    code, _, error = run("help", "zzz")
    assert code == 2 and error.count("\n") == 1 and all(name in error for name in NAMES)
    assert find_topic("Command line").name == find_topic("command_line").name == "command-line"


def test_the_search_finds_sections_with_all_words_the_headings_first() -> None:
    hits = search_topics("transfer study")
    assert hits and all("transfer" in f"{hit.section.title} {hit.section.text}".casefold() for hit in hits)
    assert search_topics("slurm")[0].section.anchor == "slurm"
    assert not any("Strategies" in hit.section.title for hit in search_topics("rategies"))  # words from their beginning
    assert search_topics("--threshold") and search_topics("C++(") == []
    assert "GroupNorm" in search_topics("groupnorm")[0].excerpt
    assert search_topics("no such words anywhere") == [] and search_topics("  ") == []


def test_a_topic_has_a_title_and_says_what_it_is_about() -> None:
    for topic in load_topics():
        assert topic.text.startswith("# ") and 20 < len(topic.about) < 300, topic.name


@pytest.mark.parametrize("name", NAMES)
def test_a_sentence_stands_between_code_and_a_table_or_more_code(name: str) -> None:
    """Qt's import of Markdown joins two blocks of code, and puts an empty line into a table behind one."""
    assert not re.search(r"^```\n+(\||```)", FENCE.sub("```\n", TEXTS[name]), re.MULTILINE)
