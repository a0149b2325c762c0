"""What the Augment page shows, worked out without a window: pictures, captions, and what became of the boxes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from core.augmentation.pipeline import Augmented, View, augment
from core.augmentation.warp import resize
from core.counting import format_count
from core.imaging.cameras import Cameras, DepthScale
from core.imaging.decode import decode
from core.project.project_reader import ProjectReader
from core.recipe.recipe import Recipe
from core.training.data.crops import image_views, input_size, kept_size, picture_seed, training_view
from core.types import ImageRecord, Split

# With the original twelve pictures: full rows of two, three, four and six.
COUNT = 11
# The original is looked at beside previews of about this size; more pixels would only take time to paint.
ORIGINAL_SIDE = 1024

Tone = Literal["muted", "text", "warning", "bad"]


@dataclass(frozen=True, slots=True, eq=False)
class PreviewRequest:
    """One image and how it is to be changed."""

    path: Path
    boxes: NDArray[np.float32]  # (n, 4) pixels of the image
    labels: NDArray[np.bool_]  # (n, k)
    recipe: Recipe
    turns: Turns
    first: int  # number of the first preview among the pictures that the training will take from this image
    window: Cameras | None = None  # through which an image above 8 bits is read

    @property
    def views(self) -> tuple[View, ...]:
        """The pictures that every epoch takes; of tiles without a defect, which epochs differ in, only if there are no
        others."""
        found = image_views(self.recipe, self.turns.size, self.turns.image_size, self.boxes)
        return found.views[: found.taught or None]

    def list_titles(self, count: int) -> list[str]:
        """What the next `count` pictures are called."""
        per_epoch = len(self.views)
        what = "tile" if self.recipe.sampling.placing == "tiles" else "crop"
        numbers = (divmod(number, per_epoch) for number in range(self.first, self.first + count))
        return [
            f"Epoch {1 + epoch}" if per_epoch == 1 else f"Epoch {1 + epoch}, {what} {1 + turn}"
            for epoch, turn in numbers
        ]


@dataclass(frozen=True, slots=True)
class Turns:
    """How the training knows an image."""

    size: tuple[int, int]  # of the network's input
    image: int  # its number among the training images
    image_size: tuple[int, int]
    trained: bool  # whether the image takes part at all


@dataclass(frozen=True, slots=True, eq=False)
class Previews:
    """The pictures for one request."""

    request: PreviewRequest
    view: View
    original: NDArray[np.uint8]  # the image, shrunk where it is large
    original_boxes: NDArray[np.float32]  # (n, 4) in pixels of `original`
    pictures: tuple[Augmented, ...]


class ImageCache:
    """The last few decoded images, so that a slider's move does not decode again. Used from several threads.

    The latest image is always kept, however large; the others while all fit in `limit_bytes`.
    """

    def __init__(self, limit_bytes: int = 128 * 2**20) -> None:
        self._images: OrderedDict[tuple[Path, DepthScale], NDArray[np.uint8]] = OrderedDict()
        self._limit = limit_bytes
        self._lock = Lock()

    def read_image(self, path: Path, window: DepthScale = None) -> NDArray[np.uint8]:
        """The decoded image, read through `window`; raises ImageError."""
        key = (path, window)
        with self._lock:
            if key in self._images:
                self._images.move_to_end(key)
                return self._images[key]
        image = decode(path, window)
        with self._lock:
            self._images[key] = image
            while len(self._images) > 1 and sum(kept.nbytes for kept in self._images.values()) > self._limit:
                self._images.popitem(last=False)
        return image


def describe_view(request: PreviewRequest) -> str:
    """What the network sees of an image, in words."""
    width, height = request.turns.size
    # Other images would have to be decoded for it at each move of a slider.
    mixing = ", before mosaic, MixUp and CutMix" if request.recipe.mixing.is_on else ""
    if request.recipe.sampling.mode == "crops":
        what = "tiles" if request.recipe.sampling.placing == "tiles" else "crops"
        return f"unscaled {what} of {width} × {height} px{mixing}"
    return f"whole images at {width} × {height} px{mixing}"


def find_turns(recipe: Recipe, training: Sequence[ImageRecord], image: ImageRecord) -> Turns:
    """How a training on `training`, in the project's order, knows `image`.

    One that is not trained on is shown as if it came after the others.
    """
    size = input_size(recipe, [(record.width, record.height) for record in training] or [(image.width, image.height)])
    ids = [record.id for record in training]
    trained = image.id in ids
    return Turns(size, ids.index(image.id) if trained else len(ids), (image.width, image.height), trained)


def list_training_images(project: ProjectReader) -> list[ImageRecord]:
    """The images that a training would take now: of the train split, and either clean or with a labelled box."""
    return [image for image in project.images() if image.split is Split.TRAIN and image.is_trainable]


def make_request(
    project: ProjectReader, image: ImageRecord, recipe: Recipe, turns: Turns, first: int, cameras: Cameras
) -> PreviewRequest:
    """What is to be made of `image` as it is labelled now.

    Boxes without a label and difficult ones are not taught and take no part.
    """
    labels = project.labels()
    boxes = [box for box in project.boxes(image.id) if box.labels and not box.difficult]
    present = [[label.id in box.labels for label in labels] for box in boxes]
    return PreviewRequest(
        path=project.image_path(image),
        boxes=np.array([box.xyxy for box in boxes], np.float32).reshape(-1, 4),
        labels=np.array(present, bool).reshape(len(boxes), len(labels)),
        recipe=recipe,
        turns=turns,
        first=first,
        window=cameras.in_group(image.group),
    )


def make_previews(request: PreviewRequest, image: NDArray[np.uint8]) -> Previews:
    """The original and COUNT pictures, with the seeds that training uses."""
    height, width = image.shape[:2]
    shrink = min(1.0, ORIGINAL_SIDE / max(width, height))
    recipe, turns = request.recipe, request.turns
    view = training_view(recipe, turns.size)
    views, config = request.views, recipe.augmentation
    # What training keeps of the image, so that what is seen here is what is learnt from, to the pixel.
    kept = kept_size(config, view, (width, height))
    kept_image = image if kept == (width, height) else resize(image, kept)
    pictures = []
    for number in range(request.first, request.first + COUNT):
        epoch, turn = divmod(number, len(views))
        seed = picture_seed(recipe, 1 + epoch, turns.image, turn)
        pictures.append(augment(kept_image, request.boxes, request.labels, config, seed, views[turn], (width, height)))
    return Previews(
        request=request,
        view=view,
        original=resize(image, (max(1, round(width * shrink)), max(1, round(height * shrink)))),
        original_boxes=request.boxes * np.float32(shrink),
        pictures=tuple(pictures),
    )


@dataclass(frozen=True, slots=True)
class CaptionPart:
    """Some words under a picture, and fewer of them for a narrow one (none: it may be left out)."""

    text: str
    short: str
    tone: Tone


def list_caption_parts(picture: Augmented, view: View) -> list[CaptionPart]:
    """What became of the boxes in one picture."""
    total, kept = len(picture.visible), len(picture.kept)
    if total == 0 or (view.mode == "crop" and kept + picture.cut == 0):
        return [CaptionPart("no boxes", "no boxes", "muted")]
    if view.mode == "crop":
        text = format_count(kept, "box")
    elif kept == total:
        text = "1 box" if total == 1 else f"all {total:,} boxes"
    else:
        text = f"{kept} of {format_count(total, 'box')}"
    parts = [CaptionPart(text, "" if picture.lost or picture.cut else text, "muted")]
    if picture.lost:
        parts.append(CaptionPart(f"{picture.lost} lost", f"{picture.lost} lost", "bad"))
    if picture.cut:
        parts.append(CaptionPart(f"{picture.cut} cut to {_format_percents(picture)}", f"{picture.cut} cut", "warning"))
    return parts


def _format_percents(picture: Augmented) -> str:
    dropped = (picture.visible > 0) & ~np.isin(np.arange(len(picture.visible)), picture.kept)
    shown = sorted(round(100 * float(visible)) for visible in picture.visible[dropped])
    if len(shown) > 2:
        return f"{shown[0]}–{shown[-1]}%"
    return ", ".join(f"{percent}%" for percent in shown)


@dataclass(frozen=True, slots=True)
class Summary:
    """All previews in one line."""

    text: str
    tone: Tone


def summarise_previews(pictures: Sequence[Augmented], view: View, min_visible: float) -> Summary:
    """How many boxes are lost or cut below the visible fraction; a warning where that is a tenth of them or more."""
    lost, cut = sum(picture.lost for picture in pictures), sum(picture.cut for picture in pictures)
    taught = sum(len(picture.kept) for picture in pictures)
    total = taught + lost + cut
    if not pictures or len(pictures[0].visible) == 0:
        return Summary("This image has no boxes.", "muted")
    number = format_count(len(pictures), "crop" if view.mode == "crop" else "preview")
    front = f"Of {format_count(total, 'box')} in {number}"
    if lost + cut == 0:
        return Summary(f"{front}, none is lost or cut.", "muted")
    parts = [f"{lost} lost"] if lost else []
    if cut:
        parts.append(f"{cut} below {min_visible:.0%} visible and not taught")
    share = (lost + cut) / total
    # A crop's edge cuts some boxes whatever is set.
    limits = (0.1, 0.3) if view.mode == "whole" else (0.4, 0.6)
    tone: Tone = "bad" if share >= limits[1] else "warning" if share >= limits[0] else "muted"
    advice = ". Less shift, scale, rotation or crop keeps more" if tone != "muted" and view.mode == "whole" else ""
    return Summary(f"{front}: {', '.join(parts)}{advice}.", tone)


def find_grid_shape(
    count: int, width: int, height: int, caption_height: int, gap: int, aspect: float = 1.0
) -> tuple[int, int, int]:
    """Columns, and the width and height of a picture of `aspect` (width / height), such that `count` captioned
    pictures are as large as fits."""

    def find_width(columns: int) -> float:
        rows = -(-count // columns)
        room_x = (width - gap * (columns - 1)) / columns
        room_y = (height - gap * (rows - 1)) / rows - caption_height
        return min(room_x, room_y * aspect)

    columns = max(range(1, count + 1), key=find_width)
    return columns, max(1, int(find_width(columns))), max(1, int(find_width(columns) / aspect))
