"""Import and export in the window: everything is shown first, nothing is written before, one edit afterwards."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QComboBox, QDialog, QLineEdit, QMessageBox
from pytestqt.qtbot import QtBot

from core.errors import StorageError
from core.formats.annotations import WRITTEN, Format
from core.project.edits import image_edits
from core.project.edits.box_edits import add_box
from core.project.project import Project
from core.types import Problem, Split
from desktop.base.background import Tasks
from desktop.project.export_dialog import ExportDialog, target_problem
from desktop.project.import_dialog import IMAGES, PROBLEMS, ImportDialog
from desktop.services import Services
from desktop.shell.main_window import MainWindow
from tests.builders import draw, picture, project_with_pictures, write_coco, write_picture, write_pictures
from tests.desktop.answers import answer_question
from tests.desktop.full_disk import full_disk
from tests.desktop.kit.form_driver import choose_entry, enter_text, find_button, find_field, read_texts


@pytest.fixture
def tasks(services: Services) -> Tasks:
    return services.tasks


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with project_with_pictures(tmp_path / "parts", 3) as project:
        yield project


def _coco(folder: Path, count: int = 3, labels: tuple[str, ...] = ("scratch", "open")) -> Path:
    """A file on part1.png ... with a box of both labels on each image, one bad box, and the last image not there."""
    images = [{"id": n, "file_name": f"part{n}.png", "width": 64, "height": 48} for n in range(1, count + 2)]
    boxes = [
        {"image_id": n, "category_id": label, "bbox": [2, 3, 10, 12]} for n in range(1, count + 1) for label in (1, 2)
    ]
    return write_coco(
        folder / "coco.json", images, [*boxes, {"image_id": 1, "category_id": 1, "bbox": [5, 5, 0, 8]}], labels
    )


# -- the import dialog


def test_what_was_found_is_told_before_anything_is_written(
    qtbot: QtBot, tasks: Tasks, project: Project, tmp_path: Path
) -> None:
    draw(project, project.image_ids()[0], (2, 3, 12, 15), ("pit",))
    revision = project.revision
    folder = tmp_path / "parts" / "images"
    write_pictures(folder, 4)
    (folder / "part5.png").unlink(missing_ok=True)
    dialog = ImportDialog(tasks, tmp_path, project)
    qtbot.addWidget(dialog)
    assert not dialog.confirm.isEnabled()
    dialog.choose_source(_coco(folder, 4))
    assert tasks.wait_idle()
    told = dialog.overview.texts
    assert told["Images"].startswith("4 images, 3 of them in the project already")
    assert told["Not found"].startswith("1 image")
    assert told["Boxes"] == "4 boxes, 4 with several labels; 4 repeated boxes merged into one with all labels"
    assert "new: open" in told["Labels"] and "known: scratch" in told["Labels"]
    assert any("has no area" in problem.problem for problem in dialog.problems.model.shown)
    what = {Path(line.file).name: line.problem for line in dialog.images.model.shown}
    assert (
        what["part1.png"]
        == "in the project with 1 box: 1 box (1 whose numbers cannot be used left out) merged into them"
    )
    assert what["part4.png"] == "new: 1 box"
    assert dialog.tabs.currentIndex() == PROBLEMS
    assert "COCO" in find_field(dialog, QComboBox, "Format").itemText(0)
    assert dialog.confirm.isEnabled()
    assert project.revision == revision


def test_a_dialog_that_grows_keeps_its_buttons_on_the_screen(
    qtbot: QtBot, tasks: Tasks, project: Project, tmp_path: Path
) -> None:
    dialog = ImportDialog(tasks, tmp_path, project)
    qtbot.addWidget(dialog)
    dialog.show()
    room = dialog.screen().availableGeometry()
    low = room.bottom() - dialog.height() - 20
    dialog.move(30, low)
    dialog.choose_source(_coco(project.folder / "images"))
    qtbot.waitUntil(lambda: dialog.confirm.isEnabled())
    assert dialog.y() < low and dialog.frameGeometry().bottom() <= room.bottom()


def test_images_that_are_elsewhere_are_found_by_naming_their_folder(
    qtbot: QtBot, tasks: Tasks, project: Project, tmp_path: Path
) -> None:
    file = _coco(tmp_path / "deep" / "set" / "annotations", 2)
    write_pictures(tmp_path / "far" / "elsewhere", 2)
    dialog = ImportDialog(tasks, tmp_path, project)
    qtbot.addWidget(dialog)
    dialog.choose_source(file)
    assert tasks.wait_idle()
    assert not dialog.confirm.isEnabled()
    assert "folder that the images are in" in dialog.problem.text()
    assert find_field(dialog, QLineEdit, "Folder of the images").property("invalid")
    enter_text(dialog, "Folder of the images", tmp_path / "far" / "elsewhere")
    qtbot.waitUntil(dialog.confirm.isEnabled)
    assert len(dialog.build_request().imported.images) == 2


@pytest.mark.parametrize("content", ["no annotations", "[1, 2]", '{"images": 3}'])
def test_what_is_no_annotation_is_refused_by_name(
    qtbot: QtBot, tasks: Tasks, project: Project, tmp_path: Path, content: str
) -> None:
    file = tmp_path / "strange.json"
    file.write_text(content)
    dialog = ImportDialog(tasks, tmp_path, project)
    qtbot.addWidget(dialog)
    dialog.choose_source(file)
    assert tasks.wait_idle()
    assert "strange.json" in dialog.problem.text()
    assert not dialog.confirm.isEnabled()


def test_another_file_stops_the_reading_of_the_first(
    qtbot: QtBot, tasks: Tasks, project: Project, tmp_path: Path
) -> None:
    write_pictures(tmp_path / "a", 2)
    write_pictures(tmp_path / "b", 1)
    dialog = ImportDialog(tasks, tmp_path, project)
    qtbot.addWidget(dialog)
    dialog.choose_source(_coco(tmp_path / "a", 2))
    first = dialog.reading
    dialog.choose_source(_coco(tmp_path / "b", 1))
    assert first is not None and first.stop.is_set()
    assert tasks.wait_idle()
    assert len(dialog.build_request().imported.images) == 1


def test_a_dialog_that_is_closed_stops_reading(qtbot: QtBot, tasks: Tasks, project: Project, tmp_path: Path) -> None:
    write_pictures(tmp_path / "a", 2)
    dialog = ImportDialog(tasks, tmp_path, project)
    qtbot.addWidget(dialog)
    dialog.choose_source(_coco(tmp_path / "a", 2))
    reading = dialog.reading
    dialog.reject()
    assert reading is not None and reading.stop.is_set()


def test_a_file_can_be_dropped_on_the_dialog(qtbot: QtBot, tasks: Tasks, project: Project, tmp_path: Path) -> None:
    write_pictures(tmp_path / "a", 1)
    dialog = ImportDialog(tasks, tmp_path, project)
    qtbot.addWidget(dialog)
    dialog.dropEvent(_drop_of(_coco(tmp_path / "a", 1)))
    assert tasks.wait_idle()
    assert dialog.confirm.isEnabled()
    assert dialog.tabs.tabText(IMAGES) == "Images (1)"


def test_the_import_dialog_is_gone_through_by_keys_alone(
    qtbot: QtBot, tasks: Tasks, project: Project, tmp_path: Path
) -> None:
    write_pictures(tmp_path / "a", 1)
    dialog = ImportDialog(tasks, tmp_path, project)
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.keyClicks(find_field(dialog, QLineEdit, "Annotations"), str(_coco(tmp_path / "a", 1)))
    qtbot.waitUntil(dialog.confirm.isEnabled)
    reached = set()
    for _ in range(30):
        focus = dialog.focusWidget()
        reached.add(focus.accessibleName() or focus.text() if hasattr(focus, "text") else focus.accessibleName())
        qtbot.keyClick(focus, Qt.Key.Key_Tab)
    assert {"Annotations", "Folder of the images", "Format", "Search the problems", "File and Problem"} <= reached
    qtbot.keyClick(find_field(dialog, QLineEdit, "Annotations"), Qt.Key.Key_Return)
    assert dialog.result() == QDialog.DialogCode.Accepted


def test_the_share_of_the_boxes_the_splits_and_kinds_of_problems_are_told(
    qtbot: QtBot, tasks: Tasks, project: Project, tmp_path: Path
) -> None:
    write_pictures(tmp_path / "ds" / "train", 2)
    dialog = ImportDialog(tasks, tmp_path, project)
    qtbot.addWidget(dialog)
    dialog.choose_source(_coco(tmp_path / "ds" / "train", 2))
    assert tasks.wait_idle()
    told = dialog.overview.texts
    assert told["Share"].startswith("4 of 5 boxes (80.0%) came in; left out: 1 whose numbers cannot be used")
    assert told["Splits"] == "train 2"
    for text in ("images that were not found: 1", "boxes whose numbers cannot be used: 1"):
        assert text in told["Problems"]
    assert not dialog.group_copies.isVisibleTo(dialog)


@pytest.mark.parametrize("wanted", [True, False])
def test_the_grouping_of_copies_is_offered(
    qtbot: QtBot, tasks: Tasks, project: Project, tmp_path: Path, wanted: bool
) -> None:
    names = ["a_jpg.rf.0123456789abcdef.png", "a_jpg.rf.fedcba9876543210.png"]
    for seed, name in enumerate(names):
        write_picture(tmp_path / "ds" / name, picture(seed=seed))
    images = [{"id": n, "file_name": name, "width": 64, "height": 48} for n, name in enumerate(names, 1)]
    dialog = ImportDialog(tasks, tmp_path, project)
    qtbot.addWidget(dialog)
    dialog.choose_source(write_coco(tmp_path / "ds" / "x.json", images, []))
    assert tasks.wait_idle()
    assert dialog.group_copies.isVisibleTo(dialog) and "2 images of 1 picture," in dialog.group_copies.text()
    dialog.group_copies.setChecked(wanted)
    groups = [image.group for image in dialog.build_request().imported.images]
    assert groups == (["a_jpg", "a_jpg"] if wanted else [None, None])


# -- import in the window


def test_an_import_is_one_step_and_the_same_again_changes_nothing(
    window: MainWindow, services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_pictures(tmp_path / "images", 2)
    file = _coco(tmp_path / "images", 2)
    _agree(monkeypatch, services, ImportDialog)
    window.session.adopt(Project.create(tmp_path / "parts"))
    for _ in range(2):
        window.project_actions.transfer.import_annotations(file)
        assert services.tasks.wait_idle()
    project = window.session.project
    assert project is not None
    assert (project.counts().images, project.counts().boxes) == (2, 2)
    assert [entry.done for entry in project.history.list_entries()].count(True) == 1
    said = answer_question("Undo it")
    window.action_set["undo"].trigger()
    assert "It takes 2 images out of the project, deletes 2 boxes and deletes the labels scratch, open." in said[0]
    assert (project.counts().images, project.counts().boxes, project.labels()) == (0, 0, ())


def test_an_import_does_not_begin_without_edits_that_wait_for_the_disk(
    window: MainWindow, services: Services, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr("desktop.project.flow_context.show_error", lambda _w, title, error: said.append(f"{error}"))
    _agree(monkeypatch, services, ImportDialog)
    _agree(monkeypatch, services, ExportDialog)
    window.session.adopt(project)
    edit = add_box(project, project.image_ids()[0], (1, 1, 9, 9), set())
    with full_disk(project):
        with pytest.raises(StorageError) as refusal:
            window.session.apply(edit)
        window.session.hold_edit(edit, str(refusal.value))
        window.project_actions.transfer.import_annotations(_coco(project.folder / "images"))
        window.project_actions.transfer.export_annotations()
        assert len(said) == 2 and all("1 edit is not written to the disk yet" in text for text in said)
    window.project_actions.transfer.import_annotations(_coco(project.folder / "images"))
    assert services.tasks.wait_idle()
    assert [entry.name for entry in project.history.list_entries()][1:] == ["Draw box", "Import 3 boxes"]


def test_annotations_become_a_project_where_none_is_open(
    window: MainWindow, services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_pictures(tmp_path / "images", 2)
    _agree(monkeypatch, services, ImportDialog)
    window.project_actions.take_dropped([_coco(tmp_path / "images", 2)])
    assert services.tasks.wait_idle()
    project = window.session.project
    assert project is not None
    assert project.folder == tmp_path / "images" / "coco-project"
    assert (project.counts().images, project.counts().boxes) == (2, 2)


def test_a_dropped_folder_with_annotations_is_asked_about(
    window: MainWindow, services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_pictures(tmp_path / "images", 2)
    _coco(tmp_path / "images", 2)
    asked: list[str] = []

    def answer(box: QMessageBox) -> int:
        asked.append(box.informativeText())
        next(button for button in box.buttons() if button.text() == "Add the images only").click()
        return 0

    monkeypatch.setattr("desktop.project.drop_files.QMessageBox.exec", answer)
    monkeypatch.setattr("desktop.project.add_images.ProblemsDialog.open", lambda _dialog: None)
    window.session.adopt(Project.create(tmp_path / "parts"))
    window.project_actions.take_dropped([tmp_path / "images"])
    assert services.tasks.wait_idle()
    assert len(asked) == 1 and "COCO" in asked[0]
    project = window.session.project
    assert project is not None
    assert (project.counts().images, project.counts().boxes) == (2, 0)


def test_what_needs_a_project_or_writing_says_why_it_cannot_be_done(window: MainWindow, tmp_path: Path) -> None:
    assert "Open a project first" in window.action_set["export_annotations"].toolTip()
    assert not window.action_set["export_annotations"].isEnabled()
    assert window.action_set["import_as_project"].isEnabled()
    with project_with_pictures(tmp_path / "parts"):
        window.session.open(tmp_path / "parts", read_only=True)
        for name in ("add_images", "import_annotations", "find_missing"):
            assert not window.action_set[name].isEnabled()
            assert "read-only" in window.action_set[name].toolTip()
        assert window.action_set["export_annotations"].isEnabled()
        assert "first" not in window.action_set["export_annotations"].toolTip()
        window.session.close()


# -- export


def test_a_folder_that_holds_something_is_refused_unless_told(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("x")
    (tmp_path / "empty").mkdir()
    assert target_problem(tmp_path / "new", overwrite=False) == ""
    assert target_problem(tmp_path / "empty", overwrite=False) == ""
    assert "not empty" in target_problem(tmp_path / "full", overwrite=False)
    assert target_problem(tmp_path / "full", overwrite=True) == ""
    assert "whole path" in target_problem(Path("somewhere"), overwrite=False)
    assert "file" in target_problem(tmp_path / "full" / "mine.txt", overwrite=True)
    assert target_problem(None, overwrite=False)


def test_the_export_dialog_tells_what_is_written_and_what_is_lost(
    qtbot: QtBot, tasks: Tasks, project: Project, tmp_path: Path
) -> None:
    first, second, _ = project.image_ids()
    draw(project, first)
    draw(project, second, labels=("scratch", "pit"))
    project.apply(image_edits.set_split(project, [first], Split.TRAIN))
    dialog = ExportDialog(tasks, project, tmp_path)
    qtbot.addWidget(dialog)
    assert tasks.wait_idle()
    assert "3 images with 2 boxes" in read_texts(dialog)
    assert find_button(dialog, "Train").text() == "Train (1)"
    find_button(dialog, "No split").setChecked(False)
    assert "1 image with 1 box" in read_texts(dialog)
    assert dialog.build_options().splits == {Split.TRAIN, Split.VAL, Split.TEST}
    assert dialog.build_options().statuses is None
    find_button(dialog, "Train").setChecked(False)
    assert not dialog.confirm.isEnabled()
    find_button(dialog, "No split").setChecked(True)
    choose_entry(dialog, "Format", list(Format).index(Format.YOLO))
    assert any(text.startswith("YOLO cannot hold") for text in read_texts(dialog))
    assert dialog.build_options().folder == tmp_path / "parts-yolo"
    enter_text(dialog, "Folder of the export", tmp_path / "parts")
    assert not dialog.confirm.isEnabled() and find_button(
        dialog, "Write over the earlier export in this folder"
    ).isVisibleTo(dialog)


@pytest.mark.parametrize("format", WRITTEN)
def test_an_export_comes_back_by_import_with_the_same_boxes(
    window: MainWindow, services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, format: Format
) -> None:
    project = project_with_pictures(tmp_path / "parts", 3)
    draw(project, project.image_ids()[0], labels=("scratch", "pit"))
    draw(project, project.image_ids()[1], (10, 10, 20, 20), ("stain",))
    window.session.adopt(project)
    reports: list[str] = []
    rows: list[Problem] = []

    def tell(*given: Any) -> _Told:
        rows.extend(given[3])
        return _Told(reports, given[2])

    monkeypatch.setattr("desktop.project.import_export.ProblemsDialog", tell)

    def ask(dialog: ExportDialog) -> int:
        assert services.tasks.wait_idle()
        choose_entry(dialog, "Format", list(Format).index(format))
        enter_text(dialog, "Folder of the export", tmp_path / "out")
        find_button(dialog, "Copy the image files as well").setChecked(True)
        assert dialog.confirm.isEnabled()
        return 1

    monkeypatch.setattr(ExportDialog, "exec", ask)
    window.action_set["export_annotations"].trigger()
    assert services.tasks.wait_idle()
    assert len(reports) == 1 and "3 images with 2 boxes" in reports[0] and str(tmp_path / "out") in reports[0]
    told = [row.problem for row in rows if row.file == "All images"]
    assert "1 box has several labels: other programs see a box for each label; only DefectDesk reads that back" in told
    _agree(monkeypatch, services, ImportDialog)
    window.session.adopt(Project.create(tmp_path / "again"))
    window.project_actions.transfer.import_annotations(tmp_path / "out")
    assert services.tasks.wait_idle()
    again = window.session.project
    assert again is not None
    names = {label.id: label.name for label in again.labels()}
    found = {
        tuple(sorted(names[label] for label in box.labels)) for image in again.image_ids() for box in again.boxes(image)
    }
    assert found == {("pit", "scratch"), ("stain",)}


def test_an_export_says_how_many_pictures_were_replaced_and_left_out(
    window: MainWindow, services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = project_with_pictures(tmp_path / "parts", 3)
    first, second, _ = project.image_ids()
    draw(project, first)
    draw(project, second)
    write_picture(project.image_path(first), picture(seed=70))
    window.session.adopt(project)
    reports: list[str] = []
    monkeypatch.setattr("desktop.project.import_export.ProblemsDialog", lambda *given: _Told(reports, given[2]))

    def ask(dialog: ExportDialog) -> int:
        enter_text(dialog, "Folder of the export", tmp_path / "out")
        return 1

    monkeypatch.setattr(ExportDialog, "exec", ask)
    window.action_set["export_annotations"].trigger()
    assert services.tasks.wait_idle()
    assert "2 images with 1 box" in reports[0] and "1 image is left out with all boxes" in reports[0]


def test_an_export_that_fails_says_so_and_leaves_nothing(
    window: MainWindow, services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = project_with_pictures(tmp_path / "parts", 1)
    window.session.adopt(project)
    (tmp_path / "blocked").write_text("a file where a folder must be")
    said: list[str] = []
    monkeypatch.setattr(
        "desktop.project.flow_context.show_error", lambda _window, title, error: said.append(f"{title}: {error}")
    )

    def ask(dialog: ExportDialog) -> int:
        enter_text(dialog, "Folder of the export", tmp_path / "blocked" / "out")
        return 1

    monkeypatch.setattr(ExportDialog, "exec", ask)
    window.action_set["export_annotations"].trigger()
    assert services.tasks.wait_idle()
    assert len(said) == 1 and "could not be exported" in said[0] and "blocked" in said[0]
    assert (tmp_path / "blocked").read_text() == "a file where a folder must be"


class _Told:
    def __init__(self, told: list[str], text: str) -> None:
        told.append(text)

    def open(self) -> None:
        pass


def _agree(monkeypatch: pytest.MonkeyPatch, services: Services, kind: type[ImportDialog]) -> None:
    """Press Import as soon as everything was read; what is told at the end is not shown."""

    def agree(dialog: ImportDialog) -> int:
        assert services.tasks.wait_idle()
        assert dialog.confirm.isEnabled(), dialog.problem.text()
        return 1

    monkeypatch.setattr(kind, "exec", agree)
    monkeypatch.setattr("desktop.project.import_export.ProblemsDialog", lambda *_given: _Told([], ""))


def _drop_of(path: Path) -> QDropEvent:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    event = QDropEvent(
        QPointF(5, 5), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    event.kept = data  # type: ignore[attr-defined] # the event does not own it
    return event


def test_the_files_that_tests_write_are_what_they_say(tmp_path: Path) -> None:
    tree = json.loads(_coco(tmp_path, 2).read_text())
    assert (len(tree["images"]), len(tree["annotations"])) == (3, 5)
