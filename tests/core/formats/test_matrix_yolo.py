"""YOLO as its trainers, labelling tools and users write it."""

from pathlib import Path

import pytest

from core.formats.annotations import Format
from core.types import Split
from tests.core.formats.matrix import Dialect, check_dialect

TRAIN = {"images/train/a.png": Split.TRAIN}


def one_image(
    names: str, lines: str, *found: tuple[tuple[float, ...], set[str]], told: tuple[str, ...] = (), **more: object
) -> Dialect:
    """A data set of one image, 200 x 100, in train."""
    files = {"data.yaml": f"train: images/train\nval:\n{names}", "labels/train/a.txt": lines}
    return Dialect(Format.YOLO, files, {"images/train/a.png": list(found)}, told, splits=TRAIN, **more)  # type: ignore[arg-type]


CENTRE = (80.0, 40.0, 120.0, 60.0)  # 0.5 0.5 0.2 0.2
POSE = "a box with key points; the box was taken"
CASES = {
    "names that YAML takes for truth values": one_image(
        "names: [yes, no, on, off]\n",
        "0 .5 .5 .2 .2\n1 .2 .2 .1 .1\n2 .2 .5 .1 .1\n3 .2 .8 .1 .1\n",
        (CENTRE, {"yes"}),
        ((30, 15, 50, 25), {"no"}),
        ((30, 45, 50, 55), {"on"}),
        ((30, 75, 50, 85), {"off"}),
    ),
    "names that YAML takes for numbers": one_image(
        "names: {0: 010, 1: 8, 2: 0010, 3: 2.50, 4: 12:30, 5: 1_0, 6: 2024-01-01, 7: 0x1F, 8: null}\n",
        "0 .5 .5 .2 .2\n",
        (CENTRE, {"010"}),
        labels=("010", "8", "0010", "2.50", "12:30", "1_0", "2024-01-01", "0x1F", "null"),
    ),
    "names with numbers in quotes": one_image(
        "names: {'0': pit, '1': rust}\n", "1 .5 .5 .2 .2\n", (CENTRE, {"rust"}), labels=("pit", "rust")
    ),
    "two classes of one name": one_image(
        "names: [pit, pit]\n",
        "1 .5 .5 .2 .2\n",
        (CENTRE, {"pit"}),
        told=("classes 0 and 1 are both called 'pit': they became one label",),
    ),
    "a class without a name": one_image(
        "names:\n  0: pit\n  1:\n",
        "0 .5 .5 .2 .2\n1 .5 .5 .2 .2\n",
        (CENTRE, {"pit"}),
        told=("class 1: it has no name; skipped, and its boxes with it", "line 2: there is no class 1; skipped"),
    ),
    "poses with visibilities": one_image(
        "kpt_shape: [2, 3]\nnames: [pit]\n", "0 .5 .5 .2 .2 .45 .45 2 .55 .55 2\n", (CENTRE, {"pit"}), told=(POSE,)
    ),
    "poses without visibilities": one_image(
        "kpt_shape: [2, 2]\nnames: [pit]\n", "0 .5 .5 .2 .2 .45 .45 .55 .55\n", (CENTRE, {"pit"}), told=(POSE,)
    ),
    "predicted poses with a score and a track": one_image(
        "kpt_shape: [2, 2]\nnames: [pit]\n",
        "0 .5 .5 .2 .2 .45 .45 .55 .55 .9\n0 .2 .2 .1 .1 .2 .2 .2 .2 .9 7\n",
        (CENTRE, {"pit"}),
        ((30, 15, 50, 25), {"pit"}),
        told=(POSE, POSE),
    ),
    "poses that data.yaml does not tell of": one_image(
        "names: [pit]\n",
        "0 .5 .5 .2 .2 .45 .45 0 .55 .55 1\n0 .2 .2 .1 .1 .2 .2 2 .2 .2 2\n",
        (CENTRE, {"pit"}),
        ((30, 15, 50, 25), {"pit"}),
        told=(POSE, POSE),
    ),
    "poses of one point": one_image("names: [pit]\n", "0 .5 .5 .2 .2 .45 .45 2\n", (CENTRE, {"pit"}), told=(POSE,)),
    "tracks": one_image(
        "names: [pit]\n",
        "0 .5 .5 .2 .2 .9 1\n0 .2 .2 .1 .1 .9 12\n",
        (CENTRE, {"pit"}),
        ((30, 15, 50, 25), {"pit"}),
        told=("a tracked box with a score and a track", "a tracked box with a score and a track"),
    ),
    "a single track with the number 1": one_image(
        "names: [pit]\n", "0 .5 .5 .2 .2 .9 1\n", (CENTRE, {"pit"}), told=("a tracked box with a score and a track",)
    ),
    "triangles": one_image(
        "names: [pit]\n",
        "0 .1 .1 .5 .1 .5 .6\n0 .9 .2 .9 .9 .6 .6\n",
        ((20, 10, 100, 60), {"pit"}),
        ((120, 20, 180, 90), {"pit"}),
        told=("line 1: a polygon; the box around it was taken", "line 2: a polygon; the box around it was taken"),
    ),
    "a triangle that was drawn over the edge": one_image(
        "names: [pit]\n",
        "0 .1 .1 .5 .1 .5 .6\n0 .8 .2 1.2 .2 .9 .6\n",
        ((20, 10, 100, 60), {"pit"}),
        ((160, 20, 200, 60), {"pit"}),
        told=("line 1: a polygon", "line 2: a polygon", "partly outside the image; cut off at its edge"),
    ),
    "turned boxes by their corners": one_image(
        "names: [pit]\n",
        "0 .1 .2 .3 .1 .4 .4 .2 .5\n",
        ((20, 10, 80, 50), {"pit"}),
        told=("a polygon; the box around",),
    ),
    "outlines with a score": one_image(
        "names: [pit]\n",
        "0 .1 .2 .3 .1 .4 .4 .2 .5 .87\n",
        ((20, 10, 80, 50), {"pit"}),
        told=("a polygon with a score; the box around",),
    ),
    "outlines and boxes in one file, in their order": one_image(
        "names: [pit]\n",
        "0 .1 .2 .3 .1 .4 .4 .2 .5\n0 .5 .5 .2 .2\n0 .2 .2 .1 .1\n",
        ((20, 10, 80, 50), {"pit"}),
        (CENTRE, {"pit"}),
        ((30, 15, 50, 25), {"pit"}),
        told=("line 1: a polygon",),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_yolo_dialects(tmp_path: Path, name: str) -> None:
    check_dialect(tmp_path, CASES[name])
