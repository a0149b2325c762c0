"""Where the starting weights of a library lie on this machine, told without torch."""

from __future__ import annotations

import os
from pathlib import Path

from core.models.spec import WeightsFile


def weights_path(file: WeightsFile) -> Path:
    """Where torch keeps `file` once it was downloaded, as `torch.hub.get_dir` says it."""
    own = os.environ.get("TORCH_HOME")
    home = Path(own) if own else Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "torch"
    return home.expanduser() / "hub" / "checkpoints" / file.file_name


def is_on_machine(file: WeightsFile) -> bool:
    """Whether a training can begin with `file` without a network."""
    return weights_path(file).is_file()
