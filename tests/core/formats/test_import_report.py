"""What an import says of itself: shares, kinds of problems, why an image stays unlabelled, and copies of one picture."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.errors import InputError
from core.formats.annotations import ImportedAnnotations
from core.formats.augmented_copies import find_copies, find_ungrouped_copies, group_copies
from core.formats.import_report import build_report, explain_nothing_found, list_kinds, list_texts
from core.formats.importing import import_into
from core.formats.problem_summary import format_share, summarize_problems
from core.formats.registry import read_annotations
from core.project.edits import image_edits
from core.project.images.grouping import pattern_rule
from core.project.project import Project
from core.types import Problem, Split, Status
from tests.builders import picture, write_coco, write_picture


def read_coco(folder: Path, names: list[str], boxes: list[tuple[int, list[float]]]) -> ImportedAnnotations:
    """A file that names the images and has the boxes, each (number of its image, bbox)."""
    images = [{"id": number, "file_name": name, "width": 64, "height": 48} for number, name in enumerate(names, 1)]
    entries = [{"image_id": image, "category_id": 1, "bbox": bbox} for image, bbox in boxes]
    return read_annotations(write_coco(folder / "x.json", images, entries))


def test_the_share_of_the_boxes_and_why_others_did_not_come_in_is_told(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png")
    good, flat, outside = [1.0, 1, 9, 9], [5.0, 5, 0, 9], [500.0, 500, 9, 9]
    imported = read_coco(
        tmp_path, ["a.png", "gone.png"], [(1, good), (1, flat), (1, outside), (2, good), (2, good), (9, good)]
    )
    assert (imported.boxes_listed, imported.boxes_lost) == (
        6,
        {"box": 1, "outside": 1, "image": 2, "dangling image": 1},
    )
    share, missing = list_texts(imported)
    assert share.startswith("1 of 6 boxes (16.7%) came in; left out: 2 on images that were left out")
    assert missing == "1 image was not found; name the folder that they are in (--images)"
    report = build_report(imported)
    assert (report["boxes_listed"], report["boxes_taken"], report["images_missing"]) == (6, 1, 1)
    json.dumps(report, allow_nan=False)


def test_boxes_of_several_labels_and_boxes_that_coincide_are_counted_as_they_are_listed(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png")
    imported = read_coco(tmp_path, ["a.png"], [(1, [1, 1, 20, 20]), (1, [1, 1, 20, 20.5]), (1, [30, 30, 9, 9])])
    assert (imported.boxes_listed, imported.box_count, imported.merged) == (3, 2, 1)
    (problem,) = imported.problems
    assert problem.kind == "merged" and "1 box coincides" in problem.problem and "a.png" in problem.problem


def test_an_image_whose_boxes_were_left_out_is_never_said_to_be_clean(tmp_path: Path) -> None:
    for seed, name in enumerate(("lost.png", "empty.png", "part.png")):
        write_picture(tmp_path / name, picture(seed=seed))
    imported = read_coco(
        tmp_path,
        ["lost.png", "empty.png", "part.png"],
        [(1, [5, 5, 0, 9]), (1, [900, 900, 9, 9]), (3, [5, 5, 0, 9]), (3, [1, 1, 9, 9])],
    )
    with Project.create(tmp_path / "p") as project:
        _, problems = import_into(project, imported)
        told = {
            Path(problem.file).name: problem for problem in problems if problem.kind in ("no boxes", "boxes left out")
        }
        assert set(told) == {"lost.png", "empty.png"}
        assert "all of its 2 boxes were left out" in told["lost.png"].problem
        assert "clean" not in told["lost.png"].problem and "mark it clean" in told["empty.png"].problem
        assert [image.status for image in project.images()].count(Status.UNLABELLED) == 2


def test_boxes_of_an_id_that_two_images_have_keep_both_from_being_clean(tmp_path: Path) -> None:
    for seed, name in enumerate(("a.png", "b.png")):
        write_picture(tmp_path / name, picture(seed=seed))
    images = [{"id": 1, "file_name": name, "width": 64, "height": 48} for name in ("a.png", "b.png")]
    path = write_coco(tmp_path / "x.json", images, [{"image_id": 1, "category_id": 1, "bbox": [1, 1, 9, 9]}])
    imported = read_annotations(path)
    assert [image.dropped for image in imported.images] == [(("double id", 1),)]


def test_boxes_of_a_second_entry_that_is_left_out_are_of_the_image_all_the_same(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png")
    images = [{"id": n, "file_name": "a.png", "width": 64 * n, "height": 48} for n in (1, 2)]
    path = write_coco(tmp_path / "x.json", images, [{"image_id": 2, "category_id": 1, "bbox": [1, 1, 9, 9]}])
    (image,) = read_annotations(path).images
    assert image.dropped == (("image", 1),) and image.label_sets == ()


def test_a_file_that_says_clean_of_an_image_whose_boxes_were_left_out_is_not_believed(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png")
    image = {"id": 1, "file_name": "a.png", "width": 64, "height": 48, "defectdesk": {"status": "clean"}}
    path = write_coco(tmp_path / "x.json", [image], [{"image_id": 1, "category_id": 1, "bbox": [900, 900, 9, 9]}])
    with Project.create(tmp_path / "p") as project:
        import_into(project, read_annotations(path))
        assert [image.status for image in project.images()] == [Status.UNLABELLED]


def test_problems_are_summed_up_by_kind_those_that_cost_boxes_first(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png")
    partly = [(1, [60.0, 1 + row, 20, 20]) for row in range(4)]
    imported = read_coco(tmp_path, ["a.png"], [*partly, (1, [5, 5, 0, 9])])
    flat, cut, merged = list_kinds(imported)
    assert (flat.kind, flat.count, flat.boxes) == ("box", 1, 1)
    assert (cut.kind, cut.count, cut.boxes, len(cut.examples)) == ("partly outside", 4, 0, 3)
    assert merged.kind == "merged" and cut.title == "boxes partly outside the image, cut off at its edge"


def test_what_is_not_listed_one_by_one_is_counted() -> None:
    problems = [Problem("a", "x", "line"), Problem("a", "and 4,000 more problems of this kind: line", "line")]
    (kind,) = summarize_problems(problems, {"line": 5000}, {"line": 5000})
    assert (kind.count, kind.boxes) == (5000, 5000)


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [(0, 5, "0%"), (5, 5, "100%"), (99_999, 100_000, "99.9%"), (1, 100_000, "0.1%"), (1, 2, "50.0%")],
)
def test_a_share_is_all_or_nothing_only_where_it_is(part: int, whole: int, text: str) -> None:
    assert format_share(part, whole) == text


# Nothing found


def test_why_nothing_was_found_is_told_with_what_helps(tmp_path: Path) -> None:
    gone = read_coco(tmp_path / "one", ["a.png", "b.png"], [])
    text = explain_nothing_found(gone)
    assert "none of its 2 images was found, such as a.png: there is no such file in" in text and "--images" in text
    assert "names no image" in explain_nothing_found(read_coco(tmp_path / "two", [], []))
    for lot in ("lot1", "lot2"):
        write_picture(tmp_path / "three" / lot / "a.png")
    several = explain_nothing_found(read_coco(tmp_path / "three", ["a.png"], []))
    assert (
        str(tmp_path / "three" / "lot1" / "a.png") in several and str(tmp_path / "three" / "lot2" / "a.png") in several
    )
    assert all("\n" not in text and len(text) < 1000 for text in (text, several))


def test_images_of_which_none_can_be_read_change_nothing(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.jpg"):
        path = write_picture(tmp_path / name, picture(300, 200))
        path.write_bytes(path.read_bytes()[:-300])
    tree = [{"id": 1, "file_name": "a.jpg"}, {"id": 2, "file_name": "b.jpg"}]
    imported = read_annotations(write_coco(tmp_path / "x.json", tree, []))
    with Project.create(tmp_path / "p") as project:
        with pytest.raises(InputError, match=r"none of its 2 images can be used, such as .*truncated"):
            import_into(project, imported)
        assert project.image_ids() == [] and project.labels() == ()


# Copies

NAMES = ["a_jpg.rf.0123456789abcdef.jpg", "a_jpg.rf.fedcba9876543210.jpg", "b_jpg.rf.0123456789abcdef.jpg", "c.jpg"]


def test_copies_are_known_by_roboflows_names_and_put_into_groups(tmp_path: Path) -> None:
    for seed, name in enumerate(NAMES):
        write_picture(tmp_path / name, picture(seed=seed))
    imported = read_coco(tmp_path, NAMES, [(number, [1, 1, 9, 9]) for number in range(1, 5)])
    copies = find_ungrouped_copies(imported)
    assert copies is not None and (copies.images, copies.pictures) == (3, 2)
    grouped = group_copies(imported)
    assert [image.group for image in grouped.images] == ["a_jpg", "a_jpg", "b_jpg", None]
    assert find_ungrouped_copies(grouped) is None
    report = build_report(imported)
    rule = pattern_rule(report["copies"]["pattern"])
    assert [rule(name) for name in NAMES] == ["a_jpg", "a_jpg", "b_jpg", None]
    with Project.create(tmp_path / "p") as project:
        import_into(project, grouped)
        project.apply(image_edits.assign_splits(project, {Split.TRAIN: 0.5, Split.VAL: 0.5, Split.TEST: 0}, 0))
        splits = {}
        for image in project.images():
            splits.setdefault(image.group, set()).add(image.split)
        assert len(splits["a_jpg"]) == 1


@pytest.mark.parametrize(
    "names", [[], ["a.jpg", "b.jpg"], ["a_jpg.rf.0123456789abcdef.jpg"], ["a.rf.x.jpg", "a.rf.y.jpg"]]
)
def test_nothing_is_proposed_where_no_picture_has_copies(names: list[str]) -> None:
    assert find_copies(names) is None
