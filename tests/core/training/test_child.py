"""The process that trains and predicts: which of them is kept for the next job."""

from __future__ import annotations

import pytest
import torch

from core.training import child


@pytest.mark.parametrize(
    ("megabytes", "uses_gpu", "stays"), [(900.0, False, True), (1600.0, False, False), (900.0, True, False)]
)
def test_a_process_stays_while_it_holds_little_memory_and_none_of_a_gpu(
    megabytes: float, uses_gpu: bool, stays: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child, "read_resident_mb", lambda: megabytes)
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: uses_gpu)
    assert child.may_stay() is stays


def test_the_memory_of_this_process_is_read() -> None:
    assert 50 < child.read_resident_mb() < 50_000
