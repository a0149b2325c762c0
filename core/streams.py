"""Standard output and error that never fail: what cannot be written is dropped, and the program goes on with its work.

A reader that closes a pipe, or a full disk under a redirected output, is no reason to give up what a command does.
"""

from __future__ import annotations

import errno
import io
import os
import select
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_SAFE_ERRORS = frozenset({"backslashreplace", "replace", "ignore", "xmlcharrefreplace", "namereplace"})


class ForgivingFile(io.FileIO):
    """A file that takes everything: after the first failure it drops what it is given, and knows why."""

    failure: OSError | None = None

    def write(self, data: ReadableBuffer, /) -> int:
        size = memoryview(data).nbytes
        if self.failure is not None:
            return size
        try:
            written = super().write(data)
            while written is None:  # the other end set the pipe to not wait: wait here
                select.select([], [self], [])
                written = super().write(data)
        except OSError as error:
            self.failure = error
            return size
        return written


def open_forgiving(descriptor: int, like: TextIO) -> TextIO:
    """A text stream on `descriptor`, which stays open afterwards, with the encoding and the buffering of `like`."""
    errors = like.errors if like.errors in _SAFE_ERRORS else "backslashreplace"
    return io.TextIOWrapper(
        io.BufferedWriter(ForgivingFile(descriptor, "wb", closefd=False)),
        encoding=like.encoding,
        errors=errors,
        line_buffering=bool(like.line_buffering),
        write_through=isinstance(like, io.TextIOWrapper) and like.write_through,
    )


def guard_streams() -> None:
    """Make stdout and stderr forgiving, and let signs that their encoding lacks come out escaped.

    Streams that are not those of the process, as in tests, keep their file.
    """
    _fill_closed_descriptors()
    for name, descriptor in (("stdout", 1), ("stderr", 2)):
        stream = getattr(sys, name)
        if not isinstance(stream, io.TextIOWrapper):
            continue
        raw = getattr(stream.buffer, "raw", stream.buffer)
        # A console of Windows has a class of its own, which knows its encoding.
        if type(raw) is io.FileIO and raw.fileno() == descriptor:
            setattr(sys, name, open_forgiving(descriptor, stream))
        elif stream.errors not in _SAFE_ERRORS:
            stream.reconfigure(errors="backslashreplace")


def find_failure(stream: TextIO | None) -> OSError | None:
    """Why something written to `stream` was dropped; None if nothing was."""
    raw = getattr(getattr(stream, "buffer", None), "raw", None)
    if stream is None or not isinstance(raw, ForgivingFile):
        return None
    stream.flush()
    return raw.failure


def is_reader_gone(stream: TextIO | None) -> bool:
    """Whether the program that read `stream` has closed its end."""
    failure = find_failure(stream)
    return failure is not None and failure.errno == errno.EPIPE


def _fill_closed_descriptors() -> None:
    """Where a shell closed stdin, stdout or stderr (`>&-`), keep their numbers from the next file that is opened."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)
