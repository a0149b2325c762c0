"""What a training says while it runs. The plots, the command line and the run folder all read these."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args


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
class Notice:
    text: str
    level: Literal["info", "warning"] = "info"
    event: Literal["notice"] = "notice"


@dataclass(frozen=True, slots=True)
class RunPaused:
    """The process has ended and freed the device; the run goes on from its last checkpoint when it is resumed."""

    epoch: int
    step: int  # steps done in the whole run
    seconds: float
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


@dataclass(frozen=True, slots=True)
class RunFailed:
    reason: str
    advice: str = ""
    event: Literal["failed"] = "failed"


Event = RunStarted | PhaseBegun | StepDone | EpochDone | CheckpointSaved | Notice | RunPaused | RunFinished | RunFailed
_TYPES = {kind.__dataclass_fields__["event"].default: kind for kind in get_args(Event)}


def to_json(event: Event) -> dict[str, Any]:
    """The event as plain values, with its kind under "event"."""
    return {"event": event.event} | asdict(event)


def from_json(values: dict[str, Any]) -> Event | None:
    """The event of a line of events.jsonl; None for kinds and fields that this version does not know."""
    kind = _TYPES.get(values.get("event"))
    if kind is None:
        return None
    try:
        return kind(**values)  # type: ignore[no-any-return]
    except TypeError:
        return None
