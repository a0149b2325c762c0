"""CSV as spreadsheets, scripts and labelling tools write it."""

from pathlib import Path

import pytest

from core.errors import InputError
from core.formats.annotations import Format
from core.formats.csv_columns import ColumnsError, parse_named_columns
from core.formats.registry import detect_format, read_annotations
from core.formats.text import EncodingError, check_encoding
from core.types import Split
from tests.builders import picture, write_picture
from tests.core.formats.matrix import HEIGHT, WIDTH, Dialect, Found, check_dialect

BOX: Found = ((10, 20, 30, 40), {"pit"})
HEAD = "filename,class,xmin,ymin,xmax,ymax\n"


def one_image(text: str | bytes, *found: Found, told: tuple[str, ...] = ()) -> Dialect:
    return Dialect(Format.CSV, {"boxes.csv": text}, {"a.png": list(found)}, told)


CASES = {
    "decimal commas": one_image(
        "filename;class;xmin;ymin;xmax;ymax\na.png;pit;10,5;20,25;30,0;40,75\n", ((10.5, 20.25, 30, 40.75), {"pit"})
    ),
    "decimal commas in quotes": one_image(HEAD + 'a.png,pit,"10,5",20,30,40\n', ((10.5, 20, 30, 40), {"pit"})),
    "Excel's line of the separator": one_image(
        "sep=;\r\nfilename;class;xmin;ymin;xmax;ymax\r\na.png;pit;10;20;30;40\r\n", BOX
    ),
    "the separator in quotes, a tab": one_image(
        '"sep=\t"\nfilename\tclass\txmin\tymin\txmax\tymax\na.png\tpit\t10\t20\t30\t40\n', BOX
    ),
    "bars": one_image("filename|class|xmin|ymin|xmax|ymax\na.png|pit|10|20|30|40\n", BOX),
    "spaces after the commas": one_image("filename, class, xmin, ymin, xmax, ymax\n a.png, pit, 10, 20, 30, 40\n", BOX),
    "spaces before quotes": one_image(
        'filename, class, xmin, ymin, xmax, ymax\n "a.png" , "pit" , 10, 20, 30, 40\n', BOX
    ),
    "empty cells of pandas": one_image(HEAD + "a.png,pit,10.0,20.0,30.0,40.0\na.png,nan,nan,nan,nan,nan\n", BOX),
    "an image of empty cells": one_image(HEAD + "a.png,NaN,NaN,NaN,NaN,NaN\n"),
    "a label of an empty cell": one_image(
        HEAD + "a.png,nan,10,20,30,40\na.png,pit,10,20,30,40\n",
        BOX,
        told=("row 2: its label is nan, which stands for none; skipped",),
    ),
    "a label called none": one_image(HEAD + "a.png,none,10,20,30,40\n", ((10, 20, 30, 40), {"none"})),
    "a corner and a size": one_image("image,label,x,y,w,h\na.png,pit,10,20,20,20\n", BOX),
    "a corner and a size, with the image's": one_image(
        "label_name,bbox_x,bbox_y,bbox_width,bbox_height,image_name,image_width,image_height\npit,10,20,20,20,a.png,200,100\n",
        BOX,
    ),
    "width and height of the box": one_image("filename,x,y,width,height,label\na.png,10,20,20,20,pit\n", BOX),
    "left, top, width and height": one_image("filename,left,top,width,height,label\na.png,10,20,20,20,pit\n", BOX),
    "a centre and a size in shares": one_image(
        "image,x_center,y_center,width,height,label\na.png,0.1,0.3,0.1,0.2,pit\n",
        BOX,
        told=("all coordinates of 1 box lie between 0 and 1",),
    ),
    "corners in shares": one_image(
        "ImageID,LabelName,XMin,XMax,YMin,YMax\na.png,pit,0.05,0.15,0.2,0.4\n",
        BOX,
        told=("all coordinates of 1 box lie between 0 and 1",),
    ),
    "makesense without a header": one_image("pit,10,20,20,20,a.png,200,100\n", BOX),
    "width and height of the image": one_image(
        "filename,width,height,class,xmin,ymin,xmax,ymax\na.png,200,100,pit,10,20,30,40\n", BOX
    ),
    "marks of boxes": one_image(
        "ImageID,LabelName,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated\na.png,pit,10,30,20,40,1,0\n",
        BOX,
        told=("1 box is marked as occluded; the mark was left out",),
    ),
    "what is no defect": one_image(
        HEAD + "a.png,_background_,1,2,3,4\na.png,pit,10,20,30,40\n", BOX, told=("row 2: '_background_' is no defect",)
    ),
    "splits in other words": Dialect(
        Format.CSV,
        {
            "boxes.csv": HEAD.replace("class", "split,class")
            + "".join(
                f"{name}.png,{word},pit,10,20,30,40\n"
                for name, word in zip(
                    "abcdefg", ("TRAIN", " valid", "validation", "testing", "Dev", "UNASSIGNED", "odd"), strict=True
                )
            )
        },
        {f"{name}.png": [BOX] for name in "abcdefg"},
        ("row 8: 'odd' is no split (train, val or test); left out",),
        splits={
            "a.png": Split.TRAIN,
            "b.png": Split.VAL,
            "c.png": Split.VAL,
            "d.png": Split.TEST,
            "e.png": Split.VAL,
            "f.png": Split.NONE,
        },
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_csv_dialects(tmp_path: Path, name: str) -> None:
    check_dialect(tmp_path, CASES[name])


CELLS = "image,cell_type,xmin,ymin,xmax,ymax,left edge\na.png,pit,10,20,30,40,5\n"


def put_cells(folder: Path) -> Path:
    write_picture(folder / "a.png", picture(WIDTH, HEIGHT))
    path = folder / "cells.csv"
    path.write_text(CELLS)
    return path


def test_columns_of_other_names_are_named_and_asked_for(tmp_path: Path) -> None:
    path = put_cells(tmp_path)
    for source in (path, tmp_path):
        assert detect_format(source).format is Format.CSV
        with pytest.raises(ColumnsError) as caught:
            read_annotations(source)
        text = str(caught.value)
        assert "no column is known as label" in text and "image, cell_type, xmin, ymin, xmax, ymax, left edge" in text
        assert "--columns label=cell_type" in text
        assert caught.value.header[1] == "cell_type" and caught.value.missing == ("label",)


def test_columns_that_a_user_names_are_taken(tmp_path: Path) -> None:
    path = put_cells(tmp_path)
    for source in (path, tmp_path):
        (image,) = read_annotations(source, columns={"label": "Cell_Type"}).images
        assert image.boxes.tolist() == [[10, 20, 30, 40]] and image.label_sets == ({"pit"},)
    (image,) = read_annotations(path, columns={"label": "cell_type", "x1": "left edge"}).images
    assert image.boxes.tolist() == [[5, 20, 30, 40]]


def test_a_table_about_something_else_makes_no_annotations_of_a_folder_of_images(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png", picture(WIDTH, HEIGHT))
    (tmp_path / "weather.csv").write_text("day,rain,wind,sun,hail,snow\n1,2,3,4,5,6\n")
    with pytest.raises(InputError, match="no annotations in it"):
        detect_format(tmp_path)
    assert detect_format(tmp_path / "weather.csv").format is Format.CSV


def test_names_of_columns_are_checked(tmp_path: Path) -> None:
    path = put_cells(tmp_path)
    for named, text in (
        ({"label": "kind"}, "it has no column 'kind'; its columns are image, cell_type"),
        ({"colour": "x"}, "there is no field 'colour'"),
    ):
        with pytest.raises(InputError, match=text):
            read_annotations(path, columns=named)
    assert parse_named_columns(["label=cell_type, x1=left edge", "y1=top"]) == {
        "label": "cell_type",
        "x1": "left edge",
        "y1": "top",
    }
    for text in ("label", "=x", "label=", ""):
        with pytest.raises(InputError, match="names no column"):
            parse_named_columns([text])


GERMAN = "Datei;label;x1;y1;x2;y2\r\na.png;Kratzer groß;10,5;20,25;30,0;40,75\r\nä.png;Öl;1;2;3;4\r\n"


def put_table(folder: Path, text: str, encoding: str, name: str = "boxes.csv") -> Path:
    for picture_name in ("a.png", "ä.png"):
        write_picture(folder / picture_name, picture(WIDTH, HEIGHT))
    (folder / name).write_bytes(text.encode(encoding))
    return folder / name


@pytest.mark.parametrize(("encoding", "named"), [("cp1252", "cp1252"), ("utf-8-sig", None), ("utf-16", None)])
def test_a_table_of_a_german_spreadsheet_is_read_in_its_encoding(
    tmp_path: Path, encoding: str, named: str | None
) -> None:
    path = put_table(tmp_path, GERMAN, encoding)
    imported = read_annotations(path, columns={"image": "Datei"}, encoding=named)
    assert [image.path.name for image in imported.images] == ["a.png", "ä.png"]
    assert [image.boxes.tolist() for image in imported.images] == [[[10.5, 20.25, 30, 40.75]], [[1, 2, 3, 4]]]
    assert imported.labels == ("Kratzer groß", "Öl")


def test_a_table_in_no_unicode_is_refused_with_what_it_would_say(tmp_path: Path) -> None:
    path = put_table(tmp_path, GERMAN, "cp1252")
    with pytest.raises(EncodingError) as caught:
        read_annotations(path)
    text = str(caught.value)
    assert text.startswith(f"{path}: line 2: not a CSV file (not text in UTF-8)")
    assert "read as cp1252 it says 'a.png;Kratzer groß;10,5" in text and "--encoding cp1252" in text
    assert caught.value.read_as("cp1251") == "a.png;Kratzer groЯ;10,5;20,25;30,0;40,75"
    assert caught.value.read_as("gbk") == ""


def test_the_encoding_is_that_of_the_tables_that_are_no_unicode(tmp_path: Path) -> None:
    put_table(tmp_path, HEAD + "a.png,Öl,1,2,3,4\n", "cp1252", "train.csv")
    put_table(tmp_path, HEAD + "ä.png,Öl,1,2,3,4\n", "utf-8", "val.csv")
    imported = read_annotations(tmp_path, encoding="cp1252")
    assert imported.labels == ("Öl",) and len(imported.images) == 2


def test_an_encoding_that_does_not_fit_is_named(tmp_path: Path) -> None:
    path = put_table(tmp_path, GERMAN, "cp1252")
    with pytest.raises(InputError, match="it is no text in ascii; choose another encoding"):
        read_annotations(path, encoding="ascii")
    with pytest.raises(InputError, match="no encoding 'excel'; choose one such as cp1252"):
        check_encoding("excel")
    with pytest.raises(InputError, match="only for CSV files"):
        read_annotations(path, Format.COCO, encoding="cp1252")


def test_names_without_a_suffix_are_found_with_any(tmp_path: Path) -> None:
    dialect = one_image(
        "image_id,width,height,class,xmin,ymin,xmax,ymax\na,200,100,pit,10,20,30,40\n", BOX, told=("a is a.png",)
    )
    check_dialect(tmp_path, dialect)
