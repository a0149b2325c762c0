"""Which device computes, in which precision, and how it says that it has too little memory."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal, cast

import torch

from core.errors import InputError
from core.threads import choose_threads

# torch reports some failures to allocate as plain RuntimeError: the host's allocator, cuBLAS, cuDNN and MPS.
_MARKS = (
    "not enough memory",
    "DefaultCPUAllocator",
    "out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
)


def choose_device(name: str) -> torch.device:
    """The device of that name; auto takes the GPU if there is one. InputError if it is not there."""
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda:0")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    device = torch.device(name)
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise InputError(
            f"device: there is no {name} here ({torch.cuda.device_count()} CUDA devices); choose auto or cpu"
        )
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise InputError("device: there is no mps here; choose auto or cpu")
    return device


def use_threads(count: int = 0) -> None:
    """Compute on the CPU in `count` threads; 0: in as many as a user asked this process for, if any did.

    By itself torch starts no more threads than there are cores, whatever OMP_NUM_THREADS says, and then gives other sums
    than the machine whose number a user asked for.
    """
    choice = choose_threads(os.environ)
    wanted = count or (choice.count if choice.is_asked else 0)
    if wanted and wanted != torch.get_num_threads():
        torch.set_num_threads(wanted)


def device_title(device: torch.device) -> str:
    """The device as a person knows it."""
    if device.type == "cuda":
        return f"{torch.cuda.get_device_name(device)} ({device})"
    if device.type == "cpu":
        return f"CPU, {torch.get_num_threads()} threads"
    return str(device)


def resolved_precision(device: torch.device, precision: str) -> Literal["fp32", "bf16", "fp16"]:
    """What "auto" means on `device`: bf16 where it computes that natively, fp16 on older GPUs, else fp32."""
    if precision == "auto":
        if _has_bf16(device):
            return "bf16"
        return "fp16" if device.type == "cuda" else "fp32"
    return cast(Literal["fp32", "bf16", "fp16"], precision)


def mixed_precision(device: torch.device, precision: str) -> AbstractContextManager[Any]:
    """Context in which the network computes; `precision` is a recipe's, auto among them."""
    kinds = {"bf16": torch.bfloat16, "fp16": torch.float16}
    kind = kinds.get(resolved_precision(device, precision))
    return torch.autocast(device.type, kind) if kind else nullcontext()


def is_out_of_memory(error: BaseException) -> bool:
    """Whether `error` says that memory could not be had, whoever says it."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(mark in str(error) for mark in _MARKS)


def free_cached(device: torch.device) -> None:
    """Give back what torch's allocator keeps for later, so that smaller pieces find room."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()


def _has_bf16(device: torch.device) -> bool:
    """Whether the device computes bf16 itself: emulated, it is slower than fp32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return device.type == "cpu" and torch.backends.mkldnn.is_available() and bool(torch.cpu._is_avx512_bf16_supported())
