"""From a checkpoint file and an image to detections. A checkpoint file alone is enough."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.imaging.decode import decode
from core.inference.runner import Runner
from core.models import checkpoint
from core.models.checkpoint import Description
from core.models.decoding_spec import DecodingSpec
from core.models.device import choose_device, use_threads
from core.types import Detections


@dataclass(frozen=True, slots=True, eq=False)
class Predictor:
    """A trained model, ready to look at images. Many of them: see `prediction_loop.predict_images`."""

    description: Description
    runner: Runner

    @classmethod
    def load(cls, path: Path, device: str = "auto") -> Self:
        """Raises InputError if the checkpoint is damaged or no checkpoint, or the device is not there."""
        loaded = checkpoint.load(path)
        place = choose_device(device)
        use_threads()
        precision = str(loaded.description.recipe.get("limits", {}).get("precision", "auto"))
        decoding = DecodingSpec.for_images(loaded.description.most_boxes)
        runner = Runner(loaded.build().to(place), loaded.description.input, place, precision, decoding)
        return cls(loaded.description, runner)

    def for_images(self, most_boxes: int) -> Self:
        """The same model for images of which the fullest has `most_boxes`, if that is more than it was trained on."""
        decoding = DecodingSpec.for_images(max(most_boxes, self.description.most_boxes))
        return replace(self, runner=replace(self.runner, decoding=decoding))

    @property
    def label_names(self) -> tuple[str, ...]:
        return tuple(self.description.labels)

    def read(self, path: Path | str) -> NDArray[np.uint8]:
        """An image (h, w, 3) as the model was trained to see it, 16 bits through the windows of its cameras. Raises ImageError."""
        return decode(path, self.description.scale)

    def predict(self, image: NDArray[np.uint8]) -> Detections:
        """Detections in pixels of `image` (h, w, 3) RGB, best first; an image of any size, in tiles if large."""
        if image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
            raise InputError(f"image: needs shape (height, width, 3), not {image.shape}")
        boxes, scores = self.runner.predict(image)
        return Detections(boxes, scores, self.label_names)
