"""Starting the child process of a job, at once or ahead of time.

Which module does which kind of job is not known here: whoever composes the program hands a `JobLauncher` in.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import core
from core.jobs.folder import JobFolder
from core.jobs.owner import process_exists
from core.jobs.process import JobProcess, close_input, kill_group, send_line
from core.threads import prepare_environment


@dataclass(frozen=True, slots=True)
class JobLauncher:
    """Starts children that do jobs, each with the module for its kind."""

    module: str
    """Does every kind of job that `modules` does not name, and says in the folder what is wrong with any other."""

    modules: Mapping[str, str] = field(default_factory=dict)
    """The modules of other kinds of jobs, by kind."""

    code: Sequence[Path] = ()
    """Folders from which a child may import, besides the one of the program."""

    def launch_job(self, folder: JobFolder, *, detached: bool = False, stays: bool = False) -> JobProcess:
        """Start a child that does the job in `folder`.

        A `detached` child goes on when this process ends. One that `stays` may wait for another job afterwards.
        """
        folder.prepare_start()
        options = [name for name, on in (("--detached", detached), ("--stays", stays)) if on]
        arguments = [*options, str(folder.path.absolute())]
        try:
            with folder.log_path.open("ab") as log:
                process = self._start_process(
                    self.find_module(folder), arguments, log=log.fileno(), watched=not detached
                )
        except OSError:
            folder.withdraw_heartbeat()  # whoever claimed the job wrote one
            raise
        # Written here as well as by the child: one that dies before its first line is then known to have lived.
        folder.write_heartbeat(process.pid)
        return JobProcess(folder, process, stays=stays)

    def take_back(self, job: JobProcess) -> WarmChild | None:
        """The child that has done `job` and waits for another one; None if it does not."""
        return WarmChild(job.process, self) if job.is_released else None

    def prepare_child(self) -> WarmChild:
        """Start a child ahead of time, so that a click starts a training in well under the time torch takes to load."""
        return WarmChild(self._start_process(self.module, ["--wait"], log=subprocess.DEVNULL, watched=True), self)

    def find_module(self, folder: JobFolder) -> str:
        """The module that does the job in `folder`."""
        return self.modules.get(folder.read_kind(), self.module)

    def _start_process(self, module: str, arguments: list[str], *, log: int, watched: bool) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", module, *arguments],  # -P: no module is taken from the current folder
            stdin=subprocess.PIPE if watched else subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=child_environment(self.code),
            start_new_session=True,
            creationflags=getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0),
        )


class WarmChild:
    """A child that was started ahead of time, or has done a job: it has imported what is slow to import, and waits for one."""

    def __init__(self, process: subprocess.Popen[bytes], launcher: JobLauncher) -> None:
        self._process = process
        self._launcher = launcher

    @property
    def pid(self) -> int:
        return self._process.pid

    def start_job(self, folder: JobFolder, *, detached: bool = False, stays: bool = False) -> JobProcess:
        """Give the job to the waiting child, or to a new one if that has died meanwhile.

        Use a warm child once. With `stays` it may wait for another job afterwards: see `JobLauncher.take_back`.
        """
        line = json.dumps({"folder": str(folder.path.absolute()), "detached": detached, "stays": stays})
        folder.prepare_start()
        # One that was killed may have threads that are still ending: it cannot be waited for yet, and its pipe is open.
        gone = self._process.poll() is not None or not process_exists(self._process.pid)
        if gone or not send_line(self._process, line):
            self.dismiss_child()
            return self._launcher.launch_job(folder, detached=detached, stays=stays)
        folder.write_heartbeat(self._process.pid)
        return JobProcess(folder, self._process, stays=stays)

    def dismiss_child(self) -> None:
        """End the child that was not needed."""
        close_input(self._process)
        kill_group(self._process)
        self._process.wait()


def child_environment(code: Sequence[Path] = ()) -> dict[str, str]:
    """The environment of a child; threads are set there before torch is imported, since OpenMP reads it once."""
    environment = dict(os.environ)
    prepare_environment(environment)
    # The child runs the very code that its parent runs, whatever folder either was started in.
    own = Path(core.__file__).absolute().parents[1]
    paths = [*map(str, (own, *code)), environment.get("PYTHONPATH", "")]
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    return environment
