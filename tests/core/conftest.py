"""What tests of several files of the core share."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from core import cli
from core.jobs.pulse import PULSES

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Run `defectdesk` with these arguments: (exit code, stdout, stderr)."""
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["defectdesk", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as leaving:
            cli.main()
        captured = capfd.readouterr()
        return int(leaving.value.code or 0), captured.out, captured.err

    return call


class Clock:
    """The clock by which heartbeats are judged, as it would be without waiting."""

    now = 0.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Judge heartbeats by a clock that the test moves, with nothing known of any yet."""
    found = Clock()
    monkeypatch.setattr(PULSES, "clock", lambda: found.now)
    PULSES.forget()
    return found
