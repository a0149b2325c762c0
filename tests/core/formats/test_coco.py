import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.changes import Changes
from core.errors import InputError
from core.formats import coco
from core.formats.importing import import_into
from core.project.edits import image_edits
from core.project.project import Project
from core.types import Problem, Status
from tests.builders import draw, picture, write_coco, write_picture, write_pictures


def listed(number: int, **more: Any) -> dict[str, Any]:
    return {"id": number, "file_name": f"images/part{number}.png", "width": 64, "height": 48} | more


def box(image: int, bbox: list[Any], category: Any = 1, **more: Any) -> dict[str, Any]:
    return {"image_id": image, "category_id": category, "bbox": bbox, "area": 1, "iscrowd": 0} | more


def told(problems: list[Problem] | tuple[Problem, ...]) -> list[str]:
    return [f"{Path(problem.file).name}: {problem.problem}" for problem in problems]


def test_a_good_file_is_imported_in_one_step_that_undo_takes_back(tmp_path: Path) -> None:
    write_pictures(tmp_path / "images", 3)
    path = write_coco(
        tmp_path / "a.json",
        [listed(1), listed(2), listed(3)],
        [box(1, [1, 2, 10, 20]), box(1, [30.5, 10, 5.25, 6], 2), box(2, [0, 0, 64, 48], 2)],
    )
    with Project.create(tmp_path / "p") as project:
        changes, problems = import_into(project, coco.read(path))
        assert changes.image_list and changes.labels and len(changes.images) == 3
        assert told(problems) == ["part3.png: it has no boxes in the file; unlabelled, mark it clean if it is"]
        first, second, third = project.image_ids()
        names = {label.id: label.name for label in project.labels()}
        assert list(names.values()) == ["open", "short"]
        assert [(b.xyxy, {names[i] for i in b.labels}) for b in project.boxes(first)] == [
            ((1, 2, 11, 22), {"open"}),
            ((30.5, 10, 35.75, 16), {"short"}),
        ]
        assert project.boxes(second)[0].xyxy == (0, 0, 64, 48) and project.boxes(third) == ()
        statuses = [project.image(image).status for image in (first, second, third)]
        assert statuses == [Status.LABELLED, Status.LABELLED, Status.UNLABELLED]
        assert project.history.undo_name == "Import 3 boxes"
        project.history.undo()
        assert project.image_ids() == [] and project.labels() == () and project.counts().boxes == 0
        project.history.redo()
        assert project.counts().boxes == 3


def test_boxes_that_coincide_become_one_with_all_their_labels(tmp_path: Path) -> None:
    write_pictures(tmp_path / "images", 1)
    annotations = [
        box(1, [10, 10, 20, 20], 1),
        box(1, [10.2, 10, 20, 20], 2),
        box(1, [10, 10, 20, 26], 2),
        box(1, [10, 10, 20, 20], 1),
    ]
    path = write_coco(tmp_path / "a.json", [listed(1)], annotations)
    (image,) = coco.read(path).images
    assert image.boxes.tolist() == [[10, 10, 30, 30], [10, 10, 30, 36]]
    assert image.label_sets == ({"open", "short"}, {"short"})


def test_importing_twice_changes_nothing_and_keeps_what_was_drawn(tmp_path: Path) -> None:
    write_pictures(tmp_path / "images", 2)
    path = write_coco(tmp_path / "a.json", [listed(1)], [box(1, [10, 10, 20, 20]), box(1, [1, 1, 5, 5], 2)])
    with Project.create(tmp_path / "p", ["stain"]) as project:
        project.files.add_images([tmp_path / "images"])
        first, second = project.image_ids()
        drawn = draw(project, first, (10, 10, 30, 30), ["stain"])
        project.apply(image_edits.set_status(project, [second], Status.CLEAN))
        import_into(project, coco.read(path))
        by_id = {b.id: {label.name for label in project.labels() if label.id in b.labels} for b in project.boxes(first)}
        assert by_id == {drawn: {"stain", "open"}, drawn + 1: {"short"}}
        assert project.image(second).status is Status.CLEAN
        assert import_into(project, coco.read(path)) == (Changes(), [])


def test_each_bad_entry_is_reported_and_the_rest_goes_on(tmp_path: Path) -> None:
    write_pictures(tmp_path / "images", 2)
    (tmp_path / "images" / "part7.png").write_bytes(b"")
    write_picture(tmp_path / "images" / "part8.jpg", picture(300, 200))
    cut = tmp_path / "images" / "part8.jpg"
    cut.write_bytes(cut.read_bytes()[:-300])
    write_picture(tmp_path.parent / "secret.png")
    path = write_coco(
        tmp_path / "a.json",
        [
            listed(1),
            listed(2),
            listed(3),
            listed(4, file_name="../secret.png"),
            listed(5, file_name=str(tmp_path.parent / "secret.png")),
            listed(6, file_name=""),
            listed(7),
            listed(8, file_name="images/part8.jpg", width=300, height=200),
            listed(9, file_name="..\\secret.png"),
            {"file_name": "images/part1.png"},
        ],
        [
            box(1, [1, 1, 10, 10]),
            box(1, [60, 40, 20, 20], 2),
            box(1, [100, 100, 10, 10]),
            box(1, [5, 5, 0, 10]),
            box(1, [5, 5, 10, -3]),
            box(1, [20, 20, 10, 10], 77),
            box(1, [float("nan"), 1, 5, 5]),
            box(1, [1, 1, float("inf"), 5]),
            box(1, [1, 2, 3]),
            box(1, ["one", 1, 5, 5]),
            box(1, [30, 1, 9, 9], id=1),
            box(99, [1, 1, 5, 5]),
            box(3, [1, 1, 5, 5]),
            box(4, [1, 1, 5, 5]),
            box(2, [1, 1, 5, 5], iscrowd=1),
            box(1, [1, 30, 9, 9], [1]),
        ],
    )
    with Project.create(tmp_path / "p") as project:
        _, problems = import_into(project, coco.read(path))
        lines = told(problems)
        assert [Path(image.path).name for image in project.images()] == ["part1.png", "part2.png"]
        first = project.image_ids()[0]
        assert [b.xyxy for b in project.boxes(first)] == [(1, 1, 11, 11), (60, 40, 64, 48), (30, 1, 39, 10)]
    for expected in (
        "part3.png: there is no such file",
        "secret.png: its path leads out of",
        "a.json: image 6: it has no file name",
        "part7.png: the file is empty (0 bytes)",
        "part8.jpg: truncated",
        "..\\secret.png: its path leads out of",
        "a.json: image number 10: it has no id",
        "part1.png: box (60, 40, 80, 60) (short): partly outside the image; cut off",
        "part1.png: box (100, 100, 110, 110) (open): wholly outside the image; skipped",
        "part1.png: annotation 4: its box [5, 5, 0, 10] has no area",
        "part1.png: annotation 5: its box [5, 5, 10, -3] has no area",
        "part1.png: annotation 6: there is no category 77",
        "part1.png: annotation 7: its box [nan, 1, 5, 5] is not finite",
        "part1.png: annotation 8: its box [1, 1, inf, 5] is not finite",
        "part1.png: annotation 9: its box [1, 2, 3] is not a list of four numbers",
        "part1.png: annotation 10: its box ['one', 1, 5, 5] is not a list",
        "a.json: annotation 1: the id is used twice",
        "a.json: annotation 12: there is no image 99",
        "a.json: 1 box is marked as crowd: training and judging ignore what is there",
        "part1.png: annotation 16: there is no category [1]",
    ):
        assert sum(line.startswith(expected) for line in lines) >= 1, (expected, lines)
    assert sum("leads out of" in line for line in lines) == 3
    assert len(lines) == 21, lines


def test_a_link_to_nowhere_and_a_folder_are_no_files(tmp_path: Path) -> None:
    # In a folder of its own: images are looked for beside the one of the file as well.
    (tmp_path / "set" / "images" / "part1.png").mkdir(parents=True)
    path = write_coco(tmp_path / "set" / "a.json", [listed(1)], [])
    assert coco.read(path).images == () and "no such file" in coco.read(path).problems[0].problem


def test_boxes_for_another_size_are_never_put_on_an_image(tmp_path: Path) -> None:
    write_pictures(tmp_path / "images", 2)
    path = write_coco(
        tmp_path / "a.json",
        [listed(1, width=640, height=480), {"id": 2, "file_name": "images/part2.png"}],
        [box(1, [1, 1, 9, 9])],
    )
    read = coco.read(path)
    assert told(read.problems) == [
        "part1.png: it is 64 x 48, but its boxes were made for 640 x 480: another picture, or another version of it; "
        "skipped, and its boxes with it"
    ]
    assert [image.path.name for image in read.images] == ["part2.png"] and read.box_count == 0


def test_one_file_under_two_ids_gets_the_boxes_of_both(tmp_path: Path) -> None:
    write_pictures(tmp_path / "images", 1)
    images = [listed(1), listed(2, file_name="images/part1.png")]
    read = coco.read(write_coco(tmp_path / "a.json", images, [box(1, [1, 1, 9, 9]), box(2, [20, 20, 9, 9], 2)]))
    assert len(read.images) == 1 and len(read.images[0].boxes) == 2
    assert told(read.problems) == ["part1.png: it is listed twice; the boxes of both entries were put together"]


def test_categories_that_are_doubtful_are_reported(tmp_path: Path) -> None:
    write_pictures(tmp_path / "images", 1)
    categories = [
        {"id": 1, "name": "open"},
        {"id": 1, "name": "short"},
        {"id": 2, "name": " "},
        {"id": 3, "name": "open "},
        5,
    ]
    tree = {"images": [listed(1)], "annotations": [box(1, [1, 1, 9, 9], 3, id=1)], "categories": categories}
    (tmp_path / "a.json").write_text(json.dumps(tree))
    read = coco.read(tmp_path / "a.json")
    assert read.labels == ("open",) and read.images[0].label_sets == ({"open"},)
    assert len(read.problems) == 4 and "both 'open' and 'short' have the id" in read.problems[1].problem


def test_an_id_of_two_images_or_two_labels_is_nobodys(tmp_path: Path) -> None:
    write_pictures(tmp_path / "images", 3)
    images = [listed(1), listed(2), listed(2, file_name="images/part3.png"), listed(1)]
    tree = {
        "images": images,
        "annotations": [
            {"id": 1} | box(1, [1, 1, 9, 9]),
            {"id": 2} | box(2, [1, 1, 9, 9]),
            {"id": 3} | box(1, [5, 5, 9, 9], 2),
        ],
        "categories": [{"id": 1, "name": "open"}, {"id": 2, "name": "short"}, {"id": 2, "name": "pit"}],
    }
    (tmp_path / "a.json").write_text(json.dumps(tree))
    read = coco.read(tmp_path / "a.json")
    assert {image.path.name: image.boxes.tolist() for image in read.images} == {
        "part1.png": [[1, 1, 10, 10]],
        "part2.png": [],
    }
    assert [line.partition(";")[0] for line in told(read.problems)] == [
        "a.json: category 2: both 'short' and 'pit' have the id",
        "a.json: image 2: both images/part2.png and images/part3.png have the id",
    ]


def test_images_may_lie_elsewhere_and_carry_windows_paths(tmp_path: Path) -> None:
    write_pictures(tmp_path / "data" / "images", 1)
    path = write_coco(tmp_path / "notes" / "a.json", [listed(1, file_name="images\\part1.png")], [box(1, [1, 1, 9, 9])])
    (image,) = coco.read(path, tmp_path / "data").images
    assert image.path == tmp_path / "data" / "images" / "part1.png" and np.array_equal(image.boxes, [[1, 1, 10, 10]])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe\x00",
        b"[]",
        b'{"images": [], "annotations": {}}',
        b'{"images": [], "annotations": []}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_coco_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(InputError, match="a.json: not a COCO"):
        coco.read(tmp_path / "a.json")


def test_a_missing_coco_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="gone.json: cannot be read"):
        coco.read(tmp_path / "gone.json")


def test_a_thousand_images_take_seconds(tmp_path: Path, record_property: Any) -> None:
    import time

    write_pictures(tmp_path / "images", 300)
    boxes = [box(1 + n % 300, [1 + n // 300 * 8, 3, 6, 7], 1 + n % 2) for n in range(2100)]
    path = write_coco(tmp_path / "a.json", [listed(n) for n in range(1, 301)], boxes)
    with Project.create(tmp_path / "p") as project:
        start = time.monotonic()
        _, problems = import_into(project, coco.read(path))
        seconds = time.monotonic() - start
        assert project.counts().boxes == 2100 and problems == []
    record_property("seconds", seconds)
    assert seconds < 10
