"""Which process works at something, so that others can tell whether it still lives."""

from __future__ import annotations

import os
import socket
from functools import cache
from pathlib import Path
from typing import Any, Literal

Presence = Literal["here", "gone", "perhaps here", "elsewhere"]


def describe_owner(pid: int | None = None) -> dict[str, Any]:
    """What a process (this one by default) writes down of itself: its number, its machine, and when each began."""
    number = os.getpid() if pid is None else pid
    return {"pid": number, "host": socket.gethostname(), "boot": _read_boot(), "began": _read_beginning(number)}


def find_owner(owner: dict[str, Any] | None) -> Presence:
    """Where the process is that wrote `owner`, as far as this machine knows.

    "here" and "gone" are certain. "perhaps here": a process of its number is, which may be another one by now.
    "elsewhere": on a machine that this one knows nothing of, which can have the same name; or it did not say.
    """
    if owner is None or owner.get("host") != socket.gethostname():
        return "elsewhere"
    # Machines that were made from one image share a name; and one that was started again has no process of before.
    if (boot := owner.get("boot")) and _read_boot() and boot != _read_boot():
        return "elsewhere"
    pid = owner.get("pid")
    if not isinstance(pid, int) or not process_exists(pid):
        return "gone"
    began = owner.get("began")
    if not began or not _read_beginning(pid):
        return "perhaps here"
    return "here" if began == _read_beginning(pid) else "gone"


@cache
def _read_boot() -> str:
    """What is another after every start of the machine; empty where the system does not say."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _read_beginning(pid: int) -> str:
    """When a process began, in the system's ticks; empty where the system does not say."""
    fields = _read_stat(pid)
    return fields[19] if len(fields) > 19 else ""


def _read_stat(pid: int) -> list[str]:
    """What the system says of a process, from its state on: the name before it may hold anything."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:  # not Linux, or the process is gone
        return []
    return text.rpartition(")")[2].split()


def process_exists(pid: int) -> bool:
    """Whether a process of this machine runs; one that has ended and is not yet collected does not."""
    # Windows has no signal 0: os.kill would end the process there.
    if os.name != "posix":
        return True
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    # A container without an init process never collects its orphans: they keep their number as zombies.
    return _read_stat(pid)[:1] != ["Z"]
