"""What is odd about a file is said in sentences, and leads to where it is set."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from core.imaging import decode
from core.imaging.cameras import Cameras
from desktop.label.file_notes import FileNotes, make_sentence
from tests.builders import write_picture

SIXTEEN = np.arange(48 * 64, dtype=np.uint16).reshape(48, 64) * 21


@pytest.mark.parametrize(
    ("note", "sentence"),
    [
        ("its transparency is dropped", "Its transparency is dropped."),
        ("has 4 pages; only the first is shown and used", "This file has 4 pages; only the first is shown and used."),
        ("16 bits, shown by the upper 8", "This file has 16 bits, shown by the upper 8."),
        ("taken as 12 bits", "This file is taken as 12 bits."),
        ("is animated (3 frames)", "This file is animated (3 frames)."),
    ],
)
def test_every_note_becomes_a_sentence(note: str, sentence: str) -> None:
    assert make_sentence(note) == sentence


def test_what_readers_say_of_real_files_comes_out_as_sentences(qtbot: QtBot, tmp_path: Path) -> None:
    clear = write_picture(tmp_path / "clear.png", np.full((48, 64, 4), 90, np.uint8))
    deep = write_picture(tmp_path / "deep.png", SIXTEEN)
    strip = FileNotes()
    qtbot.addWidget(strip)
    strip.show_notes([*decode.notices(clear), *decode.notices(deep)])
    assert strip.text.startswith("Its transparency is dropped. This file has 16 bits, shown by the upper 8")
    assert strip.text.endswith(".") and "; it" not in strip.text


def test_a_note_about_depth_leads_to_the_depth_scale(qtbot: QtBot, tmp_path: Path) -> None:
    strip = FileNotes()
    qtbot.addWidget(strip)
    strip.show_notes(["its transparency is dropped"])
    assert strip.depth_link.isHidden()
    deep = write_picture(tmp_path / "deep.png", SIXTEEN)
    for scale in (None, Cameras(()), Cameras.of_window((0, 100))):  # none, none for this one, and one that clips
        strip.show_notes(decode.read_picture(deep, scale).notices)
        assert not strip.depth_link.isHidden(), scale
    with qtbot.waitSignal(strip.depth_wanted):
        strip.depth_link.click()


def test_a_file_that_looks_black_through_its_depth_scale_says_so(qtbot: QtBot, tmp_path: Path) -> None:
    strip = FileNotes()
    qtbot.addWidget(strip)
    dark = write_picture(tmp_path / "dark.png", (SIXTEEN // 16).astype(np.uint16))
    strip.show_notes(decode.read_picture(dark, Cameras.of_window((0, 65_535))).notices)
    assert strip.text == "It has no value above 8,191, while its depth scale goes to 65,535: it looks black."
    assert not strip.depth_link.isHidden()
    assert decode.read_picture(dark, Cameras.of_window((0, 20_000))).notices == ()
