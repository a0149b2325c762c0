"""Images through a network: resized or in tiles, many at once, and back to pixels of each image."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.augmentation.pixels import mean_color
from core.augmentation.placement import centre_window
from core.augmentation.warp import resize
from core.inference.tile_joining import TileParts, join_tiles
from core.models.decoding import Rows, decode_detections, merge_rows
from core.models.decoding_spec import DecodingSpec
from core.models.device import free_cached, is_out_of_memory, mixed_precision
from core.models.inputs import TILE, InputSpec, tile_spans
from core.models.networks.detector import Detector, Network

# Less than this in either direction and the coarsest map has no cell.
SMALLEST_SIDE = 64
# Pixels of all inputs that go through the network together. A GPU wants many: four large tiles, or sixty small images;
# training takes as many, and keeps gradients besides. A CPU is fastest while the maps of a pass fit its caches: with two
# tiles of 1024 px at once each takes a fifth longer than alone.
PIXELS_AT_ONCE = 4 * TILE**2
PIXELS_AT_ONCE_ON_CPU = 2**19


@dataclass(frozen=True, slots=True)
class Part:
    """A window of the image, and how its pixels map to the network's input."""

    x1: int
    y1: int
    x2: int
    y2: int
    scale_x: float  # input pixels per image pixel
    scale_y: float

    def to_input(self, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Boxes (n, 4) of the image in pixels of this part's input."""
        offset = np.array([self.x1, self.y1, self.x1, self.y1], np.float32)
        return (boxes - offset) * np.array([self.scale_x, self.scale_y] * 2, np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class PartInput:
    """One part of an image as the network sees it."""

    part: Part
    pixels: NDArray[np.uint8]  # (h, w, 3)


@dataclass(frozen=True, slots=True)
class ImageParts:
    """An image of `width` x `height` and the parts that it was cut into."""

    width: int
    height: int
    parts: tuple[Part, ...]

    def tile_parts(self, found: Sequence[Rows]) -> TileParts:
        """What was found on each of the parts, in pixels of the image."""
        return TileParts(
            boxes=torch.cat([boxes for boxes, _ in found]).double().cpu().numpy(),
            scores=torch.cat([scores for _, scores in found]).double().cpu().numpy(),
            tile=np.repeat(np.arange(len(found)), [len(boxes) for boxes, _ in found]),
            windows=np.array([[part.x1, part.y1, part.x2, part.y2] for part in self.parts], np.float64),
            size=(self.width, self.height),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Output:
    """The network's raw answer for one part."""

    part: Part
    raw: Any  # what the network's forward pass returned, for this part alone
    size: tuple[int, int]  # width, height of the input


@dataclass(frozen=True, slots=True, eq=False)
class Runner:
    """A network ready to look at images."""

    network: Network
    input: InputSpec
    device: torch.device
    precision: str
    decoding: DecodingSpec = DecodingSpec()  # noqa: RUF009 - it is frozen
    most_pixels: int | None = None  # in a pass; None: what suits the device

    @property
    def pixels_at_once(self) -> int:
        """Pixels of the inputs that go through the network together; a single input may have more."""
        return self.most_pixels or (PIXELS_AT_ONCE_ON_CPU if self.device.type == "cpu" else PIXELS_AT_ONCE)

    def split_image(self, image: NDArray[np.uint8], size: tuple[int, int] | None = None) -> list[PartInput]:
        """The parts of an image (h, w, 3): one, resized, or its tiles, which are views of it.

        `size`: width and height that the image had before it was shrunk to the whole input, if it was.
        """
        width, height = size or (image.shape[1], image.shape[0])
        if self.input.mode == "whole":
            part = Part(0, 0, width, height, self.input.width / width, self.input.height / height)
            return [PartInput(part, resize(image, (self.input.width, self.input.height)))]
        color = mean_color(image)
        return [
            PartInput(Part(x1, y1, x2, y2, 1.0, 1.0), _cut_window(image, color, x1, y1, x2, y2))
            for y1, y2 in self._list_spans(height, self.input.height)
            for x1, x2 in self._list_spans(width, self.input.width)
        ]

    def _list_spans(self, length: int, crop: int) -> list[tuple[int, int]]:
        """From where to where each tile of an image reaches along one side.

        A side no longer than the crops that it learnt from is seen as they show it: in the middle of one.
        """
        crop = max(crop, SMALLEST_SIDE)
        if length > crop:
            return tile_spans(length, self.input.tile, self.input.overlap)
        start = centre_window(length, crop)
        return [(start, start + crop)]

    def run_together(self, inputs: Sequence[PartInput]) -> list[Output]:
        """The raw answers for inputs of one size, from one pass; from smaller ones where memory is too small for it."""
        try:
            raw = self._run_batch(inputs)
        except (RuntimeError, MemoryError) as error:
            if len(inputs) == 1 or not is_out_of_memory(error):
                raise
            raw = None
        if raw is None:
            free_cached(self.device)
            half = len(inputs) // 2
            return [*self.run_together(inputs[:half]), *self.run_together(inputs[half:])]
        height, width = inputs[0].pixels.shape[:2]
        return [Output(one.part, self._row_of(raw, row), (width, height)) for row, one in enumerate(inputs)]

    def decode_output(self, output: Output, width: int, height: int) -> Rows:
        """Boxes (n, 4) in pixels of an image of `width` x `height`, and scores (n, k), of one of its parts.

        A network that finds no boxes gives one: the whole image.
        """
        with torch.inference_mode():
            if not isinstance(self.network, Detector):
                scores_bk = output.raw.float().sigmoid()
                return scores_bk.new_tensor([[0, 0, width, height]]), scores_bk
            return self._decode_boxes(output, width, height)

    def join_parts(self, found: Sequence[Rows], image: ImageParts) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Boxes (n, 4) and scores (n, k) of an image, best first, from what was found on each of its parts.

        A defect that several tiles show is one detection: see `tile_joining`. Of a network that finds no boxes: the
        highest score of any part for each label.
        """
        with torch.inference_mode():
            if not isinstance(self.network, Detector):
                boxes, scores = found[0][0][:1], torch.cat([scores for _, scores in found]).amax(dim=0)[None]
            elif len(found) > 1:
                boxes, scores = self._join_tiles(found, image)
            else:
                [(boxes, scores)] = found
            return boxes.float().cpu().numpy(), scores.float().cpu().numpy()

    def find_cut(self, found: Sequence[Rows]) -> float:
        """The score below which detections of some part may have been left out; 0 where all of them were kept."""
        full = [scores for _, scores in found if len(scores) >= self.decoding.max_detections]
        return max((float(scores.amax(dim=1).amin()) for scores in full), default=0.0)

    def predict(self, image: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Boxes (n, 4) in pixels of the image and scores (n, k), best first."""
        height, width = image.shape[:2]
        inputs = self.split_image(image)
        found: dict[int, Rows] = {}
        for rows in group_by_size(inputs, self.pixels_at_once):
            outputs = self.run_together([inputs[row] for row in rows])
            found |= {row: self.decode_output(output, width, height) for row, output in zip(rows, outputs, strict=True)}
        parts = ImageParts(width, height, tuple(one.part for one in inputs))
        return self.join_parts([found[row] for row in range(len(inputs))], parts)

    def _run_batch(self, inputs: Sequence[PartInput]) -> Any:
        with torch.inference_mode(), mixed_precision(self.device, self.precision):
            batch = to_batch([one.pixels for one in inputs]).to(self.device)
            return self.network(normalized(batch, self.input))

    def _row_of(self, raw: Any, row: int) -> Any:
        if not isinstance(self.network, Detector):
            return raw[row : row + 1]
        logits_bak, codes_bac, anchors_a4 = raw
        return logits_bak[row : row + 1], codes_bac[row : row + 1], anchors_a4

    def _decode_boxes(self, output: Output, width: int, height: int) -> Rows:
        # One part at a time: what is found on it must not depend on what else was in the batch.
        logits_bak, codes_bac, anchors_a4 = output.raw
        [(boxes, scores)] = decode_detections(logits_bak, codes_bac, anchors_a4, output.size, self.decoding)
        part = output.part
        boxes = boxes / boxes.new_tensor([part.scale_x, part.scale_y] * 2)
        boxes = boxes + boxes.new_tensor([part.x1, part.y1, part.x1, part.y1])
        boxes = boxes.clamp(min=0).minimum(boxes.new_tensor([width, height, width, height]))
        there = (boxes[:, 2:] > boxes[:, :2]).all(dim=1)
        return boxes[there], scores[there]

    def _join_tiles(self, found: Sequence[Rows], image: ImageParts) -> Rows:
        parts = image.tile_parts(found)
        seen = parts.find_seen_best(self.input.overlap / 2)
        boxes, scores, _ = join_tiles(parts.take(seen))
        return merge_rows(torch.from_numpy(boxes).float(), torch.from_numpy(scores).float(), self.decoding)


def group_by_size(inputs: Iterable[PartInput], pixels_at_once: int) -> list[list[int]]:
    """Rows of inputs that go through the network together: of one size, of `pixels_at_once` or a single one.

    What is grouped depends on the inputs alone, so that the same images give the same answers to the last bit.
    """
    by_size: dict[tuple[int, ...], list[int]] = {}
    for row, one in enumerate(inputs):
        by_size.setdefault(one.pixels.shape, []).append(row)
    groups = []
    for (height, width, _), rows in by_size.items():
        count = max(1, pixels_at_once // (height * width))
        groups += [rows[start : start + count] for start in range(0, len(rows), count)]
    return groups


def _cut_window(
    image: NDArray[np.uint8], color: NDArray[np.uint8], x1: int, y1: int, x2: int, y2: int
) -> NDArray[np.uint8]:
    """The pixels of a window; beside the image there is its mean colour, as training has it."""
    height, width = image.shape[:2]
    inside = image[max(y1, 0) : min(y2, height), max(x1, 0) : min(x2, width)]
    if x1 >= 0 and y1 >= 0 and x2 <= width and y2 <= height:
        return inside
    window = np.empty((y2 - y1, x2 - x1, 3), np.uint8)
    window[:] = color
    window[max(-y1, 0) : max(-y1, 0) + inside.shape[0], max(-x1, 0) : max(-x1, 0) + inside.shape[1]] = inside
    return window


def to_batch(images: list[NDArray[np.uint8]]) -> Tensor:
    """Images (h, w, 3) of one size as a uint8 tensor (b, 3, h, w) in channels-last memory order."""
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2)


def normalized(batch_b3hw: Tensor, spec: InputSpec) -> Tensor:
    """A uint8 batch as the float32 that the network's weights expect."""
    mean = batch_b3hw.new_tensor(spec.mean, dtype=torch.float32).view(1, 3, 1, 1)
    scale = batch_b3hw.new_tensor([1 / (255 * std) for std in spec.std], dtype=torch.float32).view(1, 3, 1, 1)
    return torch.addcmul(-mean * 255 * scale, batch_b3hw.float(), scale)
