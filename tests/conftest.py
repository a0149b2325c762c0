"""What every test needs before anything else is imported."""

from __future__ import annotations

import os

# Before Qt is imported anywhere: the tests need no screen.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
