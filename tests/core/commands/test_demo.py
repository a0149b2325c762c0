"""The demo on a small scale: what it makes, and what it leaves alone. Drawing and charts with it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from core.commands import demo
from core.errors import InputError
from core.evaluation.matching import match_image
from core.imaging.decode import decode
from core.inspection import drawing
from core.inspection.charts import Chart, Series, draw_charts, place_ticks
from core.inspection.drawing import Tag
from core.inspection.prediction_pictures import (
    FN_COLOR,
    FP_COLOR,
    TP_COLOR,
    PredictionCase,
    draw_detections,
    draw_prediction_sheet,
)
from core.project.evaluations import load_evaluations
from core.project.project import Project
from core.sample import SAMPLE_LABELS
from core.types import Detections, GroundTruth

SMALL = {"schedule.epochs": 1, "sampling.input_size": 64, "schedule.batch_size": 4, "device": "cpu"}


def test_the_demo_goes_the_whole_way_and_can_be_run_again(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    result = demo.run_demo(folder, count=12, settings=SMALL, quiet=True)
    assert json.loads(json.dumps(result, allow_nan=False))["images"] >= 1
    assert result["checkpoint"] == "r001-best" and Path(result["path"]).is_file()
    [kept] = load_evaluations(Path(result["path"])).found
    assert (kept.key.split, kept.images, kept.measure("map50")) == ("test", result["images"], result["map50"])
    for name in ("predictions", "curves"):
        picture = decode(result[name])
        assert min(picture.shape[:2]) > 300 and picture.std() > 5
    with Project.open(folder) as project:
        assert project.counts().images == 12
        assert [run.id for run in project.runs.list_runs()] or project.runs.sync_folders()
    drawn = Path(result["curves"]).read_bytes()
    again = demo.run_demo(folder, count=12, settings=SMALL, quiet=True)
    assert again["checkpoint"] == "r002-best"
    assert Path(again["curves"]).name == "curves-2.png" and Path(result["curves"]).read_bytes() == drawn


def test_a_demo_that_was_killed_while_drawing_is_begun_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Project.create(tmp_path / "d", SAMPLE_LABELS).close()
    (tmp_path / "d" / "images").mkdir()
    (tmp_path / "d" / "images" / ".surface-0000.png.half.png").touch()

    def begun(project: Project, _recipe: object) -> None:
        assert len(project.image_ids()) == 4
        raise InputError("far enough")

    monkeypatch.setattr(demo, "prepare_run", begun)
    for _ in range(2):
        with pytest.raises(InputError, match="far enough"):
            demo.run_demo(tmp_path / "d", count=4, quiet=True)


def test_a_folder_of_ones_own_is_left_alone(tmp_path: Path) -> None:
    Project.create(tmp_path / "mine").close()
    with pytest.raises(InputError, match="project of your own"):
        demo.run_demo(tmp_path / "mine", quiet=True)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("dear")
    with pytest.raises(InputError, match="not a demo"):
        demo.run_demo(tmp_path / "full", quiet=True)
    assert [file.name for file in (tmp_path / "full").iterdir()] == ["letter.txt"]


def test_the_demo_trains_from_scratch_within_its_time() -> None:
    recipe = demo.demo_recipe({})
    assert recipe.model == "ssd_compact" and recipe.weights.source == "none"
    assert 0 < recipe.limits.time_minutes < 4


# Pictures ------------------------------------------------------------------------------------------------------------


def blank(side: int = 200) -> drawing.Image:
    return np.full((side, side, 3), 128, np.uint8)


def has_color(picture: drawing.Image, color: drawing.Color) -> bool:
    return bool((np.abs(picture.astype(int) - color).sum(axis=2) < 12).sum() > 20)


@pytest.mark.parametrize(
    "boxes, scores, shown",
    [
        ([[20, 20, 80, 80]], [[0.9]], {TP_COLOR}),
        ([[120, 120, 180, 180]], [[0.9]], {FP_COLOR, FN_COLOR}),
        ([], [], {FN_COLOR}),
    ],
)
def test_found_false_and_missed_have_their_colours(
    boxes: list[list[float]], scores: list[list[float]], shown: set[drawing.Color]
) -> None:
    truth = GroundTruth(np.array([[20, 20, 80, 80]], np.float32), np.array([[True]]))
    found = Detections(
        np.array(boxes, np.float32).reshape(-1, 4), np.array(scores, np.float32).reshape(-1, 1), ("pit",)
    )
    case = PredictionCase("one.png", blank(), truth, found, match_image(truth, found, 0.5))
    sheet = draw_prediction_sheet([case], ("pit",), "A title")
    cells = sheet[90:500, :420]
    assert {color for color in (TP_COLOR, FP_COLOR, FN_COLOR) if has_color(cells, color)} == shown


def test_detections_below_the_threshold_are_not_drawn() -> None:
    found = Detections(np.array([[20, 20, 80, 80]], np.float32), np.array([[0.4]], np.float32), ("pit",))
    image = blank()
    assert np.array_equal(draw_detections(image, found, 0.5, [(255, 0, 0)]), image)
    assert has_color(draw_detections(image, found, 0.3, [(255, 0, 0)]), (255, 0, 0))
    assert (image == 128).all()


def test_captions_keep_apart_and_inside_the_picture() -> None:
    taken: list[tuple[int, int, int, int]] = []
    picture = blank()
    for box in ([150, 0, 199, 40], [150, 0, 199, 42], [0, 150, 30, 199]):
        drawing.draw_tags(picture, box, [Tag("scratch 0.90", TP_COLOR)], taken, 12)
    for index, (x1, y1, x2, y2) in enumerate(taken):
        assert x1 >= 0 and x2 <= 200 and y1 >= 0 and y2 <= 200
        for a, b, c, d in taken[:index]:
            assert x2 <= a or c <= x1 or y2 <= b or d <= y1


def test_a_picture_that_cannot_be_written_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"file/a\.png"):
        drawing.write_picture(tmp_path / "file" / "a.png", blank())


def test_ticks_are_round_and_inside() -> None:
    assert place_ticks(0, 1) == [0, 0.2, 0.4, 0.6, 0.8, 1]
    assert place_ticks(1, 3, whole=True) == [1, 2, 3]
    assert all(value == int(value) for value in place_ticks(1, 12, whole=True))
    assert place_ticks(-3e-5, 4e-5)[0] >= -3e-5


@pytest.mark.parametrize("points", [(), ((1.0, None),), ((1.0, 0.5),), ((1.0, 0.5), (2.0, float("nan")), (3.0, 0.7))])
def test_a_chart_copes_with_little_to_show(points: tuple[tuple[float, float | None], ...]) -> None:
    picture = draw_charts([Chart("Loss", "epoch", (Series("train", points),), low=0, per_epoch=True)], "A title")
    assert picture.std() > 3
