"""Starting weights: from torchvision, from a file, from a checkpoint. What fits by name and shape is taken over."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.error import URLError

import torch
from torch import Tensor

from core.errors import InputError
from core.models.anchors import NO_ANCHORS
from core.models.checkpoint import Checkpoint
from core.models.networks.detector import Detector, Network
from core.models.registry import WeightsFile
from core.models.tensor_file import read_tensors

# How the layers begin that turn features into a library's own labels: classifiers and detectors of torchvision and timm.
FOREIGN_HEADS = ("fc.", "classifier.", "head.", "conv_head.", "bn2.", "heads.")


@dataclass(frozen=True, slots=True)
class Report:
    """What became of the starting weights."""

    loaded: int  # tensors of the network that were taken over
    total: int  # tensors of the network
    skipped: tuple[str, ...]  # tensors of the file that were not taken over, and why
    text: str
    unexpected: tuple[str, ...] = ()  # those of `skipped` that one would have thought to fit
    fresh: tuple[str, ...] = ()  # backbone stages of which not all was taken over, input first


def download_weights(file: WeightsFile) -> dict[str, Tensor]:
    """The tensors of one of torchvision's or timm's files, from torch's cache or the network.

    Raises InputError that says which file to fetch and where to put it.
    """
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    try:
        # torch announces the download on standard output, which belongs to --json.
        with contextlib.redirect_stdout(sys.stderr):
            if file.file_name.endswith(".safetensors"):
                return _fetch_file(file.url, folder / file.file_name)
            tensors = torch.hub.load_state_dict_from_url(
                file.url, map_location="cpu", check_hash=True, weights_only=True, progress=False
            )
    except (URLError, TimeoutError, ConnectionError) as error:
        raise InputError(
            f"weights.source: the {file.title} could not be downloaded ({getattr(error, 'reason', error)}); fetch {file.url} "
            f"on a machine with a network and put it at {folder / file.file_name}"
        ) from error
    except Exception as error:
        raise InputError(
            f"{folder / file.file_name}: damaged ({_first_line(error)}); delete it and fetch {file.url} again"
        ) from error
    return _read_tensors(tensors, folder / file.file_name)


def _fetch_file(url: str, path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file, which torch's own loader does not read, from the same cache."""
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(url, str(path), progress=False)
    return read_weights(path)


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a .safetensors or .pth file, mapped from it. Nothing is unpickled.

    Raises InputError naming the file if it is damaged, compressed, or holds anything else.
    """
    return _read_tensors(read_tensors(path), path)


def load_torchvision(detector: Network, tensors: dict[str, Tensor], where: str) -> Report:
    """Take over the tensors of a torchvision classifier or SSD, as far as they fit the backbone.

    Raises InputError if none does. Heads are not taken over: theirs are for other anchors and a softmax.
    """
    names = detector.foreign_names()
    own = {names.get(name, name): tensor for name, tensor in tensors.items()}
    return _take_over(detector, own, where, of_file=len(tensors))


def load_checkpoint(detector: Network, labels: list[str], source: Checkpoint, where: str) -> Report:
    """Take over a checkpoint's tensors; the label heads' columns go by label name.

    The detector's anchors must be those of the checkpoint, or its heads start afresh.
    """
    own = dict(source.tensors)
    own_anchors = detector.anchors if isinstance(detector, Detector) else NO_ANCHORS
    if own_anchors != source.architecture.anchors:
        own = {name: tensor for name, tensor in own.items() if not name.startswith("heads.")}
        report = _take_over(detector, own, where, of_file=len(source.tensors))
        return replace(report, text=report.text + "; the heads start afresh, for other anchors")
    carried = [name for name in labels if name in source.description.labels]
    state = detector.state_dict()
    for name in list(own):
        if ".to_labels." in name:
            own[name] = _by_label(state[name], own[name], labels, source.description.labels)
    report = _take_over(detector, own, where, of_file=len(source.tensors))
    new = [name for name in labels if name not in carried]
    text = f"{report.text}; label heads carried over for {', '.join(carried) or 'none'}" + (
        f", new for {', '.join(new)}" if new else ""
    )
    return replace(report, text=text)


def _by_label(fresh: Tensor, trained: Tensor, labels: list[str], trained_labels: list[str]) -> Tensor:
    """The rows of a label head, (shapes * labels, ...), with those of labels known by name from `trained`."""
    shapes = len(fresh) // len(labels)
    result = fresh.clone().view(shapes, len(labels), *fresh.shape[1:])
    source = trained.view(shapes, len(trained_labels), *trained.shape[1:])
    for column, name in enumerate(labels):
        if name in trained_labels:
            result[:, column] = source[:, trained_labels.index(name)]
    return result.view_as(fresh)


def _take_over(network: Network, tensors: dict[str, Tensor], where: str, of_file: int) -> Report:
    """Give `network` those of `tensors` that it has under the same name in the same shape."""
    state = network.state_dict()
    fitting, skipped, unexpected = {}, [], []
    for name, tensor in tensors.items():
        if name not in state:
            known = name.startswith(FOREIGN_HEADS)
            reason = f"{name}: {'part of a head for other labels' if known else 'this network has no such part'}"
            skipped.append(reason)
            unexpected += [] if known else [reason]
        elif state[name].shape != tensor.shape:
            skipped.append(f"{name}: shape {tuple(tensor.shape)}, here {tuple(state[name].shape)}")
            unexpected.append(skipped[-1])
        elif tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            raise InputError(f"{where}: tensor {name!r} holds NaN or infinity; choose other weights")
        else:
            fitting[name] = tensor
    if not fitting:
        raise InputError(f"{where}: none of its {of_file} tensors fits this model; is it for another one?")
    fresh = _incomplete_stages(network, set(fitting))
    network.load_state_dict(fitting, strict=False)
    text = f"{len(fitting)} of {len(state)} tensors from {where}"
    if fresh:
        text += f"; {', '.join(fresh)} start{'s' if len(fresh) == 1 else ''} at random, at least in part"
    return Report(len(fitting), len(state), tuple(skipped), text, tuple(unexpected), fresh)


def _incomplete_stages(network: Network, loaded: set[str]) -> tuple[str, ...]:
    """Stages of the backbone with a parameter or statistic that is not among the `loaded` names."""
    taken = {id(tensor) for name, tensor in network.state_dict(keep_vars=True).items() if name in loaded}
    return tuple(
        stage
        for stage, modules in network.backbone.stages().items()
        if any(
            id(tensor) not in taken and not name.endswith("num_batches_tracked")
            for module in modules
            for name, tensor in module.state_dict(keep_vars=True).items()
        )
    )


def _read_tensors(value: object, path: Path) -> dict[str, Tensor]:
    """The tensors of a state_dict, also one that is wrapped in {"state_dict": ...} or {"model": ...}."""
    for wrapper in ("state_dict", "model"):
        if isinstance(value, dict) and isinstance(value.get(wrapper), dict):
            value = value[wrapper]
    if not isinstance(value, dict) or not value or not all(isinstance(name, str) for name in value):
        raise InputError(f"{path}: holds no state_dict; save one with torch.save(model.state_dict(), FILE)")
    return {name.removeprefix("module."): tensor for name, tensor in value.items() if isinstance(tensor, Tensor)}


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
