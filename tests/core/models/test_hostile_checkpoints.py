"""Files that claim to be models: each is refused with a reason, within 2 s and 500 MB, and none of them runs anything."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torchvision.models import mobilenet_v3_small

from core.errors import InputError
from core.models import weights

ROOT = Path(__file__).parents[3]
SECONDS, MEGABYTES = 2.0, 500.0

REASONS = {
    "huge header of 200 MB": "its header has 209,715,200 bytes",
    "header with a key twice": "to_labels.bias' twice",
    "metadata twice": "'__metadata__' twice",
    "description with a key twice": "'run' twice",
    "tensors that overlap": "overlaps another",
    "tensor claiming 8 GB": "claims|is missing",
    "training state of 8 GB": "too little memory|far more than its network",
    "network of 36 GB": "a network of 36,",
    "stride 0": "strides must be positive",
    "NaN weights": "NaN or infinity",
    "optimiser of NaN": "NaN or infinity",
    "other labels": "3 label names for 2 labels",
    "truncated": "size does not match|end of the archive",
    "empty": "no safetensors header|no zip archive",
    "evil pickle": "would run 'posix.system'",
    "evil pickle, protocol 4": "would run 'posix.system'",
    "legacy pickle": "not safe.*weights_only=True",
    "whole pickled module": "would run 'torch.nn.modules.linear.Linear'.*state_dict",
    "deflate bomb": "is compressed",
    "tensor of stride 0 and 8 GB": "claims 2,147,483,648 numbers, the file has 1",
    "record over another": "lie over each other",
    "another network": "none of its 2 tensors fits",
}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.hostile_models", str(tmp_path_factory.mktemp("hostile"))],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


pytestmark = pytest.mark.skipif(
    not Path("/proc/self/clear_refs").exists(), reason="memory is measured as Linux tells it"
)


def test_what_is_sound_is_read(results: list[dict[str, Any]]) -> None:
    sound = [one for one in results if one["case"].startswith("sound")]
    assert len(sound) == 5 and all(one.get("loaded", 0) > 50 for one in sound), sound
    assert [one["resumable"] for one in sound if one["kind"] == "checkpoints"] == [True]


def test_every_other_file_is_refused_with_its_name(results: list[dict[str, Any]]) -> None:
    others = [one for one in results if not one["case"].startswith("sound")]
    assert len(others) > 100
    for one in others:
        assert "crashed" not in one and "refused" in one, one
        assert one["refused"].startswith((one["path"] + ":", Path(one["path"]).name + ":")), one
        assert not one["ran"], f"{one['case']} has run something"


def test_the_reason_says_what_is_wrong(results: list[dict[str, Any]]) -> None:
    told = {name: [one["refused"] for one in results if one["case"] == name] for name in REASONS}
    for name, reason in REASONS.items():
        assert told[name], f"there is no case {name!r}"
        assert all(re.search(reason, text) for text in told[name]), (name, told[name])


def test_no_file_costs_more_than_two_seconds_or_500_megabytes(results: list[dict[str, Any]]) -> None:
    slow = [one for one in results if not (one["seconds"] < SECONDS and one["megabytes"] < MEGABYTES)]
    assert not slow


@pytest.mark.parametrize("how", [{}, {"pickle_protocol": 4}])
def test_what_torch_saved_is_read(how: dict[str, Any], tmp_path: Path) -> None:
    """Every kind of number and of layout that a state_dict may have."""
    base = torch.arange(24.0)
    tied = nn.Parameter(torch.randn(3, 3))
    kinds = (
        torch.float16,
        torch.bfloat16,
        torch.float64,
        torch.int8,
        torch.uint8,
        torch.int16,
        torch.int32,
        torch.bool,
    )
    value = {
        **{str(kind): torch.ones(5, 7).to(kind) for kind in kinds},
        "transposed": base.view(4, 6).t(),
        "slice": base[3:9],
        "column": base.view(4, 6)[:, 2],
        "scalar": torch.tensor(7),
        "channels last": torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last),
        "nothing": torch.zeros(0, 4),
        "tied": tied,
        "tied again": tied,
        **mobilenet_v3_small().state_dict(),
    }
    torch.save({"state_dict": value, "epoch": 3, "notes": ["a", (1, 2.5, None, True)]}, tmp_path / "w.pth", **how)
    found = weights.read_weights(tmp_path / "w.pth")
    assert found.keys() == value.keys() and len(found) > 200
    for name, tensor in value.items():
        assert found[name].dtype == tensor.dtype and torch.equal(found[name], tensor), name


def test_reading_weights_changes_nothing_in_the_file(tmp_path: Path) -> None:
    torch.save({"a": torch.ones(4)}, tmp_path / "w.pth")
    before = (tmp_path / "w.pth").read_bytes()
    weights.read_weights(tmp_path / "w.pth")["a"].fill_(9)
    assert (tmp_path / "w.pth").read_bytes() == before
    assert torch.equal(weights.read_weights(tmp_path / "w.pth")["a"], torch.ones(4))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes")
def test_what_is_no_file_is_no_weights_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.pth")
    (tmp_path / "folder.pth").mkdir()
    for name in ("pipe.pth", "folder.pth", "missing.pth"):
        with pytest.raises(InputError, match=name):
            weights.read_weights(tmp_path / name)
