"""Tensors from a file that anybody may have written: .safetensors, and what torch.save makes of a state_dict.

Nothing is unpickled. A state_dict is written with some twenty of pickle's instructions and a handful of names; those
are followed here, as data, and everything else is refused. Tensors lie in the file as they are, and are mapped, not
read: a file that claims to be huge costs nothing until somebody looks at its tensors.
"""

from __future__ import annotations

import math
import mmap
import pickletools
import struct
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, NoReturn

import torch
from torch import Tensor

from core.errors import InputError
from core.safetensors_header import read_header

MAX_RECORDS = 20_000  # files in the archive, one for each tensor
MAX_STEPS = 400_000  # instructions of the pickle; a tensor takes about thirty
MAX_PICKLE = 4 * 2**20  # bytes
MAX_DIMENSIONS = 8
MAX_FILE = 4 * 2**30  # bytes; as many as a torch archive can have, and six times the largest network

_SAFETENSORS = {
    "BOOL": torch.bool,
    "U8": torch.uint8,
    "I8": torch.int8,
    "U16": torch.uint16,
    "I16": torch.int16,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "U32": torch.uint32,
    "I32": torch.int32,
    "F32": torch.float32,
    "U64": torch.uint64,
    "I64": torch.int64,
    "F64": torch.float64,
}
_STORAGES = {
    "FloatStorage": torch.float32,
    "DoubleStorage": torch.float64,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}


def read_tensors(path: Path) -> Any:
    """What is in the file: a dictionary of tensors by name, or whatever dictionaries and lists torch.save was given.

    The tensors are mapped from the file: what is kept should be copied. Raises InputError, naming the file, if it is
    damaged, compressed, or holds anything but tensors and plain values.
    """
    if not path.is_file():  # opening a pipe would wait for somebody to write into it
        raise InputError(f"{path}: {'is not a file' if path.exists() else 'there is no such weights file'}")
    try:
        if (size := path.stat().st_size) > MAX_FILE:
            raise InputError(f"{path}: refused, it has {size:,} bytes; no network here is that large")
        if path.suffix == ".safetensors":
            return _read_safetensors(path)
        return _torch_archive(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    header = read_header(path)
    with path.open("rb") as file:
        start = 8 + int.from_bytes(file.read(8), "little")
        if not any(entry["shape"] for name, entry in header.items() if name != "__metadata__"):
            raise InputError(f"{path}: holds no tensors")
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    return {
        name: _map_storage(
            data, start + entry["data_offsets"][0], _SAFETENSORS[entry["dtype"]], math.prod(entry["shape"])
        ).view(entry["shape"])
        for name, entry in header.items()
        if name != "__metadata__"
    }


def _map_storage(data: mmap.mmap, start: int, kind: torch.dtype, count: int) -> Tensor:
    """`count` numbers from byte `start` on. The caller has checked that they lie inside."""
    if count == 0:
        return torch.zeros(0, dtype=kind)
    if start % kind.itemsize:
        # Not every processor reads numbers from odd places.
        return torch.frombuffer(bytearray(data[start : start + count * kind.itemsize]), dtype=kind)
    return torch.frombuffer(data, dtype=kind, count=count, offset=start)


@dataclass(frozen=True, slots=True)
class _Record:
    """A file in the archive."""

    start: int  # of its content
    size: int


def _torch_archive(path: Path) -> Any:
    with path.open("rb") as file:
        if file.read(2) != b"PK":
            _refuse_old(path)
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    records = _zip_records(path, data)
    pickles = [name for name in records if name.endswith("/data.pkl")]
    if len(pickles) != 1:
        raise InputError(f"{path}: an archive, but not one of torch.save; choose a weights file")
    root = pickles[0].removesuffix("data.pkl")
    order = records.get(root + "byteorder")
    if order is not None and data[order.start : order.start + order.size] != b"little":
        raise InputError(f"{path}: written on a machine of the other byte order; save it again on this one")
    record = records[pickles[0]]
    if record.size > MAX_PICKLE:
        raise InputError(f"{path}: refused, its list of tensors has {record.size:,} bytes; some thousand are usual")
    storages = {
        name.removeprefix(root + "data/"): one for name, one in records.items() if name.startswith(root + "data/")
    }
    return _Follower(path, data, storages).follow(data[record.start : record.start + record.size])


def _refuse_old(path: Path) -> NoReturn:
    raise InputError(
        f"{path}: no weights file of torch 1.6 or newer (no zip archive), so it can only be unpickled, which is not safe. "
        "If you trust it: python -c \"import torch; torch.save(torch.load('OLD', weights_only=True), 'NEW')\""
    )


def _zip_records(path: Path, data: mmap.mmap) -> dict[str, _Record]:
    """The archive's files by name. Raises InputError unless all lie in it as they are, none over another."""
    end = data.rfind(b"PK\x05\x06", max(0, len(data) - 65_557))
    if end < 0 or end + 22 > len(data):
        raise InputError(f"{path}: damaged, the end of the archive is missing; copy the file again")
    count, size, place = struct.unpack("<HII", data[end + 10 : end + 20])
    if count > MAX_RECORDS or size > 512 * MAX_RECORDS or place + size > end:
        raise InputError(f"{path}: refused, its archive is damaged, over 4 GB, or of more than {MAX_RECORDS:,} files")
    records: dict[str, _Record] = {}
    taken: list[tuple[int, int]] = []
    for _ in range(count):
        entry = data[place : place + 46]
        if len(entry) < 46 or entry[:4] != b"PK\x01\x02":
            raise InputError(f"{path}: damaged, the list of the archive's files is torn")
        method, packed, unpacked, name, extra, comment, offset = struct.unpack("<10xH8xIIHHH8xI", entry)
        title = data[place + 46 : place + 46 + name].decode("utf-8", "replace")
        place += 46 + name + extra + comment
        if method != 0 or packed != unpacked:
            raise InputError(f"{path}: refused, {title[:80]!r} is compressed; torch does not write such files")
        local = data[offset : offset + 30]
        if len(local) < 30 or local[:4] != b"PK\x03\x04":
            raise InputError(f"{path}: damaged, {title[:80]!r} is not where the archive says")
        start = offset + 30 + sum(struct.unpack("<HH", local[26:30]))
        if start + packed > len(data) or title in records:
            raise InputError(f"{path}: damaged, {title[:80]!r} is cut off, or there twice")
        records[title] = _Record(start, packed)
        taken.append((offset, start + packed))
    taken.sort()
    if any(begin < before for (_, before), (begin, _) in pairwise(taken)):
        raise InputError(f"{path}: refused, files of its archive lie over each other; torch does not write such files")
    return records


class _Name(str):
    """What the pickle would import."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class _Storage:
    kind: torch.dtype
    record: _Record

    @property
    def count(self) -> int:
        return self.record.size // self.kind.itemsize


class _Follower:
    """Follows a pickle's instructions without carrying out any of them but the making of lists and dictionaries."""

    def __init__(self, path: Path, data: mmap.mmap, storages: dict[str, _Record]) -> None:
        self._path, self._data, self._storages = path, data, storages
        self._stack: list[Any] = []
        self._marks: list[int] = []  # places in the stack at which a tuple, or entries to be added, begin
        self._memo: dict[int, Any] = {}

    def follow(self, pickled: bytes) -> Any:
        try:
            for steps, (instruction, argument, _) in enumerate(pickletools.genops(pickled)):
                if steps > MAX_STEPS:
                    raise InputError(f"{self._path}: refused, its list of tensors goes on and on")
                if instruction.name == "STOP":
                    return self._stack.pop()
                self._step(instruction.name, argument)
        except InputError:
            raise
        # What a damaged pickle brings about: a stack that is empty, a key that cannot be one, a text that is none.
        except (ValueError, IndexError, KeyError, TypeError, AttributeError, OverflowError) as error:
            raise InputError(
                f"{self._path}: damaged, its list of tensors cannot be read; copy the file again"
            ) from error
        raise InputError(f"{self._path}: damaged, its list of tensors has no end")

    def _step(self, instruction: str, argument: Any) -> None:
        stack = self._stack
        match instruction:
            case "BINUNICODE" | "SHORT_BINUNICODE" | "BININT" | "BININT1" | "BININT2" | "LONG1" | "BINFLOAT":
                stack.append(argument)
            case "NONE" | "NEWTRUE" | "NEWFALSE":
                stack.append({"NONE": None, "NEWTRUE": True, "NEWFALSE": False}[instruction])
            case "EMPTY_TUPLE" | "EMPTY_LIST" | "EMPTY_DICT":
                stack.append({"EMPTY_TUPLE": (), "EMPTY_LIST": [], "EMPTY_DICT": {}}[instruction])
            case "MARK":
                self._marks.append(len(stack))
            case "TUPLE":
                stack.append(tuple(self._since_mark()))
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                count = int(instruction[-1])
                stack[-count:] = [tuple(stack[-count:])]
            case "SETITEM":
                value, key = stack.pop(), stack.pop()
                self._enter([key], [value])
            case "SETITEMS":
                items = self._since_mark()
                self._enter(items[::2], items[1::2])
            case "APPEND":
                self._add([stack.pop()])
            case "APPENDS":
                self._add(self._since_mark())
            case "BINPUT" | "LONG_BINPUT":
                self._memo[argument] = stack[-1]
            case "MEMOIZE":
                self._memo[len(self._memo)] = stack[-1]
            case "BINGET" | "LONG_BINGET":
                stack.append(self._memo[argument])
            case "GLOBAL":
                stack.append(self._known(argument.replace(" ", ".", 1)))
            case "STACK_GLOBAL":
                name, module = stack.pop(), stack.pop()
                stack.append(self._known(f"{module}.{name}"))
            case "BINPERSID":
                stack.append(self._storage(stack.pop()))
            case "REDUCE":
                arguments, name = stack.pop(), stack.pop()
                stack.append(self._made(name, arguments))
            case "BUILD":
                stack.pop()  # a state_dict's note of its version
            case "PROTO" | "FRAME":
                pass
            case _:
                raise InputError(f"{self._path}: refused, a state_dict is not pickled with {instruction}; {_ADVICE}")

    def _since_mark(self) -> list[Any]:
        place = self._marks.pop()
        items = self._stack[place:]
        del self._stack[place:]
        return items

    def _enter(self, keys: list[Any], values: list[Any]) -> None:
        # Only plain keys: of a tuple of tuples of tuples, the hash alone could take for ever.
        if type(self._stack[-1]) is not dict or not all(type(key) in (str, int) for key in keys):
            raise ValueError("entries of no dictionary")
        self._stack[-1].update(zip(keys, values, strict=True))

    def _add(self, items: list[Any]) -> None:
        if type(self._stack[-1]) is not list:
            raise ValueError("items of no list")
        self._stack[-1].extend(items)

    def _known(self, name: str) -> _Name:
        module, _, last = name.rpartition(".")
        kinds = module == "torch" and (last in _STORAGES or isinstance(getattr(torch, last, None), torch.dtype))
        if not kinds and name not in ("collections.OrderedDict", "torch.Size", _TENSOR, _PARAMETER):
            raise InputError(f"{self._path}: refused, it would run {name[:80]!r}; {_ADVICE}")
        return _Name(name)

    def _storage(self, identity: Any) -> _Storage:
        """The numbers that a tensor refers to: ("storage", kind, name of the record, device, count)."""
        word, kind, key, _, count = identity
        if word != "storage" or not isinstance(kind, _Name) or type(key) is not str or type(count) is not int:
            raise ValueError("a reference to no storage")
        storage = _Storage(_STORAGES[kind.removeprefix("torch.")], self._storages[key])
        if count < 0 or count > storage.count:
            raise InputError(
                f"{self._path}: damaged, a tensor claims {count * storage.kind.itemsize:,} bytes, the file has "
                f"{storage.record.size:,} for it"
            )
        return storage

    def _made(self, name: Any, arguments: Any) -> Any:
        if not isinstance(name, _Name):
            raise ValueError("a call of nothing")
        if name == _TENSOR:
            return self._tensor(*arguments[:4])
        if name == _PARAMETER:
            return arguments[0]
        if name == "torch.Size":
            return arguments[0]
        if name == "collections.OrderedDict" and arguments == ():
            return {}
        raise InputError(f"{self._path}: refused, it would call {name[:80]!r}; {_ADVICE}")

    def _tensor(self, storage: Any, offset: Any, shape: Any, strides: Any) -> Tensor:
        numbers = (offset, *shape, *strides)
        if not isinstance(storage, _Storage) or len(shape) != len(strides) or len(shape) > MAX_DIMENSIONS:
            raise ValueError("a tensor of no storage or shape")
        if not all(type(number) is int and 0 <= number < 2**48 for number in numbers):
            raise ValueError("a tensor of negative or huge sides")
        count = math.prod(shape)
        reach = offset + sum((side - 1) * stride for side, stride in zip(shape, strides, strict=True)) + 1
        # A stride of 0 repeats one number without end: such a tensor is small until it is copied.
        if count and (reach > storage.count or count > storage.count):
            raise InputError(
                f"{self._path}: damaged, a tensor of shape {tuple(shape)} claims {count:,} numbers, the file has "
                f"{storage.count:,} for it"
            )
        if not count:
            return torch.zeros(shape, dtype=storage.kind)
        flat = _map_storage(self._data, storage.record.start, storage.kind, storage.count)
        return flat.as_strided(shape, strides, offset)


_TENSOR, _PARAMETER = "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_parameter"
_ADVICE = "save the weights alone, with torch.save(model.state_dict(), file)"
