"""Starting weights and checkpoints as files."""

from __future__ import annotations

import json
import pickle
import struct
import zipfile
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from core.errors import InputError
from core.models import checkpoint, weights
from core.models.anchors import Anchors, fit_enough
from core.models.checkpoint import Description
from core.models.inputs import NORMALIZATIONS, InputSpec, tiles
from core.models.networks.families import Architecture
from core.models.registry import MODELS
from core.models.weights_place import is_on_machine, weights_path
from core.recipe.recipe import default_recipe

BOXES = np.array([[10, 10, 10 + side, 10 + side] for side in (14, 20, 40, 80, 200)], np.float32)


def architecture(model: str, labels: int = 3, **options: object) -> Architecture:
    spec = MODELS[model].with_options(options)
    return Architecture(model, fit_enough(BOXES, spec.strides, spec.anchors), labels, options)


def description(arch: Architecture, labels: list[str]) -> Description:
    mean, std = NORMALIZATIONS["imagenet"]
    return Description(
        id="r001-best",
        run="r001",
        model=arch.model,
        epoch=3,
        created="2026-01-01T00:00:00+00:00",
        labels=labels,
        label_colors=["#ff0000"] * len(labels),
        architecture=arch.to_json(),
        input=InputSpec(mode="crops", width=64, height=64, mean=mean, std=std),
        recipe=default_recipe(arch.model).model_dump(),
        snapshot_hash="abc",
    )


def saved(path: Path, labels: list[str], model: str = "ssd_compact") -> Path:
    arch = architecture(model, len(labels))
    torch.manual_seed(7)
    checkpoint.save(path, arch.build(), description(arch, labels))
    return path


def test_torchvisions_cache_is_used_and_its_absence_says_what_to_fetch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    file = MODELS["ssd300_vgg16"].weights["imagenet"]
    (tmp_path / "checkpoints").mkdir()
    # Nothing listens there, as on a machine without a network.
    nowhere = replace(file, url=f"http://127.0.0.1:9/{file.file_name}")
    with pytest.raises(InputError, match=f"fetch .*{file.file_name} .* put it at {tmp_path}"):
        weights.download_weights(nowhere)
    torch.save({"features.0.weight": torch.ones(64, 3, 3, 3)}, tmp_path / "checkpoints" / file.file_name)
    assert torch.equal(weights.download_weights(nowhere)["features.0.weight"], torch.ones(64, 3, 3, 3))
    (tmp_path / "checkpoints" / file.file_name).write_bytes(b"half a file")
    with pytest.raises(InputError, match="damaged"):
        weights.download_weights(nowhere)


def test_the_place_of_weights_is_torchs_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = MODELS["ssd300_vgg16"].weights["imagenet"]
    for name, value in (("TORCH_HOME", tmp_path / "a"), ("XDG_CACHE_HOME", tmp_path / "b"), ("HOME", tmp_path / "c")):
        monkeypatch.delenv("TORCH_HOME", raising=False)
        monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
        monkeypatch.setenv(name, str(value))
        assert weights_path(file) == Path(torch.hub.get_dir()) / "checkpoints" / file.file_name
        assert not is_on_machine(file)
        weights_path(file).parent.mkdir(parents=True)
        weights_path(file).touch()
        assert is_on_machine(file)


def test_timms_file_is_taken_from_the_same_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    file = MODELS["ssd_mobilenet_v1_ppn"].weights["imagenet"]
    nowhere = replace(file, url="http://127.0.0.1:9/model.safetensors")
    with pytest.raises(InputError, match=f"put it at {tmp_path}/checkpoints/{file.file_name}"):
        weights.download_weights(nowhere)
    save_file({"bn1.weight": torch.full((32,), 3.0)}, tmp_path / "checkpoints" / file.file_name)
    assert torch.equal(weights.download_weights(nowhere)["bn1.weight"], torch.full((32,), 3.0))
    (tmp_path / "checkpoints" / file.file_name).write_bytes(b"half a file")
    with pytest.raises(InputError, match="damaged"):
        weights.download_weights(nowhere)


def test_weights_for_another_model_are_refused() -> None:
    with pytest.raises(InputError, match="none of its 2 tensors fits"):
        weights.load_torchvision(
            architecture("ssd300_vgg16").build(), {"a": torch.ones(1), "b": torch.ones(2)}, "file.pth"
        )


class Evil:
    """Runs a command when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        import os

        return os.system, ("touch /tmp/defectdesk-was-here",)


def test_weights_files_that_are_no_plain_tensors_are_refused(tmp_path: Path) -> None:
    good = tmp_path / "good.pth"
    torch.save({"state_dict": {"module.a": torch.ones(2)}}, good)
    assert torch.equal(weights.read_weights(good)["a"], torch.ones(2))
    evil = tmp_path / "evil.pth"
    torch.save({"a": Evil()}, evil)
    legacy = tmp_path / "legacy.pth"
    legacy.write_bytes(pickle.dumps(Evil()))
    truncated = tmp_path / "truncated.pth"
    truncated.write_bytes(good.read_bytes()[:-200])
    packed = tmp_path / "packed.pth"
    with zipfile.ZipFile(good) as source, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target:
        for record in source.namelist():
            target.writestr(record, source.read(record))
    module = tmp_path / "module.pth"
    torch.save(nn.Linear(2, 2), module)
    for path in (evil, legacy, truncated, packed, module, tmp_path / "missing.pth"):
        with pytest.raises(InputError, match=str(path)):
            weights.read_weights(path)
    assert not Path("/tmp/defectdesk-was-here").exists()


def test_label_heads_are_carried_over_by_name(tmp_path: Path) -> None:
    source = checkpoint.load(saved(tmp_path / "c.safetensors", ["pit", "stain", "crack"]))
    target = Architecture("ssd_compact", source.architecture.anchors, 2).build()
    fresh = {name: tensor.clone() for name, tensor in target.state_dict().items()}
    report = weights.load_checkpoint(target, ["crack", "dent"], source, "c")
    assert "carried over for crack" in report.text and "new for dent" in report.text
    for name, tensor in target.state_dict().items():
        if name.endswith("to_labels.weight"):
            mine = tensor.view(-1, 2, *tensor.shape[1:])
            theirs = source.tensors[name].view(-1, 3, *tensor.shape[1:])
            assert torch.equal(mine[:, 0], theirs[:, 2])
            assert torch.equal(mine[:, 1], fresh[name].view_as(mine)[:, 1])
        else:
            if "to_labels" not in name:
                assert torch.equal(tensor, source.tensors[name]), name


def test_other_anchors_start_the_heads_afresh(tmp_path: Path) -> None:
    source = checkpoint.load(saved(tmp_path / "c.safetensors", ["pit"]))
    target = Architecture("ssd_compact", Anchors((8, 16, 32), (((9.0, 9.0),), (), ())), 1).build()
    report = weights.load_checkpoint(target, ["pit"], source, "c")
    assert "heads start afresh" in report.text
    state = target.state_dict()
    assert all(torch.equal(state[n], source.tensors[n]) for n in state if n.startswith("backbone."))


def rewritten(path: Path, target: Path, **changes: object) -> Path:
    """The checkpoint at `path` with changed fields of its description."""
    data = path.read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + length])
    header["__metadata__"]["defectdesk"] = json.dumps(json.loads(header["__metadata__"]["defectdesk"]) | changes)
    text = json.dumps(header).encode()
    target.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + length :])
    return target


def test_damaged_or_foreign_checkpoints_are_refused_with_the_reason(tmp_path: Path) -> None:
    good = saved(tmp_path / "good.safetensors", ["pit", "stain"])
    data = good.read_bytes()
    cases: dict[str, tuple[Path, str]] = {}

    def case(name: str, reason: str, content: bytes | None = None) -> Path:
        path = tmp_path / f"{name}.safetensors"
        if content is not None:
            path.write_bytes(content)
        cases[name] = (path, reason)
        return path

    case("missing", "no such file")
    case("empty", "not a checkpoint", b"")
    case("truncated", "size does not match", data[: len(data) // 2])
    case("picture", "not a checkpoint", b"\x89PNG" + b"\0" * 100)
    case("pickle", "not a checkpoint", pickle.dumps(Evil()))
    case("huge_header", "not a checkpoint", struct.pack("<Q", 2**40) + data[8:])
    save_file({"a": torch.ones(2)}, case("plain_weights", "no DefectDesk checkpoint"))
    rewritten(good, case("newer", "newer version"), format=99)
    rewritten(good, case("other_labels", "3 label names for 2"), labels=["a", "b", "c"])
    rewritten(
        good,
        case("unknown_model", "does not know"),
        architecture={**architecture("ssd_compact", 2).to_json(), "model": "yolo"},
    )
    rewritten(
        good,
        case("stride_zero", "damaged"),
        architecture={
            **architecture("ssd_compact", 2).to_json(),
            "anchors": {"strides": [0, 16, 32], "shapes": [[[9, 9]], [], []]},
        },
    )
    rewritten(good, case("no_epoch", "epoch"), epoch="many")
    arch = architecture("ssd_compact", 2)
    detector = arch.build()
    with torch.no_grad():
        next(detector.parameters()).fill_(float("nan"))
    checkpoint.save(case("diverged", "NaN"), detector, description(arch, ["pit", "stain"]))
    assert len(cases) == 13
    for path, reason in cases.values():
        with pytest.raises(InputError, match=reason) as refusal:
            checkpoint.load(path)
        assert str(path) in str(refusal.value)
    assert not Path("/tmp/defectdesk-was-here").exists()


@pytest.mark.parametrize(("width", "height"), [(100, 50), (1024, 1024), (1025, 300), (8000, 3000)])
def test_tiles_cover_the_image_and_overlap(width: int, height: int) -> None:
    windows = tiles(width, height, 1024, 128)
    seen = np.zeros((height, width), np.uint8)
    for x1, y1, x2, y2 in windows:
        assert 0 <= x1 < x2 <= width and 0 <= y1 < y2 <= height
        seen[y1:y2, x1:x2] = 1
    assert seen.all()
    columns = sorted({(x1, x2) for x1, _, x2, _ in windows})
    assert all(left[1] - right[0] >= 127 for left, right in pairwise(columns))
