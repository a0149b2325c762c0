"""What the project says about itself, its runs and its checkpoints."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from core.imaging.cameras import Camera
from core.types import ImageRecord

DATABASE_FILE = "project.sqlite"  # in the folder of a project
CAMERAS = "cameras"  # the setting that holds them
Counted = Literal["history", "image", "label", "box", "run"]  # what has ids that are never used again


@dataclass(frozen=True, slots=True)
class Counts:
    """How much there is of everything."""

    images: int
    boxes: int
    labels: dict[str, int]  # boxes that carry the label, by label name in display order
    status: dict[str, int]  # images by status
    splits: dict[str, int]  # images by split

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One training, as its run folder tells it."""

    id: str  # such as r001
    model: str
    created: str  # ISO 8601 with time zone
    state: str  # waiting, running, paused, finished, stopped, failed or interrupted
    epochs: int  # that were completed
    recipe: dict[str, Any] = field(default_factory=dict)
    snapshot_hash: str = ""
    place: float | None = None  # in the queue; None if it does not wait in it
    measures: dict[str, float | None] = field(default_factory=dict)  # of the last epoch, by name, such as map50
    name: str = ""  # by the user; the run is still known by its id
    note: str = ""


@dataclass(frozen=True, slots=True)
class CheckpointRecord:
    """One saved model."""

    id: str  # such as r001-best
    run: str
    epoch: int
    model: str
    created: str  # ISO 8601 with time zone
    path: Path  # absolute
    size_bytes: int
    map50: float | None
    map: float | None
    label_ap50: dict[str, float | None]
    best: bool
    star: bool = False
    note: str = ""
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CameraImages:
    """A camera and what is known of its images."""

    camera: Camera | None  # None: of no camera yet
    images: tuple[ImageRecord, ...]
    top: int  # highest value that two neighbours reach in any of them
    above: int  # images that have values above the window

    @property
    def name(self) -> str:
        return self.camera.name if self.camera is not None else "of no camera: the whole range"
