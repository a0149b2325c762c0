"""From a snapshot to batches: which pictures an epoch shows, in what order, augmented how.

Everything random is seeded by what it is for (run seed, epoch, image, turn): the pictures and batches are the same
whatever the number of workers, wherever a run is taken up again, and however many processes share it. Workers are
threads: decoding, warping and copying release the interpreter lock, and nothing is forked or pickled.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, fields, replace

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.augmentation.pipeline import augment
from core.models.multilabel import Targets
from core.project.snapshot import SnapshotImage
from core.randomness import seed_for
from core.recipe.recipe import Recipe
from core.threads import count_cores
from core.training.data.crops import image_views, kept_size, picture_seed
from core.training.data.data_advice import data_notices
from core.training.data.image_cache import ImageCache
from core.training.data.mixing import Picture, mix_pictures
from core.training.data.sampling import Sampler, batch_bounds, rank_bounds

# Batches that are prepared ahead of the network.
AHEAD = 3
# Of a picture's 1 to 8 ms about half a one is Python, under the interpreter lock: more threads would wait for each other.
MOST_WORKERS = 8


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    images_b3hw: Tensor  # uint8
    targets: Targets

    def to(self, device: torch.device) -> Batch:
        """The batch on `device`; from pinned memory the copy runs while the device computes."""
        return Batch(self.images_b3hw.to(device, non_blocking=True), self.targets.to(device))


class TrainingSet:
    """The training images of a snapshot under one recipe."""

    def __init__(
        self, images: Sequence[SnapshotImage], labels: int, recipe: Recipe, size: tuple[int, int], cache: ImageCache
    ) -> None:
        """`size`: width and height of the network's input. Raises InputError if nothing can be taught."""
        self._images = list(images)
        self._labels = labels
        self._recipe = recipe
        self._size = size
        self._cache = cache
        self._views = [image_views(recipe, size, (one.width, one.height), one.boxes) for one in self._images]
        self._sampler = Sampler(self._images, self._views, recipe)
        self._shown: tuple[int, NDArray[np.intp]] = (0, np.zeros((0, 2), np.intp))
        kept = [self._kept_size(image) for image in range(len(self._images))]
        self.notices = data_notices(recipe, self._images, size, kept, (cache.limit_bytes, cache.disk_bytes))

    def __len__(self) -> int:
        """Pictures in an epoch."""
        return len(self._sampler)

    @property
    def steps(self) -> int:
        """Batches in an epoch of one process."""
        return self.batch_count()

    def batch_count(self, size: int = 1, batch_size: int | None = None) -> int:
        """Batches in an epoch of each of `size` processes that take `batch_size` (the recipe's) pictures at once."""
        return len(batch_bounds(len(self), (batch_size or self._recipe.schedule.batch_size) * size))

    def batches(
        self,
        epoch: int,
        first_step: int = 0,
        rank: int = 0,
        size: int = 1,
        batch_size: int | None = None,
        device: torch.device | None = None,
    ) -> Iterator[Batch]:
        """The batches of an epoch (from 1) from `first_step` (from 0) on, prepared ahead by worker threads.

        Of `size` processes each takes its part of the same `batch_size` * `size` pictures that one process with
        that batch would take. With a CUDA `device` they come on it, copied while it computes.
        """
        wanted = batch_size or self._recipe.schedule.batch_size
        shares = [rank_bounds(*bounds, rank, size) for bounds in batch_bounds(len(self), wanted * size)[first_step:]]
        on_gpu = device is not None and device.type == "cuda"
        prepared = self._prepared(epoch, shares, pinned=on_gpu)
        return on_device(prepared, device) if device is not None and on_gpu else prepared

    def _prepared(self, epoch: int, shares: list[tuple[int, int]], pinned: bool) -> Iterator[Batch]:
        order = self._epoch(epoch)
        upcoming = iter(shares)
        pending: deque[tuple[Tensor, list[Future[Picture]]]] = deque()
        with ThreadPoolExecutor(
            worker_count(self._recipe), thread_name_prefix="augment", initializer=_one_thread_each
        ) as pool:
            try:
                while True:
                    while len(pending) < AHEAD and (share := next(upcoming, None)) is not None:
                        images_bhw3 = self._room(share[1] - share[0], pinned)
                        pending.append(
                            (
                                images_bhw3,
                                [
                                    pool.submit(self._into, images_bhw3[row], epoch, *turn)
                                    for row, turn in enumerate(order[slice(*share)].tolist())
                                ],
                            )
                        )
                    if not pending:
                        return
                    images_bhw3, futures = pending.popleft()
                    yield self._batch(images_bhw3, [future.result() for future in futures], pinned)
            finally:
                pool.shutdown(cancel_futures=True)

    def picture(self, epoch: int, image: int, turn: int) -> Picture:
        """Picture `turn` of the image number `image` in an epoch, as the network sees it."""
        picture = self._alone(image, turn, picture_seed(self._recipe, epoch, image, turn))
        if not self._mixes(epoch):
            return picture
        shown, seed = self._epoch(epoch), seed_for(self._recipe.seed, "mix", epoch, image, turn)
        random = np.random.default_rng(seed)
        others = shown[random.integers(0, len(shown), 8)].tolist()

        def partner(number: int) -> Picture:
            other, their_turn = others[number]
            return self._alone(other, their_turn, seed_for(seed, number))

        return mix_pictures(picture, partner, self._recipe.mixing, self._recipe.augmentation.min_visible, random)

    def _alone(self, image: int, turn: int, seed: int) -> Picture:
        record, views = self._images[image], self._views[image].views
        pixels = self._cache.pixels(record, self._kept_size(image))
        # Of an ignored box no label is known.
        unknown = np.zeros((len(record.ignored), self._labels), np.bool_)
        return Picture.of(
            augment(
                pixels,
                np.concatenate([record.boxes, record.ignored]),
                np.concatenate([record.labels, unknown]),
                self._recipe.augmentation,
                seed,
                views[turn % len(views)],
                (record.width, record.height),
            )
        )

    def _mixes(self, epoch: int) -> bool:
        mixing = self._recipe.mixing
        return mixing.is_on and epoch <= self._recipe.schedule.epochs - mixing.off_for_last

    def _kept_size(self, image: int) -> tuple[int, int]:
        record = self._images[image]
        view = self._views[image].views[0]
        return kept_size(self._recipe.augmentation, view, (record.width, record.height))

    def _epoch(self, epoch: int) -> NDArray[np.intp]:
        known, shown = self._shown
        if known != epoch:
            shown = self._sampler.epoch(epoch)
            self._shown = epoch, shown
        return shown

    def _room(self, count: int, pinned: bool) -> Tensor:
        return torch.empty((count, self._size[1], self._size[0], 3), dtype=torch.uint8, pin_memory=pinned)

    def _into(self, room_hw3: Tensor, epoch: int, image: int, turn: int) -> Picture:
        """Make a picture and put its pixels where the batch has them."""
        picture = self.picture(epoch, image, turn)
        np.copyto(room_hw3.numpy(), picture.image)
        return replace(picture, image=picture.image[:0])

    def _batch(self, images_bhw3: Tensor, pictures: list[Picture], pinned: bool) -> Batch:
        targets = padded_targets([(picture.boxes, picture.labels) for picture in pictures], self._labels)
        # In channels-last memory order.
        return Batch(images_bhw3.permute(0, 3, 1, 2), _pin_memory(targets) if pinned else targets)


def on_device(batches: Iterator[Batch], device: torch.device) -> Iterator[Batch]:
    """Batches in pinned memory, each copied to a CUDA `device` while the one before it is computed."""
    copying = torch.cuda.Stream(device)
    waiting: tuple[Batch, torch.cuda.Event] | None = None
    for batch in batches:
        # The allocator of pinned memory waits for copies before it gives the memory to another batch.
        with torch.cuda.stream(copying):
            copied = batch.to(device), copying.record_event()
        if waiting is not None:
            yield _wait_for(*waiting, device)
        waiting = copied
    if waiting is not None:
        yield _wait_for(*waiting, device)


def _wait_for(batch: Batch, copied: torch.cuda.Event, device: torch.device) -> Batch:
    """The batch, for the stream that computes: it waits for the copy, and holds the memory until it has used it."""
    computing = torch.cuda.current_stream(device)
    computing.wait_event(copied)
    targets = batch.targets
    for tensor in (batch.images_b3hw, *(getattr(targets, part.name) for part in fields(targets))):
        tensor.record_stream(computing)
    return batch


def _pin_memory(targets: Targets) -> Targets:
    return Targets(*(getattr(targets, part.name).pin_memory() for part in fields(targets)))


def worker_count(recipe: Recipe) -> int:
    """Threads that prepare pictures: as many as the recipe says, or one fewer than cores, from 2 to MOST_WORKERS."""
    return recipe.limits.workers or max(2, min(MOST_WORKERS, count_cores() - 1))


def _one_thread_each() -> None:
    # Pictures are small and there are several workers: OpenCV's own threads would only wait for each other.
    cv2.setNumThreads(1)


def padded_targets(images: Sequence[tuple[NDArray[np.float32], NDArray[np.bool_]]], labels: int) -> Targets:
    """Boxes (n, 4) and label sets (n, k) of each image, padded to the image with the most.

    A box with no label is ignored: it is taught neither as a defect nor as background.
    """
    known = [np.asarray(sets.any(axis=1), np.bool_) for _, sets in images]
    most = max((int(rows.sum()) for rows in known), default=0)
    boxes_bm4 = np.zeros((len(images), most, 4), np.float32)
    labels_bmk = np.zeros((len(images), most, labels), np.float32)
    valid_bm = np.zeros((len(images), most), bool)
    ignored_bj4 = np.zeros((len(images), max((int((~rows).sum()) for rows in known), default=0), 4), np.float32)
    for place, ((boxes, sets), rows) in enumerate(zip(images, known, strict=True)):
        count = int(rows.sum())
        boxes_bm4[place, :count] = boxes[rows]
        labels_bmk[place, :count] = sets[rows]
        valid_bm[place, :count] = True
        ignored_bj4[place, : len(rows) - count] = boxes[~rows]
    return Targets(*map(torch.from_numpy, (boxes_bm4, labels_bmk, valid_bm, ignored_bj4)))
