"""What mouse and keys mean on the canvas, where boxes come to lie, and what is said about it: without a window."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.types import Box
from desktop.label.canvas import interaction as act
from desktop.label.canvas import shaping
from desktop.label.canvas.hints import HANDLE_CURSORS, KEYS, ToolState, choose_cursor, describe_click, explain_refusal

BIG = Box(1, 10, 10, 90, 70, frozenset({1}))
SMALL = Box(2, 30, 30, 50, 50, frozenset({1, 2}))
BOUNDS = (100.0, 80.0)
BOTH = act.Boxes((BIG, SMALL))
NONE: frozenset[int] = frozenset()


# -- what is under the mouse


def test_smallest_box_under_the_mouse_comes_first() -> None:
    assert act.find_target((40, 40), BOTH, (), 1.0) == act.OnBoxes((2, 1))


def test_a_box_answers_a_little_outside_its_outline_whatever_the_zoom() -> None:
    one = act.Boxes((BIG,))
    assert act.find_target((8, 40), one, (), 1.0) == act.OnBoxes((1,))
    assert act.find_target((8, 40), one, (), 4.0) == act.OnNothing()


def test_handles_are_offered_only_for_a_single_selected_box() -> None:
    assert act.find_target((90, 70), BOTH, {1}, 1.0) == act.OnHandle(1, "se")
    assert act.find_target((90, 70), BOTH, (), 1.0) == act.OnBoxes((1,))
    assert act.find_target((90, 70), BOTH, {1, 2}, 1.0) == act.OnBoxes((1,))


@pytest.mark.parametrize("xyxy", [BIG.xyxy, (10.0, 10.0, 13.0, 11.0)])
@pytest.mark.parametrize("scale", [0.1, 1.0, 30.0])
def test_all_eight_handles_can_be_taken_and_the_middle_moves_the_box(xyxy: act.XYXY, scale: float) -> None:
    points = act.place_handles(xyxy, scale)
    assert {act.find_handle(point, xyxy, scale) for point in points.values()} == set(act.HANDLES)
    assert act.find_handle(((xyxy[0] + xyxy[2]) / 2, (xyxy[1] + xyxy[3]) / 2), xyxy, scale) is None


def test_hit_testing_a_thousand_boxes_finds_what_looking_at_each_finds() -> None:
    random = np.random.default_rng(3)
    corners = random.uniform(0, 5000, (1000, 2))
    boxes = tuple(
        Box(n, float(x), float(y), float(x + w), float(y + h), NONE)
        for n, ((x, y), (w, h)) in enumerate(zip(corners, random.uniform(5, 400, (1000, 2)), strict=True))
    )
    hits = 0
    for x, y in random.uniform(0, 5000, (40, 2)).tolist():
        target = act.find_target((x, y), act.Boxes(boxes), (), 1.0)
        near = {b.id for b in boxes if b.x1 - 3 <= x <= b.x2 + 3 and b.y1 - 3 <= y <= b.y2 + 3}
        assert set(target.box_ids if isinstance(target, act.OnBoxes) else ()) == near
        hits += len(near)
    assert hits > 40


# -- what a press begins, what a click selects


@pytest.mark.parametrize(
    ("target", "selected", "expected"),
    [
        (act.OnNothing(), NONE, act.Drawing((5, 5))),
        (act.OnBoxes((2, 1)), NONE, act.Moving((5, 5), frozenset({2}))),
        (act.OnBoxes((2, 1)), frozenset({1}), act.Moving((5, 5), frozenset({1}))),
        (act.OnBoxes((2, 1)), frozenset({1, 7}), act.Moving((5, 5), frozenset({1, 7}))),
        (act.OnHandle(1, "n"), frozenset({1}), act.Resizing((5, 5), 1, "n")),
    ],
)
def test_a_press_draws_moves_or_resizes(target: act.Target, selected: frozenset[int], expected: act.Gesture) -> None:
    gesture, then = act.begin_gesture(target, (5, 5), selected, tool="select", changes=True, add=False)
    assert gesture == expected
    assert then == (expected.box_ids if isinstance(expected, act.Moving) else selected)


def test_tools_and_ctrl_come_before_what_is_under_the_mouse() -> None:
    on_box = act.OnBoxes((2,))
    for tool, kind in (("draw", act.Drawing), ("measure", act.Measuring)):
        assert isinstance(act.begin_gesture(on_box, (5, 5), NONE, tool=tool, changes=True, add=False)[0], kind)  # type: ignore[arg-type]
    for target in (on_box, act.OnNothing()):
        gesture, _ = act.begin_gesture(target, (5, 5), frozenset({9}), tool="select", changes=True, add=True)
        assert gesture == act.Banding((5, 5), frozenset({9}), target)


@pytest.mark.parametrize("target", [act.OnNothing(), act.OnBoxes((2, 1)), act.OnHandle(1, "n")])
def test_where_boxes_may_not_be_changed_a_press_can_only_select(target: act.Target) -> None:
    gesture, selected = act.begin_gesture(target, (5, 5), frozenset({1}), tool="select", changes=False, add=False)
    assert isinstance(gesture, act.Banding) and selected == {1}


def test_shift_click_joins_and_leaves_the_selection() -> None:
    on_small = act.OnBoxes((2, 1))
    assert act.select_by_click(on_small, frozenset({1}), add=True) == {1, 2}
    assert act.select_by_click(on_small, frozenset({1, 2}), add=True) == {1}
    assert act.select_by_click(on_small, frozenset({1}), add=False) == {2}
    assert act.select_by_click(act.OnNothing(), frozenset({1}), add=False) == NONE
    assert act.select_by_click(act.OnNothing(), frozenset({1}), add=True) == {1}


def test_clicking_again_at_the_same_place_goes_round_the_boxes_there() -> None:
    here, selected, seen = act.OnBoxes((5, 6, 7)), frozenset({5}), []
    for _ in range(4):
        selected = act.select_by_click(here, selected, add=False, again=True)
        seen += selected
    assert seen == [6, 7, 5, 6]


def test_a_frame_selects_what_it_touches_besides_what_was_selected() -> None:
    far = Box(3, 95, 75, 99, 79, NONE)
    band = act.Banding((28, 28), frozenset({3}))
    assert act.select_in_frame(act.Boxes((BIG, SMALL, far)), band, (32, 32)) == {1, 2, 3}
    assert act.select_in_frame(act.Boxes((SMALL, far)), act.Banding((0, 0), NONE), (5, 5)) == NONE


def test_cycling_goes_round_in_both_directions() -> None:
    assert act.select_next([7, 8, 9], {8}) == {9}
    assert act.select_next([7, 8, 9], {9}) == {7}
    assert act.select_next([7, 8, 9], {7}, -1) == {9}
    assert act.select_next([7, 8, 9], {7, 8}) == {7}
    assert act.select_next([], {1}) == NONE


def test_a_copy_lies_beside_its_original_also_in_the_corner() -> None:
    (copy,) = act.duplicate_boxes([SMALL], [9], 12, BOUNDS)
    assert (copy.id, copy.xyxy, copy.labels) == (9, (42, 42, 62, 62), SMALL.labels)
    (cornered,) = act.duplicate_boxes([Box(3, 80, 60, 100, 80, NONE)], [9], 12, BOUNDS)
    assert cornered.xyxy == (68, 48, 88, 68)


def test_tri_state_tells_all_none_and_some() -> None:
    sets = [frozenset({1}), frozenset({1, 2})]
    assert [act.find_tri_state(sets, label) for label in (1, 2, 3)] == [True, None, False]
    assert act.find_tri_state([], 1) is False


# -- where boxes come to lie


@pytest.mark.parametrize(
    ("handle", "expected"),
    [
        ("nw", (15, 13, 90, 70)),
        ("n", (10, 13, 90, 70)),
        ("e", (10, 10, 95, 70)),
        ("sw", (15, 10, 90, 73)),
    ],
)
def test_a_handle_drags_only_its_own_sides(handle: act.Handle, expected: act.XYXY) -> None:
    assert shaping.resize_box(BIG.xyxy, handle, 5, 3, BOUNDS) == expected


def test_a_box_can_be_turned_inside_out_and_keeps_its_corners_ordered() -> None:
    assert shaping.resize_box((10, 10, 20, 20), "e", -15, 0, BOUNDS) == (5, 10, 10, 20)


def test_moved_boxes_stop_together_at_the_edge() -> None:
    first, second = shaping.move_boxes((BIG, SMALL), {1, 2}, 50, -50, BOUNDS)
    assert first.xyxy == (20, 0, 100, 60)
    assert (second.x1 - first.x1, second.y1 - first.y1) == (20, 20)


def test_moving_leaves_other_boxes_alone() -> None:
    assert shaping.move_boxes((BIG, SMALL), {2}, 3, 4, BOUNDS) == (BIG, Box(2, 33, 34, 53, 54, SMALL.labels))


def test_a_drawn_box_is_cut_to_the_image_and_a_line_is_none() -> None:
    assert shaping.shape_drawn_box((50, 50), (-10, 200), BOUNDS) == (0, 50, 50, 80)
    assert shaping.shape_drawn_box((50, 50), (50.4, 70), BOUNDS) is None


def test_a_tremble_is_no_box_and_a_thin_scratch_is_one() -> None:
    assert not shaping.is_meant((10, 10, 12, 12), 1.0)
    assert shaping.is_meant((10, 10, 12, 12), 4.0)
    assert shaping.is_meant((10, 10, 11, 40), 0.2)


def test_near_the_border_edges_snap_to_it_and_without_snapping_they_do_not() -> None:
    assert shaping.shape_drawn_box((3, 40), (97, 60), BOUNDS, 4.0) == (0, 40, 100, 60)
    assert shaping.shape_drawn_box((3, 40), (97, 60), BOUNDS) == (3, 40, 97, 60)
    assert shaping.move_boxes((SMALL,), {2}, -27, 28, BOUNDS, 4.0)[0].xyxy == (0, 60, 20, 80)
    assert shaping.move_boxes((SMALL,), {2}, -27, 28, BOUNDS)[0].xyxy == (3, 58, 23, 78)
    assert shaping.resize_box(SMALL.xyxy, "se", 47, 27, BOUNDS, 4.0) == (30, 30, 100, 80)
    assert shaping.resize_box(SMALL.xyxy, "n", 0, -27, BOUNDS, 4.0) == (30, 0, 50, 50)


def test_keys_stretch_the_right_and_lower_sides_and_stop_at_the_smallest_box() -> None:
    assert shaping.stretch_boxes((BIG, SMALL), {2}, 5, -7, BOUNDS) == (BIG, replace(SMALL, x2=55, y2=43))
    assert shaping.stretch_boxes((SMALL,), {2}, -500, 500, BOUNDS)[0].xyxy == (30, 30, 31, 80)


coordinate = st.floats(0, 1, allow_nan=False, width=32)
shift = st.floats(-400, 400, allow_nan=False, width=32)
snaps = st.sampled_from([0.0, 0.5, 6.0, 40.0])


@st.composite
def boxes_in_images(draw: st.DrawFn) -> tuple[act.XYXY, act.Point]:
    """A box of at least the smallest side inside an image that has room for it."""
    width, height = draw(st.integers(1, 300)), draw(st.integers(1, 300))
    corners: list[float] = []
    for length in (width, height):
        low = draw(coordinate) * (length - shaping.SMALLEST_SIDE)
        corners += [low, min(low + 1 + draw(coordinate) * (length - low - 1), length)]
    return (corners[0], corners[2], corners[1], corners[3]), (float(width), float(height))


def whole(xyxy: act.XYXY, bounds: act.Point, least: float = shaping.SMALLEST_SIDE) -> bool:
    """In the image, with its corners in order, and not too small."""
    x1, y1, x2, y2 = xyxy
    inside = min(x1, y1) >= -1e-6 and x2 <= bounds[0] + 1e-6 and y2 <= bounds[1] + 1e-6
    return inside and min(x2 - x1, y2 - y1) >= least - 1e-6


@given(boxes_in_images(), shift, shift, snaps)
def test_a_moved_box_stays_in_the_image_and_keeps_its_size(
    placed: tuple[act.XYXY, act.Point], dx: float, dy: float, snap: float
) -> None:
    xyxy, bounds = placed
    (box,) = shaping.move_boxes((Box(1, *xyxy, NONE),), {1}, dx, dy, bounds, snap)
    assert whole(box.xyxy, bounds)
    assert box.x2 - box.x1 == pytest.approx(xyxy[2] - xyxy[0], abs=1e-6)
    assert box.y2 - box.y1 == pytest.approx(xyxy[3] - xyxy[1], abs=1e-6)
    # It lies under the mouse, but for what the border stopped or drew to it.
    for got, wanted, limit in (
        (box.x1, xyxy[0] + dx, bounds[0] - xyxy[2] + xyxy[0]),
        (box.y1, xyxy[1] + dy, bounds[1] - xyxy[3] + xyxy[1]),
    ):
        assert abs(got - min(max(wanted, 0), limit)) <= snap + 1e-6


@given(boxes_in_images(), st.sampled_from(act.HANDLES), shift, shift, snaps)
def test_a_resized_box_stays_whole_and_its_handle_under_the_mouse(
    placed: tuple[act.XYXY, act.Point], handle: act.Handle, dx: float, dy: float, snap: float
) -> None:
    xyxy, bounds = placed
    got = shaping.resize_box(xyxy, handle, dx, dy, bounds, snap)
    assert whole(got, bounds)
    for low, high, by, limit, names in ((0, 2, dx, bounds[0], "we"), (1, 3, dy, bounds[1], "ns")):
        dragged, still = (low, high) if names[0] in handle else (high, low)
        if not set(names) & set(handle):
            assert (got[low], got[high]) == (xyxy[low], xyxy[high])
            continue
        wanted = min(max(xyxy[dragged] + by, 0), limit)
        # One side is the one that stayed; the other is where the mouse is, but for snapping and the smallest side.
        assert min(abs(got[low] - xyxy[still]), abs(got[high] - xyxy[still])) <= 1e-6
        assert min(abs(got[low] - wanted), abs(got[high] - wanted)) <= max(snap, 2 * shaping.SMALLEST_SIDE) + 1e-6


@given(boxes_in_images(), shift, shift)
def test_a_stretched_box_stays_whole_and_its_upper_left_corner_where_it_is(
    placed: tuple[act.XYXY, act.Point], dx: float, dy: float
) -> None:
    xyxy, bounds = placed
    (box,) = shaping.stretch_boxes((Box(1, *xyxy, NONE),), {1}, dx, dy, bounds)
    assert whole(box.xyxy, bounds) and (box.x1, box.y1) == xyxy[:2]


@given(st.tuples(shift, shift), st.tuples(shift, shift), st.integers(1, 300), st.integers(1, 300), snaps)
def test_whatever_is_drawn_is_whole_or_nothing(
    start: act.Point, end: act.Point, width: int, height: int, snap: float
) -> None:
    xyxy = shaping.shape_drawn_box(start, end, (float(width), float(height)), snap)
    assert xyxy is None or whole(xyxy, (float(width), float(height)))


@given(boxes_in_images(), shift, shift, snaps)
def test_a_box_that_came_from_elsewhere_and_reaches_out_is_never_pulled_about(
    placed: tuple[act.XYXY, act.Point], dx: float, dy: float, snap: float
) -> None:
    (x1, y1, x2, y2), bounds = placed
    out = Box(1, -x1 - 10, y1, x2 + bounds[0] + 10, y2, NONE)
    (box,) = shaping.move_boxes((out,), {1}, dx, dy, bounds, snap)
    assert (box.x1, box.x2) == (out.x1, out.x2)


# -- what is said

GESTURES = (
    None,
    act.Drawing((0, 0)),
    act.Drawing((0, 0), by_clicks=True),
    act.Moving((0, 0), frozenset({1})),
    act.Moving((0, 0), frozenset({1, 2})),
    act.Resizing((0, 0), 1, "ne"),
    act.Banding((0, 0), NONE),
    act.Measuring((0, 0)),
)
TARGETS = (act.OnNothing(), act.OnBoxes((1,)), act.OnBoxes((1, 2)), act.OnHandle(1, "w"))


def hands() -> list[ToolState]:
    """Every state of the hand."""
    flags = product((False, True), repeat=4)
    return [
        ToolState(
            editable=editable,
            locked=locked,
            hidden=hidden,
            tool=tool,
            gesture=gesture,
            fits=fits,
            under=under,
            selected=selected,
        )
        for (editable, locked, hidden, fits), tool, gesture, under, selected in product(
            flags, ("select", "draw", "measure"), GESTURES, TARGETS, (NONE, frozenset({1}), frozenset({1, 2}))
        )
    ]


def test_every_state_has_one_line_of_words_and_a_cursor() -> None:
    for hand in hands():
        words = describe_click(hand)
        assert 10 < len(words) < 125 and "\n" not in words and "{" not in words, (hand, words)
        assert not words.startswith(("·", " ")) and "·  ·" not in words
        assert choose_cursor(hand)
    assert describe_click(ToolState(has_image=False)) == "" and choose_cursor(ToolState(has_image=False)) == "arrow"


def test_hints_promise_changes_exactly_where_they_are_possible() -> None:
    promises = (
        "Drag to draw",
        "Drag draws",
        "drag moves it",
        "drag moves the selected",
        "Drag moves",
        "Drag to resize",
    )
    for hand in hands():
        if hand.gesture is None and hand.tool == "select":
            assert any(promise in describe_click(hand) for promise in promises) == hand.changes, (
                hand,
                describe_click(hand),
            )


@pytest.mark.parametrize(
    ("hand", "words", "shape"),
    [
        (ToolState(), "Drag to draw a box", "cross"),
        (ToolState(under=act.OnBoxes((1,))), "Click selects", "point"),
        (ToolState(under=act.OnBoxes((1,)), selected=frozenset({2})), "Ctrl+click adds", "point"),
        (ToolState(under=act.OnBoxes((1,)), selected=frozenset({1})), "digits toggle its labels", "move"),
        (ToolState(under=act.OnBoxes((1, 2, 3)), selected=frozenset({2})), "selects the smallest of 3 boxes", "move"),
        (ToolState(under=act.OnBoxes((1, 2, 3)), selected=frozenset({2}), again=True), "next of 3 boxes", "move"),
        (ToolState(add=True), "Drag to frame boxes and select them", "arrow"),
        (ToolState(add=True, under=act.OnBoxes((1,)), selected=frozenset({2})), "Click adds the box", "point"),
        (ToolState(add=True, under=act.OnBoxes((1,)), selected=frozenset({1})), "takes the box out", "point"),
        (ToolState(add=True, under=act.OnHandle(1, "n"), selected=frozenset({1})), "Drag to frame", "arrow"),
        (ToolState(add=True, locked=True, under=act.OnBoxes((1,))), "Click adds the box", "point"),
        (ToolState(under=act.OnBoxes((1,)), selected=frozenset({1, 2})), "moves the 2 boxes", "move"),
        (ToolState(under=act.OnHandle(1, "n"), selected=frozenset({1})), "resize", "down"),
        (ToolState(selected=frozenset({1})), "lets go of the selection", "cross"),
        (ToolState(tool="draw"), "two corners", "cross"),
        (ToolState(tool="draw", gesture=act.Drawing((0, 0), by_clicks=True)), "opposite corner", "cross"),
        (ToolState(gesture=act.Drawing((0, 0))), "Let go to draw", "cross"),
        (ToolState(gesture=act.Drawing((0, 0)), fits=False), "draws nothing", "cross"),
        (ToolState(gesture=act.Moving((0, 0), frozenset({1, 2}))), "2 boxes", "move"),
        (ToolState(gesture=act.Resizing((0, 0), 1, "nw")), "size", "diagonal"),
        (ToolState(gesture=act.Banding((0, 0), NONE), selected=frozenset({1})), "1 so far", "arrow"),
        (ToolState(tool="measure"), "measure", "cross"),
        (ToolState(gesture=act.Measuring((0, 0)), tool="measure"), "Let go to keep", "cross"),
        (ToolState(panning=True), "move the image", "open hand"),
        (ToolState(panning=True, held=True), "move the image", "closed hand"),
        (ToolState(locked=True), "L unlocks", "arrow"),
        (ToolState(locked=True, under=act.OnBoxes((1,))), "click selects", "point"),
        (ToolState(editable=False), "Read-only", "arrow"),
        (ToolState(hidden=True), "H shows them", "open hand"),
        (ToolState(remark="Nothing was drawn"), "Nothing was drawn", "cross"),
    ],
)
def test_hint_and_cursor_tell_what_a_click_will_do(hand: ToolState, words: str, shape: str) -> None:
    assert words in describe_click(hand) and choose_cursor(hand) == shape


def test_hints_name_the_keys_that_a_person_has_given() -> None:
    assert "F9 unlocks" in describe_click(ToolState(locked=True), {**KEYS, "lock": "F9"})
    assert "unlocks" not in describe_click(ToolState(locked=True), {**KEYS, "lock": ""})
    assert "F9 unlocks" in explain_refusal(ToolState(locked=True), {**KEYS, "lock": "F9"})


def test_every_handle_has_the_cursor_of_its_direction() -> None:
    assert set(HANDLE_CURSORS) == set(act.HANDLES)
    assert HANDLE_CURSORS["nw"] == HANDLE_CURSORS["se"] != HANDLE_CURSORS["ne"] == HANDLE_CURSORS["sw"]
