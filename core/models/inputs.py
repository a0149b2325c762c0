"""How an image becomes the network's input. Kept in the checkpoint; imports no torch."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

_Finite = Annotated[float, Field(allow_inf_nan=False)]
_Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]

# (mean, standard deviation) of each channel of an image scaled to 0..1.
NORMALIZATIONS: dict[str, tuple[tuple[float, float, float], tuple[float, float, float]]] = {
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "caffe": ((0.48235, 0.45882, 0.40784), (1 / 255, 1 / 255, 1 / 255)),
    "centred": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
}

# Pixels on a side of the largest part that is predicted at once at native resolution.
TILE = 1024


class InputSpec(BaseModel):
    """whole: the image is stretched to width x height. crops: it is seen at native resolution, in tiles if large."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mode: Literal["whole", "crops"]
    width: int = Field(ge=16, le=8192)
    height: int = Field(ge=16, le=8192)
    mean: tuple[_Finite, _Finite, _Finite]
    std: tuple[_Positive, _Positive, _Positive]
    tile: int = Field(TILE, ge=64, le=8192)
    overlap: int = Field(128, ge=0, le=4096)

    @model_validator(mode="after")
    def _tiles_advance(self) -> Self:
        if self.overlap * 2 > self.tile:
            # An image would fall into millions of tiles.
            raise ValueError(f"overlap: {self.overlap} is more than half of the tile, {self.tile}")
        return self


def tiles(width: int, height: int, tile: int, overlap: int) -> list[tuple[int, int, int, int]]:
    """Windows (x1, y1, x2, y2) of at most `tile` pixels on a side that cover the image and overlap by at least `overlap`."""
    return [
        (x1, y1, x2, y2) for y1, y2 in tile_spans(height, tile, overlap) for x1, x2 in tile_spans(width, tile, overlap)
    ]


def tiled_pixels(width: int, height: int, tile: int, overlap: int) -> int:
    """Pixels of all tiles of an image, those that lie in several as often."""
    return sum((x2 - x1) * (y2 - y1) for x1, y1, x2, y2 in tiles(width, height, tile, overlap))


def tile_spans(length: int, tile: int, overlap: int) -> list[tuple[int, int]]:
    """From where to where each tile reaches along a side of an image."""
    return [(start, min(start + tile, length)) for start in _starts(length, tile, overlap)]


def _starts(length: int, tile: int, overlap: int) -> list[int]:
    if length <= tile:
        return [0]
    step = max(tile - overlap, 1)
    count = -(-(length - overlap) // step)
    # Spread evenly, so that no thin tile remains at the end.
    return [round(index * (length - tile) / (count - 1)) for index in range(count)]
