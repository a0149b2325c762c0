"""The Augment page: what it shows is what training takes, at once, and what is set there is kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QDeadlineTimer, QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel

from core.augmentation.config import PRESETS, AugmentationConfig
from core.operations.launcher import make_launcher
from core.project.edits import box_edits, image_edits
from core.project.project import Project
from core.project.snapshot import take_snapshot
from core.recipe.draft import load_draft, save_draft
from core.recipe.recipe import Recipe, default_recipe, with_settings
from core.settings import Settings
from core.training.data.crops import input_size
from core.types import Split, Status
from desktop.augment.augment_page import AugmentPage
from desktop.augment.augmentation_panel import SECTIONS
from desktop.augment.preview_cycle import KEY
from desktop.augment.previews import COUNT, list_training_images
from desktop.base.background import Tasks
from desktop.base.session import Session
from desktop.services import Services
from desktop.viewer.thumbnails import ThumbnailLoader
from tests.builders import add_labels, draw, label_named, picture, write_picture

WIDTH, HEIGHT = 320, 240


@dataclass
class Opened:
    page: AugmentPage
    session: Session
    tasks: Tasks
    project: Project

    def settle(self) -> None:
        assert self.tasks.wait_idle()

    def button(self, name: str):
        return next(button for button in self.page.panel.presets.buttons() if button.text() == name)


@pytest.fixture
def project(tmp_path: Path):
    project = Project.create(tmp_path / "project", ("scratch", "pit", "stain"))
    for number in range(4):
        write_picture(project.folder / "images" / f"part{number}.png", picture(WIDTH, HEIGHT, number))
    project.files.add_images([project.folder / "images"])
    for image_id in project.image_ids()[:3]:
        draw(project, image_id, (20, 30, 70, 90), ("scratch", "stain"))
        draw(project, image_id, (200, 150, 260, 190), ("pit",))
    project.apply(image_edits.set_split(project, project.image_ids()[:3], Split.TRAIN))
    save_draft(project, recipe())
    yield project
    project.close()


def recipe(model: str = "ssd_compact", preset: str = "Medium", **settings: object) -> Recipe:
    base = default_recipe(model).model_copy(update={"augmentation": PRESETS[preset]})
    return with_settings(base, {"sampling.input_size": 96, **settings})


@pytest.fixture
def opened(qtbot, project: Project, tmp_path: Path):
    tasks, session = Tasks(), Session()
    session.adopt(project)
    page = AugmentPage(session, Services(tasks, Settings(tmp_path / "config"), ThumbnailLoader(tasks), make_launcher()))
    qtbot.addWidget(page)
    page.resize(1200, 740)
    page.show()
    page.activated()
    opened = Opened(page, session, tasks, project)
    opened.settle()
    yield opened
    page.deactivated()
    tasks.shut_down()


# -- the same as training


@pytest.mark.parametrize("model", ["ssd_compact", "ssd300_vgg16"])
def test_previews_are_the_pictures_that_training_takes(opened: Opened, model: str) -> None:
    from core.training.data.dataset import ImageCache as TrainingCache
    from core.training.data.dataset import TrainingSet

    chosen = recipe(model, "Strong")
    save_draft(opened.project, chosen)
    opened.session.select_image(opened.project.image_ids()[1])
    opened.page.activated()
    opened.settle()
    images = take_snapshot(opened.project).of_split(Split.TRAIN)
    size = input_size(chosen, [(image.width, image.height) for image in images])
    training = TrainingSet(images, 3, chosen, size, TrainingCache())
    shown = opened.page.shown
    assert shown is not None and len(shown.pictures) == COUNT
    per_epoch = len(training) // 3
    for number, ours in enumerate(shown.pictures):
        theirs = training.picture(1 + number // per_epoch, 1, number % per_epoch)
        assert np.array_equal(ours.image, theirs.image)
        known = theirs.labels.any(axis=1)  # the others are what is spared of boxes that are cut
        assert np.array_equal(ours.boxes, theirs.boxes[known]) and np.array_equal(ours.labels, theirs.labels[known])
        assert np.array_equal(ours.spared, theirs.boxes[~known])


def test_training_images_are_those_of_the_snapshot(project: Project) -> None:
    ids = project.image_ids()
    project.apply(image_edits.set_split(project, [ids[3]], Split.TRAIN))
    assert [image.id for image in list_training_images(project)] == ids[:3]
    project.apply(image_edits.set_status(project, [ids[3]], Status.CLEAN))
    project.apply(image_edits.set_split(project, [ids[0]], Split.VAL))
    found = list_training_images(project)
    assert [image.id for image in found] == ids[1:]
    assert [str(project.image_path(image)) for image in found] == [
        image.path for image in take_snapshot(project).of_split(Split.TRAIN)
    ]


# -- following the user


def test_the_original_and_every_preview_are_shown_with_their_boxes(opened: Opened) -> None:
    cells = opened.page.grid.cells
    assert len(cells) == COUNT + 1 and cells[0].title == "Original"
    assert [box.names for box in cells[0].boxes] == [("scratch", "stain"), ("pit",)]
    assert len(cells[0].boxes[0].colors) == 2
    assert cells[1].image.shape == (96, 96, 3)


def test_a_moved_slider_changes_the_previews(opened: Opened) -> None:
    before = [picture.image for picture in opened.page.shown.pictures]
    opened.page.panel.form.control("noise").slider.setValue(80)
    opened.settle()
    after = opened.page.shown
    assert after.request.recipe.augmentation.noise == 40
    assert all(not np.array_equal(old, new.image) for old, new in zip(before, after.pictures, strict=True))


def test_many_moves_end_with_the_last_value_and_show_some_on_the_way(opened: Opened) -> None:
    slider = opened.page.panel.form.control("rotation").slider
    seen: set[float] = set()
    moving = QDeadlineTimer(20_000)
    value = 0
    # Never at rest: what is seen came while the slider moved, however slow the machine is.
    while len(seen) <= 3 and not moving.hasExpired():
        value = value % 59 + 1
        slider.setValue(value)
        QTest.qWait(2)
        seen.add(opened.page.shown.request.recipe.augmentation.rotation)
    slider.setValue(60)
    opened.settle()
    assert opened.page.shown.request.recipe.augmentation.rotation == 60
    assert len(seen) > 3


def test_new_seeds_go_on_to_the_following_epochs(opened: Opened) -> None:
    first = opened.page.shown
    QTest.keyClick(opened.page, Qt.Key.Key_N)
    opened.settle()
    second = opened.page.shown
    assert second.request.first == COUNT
    assert second.request.list_titles(1)[0].startswith(f"Epoch {1 + COUNT // len(first.request.views)}")
    assert not np.array_equal(first.pictures[0].image, second.pictures[0].image)


def test_next_and_previous_move_the_session_and_stop_at_the_ends(opened: Opened) -> None:
    ids = opened.project.image_ids()
    QTest.keyClick(opened.page, Qt.Key.Key_A)
    assert opened.session.image_id == ids[0]
    for _ in range(6):
        QTest.keyClick(opened.page, Qt.Key.Key_D)
    assert opened.session.image_id == ids[3]
    opened.settle()
    assert opened.page.shown.request.path == opened.project.image_path(ids[3])
    assert opened.page.summary == "This image has no boxes."


def test_an_edited_box_appears_in_the_previews(opened: Opened) -> None:
    image_id = opened.session.image_id
    label = label_named(opened.project, "pit").id
    opened.session.apply(box_edits.add_box(opened.project, image_id, (100, 100, 120, 130), {label}))
    opened.settle()
    assert len(opened.page.shown.request.boxes) == 3


def test_boxes_without_a_label_take_no_part(opened: Opened) -> None:
    opened.session.apply(box_edits.add_box(opened.project, opened.session.image_id, (100, 100, 120, 130), set()))
    opened.settle()
    assert len(opened.page.shown.request.boxes) == 2


def test_edits_that_wait_for_the_disk_are_in_the_previews(opened: Opened) -> None:
    session, project = opened.session, opened.project
    image_id, label = session.image_id, label_named(opened.project, "pit").id
    session.hold_edit(box_edits.add_box(project, image_id, (100, 100, 120, 130), {label}), "the disk is full")
    opened.settle()
    assert len(opened.page.shown.request.boxes) == 3 and len(project.boxes(image_id)) == 2
    hard = session.shown.boxes(image_id)[0].id
    session.hold_edit(box_edits.toggle_difficult(session.shown, image_id, [hard]), "the disk is full")
    opened.settle()
    assert len(opened.page.shown.request.boxes) == 2
    assert "1 difficult box left out" in read_words(opened.page)
    session.hold_edit(image_edits.set_split(session.shown, [image_id], Split.VAL), "the disk is full")
    opened.settle()
    assert "in val, not trained on" in read_words(opened.page)


def read_words(page: AugmentPage) -> str:
    return " ".join(label.text() for label in page.findChildren(QLabel))


def test_a_new_label_does_not_upset_previews_under_way(opened: Opened) -> None:
    opened.page.panel.form.control("noise").slider.setValue(10)
    opened.session.notify(add_labels(opened.project, ["dent"]))
    opened.settle()
    assert opened.page.shown.request.labels.shape == (2, 4)
    assert len(opened.page.grid.cells) == COUNT + 1


def test_an_unreadable_image_is_named_and_the_next_one_works(opened: Opened) -> None:
    ids = opened.project.image_ids()
    opened.project.image_path(ids[1]).write_bytes(b"no image")
    opened.session.select_image(ids[1])
    opened.settle()
    assert opened.page.shown is None and not opened.page.grid.cells
    assert "part1.png" in opened.page.grid.message
    opened.session.select_image(ids[2])
    opened.settle()
    assert len(opened.page.grid.cells) == COUNT + 1


def test_a_click_enlarges_a_preview_and_escape_brings_all_back(opened: Opened) -> None:
    grid = opened.page.grid
    places = [(x, y) for x in range(0, grid.width(), 10) for y in range(0, grid.height(), 10)]
    x, y = next(place for place in places if grid.cell_at(*place) == 5)
    QTest.mouseClick(grid, Qt.MouseButton.LeftButton, pos=QPoint(x, y))
    assert grid.enlarged == 5
    # Still enlarged while a slider moves: that is when a close look matters.
    opened.page.panel.form.control("blur").slider.setValue(30)
    opened.settle()
    assert grid.enlarged == 5
    QTest.keyClick(opened.page, Qt.Key.Key_Escape)
    assert grid.enlarged == -1


def test_nothing_is_computed_while_another_page_is_in_front(opened: Opened) -> None:
    opened.page.deactivated()
    shown = opened.page.shown
    opened.session.select_image(opened.project.image_ids()[1])
    assert not opened.tasks.busy(KEY)
    assert opened.page.shown is shown
    opened.page.activated()
    opened.settle()
    assert opened.page.shown.request.path == opened.project.image_path(opened.session.image_id)


def test_without_a_project_the_page_says_what_to_do_and_what_is_set_then_is_forgotten(
    qtbot, project: Project, tmp_path: Path
) -> None:
    tasks, session = Tasks(), Session()
    page = AugmentPage(session, Services(tasks, Settings(tmp_path), ThumbnailLoader(tasks), make_launcher()))
    qtbot.addWidget(page)
    page.activated()
    assert "Open a project" in page.grid.message
    QTest.keyClick(page, Qt.Key.Key_D)
    page.panel.form.control("noise").slider.setValue(100)
    session.adopt(project)
    assert page.panel.form.value() == PRESETS["Medium"]
    tasks.shut_down()


# -- keeping the recipe


def test_a_change_is_kept_soon_and_leaves_the_rest_of_the_recipe_alone(opened: Opened, qtbot) -> None:
    before = load_draft(opened.project)
    opened.page.panel.form.control("shear").slider.setValue(20)
    assert load_draft(opened.project) == before
    qtbot.waitUntil(lambda: load_draft(opened.project) != before, timeout=3000)
    kept = load_draft(opened.project)
    assert kept.augmentation.shear == 10
    assert kept.model_copy(update={"augmentation": before.augmentation}) == before


def test_leaving_the_page_or_the_project_keeps_a_fresh_change(opened: Opened) -> None:
    opened.page.panel.form.control("shear").slider.setValue(20)
    opened.page.deactivated()
    assert load_draft(opened.project).augmentation.shear == 10
    opened.page.activated()
    opened.page.panel.form.control("shear").slider.setValue(30)
    folder = opened.project.folder
    opened.session.close()
    with Project.open(folder) as again:
        assert load_draft(again).augmentation.shear == 15


def test_what_the_train_page_changed_is_read_on_return(opened: Opened) -> None:
    opened.page.deactivated()
    save_draft(opened.project, recipe("ssd300_vgg16", "Strong"))
    opened.page.activated()
    opened.settle()
    assert opened.page.shown.view.mode == "whole"
    assert opened.page.panel.form.value() == PRESETS["Strong"]
    assert opened.button("Strong").isChecked() and not opened.button("Medium").isChecked()


def test_presets_and_reset_set_every_control(opened: Opened) -> None:
    opened.button("None").click()
    opened.settle()
    assert opened.page.panel.form.value() == PRESETS["None"]
    assert [button.text() for button in opened.page.panel.presets.buttons() if button.isChecked()] == ["None"]
    opened.page.panel.form.control("noise").slider.setValue(4)
    assert not any(button.isChecked() for button in opened.page.panel.presets.buttons())
    opened.page.panel.reset.click()
    assert opened.page.panel.form.value() == default_recipe("ssd_compact").augmentation
    assert not opened.page.panel.reset.isEnabled()


def test_a_read_only_project_is_previewed_and_not_written(qtbot, project: Project, tmp_path: Path) -> None:
    with Project.open(project.folder, read_only=True) as copy:
        tasks, session = Tasks(), Session()
        session.adopt(copy)
        page = AugmentPage(
            session, Services(tasks, Settings(tmp_path / "config"), ThumbnailLoader(tasks), make_launcher())
        )
        qtbot.addWidget(page)
        page.activated()
        page.panel.form.control("shear").slider.setValue(20)
        page.deactivated()
        assert "read-only" in page.panel.notice
        tasks.shut_down()
    assert load_draft(project).augmentation.shear == PRESETS["Medium"].shear


def test_a_damaged_recipe_is_told_and_replaced_only_by_a_change(opened: Opened) -> None:
    opened.page.deactivated()
    opened.project.set_setting("recipe", {"model": "ssd_compact", "augmentation": {"rotation": 900}})
    opened.page.activated()
    assert "rotation" in opened.page.panel.notice
    opened.page.deactivated()
    assert opened.project.setting("recipe")["augmentation"]["rotation"] == 900
    opened.page.activated()
    opened.page.panel.form.control("rotation").slider.setValue(9)
    opened.page.deactivated()
    assert load_draft(opened.project).augmentation.rotation == 9 and opened.page.panel.notice == ""


def test_every_parameter_has_a_control() -> None:
    assert sorted(name for names in SECTIONS.values() for name in names) == sorted(AugmentationConfig.model_fields)
