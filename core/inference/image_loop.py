"""The one loop that shows images to a network: for predictions of every kind, and to judge a network as it learns.

threads      read and decode images ahead, cut them into the parts that the network sees
windows      a few images in order: as many as fill one pass, or as memory holds
passes       the parts of a window that have one size, together through the network
the caller   makes of each part's raw answer what it needs, and gets it back image by image, in order
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.inference.read_ahead import ReadAhead
from core.inference.runner import ImageParts, Output, PartInput, Runner, group_by_size
from core.threads import count_cores

MOST_READERS = 4
# Of images that are decoded and wait for their turn, and again of those in the network's hands: three of 12 megapixels.
# One more for each reader is being decoded.
BYTES_AHEAD = 110_000_000
IMAGES_AHEAD = 64
MOST_TOGETHER = 32  # images in a window: more are no faster, and nothing is told of them before all are done

Item = TypeVar("Item")
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True, eq=False)
class LoadedImage:
    """An image, read and cut into what the network sees of it."""

    width: int  # of the upright image, whatever the pixels were shrunk to
    height: int
    inputs: list[PartInput]
    pixels: NDArray[np.uint8] | None = None  # (h, w, 3) of the whole image, where they are asked for

    @property
    def parts(self) -> ImageParts:
        """What it was cut into."""
        return ImageParts(self.width, self.height, tuple(one.part for one in self.inputs))

    @property
    def held_bytes(self) -> int:
        """Memory that the image keeps, roughly: tiles are views of one array."""
        return sum(one.pixels.nbytes for one in self.inputs) + (self.pixels.nbytes if self.pixels is not None else 0)


@dataclass(frozen=True, slots=True, eq=False)
class LookedAt(Generic[Item, Found]):
    """What became of one image."""

    item: Item
    found: list[Found]  # one for each part of the image, in order; empty where there is an error
    image: LoadedImage | None
    error: InputError | None = None  # why the image could not be used


def look_at_images(
    runner: Runner,
    items: Sequence[Item],
    load: Callable[[Item], LoadedImage],
    look: Callable[[Item, LoadedImage, Output], Found],
    should_stop: Callable[[], bool] = lambda: False,
) -> Generator[LookedAt[Item, Found], None, None]:
    """Show `items` to the network: one result each, in their order.

    `load` is called in threads; an InputError that it raises is the result of that image, and the others go on. `look`
    makes of one part's raw answer what is to be kept of it. Ends early, before the next pass, once `should_stop()`.
    """

    def read(item: Item) -> LoadedImage | InputError:
        try:
            return load(item)
        except InputError as error:
            return error

    readers = min(MOST_READERS, max(2, count_cores()))
    with ReadAhead(items, read, _held_bytes, threads=readers, most_bytes=BYTES_AHEAD, most_items=IMAGES_AHEAD) as ahead:
        for window in _gather_windows(ahead, runner.pixels_at_once):
            found = _look_at_window(runner, window, look, should_stop)
            if found is None:
                return
            while window:  # an image is let go of as soon as it is told of
                (item, loaded), results = window.pop(0), found.pop(0)
                if isinstance(loaded, InputError):
                    yield LookedAt(item, [], None, loaded)
                else:
                    yield LookedAt(item, results, loaded)
                del loaded


def _held_bytes(loaded: LoadedImage | InputError) -> int:
    return loaded.held_bytes if isinstance(loaded, LoadedImage) else 0


_Window = list[tuple[Item, LoadedImage | InputError]]


def _gather_windows(
    ahead: Iterable[tuple[Item, LoadedImage | InputError]], pixels_at_once: int
) -> Iterator[_Window[Item]]:
    """Images that are looked at together, by their sizes alone: never by how fast they were read."""
    window: _Window[Item] = []
    pixels = held = 0
    for item, loaded in ahead:
        window.append((item, loaded))
        largest = 0
        if isinstance(loaded, LoadedImage):
            areas = [one.pixels.shape[0] * one.pixels.shape[1] for one in loaded.inputs]
            pixels, held, largest = pixels + sum(areas), held + loaded.held_bytes, max(areas)
        del loaded
        if pixels + largest > pixels_at_once or held >= BYTES_AHEAD or len(window) == MOST_TOGETHER:
            yield window
            window, pixels, held = [], 0, 0
    if window:
        yield window


def _look_at_window(
    runner: Runner,
    window: _Window[Item],
    look: Callable[[Item, LoadedImage, Output], Found],
    should_stop: Callable[[], bool],
) -> list[list[Found]] | None:
    """What is found on each part of each image; None if it was stopped."""
    inputs: list[PartInput] = []
    owners: list[tuple[int, Item, LoadedImage]] = []
    for row, (item, loaded) in enumerate(window):
        if isinstance(loaded, LoadedImage):
            inputs += loaded.inputs
            owners += [(row, item, loaded)] * len(loaded.inputs)
    found: dict[int, Found] = {}
    for group in group_by_size(inputs, runner.pixels_at_once):
        if should_stop():
            return None
        outputs = runner.run_together([inputs[place] for place in group])
        for place, output in zip(group, outputs, strict=True):
            _, item, loaded = owners[place]
            found[place] = look(item, loaded, output)
    results: list[list[Found]] = [[] for _ in window]
    for place, (row, _, _) in enumerate(owners):
        results[row].append(found[place])
    return results
