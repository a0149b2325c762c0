"""Tables of masks by run lengths, against masks that were drawn."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from core.formats.annotations import ImportedAnnotations
from core.formats.registry import detect_format, read_annotations
from tests.builders import picture, write_picture

WIDTH, HEIGHT = 60, 40


def encode(mask: NDArray[np.bool_]) -> str:
    """Starts from 1 and lengths, column by column."""
    pixels = np.concatenate([[0], mask.T.reshape(-1).astype(np.int8), [0]])
    changes = np.flatnonzero(np.diff(pixels)) + 1
    return " ".join(f"{start} {end - start}" for start, end in zip(changes[::2], changes[1::2], strict=True))


def draw(*boxes: tuple[int, int, int, int]) -> NDArray[np.bool_]:
    mask = np.zeros((HEIGHT, WIDTH), np.bool_)
    for x1, y1, x2, y2 in boxes:
        mask[y1:y2, x1:x2] = True
    return mask


def read_table(folder: Path, text: str, names: tuple[str, ...] = ("a.jpg", "b.jpg", "c.jpg")) -> ImportedAnnotations:
    for seed, name in enumerate(names):
        write_picture(folder / "train_images" / name, picture(WIDTH, HEIGHT, seed))
    (folder / "train.csv").write_text(text)
    assert detect_format(folder).format == "csv"
    return read_annotations(folder)


def list_boxes(imported: ImportedAnnotations) -> dict[str, list[tuple[list[float], set[str]]]]:
    return {
        image.path.name: sorted(
            ((box, set(labels)) for box, labels in zip(image.boxes.tolist(), image.label_sets, strict=True)),
            key=lambda found: (sorted(found[1]), found[0]),
        )
        for image in imported.images
    }


TWO = draw((3, 5, 10, 20), (40, 0, 60, 40))
BENT = draw((20, 10, 22, 30), (20, 28, 35, 30)) | draw((36, 31, 37, 32))  # an angle, and a pixel by itself
FOUND = {
    "a.jpg": [([3, 5, 10, 20], {"1"}), ([40, 0, 60, 40], {"1"}), ([20, 10, 35, 30], {"3"}), ([36, 31, 37, 32], {"3"})],
    "b.jpg": [],
}


@pytest.mark.parametrize(
    "text",
    [
        f"ImageId,ClassId,EncodedPixels\na.jpg,1,{encode(TWO)}\na.jpg,3,{encode(BENT)}\nb.jpg,,\n",
        f"ImageId,EncodedPixels,ClassId\na.jpg,{encode(TWO)},1\na.jpg,{encode(BENT)},3\nb.jpg,,\n",
        f"ImageId_ClassId,EncodedPixels\na.jpg_1,{encode(TWO)}\na.jpg_2,\na.jpg_3,{encode(BENT)}\nb.jpg_1,\nb.jpg_2,\n",
        f"Image_Label;EncodedPixels\na_1;{encode(TWO)}\na_3;{encode(BENT)}\nb_1;-1\n",
    ],
)
def test_every_part_of_a_mask_becomes_a_box_and_an_empty_one_an_image_without(tmp_path: Path, text: str) -> None:
    imported = read_table(tmp_path, text)
    assert list_boxes(imported) == FOUND
    assert imported.boxes_lost == {} and imported.labels == ("1", "3")


def test_a_table_without_classes_is_read(tmp_path: Path) -> None:
    imported = read_table(tmp_path, f"ImageId,EncodedPixels\na.jpg,{encode(TWO)}\n")
    assert [labels for _, labels in list_boxes(imported)["a.jpg"]] == [{"1"}, {"1"}]


@pytest.mark.parametrize(
    ("runs", "reason"),
    [
        ("1 2 3", "are 3 numbers, which are no pairs"),
        ("1 x", "'x' in its run lengths is no whole number"),
        ("0 4", "a start or a length below 1"),
        ("5 0", "a start or a length below 1"),
        ("2399 3", "end at pixel 2,401, and the image has 60 x 40 = 2,400"),
        ("1 5 3 5", "lie over one another"),
    ],
)
def test_runs_that_are_none_are_counted_and_told(tmp_path: Path, runs: str, reason: str) -> None:
    text = f"ImageId,ClassId,EncodedPixels\na.jpg,1,{runs}\nb.jpg,1,{encode(TWO)}\n"
    imported = read_table(tmp_path, text)
    assert [len(image.boxes) for image in imported.images] == [0, 2]
    assert imported.images[0].dropped == (("runs", 1),) and imported.boxes_lost == {"runs": 1}
    (problem,) = [problem for problem in imported.problems if problem.kind == "runs"]
    assert problem.file == str(tmp_path / "train.csv") and problem.problem.startswith("row 2: ")
    assert reason in problem.problem and "a.jpg" in problem.problem


def test_a_sample_of_a_submission_beside_the_table_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "sample_submission.csv").write_text("ImageId,EncodedPixels,ClassId\nc.jpg,1 2400,1\n")
    imported = read_table(tmp_path, f"ImageId,ClassId,EncodedPixels\na.jpg,1,{encode(TWO)}\n")
    assert set(list_boxes(imported)) == {"a.jpg"}
    assert "passed over" in {problem.kind for problem in imported.problems}
