"""One image through a network: resized or in tiles, and back to pixels of the image."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.augmentation.warp import resize
from core.models.device import mixed_precision
from core.models.inputs import InputSpec, tiles
from core.models.multilabel import Decoding, detections, merged
from core.models.networks.detector import Detector, Network

# Less than this in either direction and the coarsest map has no cell.
SMALLEST_SIDE = 64


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
class Output:
    """The network's raw answer for one part."""

    part: Part
    raw: Any  # what the network's forward pass returned
    size: tuple[int, int]  # width, height of the input


@dataclass(frozen=True, slots=True, eq=False)
class Runner:
    """A network ready to look at images."""

    network: Network
    input: InputSpec
    device: torch.device
    precision: str
    decoding: Decoding

    def outputs(self, image: NDArray[np.uint8], size: tuple[int, int] | None = None) -> Iterator[Output]:
        """The raw answer for each part of an image (h, w, 3).

        `size`: width and height that the image had before it was shrunk to the whole input, if it was.
        """
        for part in self._parts(*(size or (image.shape[1], image.shape[0]))):
            pixels = self._pixels(image, part)
            with torch.inference_mode(), mixed_precision(self.device, self.precision):
                batch = normalized(pixels.to(self.device), self.input)
                raw = self.network(batch)
            yield Output(part, raw, (batch.shape[3], batch.shape[2]))

    def predict(self, image: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Boxes (n, 4) in pixels of the image and scores (n, k), best first."""
        return self.merged(list(self.outputs(image)), image.shape[1], image.shape[0])

    def merged(self, outputs: list[Output], width: int, height: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Detections of an image of `width` x `height` from the answers for all its parts.

        A network that finds no boxes gives one: the whole image, with the highest score of any part for each label.
        """
        if not isinstance(self.network, Detector):
            scores_bk = torch.cat([output.raw for output in outputs]).float().sigmoid()
            return np.array([[0, 0, width, height]], np.float32), scores_bk.amax(dim=0)[None].cpu().numpy()
        with torch.inference_mode():
            found = [self._decoded(output, width, height) for output in outputs]
            boxes, scores = torch.cat([b for b, _ in found]), torch.cat([s for _, s in found])
            if len(found) > 1:
                boxes, scores = merged(boxes, scores, self.decoding)
            return boxes.float().cpu().numpy(), scores.float().cpu().numpy()

    def _decoded(self, output: Output, width: int, height: int) -> tuple[Tensor, Tensor]:
        logits_bak, codes_bac, anchors_a4 = output.raw
        [(boxes, scores)] = detections(logits_bak, codes_bac, anchors_a4, output.size, self.decoding)
        part = output.part
        boxes = boxes / boxes.new_tensor([part.scale_x, part.scale_y] * 2)
        boxes = boxes + boxes.new_tensor([part.x1, part.y1, part.x1, part.y1])
        boxes = boxes.minimum(boxes.new_tensor([width, height, width, height]))
        # A box in the outer half of an overlap is seen whole, or more of it, in the neighbouring part.
        centre = (boxes[:, :2] + boxes[:, 2:]) / 2
        margin = self.input.overlap / 2
        low = boxes.new_tensor([part.x1 + margin if part.x1 > 0 else -1, part.y1 + margin if part.y1 > 0 else -1])
        high = boxes.new_tensor(
            [part.x2 - margin if part.x2 < width else width + 1, part.y2 - margin if part.y2 < height else height + 1]
        )
        kept = ((centre >= low) & (centre <= high) & (boxes[:, 2:] > boxes[:, :2])).all(dim=1)
        return boxes[kept], scores[kept]

    def _parts(self, width: int, height: int) -> list[Part]:
        if self.input.mode == "whole":
            return [Part(0, 0, width, height, self.input.width / width, self.input.height / height)]
        return [Part(*window, 1.0, 1.0) for window in tiles(width, height, self.input.tile, self.input.overlap)]

    def _pixels(self, image: NDArray[np.uint8], part: Part) -> Tensor:
        if self.input.mode == "whole":
            return to_batch([resize(image, (self.input.width, self.input.height))])
        window = image[part.y1 : part.y2, part.x1 : part.x2]
        bottom, right = (max(SMALLEST_SIDE - side, 0) for side in window.shape[:2])
        if bottom or right:
            window = cv2.copyMakeBorder(window, 0, bottom, 0, right, cv2.BORDER_REPLICATE)  # type: ignore[assignment]
        return to_batch([window])


def to_batch(images: list[NDArray[np.uint8]]) -> Tensor:
    """Images (h, w, 3) of one size as a uint8 tensor (b, 3, h, w) in channels-last memory order."""
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2)


def normalized(batch_b3hw: Tensor, spec: InputSpec) -> Tensor:
    """A uint8 batch as the float32 that the network's weights expect."""
    mean = batch_b3hw.new_tensor(spec.mean, dtype=torch.float32).view(1, 3, 1, 1)
    scale = batch_b3hw.new_tensor([1 / (255 * std) for std in spec.std], dtype=torch.float32).view(1, 3, 1, 1)
    return torch.addcmul(-mean * 255 * scale, batch_b3hw.float(), scale)
