from pathlib import Path

import pytest

from core.errors import InputError
from core.formats import voc
from core.formats.registry import detect_format, read_annotations
from core.types import Split
from tests.builders import picture, write_picture

BOX = "<bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox>"


def annotation(
    name: str, *objects: tuple[str, tuple[object, ...]], size: tuple[int, int] | None = (64, 48), more: str = ""
) -> str:
    """As labelImg writes it."""
    stated = "" if size is None else f"<size><width>{size[0]}</width><height>{size[1]}</height><depth>3</depth></size>"
    inner = "".join(f"<object><name>{label}</name><pose>x</pose>{BOX.format(*box)}</object>" for label, box in objects)
    return f"<annotation>{more}<filename>{name}</filename>{stated}{inner}</annotation>"


def put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_a_data_set_in_its_usual_folders_is_read_with_its_splits(tmp_path: Path) -> None:
    for name in ("a", "b", "deep/a"):
        write_picture(tmp_path / "JPEGImages" / f"{name}.png")
        put(
            tmp_path / "Annotations" / f"{name}.xml",
            annotation(Path(name).name + ".png", ("pit", (len(name), 2, 30, 31))),
        )
    put(tmp_path / "ImageSets" / "Main" / "train.txt", "a\r\ndeep/a\n")
    put(tmp_path / "ImageSets" / "Main" / "val.txt", "b\n")
    for path in (tmp_path, tmp_path / "Annotations"):
        assert detect_format(path).summary == "Pascal VOC, 3 files"
        imported = read_annotations(path)
        assert {
            image.path.relative_to(tmp_path).as_posix(): (image.boxes.tolist(), image.split)
            for image in imported.images
        } == {
            "JPEGImages/a.png": ([[1, 2, 30, 31]], Split.TRAIN),
            "JPEGImages/b.png": ([[1, 2, 30, 31]], Split.VAL),
            "JPEGImages/deep/a.png": ([[6, 2, 30, 31]], Split.TRAIN),
        }
        assert imported.problems == () and imported.labels == ("pit",)


def test_files_beside_their_images_with_paths_of_another_machine_are_read(tmp_path: Path) -> None:
    write_picture(tmp_path / "ü 1.png")
    more = "<folder>C:\\data</folder><path>C:\\data\\ü 1.png</path>"
    path = put(tmp_path / "ü 1.xml", annotation("ü 1.png", ("Kratzer ü", (1.5, 2, 30, 31)), more=more))
    (image,) = read_annotations(path).images
    assert image.path == tmp_path / "ü 1.png" and image.boxes.tolist() == [[1.5, 2, 30, 31]]


def test_repeated_objects_become_one_box_with_all_labels(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png")
    objects = [("pit", (10, 10, 30, 30)), ("stain", (10, 10, 30, 30)), ("pit", (10, 10, 30, 45))]
    imported = read_annotations(put(tmp_path / "a.xml", annotation("a.png", *objects)))
    assert imported.images[0].label_sets == ({"pit", "stain"}, {"pit"}) and imported.merged == 1


def test_corners_that_another_program_moved_count_more_than_our_exact_ones(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png")
    own = "<defectdesk><box>1</box><exact>10.4 10.25 30.1 29.9</exact></defectdesk>"
    text = annotation("a.png", ("pit", (10, 10, 30, 30))).replace("</object>", own + "</object>")
    assert read_annotations(put(tmp_path / "a.xml", text)).images[0].boxes.tolist() == [[10.4, 10.25, 30.1, 29.9]]
    moved = text.replace("<xmax>30", "<xmax>35")
    assert read_annotations(put(tmp_path / "a.xml", moved)).images[0].boxes.tolist() == [[10, 10, 35, 30]]


def test_a_bad_file_among_good_ones_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png")
    write_picture(tmp_path / "b.png", picture(30, 20))
    put(tmp_path / "a.xml", annotation("a.png", ("pit", (1, 1, 9, 9))))
    put(tmp_path / "b.xml", annotation("b.png", ("pit", (1, 1, 9, 9))))
    put(tmp_path / "c.xml", "<annotation>")
    put(tmp_path / "d.xml", annotation("gone.png"))
    put(tmp_path / "e.xml", annotation("a.png", ("", (1, 1, 9, 9)), ("stain", (30, 30, 40, 40)), size=None))
    put(tmp_path / "f.xml", annotation(""))
    imported = voc.read(tmp_path)
    assert [image.boxes.tolist() for image in imported.images] == [[[1, 1, 9, 9], [30, 30, 40, 40]]]
    told = "\n".join(f"{Path(problem.file).name}: {problem.problem}" for problem in imported.problems)
    for expected in (
        "b.png: it is 30 x 20, but its boxes were made for 64 x 48",
        "c.xml: not a Pascal VOC file",
        "gone.png: there is no",
        "e.xml: another file is about this image",
        "e.xml: object 1: its label '' cannot be used",
        "f.xml: it names no image",
    ):
        assert expected in told
    assert len(imported.problems) == 6 and imported.missing == ("gone.png",)
    with pytest.raises(InputError, match="c.xml"):
        voc.read(tmp_path / "c.xml")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "cp037"])
def test_declarations_are_refused_in_any_encoding(tmp_path: Path, encoding: str) -> None:
    start = f'<?xml version="1.0" encoding="{encoding.removesuffix("-sig").removesuffix("-be")}"?>'
    text = '<!DOCTYPE annotation [<!ENTITY a "pit">]>' + annotation("a.png", ("&a;", (1, 1, 9, 9)))
    write_picture(tmp_path / "a.png")
    path = tmp_path / "a.xml"
    head = start.encode("ascii" if encoding == "cp037" else encoding)
    path.write_bytes(head + text.encode(encoding.removesuffix("-sig") if encoding != "utf-16" else "utf-16-le"))
    with pytest.raises(InputError, match="it declares types or entities|not a Pascal VOC file"):
        voc.read(path)
