"""After a filter, every figure of the Inspect page agrees with what is drawn: list, chips, table and the words at boxes."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtGui import QColor

from core.inspection.error_counts import count_errors
from core.inspection.marks import Mark, MarkFilter, count_pairs, list_marks
from core.inspection.matched_images import match_images
from core.types import GroundTruth
from desktop.base.background import Tasks
from desktop.inspect.inspect_page import InspectPage
from desktop.inspect.inspect_view import style_outline
from desktop.inspect.mark_tags import ON_IMAGE, Names, list_tags
from tests.core.inspection.matched_builders import BOX, FAR, NAMES, data_of, found, marks_of, truth
from tests.desktop.inspect.inspect_builders import list_rows

SIGNS = {"tp": "✓ ", "fp": "✗ ", "fn": "missed "}
LABELS = ("scratch", "stain", "dent")
COLORS = Names(LABELS, tuple(QColor(name) for name in ("red", "green", "blue")))


def draw_marks(marks: list[Mark], mark_filter: MarkFilter) -> list[Mark]:
    return [shown for mark in marks if (shown := mark_filter.restrict(mark)) is not None]


def count_signs(marks: list[Mark], names: Names, mark_filter: MarkFilter) -> dict[str, int]:
    """How many words of each kind stand at what is drawn."""
    texts = [tag.text for mark in draw_marks(marks, mark_filter) for tag in list_tags(mark, names, mark_filter)]
    return {name: sum(text.startswith(sign) for text in texts) for name, sign in SIGNS.items()}


def test_a_hit_by_one_label_is_not_drawn_beside_the_zero_of_another() -> None:
    data = data_of(truth((BOX, (0,))), found((BOX, (0.7, 0.9))))
    only = MarkFilter(label=1)
    (drawn,) = draw_marks(marks_of(data), only)
    assert (drawn.kind, drawn.labels, drawn.verdicts, drawn.scores) == ("fp", (1,), (False,), (pytest.approx(0.9),))
    assert style_outline(drawn, only) == ([ON_IMAGE.bad], False)
    assert {name: count_pairs(marks_of(data), name, 1) for name in ("tp", "fp", "fn", "truth")} == {
        "tp": 0,
        "fp": 1,
        "fn": 0,
        "truth": 0,
    }


def test_a_box_that_is_found_by_the_chosen_label_is_not_drawn_as_missed_for_the_other() -> None:
    data = data_of(truth((BOX, (0, 1))), found((BOX, (0.9, 0.1))))
    drawn = draw_marks(marks_of(data), MarkFilter(label=0))
    assert [(mark.source, mark.kind) for mark in drawn] == [("truth", "found"), ("detection", "tp")]


@pytest.mark.parametrize("hidden", ["tp", "fp", "fn", "truth", "ignored"])
def test_what_a_chip_hides_stands_at_no_box(hidden: str) -> None:
    data = data_of(
        GroundTruth(
            np.array([BOX, (60, 60, 90, 90)], np.float32),
            np.array([[True, False], [True, True]]),
            np.array([FAR], np.float32),
            np.array([[False, True]]),
        ),
        found((BOX, (0.9, 0.8)), (FAR, (0.9, 0.9)), ((200, 10, 220, 40), (0.6, 0.7))),
    )
    mark_filter = MarkFilter(**{hidden: False})
    names = Names(NAMES, COLORS.colors[:2])
    drawn = draw_marks(marks_of(data), mark_filter)
    if hidden in SIGNS:
        assert count_signs(marks_of(data), names, mark_filter)[hidden] == 0
    elif hidden == "ignored":
        assert all(None not in mark.verdicts for mark in drawn)
    else:
        assert all(not any(mark.verdicts) for mark in drawn if mark.source == "truth" and mark.kind != "ignored")


@pytest.mark.parametrize("seed", range(12))
def test_chips_words_and_counts_agree_for_every_label_and_threshold(seed: int) -> None:
    random = np.random.default_rng(seed)
    truths, detections = [], []
    for _ in range(4):
        corners = random.uniform(0, 200, (6, 2))
        boxes = np.concatenate([corners, corners + random.uniform(15, 60, (6, 2))], axis=1).astype(np.float32)
        labels = random.random((6, 3)) < 0.5
        labels[:, 0] |= ~labels.any(axis=1)
        truths.append(GroundTruth(boxes[:4], labels[:4], boxes[4:5], labels[4:5]))
        jittered = boxes + random.normal(0, 3, boxes.shape)
        jittered[:, 2:] = np.maximum(jittered[:, 2:], jittered[:, :2] + 1)
        scores = np.where(random.random((6, 3)) < 0.7, labels, ~labels) * random.uniform(0.3, 1, (6, 3))
        detections.append(
            found(*((tuple(box), tuple(row)) for box, row in zip(jittered, scores, strict=True)), names=LABELS)
        )
    data = match_images(range(4), truths, detections, LABELS, LABELS, 0.5)
    for threshold in (0.0, 0.35, 0.6, 0.9):
        counts = count_errors(data, threshold)
        for image in range(4):
            marks = list_marks(data, image, threshold)
            for label in (None, 0, 1, 2):
                columns = slice(None) if label is None else slice(label, label + 1)
                expected = {name: int(getattr(counts, name)[image, columns].sum()) for name in ("tp", "fp", "fn")}
                assert {name: count_pairs(marks, name, label) for name in expected} == expected
                assert count_signs(marks, COLORS, MarkFilter(label=label)) == expected
                assert count_pairs(marks, "truth", label) == int(data.truth[image].labels[:, columns].sum())


def test_list_chips_table_and_drawing_agree_on_the_page(page: InspectPage, tasks: Tasks) -> None:
    workspace, stage = page.workspace, page.workspace.stage
    table = workspace.column.labels
    for threshold in (0.2, 0.55):
        stage.score.set_value(threshold)
        for label in (None, 0, 1, 2):
            table.label_chosen.emit(label)
            assert tasks.wait_idle()
            rows = list_rows(page)
            listed = next(row for row in rows if row[0] == workspace.image_id) if rows else (0, 0, 0, 0)
            chips = [int(stage.chips[name].text().split()[-1]) for name in ("fn", "fp", "tp")]
            # What is drawn is restricted already: only labels and signs are left to be read.
            words = [
                tag.text
                for mark in stage.left.visible_marks()
                for tag in list_tags(mark, Names(workspace.matched.label_names, COLORS.colors), MarkFilter())
            ]
            drawn = [sum(text.startswith(SIGNS[name]) for text in words) for name in ("fn", "fp", "tp")]
            assert chips == list(listed[1:]) == drawn
            if label is not None:
                cells = [int(table.item(label, column).text()) for column in (6, 5, 4)]
                assert cells == [sum(row[column] for row in rows) for column in (1, 2, 3)]


def test_what_is_pointed_at_follows_the_filter(page: InspectPage) -> None:
    stage, panel = page.workspace.stage, page.workspace.column.panel
    stage.score.set_value(0.3)
    mark = next(mark for mark in stage.left.visible_marks() if mark.source == "detection")
    stage.select_mark(mark)
    assert not panel.title.isHidden()
    stage.set_label(next(label for label in range(3) if label not in mark.labels))
    assert panel.title.isHidden() and not panel.prompt.isHidden()
    stage.set_label(None)
    assert not panel.title.isHidden()
