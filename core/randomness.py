"""Stateless randomness: every random thing is seeded by what it is for, never by what came before it.

A run that is resumed, or that has other numbers of workers, draws the same numbers.
"""

from __future__ import annotations

import hashlib


def seed_for(*parts: int | str) -> int:
    """A 63-bit seed from the run's seed and what the randomness is for, such as ("crop", epoch, index)."""
    text = "\x1f".join(str(part) for part in parts).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big") >> 1
