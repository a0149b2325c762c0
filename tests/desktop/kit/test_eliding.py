"""Names of files that are too long for their place are still told apart."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QFont, QFontMetrics
from pytestqt.qtbot import QtBot

from desktop.kit.eliding import elide_name


@pytest.mark.parametrize("letters", range(10, 27))
@pytest.mark.parametrize(
    "form",
    ["plate_{}_turbine_row.png", "camera_far_away_{}.png", "{}_camera_far_away_front.png", "lot7_{}_a_long_end2.png"],
)
def test_neighbours_differ_in_what_is_shown_of_them(qtbot: QtBot, form: str, letters: int) -> None:
    metrics = QFontMetrics(QFont())
    width = metrics.horizontalAdvance("n" * letters)
    shown = [elide_name(form.format(f"{number:04}"), metrics, width) for number in range(120, 124)]
    assert all(f"{number:04}" in text for number, text in zip(range(120, 124), shown, strict=True))
    assert all(metrics.horizontalAdvance(text) <= width for text in shown)


def test_what_fits_or_has_no_number_is_as_ever(qtbot: QtBot) -> None:
    metrics = QFontMetrics(QFont())
    assert elide_name("part1.png", metrics, 10_000) == "part1.png"
    name = "a_name_of_words_alone.png"
    shown = elide_name(name, metrics, metrics.horizontalAdvance(name) // 2)
    assert shown.startswith("a_") and shown.endswith("png") and "…" in shown


def test_a_number_that_is_longer_than_the_room_is_cut(qtbot: QtBot) -> None:
    metrics = QFontMetrics(QFont())
    width = metrics.horizontalAdvance("1234567")
    assert metrics.horizontalAdvance(elide_name("0123456789" * 4, metrics, width)) <= width
