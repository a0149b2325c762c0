"""Checkpoints and weights files that nobody should have written, and a runner that reads each in a process of its own.

    python -m tests.hostile_models FOLDER

makes them in FOLDER, reads them in a forked process that may take 500 MB for each, and prints one JSON line each: what
came of it, the seconds and the megabytes that it took.
"""

from __future__ import annotations

import io
import json
import os
import pickle
import resource
import struct
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from functools import cache
from itertools import zip_longest
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from core.errors import InputError
from core.models import checkpoint, weights
from core.models.checkpoint import Description
from core.models.inputs import NORMALIZATIONS, InputSpec
from core.models.networks.families import Architecture
from core.models.training_state import Progress, TrainingState
from core.recipe.recipe import default_recipe
from tests.core.models.test_models import architecture

Case = Callable[[Path], Path]
MB = 2**20
MEMORY = 500 * MB
TRACE = "defectdesk-was-here"  # what the evil ones would leave in their folder


# Checkpoints ----------------------------------------------------------------------------------------------------------


def description(arch: Architecture) -> Description:
    mean, std = NORMALIZATIONS["imagenet"]
    return Description(
        id="r001-last",
        run="r001",
        model=arch.model,
        epoch=1,
        created="2026-01-01T00:00:00+00:00",
        labels=["pit", "stain"],
        label_colors=["#ff0000"] * 2,
        architecture=arch.to_json(),
        input=InputSpec(mode="crops", width=64, height=64, mean=mean, std=std),
        recipe=default_recipe(arch.model).model_dump(),
        snapshot_hash="abc",
    )


@cache
def sound() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return made(Path(folder)).read_bytes()


def whole(folder: Path) -> Path:
    """A sound checkpoint with a training state."""
    (folder / "c.safetensors").write_bytes(sound())
    return folder / "c.safetensors"


def made(folder: Path, change: Callable[[nn.Module], None] | None = None, memory: Tensor | None = None) -> Path:
    """The same, but for what `change` does to its network, and with this in its optimiser's memory."""
    arch = architecture("ssd_compact", 2)
    network = arch.build()
    if change is not None:
        with torch.no_grad():
            change(network)
    state = TrainingState(
        Progress(step=1, epoch=1, epoch_step=1), {"0.exp_avg": torch.ones(3) if memory is None else memory}
    )
    checkpoint.save(folder / "c.safetensors", network, description(arch), state)
    return folder / "c.safetensors"


def taken_apart(path: Path) -> tuple[dict[str, Any], bytes]:
    data = path.read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def put_together(path: Path, header: str | bytes, tensors: bytes) -> Path:
    text = header.encode() if isinstance(header, str) else header
    path.write_bytes(struct.pack("<Q", len(text)) + text + tensors)
    return path


def header(change: Callable[[dict[str, Any]], None]) -> Case:
    def make(folder: Path) -> Path:
        path = whole(folder)
        tree, tensors = taken_apart(path)
        change(tree)
        return put_together(path, json.dumps(tree), tensors)

    return make


def header_text(change: Callable[[str], str]) -> Case:
    def make(folder: Path) -> Path:
        path = whole(folder)
        tree, tensors = taken_apart(path)
        return put_together(path, change(json.dumps(tree)), tensors)

    return make


def described(entry: str = "defectdesk", **change: Any) -> Case:
    def alter(tree: dict[str, Any]) -> None:
        values = json.loads(tree["__metadata__"][entry])
        for name, value in change.items():
            branch = values
            *folders, leaf = name.split("__")
            for part in folders:
                branch = branch[part]
            branch[leaf] = value
        tree["__metadata__"][entry] = json.dumps(values)

    return header(alter)


def content(data: bytes, name: str = "c.safetensors") -> Case:
    def make(folder: Path) -> Path:
        (folder / name).write_bytes(data)
        return folder / name

    return make


def cut(share: float) -> Case:
    def make(folder: Path) -> Path:
        path = whole(folder)
        path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
        return path

    return make


def filled(value: float) -> Case:
    return lambda folder: made(folder, lambda network: next(network.parameters()).view(-1)[0].fill_(value))


def of_8_gb(shape: list[int]) -> Case:
    """A file that is 8 GB long without taking any room, as its header says."""

    def make(folder: Path) -> Path:
        path = whole(folder)
        tree, _ = taken_apart(path)
        entries = {"model.heads.0.to_labels.weight": {"dtype": "F32", "shape": shape, "data_offsets": [0, 2**33]}}
        put_together(path, json.dumps({"__metadata__": tree["__metadata__"]} | entries), b"")
        os.truncate(path, path.stat().st_size + 2**33)
        return path

    return make


def honest_giant(folder: Path) -> Path:
    """As many labels as may be, at as many anchors: the description fits the tensors, and there are 36 GB of them."""
    path = folder / "c.safetensors"
    values = json.loads(description(architecture("ssd300_vgg16", 2)).model_dump_json())
    values["labels"] = [f"{number}" for number in range(10_000)]
    values["label_colors"] = ["#ff0000"] * 10_000
    values["architecture"]["labels"] = 10_000
    values["architecture"]["anchors"]["shapes"] = [[[9.0, 9.0]] * 200, [], [], []]
    with torch.device("meta"):
        network = Architecture.from_json(values["architecture"], "c").build()
    entries: dict[str, Any] = {"__metadata__": {"defectdesk": json.dumps(values)}}
    end = 0
    for name, tensor in network.state_dict().items():
        kind = "F32" if tensor.is_floating_point() else "I64"
        entries["model." + name] = {
            "dtype": kind,
            "shape": list(tensor.shape),
            "data_offsets": [end, end + tensor.nbytes],
        }
        end += tensor.nbytes
    put_together(path, json.dumps(entries), b"")
    os.truncate(path, path.stat().st_size + end)
    return path


def huge_header(folder: Path) -> Path:
    path = folder / "c.safetensors"
    path.write_bytes(struct.pack("<Q", 200 * MB) + b"{}")
    os.truncate(path, 201 * MB)
    return path


def longer_state(folder: Path) -> Path:
    path = whole(folder)
    tree, tensors = taken_apart(path)
    end = len(tensors)
    put_together(
        path,
        json.dumps(tree | {"state.x": {"dtype": "U8", "shape": [2**33], "data_offsets": [end, end + 2**33]}}),
        tensors,
    )
    os.truncate(path, path.stat().st_size + 2**33)
    return path


def first_tensor(tree: dict[str, Any]) -> dict[str, Any]:
    return next(entry for name, entry in sorted(tree.items()) if name.startswith("model."))


def overlapping(tree: dict[str, Any]) -> None:
    entry = next(entry for name, entry in tree.items() if name != "__metadata__" and entry["data_offsets"][0] > 0)
    entry["data_offsets"] = [place - 4 for place in entry["data_offsets"]]


def anchors(**change: Any) -> Case:
    return described(**{f"architecture__anchors__{name}": value for name, value in change.items()})


CHECKPOINTS: dict[str, Case] = {
    "sound": whole,
    "empty": content(b""),
    "seven bytes": content(b"\x02\0\0\0\0\0\0"),
    "truncated": cut(0.5),
    "truncated in the header": cut(0.001),
    "cut by a byte": lambda folder: (path := whole(folder), os.truncate(path, path.stat().st_size - 1))[0],
    "longer by a byte": lambda folder: (path := whole(folder), path.write_bytes(path.read_bytes() + b"x"))[0],
    "a picture": content(b"\x89PNG" + b"\0" * 100),
    "an evil pickle": content(b"cos\nsystem\n(S'touch " + TRACE.encode() + b"'\ntR."),
    "huge header claimed": content(struct.pack("<Q", 2**63) + b"{}"),
    "huge header of 200 MB": huge_header,
    "header of 2 MB of lists": lambda folder: put_together(
        folder / "c.safetensors", b"[" + b"[]," * (2 * MB // 3 - 2) + b"1]", b""
    ),
    "header of 2 MB of brackets": lambda folder: put_together(folder / "c.safetensors", b"[" * (2 * MB - 1), b""),
    "header of 50,000 tensors": lambda folder: put_together(
        folder / "c.safetensors",
        json.dumps({f"{n}": {"dtype": "F32", "shape": [], "data_offsets": [4 * n, 4 * n + 4]} for n in range(50_000)}),
        b"\0" * 200_000,
    ),
    "header with a key twice": header_text(lambda text: text[:-1] + ', "model.heads.0.to_labels.bias": {}}'),
    "metadata twice": header_text(lambda text: text[:-1] + ', "__metadata__": {}}'),
    "description with a key twice": header_text(
        # A key that the training state beside it lacks: which of the two comes first in the header is left to chance.
        lambda text: text.replace('\\"run\\":\\"r001\\"', '\\"run\\":\\"r001\\",\\"run\\":\\"r002\\"', 1)
    ),
    "tensors that overlap": header(overlapping),
    "offsets that go back": header(lambda tree: first_tensor(tree)["data_offsets"].reverse()),
    "offsets below zero": header(lambda tree: first_tensor(tree).update(data_offsets=[-4, 0])),
    "offsets beyond the file": header(lambda tree: first_tensor(tree).update(data_offsets=[2**40, 2**40 + 4])),
    "offsets that are none": header(lambda tree: first_tensor(tree).update(data_offsets="ab")),
    "shape of 2**200 numbers": header(lambda tree: first_tensor(tree).update(shape=[2**40] * 5)),
    "shape below zero": header(lambda tree: first_tensor(tree).update(shape=[-1, -4])),
    "shape of true": header(lambda tree: first_tensor(tree).update(shape=[True])),
    "an unknown kind of number": header(lambda tree: first_tensor(tree).update(dtype="X9")),
    "a kind of another size": header(lambda tree: first_tensor(tree).update(dtype="F64")),
    "tensor claiming 8 GB": of_8_gb([2**31]),
    "tensor claiming 8 GB in the head's shape": of_8_gb([2**20, 128, 4, 4]),
    "network of 36 GB": honest_giant,
    "stride 0": anchors(strides=[0, 16, 32]),
    "a stride that is none": anchors(strides=[8, 16, float("inf")]),
    "other strides": anchors(strides=[4, 8, 16]),
    "a million anchor shapes": anchors(shapes=[[[9.0, 9.0]] * 300_000, [], []]),
    "anchor shapes of another form": anchors(shapes=[[[9.0]], [], []]),
    "no anchors": anchors(shapes=[[], [], []]),
    "anchor of NaN": anchors(shapes=[[[float("nan"), 9.0]], [], []]),
    "anchor without size": anchors(shapes=[[[0.0, 9.0]], [], []]),
    "NaN weights": filled(float("nan")),
    "infinite weights": filled(float("-inf")),
    "other labels": described(labels=["a", "b", "c"]),
    "a billion labels": described(architecture__labels=2**30),
    "labels of one name": described(labels=["a", "a"]),
    "labels of numbers": described(labels=[1, 2]),
    "an unknown model": described(architecture__model="yolo"),
    "a model by two names": described(model="ssd300_vgg16"),
    "a newer format": described(format=99),
    "a format of true": described(format=True),
    "epoch of text": described(epoch="many"),
    "input of no size": described(input__width=0),
    "input of a million": described(input__width=10**6),
    "input divided by zero": described(input__std=[0, 1, 1]),
    "input of NaN": described(input__mean=[float("nan"), 0, 0]),
    "tiles without end": described(input__tile=64, input__overlap=4096),
    "description of 5 MB": described(recipe={"x": [[]] * 1_300_000}),
    "description of brackets": header(lambda tree: tree["__metadata__"].update(defectdesk="[" * 1_000_000)),
    "description of numbers without end": header(
        lambda tree: tree["__metadata__"].update(defectdesk='{"format": ' + "9" * 100_000 + "}")
    ),
    "no description": header(lambda tree: tree["__metadata__"].pop("defectdesk")),
    "metadata that are no texts": header(lambda tree: tree["__metadata__"].update(defectdesk={"a": 1})),
    "training state below zero": described("training", step=-1),
    "training state of a newer version": described("training", unknown=1),
    "training state of text": header(lambda tree: tree["__metadata__"].update(training="[" * 100_000)),
    "training state of 8 GB": longer_state,
    "optimiser of NaN": lambda folder: made(folder, memory=torch.full((3,), float("nan"))),
}


# Weights files --------------------------------------------------------------------------------------------------------


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {TRACE}",)


class Call:
    """Pickles as a call of whatever is given."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.reduced = (function, arguments)

    def __reduce__(self) -> tuple[Any, ...]:
        return self.reduced


def state_dict() -> dict[str, Tensor]:
    return dict(architecture("ssd_compact", 2).build().state_dict())


def torch_saved(value: Any, **how: Any) -> Case:
    def make(folder: Path) -> Path:
        torch.save(value() if callable(value) else value, folder / "w.pth", **how)
        return folder / "w.pth"

    return make


def archive(pickled: bytes | Callable[[bytes], bytes], method: int = zipfile.ZIP_STORED, **storages: bytes) -> Case:
    """What torch.save makes of a state_dict, with its pickle changed."""

    def make(folder: Path) -> Path:
        buffer = io.BytesIO()
        torch.save({"weight": torch.ones(4, 4)}, buffer)
        with zipfile.ZipFile(buffer) as good:
            files = {name.partition("/")[2]: good.read(name) for name in good.namelist()}
        files["data.pkl"] = pickled(files["data.pkl"]) if callable(pickled) else pickled
        with zipfile.ZipFile(folder / "w.pth", "w", method) as file:
            for name, data in (files | {f"data/{key}": value for key, value in storages.items()}).items():
                file.writestr("w/" + name, data)
        return folder / "w.pth"

    return make


def swapped(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    def change(pickled: bytes) -> bytes:
        assert old in pickled
        return pickled.replace(old, new, 1)

    return change


def patched(change: Callable[[bytearray], None]) -> Case:
    """A sound archive whose bytes are changed."""

    def make(folder: Path) -> Path:
        path = torch_saved({"weight": torch.ones(4, 4)})(folder)
        data = bytearray(path.read_bytes())
        change(data)
        path.write_bytes(data)
        return path

    return make


def of_central_directory(offset: int, value: bytes) -> Callable[[bytearray], None]:
    """Overwrite a field of the entry of the tensor's storage in the archive's list of files."""

    def change(data: bytearray) -> None:
        entry = data.find(b"PK\x01\x02", data.find(b"PK\x01\x02"))
        while b"data/0" not in data[entry + 46 : entry + 70]:
            entry = data.find(b"PK\x01\x02", entry + 4)
        data[entry + offset : entry + offset + len(value)] = value

    return change


def bomb(folder: Path) -> Path:
    """Zeros, packed a thousand times smaller."""
    with zipfile.ZipFile(folder / "w.pth", "w", zipfile.ZIP_DEFLATED) as file:
        for name in ("w/data.pkl", "w/data/0"):
            with file.open(name, "w") as record:
                for _ in range(64):
                    record.write(b"\0" * MB)
    return folder / "w.pth"


def many_files(folder: Path) -> Path:
    entry = struct.pack("<4s12xIIIHHHHHII", b"PK\x01\x02", 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"a"
    listed = entry * 1_000_000
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 65535, 65535, len(listed), 2, 0)
    (folder / "w.pth").write_bytes(b"PK" + listed + end)
    return folder / "w.pth"


def one_number_of_8_gb() -> dict[str, Tensor]:
    return {"weight": torch.ones(1).expand(2**31)}


HEAD = b"\x80\x02"  # protocol 2
# Tuples of tuples: a few hundred bytes, of which a hash or a text takes for ever.
DEEP = b")" + b"q\x00h\x00h\x00\x86" * 60
DOUBLED = HEAD + b"}q\x01(" + DEEP + b"K\x01u."

WEIGHTS: dict[str, Case] = {
    "sound": torch_saved(state_dict),
    "sound, protocol 4": torch_saved(state_dict, pickle_protocol=4),
    "sound, wrapped": torch_saved(
        lambda: {"model": nn.ModuleDict({}).state_dict() | state_dict(), "epoch": 3, "loss": [0.5, None]}
    ),
    "sound, parameters": torch_saved(lambda: dict(architecture("ssd_compact", 2).build().state_dict(keep_vars=True))),
    "empty": content(b"", "w.pth"),
    "truncated": lambda folder: (path := torch_saved(state_dict)(folder), os.truncate(path, path.stat().st_size // 2))[
        0
    ],
    "truncated at the end": lambda folder: (
        path := torch_saved(state_dict)(folder),
        os.truncate(path, path.stat().st_size - 4),
    )[0],
    "text": content(b"not a model\n" * 1000, "w.pth"),
    "a picture": content(b"\x89PNG" + b"\0" * 1000, "w.pth"),
    "a zip of texts": lambda folder: (zipfile.ZipFile(folder / "w.pth", "w").writestr("a.txt", "a"), folder / "w.pth")[
        1
    ],
    "evil pickle": torch_saved({"weight": Evil()}),
    "evil pickle, protocol 4": torch_saved({"weight": Evil()}, pickle_protocol=4),
    "evil pickle, bare": content(pickle.dumps(Evil()), "w.pth"),
    "evil pickle, named safetensors": content(pickle.dumps(Evil()), "w.safetensors"),
    "evil pickle, legacy": torch_saved({"weight": Evil()}, _use_new_zipfile_serialization=False),
    "legacy pickle": torch_saved(lambda: {"weight": torch.ones(4)}, _use_new_zipfile_serialization=False),
    "whole pickled module": torch_saved(lambda: nn.Linear(2, 2)),
    "whole pickled module, legacy": torch_saved(lambda: nn.Linear(2, 2), _use_new_zipfile_serialization=False),
    "what would take 8 GB of bytes": torch_saved({"weight": Call(bytearray, 2**33)}),
    "what would take 8 GB of numbers": torch_saved({"weight": Call(torch.Tensor, 2**31)}),
    "what would evaluate": torch_saved({"weight": Call(eval, f"open({TRACE!r}, 'w')")}),
    "deflate bomb": bomb,
    "deflate bomb as the pickle": archive(b"\0" * (64 * MB), zipfile.ZIP_DEFLATED),
    "tensor claiming 8 GB": archive(swapped(b"K\x10t", b"\x8a\x05\x00\x00\x00\x80\x00t")),
    "tensor claiming 8 GB in its shape": archive(swapped(b"K\x04K\x04\x86", b"\x8a\x05\x00\x00\x00\x80\x00K\x01\x86")),
    "tensor with an offset beyond": archive(swapped(b"QK\x00", b"QK\xff")),
    "tensor with an offset below zero": archive(swapped(b"QK\x00", b"QJ\xff\xff\xff\xff")),
    "tensor of stride 0 and 8 GB": torch_saved(one_number_of_8_gb),
    "tensor of negative stride": archive(swapped(b"K\x04K\x01\x86", b"J\xff\xff\xff\xffK\x01\x86")),
    "tensor of no storage": archive(swapped(b"X\x01\x00\x00\x000", b"X\x01\x00\x00\x009")),
    "tensor of a storage of 1 byte": archive(lambda same: same, **{"0": b"x"}),
    "record of 4 GB claimed": patched(of_central_directory(20, b"\xfe\xff\xff\xff" * 2)),
    "record beyond the file": patched(of_central_directory(42, b"\x00\x00\x00\x7f")),
    "record over another": patched(of_central_directory(42, b"\x00\x00\x00\x00")),
    "a million files": many_files,
    "pickle without end": archive(HEAD + b"N" * MB),
    "pickle of nothing": archive(b""),
    "pickle of half a million steps": archive(HEAD + b"]" + b"Na" * 500_000 + b"."),
    "pickle of 20 MB": archive(HEAD + b"]" + b"Na" * (10 * MB) + b"."),
    "pickle with a place of 2 billion": archive(HEAD + b"}r\xff\xff\xff\x7f."),
    "pickle with a hash that never ends": archive(DOUBLED),
    "pickle with a text that never ends": archive(HEAD + b"(" + DEEP + b"ctorch\nSize\n" + DEEP + b"R."),
    "pickle that copies itself": archive(
        HEAD
        + b"}q\x01("
        + b"".join(b"X\x01\x00\x00\x00%cK\x01" % n for n in range(97, 120))
        + b"u"
        + b"ccollections\nOrderedDict\nh\x01\x85R0" * 100
        + b"."
    ),
    "pickle of an empty stack": archive(HEAD + b"0000t."),
    "NaN weights": torch_saved(lambda: {name: tensor * float("nan") for name, tensor in state_dict().items()}),
    "another network": torch_saved(lambda: nn.Linear(2, 2).state_dict()),
    "no tensors": torch_saved({"epoch": 3}),
    "a list": torch_saved([1, 2]),
    "safetensors of no tensors": lambda folder: put_together(folder / "w.safetensors", "{}", b""),
    "safetensors of 8 GB": lambda folder: of_8_gb([2**31])(folder).rename(folder / "w.safetensors"),
    "safetensors of another network": lambda folder: (
        save_file({"a": torch.ones(2)}, folder / "w.safetensors"),
        folder / "w.safetensors",
    )[1],
}


def outcome(path: Path, kind: str) -> dict[str, Any]:
    """What came of reading a file as all of the program would."""
    try:
        if kind == "weights":
            network = architecture("ssd_compact", 2).build()
            report = weights.load_torchvision(network, weights.read_weights(path), path.name)
            return {"loaded": report.loaded}
        loaded = checkpoint.load(path)
        state = checkpoint.load_state(path)
        loaded.build()
        return {"loaded": len(loaded.tensors), "resumable": state is not None}
    except InputError as error:
        return {"refused": str(error)}


def status(name: str) -> int:
    """A figure of /proc/self/status, in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024
    raise KeyError(name)


def measured(path: Path, kind: str) -> dict[str, Any]:
    """`outcome`, with the seconds of the processor and the megabytes that it took."""
    Path("/proc/self/clear_refs").write_text("5")  # the peak of memory starts here
    resource.setrlimit(resource.RLIMIT_AS, (status("VmSize") + MEMORY, resource.RLIM_INFINITY))
    before, start = status("VmRSS"), time.process_time()
    try:
        result = outcome(path, kind)
    except BaseException as error:  # noqa: BLE001 - whatever else comes of it is what the test is about
        result = {"crashed": repr(error)[:300]}
    result |= {"seconds": time.process_time() - start, "megabytes": (status("VmHWM") - before) / MB}
    return result | {"ran": Path(TRACE).exists()}


def run(folder: Path) -> Iterator[dict[str, Any]]:
    """Make all cases, and read them in one process of its own, with its memory limited."""
    torch.set_num_threads(1)  # a forked process has no threads of its own to wait for
    listed: list[tuple[str, str, Path]] = []
    for kind, cases in (("checkpoints", CHECKPOINTS), ("weights", WEIGHTS)):
        for number, (name, case) in enumerate(cases.items()):
            place = folder / f"{kind} {number}"
            place.mkdir(parents=True)
            listed.append((kind, name, case(place)))
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        os.chdir(folder)
        for kind, _, path in listed:
            os.write(writing, json.dumps(measured(path, kind)).encode() + b"\n")
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as file:
        told = file.read().splitlines()
    os.waitpid(child, 0)
    for (kind, name, path), line in zip_longest(listed, told):
        result = json.loads(line) if line else {"crashed": "the process that reads has died here or before"}
        yield {"kind": kind, "case": name, "path": str(path), **result}
        path.unlink(missing_ok=True)


if __name__ == "__main__":
    for result in run(Path(sys.argv[1])):
        print(json.dumps(result), flush=True)
