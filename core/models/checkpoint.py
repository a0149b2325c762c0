"""Checkpoint files: one safetensors file that alone is enough to predict, to train on and to say what it is.

No pickle is read, so a file from anywhere can do no more than be refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from core import files
from core.errors import InputError
from core.imaging.window import Window, checked_window
from core.models.detector import Detector
from core.models.families import Architecture
from core.models.inputs import InputSpec
from core.safetensors_header import read_metadata

FORMAT = 1
_MODEL = "model."
_OPTIMIZER = "optimizer."


class Metrics(BaseModel):
    """How good the model was on the validation images; None where that was not measured."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    map50: float | None = None
    map: float | None = None
    label_ap50: dict[str, float | None] = {}
    thresholds: dict[str, float] = {}  # by label: the score of the best F1


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
    architecture: dict[str, Any]
    input: InputSpec
    recipe: dict[str, Any]
    snapshot_hash: str
    window: Window | None = None  # through which it saw images of 16 bits
    metrics: Metrics = Metrics()
    best: bool = False
    versions: dict[str, str] = {}


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """A checkpoint in memory."""

    description: Description
    architecture: Architecture
    tensors: dict[str, Tensor]  # the network's
    optimizer: dict[str, Tensor]

    def build(self) -> Detector:
        """The trained network, on the CPU, in evaluation mode."""
        detector = self.architecture.build()
        detector.load_state_dict(self.tensors)
        return detector.eval()


def save(path: Path, detector: Detector, optimizer: torch.optim.Optimizer | None, description: Description) -> None:
    """Write the checkpoint whole or not at all. Raises InputError if the disk is full or the folder read-only."""
    tensors = {_MODEL + name: _plain(tensor) for name, tensor in detector.state_dict().items()}
    if optimizer is not None:
        for index, state in optimizer.state_dict()["state"].items():
            tensors |= {
                f"{_OPTIMIZER}{index}.{key}": _plain(torch.as_tensor(value))
                for key, value in state.items()
                if value is not None
            }
    try:
        with files.replacing(path) as temporary:
            save_file(tensors, temporary, metadata={"defectdesk": description.model_dump_json()})
    except (OSError, SafetensorError) as error:
        raise InputError(
            f"{path}: the checkpoint could not be saved ({error}); the older one is still there"
        ) from error


def load(path: Path) -> Checkpoint:
    """Read and check a checkpoint. Raises InputError, naming the file and what is wrong with it."""
    values = read_metadata(path)
    if not isinstance(values.get("format"), int) or values["format"] < 1:
        raise InputError(f"{path}: damaged, its format is {values.get('format')!r}")
    if values["format"] > FORMAT:
        raise InputError(f"{path}: was written by a newer version of the program; update it")
    try:
        description = Description.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{path}: damaged, {field}: {first['msg']}") from error
    checked_window(description.window, f"{path}: damaged, window")
    architecture = Architecture.from_json(description.architecture, str(path))
    if architecture.model != description.model:
        raise InputError(f"{path}: damaged, it is called a {description.model} and described as a {architecture.model}")
    if len(set(description.labels)) < len(description.labels):
        raise InputError(f"{path}: damaged, two of its labels have one name")
    if architecture.labels != len(description.labels):
        raise InputError(f"{path}: damaged, {len(description.labels)} label names for {architecture.labels} labels")
    tensors, optimizer = _read_tensors(path)
    _check_tensors(path, architecture, tensors)
    return Checkpoint(description, architecture, tensors, optimizer)


def _read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    tensors: dict[str, Tensor] = {}
    optimizer: dict[str, Tensor] = {}
    try:
        with safe_open(path, framework="pt") as file:
            for name in file.keys():  # noqa: SIM118 - not a mapping
                if name.startswith(_MODEL):
                    tensors[name.removeprefix(_MODEL)] = file.get_tensor(name)
                elif name.startswith(_OPTIMIZER):
                    optimizer[name.removeprefix(_OPTIMIZER)] = file.get_tensor(name)
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path}: damaged ({error})") from error
    return tensors, optimizer


def _check_tensors(path: Path, architecture: Architecture, tensors: dict[str, Tensor]) -> None:
    with torch.device("meta"):
        wanted = architecture.build().state_dict()
    if missing := sorted(wanted.keys() - tensors.keys()):
        raise InputError(f"{path}: damaged, tensor {missing[0]!r} is missing")
    if unknown := sorted(tensors.keys() - wanted.keys()):
        raise InputError(f"{path}: damaged, tensor {unknown[0]!r} does not belong to {architecture.model}")
    for name, tensor in tensors.items():
        if tensor.shape != wanted[name].shape:
            raise InputError(
                f"{path}: damaged, tensor {name!r} has shape {tuple(tensor.shape)}, not {tuple(wanted[name].shape)}"
            )
        if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            raise InputError(
                f"{path}: tensor {name!r} holds NaN or infinity; the training had diverged, choose another checkpoint"
            )


def _plain(tensor: Tensor) -> Tensor:
    """On the CPU, contiguous and with storage of its own, as the format wants it."""
    return tensor.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)
