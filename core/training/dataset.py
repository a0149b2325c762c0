"""From a snapshot to batches: which pictures an epoch shows, in what order, augmented how.

Everything random is seeded by (run seed, epoch, position): the same whatever the number of workers. Workers
are threads: decoding and warping release the interpreter lock, and nothing is forked or pickled.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.augmentation.pipeline import Augmented, augment
from core.imaging.decode import decode
from core.imaging.window import Window
from core.inference.runner import to_batch
from core.models.multilabel import Targets
from core.project.snapshot import SnapshotImage
from core.randomness import seed_for
from core.training.recipe import Recipe
from core.training.views import crops_per_image, training_view


class ImageCache:
    """Decoded images, kept as long as they fit in a share of the memory. May be used from several threads."""

    def __init__(self, limit_bytes: int | None = None, window: Window | None = None) -> None:
        """`window`: through which images of 16 bits are read."""
        self._window = window
        self._limit = physical_memory() // 4 if limit_bytes is None else limit_bytes
        self._used = 0
        self._images: dict[str, NDArray[np.uint8]] = {}
        self._lock = threading.Lock()

    def read(self, path: str) -> NDArray[np.uint8]:
        """The image (h, w, 3). Raises ImageError if it cannot be read."""
        image = self._images.get(path)
        if image is None:
            image = decode(Path(path), self._window)
            with self._lock:
                # What does not fit is decoded again: which images stay must not depend on the order of threads
                # for the result to be right, only for the speed.
                if path not in self._images and self._used + image.nbytes <= self._limit:
                    self._images[path] = image
                    self._used += image.nbytes
        return image


def physical_memory() -> int:
    """Bytes of memory of this machine; 8 GiB where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 8 * 2**30


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    images_b3hw: Tensor  # uint8
    targets: Targets


class TrainingSet:
    """The training images of a snapshot under one recipe."""

    def __init__(
        self, images: Sequence[SnapshotImage], labels: int, recipe: Recipe, size: tuple[int, int], cache: ImageCache
    ) -> None:
        """`size`: width and height of the network's input."""
        self._images = list(images)
        self._labels = labels
        self._recipe = recipe
        self._cache = cache
        self._view = training_view(recipe, size)
        self._entries = [
            image
            for image, record in enumerate(self._images)
            for _ in range(crops_per_image(recipe, record.width, record.height))
        ]

    def __len__(self) -> int:
        """Pictures in an epoch."""
        return len(self._entries)

    @property
    def steps(self) -> int:
        """Batches in an epoch."""
        return len(self._bounds())

    def _bounds(self) -> list[tuple[int, int]]:
        """Where each batch begins and ends in the epoch's order.

        A last picture on its own joins the batch before it: BatchNorm cannot learn from one value.
        """
        size, count = self._recipe.schedule.batch_size, len(self)
        ends = list(range(size, count, size))
        if ends and count - ends[-1] == 1:
            ends.pop()
        return list(pairwise([0, *ends, count]))

    def batches(self, epoch: int) -> Iterator[Batch]:
        """The batches of an epoch (from 1), prepared ahead by worker threads."""
        order = np.random.default_rng(seed_for(self._recipe.seed, "order", epoch)).permutation(len(self))
        bounds = iter(self._bounds())
        pending: deque[list[Future[Augmented]]] = deque()
        with ThreadPoolExecutor(self._recipe.limits.workers, thread_name_prefix="augment") as pool:
            try:
                while True:
                    while len(pending) < 3 and (bound := next(bounds, None)) is not None:
                        positions = order[slice(*bound)]
                        pending.append([pool.submit(self.picture, epoch, int(position)) for position in positions])
                    if not pending:
                        return
                    yield self._batch([future.result() for future in pending.popleft()])
            finally:
                pool.shutdown(cancel_futures=True)

    def picture(self, epoch: int, position: int) -> Augmented:
        """One picture of an epoch, as the network sees it."""
        record = self._images[self._entries[position]]
        seed = seed_for(self._recipe.seed, "augment", epoch, position)
        return augment(
            self._cache.read(record.path), record.boxes, record.labels, self._recipe.augmentation, seed, self._view
        )

    def _batch(self, pictures: list[Augmented]) -> Batch:
        return Batch(
            to_batch([picture.image for picture in pictures]),
            padded_targets([(picture.boxes, picture.labels) for picture in pictures], self._labels),
        )


def padded_targets(images: Sequence[tuple[NDArray[np.float32], NDArray[np.bool_]]], labels: int) -> Targets:
    """Boxes (n, 4) and label sets (n, k) of each image, padded to the image with the most."""
    most = max((len(boxes) for boxes, _ in images), default=0)
    boxes_bm4 = np.zeros((len(images), most, 4), np.float32)
    labels_bmk = np.zeros((len(images), most, labels), np.float32)
    valid_bm = np.zeros((len(images), most), bool)
    for row, (boxes, sets) in enumerate(images):
        boxes_bm4[row, : len(boxes)] = boxes
        labels_bmk[row, : len(boxes)] = sets
        valid_bm[row, : len(boxes)] = True
    return Targets(torch.from_numpy(boxes_bm4), torch.from_numpy(labels_bmk), torch.from_numpy(valid_bm))
