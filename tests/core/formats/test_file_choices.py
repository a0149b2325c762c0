"""Names of images that several files have, and the answers of whoever is asked."""

import json
from pathlib import Path

import pytest

from core.formats.annotations import Format
from core.formats.file_choices import AmbiguousImage, choose_by_folder, list_folders
from core.formats.registry import read_annotations
from tests.builders import picture, write_picture
from tests.core.formats.test_voc import annotation


def put_twins(folder: Path, format: Format) -> tuple[Path, dict[str, Path]]:
    """(annotations, files by their names' folders) of a.png and b.png, which lie in two folders, and of c.png."""
    files = {}
    for seed, name in enumerate(("raw/a.png", "raw/b.png", "cut/a.png", "cut/b.png", "cut/c.png")):
        files[name] = write_picture(folder / "set" / name, picture(64, 48, seed))
    source = folder / "set" / "x.json"
    if format is Format.COCO:
        tree = {
            "images": [{"id": n, "file_name": f"{n}.png", "width": 64, "height": 48} for n in "abc"],
            "annotations": [{"id": n, "image_id": n, "category_id": 1, "bbox": [1, 2, 3, 4]} for n in "abc"],
            "categories": [{"id": 1, "name": "pit"}],
        }
        source.write_text(json.dumps(tree))
    elif format is Format.CSV:
        source = source.with_name("x.csv")
        rows = "".join(f"{n}.png,pit,1,2,4,6\n" for n in "abc")
        source.write_text("image,label,x1,y1,x2,y2\n" + rows)
    else:
        source = source.with_name("xml")
        source.mkdir()
        for name in "abc":
            (source / f"{name}.xml").write_text(annotation(f"{name}.png", ("pit", (1, 2, 4, 6))))
    return source, files


@pytest.mark.parametrize("format", [Format.COCO, Format.CSV, Format.VOC])
def test_names_of_several_files_are_listed_and_may_be_answered(tmp_path: Path, format: Format) -> None:
    source, files = put_twins(tmp_path, format)
    imported = read_annotations(source, format)
    assert [image.path for image in imported.images] == [files["cut/c.png"]]
    assert imported.ambiguous == (
        AmbiguousImage("a.png", (files["cut/a.png"], files["raw/a.png"])),
        AmbiguousImage("b.png", (files["cut/b.png"], files["raw/b.png"])),
    )
    folders = list_folders(imported.ambiguous)
    assert folders == [(tmp_path / "set" / "cut", 2), (tmp_path / "set" / "raw", 2)]
    chosen = choose_by_folder(imported.ambiguous, tmp_path / "set" / "raw")
    again = read_annotations(source, format, chosen=chosen)
    assert {image.path for image in again.images} == {files["raw/a.png"], files["raw/b.png"], files["cut/c.png"]}
    assert again.ambiguous == () and again.missing == () and again.box_count == 3
    assert read_annotations(source, format).ambiguous == imported.ambiguous  # an answer is that of one reading


def test_an_answer_that_is_no_candidate_changes_nothing(tmp_path: Path) -> None:
    source, files = put_twins(tmp_path, Format.COCO)
    imported = read_annotations(source, chosen={"a.png": files["cut/c.png"], "b.png": files["raw/b.png"]})
    assert [image.name for image in imported.ambiguous] == ["a.png"] and imported.missing == ("a.png",)
    assert {image.path for image in imported.images} == {files["raw/b.png"], files["cut/c.png"]}
