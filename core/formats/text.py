"""Reading foreign text files: bounded, as UTF-8 whatever Unicode they came in, and never from a pipe or a device.

And what their texts mean: numbers, and how they are quoted in messages.
"""

from __future__ import annotations

import codecs
import math
import os
import reprlib
import stat
from pathlib import Path
from typing import Any, cast

from core.errors import InputError
from core.files import open_at_once

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

# What tables are in that are no Unicode text, the most usual first: Excel's CSV in most of Europe and in America.
ENCODINGS = ("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "shift_jis", "gbk", "big5", "euc_kr", "cp850", "latin-1")
_AROUND = 40  # bytes that are shown before and after a place

_SHORT = reprlib.Repr()
_SHORT.maxlist = _SHORT.maxtuple = 8
_SHORT.maxlevel = 3


def read_utf8(path: Path, limit: int, what: str) -> bytes:
    """The content of a text file as UTF-8 without a byte order mark; UTF-16 and UTF-32 are told by theirs.

    `what` names the kind of file in messages, such as "a COCO file". Raises InputError if it cannot be read, has more
    than `limit` bytes, or is no Unicode text. The bytes of UTF-8 itself are not checked here.
    """
    data = read_limited(path, limit, what)
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            try:
                return data.decode(encoding).encode()
            except UnicodeError as error:
                raise InputError(f"{path}: not {what} (not text in {encoding.upper()}); save it as UTF-8") from error
    return data.removeprefix(codecs.BOM_UTF8)


class EncodingError(InputError):
    """A text that is not in Unicode, and that somebody has to say the encoding of."""

    def __init__(self, path: Path, data: bytes, what: str) -> None:
        """`data` are the bytes of the file, which are no UTF-8."""
        start, end = _find_undecodable(data)
        first = max(data.rfind(b"\n", 0, start) + 1, start - _AROUND)
        last = data.find(b"\n", start)
        self._piece = data[first : min(last if last >= 0 else len(data), end + _AROUND)].strip()
        line = data.count(b"\n", 0, start) + 1
        guess = next((name for name in ENCODINGS if self.read_as(name)), "latin-1")
        super().__init__(
            f"{path}: line {line:,}: not {what} (not text in UTF-8); read as {guess} it says {self.read_as(guess)!r}: if "
            f"that is right, say so with --encoding {guess}, or else save it as CSV UTF-8"
        )

    def read_as(self, encoding: str) -> str:
        """What the place that is no UTF-8 says in an encoding; empty if it is not in that one either."""
        try:
            return quote_short(self._piece.decode(encoding), 2 * _AROUND + 1)
        except UnicodeError:
            return ""


def _find_undecodable(data: bytes) -> tuple[int, int]:
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return error.start, error.end
    return 0, 0


def check_encoding(name: str) -> str:
    """The name of an encoding of texts. Raises InputError if there is none."""
    try:
        "".encode(name)
    except (LookupError, ValueError) as error:
        known = ", ".join(ENCODINGS)
        raise InputError(f"there is no encoding {quote_short(name)!r}; choose one such as {known}") from error
    return name


def read_encoded(path: Path, limit: int, what: str, encoding: str | None) -> bytes:
    """`read_utf8` of a file that is in `encoding` if it is no Unicode text. Raises EncodingError where that is not known."""
    data = read_utf8(path, limit, what)
    if encoding is None:
        if not is_utf8(data):
            raise EncodingError(path, data, what)
        return data
    if is_utf8(data) and b"\0" not in data:
        return data
    try:
        return data.decode(encoding).encode()
    except UnicodeError as error:
        raise InputError(f"{path}: it is no text in {encoding}; choose another encoding") from error


def is_utf8(data: bytes) -> bool:
    """True if all of it is UTF-8."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def read_limited(path: Path, limit: int, what: str) -> bytes:
    """The content of a file of at most `limit` bytes. Raises InputError."""
    try:
        with open_at_once(path) as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise InputError(f"{path}: cannot be read, it is no file; choose {what}")
            if found.st_size > limit:
                raise InputError(
                    f"{path}: {found.st_size / 2**20:,.1f} MiB are more than the {limit / 2**20:,.1f} MiB that {what} "
                    "may have; divide it"
                )
            return file.read(limit)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise InputError(f"{path!r}: not a valid file name") from error


def read_ends(path: Path, size: int) -> bytes:
    """The first and the last `size` bytes of a file; nothing of what is no file or cannot be read."""
    try:
        with open_at_once(path) as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                return b""
            head = file.read(size)
            file.seek(max(len(head), found.st_size - size))
            return head + file.read(size)
    except (OSError, ValueError):
        return b""


def parse_number(value: Any) -> float | None:
    """A number, or a text that is one, also with a decimal comma; None for anything else."""
    kind = type(value)  # values come by the million
    if kind is float:
        return cast("float", value)
    if kind is not int and kind is not str:
        return None
    if kind is str:
        if len(value) > 400 or "_" in value:
            return None
        if "," in value and value.count(",") == 1 and "." not in value:
            value = value.replace(",", ".")
    try:
        return float(value)
    except OverflowError:  # a whole number beyond all floats
        return math.inf
    except ValueError:
        return None


def quote_short(text: object, most: int = 60) -> str:
    """`text` for a message: short, on one line, and printable whatever it holds."""
    if isinstance(text, str) and len(text) <= most and text.isprintable():
        return text
    if isinstance(text, int):
        return str(text)[:most]
    words = text if isinstance(text, str) else _SHORT.repr(text)  # a nest of lists may be endless when written out
    words = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in words[: most + 1])
    return words if len(words) <= most else words[:most] + "…"
