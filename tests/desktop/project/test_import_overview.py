"""What the import dialog says would happen to each image."""

from __future__ import annotations

import shutil
from pathlib import Path

from core.formats.registry import read_annotations
from core.project.edits import box_edits
from desktop.project.import_overview import preview_import
from tests.builders import project_with_pictures


def test_a_labelled_picture_under_another_path_is_not_new(tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "p", count=2) as project:
        first = project.image_ids()[0]
        project.apply(box_edits.add_box(project, first, (1, 1, 9, 9), {project.labels()[0].id}))
        other = tmp_path / "other"
        other.mkdir()
        shutil.copy(project.image_path(first), other / "a.png")
        (other / "boxes.csv").write_text("image,x1,y1,x2,y2,label\na.png,1,1,9,9,pit\n")
        overview = preview_import(read_annotations(other / "boxes.csv"), project)
        assert (overview.images, overview.present) == (1, 1)
        ours = project.image(first).path
        (line,) = overview.lines
        assert line.problem == f"in the project as {ours}, which holds the same, with 1 box: 1 box merged into them"
    new = preview_import(read_annotations(other / "boxes.csv"), None)
    assert new.present == 0
