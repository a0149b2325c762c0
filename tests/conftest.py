"""What every test needs before anything else is imported."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator

import pytest

# Before Qt is imported anywhere: the tests need no screen.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


@pytest.fixture(autouse=True)
def let_go_of_windows() -> Iterator[None]:
    """A window takes what it holds out of Python's collections; one whose test is over may be collected."""
    yield
    gc.unfreeze()
