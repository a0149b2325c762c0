"""What may be imported where."""

from __future__ import annotations

import subprocess
import sys

import pytest

ALL_OF_CORE = """
import importlib, pkgutil, sys

class NoWindow:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("PySide6", "shiboken6", "pyqtgraph"):
            raise ImportError(f"{name} is not installed on this machine")

sys.meta_path.insert(0, NoWindow())
import core
names = [module.name for module in pkgutil.walk_packages(core.__path__, "core.")]
for name in names:
    importlib.import_module(name)
print(len(names))
"""


def test_all_of_core_imports_without_qt() -> None:
    done = subprocess.run([sys.executable, "-c", ALL_OF_CORE], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 50


def test_the_window_comes_up_without_torch() -> None:
    pytest.importorskip("PySide6")
    script = "import sys, desktop.app, desktop.shell.main_window; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.strip() == "False", done.stderr
