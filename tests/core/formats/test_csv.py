import csv as plain_csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InputError
from core.formats import csv
from core.formats.exporting import ExportOptions, export_project
from core.formats.registry import Format, detect_format, read_annotations
from core.types import Split
from tests.builders import draw, project_with_pictures, write_picture


def put(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize(
    "text",
    [
        "image,x1,y1,x2,y2,label\na.png,1,2,30,31,pit\n",
        "filename,width,height,class,xmin,ymin,xmax,ymax\r\na.png,64,48,pit,1,2,30,31\r\n",  # TensorFlow, Roboflow
        "a.png,1,2,30,31,pit\nb.png,,,,,\n",  # keras-retinanet
        "Image Path;X Min;Y Min;X Max;Y Max;Class Name\na.png;1.0;2.0;30.0;31.0;pit\n",
        "label\tpath\tleft\ttop\tright\tbottom\npit\ta.png\t1\t2\t30\t31\n",
        '"image","x1","y1","x2","y2","label"\n"a.png","1","2","30","31"," pit "\n\n',
    ],
)
def test_headers_of_other_programs_are_known(tmp_path: Path, text: str) -> None:
    write_picture(tmp_path / "a.png")
    write_picture(tmp_path / "b.png")
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        path = put(tmp_path / "a.csv", text, encoding)
        imported = read_annotations(path, Format.CSV)
        assert imported.images[0].boxes.tolist() == [[1, 2, 30, 31]] and imported.images[0].label_sets == ({"pit"},)
        assert imported.problems == ()
    assert detect_format(put(tmp_path / "a.csv", text)).format is Format.CSV
    assert len(read_annotations(tmp_path).images) == (2 if "b.png" in text else 1)


def test_splits_in_a_column_are_taken(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png")
    path = put(tmp_path / "a.csv", "image,x1,y1,x2,y2,label,set\na.png,1,2,30,31,pit,Train\n")
    assert read_annotations(path).images[0].split is Split.TRAIN


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    for text in ("a,b,c\n1,2,3\n", "", "image,label\na.png,pit\n", "a.png,b,c,d,e,pit\n"):
        with pytest.raises(InputError, match="a.csv"):
            csv.read(put(tmp_path / "a.csv", text))


def test_a_foreign_apostrophe_is_a_letter(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png")
    path = put(tmp_path / "a.csv", "image,x1,y1,x2,y2,label\na.png,1,2,30,31,'=x\n")
    assert read_annotations(path).labels == ("'=x",)


@given(st.text())
def test_what_is_guarded_comes_back_and_is_no_formula(text: str) -> None:
    guarded = csv.guard_formula(text)
    assert csv.unguard_formula(guarded) == text
    assert not guarded.startswith(("=", "+", "-", "@", "\t", "\r"))


def test_no_cell_of_an_export_is_a_formula(tmp_path: Path) -> None:
    label = "=cmd|' /C calc'!A0"
    with project_with_pictures(tmp_path / "p", 1, [label, "@sum", "-1", "\u202egnp"]) as project:
        for name in (label, "@sum", "-1", "\u202egnp"):
            draw(project, project.image_ids()[0], (1, 1, 9 + len(name), 20), [name])
        export_project(project, ExportOptions(Format.CSV, tmp_path / "out"))
    with (tmp_path / "out" / "annotations.csv").open(encoding="utf-8", newline="") as file:
        rows = list(plain_csv.reader(file))
    assert tuple(rows[0]) == csv.HEADER and len(rows) == 5
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)
    labels = {
        name
        for image in read_annotations(tmp_path / "out", images_root=tmp_path / "p" / "images").images
        for own in image.label_sets
        for name in own
    }
    assert labels == {label, "@sum", "-1", "\u202egnp"}
