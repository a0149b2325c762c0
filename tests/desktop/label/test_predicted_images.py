"""Which images the newest predictions cover."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from core.inference.predictions import PredictionSet
from core.inspection.prediction_cache import PREDICTIONS_FILE
from core.project.project import Project
from core.types import Detections
from desktop.label.images.predicted_images import newest, predicted_ids
from tests.builders import project_with_pictures


def _save(root: Path, project: Project, image_ids: Sequence[int], *, age: int, contents: Sequence[str] = ()) -> Path:
    paths = tuple(str(project.image_path(image_id)) for image_id in image_ids)
    found = tuple(Detections.empty(["scratch"]) for _ in paths)
    file = root / f"r001-best-val-abc-{age}" / PREDICTIONS_FILE
    file.parent.mkdir(parents=True)
    PredictionSet(("scratch",), "best.pt", "abc", "val", paths, found, tuple(contents)).save(file)
    os.utime(file, (1_000_000 - age, 1_000_000 - age))
    return file


def test_the_newest_predictions_tell_which_images_are_covered(tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "p", 4) as project:
        first, second, third, _ = project.image_ids()
        root = tmp_path / "predictions"
        assert newest(root) is None
        _save(root, project, [first], age=50)
        file = _save(root, project, [second, third], age=10)
        assert newest(root) == file
        assert predicted_ids(file, project.folder, project.images()) == {second, third}


def test_an_image_whose_content_is_another_now_is_not_covered(tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "p", 2) as project:
        first, second = project.images()
        contents = [first.content_hash, "of the file as it was"]
        file = _save(tmp_path / "predictions", project, [first.id, second.id], age=0, contents=contents)
        assert predicted_ids(file, project.folder, project.images()) == {first.id}


def test_predictions_that_cannot_be_read_cover_nothing(tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "p", 2) as project:
        file = _save(tmp_path / "predictions", project, project.image_ids(), age=0)
        file.write_bytes(b"torn")
        assert predicted_ids(file, project.folder, project.images()) == frozenset()


def test_images_of_a_project_that_was_moved_are_covered_by_what_they_hold(tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "p", 2) as project:
        first, _ = project.images()
        file = _save(tmp_path / "predictions", project, [first.id], age=0, contents=[first.content_hash])
    (tmp_path / "p").rename(tmp_path / "moved")
    with Project.open(tmp_path / "moved") as project:
        assert predicted_ids(file, project.folder, project.images()) == {first.id}
