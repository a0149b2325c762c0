"""What the images were like that a checkpoint was trained on, and how other images differ. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from core.counting import format_count

# Up to this factor beyond the range of the training a length or an aspect differs by chance.
FACTOR = 1.25
# And up to this a brightness, which is from 0 (black) to 1.
BRIGHTNESS_STEP = 0.15
# Beyond the percentiles of the training, of which 2% of its own images are, up to this share may lie without a word.
STRAY_IMAGES, STRAY_BOXES = 0.05, 0.1

_Finite = Annotated[float, Field(allow_inf_nan=False)]
_Doubles = NDArray[np.float64]
Kind = Literal["larger", "smaller", "aspect", "brightness", "box size"]


class ValueRange(BaseModel):
    """Where the values of many images lie."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    low: _Finite
    p1: _Finite
    median: _Finite
    p99: _Finite
    high: _Finite

    @classmethod
    def of(cls, values: Sequence[float] | _Doubles) -> ValueRange | None:
        """None of no values."""
        if not len(values):
            return None
        low, p1, median, p99, high = np.quantile(np.asarray(values, np.float64), [0, 0.01, 0.5, 0.99, 1])
        return cls(low=low, p1=p1, median=median, p99=p99, high=high)


class TrainingRange(BaseModel):
    """Sizes in pixels of the upright images; aspects as the longer side by the shorter."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    images: int = Field(ge=1)
    long_side: ValueRange
    short_side: ValueRange
    aspect: ValueRange
    brightness: ValueRange | None = None  # mean of the pixels, from 0 (black) to 1, as seen through depth scales
    bits: list[int] = []  # of a sample
    box: ValueRange | None = None  # the longer side of boxes
    box_share: ValueRange | None = None  # the same as a share of the image's side


@dataclass(frozen=True, slots=True, eq=False)
class ImageFacts:
    """What of an image can be compared with those of a training."""

    path: str
    width: int
    height: int
    brightness: float | None = None
    boxes: NDArray[np.float32] | None = None  # (n, 4) true boxes, where they are known


@dataclass(frozen=True, slots=True)
class Difference:
    """One way in which images differ from those of the training."""

    kind: Kind
    text: str  # for a user, with the figures
    count: int  # images, or boxes
    of: int
    trained: ValueRange
    seen: ValueRange  # of those that differ
    example: str  # the path of the first

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "text": self.text,
            "count": self.count,
            "of": self.of,
            "trained": self.trained.model_dump(),
            "seen": self.seen.model_dump(),
            "example": self.example,
        }


def measure_brightness(image: NDArray[np.uint8]) -> float:
    """Mean of the pixels of (h, w, 3), from 0 (black) to 1; of a large image, of a grid of them."""
    step = max(1, min(image.shape[:2]) // 256)
    return float(image[::step, ::step].mean()) / 255


def measure_range(images: Sequence[ImageFacts], bits: Sequence[int] = ()) -> TrainingRange | None:
    """The range of these images; None of none."""
    if not images:
        return None
    long, short = _list_sides(images)
    boxes, shares, _ = _list_box_sides(images)
    sides = [ValueRange.of(values) for values in (long, short, long / short)]
    assert sides[0] is not None and sides[1] is not None and sides[2] is not None
    return TrainingRange(
        images=len(images),
        long_side=sides[0],
        short_side=sides[1],
        aspect=sides[2],
        brightness=ValueRange.of([one.brightness for one in images if one.brightness is not None]),
        bits=list(bits),
        box=ValueRange.of(boxes),
        box_share=ValueRange.of(shares),
    )


def compare_images(
    trained: TrainingRange | None, images: Sequence[ImageFacts], mode: Literal["whole", "crops"]
) -> list[Difference]:
    """How `images` differ from those of the training by more than chance; nothing where that is not known.

    `mode`: whether the model sees whole images, stretched to its input, or parts of them as large as they are.
    """
    if trained is None or not images:
        return []
    found = [
        _compare_sizes(trained, images, mode),
        _compare_aspects(trained, images, mode),
        _compare_brightness(trained, images),
        _compare_boxes(trained, images, mode),
    ]
    return [one for one in found if one is not None]


def _compare_sizes(trained: TrainingRange, images: Sequence[ImageFacts], mode: str) -> Difference | None:
    long, short = _list_sides(images)
    is_larger = _find_beyond(long, trained.long_side, over=True) & _find_beyond(short, trained.short_side, over=True)
    is_smaller = _find_beyond(long, trained.long_side, over=False) & _find_beyond(short, trained.short_side, over=False)
    kind: Kind = "larger" if is_larger.sum() >= is_smaller.sum() else "smaller"
    differs = is_larger if kind == "larger" else is_smaller
    if not differs.any():
        return None
    seen = ValueRange.of(long[differs])
    assert seen is not None
    seen_size = (seen.median, float(np.median(short[differs])))
    factor = seen.median / trained.long_side.median
    if mode == "crops":
        effect = f"what they show is {factor:.2g} times as large to it if the field of view is the same; scale them to the training's size"
    else:
        effect = "stretched to its input, they look the same only if they show the same field of view"
    text = (
        f"{_count_images(differs)} {kind} than those it was trained on: trained on "
        f"{_write_size(trained.long_side.median, trained.short_side.median)}{_write_spread(trained.long_side)}, "
        f"{_these(differs)} {_write_size(*seen_size)}; {effect}"
    )
    return _make_difference(kind, text, differs, trained.long_side, seen, images)


def _compare_aspects(trained: TrainingRange, images: Sequence[ImageFacts], mode: str) -> Difference | None:
    long, short = _list_sides(images)
    differs = _find_beyond(long / short, trained.aspect, over=True) | _find_beyond(
        long / short, trained.aspect, over=False
    )
    if not differs.any():
        return None
    seen = ValueRange.of((long / short)[differs])
    assert seen is not None
    effect = "; stretched to its input, what they show is squeezed otherwise" if mode == "whole" else ""
    text = (
        f"{_count_images(differs)} of another shape than those it was trained on: trained on {trained.aspect.median:.3g} : 1, "
        f"{_these(differs)} {seen.median:.3g} : 1{effect}"
    )
    return _make_difference("aspect", text, differs, trained.aspect, seen, images)


def _compare_brightness(trained: TrainingRange, images: Sequence[ImageFacts]) -> Difference | None:
    known = [one for one in images if one.brightness is not None]
    if trained.brightness is None or not known:
        return None
    values = np.array([one.brightness for one in known], np.float64)
    outside = (values > trained.brightness.p99 + BRIGHTNESS_STEP) | (values < trained.brightness.p1 - BRIGHTNESS_STEP)
    if outside.mean() <= STRAY_IMAGES:
        return None
    seen = ValueRange.of(values[outside])
    assert seen is not None
    word = "brighter" if seen.median > trained.brightness.median else "darker"
    text = (
        f"{_count_images(outside)} {word} than those it was trained on: trained on {trained.brightness.p1:.0%} to "
        f"{trained.brightness.p99:.0%} of white, {_these(outside)} {seen.median:.0%}"
    )
    return _make_difference("brightness", text, outside, trained.brightness, seen, known)


def _compare_boxes(trained: TrainingRange, images: Sequence[ImageFacts], mode: str) -> Difference | None:
    sides, shares, owners = _list_box_sides(images)
    values, known = (sides, trained.box) if mode == "crops" else (shares, trained.box_share)
    if known is None or not len(values):
        return None
    outside = _find_outside(values, known.p1, known.p99, over=True) | _find_outside(
        values, known.p1, known.p99, over=False
    )
    if outside.mean() <= STRAY_BOXES:
        return None
    seen = ValueRange.of(values[outside])
    assert seen is not None
    unit = " px" if mode == "crops" else ""

    def write(value: float) -> str:
        return f"{value:,.0f}" if mode == "crops" else f"{value:.1%} of the side"

    text = (
        f"{format_count(int(outside.sum()), 'box', 'boxes')} of {len(values):,} of other sizes than those it was trained "
        f"on: trained on {write(known.p1)} to {write(known.p99)}{unit}, these about {write(seen.median)}{unit}"
    )
    return Difference(
        "box size", text, int(outside.sum()), len(values), known, seen, images[int(owners[outside][0])].path
    )


def _find_beyond(values: _Doubles, trained: ValueRange, *, over: bool) -> NDArray[np.bool_]:
    """Which values lie over, or under, those of the training by more than chance.

    Up to a few of many may be as rare as the rarest of the training.
    """
    rare = _find_outside(values, trained.p1, trained.p99, over=over)
    return rare if rare.mean() > STRAY_IMAGES else _find_outside(values, trained.low, trained.high, over=over)


def _find_outside(values: _Doubles, low: float, high: float, *, over: bool) -> NDArray[np.bool_]:
    return values > high * FACTOR if over else values < low / FACTOR


def _list_sides(images: Sequence[ImageFacts]) -> tuple[_Doubles, _Doubles]:
    sizes = np.array([(one.width, one.height) for one in images], np.float64)
    return sizes.max(axis=1), sizes.min(axis=1)


def _list_box_sides(images: Sequence[ImageFacts]) -> tuple[_Doubles, _Doubles, NDArray[np.intp]]:
    """The longer side of each box in pixels, and as a share of the image's side; and the place of its image."""
    sides, shares, owners = [np.zeros(0)], [np.zeros(0)], [np.zeros(0, np.intp)]
    for place, one in enumerate(images):
        if one.boxes is None or not len(one.boxes):
            continue
        extent = (one.boxes[:, 2:] - one.boxes[:, :2]).astype(np.float64)
        sides.append(extent.max(axis=1))
        shares.append((extent / (one.width, one.height)).max(axis=1))
        owners.append(np.full(len(extent), place))
    return np.concatenate(sides), np.concatenate(shares), np.concatenate(owners)


def _make_difference(
    kind: Kind,
    text: str,
    differs: NDArray[np.bool_],
    trained: ValueRange,
    seen: ValueRange,
    images: Sequence[ImageFacts],
) -> Difference:
    example = images[int(np.flatnonzero(differs)[0])].path
    return Difference(kind, text, int(differs.sum()), len(differs), trained, seen, example)


def _count_images(differs: NDArray[np.bool_]) -> str:
    count, every = int(differs.sum()), len(differs)
    if count == every:
        return "the image is" if every == 1 else f"all {every:,} images are"
    return f"{count:,} of {every:,} images {'is' if count == 1 else 'are'}"


def _these(differs: NDArray[np.bool_]) -> str:
    return "this is" if int(differs.sum()) == 1 else "these are"


def _write_size(long: float, short: float) -> str:
    return f"{long:,.0f} px" if round(long) == round(short) else f"{long:,.0f} × {short:,.0f} px"


def _write_spread(values: ValueRange) -> str:
    return "" if round(values.p1) == round(values.p99) else f" (the longer side {values.p1:,.0f} to {values.p99:,.0f})"
