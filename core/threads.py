"""How many threads compute, and how they wait: the environment of every process that loads torch.

OpenMP reads its environment once, when torch loads it. Whoever starts the program or a child of it calls
`prepare_environment` before that.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path

OMP_THREADS = "OMP_NUM_THREADS"
OMP_WAITING = "OMP_WAIT_POLICY"
SETTING = "DEFECTDESK_THREADS"  # the user's setting, for this process and for those that it starts; 0: not set
_CHOSEN = "DEFECTDESK_THREADS_CHOSEN"  # the count that this program wrote into OMP_NUM_THREADS, and its source

BY_SETTING = "the settings"
BY_QUOTA = "the CPU quota of this container"
BY_AFFINITY = "the cores that this process may use"
BY_CORES = "the cores of this machine"


@dataclass(frozen=True, slots=True)
class ThreadChoice:
    """How many threads compute, and what says so."""

    count: int
    source: str

    @property
    def is_asked(self) -> bool:
        """Whether a user said it, and not the machine."""
        return self.source in (OMP_THREADS, BY_SETTING)


def prepare_environment(environ: MutableMapping[str, str]) -> ThreadChoice:
    """Set in `environ` how many threads OpenMP starts and how they wait. Must come before torch is imported.

    What a user set there stays: OMP_NUM_THREADS goes before the settings, these before what the machine has.
    """
    choice = choose_threads(environ)
    # All that may be used, from the window and from the command line alike: sums over another number of threads
    # differ in their last bits, and a run must be repeatable.
    if choice.source != OMP_THREADS:
        environ[OMP_THREADS] = str(choice.count)
    environ[_CHOSEN] = f"{choice.count} {choice.source}"
    # Threads that spin while they wait slow a training down forty times beside any busy process on two cores.
    environ.setdefault(OMP_WAITING, "PASSIVE")
    return choice


def set_threads(count: int) -> ThreadChoice:
    """Let `count` threads compute in this process and in those that it starts from now on; 0: as many as may be used.

    In this process it has an effect only before torch is loaded.
    """
    os.environ[SETTING] = str(count)
    return prepare_environment(os.environ)


def choose_threads(environ: Mapping[str, str]) -> ThreadChoice:
    """How many threads a process of this environment computes with."""
    if given := _read_given(environ):
        return ThreadChoice(given, OMP_THREADS)
    if wanted := _read_count(environ.get(SETTING, "")):
        return ThreadChoice(wanted, BY_SETTING)
    return _choose_available()


def count_cores() -> int:
    """Cores that this process may use: of the machine, by its affinity, and by the quota of its container."""
    return _choose_available().count


def read_quota(process: Path = Path("/proc/self")) -> float | None:
    """Cores' worth of time that control groups allow this process, of version 1 or 2; None where there is no limit.

    `process`: the folder in which the system tells of it. A group is limited by those around it, too.
    """
    limits = [limit for folder in _list_group_folders(process) if (limit := _read_limit(folder)) is not None]
    return min(limits, default=None)


def _choose_available() -> ThreadChoice:
    machine = os.cpu_count() or 1
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else machine
    quota = read_quota()
    # Rounded up: with 1.5 cores, one thread would leave a third of the time unused.
    if quota is not None and max(1, math.ceil(quota)) < allowed:
        return ThreadChoice(max(1, math.ceil(quota)), BY_QUOTA)
    return ThreadChoice(allowed, BY_AFFINITY if allowed < machine else BY_CORES)


def _read_given(environ: Mapping[str, str]) -> int:
    """The threads that a user asked for by OMP_NUM_THREADS; 0 where nobody did, or it says nothing that OpenMP reads."""
    count = _read_count(environ.get(OMP_THREADS, "").partition(",")[0])  # a list counts by levels of nesting
    written, _, source = environ.get(_CHOSEN, "").partition(" ")
    return 0 if written == str(count) and source != OMP_THREADS else count


def _read_count(text: str) -> int:
    return int(text) if re.fullmatch(r"\s*[0-9]{1,6}\s*", text) else 0


def _list_group_folders(process: Path) -> Iterator[Path]:
    """The folders of the control groups that may limit the processor: those that the process is in, and all around them."""
    try:
        groups = (process / "cgroup").read_text(encoding="utf-8", errors="surrogateescape").splitlines()
        mounts = (process / "mountinfo").read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:  # not Linux
        return
    places = [place for line in mounts if (place := _parse_mount(line)) is not None]
    for line in groups:
        _, _, rest = line.partition(":")
        controllers, _, group = rest.partition(":")
        kind = "cgroup" if "cpu" in controllers.split(",") else "cgroup2" if not controllers else ""
        for mounted, root, point in places:
            if mounted != kind:
                continue
            # Inside a container the path may be that of the host, of which only a part is mounted.
            inner = group.removeprefix(root.rstrip("/")) if group.startswith(root) else "/"
            folder = Path(point, inner.lstrip("/"))
            yield from (around for around in (folder, *folder.parents) if around.is_relative_to(point))


def _parse_mount(line: str) -> tuple[str, str, str] | None:
    """Kind, root and mount point of a hierarchy of control groups that may limit the processor; None of any other mount."""
    before, _, after = line.partition(" - ")
    fields, (kind, _, options) = before.split(" "), [*after.split(" "), "", "", ""][:3]
    if len(fields) < 5 or not (kind == "cgroup2" or (kind == "cgroup" and "cpu" in options.split(","))):
        return None
    return kind, _unescape(fields[3]), _unescape(fields[4])


def _unescape(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), text)


def _read_limit(folder: Path) -> float | None:
    """Cores' worth of time that one group may use; None where it has no limit."""
    quota, period = _read_words(folder / "cpu.max", 2)  # version 2: "150000 100000" or "max 100000"
    if not quota:
        [quota], [period] = _read_words(folder / "cpu.cfs_quota_us", 1), _read_words(folder / "cpu.cfs_period_us", 1)
    if not (quota.isdecimal() and period.isdecimal() and int(quota) and int(period)):  # "max", or -1
        return None
    return int(quota) / int(period)


def _read_words(path: Path, count: int) -> list[str]:
    """The first words of a file; empty ones where it has fewer, or is not there."""
    try:
        words = path.read_text(encoding="utf-8", errors="replace").split()
    except OSError:
        words = []
    return [*words, *([""] * count)][:count]
