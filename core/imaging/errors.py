"""What may be wrong with an image file, before anybody knows its path."""

from __future__ import annotations


class HeaderError(Exception):
    """The file is damaged or cut off; the text says how."""


class UnsupportedError(HeaderError):
    """The file may be whole, but is of a kind that is not read; the text names the kind, and what to do."""


class DamagedError(Exception):
    """The decoder had to guess; the text is what it said."""
