"""What is known of a run beside its events: its recipe, its data, and where it was computed. Knows no Qt."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from core.project.runs import read_run
from core.training.tracking import FOLDER as EVENT_FOLDER
from desktop.train.run.run_history import RunHistory


@dataclass(frozen=True, slots=True)
class RunAbout:
    """What a run's folder says before it has said anything itself."""

    run: str = ""
    folder: Path | None = None
    created: str = ""
    snapshot_hash: str = ""
    recipe: str = ""  # as it stands in recipe.yaml

    @classmethod
    def of(cls, folder: Path) -> RunAbout:
        """Read what is there; what is missing or damaged stays empty."""
        record = read_run(folder)
        try:
            recipe = (folder / "recipe.yaml").read_text(encoding="utf-8", errors="replace")
        except OSError:
            recipe = ""
        return cls(folder.name, folder, record.created, record.snapshot_hash, recipe)


def list_facts(about: RunAbout, history: RunHistory) -> list[tuple[str, str]]:
    """Names and values, for a user to read and to copy."""
    found = [("Run", about.run), ("Folder", str(about.folder or "")), ("Begun", about.created)]
    found.append(("Snapshot", about.snapshot_hash))
    started = history.started
    if started is not None:
        found += [
            ("Device", started.device),
            ("Processes", str(started.world_size) if started.world_size > 1 else ""),
            ("Images", f"{started.train_images:,} to learn from, {started.val_images:,} to check by"),
            ("Labels", ", ".join(started.labels)),
            ("Parameters", f"{started.parameters:,}, of which {started.trainable_parameters:,} learn at first"),
            ("Weights", started.weights),
            ("Anchors reach", "" if history.tells_labels else f"{started.reachable:.1%} of the boxes"),
        ]
        found += [
            (name.replace("_", " ").capitalize(), text)
            for name, text in started.environment.items()
            if name != "device"
        ]
        found += [("Not taken over", text) for text in started.skipped]
    if about.folder is not None and _for_tensorboard(about.recipe):
        found.append(("TensorBoard", f"tensorboard --logdir {shlex.quote(str(about.folder / EVENT_FOLDER))}"))
    if history.finished is not None and history.finished.peak_memory_mb:
        found.append(("Memory at most", f"{history.finished.peak_memory_mb:,.0f} MB"))
    return [(name, text) for name, text in found if text]


@lru_cache(maxsize=16)
def recipe_tree(recipe: str) -> Any:
    """A recipe as it stands in its file, as plain values that nobody changes; None if it is damaged.

    Kept: a run that trains is drawn ten times a second, and YAML takes milliseconds to read.
    """
    try:
        return yaml.safe_load(recipe)
    except yaml.YAMLError:
        return None


def _for_tensorboard(recipe: str) -> bool:
    """Whether a run with this recipe writes event files; the folder is there only once it has begun to."""
    tree = recipe_tree(recipe)
    tracking = tree.get("tracking") if isinstance(tree, dict) else None
    return isinstance(tracking, dict) and tracking.get("tensorboard") is True


def facts_text(about: RunAbout, history: RunHistory) -> str:
    """The facts as lines, the values one below the other."""
    rows = list_facts(about, history)
    width = max((len(name) for name, _ in rows), default=0) + 2
    return "\n".join(f"{name:<{width}}{text}" for name, text in rows)
