"""What jobs say while they run. The window, the command line and the files of jobs all speak of these.

On disk an event is one line of JSON with its kind under "event". It becomes one of the classes here where the line
is read, and plain values again where it is written or printed. A number that is not finite is null on disk.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from types import UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

# -- every job -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class JobResumed:
    """A process works here again: what was the last word before is no longer."""

    event: Literal["resumed"] = "resumed"


@dataclass(frozen=True, slots=True)
class JobProgress:
    """How many of the items of a job are done."""

    done: int
    total: int
    seconds: float = 0.0  # since the first of them was begun; 0 where that is not told
    event: Literal["progress"] = "progress"

    @property
    def per_second(self) -> float:
        """Items a second; 0 where that is not known."""
        return self.done / self.seconds if self.seconds > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Notice:
    text: str
    level: Literal["info", "warning"] = "info"
    event: Literal["notice"] = "notice"


@dataclass(frozen=True, slots=True)
class RecipeNotice(Notice):
    """What was found out about a recipe on its data: see `core.recipe.finding.Finding`."""

    code: str = field(kw_only=True)  # what is found, for programs
    severity: Literal["low", "medium", "high"] = field(kw_only=True)
    labels: dict[str, int] = field(default_factory=dict, kw_only=True)  # boxes that are concerned, by label
    # Each with "settings" by dotted name, "words" and "gain".
    mends: list[dict[str, Any]] = field(default_factory=list, kw_only=True)


@dataclass(frozen=True, slots=True)
class JobFinished:
    """The end of a job that has no more to say of it than this."""

    stopped: bool = False  # True: the user asked for it
    event: Literal["finished"] = "finished"


@dataclass(frozen=True, slots=True)
class RunFailed:
    """The end of a job that could not be done."""

    reason: str = ""
    advice: str = ""
    event: Literal["failed"] = "failed"


@dataclass(frozen=True, slots=True)
class UnknownEvent:
    """An event of a kind that this version does not know, or one that lacks what its kind should say."""

    values: Mapping[str, Any]

    @property
    def event(self) -> str:
        return str(self.values.get("event", ""))


# -- a training ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RunStarted:
    run: str
    model: str
    device: str
    epochs: int
    steps_per_epoch: int
    train_images: int
    val_images: int
    labels: list[str]
    parameters: int
    trainable_parameters: int
    reachable: float  # share of the training boxes that an anchor reaches at IoU 0.5
    weights: str  # what was loaded, in words
    skipped: list[str] = field(default_factory=list)  # tensors of the starting weights that were not taken, and why
    plan: list[dict[str, Any]] = field(default_factory=list)  # what learns from which epoch on: see strategy.Phase
    environment: dict[str, str] = field(default_factory=dict)  # versions, device, precision, git state
    resumed_at: int = 0  # steps that were done before, where a run goes on; 0: it begins
    world_size: int = 1  # processes that train together
    event: Literal["started"] = "started"


@dataclass(frozen=True, slots=True)
class PhaseBegun:
    """From this epoch on, other parameters learn than before."""

    epoch: int
    stages: list[str]  # backbone stages that learn from now on, input first
    trainable_parameters: int
    event: Literal["phase"] = "phase"


Activity = Literal["loading", "learning", "judging", "saving"]


@dataclass(frozen=True, slots=True)
class ActivityBegun:
    """What the run does from now on, and, while it judges, how many of the images are done."""

    activity: Activity
    done: int = 0
    total: int = 0  # 0: nothing is counted
    seconds_left: float | None = None  # until the run ends
    event: Literal["activity"] = "activity"


@dataclass(frozen=True, slots=True)
class StepDone:
    epoch: int  # from 1
    step: int  # from 1, within the epoch
    steps: int
    loss: float
    label_loss: float
    box_loss: float
    lr: float
    images_per_second: float
    epoch_loss: float | None = None  # mean over the steps of the epoch so far
    seconds_left: float | None = None  # until the run ends, what is still to be judged included
    event: Literal["step"] = "step"


@dataclass(frozen=True, slots=True)
class EpochDone:
    epoch: int
    epochs: int
    train_loss: float
    train_label_loss: float
    train_box_loss: float
    val_loss: float | None  # None in an epoch that is not evaluated
    val_label_loss: float | None
    val_box_loss: float | None
    map50: float | None
    map: float | None
    labels: dict[str, float | None]  # AP@0.5 by label; None where there is no ground truth
    lr: float
    images_per_second: float
    seconds: float
    seconds_left: float
    metrics: dict[str, float | None] = field(default_factory=dict)  # further measures by name, such as macro_f1
    # The most that was in use so far: of the GPU where one computes, else of the process.
    memory_mb: float | None = None
    event: Literal["epoch"] = "epoch"


@dataclass(frozen=True, slots=True)
class CheckpointSaved:
    id: str  # such as r003-best
    path: str
    epoch: int
    map50: float | None
    map: float | None
    best: bool
    event: Literal["checkpoint"] = "checkpoint"


@dataclass(frozen=True, slots=True)
class RunPaused:
    """The process has ended and freed the device; the run goes on from its last checkpoint when it is resumed."""

    epoch: int = 0
    step: int = 0  # steps done in the whole run
    seconds: float = 0.0
    event: Literal["paused"] = "paused"


@dataclass(frozen=True, slots=True)
class RunFinished:
    epoch: int
    seconds: float
    stopped: bool  # True: the user asked for it; what was learnt is in the last checkpoint
    best_map50: float | None = None
    best_map: float | None = None
    best_checkpoint: str = ""  # its id; empty if none was saved
    peak_memory_mb: float = 0.0
    event: Literal["finished"] = "finished"


# -- a range test ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RangePoint:
    """One step of a range test."""

    step: int  # from 1
    lr: float  # as `optimizer.lr` would say it
    loss: float  # moving average, freed of the bias of its beginning
    raw: float  # of this step's batch
    event: Literal["range_point"] = "range_point"


@dataclass(frozen=True, slots=True)
class RangeProposed:
    """What a range test came to."""

    proposed: float | None  # for optimizer.lr; None: the test does not tell
    why: str
    lowest: float | None  # the highest rate at which the loss was about as low as it became
    middle: float | None  # the rate at which half of the fall was done
    current: float  # what the recipe says
    curve: list[list[float]]  # rate and smoothed loss
    event: Literal["range_result"] = "range_result"


@dataclass(frozen=True, slots=True)
class SpeedMeasured:
    """What a few steps of a recipe took on this machine, and what its training would consist of."""

    seconds_per_picture: float  # of learning
    seconds_per_image: float  # of judging; 0 without validation images
    pictures: int  # in an epoch
    val_images: int
    parameters: int
    trainable_parameters: int  # at the most, in any phase
    reachable: float  # share of the training boxes that an anchor reaches
    memory_mb: float  # at its highest; of the GPU where one computes
    device: str  # as a user knows it
    event: Literal["speed"] = "speed"


# -- a study ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StudyStarted:
    study: str
    runs: int
    event: Literal["study_started"] = "study_started"


@dataclass(frozen=True, slots=True)
class StudyRunStarted:
    number: int  # from 1
    of: int
    run: str
    strategy: str
    seed: int
    event: Literal["study_run"] = "study_run"


@dataclass(frozen=True, slots=True)
class StudyEpochDone:
    """What EpochDone of one of the runs says, in short."""

    run: str
    strategy: str
    seed: int
    epoch: int
    epochs: int
    map50: float | None
    map: float | None
    seconds_left: float
    event: Literal["study_epoch"] = "study_epoch"


@dataclass(frozen=True, slots=True)
class StudyRunEnded:
    state: str  # core.jobs.folder.State, or "deleted"
    map: float | None
    map50: float | None
    seconds: float | None
    reason: str  # why it failed
    run: str
    strategy: str
    seed: int
    event: Literal["study_run_ended"] = "study_run_ended"


# -- a queue ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class QueuedJobStarted:
    folder: str  # its name
    event: Literal["job"] = "job"


TrainingEvent = (
    RunStarted
    | ActivityBegun
    | PhaseBegun
    | StepDone
    | EpochDone
    | CheckpointSaved
    | RecipeNotice
    | Notice
    | RunPaused
    | RunFinished
    | RunFailed
)
Event = (
    TrainingEvent
    | JobResumed
    | JobProgress
    | JobFinished
    | RangePoint
    | RangeProposed
    | SpeedMeasured
    | StudyStarted
    | StudyRunStarted
    | StudyEpochDone
    | StudyRunEnded
    | QueuedJobStarted
    | UnknownEvent
)


# -- plain values ----------------------------------------------------------------------------------------------


def to_json(event: Event) -> dict[str, Any]:
    """The event as plain values that JSON has, with its kind under "event"."""
    values = dict(event.values) if isinstance(event, UnknownEvent) else {"event": event.event} | asdict(event)
    return {name: _replace_not_finite(value) for name, value in values.items()}


def from_json(values: Mapping[str, Any]) -> Event:
    """The event that these values say. Fields that this version does not know are passed over."""
    kind = values.get("event")
    for reader in _READERS.get(kind, ()) if isinstance(kind, str) else ():
        if (event := reader.read_event(values)) is not None:
            return event
    return UnknownEvent(values)


def _replace_not_finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _replace_not_finite(below) for key, below in value.items()}
    if isinstance(value, (list, tuple)):
        return [_replace_not_finite(below) for below in value]
    return value


class _Reader:
    """Makes events of one class; what each field may hold is looked up once, for steps come by the thousand."""

    def __init__(self, kind: type[Any]) -> None:
        self._kind = kind
        hints = get_type_hints(kind)
        named = [one for one in fields(kind) if one.name != "event"]
        self._types = {one.name: _types_of(hints[one.name]) for one in named}
        self._choices = {one.name: get_args(hints[one.name]) for one in named if get_origin(hints[one.name]) is Literal}
        self._numbers = frozenset(one.name for one in named if hints[one.name] is float)
        self._needed = [one.name for one in named if one.default is MISSING and one.default_factory is MISSING]

    def read_event(self, values: Mapping[str, Any]) -> Event | None:
        """The event; None where a field is missing or holds what it cannot."""
        found = {name: value for name, value in values.items() if name in self._types}
        for name, value in found.items():
            if type(value) not in self._types[name]:
                if value is not None or name not in self._numbers:
                    return None
                found[name] = math.nan
        if any(name not in found for name in self._needed):
            return None
        if any(found.get(name, choices[0]) not in choices for name, choices in self._choices.items()):
            return None
        event: Event = self._kind(**found)
        return event


def _types_of(hint: Any) -> frozenset[type]:
    """What json.loads makes of the values of a field with this annotation; what lists and tables hold is not asked."""
    if get_origin(hint) is Literal:
        return frozenset(map(type, get_args(hint)))
    types = get_args(hint) if isinstance(hint, UnionType) else (get_origin(hint) or hint,)
    return frozenset(types) | ({int} if float in types else frozenset())


def _make_readers() -> dict[str, list[_Reader]]:
    readers: dict[str, list[_Reader]] = {}
    # The class that says more comes first: the end of a run is more than the end of a job.
    for kind in get_args(Event):
        if kind is not UnknownEvent:
            readers.setdefault(kind.__dataclass_fields__["event"].default, []).append(_Reader(kind))
    return readers


_READERS = _make_readers()
