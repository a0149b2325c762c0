"""Large JSON files, entry by entry: no more of them is in memory than the file itself and a few entries.

A hundred megabytes of rubbish become 2.5 GB of objects when they are parsed at once. Here the brackets are counted by
numpy, which is fast and needs no recursion; only the entries that somebody asks for are parsed, a batch at a time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_BLOCK = 2**20
_MAX_DEPTH = 200
_MAX_MEMBERS = 10_000
_MAX_ENTRY = 2**23  # bytes of one entry that are parsed
_QUOTE, _OPEN, _CLOSE, _COMMA = 1, 2, 3, 4
_KINDS = np.zeros(256, np.uint8)
for _letters, _kind in ((b'"', _QUOTE), (b"[{", _OPEN), (b"]}", _CLOSE), (b",", _COMMA)):
    _KINDS[list(_letters)] = _kind
_STEPS = np.array([0, 0, 1, -1, 0], np.int8)
_KEY = re.compile(rb'\s*("(?:[^"\\]|\\.){0,1000}")\s*:\s*', re.DOTALL)
_SPACE = re.compile(rb"\s*")


class JsonError(Exception):
    """The text is no JSON, or none that is worth reading; the text says why."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Stands for an entry that could not be parsed."""

    reason: str


class DuplicateKeys(dict[str, Any]):
    """An object in which a key was given twice; the last one counts, as everywhere."""

    twice: tuple[str, ...] = ()


class JsonObject:
    """A JSON object whose values are parsed when they are asked for."""

    def __init__(self, data: bytes, most: int = _MAX_MEMBERS) -> None:
        """Raises JsonError if the text holds no object, one of more than `most` keys, or does not end."""
        self._data = data
        start = _skip_space(data, 0)
        if data[start : start + 1] != b"{":
            raise JsonError("it must hold an object in braces")
        self._values: dict[str, tuple[int, int]] = {}
        self.twice: set[str] = set()  # keys that are there more than once; the last one counts
        count = 0
        for first, last in _split_parts(data, start):
            found = _KEY.match(data, first, last)
            if found is None:
                if data[first:last].strip():
                    raise JsonError(f"at byte {first:,} there is no key")
                continue
            count += 1
            if count > most:
                raise JsonError(f"it has more than {most:,} keys")
            key = str(_parse_text(found[1]))
            if key in self._values:
                self.twice.add(key)
            self._values[key] = (found.end(), last)

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def is_list(self, key: str) -> bool:
        start, _ = self._values.get(key, (len(self._data), 0))
        return self._data[start : start + 1] == b"["

    def is_object(self, key: str) -> bool:
        start, _ = self._values.get(key, (len(self._data), 0))
        return self._data[start : start + 1] == b"{"

    def child(self, key: str, most: int = _MAX_MEMBERS) -> JsonObject:
        """The object under `key`, which must be one. Raises JsonError."""
        start, end = self._values[key]
        return JsonObject(self._data[start:end], most)

    def items(self) -> Iterator[tuple[str, Any]]:
        """The keys with their values, parsed one after the other; see `value`."""
        for key in self._values:
            yield key, self.value(key)

    def values(self) -> Iterator[Any]:
        """The values, parsed one after the other."""
        return (value for _, value in self.items())

    def value(self, key: str) -> Any:
        """The value under `key`, None if there is none; Unreadable if it is too large or damaged."""
        if key not in self._values:
            return None
        start, end = self._values[key]
        if end - start > _MAX_ENTRY:
            return Unreadable("it is too large")
        return _parse_entry(self._data[start:end])

    def entries(self, key: str, watched: Sequence[str] = ()) -> Iterator[Any]:
        """The entries of the list under `key`, one after the other; Unreadable in place of one that is damaged.

        An entry that has one of the `watched` keys twice comes as DuplicateKeys. Raises JsonError where the text is
        no JSON.
        """
        names = [b'"%s"' % name.encode() for name in watched]
        batch: list[tuple[int, int]] = []
        for first, last in _split_parts(self._data, self._values[key][0]):
            batch.append((first, last))
            if last - batch[0][0] >= _BLOCK:
                yield from self._batch(batch, names)
                batch = []
        if batch and (len(batch) > 1 or self._data[batch[0][0] : batch[0][1]].strip()):
            yield from self._batch(batch, names)

    def _batch(self, places: list[tuple[int, int]], watched: list[bytes]) -> Iterator[Any]:
        start, end = places[0][0], places[-1][1]
        if end - start > _MAX_ENTRY:
            for first, last in places:
                yield Unreadable("it is too large") if last - first > _BLOCK else _parse_entry(self._data[first:last])
            return
        text = self._data[start:end]
        # As many keys as entries, or fewer, are no more than one in each, or in a nested object, which hurts nobody.
        if any(text.count(name) > len(places) for name in watched):
            for first, last in places:
                yield _parse_entry(self._data[first:last])
            return
        try:
            entries = json.loads("[" + text.decode() + "]")
        except (ValueError, RecursionError):
            for first, last in places:
                yield _parse_entry(self._data[first:last])
        else:
            yield from entries


def _parse_entry(text: bytes) -> Any:
    try:
        return _DECODER.decode(text.decode())
    except json.JSONDecodeError as error:
        raise JsonError(f"{error.msg} at {text[:40].decode(errors='replace')!r}") from error
    except UnicodeDecodeError as error:
        raise JsonError("it is not text in UTF-8") from error
    except ValueError:
        return Unreadable("it holds a number of too many digits")
    except RecursionError:
        return Unreadable("it is nested too deep")


def _parse_text(text: bytes) -> Any:
    found = _parse_entry(text)
    if isinstance(found, Unreadable):
        raise JsonError(found.reason)
    return found


def _scan_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) == len(pairs):
        return values
    marked = DuplicateKeys(values)
    names = [name for name, _ in pairs]
    marked.twice = tuple(name for name in values if names.count(name) > 1)
    return marked


_DECODER = json.JSONDecoder(object_pairs_hook=_scan_object)


def _skip_space(data: bytes, place: int) -> int:
    found = _SPACE.match(data, place)
    return found.end() if found else place


def _split_parts(data: bytes, start: int) -> Iterator[tuple[int, int]]:
    """Where the parts are that commas separate in the object or list which opens at `start`: (first, last + 1)."""
    first = start + 1
    for cuts, end in _find_cuts(data, start):
        for cut in cuts.tolist():
            yield first, cut
            first = cut + 1
        if end is not None:
            yield first, end
            return
    raise JsonError("it ends in the middle")


def _find_cuts(data: bytes, start: int) -> Iterator[tuple[NDArray[np.intp], int | None]]:
    """By block: places of the commas directly in what opens at `start`, and the place where that closes, if there."""
    place, inside, depth = start, 0, 0
    while place < len(data):
        block = data[place : place + _BLOCK]
        # A block must not end between a backslash and what it escapes.
        if (len(block) - len(block.rstrip(b"\\"))) % 2:
            block = data[place : place + len(block) + 1]
        letters = np.frombuffer(block, np.uint8)
        kinds = _KINDS[letters]
        at = np.flatnonzero(kinds)
        kinds = kinds[at]
        if inside or b'"' in block:
            quotes = kinds == _QUOTE
            if b"\\" in block and quotes.any():
                quotes[quotes] = ~_find_escapes(letters, at[quotes])
            parity = (np.cumsum(quotes, dtype=np.int32) + inside) & 1
            inside = int(parity[-1]) if len(parity) else inside
            outside = (parity == 0) & (kinds != _QUOTE)
            at, kinds = at[outside], kinds[outside]
        if len(at):
            depths = depth + np.cumsum(_STEPS[kinds], dtype=np.int32)
            depth = int(depths[-1])
            if depths.max() > _MAX_DEPTH:
                raise JsonError(f"it is nested deeper than {_MAX_DEPTH} levels")
            ends = np.flatnonzero(depths == 0)
            if len(ends):
                at, kinds, depths = at[: ends[0] + 1], kinds[: ends[0] + 1], depths[: ends[0] + 1]
            cuts = at[(kinds == _COMMA) & (depths == 1)] + place
            if len(ends):
                yield cuts, int(at[-1]) + place
                return
            yield cuts, None
        place += len(block)


def _find_escapes(letters: NDArray[np.uint8], at: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Which of the letters `at` have an odd number of backslashes before them."""
    places = np.arange(len(letters), dtype=np.int32)
    others = np.maximum.accumulate(np.where(letters != ord("\\"), places, np.int32(-1)))
    run = np.where(at > 0, at - 1 - others[at - 1], 0)
    odd: NDArray[np.bool_] = run % 2 == 1
    return odd
