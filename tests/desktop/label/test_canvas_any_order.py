"""Whatever buttons and keys come in whatever order: boxes stay sound, and at rest the canvas shows the project."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from core.types import Box
from desktop.label.canvas.annotation_canvas import AnnotationCanvas
from tests.desktop.mouse import LEFT, move

MIDDLE, RIGHT = Qt.MouseButton.MiddleButton, Qt.MouseButton.RightButton
NO_BUTTON, NO_MODIFIER = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier
WIDTH, HEIGHT = 100, 80
KEYS = (
    Qt.Key.Key_Escape,
    Qt.Key.Key_Return,
    Qt.Key.Key_Tab,
    Qt.Key.Key_Space,
    Qt.Key.Key_Left,
    Qt.Key.Key_Down,
)
STARTED = (
    Box(1, 10, 10, 90, 70, frozenset({1})),
    Box(2, 30, 30, 50, 50, frozenset()),
    Box(3, 60, 20, 61, 60, frozenset()),
)

places = st.tuples(st.integers(-40, 440), st.integers(-40, 360))
deeds = st.one_of(
    st.tuples(st.just("press"), st.sampled_from((LEFT, LEFT, MIDDLE, RIGHT)), places),
    st.tuples(st.just("release"), st.sampled_from((LEFT, LEFT, MIDDLE, RIGHT)), places),
    st.tuples(st.just("move"), st.none(), places),
    st.tuples(st.just("key"), st.sampled_from(KEYS), st.none()),
    st.tuples(
        st.sampled_from(("arm", "measure", "hide", "lock", "zoom", "relabel", "undo", "let go")), st.none(), st.none()
    ),
)


class Desk:
    """A canvas, what has been made durable, and which buttons are down."""

    def __init__(self, canvas: AnnotationCanvas) -> None:
        self.canvas = canvas
        self.kept: list[tuple[Box, ...]] = [STARTED]
        self.down = NO_BUTTON
        self.at = QPoint(0, 0)

    def draw(self, xyxy: tuple[float, float, float, float]) -> None:
        fresh = max((box.id for boxes in self.kept for box in boxes), default=0) + 1
        self.keep((*self.kept[-1], Box(fresh, *xyxy, frozenset())))
        self.canvas.select_boxes([fresh])

    def edit(self, boxes: tuple[Box, ...], _name: str) -> None:
        assert [box.id for box in boxes] == [box.id for box in self.kept[-1]]
        assert [box.labels for box in boxes] == [box.labels for box in self.kept[-1]]
        self.keep(boxes)

    def keep(self, boxes: tuple[Box, ...]) -> None:
        self.kept.append(boxes)
        self.canvas.set_boxes(boxes)

    def do(self, qtbot: QtBot, what: str, key: object, place: tuple[int, int] | None) -> None:
        canvas = self.canvas
        if place is not None:
            self.at = QPoint(*place)
        if what == "press" and isinstance(key, Qt.MouseButton) and not self.down & key:
            self.down |= key
            qtbot.mousePress(canvas.view, key, NO_MODIFIER, self.at)
        elif what == "release" and isinstance(key, Qt.MouseButton) and self.down & key:
            self.down &= ~key
            qtbot.mouseRelease(canvas.view, key, NO_MODIFIER, self.at)
        elif what == "move":
            move(canvas.view, QPointF(self.at), held=self.down)
        elif what == "key" and isinstance(key, Qt.Key):
            qtbot.keyClick(canvas.view, key)
        elif what == "zoom":
            canvas.view.zoom_to(canvas.view.scale * 1.4, QPointF(self.at))
        elif what in ("hide", "lock"):
            name = "hidden" if what == "hide" else "locked"
            canvas.set_state(**{name: not getattr(canvas.state, name)})
        elif what == "arm":
            canvas.arm(not canvas.armed)
        elif what == "measure":
            canvas.set_measuring(not canvas.measuring)
        elif what == "let go":
            canvas.let_go()
        elif what == "relabel":
            canvas.finish_nudging()
            self.keep(tuple(Box(box.id, *box.xyxy, box.labels ^ {2}) for box in self.kept[-1]))
        elif what == "undo" and len(self.kept) > 1:
            canvas.finish_nudging()
            canvas.let_go()
            self.kept.pop()
            canvas.set_boxes(self.kept[-1])


@pytest.fixture
def canvas(qtbot: QtBot) -> Iterator[AnnotationCanvas]:
    canvas = AnnotationCanvas()
    qtbot.addWidget(canvas.view)
    canvas.view.resize(400, 320)
    canvas.view.show()
    canvas.view.setFocus()
    QApplication.processEvents()
    yield canvas


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(deeds, min_size=3, max_size=30))
def test_no_order_of_buttons_and_keys_harms_a_box_or_leaves_one_hanging(
    qtbot: QtBot, canvas: AnnotationCanvas, done: list[tuple[str, object, tuple[int, int] | None]]
) -> None:
    canvas.set_state(hidden=False, locked=False)
    canvas.set_image(np.full((HEIGHT, WIDTH, 3), 128, np.uint8))
    desk = Desk(canvas)
    canvas.set_boxes(STARTED)
    canvas.drawn.connect(desk.draw)
    canvas.edited.connect(desk.edit)
    try:
        for deed in done:
            desk.do(qtbot, *deed)
            for box in canvas.boxes:
                assert 0 <= box.x1 < box.x2 <= WIDTH + 1e-4 and 0 <= box.y1 < box.y2 <= HEIGHT + 1e-4
            assert canvas.selected <= {box.id for box in canvas.boxes}
            assert canvas.hint and canvas.view.grab().width()
        for button in (LEFT, MIDDLE, RIGHT):
            desk.do(qtbot, "release", button, None)
        canvas.finish_nudging()
        assert canvas.boxes == desk.kept[-1]
        assert not canvas.view.panning
        while canvas.cancel():
            pass
        canvas.set_state(hidden=False, locked=False)
        assert canvas.boxes == desk.kept[-1]
        assert not any(word in canvas.hint for word in ("Let go", "letting go", "opposite corner"))
    finally:
        canvas.drawn.disconnect(desk.draw)
        canvas.edited.disconnect(desk.edit)
        for button in (LEFT, MIDDLE, RIGHT):
            desk.do(qtbot, "release", button, None)
        while canvas.cancel():
            pass
