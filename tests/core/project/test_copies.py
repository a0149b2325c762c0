"""Exact copies under other names stay together in splits, and are told of where they come in."""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.operations.start_run import frozen_snapshot
from core.project.edits import box_edits, image_edits
from core.project.images.copies import bind_images, find_divided_copies
from core.project.images.split_table import find_left_behind, split_table
from core.project.project import Project
from core.recipe.recipe import default_recipe
from core.types import ImageRecord, Split, Status
from tests.builders import project_with_pictures, write_picture
from tests.core.conftest import Run


def make_image(number: int, content: str = "", group: str = "") -> ImageRecord:
    return ImageRecord(
        number, f"{number}.png", 10, 10, Status.CLEAN, Split.NONE, group, content_hash=content or f"own {number}"
    )


def test_copies_and_groups_are_bound_through_each_other() -> None:
    images = [
        make_image(1, group="a"),
        make_image(2, "same"),
        make_image(3, group="b"),
        make_image(4, "same", "a"),
        make_image(5, "same too", "b"),
        make_image(6, "same too"),
        make_image(7),
    ]
    assert [[image.id for image in bundle] for bundle in bind_images(images)] == [[1, 2, 4], [3, 5, 6], [7]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project of twelve labelled pictures, of which each has a copy."""
    folder = tmp_path / "p"
    with project_with_pictures(folder, count=12) as project:
        pictures = sorted((folder / "images").iterdir())
        for picture in pictures:
            shutil.copy(picture, tmp_path / f"again-{picture.name}")
        _, problems = project.files.add_images([tmp_path / f"again-{picture.name}" for picture in pictures])
        assert len(problems) == 1 and "exact copy of images/" in problems[0].problem
        assert "and 11 more" in problems[0].problem
        label = project.labels()[0].id
        for image_id in project.image_ids():
            project.apply(box_edits.add_box(project, image_id, (1, 1, 9, 9), {label}))
    return folder


def test_copies_come_into_one_split_whatever_the_seed(folder: Path) -> None:
    with Project.open(folder) as project:
        for seed in range(5):
            project.apply(image_edits.assign_splits(project, seed=seed, all=True))
            assert {image.split for image in project.images()} >= {Split.TRAIN, Split.VAL}
            assert find_divided_copies(project.images()) == []


def test_copies_that_are_divided_are_told_of(folder: Path) -> None:
    with Project.open(folder) as project:
        copies = [image.id for image in project.images() if "again" in image.path]
        originals = [image.id for image in project.images() if "again" not in image.path]
        project.apply(image_edits.set_split(project, originals, Split.TRAIN))
        project.apply(image_edits.set_split(project, copies, Split.VAL))
        table = split_table(project.images(), project.labels())
        assert any("12 pictures are in more than one of train, val and test" in text for text in table.warnings)
        _, notices = frozen_snapshot(project, default_recipe("ssd_compact"))
        assert any("12 validation images are exact copies of training images" in text for text in notices)
        project.apply(image_edits.set_split(project, copies, Split.TEST))
        project.apply(image_edits.set_split(project, originals[:1], Split.VAL))
        _, notices = frozen_snapshot(project, default_recipe("ssd_compact"))
        assert any("11 test images are exact copies of training images" in text for text in notices)


def test_a_copy_follows_its_copy_rather_than_most_of_its_group(folder: Path) -> None:
    with Project.open(folder) as project:
        by_path = {Path(image.path).name: image.id for image in project.images()}
        one, its_copy = by_path["part1.png"], by_path["again-part1.png"]
        others = [by_path["part2.png"], by_path["part3.png"]]
        project.apply(image_edits.set_groups(project, dict.fromkeys([its_copy, *others], "lot")))
        project.apply(image_edits.move_to_split(project, [one], Split.TRAIN))
        project.apply(image_edits.move_to_split(project, others, Split.VAL))
        project.apply(image_edits.assign_splits(project))
        assert project.image(its_copy).split is Split.TRAIN
        assert find_divided_copies(project.images()) == []


def test_what_belongs_to_what_is_moved_is_found_through_groups_and_copies() -> None:
    images = [
        replace(make_image(number, content, group), split=split)
        for number, content, group, split in (
            (1, "same", "", Split.TRAIN),
            (2, "same", "lot", Split.TRAIN),
            (3, "own", "lot", Split.TEST),
            (4, "same", "", Split.NONE),
            (5, "own", "", Split.VAL),
            (6, "", "", Split.TRAIN),
            (7, "", "", Split.TRAIN),
        )
    ]
    behind = find_left_behind(images, [1], Split.VAL)
    assert (list(behind.copies), dict(behind.groups), behind.image_ids) == ([2], {"lot": [3]}, [3, 2])
    assert find_left_behind(images, [1, 2, 3], Split.VAL).image_ids == []
    assert find_left_behind(images, [6], Split.VAL).image_ids == []
    assert find_left_behind(images, [1], Split.NONE).image_ids == []


OPERATIONS = st.one_of(
    st.tuples(st.just("move"), st.sets(st.integers(0, 7), min_size=1), st.sampled_from(list(Split))),
    st.tuples(st.just("group"), st.sets(st.integers(0, 7), min_size=1), st.sampled_from(["", "a", "b"])),
    st.tuples(st.just("divide"), st.booleans(), st.integers(0, 3)),
    st.tuples(st.just("copy"), st.integers(0, 7), st.just(0)),
    st.tuples(st.just("remove"), st.integers(0, 7), st.just(0)),
    st.tuples(st.just("undo"), st.just(0), st.just(0)),
    st.tuples(st.just("redo"), st.just(0), st.just(0)),
)


@settings(max_examples=40, deadline=None)
@given(operations=st.lists(OPERATIONS, max_size=12))
def test_no_sequence_of_operations_leaves_copies_in_two_splits(operations: list[tuple[str, Any, Any]]) -> None:
    with tempfile.TemporaryDirectory() as name, project_with_pictures(Path(name, "p"), 4) as project:
        pictures = sorted((project.folder / "images").iterdir())
        for picture in pictures:
            shutil.copy(picture, Path(name, f"again-{picture.name}"))
        project.files.add_images([Path(name, f"again-{picture.name}") for picture in pictures])
        for number, (kind, first, second) in enumerate(operations):
            ids = project.image_ids()
            if kind == "move":
                project.apply(image_edits.move_to_split(project, [ids[n % len(ids)] for n in first], second))
            elif kind == "group":
                project.apply(image_edits.put_in_group(project, [ids[n % len(ids)] for n in first], second))
            elif kind == "divide":
                project.apply(image_edits.assign_splits(project, seed=second, all=first))
            elif kind == "copy":
                target = Path(name, f"more-{number}.png")
                shutil.copy(project.image_path(ids[first % len(ids)]), target)
                project.files.add_images([target])
            elif kind == "remove" and len(ids) > 2:
                project.apply(image_edits.remove_images(project, [ids[first % len(ids)]]))
            elif kind == "undo" and project.history.undo_name != "Add 4 images":
                project.history.undo()
            elif kind == "redo":
                project.history.redo()
            assert find_divided_copies(project.images()) == [], (kind, first, second)


def test_an_import_that_puts_copies_into_two_splits_says_so(run: Run, tmp_path: Path) -> None:
    for split in ("train", "valid"):
        write_picture(tmp_path / "set" / split / "images" / f"{split}.png", seed=1)
        (tmp_path / "set" / split / "labels").mkdir()
        (tmp_path / "set" / split / "labels" / f"{split}.txt").write_text("0 0.5 0.5 0.2 0.2\n")
    (tmp_path / "set" / "data.yaml").write_text("train: train/images\nval: valid/images\nnames: [pit]\n")
    code, out, _ = run("import", tmp_path / "p", tmp_path / "set", "--json")
    said = [one["problem"] for one in json.loads(out)["problems"]]
    assert code == 0 and any("A picture is in more than one of train, val and test" in text for text in said)
    # Again: nothing becomes different, so nothing more is to be said; the project says it itself.
    _, out, _ = run("import", tmp_path / "p", tmp_path / "set", "--json")
    assert not any("more than one of train" in one["problem"] for one in json.loads(out)["problems"])
    for command in (("info",), ("split",), ("group", "--by-folder", "1")):
        code, _, err = run(command[0], tmp_path / "p", *command[1:])
        assert code == 0 and "in more than one of train, val and test under several names" in err, command
        code, out, _ = run(command[0], tmp_path / "p", *command[1:], "--json")
        assert any("more than one of train" in text for text in json.loads(out)["divided"]), command
    code, _, err = run("group", tmp_path / "p", "--by-folder", "1")
    assert "A picture is in several groups" in err and "exact copies" in err
    code, _, err = run("split", tmp_path / "p", "--all")
    assert code == 0 and "more than one" not in err


def test_new_and_import_tell_of_copies(run: Run, folder: Path, tmp_path: Path) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for name in ("a.png", "b.png"):
        shutil.copy(folder / "images" / "part1.png", pictures / name)
    shutil.copy(folder / "images" / "part2.png", pictures / "c.png")
    told = json.loads(run("new", tmp_path / "q", "--images", pictures, "--json")[1])
    assert told["images"] == 3
    assert [Path(one["file"]).name for one in told["problems"]] == ["b.png"]
    assert "a.png" in told["problems"][0]["problem"]

    (pictures / "boxes.csv").write_text("image,x1,y1,x2,y2,label\n" + "".join(f"{n}.png,1,1,9,9,pit\n" for n in "abc"))
    told = json.loads(run("import", tmp_path / "r", pictures / "boxes.csv", "--json")[1])
    assert told["images"] == 3 and any("exact copy" in one["problem"] for one in told["problems"])
    with Project.open(folder) as project:
        before = project.counts().images
    told = json.loads(run("import", folder, pictures / "boxes.csv", "--json")[1])
    assert told["images"] == before
    same = [one for one in told["problems"] if "holds the same as" in one["problem"]]
    assert sorted(Path(one["file"]).name for one in same) == ["a.png", "b.png", "c.png"]
