"""A screen for the tests that drive the real window."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.screen import Screen, missing_programs, virtual_screen


@pytest.fixture(scope="module")
def screen() -> Iterator[Screen]:
    """A screen of 1280 x 800. Skips where there can be none, unless DEFECTDESK_REQUIRE_XVFB is set."""
    if missing := missing_programs():
        reason = f"{' and '.join(missing)} must be installed to drive the window on a virtual screen"
        if os.environ.get("DEFECTDESK_REQUIRE_XVFB"):
            pytest.fail(reason)
        pytest.skip(reason)
    with virtual_screen(1280, 800) as found:
        yield found


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Where pictures of the screen go, for a person to look at: DEFECTDESK_SCREENSHOTS, or a temporary folder."""
    return Path(os.environ.get("DEFECTDESK_SCREENSHOTS") or tmp_path / "screenshots")
