"""What the import dialog says would happen to each image."""

from __future__ import annotations

import shutil
from pathlib import Path

from pytestqt.qtbot import QtBot

from core.formats.importing import import_into
from core.formats.registry import read_annotations
from core.project.edits import box_edits
from core.project.project import Project
from desktop.project.import_dialog import ImportDialog
from desktop.project.import_overview import preview_import
from desktop.services import Services
from tests.builders import project_with_pictures, write_picture
from tests.desktop.kit.form_driver import find_button

TRUNCATED = "truncated (cut off at an edge): 1 box"


def test_a_labelled_picture_under_another_path_is_not_new(tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "p", count=2) as project:
        first = project.image_ids()[0]
        project.apply(box_edits.add_box(project, first, (1, 1, 9, 9), {project.labels()[0].id}))
        other = tmp_path / "other"
        other.mkdir()
        shutil.copy(project.image_path(first), other / "a.png")
        (other / "boxes.csv").write_text("image,x1,y1,x2,y2,label\na.png,1,1,9,9,pit\n")
        overview = preview_import(read_annotations(other / "boxes.csv"), project)
        assert (overview.images, overview.present) == (1, 1)
        ours = project.image(first).path
        (line,) = overview.lines
        assert line.problem == f"in the project as {ours}, which holds the same, with 1 box: 1 box merged into them"
    new = preview_import(read_annotations(other / "boxes.csv"), None)
    assert new.present == 0


def write_marked_table(folder: Path) -> Path:
    """Boxes that are difficult, truncated, and none of these."""
    write_picture(folder / "a.png")
    rows = ["image,label,x1,y1,x2,y2,difficult,truncated", "a.png,pit,1,1,9,9,1,0", "a.png,pit,20,1,29,9,0,1"]
    file = folder / "boxes.csv"
    file.write_text("\n".join([*rows, "a.png,pit,40,1,49,9,0,0"]))
    return file


def test_the_marks_that_make_a_box_difficult_are_chosen(qtbot: QtBot, services: Services, tmp_path: Path) -> None:
    dialog = ImportDialog(services.tasks, tmp_path, None)
    qtbot.addWidget(dialog)
    assert not dialog.marks.isVisibleTo(dialog)
    dialog.choose_source(write_marked_table(tmp_path / "data"))
    assert services.tasks.wait_idle()
    assert dialog.marks.isVisibleTo(dialog)
    difficult, truncated = (find_button(dialog, text) for text in ("difficult: 1 box", TRUNCATED))
    assert difficult.isChecked() and not truncated.isChecked()
    assert dialog.overview.texts["Boxes"] == "3 boxes; 1 becomes difficult: training and judging ignore what is there"
    truncated.setChecked(True)
    assert dialog.overview.texts["Boxes"].startswith("3 boxes; 2 become difficult")
    assert [problem.problem.partition(":")[0] for problem in dialog.problems.model.shown] == [
        "1 box is marked as difficult",
        "1 box is marked as truncated",
    ]
    imported = dialog.build_request().imported
    with Project.create(tmp_path / "p") as project:
        import_into(project, imported)
        assert [box.difficult for box in project.boxes(project.image_ids()[0])] == [True, True, False]


def test_annotations_without_marks_are_not_asked_about(qtbot: QtBot, services: Services, tmp_path: Path) -> None:
    file = write_marked_table(tmp_path / "data")
    dialog = ImportDialog(services.tasks, tmp_path, None)
    qtbot.addWidget(dialog)
    dialog.choose_source(file)
    assert services.tasks.wait_idle()
    file.write_text("image,label,x1,y1,x2,y2\na.png,pit,1,1,9,9")
    dialog.choose_source(file)
    assert services.tasks.wait_idle()
    assert not dialog.marks.isVisibleTo(dialog) and dialog.overview.texts["Boxes"] == "1 box"
