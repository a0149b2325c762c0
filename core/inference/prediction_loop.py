"""Detections of many images, one after the other: what Inspect, `evaluate`, `predict` and the demo ask for."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.imaging.cameras import Cameras, DepthScale
from core.imaging.decode import ImageError, Picture, as_rgb, picture_of, read_bytes
from core.inference.image_loop import LoadedImage, look_at_images
from core.inference.predictor import Predictor
from core.inference.runner import Output
from core.models.checkpoint import Description
from core.models.decoding import Rows
from core.models.training_range import ImageFacts, measure_brightness
from core.project.images.image_files import hash_of
from core.project.snapshot import SnapshotImage
from core.types import Detections


@dataclass(frozen=True, slots=True)
class ImageSource:
    """An image file to predict, and what is known of it already."""

    path: str
    size: tuple[int, int] | None = None  # width and height that its boxes were drawn on
    content_hash: str = ""  # of its content then; empty where it is not known
    group: str = ""  # which may tell its camera

    @classmethod
    def of_snapshot(cls, image: SnapshotImage) -> ImageSource:
        return cls(image.path, (image.width, image.height), image.content_hash, image.group)


@dataclass(frozen=True, slots=True, eq=False)
class ImagePrediction:
    """The detections on one image, or why there are none."""

    path: str
    detections: Detections | None
    error: InputError | None = None  # its text names the file
    pixels: NDArray[np.uint8] | None = None  # (h, w, 3), where they were asked for
    about_depth: tuple[str, ...] = ()  # how many bits it has, where that matters, and how it was read
    cut_at: float = 0.0  # detections that score less may be missing, as there are more than are kept; 0: all are there
    facts: ImageFacts | None = None  # of an image that could be read


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
    runner, scale = predictor.runner, predictor.description.scale
    about: dict[ImageSource, tuple[tuple[str, ...], ImageFacts]] = {}

    def load(source: ImageSource) -> LoadedImage:
        picture = read_source(source, scale)
        image = as_rgb(picture.pixels)
        height, width = image.shape[:2]
        facts = ImageFacts(source.path, width, height, measure_brightness(image))
        about[source] = (describe_depth(picture, predictor.description), facts)
        return LoadedImage(width, height, runner.split_image(image), image if keep_pixels else None)

    def look(_source: ImageSource, image: LoadedImage, output: Output) -> Rows:
        return runner.decode_output(output, image.width, image.height)

    with closing(look_at_images(runner, sources, load, look, should_stop)) as looked:
        for one in looked:
            if one.image is None:
                yield ImagePrediction(one.item.path, None, one.error)
                continue
            detections = Detections(*runner.join_parts(one.found, one.image.parts), predictor.label_names)
            notices, facts = about.get(one.item, ((), None))
            cut = runner.find_cut(one.found)
            yield ImagePrediction(one.item.path, detections, None, one.image.pixels, notices, cut, facts)


def read_source(source: ImageSource, scale: DepthScale) -> Picture:
    """The image, read through `scale`. Raises ImageError if it is not the one that `source` tells of."""
    data = read_bytes(source.path)
    changed = bool(source.content_hash) and hash_of(data) != source.content_hash
    if isinstance(scale, Cameras):
        scale = scale.in_group(source.group)
    picture = picture_of(data, source.path, window=scale)
    height, width = picture.pixels.shape[:2]
    if source.size is not None and (width, height) != source.size:
        raise ImageError(
            f"{source.path}: it is {width} x {height} now, its boxes were drawn on {source.size[0]} x {source.size[1]}"
        )
    if changed:
        raise ImageError(
            f"{source.path}: it holds another picture than when it was added; bring the old file back, or let the project "
            "take the new one over"
        )
    return picture


def describe_depth(picture: Picture, description: Description) -> tuple[str, ...]:
    """What a user should know of the bits of an image that a checkpoint is to look at; nothing of 8 bits as in training."""
    kind, known = picture.kind, description.bits
    said = []
    if known and kind.is_deep not in {bits > 8 for bits in known}:
        said.append(f"{kind}: the model was trained on images of {' and '.join(map(str, known))} bits alone")
    if not kind.is_deep:
        return tuple(said)
    if description.scale is None:
        said.append(f"{kind}: scaled by its own values, as the checkpoint is from before depth scales were kept")
        return tuple(said)
    if picture.window is not None:
        said.append(f"{kind}: read through the depth scale from {picture.window[0]:,} to {picture.window[1]:,}")
    return (*said, *picture.about_depth)
