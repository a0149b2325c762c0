"""Zoom and position of an image, whatever one does with it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QPointF, QSizeF

from desktop.viewer.viewport import LARGEST_SCALE, MARGIN, Viewport

sides = st.integers(1, 30_000)
places = st.floats(-3_000, 3_000)
steps = st.one_of(
    st.tuples(st.just("zoom"), st.floats(1e-4, 1e4), places, places),
    st.tuples(st.just("pan"), st.just(1.0), places, places),
    st.tuples(st.just("scroll"), st.just(1.0), places, places),
    st.tuples(st.just("fit"), st.just(1.0), places, places),
)


def viewport(image: tuple[int, int] = (400, 200), room: tuple[int, int] = (640, 480), ratio: float = 1.0) -> Viewport:
    port = Viewport()
    port.image, port.room, port.ratio = QSizeF(*image), QSizeF(*room), ratio
    port.fit()
    return port


def test_a_fitted_image_is_whole_and_in_the_middle() -> None:
    port = viewport()
    corner, opposite = port.to_widget(QPointF(0, 0)), port.to_widget(QPointF(400, 200))
    assert (corner.x(), opposite.x()) == (MARGIN, 640 - MARGIN)
    assert corner.y() == pytest.approx(480 - opposite.y(), abs=1)


@given(st.tuples(sides, sides), st.sampled_from([1.0, 1.5, 2.0]), st.lists(steps, max_size=12))
@settings(max_examples=60)
def test_an_image_is_never_lost(
    image: tuple[int, int], ratio: float, done: list[tuple[str, float, float, float]]
) -> None:
    port = viewport(image, ratio=ratio)
    for kind, scale, x, y in done:
        if kind == "zoom":
            port.zoom_to(port.scale * scale, QPointF(x, y))
        elif kind == "pan":
            port.pan_by(QPointF(x, y))
        elif kind == "scroll":
            port.scroll_by(QPointF(x, y))
        else:
            port.fit()
        assert 0 < port.scale <= LARGEST_SCALE
        corner, opposite = port.to_widget(QPointF(0, 0)), port.to_widget(QPointF(*image))
        assert corner.x() < port.room.width() and corner.y() < port.room.height()
        assert opposite.x() > 0 and opposite.y() > 0


def test_a_hairline_stays_on_the_screen() -> None:
    port = viewport((1, 1_792), ratio=2.0)
    port.zoom_to(0.125, QPointF(0, 0))
    port.pan_by(QPointF(3_000, 0))
    assert port.to_widget(QPointF(0, 0)).x() <= 639
    port.pan_by(QPointF(-3_000, 0))
    assert port.to_widget(QPointF(1, 0)).x() > 0


@given(st.floats(0.05, 20), st.floats(0, 640), st.floats(0, 480))
def test_zooming_keeps_what_is_under_the_cursor_where_it_is(factor: float, x: float, y: float) -> None:
    port, at = viewport((4_000, 3_000)), QPointF(x, y)
    before = (at - port.offset) / port.scale
    port.zoom_to(port.scale * factor, at)
    after = (at - port.offset) / port.scale
    held = port.offset == at - before * port.scale  # unless so little was left in sight that it was moved back
    corner, opposite = port.offset, port.offset + QPointF(4_000, 3_000) * port.scale
    at_the_edge = 80 in (round(640 - corner.x()), round(480 - corner.y()), round(opposite.x()), round(opposite.y()))
    assert held or at_the_edge
    if held:
        assert (after.x(), after.y()) == pytest.approx((before.x(), before.y()), abs=1e-6)


def test_scrolling_leaves_a_fitted_image_alone_and_stops_at_the_edges_of_a_large_one() -> None:
    port = viewport()
    assert not port.scroll_by(QPointF(0, -50)) and port.fitted
    port.zoom_to(4.0, QPointF(0, 0))
    assert port.scroll_by(QPointF(-10_000, -10_000)) and not port.fitted
    opposite = port.to_widget(QPointF(400, 200))
    assert (opposite.x(), opposite.y()) == (640 - MARGIN, 480 - MARGIN)
