"""What every test needs before anything else is imported."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.gc_pause import collect_due

MEMORY_DISK = Path("/dev/shm")
ROOM = 4 * 2**30  # bytes; more than all files of the tests that are there at a time

# Before Qt is imported anywhere: the tests need no screen.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
# Before torch is: beside other busy processes, threads that spin while they wait take most of the time.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# Dozens of tests start the program; each process would compile all that it imports, which takes longer than it runs.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
# A project's every edit waits until it is on the disk, which is what half of the suite would wait for. Nothing here
# cuts the power: a process that is killed leaves in memory what it has written.
if MEMORY_DISK.is_dir() and os.access(MEMORY_DISK, os.W_OK) and shutil.disk_usage(MEMORY_DISK).free > ROOM:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY_DISK))

# What is started in the background of a shell inherits that Ctrl+C is ignored; programs under test would inherit it, too.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


# Widgets of past tests that lie in cycles must go in the main thread, as `desktop.gc_pauses` sees to in the program:
# in a worker's, Qt crashes.
gc.disable()


@pytest.fixture(autouse=True)
def let_go_of_windows() -> Iterator[None]:
    """A window takes what it holds out of Python's collections; one whose test is over may be collected."""
    yield
    gc.unfreeze()
    collect_due()


@pytest.fixture(autouse=True)
def hear_ctrl_c() -> Iterator[None]:
    """A command lets Ctrl+C end its process when its work is done; this process goes on."""
    yield
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.default_int_handler)
