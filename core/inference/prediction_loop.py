"""Detections of many images, one after the other: what Inspect, `evaluate`, `predict` and the demo ask for."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.imaging.decode import ImageError, as_rgb, picture_of, read_bytes
from core.imaging.window import Window
from core.inference.image_loop import LoadedImage, look_at_images
from core.inference.predictor import Predictor
from core.inference.runner import Output
from core.models.decoding import Rows
from core.project.images.image_files import hash_of
from core.project.snapshot import SnapshotImage
from core.types import Detections


@dataclass(frozen=True, slots=True)
class ImageSource:
    """An image file to predict, and what is known of it already."""

    path: str
    size: tuple[int, int] | None = None  # width and height that its boxes were drawn on
    content_hash: str = ""  # of its content then; empty where it is not known

    @classmethod
    def of_snapshot(cls, image: SnapshotImage) -> ImageSource:
        return cls(image.path, (image.width, image.height), image.content_hash)


@dataclass(frozen=True, slots=True, eq=False)
class ImagePrediction:
    """The detections on one image, or why there are none."""

    path: str
    detections: Detections | None
    error: InputError | None = None  # its text names the file
    pixels: NDArray[np.uint8] | None = None  # (h, w, 3), where they were asked for


def predict_images(
    predictor: Predictor,
    sources: Sequence[ImageSource],
    should_stop: Callable[[], bool] = lambda: False,
    *,
    keep_pixels: bool = False,
) -> Generator[ImagePrediction, None, None]:
    """Detections of images, one after the other, in pixels of each.

    An image that cannot be read, or whose size or content is not what its source says, has an error instead; the others
    go on. Ends early once `should_stop()`.
    """
    runner, window = predictor.runner, predictor.description.window

    def load(source: ImageSource) -> LoadedImage:
        image = read_source(source, window)
        height, width = image.shape[:2]
        return LoadedImage(width, height, runner.split_image(image), image if keep_pixels else None)

    def look(_source: ImageSource, image: LoadedImage, output: Output) -> Rows:
        return runner.decode_output(output, image.width, image.height)

    with closing(look_at_images(runner, sources, load, look, should_stop)) as looked:
        for one in looked:
            if one.image is None:
                yield ImagePrediction(one.item.path, None, one.error)
                continue
            detections = Detections(*runner.join_parts(one.found), predictor.label_names)
            yield ImagePrediction(one.item.path, detections, None, one.image.pixels)


def read_source(source: ImageSource, window: Window | None) -> NDArray[np.uint8]:
    """The image (h, w, 3), 16 bits through `window`. Raises ImageError if it is not the one that `source` tells of."""
    data = read_bytes(source.path)
    changed = bool(source.content_hash) and hash_of(data) != source.content_hash
    image = as_rgb(picture_of(data, source.path, window=window).pixels)
    height, width = image.shape[:2]
    if source.size is not None and (width, height) != source.size:
        raise ImageError(
            f"{source.path}: it is {width} x {height} now, its boxes were drawn on {source.size[0]} x {source.size[1]}"
        )
    if changed:
        raise ImageError(
            f"{source.path}: it holds another picture than when it was added; bring the old file back, or let the project "
            "take the new one over"
        )
    return image
