"""A checkpoint is known by what it predicts by, not by when or where its file was written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from core.errors import InputError
from core.inspection.model_hash import hash_model


def write_model(path: Path, *, weight: float = 1.0, state: float = 0.0, **description: Any) -> Path:
    """A checkpoint of one weight, with the state of its training beside it."""
    about = {"model": "ssd_compact", "labels": ["pit"], "architecture": {}, "input": {"tile": 512}} | description
    tensors = {"model.w": np.full(3, weight, np.float32), "optimizer.w": np.full(2, state, np.float32)}
    save_file(tensors, path, metadata={"defectdesk": json.dumps(about)})
    return path


def test_a_copy_and_a_file_with_other_measures_are_the_same_model(tmp_path: Path) -> None:
    first = write_model(tmp_path / "a.safetensors", created="2025-01-01", metrics={"map50": 0.5})
    second = write_model(tmp_path / "b.safetensors", created="2026-01-01", metrics={"map50": 0.6}, state=2.0)
    assert hash_model(first) == hash_model(second)


@pytest.mark.parametrize(
    "change",
    [{"weight": 2.0}, {"labels": ["crack"]}, {"input": {"tile": 1024}}, {"window": [0, 4095]}, {"model": "fcos"}],
)
def test_another_network_or_another_way_to_see_is_another_model(change: dict[str, Any], tmp_path: Path) -> None:
    first, second = write_model(tmp_path / "a.safetensors"), write_model(tmp_path / "b.safetensors", **change)
    assert hash_model(first) != hash_model(second)


def test_a_file_that_is_written_anew_is_read_anew(tmp_path: Path) -> None:
    path = write_model(tmp_path / "a.safetensors")
    before = hash_model(path)
    write_model(path, weight=2.0)
    assert hash_model(path) != before


def test_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.safetensors"):
        hash_model(tmp_path / "gone.safetensors")
