"""What is drawn over the image: outlines in whole device pixels, names where there is room, pixels, measures."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QImage, QPainter
from pytestqt.qtbot import QtBot

from core.imaging.adjust import Adjustment
from desktop.label.canvas.box_layer import BoxLayer, Stroke, draw_outlines
from desktop.label.canvas.canvas_state import ViewState, describe_adjustment, list_badges
from desktop.label.canvas.measure import Measure, measure_lines, ruler_marks, ruler_step, size_text, straighten_line
from desktop.label.canvas.pixel_grid import PixelGrid, grid_alpha, value_lines, visible_pixels
from desktop.label.canvas.tags import CROWD, MOST_TAGS, Tagged, followed_tags, named_rows, place_tags, tag_parts
from desktop.label.canvas.view_transform import ViewTransform

RED, BLUE = (0, 0, 255), (255, 0, 0)  # as they lie in memory
ROW = np.array([0])


def outlined(
    corners: list[list[int]], colors: tuple[str, ...] = ("#ff0000",), ratio: float = 1.0, stroke: Stroke | None = None
) -> NDArray[np.uint8]:
    pixels = np.zeros((100, 200, 4), np.uint8)
    rows = np.arange(len(corners))
    draw_outlines(pixels, np.array(corners), {colors: rows}, ratio, stroke or Stroke(2.0))
    return pixels


def is_color(pixels: NDArray[np.uint8], color: tuple[int, int, int]) -> NDArray[np.bool_]:
    return np.asarray((pixels[..., :3] == color).all(axis=-1) & (pixels[..., 3] == 255))


# -- outlines


@pytest.mark.parametrize(("ratio", "thick"), [(1.0, 2), (1.5, 3), (2.0, 4)])
def test_an_outline_is_as_many_whole_device_pixels_thick_as_the_screen_asks_for(ratio: float, thick: int) -> None:
    red = is_color(outlined([[50, 20, 150, 80]], ratio=ratio), RED)
    assert red[50].sum() == 2 * thick and red[:, 100].sum() == 2 * thick
    columns = np.flatnonzero(red[50])
    # It lies half inside, half outside of the box's edges.
    assert abs(columns[:thick].mean() + 0.5 - 50) <= 0.5 and abs(columns[thick:].mean() + 0.5 - 150) <= 0.5


def test_outlines_have_no_soft_edges() -> None:
    alphas = set(np.unique(outlined([[50, 20, 150, 80]])[..., 3]).tolist())
    assert alphas == {0, 170, 255}  # nothing, the dark rim, the colour


def test_several_labels_take_turns_along_every_side_with_dark_between() -> None:
    pixels = outlined([[20, 10, 180, 90]], ("#ff0000", "#0000ff"))
    red, blue = is_color(pixels, RED), is_color(pixels, BLUE)
    for line in ((slice(30, 170), 10), (slice(30, 170), 90)):
        assert red[line[1], line[0]].sum() > 40 and blue[line[1], line[0]].sum() > 40
    assert red[20:80, 20].sum() > 15 and blue[20:80, 20].sum() > 15
    touching = (red[10, 30:170] & blue[10, 31:171]) | (blue[10, 30:170] & red[10, 31:171])
    assert not touching.any()


def test_stripes_stay_where_they_are_on_the_box_when_it_reaches_out_of_the_view() -> None:
    whole = outlined([[-40, 10, 180, 90]], ("#ff0000", "#0000ff"))
    moved = outlined([[-60, 10, 160, 90]], ("#ff0000", "#0000ff"))
    assert (is_color(whole, RED)[10, 20:150] == is_color(moved, RED)[10, 0:130]).all()


def test_a_box_without_labels_is_dashed() -> None:
    light = is_color(outlined([[20, 10, 180, 90]], ()), (0xF4, 0xF0, 0xEE))
    assert 0.3 < light[10, 20:180].mean() < 0.6


def test_the_mark_of_a_selected_box_is_a_white_line_between_dark_ones() -> None:
    pixels = outlined([[20, 10, 180, 90]], stroke=Stroke(2.0, rim=True))
    inside = pixels[50, 21:30]
    white = np.flatnonzero(is_color(inside, (255, 255, 255)))
    assert len(white) == 1 and inside[white[0] + 1, 3] == 170


@settings(max_examples=40)
@given(st.integers(-500, 500), st.integers(-500, 500), st.integers(0, 900), st.integers(0, 900))
def test_any_box_can_be_drawn_and_colours_only_near_its_outline(x: int, y: int, width: int, height: int) -> None:
    drawn = outlined([[x, y, x + width, y + height]], ("#ff0000", "#0000ff"))[..., 3] > 0
    rows, columns = np.nonzero(drawn)
    near_x = np.minimum(abs(columns + 0.5 - x), abs(columns + 0.5 - x - width)) <= 4
    near_y = np.minimum(abs(rows + 0.5 - y), abs(rows + 0.5 - y - height)) <= 4
    assert (near_x | near_y).all()


def test_panning_moves_the_picture_of_the_boxes_and_draws_them_no_more(qtbot: QtBot) -> None:
    layer, asked = BoxLayer(), []

    def groups(port: ViewTransform) -> dict[tuple[str, ...], NDArray[np.intp]]:
        asked.append(port)
        return {("#ff0000",): ROW}

    def painted(left: float, layer: BoxLayer) -> QImage:
        image = QImage(200, 100, QImage.Format.Format_RGB32)
        image.fill(QColor("#808080"))
        painter = QPainter(image)
        layer.paint_boxes(painter, "same", np.array([[50, 20, 150, 80]], np.float32), groups, port(left), Stroke())
        painter.end()
        return image

    def port(left: float) -> ViewTransform:
        return ViewTransform(1.0, left, 0.0, 200, 100)

    painted(0, layer)
    painted(3, layer)
    drawn = len(asked)
    for left in (10, -60, 100, 0):
        assert painted(left, layer) == painted(left, BoxLayer())
    assert len(asked) == drawn + 4  # those of the fresh layers alone
    painted(1000, layer)
    assert len(asked) == drawn + 5


# -- names


def test_in_a_crowd_only_large_boxes_are_named_and_those_that_are_meant() -> None:
    small = np.array([[n * 10.0, 0, n * 10 + 8, 8] for n in range(CROWD + 1)])
    large = np.array([[0, 50, 200.0, 150]])
    assert named_rows(np.concatenate([small, large]), [3]) == [3, CROWD + 1]
    assert len(named_rows(small[:10], [])) == 10
    assert len(named_rows(np.repeat(large, 500, axis=0), [])) == MOST_TAGS


def test_tags_overlap_neither_each_other_nor_the_middle_of_small_boxes() -> None:
    random = np.random.default_rng(4)
    corners = random.uniform(0, 900, (300, 2))
    rects = np.hstack([corners, corners + random.uniform(6, 50, (300, 2))])
    sizes = dict.fromkeys(range(300), (60.0, 20.0))
    placed = place_tags(rects, sizes, QRectF(0, 0, 1000, 1000))
    assert len(placed) > 30
    frames = [QRectF(tag.x, tag.y, 60, 20) for tag in placed]
    for number, frame in enumerate(frames):
        assert not any(frame.intersects(other) for other in frames[:number])
        middles = (rects[:, :2] + rects[:, 2:]) / 2
        own = placed[number].row
        assert not any(frame.contains(QPointF(x, y)) for row, (x, y) in enumerate(middles) if row != own)
        assert QRectF(0, 0, 1000, 1000).contains(frame)


def test_a_selected_box_is_named_also_where_there_is_no_room() -> None:
    rects = np.array([[10.0, 10, 20, 20]] * 3)
    sizes = {0: (60.0, 20.0), 1: (60.0, 20.0), 2: (60.0, 20.0)}
    view = QRectF(0, 0, 70, 40)
    free = place_tags(rects, sizes, view)
    assert len(free) < 3
    assert {tag.row for tag in place_tags(rects, sizes, view, always=[2])} == {tag.row for tag in free} | {2}


def test_a_lone_tag_goes_above_its_box_or_below_it_at_the_upper_edge() -> None:
    view, size = QRectF(0, 0, 400, 300), {0: (60.0, 20.0)}
    assert place_tags(np.array([[100.0, 100, 180, 140]]), size, view) == [Tagged(0, 98, 78)]
    (below,) = place_tags(np.array([[100.0, 5, 180, 40]]), size, view)
    assert below.y == 42


def test_a_tag_with_many_labels_counts_the_rest() -> None:
    look = tuple((f"label {n}", "#ff0000") for n in range(7))
    assert [text for text, _ in tag_parts(look)][-1] == "+3"
    assert tag_parts(())[0][0] == "no label yet"


# -- pixels


def test_the_grid_appears_gently_and_values_only_where_they_can_be_read() -> None:
    assert grid_alpha(9.9) == 0 < grid_alpha(10) < grid_alpha(40)
    grey, color = (7, 7, 7), (1, 22, 255)
    assert value_lines(grey, 29) == () and value_lines(grey, 30) == ("7",)
    assert value_lines(color, 43) == () and value_lines(color, 44) == ("1", "22", "255")


def test_only_pixels_in_sight_are_asked_for(qtbot: QtBot) -> None:
    port = ViewTransform(40.0, -1000.0, -2000.0, 400, 200)
    assert visible_pixels(port, 10_000, 10_000) == (25, 50, 35, 55)
    asked: list[tuple[int, int]] = []

    def value_at(x: int, y: int) -> tuple[int, int, int]:
        asked.append((x, y))
        return (x, x, x)

    grid = PixelGrid()
    first = grid.make_picture(port, (10_000, 10_000), value_at)
    assert set(asked) == {(x, y) for x in range(25, 35) for y in range(50, 55)}
    assert grid.make_picture(port, (10_000, 10_000), value_at) is first and len(asked) == 50
    assert grid.make_picture(ViewTransform(5.0, 0, 0, 400, 200), (100, 100), value_at) is None


# -- measures


def test_lengths_are_told_in_pixels_and_where_known_in_mm() -> None:
    measure = Measure((10, 10), (40, 50))
    assert measure.length == 50
    assert measure_lines(measure, None) == ["50.0 px", "Δx 30.0   Δy 40.0 px"]
    assert measure_lines(measure, 0.1)[0] == "5.00 mm   (50.0 px)"
    assert size_text((0, 0, 120, 44), None) == "120 × 44 px"
    assert size_text((0, 0, 120, 5.5), 0.025) == "120 × 5.5 px · 3.00 × 0.138 mm"


@given(st.floats(-500, 500), st.floats(-500, 500))
def test_straight_measures_are_level_upright_or_slanted_by_45_degrees(x: float, y: float) -> None:
    end_x, end_y = straighten_line((0, 0), (x, y))
    slack = 1e-6 * (1 + abs(x) + abs(y))
    assert min(abs(end_x), abs(end_y), abs(abs(end_x) - abs(end_y))) <= slack
    assert np.hypot(end_x, end_y) <= np.hypot(x, y) + slack


@given(st.floats(0.01, 64))
def test_a_ruler_has_round_numbers_with_room_between_at_every_zoom(scale: float) -> None:
    step, parts = ruler_step(scale)
    assert step * scale >= 72 or step == 1
    assert step >= 1 and (step / parts).is_integer()
    marks = ruler_marks(0, 1000 / scale, scale)
    numbers = [place for place, text in marks if text]
    assert numbers == pytest.approx([index * step for index in range(len(numbers))])
    assert len(marks) < 300


# -- signs


def test_every_state_that_can_be_forgotten_has_a_sign_with_the_key_that_ends_it() -> None:
    state = ViewState(hidden=True, locked=True, names_hidden=True)
    dark = Adjustment(gamma=1.8)
    keys = {"hide": "H", "lock": "L", "compare": "O", "measure": ""}
    shown = list_badges(state, measuring=True, adjustment=dark, comparing=False, keys=keys)
    assert [badge.name for badge in shown] == ["hide", "compare", "lock", "measure"]
    assert "press H" in shown[0].tip and "gamma 1.8" in shown[1].tip and "press" not in shown[3].tip
    assert [badge.loud for badge in shown] == [True, True, False, False]
    assert list_badges(ViewState(), measuring=False, adjustment=None, comparing=False, keys=keys) == []
    (off,) = list_badges(ViewState(), measuring=False, adjustment=dark, comparing=True, keys=keys)
    assert "off" in off.text
    (plain,) = list_badges(
        ViewState(editable=False, locked=True), measuring=False, adjustment=None, comparing=False, keys=keys
    )
    assert plain.text == "Read-only"


def test_an_adjustment_is_told_in_words() -> None:
    words = describe_adjustment(Adjustment(channel="red", stretch=True, clahe=2.0, contrast=-10, brightness=5))
    assert words == "red only, stretch 1–99 %, local contrast 2, contrast -10, brightness +5"


def test_in_a_zoom_names_keep_to_the_corners_of_their_boxes() -> None:
    before = np.array([[100.0, 100, 140, 130], [300.0, 50, 360, 90]])
    above, beside = Tagged(4, 98, 80), Tagged(7, 363, 95)
    now = before * 2 + 10
    assert followed_tags([above, beside], before, now) == [Tagged(4, 208, 190), Tagged(7, 733, 195)]
