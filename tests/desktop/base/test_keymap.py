"""Keys follow the settings, never clash in a preset, and are given and taken as a person says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QTreeWidgetItem, QTreeWidgetItemIterator, QWidget
from pytestqt.qtbot import QtBot

from desktop.base.actions import LABEL, ActionSpec, build_actions
from desktop.base.key_choice import (
    PRESETS,
    KeyChoice,
    all_actions,
    do_overlap,
    find_clashes,
    spec_of,
    to_portable,
    why_reserved,
)
from desktop.kit.key_capture import pressed_key
from desktop.services import Services
from desktop.shell.settings.key_dialog import KeyDialog
from desktop.shell.settings.shortcut_editor import ACTION, ShortcutEditor
from tests.desktop.kit.form_driver import enter_text, find_button, find_field, read_texts

PLAIN = KeyChoice("defectdesk", {})
KEYS = st.sampled_from([*"ABDFNWXY123", "Ctrl+D", "Ctrl+K", "F2", "Del", "T, H", "T", "Ctrl+Shift+Z"])
STEPS = st.lists(
    st.tuples(st.sampled_from(["label.draw", "label.next", "window.undo", "inspect.truth"]), KEYS), max_size=12
)


# -- presets


@pytest.mark.parametrize("preset", PRESETS)
def test_no_preset_gives_one_key_to_two_actions_that_are_heard_together(preset: str) -> None:
    choice = KeyChoice(preset, {})
    found = [
        (key, action, choice.list_clashes(action, key)) for action, keys in choice.list_keys().items() for key in keys
    ]
    assert len(found) > 60
    assert [entry for entry in found if entry[2]] == []


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_names_actions_that_exist_with_keys_that_exist(preset: str) -> None:
    assert set(PRESETS[preset]) <= set(all_actions())
    for keys in PRESETS[preset].values():
        assert all(to_portable(key) for key in keys)


def test_the_presets_have_the_keys_that_hands_know() -> None:
    label_img, cvat = KeyChoice("labelImg", {}), KeyChoice("CVAT", {})
    assert label_img.find_keys("label.draw") == ("W",)
    assert label_img.find_keys("label.reviewed") == ("Space",)
    assert (label_img.find_keys("label.next"), label_img.find_keys("label.previous")) == (("D",), ("A",))
    assert cvat.find_keys("label.draw") == ("N",)
    assert (cvat.find_keys("label.next")[0], cvat.find_keys("label.previous")[0]) == ("F", "D")
    assert cvat.find_keys("label.digit_3") == ("Ctrl+3",)


# -- clashes


def test_pages_share_keys_with_each_other_but_not_with_the_window() -> None:
    keys = {"label.next": ("D",), "inspect.next": ("D",), "window.undo": ("Ctrl+Z",)}
    assert find_clashes("label.next", "D", keys) == []
    assert find_clashes("label.next", "Ctrl+Z", keys) == ["window.undo"]
    assert find_clashes("window.undo", "D", keys) == ["label.next", "inspect.next"]


def test_a_sequence_clashes_with_its_beginning() -> None:
    assert do_overlap("T, H", "T") and do_overlap("T", "T, H")
    assert not do_overlap("T, H", "T, L")
    assert not do_overlap("Ctrl+,", "Ctrl+K")


@given(STEPS)
def test_giving_keys_never_leaves_a_clash_and_gives_what_was_asked(steps: list[tuple[str, str]]) -> None:
    choice = PLAIN
    for action, key in steps:
        choice = choice.with_key(action, key)
        assert to_portable(key) in choice.find_keys(action)
        assert choice.list_clashes(action, key) == []
    for action in choice.changes:
        assert choice.find_keys(action) != choice.preset_keys(action)
        choice = choice.reset_keys(action)
        assert choice.find_keys(action) == PLAIN.find_keys(action)
    assert choice == PLAIN


def test_what_the_hand_needs_cannot_be_given_away() -> None:
    for key in ("Tab", "Return", "Esc", "Left", "Shift+Up", "Alt+E"):
        assert why_reserved("label.draw", key), key
    assert why_reserved("window.undo", "Space") and not why_reserved("label.reviewed", "Space")
    assert not why_reserved("label.draw", "Ctrl+Return")


# -- actions follow


def test_actions_and_their_tool_tips_follow_the_settings_at_once(qtbot: QtBot, services: Services) -> None:
    page = QWidget()
    qtbot.addWidget(page)
    pressed: list[str] = []
    actions = build_actions(
        page, LABEL, {spec.name: lambda *_on, name=spec.name: pressed.append(name) for spec in LABEL}
    )
    services.keymap.attach_actions("label", page, actions.values())
    page.show()
    page.activateWindow()
    qtbot.waitUntil(page.isActiveWindow)
    services.settings.update(shortcuts={"label.clean": ["X", "Ctrl+Shift+X"], "label.next": []})
    assert [key.toString() for key in actions["clean"].shortcuts()] == ["X", "Ctrl+Shift+X"]
    assert actions["clean"].toolTip().endswith("X or Ctrl+Shift+X")
    assert actions["next"].shortcuts() == [] and actions["next"].toolTip() == "Next image"
    QTest.keyClick(page, Qt.Key.Key_X)
    QTest.keyClick(page, Qt.Key.Key_C)
    QTest.keyClick(page, Qt.Key.Key_D)
    assert pressed == ["clean"]
    services.settings.update(shortcut_preset="CVAT", shortcuts={})
    QTest.keyClick(page, Qt.Key.Key_F)
    QTest.keyClick(page, Qt.Key.Key_7, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClick(page, Qt.Key.Key_T)
    QTest.keyClick(page, Qt.Key.Key_H)
    assert pressed == ["clean", "next", "digit_7", "hide"]


def test_sentences_name_the_keys_in_force(services: Services) -> None:
    text = "{draw} draws, {add} adds"
    assert services.keymap.fill_in_keys(text, draw="label.draw", add="window.add_images") == "W draws, Ctrl+I adds"
    services.settings.update(shortcuts={"label.draw": ["X"], "window.add_images": []})
    assert (
        services.keymap.fill_in_keys(text, draw="label.draw", add="window.add_images") == "X draws, “Add images” adds"
    )


def test_a_page_that_is_gone_is_not_given_keys(qtbot: QtBot, services: Services) -> None:
    page = QWidget()
    spec = ActionSpec("train", "Train")
    services.keymap.attach_actions("train", page, build_actions(page, [spec], {"train": print}).values())
    page.deleteLater()
    qtbot.waitUntil(lambda: page.parent() is None)
    qtbot.wait(1)
    services.settings.update(shortcuts={"train.train": ["X"]})


# -- pressing a key


@pytest.mark.parametrize(
    ("key", "modifiers", "text", "expected"),
    [
        (Qt.Key.Key_W, Qt.KeyboardModifier.NoModifier, "w", "W"),
        (Qt.Key.Key_Question, Qt.KeyboardModifier.ShiftModifier, "?", "?"),
        (Qt.Key.Key_W, Qt.KeyboardModifier.ShiftModifier, "W", "Shift+W"),
        (Qt.Key.Key_5, Qt.KeyboardModifier.KeypadModifier, "5", "5"),
        (Qt.Key.Key_Delete, Qt.KeyboardModifier.ControlModifier, "", "Ctrl+Del"),
        (Qt.Key.Key_Control, Qt.KeyboardModifier.ControlModifier, "", None),
    ],
)
def test_a_pressed_key_is_named_as_its_action_will_hear_it(
    key: Qt.Key, modifiers: Qt.KeyboardModifier, text: str, expected: str | None
) -> None:
    assert pressed_key(QKeyEvent(QEvent.Type.KeyPress, key, modifiers, text)) == expected


def test_the_dialog_names_the_other_action_and_takes_the_key_only_when_told(qtbot: QtBot) -> None:
    dialog = KeyDialog(PLAIN, "label.draw")
    qtbot.addWidget(dialog)
    dialog.show()
    assert not dialog.take.isEnabled()
    QTest.keyClick(dialog.capture, Qt.Key.Key_D)
    assert "“Next image”" in dialog.about.text()
    assert (dialog.take.text(), dialog.key) == ("Take it", "D")
    QTest.keyClick(dialog.capture, Qt.Key.Key_Z, Qt.KeyboardModifier.AltModifier)
    assert "free" in dialog.about.text()
    dialog.try_key("Tab")
    assert not dialog.take.isEnabled() and dialog.key == ""
    QTest.keyClick(dialog.capture, Qt.Key.Key_Y)
    QTest.keyClick(dialog.capture, Qt.Key.Key_Return)
    assert (dialog.result(), dialog.key) == (KeyDialog.DialogCode.Accepted, "Y")


def test_the_dialog_says_which_key_goes_and_which_stay(qtbot: QtBot) -> None:
    changing, adding = KeyDialog(PLAIN, "label.draw", instead=True), KeyDialog(PLAIN, "label.draw")
    bare = KeyDialog(PLAIN.without_keys("label.draw"), "label.draw", instead=True)
    for dialog in (changing, adding, bare):
        qtbot.addWidget(dialog)
        dialog.try_key("Y")
    assert changing.about.text() == "Y is free. It takes the place of W; R stays."
    assert adding.about.text() == bare.about.text() == "Y is free."
    changing.try_key("D")
    assert changing.about.text().endswith("It takes the place of W; R stays.")


def test_escape_leaves_the_dialog_without_a_change(qtbot: QtBot) -> None:
    dialog = KeyDialog(PLAIN, "label.draw")
    qtbot.addWidget(dialog)
    dialog.show()
    QTest.keyClick(dialog.capture, Qt.Key.Key_Y)
    QTest.keyClick(dialog.capture, Qt.Key.Key_Escape)
    assert dialog.result() == KeyDialog.DialogCode.Rejected


# -- the editor


@pytest.fixture
def editor(qtbot: QtBot) -> ShortcutEditor:
    made = ShortcutEditor(PLAIN)
    qtbot.addWidget(made)
    return made


def items_of(editor: ShortcutEditor) -> dict[str, QTreeWidgetItem]:
    """The rows of the tree by the action that they are for."""
    walk = QTreeWidgetItemIterator(editor.tree)
    found = {}
    while (item := walk.value()) is not None:
        if action := item.data(0, ACTION):
            found[action] = item
        walk += 1
    return found


def test_the_editor_gives_takes_and_resets_keys(editor: ShortcutEditor) -> None:
    editor.select("label.draw")
    editor.give("label.draw", "D", instead=False)
    assert editor.choice.find_keys("label.draw") == ("W", "R", "D")
    assert editor.choice.find_keys("label.next") == ("PgDown",)
    editor.give("label.draw", "X", instead=True)
    assert editor.choice.find_keys("label.draw") == ("X", "R", "D"), "the other keys stay"
    QTest.keyClick(editor.tree, Qt.Key.Key_Delete)
    assert editor.choice.find_keys("label.draw") == ()
    find_button(editor, "Reset").click()
    assert editor.choice.find_keys("label.draw") == ("W", "R")
    find_button(editor, "Reset all").click()
    assert editor.choice == PLAIN


def test_the_editor_warns_where_a_reset_brings_a_clash_back(editor: ShortcutEditor) -> None:
    editor.give("label.clean", "D", instead=False)
    editor.select("label.next")
    find_button(editor, "Reset").click()
    assert any("“Clean”" in text and "neither" in text for text in read_texts(editor))


def test_another_preset_begins_without_own_changes(editor: ShortcutEditor) -> None:
    editor.give("label.draw", "X", instead=True)
    presets = find_field(editor, QComboBox, "Preset of keys")
    presets.setCurrentText("labelImg")
    presets.activated.emit(presets.currentIndex())
    assert editor.choice == KeyChoice("labelImg", {})
    assert "Space" in items_of(editor)["label.reviewed"].text(1)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [("draw", "label.draw"), ("ctrl+shift+z", "window.redo"), ("inspect truth", "inspect.truth")],
)
def test_the_editor_finds_by_action_key_and_page(editor: ShortcutEditor, typed: str, expected: str) -> None:
    enter_text(editor, "Find an action or a key", typed)
    shown = [action for action, item in items_of(editor).items() if not item.isHidden()]
    assert expected in shown and len(shown) < 8
    assert spec_of(expected).name == expected.split(".")[1]
