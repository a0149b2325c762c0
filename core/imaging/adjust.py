"""How an image is shown, and only shown: what is trained on and predicted never passes through here.

Percentiles and the local equalisation are taken from a small version of the whole image and then applied to whatever
part of it is on the screen: a defect looks the same wherever one pans and however far one zooms, and a slider's move
costs as much as the screen has pixels, not as the image has.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

Channel = Literal["rgb", "red", "green", "blue", "grey"]
Frame = tuple[float, float, float, float]  # x1, y1, x2, y2 as fractions of the image's width and height

WHOLE: Frame = (0.0, 0.0, 1.0, 1.0)
OVERVIEW = 1024  # longest side in pixels of what percentiles and equalisation are taken from
_PLANES = {"red": 0, "green": 1, "blue": 2}
_TILES = 8  # of the equalisation along each side of a square image, as in OpenCV
_MOST_TILES = 24
_BAND = 256  # rows
_SAME = np.arange(256, dtype=np.uint8)
_BANDS = ThreadPoolExecutor(4, thread_name_prefix="adjust")  # no thread begins before the first use


class Adjustment(BaseModel):
    """What is done to an image for the eye, in this order: channel, stretch, equalisation, gamma, contrast, brightness."""

    # A newer program's project still opens.
    model_config = ConfigDict(frozen=True, extra="ignore")

    channel: Channel = Field(default="rgb", description="Show all colours, one of them, or their brightness as grey")
    stretch: bool = Field(default=False, description="Spread the values between two percentiles over the whole range")
    low: float = Field(default=1.0, ge=0, le=49, description="Per cent of the darkest values shown black")
    high: float = Field(default=99.0, ge=51, le=100, description="Per cent of the values darker than white")
    clahe: float = Field(default=0.0, ge=0, le=10, description="Local contrast (CLAHE): its clip limit, 0 is off")
    gamma: float = Field(default=1.0, ge=0.1, le=5, description="Above 1 lightens what is dark, below 1 what is light")
    contrast: int = Field(default=0, ge=-100, le=100, description="About the middle grey: 50 doubles, -50 halves")
    brightness: int = Field(default=0, ge=-100, le=100, description="Per cent of the range added to every value")

    @property
    def is_neutral(self) -> bool:
        """Whether the image is shown as it is."""
        return self.channel == "rgb" and not (self.stretch or self.clahe) and self._curve_is_neutral

    @property
    def _curve_is_neutral(self) -> bool:
        return self.gamma == 1.0 and self.contrast == 0 and self.brightness == 0

    def curve(self) -> NDArray[np.uint8]:
        """Gamma, contrast and brightness as a table of 256 values."""
        values = np.linspace(0.0, 1.0, 256) ** (1.0 / self.gamma)
        values = (values - 0.5) * 2.0 ** (self.contrast / 50) + 0.5 + self.brightness / 100
        return _to_bytes(values * 255)


def adjust_pixels(image: NDArray[np.uint8], adjustment: Adjustment) -> NDArray[np.uint8]:
    """`image` (h, w, 3) RGB as it is shown; the same array if nothing is to be done."""
    tone = make_tone(image, adjustment)
    return image if tone is None else tone.apply(image)


@dataclass(frozen=True, slots=True, eq=False)
class Tone:
    """An adjustment made out for one image."""

    channel: Channel
    table: NDArray[np.uint8]  # (256,), before the equalisation; the only one without it
    tiles: NDArray[np.float32] | None  # (rows, columns, 256), tables of the equalisation
    last: NDArray[np.uint8]  # (256,), after the equalisation

    def apply(self, part: NDArray[np.uint8], frame: Frame = WHOLE) -> NDArray[np.uint8]:
        """A part of the image, at any scale, that covers `frame` of it; the same array if nothing changes.

        RGB (h, w, 3) stays RGB. Of a grey file (h, w) every channel is the same, and it stays grey.
        """
        if self.tiles is None or len(part) <= _BAND:
            return self._applied(part, frame)
        # In bands, which stay in the processor's cache, and on several cores.
        edges = [*range(0, len(part), _BAND), len(part)]
        step = (frame[3] - frame[1]) / len(part)
        bands = [
            _BANDS.submit(
                self._applied, part[top:end], (frame[0], frame[1] + top * step, frame[2], frame[1] + end * step)
            )
            for top, end in pairwise(edges)
        ]
        return np.concatenate([band.result() for band in bands])

    def _applied(self, part: NDArray[np.uint8], frame: Frame) -> NDArray[np.uint8]:
        if part.ndim == 2:
            return self._equalised(_apply_lut(part, self.table), frame)
        if self.channel != "rgb":
            plane = self._equalised(_apply_lut(_channel_plane(part, self.channel), self.table), frame)
            return _to_u8(cv2.cvtColor(plane, cv2.COLOR_GRAY2RGB))
        toned = _apply_lut(part, self.table)
        if self.tiles is None:
            return toned
        # Only the brightness is equalised: done by channel it would invent colours. As in YCrCb, where the same is added
        # to red, green and blue when the brightness changes, but without the way there and back.
        luma = _channel_plane(toned, "grey")
        equalised = self._equalised(luma, frame)
        more, less = cv2.subtract(equalised, luma), cv2.subtract(luma, equalised)
        lighter = cv2.add(toned, cv2.cvtColor(more, cv2.COLOR_GRAY2RGB))
        return _to_u8(cv2.subtract(lighter, cv2.cvtColor(less, cv2.COLOR_GRAY2RGB), dst=lighter))

    def _equalised(self, plane: NDArray[np.uint8], frame: Frame) -> NDArray[np.uint8]:
        return plane if self.tiles is None else _apply_lut(_interpolate_tables(plane, self.tiles, frame), self.last)


def make_tone(image: NDArray[np.uint8], adjustment: Adjustment) -> Tone | None:
    """The adjustment for an image (h, w, 3) RGB of any size, or for a small version of it; None if nothing changes."""
    if adjustment.is_neutral:
        return None
    curve = adjustment.curve()
    if not (adjustment.stretch or adjustment.clahe):
        return Tone(adjustment.channel, curve, None, curve)
    small = shrunk_to(image, OVERVIEW)
    table: NDArray[np.uint8] = _SAME
    if adjustment.stretch:
        values = small if adjustment.channel == "rgb" else _channel_plane(small, adjustment.channel)
        table = _stretch_table(values, adjustment.low, adjustment.high)
    if not adjustment.clahe:
        return Tone(adjustment.channel, curve[table], None, curve)
    toned = _apply_lut(small, table)
    plane = _channel_plane(toned, "grey" if adjustment.channel == "rgb" else adjustment.channel)
    return Tone(adjustment.channel, table, _equalize_table(plane, adjustment.clahe), curve)


def shrunk_to(image: NDArray[np.uint8], longest: int) -> NDArray[np.uint8]:
    """The image with at most `longest` pixels on its longer side; the same array if it is no larger."""
    height, width = image.shape[:2]
    scale = longest / max(height, width)
    if scale >= 1:
        return image
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return _to_u8(cv2.resize(image, size, interpolation=cv2.INTER_AREA))


def _stretch_table(values: NDArray[np.uint8], low: float, high: float) -> NDArray[np.uint8]:
    """The table that maps the percentiles `low` and `high` to 0 and 255; of all channels, so that hues stay."""
    counts = np.cumsum(np.bincount(values.ravel(), minlength=256))
    dark, light = (int(np.searchsorted(counts, counts[-1] * percent / 100)) for percent in (low, high))
    dark, light = min(dark, 254), min(light, 255)
    return _to_bytes((np.arange(256) - dark) * (255 / max(light - dark, 1)))


def _equalize_table(plane: NDArray[np.uint8], limit: float) -> NDArray[np.float32]:
    """Tables of contrast limited adaptive histogram equalisation by tile (Zuiderveld 1994, as OpenCV counts)."""
    height, width = plane.shape
    # About square tiles, however long a line scan is.
    columns = int(np.clip(round(_TILES * np.sqrt(width / height)), 1, min(_MOST_TILES, width)))
    rows = int(np.clip(round(_TILES * np.sqrt(height / width)), 1, min(_MOST_TILES, height)))
    edges_y, edges_x = np.linspace(0, height, rows + 1).astype(int), np.linspace(0, width, columns + 1).astype(int)
    tables = np.empty((rows, columns, 256), np.float32)
    for row in range(rows):
        for column in range(columns):
            tile = plane[edges_y[row] : edges_y[row + 1], edges_x[column] : edges_x[column + 1]]
            counts = np.bincount(tile.ravel(), minlength=256).astype(np.float64)
            most = max(1.0, limit * tile.size / 256)
            excess = np.maximum(counts - most, 0).sum()
            counts = np.minimum(counts, most) + excess / 256
            tables[row, column] = np.cumsum(counts) * (255 / tile.size)
    return tables


def _interpolate_tables(plane: NDArray[np.uint8], tiles: NDArray[np.float32], frame: Frame) -> NDArray[np.uint8]:
    """Each pixel through the tables of the four tiles around it, weighted by how near their middles are."""
    rows, columns = tiles.shape[:2]
    across = _tile_positions(plane.shape[1], frame[0], frame[2], columns)
    down = _tile_positions(plane.shape[0], frame[1], frame[3], rows)
    result = np.empty_like(plane)
    for top, bottom in _find_runs(down):
        above = int(down[top] // 1)
        weight_y = (down[top:bottom] - above)[:, None]
        upper, lower = tiles[np.clip([above, above + 1], 0, rows - 1)]
        for left, right in _find_runs(across):
            before = int(across[left] // 1)
            weight_x = (across[left:right] - before)[None, :]
            one, other = np.clip([before, before + 1], 0, columns - 1)
            part = plane[top:bottom, left:right]
            first, second = (
                _blend_between(part, upper, one, other, weight_x),
                _blend_between(part, lower, one, other, weight_x),
            )
            second -= first
            second *= weight_y
            # One pass for the sum, rounding and clipping.
            result[top:bottom, left:right] = cv2.add(first, second, dtype=cv2.CV_8U)
    return result


def _blend_between(
    part: NDArray[np.uint8], tables: NDArray[np.float32], one: int, other: int, weight: NDArray[np.float32]
) -> NDArray[np.float32]:
    first = np.asarray(cv2.LUT(part, tables[one]), np.float32)
    if one != other:
        second = np.asarray(cv2.LUT(part, tables[other]), np.float32)
        second -= first
        second *= weight
        first += second
    return first


def _tile_positions(count: int, start: float, end: float, tiles: int) -> NDArray[np.float32]:
    """Where the middles of `count` pixels from `start` to `end` lie among the middles of `tiles` tiles."""
    middles = start + (np.arange(count) + 0.5) * ((end - start) / count)
    return np.asarray(middles * tiles - 0.5, np.float32)


def _find_runs(positions: NDArray[np.float32]) -> list[tuple[int, int]]:
    """Slices of `positions` that lie between the same two tiles."""
    cells = np.floor(positions)
    edges = [0, *(np.flatnonzero(np.diff(cells)) + 1).tolist(), len(positions)]
    return list(pairwise(edges))


def _channel_plane(image: NDArray[np.uint8], channel: Channel) -> NDArray[np.uint8]:
    if channel == "grey":
        return _to_u8(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))
    return _to_u8(cv2.extractChannel(image, _PLANES[channel]))


def _apply_lut(image: NDArray[np.uint8], table: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The same array where the table changes nothing."""
    return image if np.array_equal(table, _SAME) else _to_u8(cv2.LUT(image, table))


def _to_bytes(values: NDArray[np.floating[Any]]) -> NDArray[np.uint8]:
    return np.clip(np.round(values), 0, 255).astype(np.uint8)


def _to_u8(image: object) -> NDArray[np.uint8]:
    return np.asarray(image, np.uint8)
