from pathlib import Path

import numpy as np
import pytest

from core.errors import InputError
from core.formats import yolo
from core.formats.annotations import Format, ImportedAnnotations
from core.formats.exporting import ExportOptions, export_project
from core.formats.registry import detect_format, read_annotations
from core.types import Split
from tests.builders import picture, project_with_pictures, write_picture


def put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def found(imported: ImportedAnnotations) -> dict[str, tuple[list[list[float]], Split | None]]:
    return {image.path.stem: (np.round(image.boxes, 6).tolist(), image.split) for image in imported.images}


CENTRE = "0 0.5 0.5 0.5 0.5\n"  # of a picture of 64 x 48
ITS_BOX = [16.0, 12.0, 48.0, 36.0]


def test_a_data_set_in_folders_by_split_is_read(tmp_path: Path) -> None:
    for split, name in (("train", "a"), ("val", "b"), ("val", "c")):
        write_picture(tmp_path / "images" / split / f"{name}.png")
    put(tmp_path / "labels" / "train" / "a.txt", CENTRE + "1 0.5 0.5 0.5 0.5\n1 0.25 0.25 0.25 0.25")
    put(tmp_path / "labels" / "val" / "b.txt", "")
    put(
        tmp_path / "data.yaml",
        "path: /home/somebody/data\ntrain: images/train\nval: [images/val]\nnames: {0: pit, 1: stain}\n",
    )
    for path in (tmp_path, tmp_path / "data.yaml"):
        assert detect_format(path).format == "yolo"
        imported = read_annotations(path)
        assert found(imported) == {
            "a": ([ITS_BOX, [8, 6, 24, 18]], Split.TRAIN),
            "b": ([], Split.VAL),
            "c": ([], Split.VAL),
        }
        assert imported.labels == ("pit", "stain") and [problem.kind for problem in imported.problems] == ["merged"]
        assert imported.images[0].label_sets == ({"pit", "stain"}, {"stain"})


def test_a_data_set_as_roboflow_writes_it_is_read(tmp_path: Path) -> None:
    for folder, name in (("train", "a"), ("valid", "b")):
        write_picture(tmp_path / folder / "images" / f"{name}.png")
        put(tmp_path / folder / "labels" / f"{name}.txt", CENTRE)
    put(tmp_path / "data.yaml", "train: ../train/images\nval: ../valid/images\nnc: 1\nnames: ['pit']\n")
    imported = read_annotations(tmp_path)
    assert found(imported) == {"a": ([ITS_BOX], Split.TRAIN), "b": ([ITS_BOX], Split.VAL)} and imported.problems == ()


def test_label_files_beside_the_images_with_classes_are_read(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png")
    put(tmp_path / "a.txt", CENTRE)
    put(tmp_path / "classes.txt", "pit\r\nstain\r\n")
    for path in (tmp_path, tmp_path / "classes.txt", tmp_path / "a.txt"):
        assert found(read_annotations(path)) == {"a": ([ITS_BOX], None)}
    (tmp_path / "classes.txt").unlink()
    with pytest.raises(InputError, match="classes.txt"):
        yolo.read(tmp_path / "a.txt")


def test_images_may_lie_elsewhere(tmp_path: Path) -> None:
    write_picture(tmp_path / "pictures" / "deep" / "a.png")
    put(tmp_path / "notes" / "labels" / "deep" / "a.txt", CENTRE)
    put(tmp_path / "notes" / "data.yaml", "names: [pit]\n")
    assert found(read_annotations(tmp_path / "notes", images_root=tmp_path / "pictures")) == {"a": ([ITS_BOX], None)}


def test_two_pictures_that_share_a_label_file_get_nothing_from_it(tmp_path: Path) -> None:
    for name in ("a.png", "a.jpg", "b.png"):
        write_picture(tmp_path / name)
        put(tmp_path / name.replace(name[-3:], "txt"), CENTRE)
    put(tmp_path / "data.yaml", "names: [pit]\n")
    imported = read_annotations(tmp_path)
    assert found(imported) == {"b": ([ITS_BOX], None)}
    assert [problem.file for problem in imported.problems] == ["a.jpg", "a.png"]
    assert all("shares the label file" in problem.problem for problem in imported.problems)


def test_outlines_and_predictions_become_boxes_and_are_told(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png")
    put(tmp_path / "a.txt", "0 0.25 0.25 0.75 0.25 0.75 0.75\n0 0.125 0.125 0.25 0.25 0.9\n")
    put(tmp_path / "data.yaml", "names: [pit]\n")
    imported = read_annotations(tmp_path)
    assert found(imported) == {"a": ([ITS_BOX, [0, 0, 16, 12]], None)}
    assert [problem.problem.partition(";")[0] for problem in imported.problems] == [
        "line 1: a polygon",
        "line 2: a prediction with a score",
    ]


@pytest.mark.parametrize("names", ["names: 5", "names: []", "nc: 3", "names: {a: 1}", "[1, 2]", "names: [[1]]", "{"])
def test_a_data_file_without_classes_is_refused(tmp_path: Path, names: str) -> None:
    with pytest.raises(InputError, match="data.yaml"):
        yolo.read(put(tmp_path / "data.yaml", names))


def test_a_project_without_labels_comes_back(tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "p", 2, ()) as project:
        export_project(project, ExportOptions(Format.YOLO, tmp_path / "out", "copy"))
    imported = read_annotations(tmp_path / "out")
    assert len(imported.images) == 2 and not imported.labels and not imported.problems


def test_classes_keep_their_numbers_when_one_cannot_be_used(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png")
    put(tmp_path / "a.txt", "0 0.5 0.5 0.5 0.5\n2 0.25 0.25 0.25 0.25\n3 0.5 0.5 0.1 0.1\n")
    put(tmp_path / "data.yaml", f"names: [pit, '{'x' * 101}', stain, 7]\n")
    imported = read_annotations(tmp_path)
    assert imported.images[0].label_sets == ({"pit"}, {"stain"}, {"7"})
    assert len(imported.problems) == 1 and "class 1" in imported.problems[0].problem


def test_boxes_in_pixels_are_refused_with_the_line_and_what_to_do(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png", picture(200, 100))
    (tmp_path / "classes.txt").write_text("pit\n")
    (tmp_path / "a.txt").write_text("0 .5 .5 .1 .1\n0 120 50 40 30\n0 10 20 30 40 50 60 70 80\n")
    imported = read_annotations(tmp_path)
    assert len(imported.images[0].boxes) == 1 and dict(imported.images[0].dropped) == {"pixels": 2}
    for problem, line in zip(imported.problems, (2, 3), strict=True):
        assert problem.file == str(tmp_path / "a.txt") and problem.problem.startswith(f"line {line}: ")
        assert "is in pixels, not in shares" in problem.problem and "divide x and width by 200" in problem.problem
