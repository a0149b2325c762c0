"""Which GPUs are here, without torch: it would take seconds to load, and a gigabyte to keep."""

from __future__ import annotations

import os
import platform
import subprocess

_PATIENCE = 5.0  # seconds that a driver may take to answer


def gpu_names() -> list[str]:
    """The names of the GPUs that CUDA shows, in its order; ["Apple GPU"] on Apple's own processors."""
    if platform.system() == "Darwin":
        return ["Apple GPU"] if platform.machine() == "arm64" else []
    try:
        asked = subprocess.run(
            ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):  # there is no driver, or it does not answer
        return []
    return _visible([line.strip() for line in asked.stdout.splitlines() if line.strip()])


def device_words(device: str, gpus: list[str]) -> tuple[str, bool]:
    """What a recipe's `device` means on a machine with these GPUs, and whether a GPU is left unused."""
    if device == "cpu" or (device == "auto" and not gpus):
        if gpus:
            return f"Trains on the CPU, though {gpus[0]} is here", True
        return "Trains on the CPU: no GPU was found" if device == "auto" else "Trains on the CPU", False
    if device == "mps" or (device == "auto" and gpus == ["Apple GPU"]):
        return "Trains on Apple GPU (mps)" if gpus == ["Apple GPU"] else "There is no Apple GPU here (mps)", False
    number = int(device.partition(":")[2] or 0) if device != "auto" else 0
    if number >= len(gpus):
        return f"There is no {device} here: {len(gpus)} GPUs were found", False
    return f"Trains on {gpus[number]} (cuda:{number})", False


def device_choices(gpus: list[str]) -> list[tuple[str, str]]:
    """What a recipe's `device` can be on a machine with these GPUs, and what to call it."""
    if gpus == ["Apple GPU"]:
        own = [("mps", "Apple GPU")]
    else:
        own = [(f"cuda:{number}", f"GPU {number}: {name}") for number, name in enumerate(gpus)]
    return [("auto", "A GPU if there is one"), ("cpu", "CPU"), *own]


def _visible(names: list[str]) -> list[str]:
    """The names that CUDA_VISIBLE_DEVICES leaves, in its order."""
    wanted = os.environ.get("CUDA_VISIBLE_DEVICES")
    if wanted is None:
        return names
    if any(part.strip().startswith(("GPU-", "MIG-")) for part in wanted.split(",")):
        return names  # named by what nvidia-smi was not asked for
    chosen = []
    for part in wanted.split(","):
        if not part.strip().isdecimal() or int(part) >= len(names):
            break  # as CUDA does: what follows a wrong number is not seen either
        chosen.append(names[int(part)])
    return chosen
