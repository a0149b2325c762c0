"""Checkpoint files: what is kept comes back, saving survives anything, and what is damaged is told."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
from pathlib import Path

import pytest
import torch
from torch import nn

from core import files
from core.errors import InputError
from core.models import checkpoint
from core.models.checkpoint import BEST, LAST, PREVIOUS, Description
from core.models.inputs import NORMALIZATIONS, InputSpec
from core.models.networks.families import Architecture
from core.models.training_state import Progress, TrainingState, optimizer_tensors, restore_optimizer
from core.recipe.recipe import default_recipe
from tests.core.models.test_models import architecture


def description(arch: Architecture, epoch: int = 3) -> Description:
    mean, std = NORMALIZATIONS["imagenet"]
    return Description(
        id="r001-last",
        run="r001",
        model=arch.model,
        epoch=epoch,
        created="2026-01-01T00:00:00+00:00",
        labels=["pit", "stain"],
        label_colors=["#ff0000"] * 2,
        architecture=arch.to_json(),
        input=InputSpec(mode="crops", width=64, height=64, mean=mean, std=std),
        recipe=default_recipe(arch.model).model_dump(),
        snapshot_hash="abc",
    )


def state(step: int = 5, **more: object) -> TrainingState:
    progress = Progress(step=step, epoch=2, epoch_step=1, seconds=0.1 + 0.2, best={"map50": 0.1}, **more)
    return TrainingState(progress, {}, {}, {"noise": torch.arange(3)})


@pytest.fixture(scope="module")
def network() -> nn.Module:
    torch.manual_seed(1)
    return architecture("ssd_compact", 2).build()


def save(path: Path, network: nn.Module, kept: TrainingState | None = None, epoch: int = 3) -> Path:
    checkpoint.save(path, network, description(architecture("ssd_compact", 2), epoch), kept)
    return path


def learn(network: nn.Module, optimizer: torch.optim.Optimizer, steps: int) -> None:
    for step in range(steps):
        torch.manual_seed(step)
        optimizer.zero_grad()
        network(torch.randn(3, 3, 8, 8)).square().mean().backward()
        optimizer.step()


def test_network_and_training_state_come_back_bit_by_bit(tmp_path: Path, network: nn.Module) -> None:
    learning = {name: tensor + 1 for name, tensor in network.state_dict().items()}
    kept = TrainingState(state().progress, {"0.step": torch.tensor(7.0)}, learning, {"noise": torch.arange(3)})
    path = save(tmp_path / LAST, network, kept)
    loaded, found = checkpoint.load(path), checkpoint.load_state(path)
    assert loaded.description.labels == ["pit", "stain"] and loaded.architecture == architecture("ssd_compact", 2)
    rebuilt = loaded.build()
    assert all(torch.equal(tensor, rebuilt.state_dict()[name]) for name, tensor in network.state_dict().items())
    assert found is not None and found.progress == kept.progress and found.progress.seconds == 0.1 + 0.2
    assert found.optimizer == {"0.step": torch.tensor(7.0)} and torch.equal(found.tensors["noise"], torch.arange(3))
    found.restore_network(rebuilt)
    assert all(torch.equal(tensor, rebuilt.state_dict()[name]) for name, tensor in learning.items())


def test_a_checkpoint_that_is_saved_to_predict_holds_the_network_alone(tmp_path: Path, network: nn.Module) -> None:
    path = save(tmp_path / BEST, network)
    assert checkpoint.load_state(path) is None
    assert checkpoint.load_resumable(tmp_path) is None
    size = sum(tensor.nbytes for tensor in network.state_dict().values())
    assert path.stat().st_size < size + 50_000
    save(path, network)
    assert [file.name for file in tmp_path.iterdir()] == [BEST], "only a training that goes on needs the one before"


@pytest.mark.parametrize("kind", [torch.optim.AdamW, torch.optim.Adam, torch.optim.SGD])
def test_an_optimiser_goes_on_as_if_it_had_never_been_interrupted(
    kind: type[torch.optim.Optimizer], tmp_path: Path
) -> None:
    def made() -> tuple[nn.Module, torch.optim.Optimizer]:
        torch.manual_seed(0)
        network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(4, 2, 1))
        network = network.to(memory_format=torch.channels_last)
        network[2].requires_grad_(False)  # a frozen part has no memory
        settings = {"momentum": 0.9} if kind is torch.optim.SGD else {}
        groups = [{"params": network[:2].parameters()}, {"params": network[2].parameters(), "weight_decay": 0.0}]
        return network, kind(groups, lr=0.01, weight_decay=0.1, **settings)

    network, optimizer = made()
    learn(network, optimizer, 3)
    kept = {
        name: tensor.clone(memory_format=torch.contiguous_format)
        for name, tensor in optimizer_tensors(optimizer).items()
    }
    weights = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    learn(network, optimizer, 4)

    other, again = made()
    other.load_state_dict(weights)
    restore_optimizer(again, kept)
    memory = again.state_dict()["state"][0]
    shaped = [value for value in memory.values() if isinstance(value, torch.Tensor) and value.ndim == 4]
    assert shaped and all(value.is_contiguous(memory_format=torch.channels_last) for value in shaped)
    learn(other, again, 4)
    assert all(torch.equal(tensor, other.state_dict()[name]) for name, tensor in network.state_dict().items())
    assert not torch.equal(weights["0.weight"], other.state_dict()["0.weight"])


@pytest.mark.parametrize("name", ["9.step", "x.step", "0", "-1.step", "0.exp_avg", "99999999999999999.step"])
def test_an_optimisers_memory_of_other_parameters_is_refused(name: str) -> None:
    optimizer = torch.optim.AdamW(nn.Linear(2, 2).parameters())
    with pytest.raises(InputError, match="training state: damaged"):
        restore_optimizer(optimizer, {name: torch.ones(5)})


def test_averaged_weights_of_another_network_are_refused(network: nn.Module) -> None:
    learning = dict(network.state_dict())
    learning.pop(next(iter(learning)))
    with pytest.raises(InputError, match="does not fit the network"):
        TrainingState(state().progress, {}, learning).restore_network(network)


def test_the_last_two_are_kept_and_the_older_serves_when_the_last_is_damaged(
    tmp_path: Path, network: nn.Module
) -> None:
    for step in (1, 2, 3):
        save(tmp_path / LAST, network, state(step))
    assert sorted(file.name for file in tmp_path.iterdir()) == [LAST, PREVIOUS]
    newest = checkpoint.load_resumable(tmp_path)
    assert newest is not None and newest.state.progress.step == 3 and newest.notice == ""
    data = (tmp_path / LAST).read_bytes()
    for damage in (data[: len(data) // 2], b"", b"\0" * len(data)):
        (tmp_path / LAST).write_bytes(damage)
        older = checkpoint.load_resumable(tmp_path)
        assert older is not None and older.state.progress.step == 2
        assert LAST in older.notice and "checkpoint before" in older.notice
    (tmp_path / LAST).unlink()
    older = checkpoint.load_resumable(tmp_path)
    assert older is not None and older.state.progress.step == 2
    (tmp_path / PREVIOUS).write_bytes(b"")
    with pytest.raises(InputError, match="no checkpoint before it"):
        checkpoint.load_resumable(tmp_path)


def test_without_links_the_last_two_are_kept_as_well(
    tmp_path: Path, network: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    for step in (1, 2):
        save(tmp_path / LAST, network, state(step))
    assert sorted(file.name for file in tmp_path.iterdir()) == [LAST, PREVIOUS]
    found = [checkpoint.load_state(tmp_path / name) for name in (LAST, PREVIOUS)]
    assert [one.progress.step for one in found if one] == [2, 1]


def test_killed_before_any_call_to_the_disk_there_is_a_whole_checkpoint(
    tmp_path: Path, network: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A save is cut off before each of its changes to the folder in turn, as a kill would."""

    class Killed(BaseException):
        """Nothing in the program catches this."""

    changes = itertools.count()
    deadline = 0

    def counted(call):  # type: ignore[no-untyped-def]
        def wrapped(*arguments, **named):  # type: ignore[no-untyped-def]
            if next(changes) >= deadline:
                raise Killed
            return call(*arguments, **named)

        return wrapped

    for module, name in (
        (Path, "replace"),
        (Path, "chmod"),
        (Path, "unlink"),
        (os, "link"),
        (os, "fsync"),
        (files.tempfile, "mkstemp"),
        (checkpoint, "save_file"),
    ):
        monkeypatch.setattr(module, name, counted(getattr(module, name)))
    whole = tmp_path / "whole"
    deadline = 10**9
    for step in (1, 2):
        save(whole / LAST, network, state(step))
    outcomes = set()
    for links in (True, False):
        for point in itertools.count():
            folder = tmp_path / f"{links} {point}"
            shutil.copytree(whole, folder)
            changes, deadline, done = itertools.count(), point, False
            with contextlib.suppress(Killed):
                save(folder / LAST, network, state(3))
                done = True
            found = checkpoint.load_resumable(folder)
            assert found is not None and found.notice == ""
            assert found.state.progress.step in ((3,) if done else (2, 3)), (links, point)
            outcomes.add((done, found.state.progress.step))
            deadline = 10**9
            save(folder / LAST, network, state(4))
            assert sorted(file.name for file in folder.iterdir()) == [LAST, PREVIOUS], "leftovers are removed"
            if done:
                assert point >= 8, "a save makes more changes than that"
                break
        monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(OSError(95, "no links")))
    assert outcomes == {(False, 2), (False, 3), (True, 3)}


def test_a_save_that_fails_leaves_the_older_checkpoint_and_nothing_else(
    tmp_path: Path, network: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path / LAST, network, state(1))

    def full(tensors: object, path: Path, metadata: object) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint, "save_file", full)
    with pytest.raises(InputError, match="No space left.*older one is still there"):
        save(tmp_path / LAST, network, state(2))
    assert [file.name for file in tmp_path.iterdir()] == [LAST]
    kept = checkpoint.load_state(tmp_path / LAST)
    assert kept is not None and kept.progress.step == 1


@pytest.mark.parametrize("change", [{"step": -1}, {"seconds": float("nan")}, {"halvings": 99}, {"other": 1}])
def test_progress_that_cannot_be_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="greater|finite|less|Extra"):
        Progress.model_validate({"step": 1, "epoch": 1, "epoch_step": 0} | change)
