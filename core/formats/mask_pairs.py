"""Which images of a folder are masks of which others: by the names of folders, or by the ends of file names.

images/train/a.jpg      masks/train/a.png, train_masks/a_mask.png
a.jpg                   a_mask.png, a_GT.png, a_label.bmp
test/crack/000.png      ground_truth/crack/000_mask.png        (and test/good/000.png, which needs no mask)
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.formats.lookup import files_below
from core.formats.split_words import parse_split
from core.imaging.decode import IMAGE_SUFFIXES

_GROUND_TRUTH = frozenset({"ground_truth", "groundtruth", "gt"})
_MASKS = _GROUND_TRUTH | {
    "mask",
    "masks",
    "segmentationclass",
    "segmentation",
    "segmentations",
    "annotations",
    "labels",
    "label",
}
_IMAGES = frozenset({"images", "image", "imgs", "img", "jpegimages", "rgb", "pictures"})
_GOOD = frozenset({"good", "ok"})
_ENDS = "[ _.-](?:masks?|gt|labels?|seg|segmentation|groundtruth)"
_END_OF_STEM = re.compile(f"(.+?){_ENDS}", re.IGNORECASE)
_END_OF_A_NAME = re.compile(rf"{_ENDS}\.\w+$", re.IGNORECASE | re.MULTILINE)
_END_OF_FOLDER = re.compile(r"(.+)[ _-](masks?|gt|labels?|images?|imgs?)")


@dataclass(frozen=True, slots=True)
class MaskPair:
    """An image with its mask."""

    image: Path
    mask: Path
    label: str = ""  # of all that is not background, where a folder tells it


@dataclass(frozen=True, slots=True)
class MaskFolder:
    """What was found in a folder."""

    pairs: tuple[MaskPair, ...] = ()
    good: tuple[Path, ...] = ()  # images that need no mask, by their folder
    without_image: tuple[Path, ...] = ()  # masks
    without_mask: tuple[Path, ...] = ()  # images
    doubtful: tuple[Path, ...] = ()  # masks that may be those of several images


@dataclass(frozen=True, slots=True)
class _Mask:
    path: Path
    stem: str  # of the image that it is for
    places: frozenset[str]  # folders that the image is below as well
    label: str = ""


def find_masks(folder: Path) -> MaskFolder:
    """The masks below `folder` with their images. Empty if nothing there is called a mask."""
    if not _names_masks(folder):
        return MaskFolder()
    files = list(files_below(folder, IMAGE_SUFFIXES))
    by_folder = {file: _find_places(file.relative_to(folder).parts[:-1]) for file in files}
    masks, images = [], []
    stems = {(file.parent, file.stem.lower()) for file in files}
    for file in files:
        places, is_mask = by_folder[file]
        end = _END_OF_STEM.fullmatch(file.stem)
        if is_mask:
            masks.append(_Mask(file, (end[1] if end else file.stem).lower(), places, _find_label(file, folder)))
        elif end is not None and (file.parent, end[1].lower()) in stems:
            masks.append(_Mask(file, end[1].lower(), places))
        else:
            images.append(file)
    if not masks or not images:
        return MaskFolder()
    return _pair(masks, images, {file: places for file, (places, _) in by_folder.items()}, folder)


def _names_masks(folder: Path) -> bool:
    """True if a folder or a file below `folder` is called a mask: a look at the names alone, of which there may be 100,000."""
    for _, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        if any(_find_places([name])[1] for name in folders) or _END_OF_A_NAME.search("\n".join(names)):
            return True
    return False


def _pair(
    masks: Sequence[_Mask], images: Sequence[Path], places: dict[Path, frozenset[str]], folder: Path
) -> MaskFolder:
    by_stem: dict[str, list[Path]] = defaultdict(list)
    for image in images:
        by_stem[image.stem.lower()].append(image)
    pairs: list[MaskPair] = []
    alone: list[Path] = []
    doubtful: list[Path] = []
    for mask in masks:
        found = [image for image in by_stem[mask.stem] if mask.places <= places[image]]
        fewest = min((len(places[image]) for image in found), default=0)
        found = [image for image in found if len(places[image]) == fewest]
        if len(found) == 1:
            pairs.append(MaskPair(found[0], mask.path, mask.label))
        else:
            (doubtful if found else alone).append(mask.path)
    paired = {pair.image for pair in pairs}
    rest = [image for image in images if image not in paired]
    has_ground_truth = any(
        part.lower() in _GROUND_TRUTH for mask in masks for part in mask.path.relative_to(folder).parts
    )
    good = tuple(image for image in rest if has_ground_truth and image.parent.name.lower() in _GOOD)
    without = tuple(image for image in rest if image not in set(good))
    return MaskFolder(tuple(pairs), good, tuple(alone), without, tuple(doubtful))


def _find_places(folders: Sequence[str]) -> tuple[frozenset[str], bool]:
    """(folders that an image and its mask have in common, whether one of them is of masks)."""
    places, is_mask = set(), False
    for name in map(str.lower, folders):
        if name in _MASKS:
            is_mask = True
        elif name not in _IMAGES:
            end = _END_OF_FOLDER.fullmatch(name)
            is_mask = is_mask or (end is not None and end[2] not in ("image", "images", "img", "imgs"))
            places.add(end[1] if end else name)
    return frozenset(places), is_mask


def _find_label(file: Path, folder: Path) -> str:
    """The kind of defect that a folder below one of ground truth is called after."""
    parts = file.relative_to(folder).parts[:-1]
    below = next((parts[place + 1 :] for place, part in enumerate(parts) if part.lower() in _GROUND_TRUTH), ())
    return below[-1] if below and parse_split(below[-1]) is None else ""
