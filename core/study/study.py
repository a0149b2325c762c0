"""A transfer study: several strategies on one snapshot, with the same seeds and the same budget.

    studies/s001/study.json   what is compared, and in which run folders
    studies/s001/job.json     the study as a job, for whoever follows it
    studies/s001/report.*     Markdown, CSV and JSON, written anew after every run

The runs are usual ones, in runs/, so that all that is known of runs can be seen of them. Everything here is read from
their folders; no torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core import files
from core.errors import InputError
from core.project.runs import make_folder
from core.recipe.recipe import Recipe, parse_recipe, with_settings

FORMAT = "defectdesk-study"
MOST_RUNS = 200

# What each of the strategies that a study knows by name sets, besides its kind.
STRATEGIES = ("scratch", "frozen", "fine_tune", "two_phase", "gradual")
USUAL = ("scratch", "frozen", "fine_tune", "two_phase")


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Arm(_Part):
    """One of the strategies that are compared."""

    name: str = Field(min_length=1, max_length=60, pattern=r"^[\w .+-]+$")
    settings: dict[str, Any]  # over the study's recipe, by dotted name


class StudyRun(_Part):
    """Where one arm is trained with one seed."""

    arm: str
    seed: int
    run: str


class Study(_Part):
    """What is compared on what."""

    format: str = FORMAT
    version: int = 1
    id: str
    created: str  # ISO 8601, UTC
    base: dict[str, Any]  # the recipe that all arms start from
    arms: tuple[Arm, ...] = Field(min_length=1)
    seeds: tuple[int, ...] = Field(min_length=1)
    runs: tuple[StudyRun, ...]
    snapshot_hash: str
    train_images: int
    val_images: int
    val_boxes: int
    notices: tuple[str, ...] = ()

    @property
    def recipe(self) -> Recipe:
        return parse_recipe(self.base, f"{self.id}: base")

    def recipe_of(self, arm: str, seed: int) -> Recipe:
        """The recipe of one run."""
        (found,) = (one for one in self.arms if one.name == arm)
        return arm_recipe(self.recipe, found, seed)

    def save_study(self, folder: Path) -> None:
        """Write study.json into `folder`, whole or not at all."""
        files.write_text(folder / "study.json", self.model_dump_json(indent=1))


def arm_recipe(base: Recipe, arm: Arm, seed: int) -> Recipe:
    """`base` under the arm's strategy. Raises InputError that names the strategy and the field."""
    try:
        return with_settings(base, arm.settings | {"seed": seed})
    except InputError as error:
        text = str(error).removeprefix("recipe: ")
        raise InputError(f"strategy {arm.name}: {text}") from error


def usual_arm(name: str, base: Recipe) -> Arm:
    """The arm called by one of `STRATEGIES`, fitted to the epochs and stages of `base`. Raises InputError."""
    kind = name.strip().replace("-", "_")
    if kind not in STRATEGIES:
        raise InputError(f"strategies: there is no {name!r}; choose from {', '.join(STRATEGIES)}")
    if kind == "scratch":
        return Arm(
            name=kind,
            settings={
                "weights.source": "none",
                "weights.path": "",
                "strategy.kind": "scratch",
                "strategy.norms": "auto",
            },
        )
    if base.weights.source == "none":
        raise InputError(
            f"strategies: {kind} needs something to transfer; set weights.source, or start from a checkpoint"
        )
    settings: dict[str, Any] = {"strategy.kind": kind}
    if kind == "two_phase":
        # A quarter of the budget lets the head settle and leaves the stages time.
        settings["strategy.head_epochs"] = max(1, base.schedule.epochs // 4)
        settings["strategy.last_stages"] = min(base.strategy.last_stages, len(base.spec.stages))
    return Arm(name=kind, settings=settings)


def check_arms(base: Recipe, arms: Sequence[Arm], seeds: Sequence[int]) -> None:
    """Raises InputError, before anything is made, if the study cannot be run or compares nothing."""
    names = [arm.name for arm in arms]
    if len(names) < 2:
        raise InputError("strategies: a study compares at least two")
    if double := next((name for name in names if names.count(name) > 1), None):
        raise InputError(f"strategies: {double!r} is named twice; give each variant a name of its own")
    if not seeds or len(set(seeds)) < len(seeds) or min(seeds) < 0:
        raise InputError("seeds: at least one, all different, none below zero")
    if len(names) * len(seeds) > MOST_RUNS:
        raise InputError(f"seeds: {len(names)} strategies with {len(seeds)} seeds are more than {MOST_RUNS} runs")
    recipes = [arm_recipe(base, arm, seeds[0]) for arm in arms]
    for place, recipe in enumerate(recipes):
        if (other := recipes.index(recipe)) < place:
            raise InputError(f"strategies: {names[other]!r} and {names[place]!r} are the same recipe; leave one out")
    # One budget: what is compared is the strategy, not who was given more.
    budgets = {(recipe.schedule.epochs, recipe.limits.time_minutes) for recipe in recipes}
    if len(budgets) > 1:
        raise InputError("strategies: all must have the same schedule.epochs and limits.time_minutes")


def plan_runs(arms: Sequence[Arm], seeds: Sequence[int]) -> list[tuple[str, int]]:
    """(arm, seed) in the order to train in: all arms with the first seed, then with the next.

    A study that is cut short has then treated all arms alike.
    """
    return [(arm.name, seed) for seed in seeds for arm in arms]


def load_study(folder: Path) -> Study:
    """Read a study's folder. Raises InputError if it is damaged or none."""
    path = folder / "study.json"
    try:
        study = Study.model_validate_json(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); this is no study") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(f"{path}: damaged, {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    if study.format != FORMAT or study.version != 1:
        raise InputError(f"{path}: not a study of this version of the program")
    return study


def study_folders(studies: Path) -> list[Path]:
    """The folders of all studies, oldest first."""
    if not studies.is_dir():
        return []
    return sorted(path for path in studies.iterdir() if (path / "study.json").is_file())


def new_study_folder(studies: Path) -> Path:
    """Make the folder of a new study, studies/s001 and so on. Raises InputError."""
    return make_folder(studies, 1, "s")[0]


def format_now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
