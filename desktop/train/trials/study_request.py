"""What a user asks of a transfer study: which strategies, how many seeds, how much of everything."""

from __future__ import annotations

from dataclasses import dataclass

from core.counting import format_count
from core.errors import InputError
from core.recipe.recipe import Recipe, with_settings
from core.study.results import describe_few_seeds
from core.study.study import STRATEGIES, Arm, check_arms, usual_arm
from core.study.variants import parse_variant
from desktop.kit.formatting import sentence

OWN = "recipe"  # the strategy as the form has it, beside those that a study knows by name
WORDS = {
    "scratch": ("From scratch", "Random weights, everything learns. What transfer has to beat."),
    "frozen": ("Backbone frozen", "Only the head learns; the backbone stays as it came."),
    "fine_tune": ("Fine-tune", "Everything learns, the backbone more slowly."),
    "two_phase": ("Head first, then stages", "The head alone for a quarter of the run, then the last stages too."),
    "gradual": ("Unfreeze by stages", "From the head towards the image, over the first half of the run."),
    OWN: ("As in the form", "The strategy with all the settings that the form has now."),
}


@dataclass(frozen=True, slots=True)
class StudyRequest:
    """A study that can be started once nothing is missing and there is no problem."""

    base: Recipe
    names: tuple[str, ...]  # keys of WORDS
    seeds: int
    epochs: int
    minutes: float  # for each run at most; 0: no limit
    own: tuple[tuple[str, str], ...] = ()  # variants of the user's own: name and settings as written

    @property
    def recipe(self) -> Recipe:
        """What all strategies start from, with the budget. Raises InputError."""
        budget: dict[str, object] = {"schedule.epochs": self.epochs, "limits.time_minutes": self.minutes}
        kind = self.base.strategy.kind
        if kind == "two_phase":
            budget["strategy.head_epochs"] = min(self.base.strategy.head_epochs, max(1, self.epochs - 1))
        if kind == "gradual" and any(step.epoch > self.epochs for step in self.base.strategy.unfreeze):
            budget |= {"strategy.unfreeze": ()}
        return with_settings(self.base, budget)

    def seed_numbers(self) -> list[int]:
        return [self.base.seed + number for number in range(self.seeds)]

    def list_arms(self) -> list[Arm]:
        """The strategies, checked. Raises InputError that says what cannot be compared."""
        base = self.recipe
        found = [Arm(name=OWN, settings={}) if name == OWN else usual_arm(name, base) for name in self.names]
        found += [parse_variant(name, settings) for name, settings in self.own]
        check_arms(base, found, self.seed_numbers())
        return found

    def find_missing(self) -> str:
        """What has still to be chosen or written, before anything can be wrong; empty if nothing."""
        if blank := next((name for name, settings in self.own if not settings.strip()), None):
            return f"Write what is special about {blank.strip() or 'your variant'}."
        if len(self.names) + len(self.own) < 2:
            return "Choose at least two: a study compares."
        return ""

    def find_problem(self) -> str:
        """What is wrong with it; empty if nothing."""
        try:
            self.list_arms()
        except InputError as error:
            front, _, rest = str(error).partition(": ")
            text = rest if front in ("strategies", "seeds") else str(error)
            for name, (title, _) in WORDS.items():
                text = text.replace(repr(name), f"“{title}”")
            return sentence(text)
        return ""

    def describe_budget(self) -> str:
        arms = len(self.names) + len(self.own)
        runs = arms * self.seeds
        limit = f", {self.minutes:g} minutes at most" if self.minutes else ""
        total = f" In all no longer than {_hours(runs * self.minutes)}." if self.minutes else ""
        each = f"each of {format_count(self.epochs, 'epoch')}{limit}"
        product = f"{format_count(arms, 'strategy', 'strategies')} × {format_count(self.seeds, 'seed')}"
        few = describe_few_seeds(self.seeds, arms)
        return f"{product} = {format_count(runs, 'run')}, {each}.{total}" + (f" {few}" if few else "")


def why_not(name: str, base: Recipe) -> str:
    """Why a strategy cannot take part with this recipe; empty if it can."""
    if name == OWN:
        return ""
    try:
        usual_arm(name, base)
    except InputError as error:
        return str(error).removeprefix("strategies: ")
    return ""


def list_strategies() -> list[str]:
    """The strategies that can be chosen, in the order to show them in."""
    return [*STRATEGIES, OWN]


def title_of(name: str) -> str:
    """How an arm is called on the screen."""
    return WORDS[name][0] if name in WORDS else name


def _hours(minutes: float) -> str:
    return f"{minutes:.0f} minutes" if minutes < 100 else f"{minutes / 60:.1f} hours"
