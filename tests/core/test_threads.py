"""How many threads compute follows what a user said, then what the process may use; nobody spins while waiting."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from core import threads
from core.threads import (
    BY_AFFINITY,
    BY_CORES,
    BY_QUOTA,
    BY_SETTING,
    ThreadChoice,
    choose_threads,
    count_cores,
    prepare_environment,
    read_quota,
)


def write_groups(folder: Path, groups: str, mounts: list[tuple[str, str, Path, str]]) -> Path:
    """What the system tells a process of its groups: `mounts` are kind, root, mount point and options of each hierarchy."""
    process = folder / "proc"
    process.mkdir()
    (process / "cgroup").write_text(groups)
    lines = ["25 1 0:22 / /proc rw,nosuid shared:5 - proc proc rw"]
    for number, (kind, root, point, options) in enumerate(mounts, start=30):
        escaped = str(point).replace(" ", "\\040")
        lines.append(f"{number} 25 0:{number} {root} {escaped} rw,relatime shared:{number} - {kind} {kind} {options}")
    (process / "mountinfo").write_text("\n".join(lines) + "\n")
    return process


def write_group(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text + "\n")


@pytest.mark.parametrize(
    ("text", "cores"),
    [
        ("150000 100000", 1.5),
        ("max 100000", None),
        ("50000 100000", 0.5),
        ("400000 50000", 8.0),
        ("", None),
        ("x y", None),
    ],
)
def test_the_quota_of_version_2_is_read(tmp_path: Path, text: str, cores: float | None) -> None:
    write_group(tmp_path / "mounted", cpu__max=text)
    process = write_groups(tmp_path, "0::/\n", [("cgroup2", "/", tmp_path / "mounted", "rw")])
    assert read_quota(process) == cores


def test_a_group_is_limited_by_those_around_it(tmp_path: Path) -> None:
    mounted = tmp_path / "a folder"
    write_group(mounted / "user.slice" / "inner.scope", cpu__max="max 100000")
    write_group(mounted / "user.slice", cpu__max="200000 100000")
    write_group(mounted, cpu__max="300000 100000")
    process = write_groups(tmp_path, "0::/user.slice/inner.scope\n", [("cgroup2", "/", mounted, "rw")])
    assert read_quota(process) == 2.0
    write_group(mounted / "user.slice" / "inner.scope", cpu__max="100000 100000")
    assert read_quota(process) == 1.0


def test_the_quota_of_version_1_is_read_under_the_path_of_the_host(tmp_path: Path) -> None:
    mounted = tmp_path / "cpu"
    write_group(mounted, cpu__cfs_quota_us="250000", cpu__cfs_period_us="100000")
    # Of a container: the path is the host's, the mount shows that part of the hierarchy alone.
    groups = "5:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n0::/docker/abc\n"
    process = write_groups(tmp_path, groups, [("cgroup", "/docker/abc", mounted, "rw,cpu,cpuacct")])
    assert read_quota(process) == 2.5
    write_group(mounted, cpu__cfs_quota_us="-1")
    assert read_quota(process) is None


def test_the_other_controllers_of_version_1_say_nothing_of_cores(tmp_path: Path) -> None:
    write_group(tmp_path / "cpuacct", cpu__cfs_quota_us="100000", cpu__cfs_period_us="100000")
    process = write_groups(tmp_path, "2:cpuacct:/\n", [("cgroup", "/", tmp_path / "cpuacct", "rw,cpuacct")])
    assert read_quota(process) is None


def test_a_system_without_groups_has_no_quota(tmp_path: Path) -> None:
    assert read_quota(tmp_path) is None


@pytest.mark.parametrize(
    ("machine", "allowed", "quota", "choice"),
    [
        (8, 8, None, ThreadChoice(8, BY_CORES)),
        (8, 3, None, ThreadChoice(3, BY_AFFINITY)),
        (8, 8, 1.5, ThreadChoice(2, BY_QUOTA)),
        (8, 8, 0.25, ThreadChoice(1, BY_QUOTA)),
        (8, 2, 4.0, ThreadChoice(2, BY_AFFINITY)),
        (8, 8, 8.0, ThreadChoice(8, BY_CORES)),
    ],
)
def test_threads_are_no_more_than_may_run_at_once(
    machine: int, allowed: int, quota: float | None, choice: ThreadChoice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: machine)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: set(range(allowed)), raising=False)
    monkeypatch.setattr(threads, "read_quota", lambda: quota)
    assert choose_threads({}) == choice
    assert count_cores() == choice.count


@pytest.mark.parametrize(
    ("environment", "choice"),
    [
        ({"OMP_NUM_THREADS": "3"}, ThreadChoice(3, "OMP_NUM_THREADS")),
        ({"OMP_NUM_THREADS": "3,2"}, ThreadChoice(3, "OMP_NUM_THREADS")),
        ({"OMP_NUM_THREADS": "3", "DEFECTDESK_THREADS": "5"}, ThreadChoice(3, "OMP_NUM_THREADS")),
        ({"DEFECTDESK_THREADS": "5"}, ThreadChoice(5, BY_SETTING)),
        ({"OMP_NUM_THREADS": "many", "DEFECTDESK_THREADS": "5"}, ThreadChoice(5, BY_SETTING)),
        ({"OMP_NUM_THREADS": "0", "DEFECTDESK_THREADS": "5"}, ThreadChoice(5, BY_SETTING)),
        ({"OMP_NUM_THREADS": "-2", "DEFECTDESK_THREADS": "5"}, ThreadChoice(5, BY_SETTING)),
    ],
)
def test_what_a_user_said_goes_before_the_machine(environment: dict[str, str], choice: ThreadChoice) -> None:
    assert choose_threads(environment) == choice
    prepared = dict(environment)
    assert prepare_environment(prepared) == choice
    assert prepared["OMP_NUM_THREADS"].partition(",")[0] == str(choice.count)
    assert prepared["OMP_WAIT_POLICY"] == "PASSIVE"
    # A child of that process inherits all of it: what the program wrote itself is no word of the user's.
    assert choose_threads(prepared) == choice


def test_a_setting_that_changes_holds_for_the_next_child() -> None:
    environment = {"DEFECTDESK_THREADS": "5"}
    prepare_environment(environment)
    environment["DEFECTDESK_THREADS"] = "2"
    assert prepare_environment(environment) == ThreadChoice(2, BY_SETTING)
    assert environment["OMP_NUM_THREADS"] == "2"
    environment["OMP_NUM_THREADS"] = "7"  # by a user, in a shell that was started from there
    assert prepare_environment(environment) == ThreadChoice(7, "OMP_NUM_THREADS")


def test_a_way_of_waiting_that_a_user_set_stays() -> None:
    environment = {"OMP_WAIT_POLICY": "ACTIVE"}
    prepare_environment(environment)
    assert environment["OMP_WAIT_POLICY"] == "ACTIVE"


COMMAND = """
import os, sys
from core import cli
sys.argv = ["defectdesk", "models", "--json"]
try:
    cli.main()
except SystemExit as end:
    assert not end.code, end.code
assert "torch" not in sys.modules, "it was loaded before its environment was set"
from core.models.device import device_title, use_threads
import torch
use_threads()
print(device_title(torch.device("cpu")))
"""


@pytest.mark.parametrize(("given", "setting", "count"), [("3", 5, 3), (None, 5, 5)])
def test_a_command_computes_as_its_children_do(given: str | None, setting: int, count: int, tmp_path: Path) -> None:
    (tmp_path / "settings.json").write_text(json.dumps({"threads": setting}), "utf-8")
    hidden = ("OMP_", "DEFECTDESK_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
    environment |= {"DEFECTDESK_CONFIG_DIR": str(tmp_path), "OMP_DISPLAY_ENV": "TRUE"}
    if given is not None:
        environment["OMP_NUM_THREADS"] = given
    done = subprocess.run([sys.executable, "-c", COMMAND], env=environment, capture_output=True, text=True, check=True)
    assert f"CPU, {count} threads" in done.stdout
    shown = [line for line in done.stderr.splitlines() if "OMP_WAIT_POLICY" in line]
    assert shown and all("PASSIVE" in line.upper() for line in shown), done.stderr
