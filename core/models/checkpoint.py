"""Checkpoint files: one safetensors file that alone is enough to predict, to train on and to say what it is.

No pickle is read, so a file from anywhere can do no more than be refused. Tensors, by the start of their names:

    model.      the network that predicts
    learning.   the network as the optimiser moves it, where model. is the average of its weights
    optimizer.  what the optimiser remembers of each parameter
    state.      whatever else a training needs to go on

The last three are in a run's last checkpoint alone, and are read only where a training goes on. That one also keeps
the one it replaces beside it, as previous.safetensors.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from core import files
from core.errors import InputError
from core.evaluation.operating_point import OperatingPoint
from core.imaging.cameras import Cameras
from core.imaging.window import Window, checked_window
from core.models.inputs import InputSpec
from core.models.networks.detector import Network
from core.models.networks.families import Architecture
from core.models.training_range import TrainingRange
from core.models.training_state import Progress, TrainingState
from core.safetensors_header import described, read_header, tensor_bytes, tensor_entries, texts

FORMAT = 1
LAST, PREVIOUS, BEST = "last.safetensors", "previous.safetensors", "best.safetensors"
MAX_NETWORK = 2**30  # bytes; the largest here has 0.6 GB
MAX_STATE = 6  # times the network: the weights that learn, and up to three memories of each

_MODEL, _LEARNING, _OPTIMIZER, _STATE = "model.", "learning.", "optimizer.", "state."
_DESCRIPTION, _PROGRESS = "defectdesk", "training"  # entries of the header's metadata


class Metrics(BaseModel):
    """How good the model was on the validation images; None where that was not measured."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    map50: float | None = None
    map: float | None = None
    label_ap50: dict[str, float | None] = {}
    thresholds: dict[str, float] = {}  # by label: the score of the best F1, before there were operating points


class Description(BaseModel):
    """What a checkpoint says of itself, in the file's header."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    format: int = FORMAT
    id: str  # such as r003-best
    run: str
    model: str
    epoch: int
    created: str  # ISO 8601, UTC
    labels: list[str] = Field(min_length=1)
    label_colors: list[str]
    label_ids: list[int] = []  # of its project, which a rename of a label leaves; empty: not known
    architecture: dict[str, Any]
    input: InputSpec
    recipe: dict[str, Any]
    snapshot_hash: str
    window: Window | None = None  # through which it saw images of 16 bits, before there were cameras
    cameras: list[dict[str, Any]] | None = None  # of core.imaging.cameras; None: from before there were any
    most_boxes: int = 0  # of the fullest image of its project; 0: not known
    bits: list[int] = []  # of a sample, that images of its project had; empty: not known
    metrics: Metrics = Metrics()
    trained_on: TrainingRange | None = None  # None: from before it was kept
    operating_point: dict[str, Any] | None = (
        None  # of core.evaluation.operating_point; None: from before there were any
    )
    best: bool = False
    versions: dict[str, str] = {}

    @property
    def scale(self) -> Cameras | None:
        """Through what it saw images above 8 bits; None: each by its own values, as before there were cameras."""
        if self.cameras is not None:
            return Cameras.from_json(self.cameras, self.id)
        return None if self.window is None else Cameras.of_window(self.window)


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """A checkpoint in memory."""

    description: Description
    architecture: Architecture
    tensors: dict[str, Tensor]  # the network's

    def build(self) -> Network:
        """The trained network, on the CPU, in evaluation mode."""
        detector = self.architecture.build()
        detector.load_state_dict(self.tensors)
        return detector.eval()


@dataclass(frozen=True, slots=True, eq=False)
class Resumable:
    """Where a training can go on."""

    checkpoint: Checkpoint
    state: TrainingState
    notice: str  # empty, or why it is not the last checkpoint


def save(path: Path, network: nn.Module, description: Description, state: TrainingState | None = None) -> None:
    """Write the checkpoint whole or not at all. `network` is the one that predicts.

    With a `state`, the checkpoint that is replaced is kept beside it as previous.safetensors. What a process that was
    killed while saving left behind is removed. Raises InputError if the disk is full or the folder read-only.
    """
    tensors = _named(_MODEL, network.state_dict())
    metadata = {_DESCRIPTION: description.model_dump_json()}
    if state is not None:
        tensors |= (
            _named(_LEARNING, state.learning) | _named(_OPTIMIZER, state.optimizer) | _named(_STATE, state.tensors)
        )
        metadata[_PROGRESS] = state.progress.model_dump_json()
    try:
        files.remove_leftovers(path)
        with files.replacing(path, keep=path.with_name(PREVIOUS) if state is not None else None) as temporary:
            save_file(tensors, temporary, metadata=metadata)
    except (OSError, SafetensorError) as error:
        raise InputError(
            f"{path}: the checkpoint could not be saved ({error}); the older one is still there"
        ) from error


def load(path: Path) -> Checkpoint:
    """Read and check a checkpoint. Raises InputError, naming the file and what is wrong with it."""
    header = read_header(path)
    values = described(path, header)
    if type(values.get("format")) is not int or values["format"] < 1:
        raise InputError(f"{path}: damaged, its format is {values.get('format')!r}")
    if values["format"] > FORMAT:
        raise InputError(f"{path}: was written by a newer version of the program; update it")
    try:
        description = Description.model_validate(values)
    except ValidationError as error:
        raise InputError(f"{path}: damaged, {_first(error)}") from error
    checked_window(description.window, f"{path}: damaged, window")
    Cameras.from_json(description.cameras or [], f"{path}: damaged, cameras")
    if description.operating_point is not None:
        OperatingPoint.from_json(description.operating_point, f"{path}: damaged, operating point")
    architecture = Architecture.from_json(description.architecture, str(path))
    if architecture.model != description.model:
        raise InputError(f"{path}: damaged, it is called a {description.model} and described as a {architecture.model}")
    if len(set(description.labels)) < len(description.labels):
        raise InputError(f"{path}: damaged, two of its labels have one name")
    if architecture.labels != len(description.labels):
        raise InputError(f"{path}: damaged, {len(description.labels):,} label names for {architecture.labels} labels")
    with torch.device("meta"):
        wanted = {_MODEL + name: tensor for name, tensor in architecture.build().state_dict().items()}
    if (size := sum(tensor.nbytes for tensor in wanted.values())) > MAX_NETWORK:
        raise InputError(f"{path}: damaged, it describes a network of {size:,} bytes")
    _check_shapes(path, architecture.model, wanted, tensor_entries(header, _MODEL))
    with _opened(path) as file:
        tensors = _read(path, file, _MODEL)
    return Checkpoint(description, architecture, tensors)


def load_state(path: Path) -> TrainingState | None:
    """What a training needs to go on from this checkpoint; None if it was saved to predict alone.

    Raises InputError, naming the file and what is wrong with it.
    """
    header = read_header(path)
    text = texts(path, header).get(_PROGRESS)
    if text is None:
        return None
    size = sum(tensor_bytes(header, prefix) for prefix in (_LEARNING, _OPTIMIZER, _STATE))
    if size > MAX_STATE * tensor_bytes(header, _MODEL) + 2**20:
        raise InputError(f"{path}: damaged, its training state has {size:,} bytes, far more than its network")
    try:
        progress = Progress.model_validate_json(text)
    except ValidationError as error:
        raise InputError(f"{path}: damaged, training state, {_first(error)}") from error
    with _opened(path) as file:
        return TrainingState(
            progress, _read(path, file, _OPTIMIZER), _read(path, file, _LEARNING), _read(path, file, _STATE)
        )


def load_resumable(folder: Path) -> Resumable | None:
    """The newest checkpoint in `folder` from which the training can go on; None if none was saved.

    Where the last one is damaged it is the one before. Raises InputError if that is of no use either.
    """
    refused: InputError | None = None
    for name in (LAST, PREVIOUS):
        path = folder / name
        if not path.is_file():
            continue
        try:
            loaded, state = load(path), load_state(path)
        except InputError as error:
            refused = refused or error
            continue
        if state is not None:
            notice = f"the training goes on from the checkpoint before: {refused}" if refused else ""
            return Resumable(loaded, state, notice)
    if refused is not None:
        raise InputError(f"{refused}; and there is no checkpoint before it. Start a new run") from refused
    return None


def _named(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {prefix + name: _plain(tensor) for name, tensor in tensors.items()}


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """The tensors of a file, each read when it is asked for."""
    try:
        with safe_open(path, framework="pt") as file:
            yield file
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path}: damaged ({error})") from error
    except MemoryError as error:
        raise InputError(f"{path}: there is too little memory for a file of this size") from error


def _read(path: Path, file: Any, prefix: str) -> dict[str, Tensor]:
    tensors = {}
    for name in file.keys():  # noqa: SIM118 - not a mapping
        if name.startswith(prefix):
            tensor = file.get_tensor(name)
            if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
                raise InputError(
                    f"{path}: tensor {name!r} holds NaN or infinity; the training had diverged, choose another checkpoint"
                )
            tensors[name.removeprefix(prefix)] = tensor
    return tensors


def _check_shapes(path: Path, model: str, wanted: Mapping[str, Tensor], found: Mapping[str, dict[str, Any]]) -> None:
    """Raises InputError unless the file has the tensors of `wanted`, before any of them is read."""
    if missing := sorted(wanted.keys() - found.keys()):
        raise InputError(f"{path}: damaged, tensor {missing[0]!r} is missing")
    if unknown := sorted(found.keys() - wanted.keys()):
        raise InputError(f"{path}: damaged, tensor {unknown[0][:80]!r} does not belong to {model}")
    for name, tensor in wanted.items():
        shape, kind = tuple(found[name]["shape"]), found[name]["dtype"]
        if shape != tuple(tensor.shape):
            raise InputError(f"{path}: damaged, tensor {name!r} has shape {shape}, not {tuple(tensor.shape)}")
        if kind != ("F32" if tensor.is_floating_point() else "I64"):
            raise InputError(f"{path}: damaged, tensor {name!r} holds {kind} numbers")


def _first(error: ValidationError) -> str:
    first = error.errors()[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"


def _plain(tensor: Tensor) -> Tensor:
    """On the CPU, contiguous and with storage of its own, as the format wants it."""
    return tensor.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)
