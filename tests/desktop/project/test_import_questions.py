"""What the import dialog asks: the columns of a table of other headers, and what images without a box are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QComboBox
from pytestqt.qtbot import QtBot

from core.project.project import Project
from core.types import Status
from desktop.project.import_dialog import ImportDialog
from desktop.services import Services
from tests.builders import project_with_pictures, write_picture
from tests.desktop.kit.form_driver import find_field, read_texts


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with project_with_pictures(tmp_path / "parts", 1) as project:
        yield project


def choose(dialog: ImportDialog, name: str, text: str) -> None:
    field = find_field(dialog, QComboBox, name)
    assert field.isVisibleTo(dialog)
    field.setCurrentText(text)


def open_dialog(qtbot: QtBot, services: Services, project: Project, folder: Path, table: str) -> ImportDialog:
    write_picture(folder / "a.png")
    (folder / "cells.csv").write_text(table)
    dialog = ImportDialog(services.tasks, folder, project)
    qtbot.addWidget(dialog)
    dialog.choose_source(folder / "cells.csv")
    assert services.tasks.wait_idle()
    return dialog


def test_a_label_column_of_another_name_is_asked_for(
    qtbot: QtBot, services: Services, project: Project, tmp_path: Path
) -> None:
    table = "image,cell_type,xmin,ymin,xmax,ymax\na.png,pit,10,20,30,40\n"
    dialog = open_dialog(qtbot, services, project, tmp_path / "data", table)
    assert not dialog.confirm.isEnabled() and "columns of the table" in dialog.problem.text()
    assert "Label column" in read_texts(dialog) and "x1 column" not in read_texts(dialog)
    choose(dialog, "Label column", "cell_type")
    qtbot.waitUntil(dialog.confirm.isEnabled)
    (image,) = dialog.build_request().imported.images
    assert image.boxes.tolist() == [[10, 20, 30, 40]] and image.label_sets == ({"pit"},)


def test_the_columns_of_the_box_may_be_a_centre_and_a_size(
    qtbot: QtBot, services: Services, project: Project, tmp_path: Path
) -> None:
    table = "photo,kind,a,b,c,d\na.png,pit,20,30,20,20\n"
    dialog = open_dialog(qtbot, services, project, tmp_path / "data", table)
    choose(dialog, "Image column", "photo")
    choose(dialog, "Label column", "kind")
    choose(dialog, "Box is given by", "Centre and size: cx, cy, w, h")
    assert "x1 column" not in read_texts(dialog)
    for name, column in zip(("cx", "cy", "w", "h"), "abcd", strict=True):
        assert not dialog.confirm.isEnabled()
        choose(dialog, f"{name} column", column)
    qtbot.waitUntil(dialog.confirm.isEnabled)
    assert dialog.build_request().imported.images[0].boxes.tolist() == [[10, 20, 30, 40]]


def test_another_file_is_not_asked_about(qtbot: QtBot, services: Services, project: Project, tmp_path: Path) -> None:
    dialog = open_dialog(qtbot, services, project, tmp_path / "data", "photo,kind,a,b,c,d\na.png,pit,1,2,3,4\n")
    (tmp_path / "data" / "known.csv").write_text("image,label,x1,y1,x2,y2\na.png,pit,10,20,30,40\n")
    dialog.choose_source(tmp_path / "data" / "known.csv")
    assert services.tasks.wait_idle()
    assert dialog.confirm.isEnabled() and not dialog.columns.isVisibleTo(dialog)


def test_images_without_a_box_become_clean_where_the_user_says_so(
    qtbot: QtBot, services: Services, project: Project, tmp_path: Path
) -> None:
    dialog = open_dialog(qtbot, services, project, tmp_path / "data", "image,label,x1,y1,x2,y2\na.png,,,,,\n")
    assert dialog.build_request().imported.images[0].status is Status.UNLABELLED
    choose(dialog, "Without a box", "Become clean: verified free of defects, examples for training")
    assert dialog.build_request().imported.images[0].status is Status.CLEAN


def test_images_without_a_label_file_become_clean_only_by_a_choice_of_their_own(
    qtbot: QtBot, services: Services, project: Project, tmp_path: Path
) -> None:
    for name in ("empty", "unseen"):
        write_picture(tmp_path / "data" / f"{name}.png")
    (tmp_path / "data" / "empty.txt").write_text("")
    (tmp_path / "data" / "classes.txt").write_text("pit\n")
    dialog = ImportDialog(services.tasks, tmp_path, project)
    qtbot.addWidget(dialog)
    dialog.choose_source(tmp_path / "data" / "classes.txt")
    assert services.tasks.wait_idle()

    def find_statuses() -> dict[str, Status | None]:
        return {image.path.stem: image.status for image in dialog.build_request().imported.images}

    choose(dialog, "Without a box", "Become clean: verified free of defects, examples for training")
    assert find_statuses() == {"empty": Status.CLEAN, "unseen": Status.UNLABELLED}
    assert "1 image has no label file at all, such as unseen.png: it stayed unlabelled" in dialog.problem.text()
    choose(dialog, "Without a box", "Become clean, also those that have no label file at all")
    assert find_statuses() == {"empty": Status.CLEAN, "unseen": Status.CLEAN}


def test_the_encoding_of_a_table_that_is_no_unicode_is_asked_for(
    qtbot: QtBot, services: Services, project: Project, tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    write_picture(folder / "a.png")
    (folder / "cells.csv").write_bytes("image;label;x1;y1;x2;y2\na.png;Öl;10,5;20;30;40\n".encode("cp1252"))
    dialog = ImportDialog(services.tasks, folder, project)
    qtbot.addWidget(dialog)
    dialog.choose_source(folder / "cells.csv")
    assert services.tasks.wait_idle()
    assert not dialog.confirm.isEnabled() and "in which encoding" in dialog.problem.text()
    field = find_field(dialog, QComboBox, "Encoding")
    assert field.itemText(1) == "cp1252: a.png;Öl;10,5;20;30;40"
    dialog.encoding.choose("cp1252")
    qtbot.waitUntil(dialog.confirm.isEnabled)
    (image,) = dialog.build_request().imported.images
    assert image.boxes.tolist() == [[10.5, 20, 30, 40]] and image.label_sets == ({"Öl"},)


def test_one_folder_answers_all_names_that_several_files_have(
    qtbot: QtBot, services: Services, project: Project, tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    for seed, name in enumerate(("raw/a.png", "cut/a.png")):
        write_picture(folder / name, seed=seed)
    (folder / "cells.csv").write_text("image,label,x1,y1,x2,y2\na.png,pit,10,20,30,40\n")
    dialog = ImportDialog(services.tasks, folder, project)
    qtbot.addWidget(dialog)
    dialog.choose_source(folder / "cells.csv")
    assert services.tasks.wait_idle()
    assert not dialog.confirm.isEnabled()
    assert dialog.tabs.currentWidget().isAncestorOf(dialog.candidates)
    field = find_field(dialog, QComboBox, "Folder for all")
    assert [field.itemText(place) for place in range(field.count())] == [
        "Choose the folder that is meant",
        f"{folder / 'cut'} (1 name)",
        f"{folder / 'raw'} (1 name)",
    ]
    dialog.candidates.choose(folder / "raw")
    qtbot.waitUntil(dialog.confirm.isEnabled)
    assert [image.path for image in dialog.build_request().imported.images] == [folder / "raw" / "a.png"]
