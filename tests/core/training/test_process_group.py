"""What processes that train together agree on; two real ones are in test_distributed."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from core.errors import InputError
from core.recipe.recipe import default_recipe, with_settings
from core.training.data.sampling import batch_bounds, rank_bounds
from core.training.environment import device_notices
from core.training.process_group import ProcessGroup, own_device


@given(st.lists(st.integers(), max_size=40), st.integers(1, 9))
def test_shards_hold_each_item_once_and_make_up_the_whole_again(items: list[int], size: int) -> None:
    parts = [ProcessGroup(rank, size).shard(items) for rank in range(size)]
    assert sum(len(part) for part in parts) == len(items)
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
    assert ProcessGroup(0, size).unshard(parts) == items


@given(st.integers(1, 200), st.integers(1, 8), st.integers(1, 5))
def test_processes_compute_the_pictures_of_one_process_and_as_many_batches(count: int, batch: int, size: int) -> None:
    bounds = batch_bounds(count, batch * size)
    for first, last in bounds:
        shares = [rank_bounds(first, last, rank, size) for rank in range(size)]
        assert [one for begin, end in shares for one in range(begin, end)] == list(range(first, last))
        assert max(end - begin for begin, end in shares) <= batch


def test_alone_nothing_is_asked_of_anybody() -> None:
    process_group = ProcessGroup()
    layer = nn.BatchNorm1d(2)
    layer.weight.grad = torch.ones(2)
    before = [tensor.clone() for tensor in (*layer.parameters(), *layer.buffers())]
    process_group.all_reduce_gradients(layer.parameters())
    process_group.average_buffers(layer)
    process_group.broadcast_weights(layer)
    process_group.barrier()
    assert all(torch.equal(a, b) for a, b in zip(before, (*layer.parameters(), *layer.buffers()), strict=True))
    assert layer.bias.grad is None and torch.equal(layer.weight.grad, torch.ones(2))
    assert process_group.is_main and process_group.all_reduce_max(3) == 3
    assert process_group.all_reduce_any(True) and not process_group.all_reduce_any(False)
    assert process_group.broadcast("a") == "a" and process_group.gather("a") == ["a"]


@pytest.mark.parametrize("name", ["cuda:1", "mps"])
def test_one_device_is_not_enough_for_several_processes(name: str) -> None:
    with pytest.raises(InputError, match="several processes"):
        own_device(name, 0)


def test_each_process_has_a_gpu_of_its_own_or_is_told_that_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert own_device("cpu", 3) == torch.device("cpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert own_device("auto", 3) == torch.device("cpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert own_device("auto", 1) == own_device("cuda", 1) == torch.device("cuda:1")
    with pytest.raises(InputError, match="2 GPUs here, and process 3"):
        own_device("auto", 2)


def test_processes_on_other_machines_take_no_memory_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.distributed, "init_process_group", lambda *_, **__: None)
    for name, value in (("RANK", "5"), ("WORLD_SIZE", "8"), ("LOCAL_WORLD_SIZE", "4")):
        monkeypatch.setenv(name, value)
    assert (ProcessGroup.join().size, ProcessGroup.join().local_size) == (8, 4)
    monkeypatch.delenv("LOCAL_WORLD_SIZE")
    assert ProcessGroup.join().local_size == 8


def test_that_many_processes_mine_negatives_apart_is_told() -> None:
    recipe = with_settings(default_recipe("ssd_compact"), {"limits.precision": "fp32", "loss.kind": "focal"})
    mined = with_settings(recipe, {"loss.kind": "mined_bce"})
    told = device_notices(torch.device("cpu"), mined, 4)
    assert len(told) == 1 and told[0].startswith("Label loss: with mined_bce each of the 4 processes")
    assert device_notices(torch.device("cpu"), mined) == device_notices(torch.device("cpu"), recipe, 4) == []
