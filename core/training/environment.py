"""What a run depends on besides its recipe and snapshot: versions, device, the program's own state."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import torch
import torchvision

from core.counting import format_count
from core.models.device import device_title, resolved_precision, use_threads
from core.recipe.field_words import describe_change, field_title
from core.recipe.recipe import Recipe
from core.threads import choose_threads


def read_versions() -> dict[str, str]:
    """Kept in every checkpoint."""
    return {"python": sys.version.split()[0], "torch": torch.__version__, "torchvision": torchvision.__version__}


def describe_environment(device: torch.device, recipe: Recipe) -> dict[str, str]:
    """Where and by what a run is computed, in words, by name."""
    told = read_versions() | {
        "system": f"{platform.system()} {platform.release()} ({platform.machine()})",
        "host": platform.node(),
        "device": device_title(device),
        "precision": resolved_precision(device, recipe.limits.precision),
        "threads": str(torch.get_num_threads()),
        "threads_from": "limits.threads" if recipe.limits.threads else choose_threads(os.environ).source,
        "program": program_state(),
    }
    if device.type == "cuda":
        told["cuda"] = str(torch.version.cuda)
        told["gpu_memory"] = f"{torch.cuda.get_device_properties(device).total_memory / 2**30:.1f} GB"
    return told


@cache
def program_state() -> str:
    """The program's git commit, and whether it was changed since; "installed" where there is no repository."""
    folder = Path(__file__).resolve().parents[2]
    if not (folder / ".git").exists():
        return "installed"
    commit = _git_state(folder, "rev-parse", "--short=12", "HEAD")
    if commit is None:
        return "unknown commit"
    return commit + (", changed since" if _git_state(folder, "status", "--porcelain", "--untracked-files=no") else "")


def _git_state(folder: Path, *arguments: str) -> str | None:
    """What git prints; None where there is no git, or it refuses the repository."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=5, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def peak_memory_mb(device: torch.device) -> float:
    """The most memory that was in use: the GPU's where one computes, else the process's."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    try:
        import resource  # noqa: PLC0415 - there is none on Windows
    except ImportError:
        return 0.0
    scale = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale / 2**20


def device_notices(device: torch.device, recipe: Recipe, processes: int = 1) -> list[str]:
    """What a person should know about what computes, before waiting for it: the device, and how many train together."""
    notices = _slow_device(device, recipe)
    if processes > 1 and recipe.loss.kind == "mined_bce" and recipe.spec.task == "detect":
        notices.append(
            f"{field_title('loss.kind')}: with mined_bce each of the {processes} processes looks for hard negatives in its own pictures, "
            "so the gradient is not quite that of one process with the whole batch; with focal it is"
        )
    return notices


def _slow_device(device: torch.device, recipe: Recipe) -> list[str]:
    if device.type == "cpu" and torch.cuda.is_available():
        return [
            f"training on the CPU, though {torch.cuda.get_device_name(0)} is here; {describe_change({'device': 'auto'})} to use it"
        ]
    if device.type == "cpu" and torch.backends.mps.is_available():
        return [f"training on the CPU, though an Apple GPU is here; {describe_change({'device': 'auto'})} to use it"]
    if device.type == "cpu" and resolved_precision(device, recipe.limits.precision) == "fp16":
        return [f"{field_title('limits.precision')}: fp16 is slow on a CPU; auto chooses what this one computes fast"]
    return []


def resumed_thread_notices(device: torch.device, before: int) -> list[str]:
    """What to say where a run goes on with another number of threads than `before`; 0: that is not known."""
    now = torch.get_num_threads()
    if device.type != "cpu" or before in (0, now):
        return []
    return [
        f"the run was computed with {format_count(before, 'thread')} so far and goes on with {now}: sums differ in their last "
        f"bits, so the model is not quite the one of a run that was never interrupted; for that, resume with "
        f"OMP_NUM_THREADS={before}, or with {format_count(before, 'thread')} in the settings"
    ]


@contextmanager
def limited_threads(recipe: Recipe) -> Iterator[None]:
    """Compute in as many threads as the recipe says, or else the user."""
    before = torch.get_num_threads()
    use_threads(recipe.limits.threads)
    try:
        yield
    finally:
        if torch.get_num_threads() != before:
            torch.set_num_threads(before)


def use_fast_arithmetic(device: torch.device) -> None:
    """Let a GPU round the inputs of float32 products to TF32."""
    if device.type == "cuda":
        torch.set_float32_matmul_precision("high")
        torch.backends.cudnn.allow_tf32 = True


def try_convolutions(device: torch.device, on: bool) -> None:
    """Let a GPU try which algorithm is fastest for each new size: worth it in training, where all pictures have one."""
    if device.type == "cuda":
        torch.backends.cudnn.benchmark = on
