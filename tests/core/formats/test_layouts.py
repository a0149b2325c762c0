"""Where the images of a data set lie: the layouts of other programs, with the images, boxes and splits that come in."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.errors import InputError
from core.formats.annotations import ImportedAnnotations
from core.formats.empty_images import EmptyImages, set_empty_status
from core.formats.import_report import count_missing
from core.formats.registry import read_annotations
from core.types import Split
from tests.builders import picture, write_coco, write_picture

Found = dict[str, tuple[int, str | None]]
SIDES = {"width": 64, "height": 48}


def coco(folder: Path, file: str, *names: str, **more: Any) -> Path:
    """A COCO file with a box on each image, the images called `names`."""
    images = [{"id": number, "file_name": name, **SIDES} for number, name in enumerate(names, start=1)]
    boxes = [{"image_id": number, "category_id": 1, "bbox": [1, 2, 20, 20]} for number in range(1, len(names) + 1)]
    return write_coco(folder / file, images, boxes, **more)


def voc(folder: Path, file: str, name: str | None, more: str = "") -> None:
    filename = "" if name is None else f"<filename>{name}</filename>"
    sides = "<size><width>64</width><height>48</height></size>"
    box = "<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>20</xmax><ymax>30</ymax></bndbox>"
    put(folder, file, f"<annotation>{filename}{more}{sides}<object><name>pit</name>{box}</object></annotation>")


def put(folder: Path, file: str, text: str = "0 0.5 0.5 0.5 0.5\n") -> Path:
    path = folder / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def images(folder: Path, *names: str) -> None:
    for seed, name in enumerate(names):
        write_picture(folder / name, picture(seed=seed))


def found(imported: ImportedAnnotations, folder: Path) -> Found:
    """Boxes and split by the image's path."""
    return {
        image.path.relative_to(folder).as_posix(): (len(image.boxes), image.split and str(image.split))
        for image in imported.images
    }


def kinds(imported: ImportedAnnotations) -> set[str]:
    return {problem.kind for problem in imported.problems}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The data set: what lies beside it is of this test, too."""
    (tmp_path / "ds").mkdir()
    return tmp_path / "ds"


# COCO


def as_coco_writes_it(folder: Path) -> Found:
    images(folder, "train2017/0001.jpg", "val2017/0001.jpg", "val2017/0002.jpg")
    coco(folder, "annotations/instances_train2017.json", "0001.jpg")
    coco(folder, "annotations/instances_val2017.json", "0001.jpg", "0002.jpg")
    return {"train2017/0001.jpg": (1, "train"), "val2017/0001.jpg": (1, "val"), "val2017/0002.jpg": (1, "val")}


def with_images_of_all_splits(folder: Path) -> Found:
    images(folder, "images/1.jpg", "images/2.jpg")
    coco(folder, "annotations/train.json", "1.jpg")
    coco(folder, "annotations/test.json", "2.jpg")
    return {"images/1.jpg": (1, "train"), "images/2.jpg": (1, "test")}


def as_cvat_writes_it(folder: Path) -> Found:
    images(folder, "images/cam1/f.png", "images/cam2/f.png")
    coco(folder, "annotations/instances_default.json", "cam1/f.png", "cam2/f.png")
    return {"images/cam1/f.png": (1, None), "images/cam2/f.png": (1, None)}


def with_subsets_of_cvat(folder: Path) -> Found:
    images(folder, "images/Train/f.png", "images/Validation/f.png")
    coco(folder, "annotations/instances_Train.json", "f.png")
    coco(folder, "annotations/instances_Validation.json", "f.png")
    return {"images/Train/f.png": (1, "train"), "images/Validation/f.png": (1, "val")}


def as_fiftyone_writes_it(folder: Path) -> Found:
    images(folder, "data/1.jpg")
    coco(folder, "labels.json", "1.jpg")
    return {"data/1.jpg": (1, None)}


def as_roboflow_writes_it(folder: Path) -> Found:
    images(folder, "train/a.jpg", "valid/b.jpg")
    coco(folder, "train/_annotations.coco.json", "a.jpg")
    coco(folder, "valid/_annotations.coco.json", "b.jpg")
    return {"train/a.jpg": (1, "train"), "valid/b.jpg": (1, "val")}


def with_a_folder_of_images_in_each_split(folder: Path) -> Found:
    images(folder, "train/images/a.jpg", "valid/images/a.jpg")
    coco(folder, "train/_annotations.coco.json", "a.jpg")
    coco(folder, "valid/_annotations.coco.json", "a.jpg")
    return {"train/images/a.jpg": (1, "train"), "valid/images/a.jpg": (1, "val")}


def with_captions_beside_the_boxes(folder: Path) -> Found:
    images(folder, "images/1.jpg")
    coco(folder, "annotations/instances_train.json", "1.jpg")
    captions = {"images": [{"id": 1, "file_name": "1.jpg"}], "annotations": [{"id": 1, "image_id": 1, "caption": "x"}]}
    put(folder, "annotations/captions_train.json", json.dumps(captions))
    return {"images/1.jpg": (1, "train")}


def with_images_deep_below(folder: Path) -> Found:
    images(folder, "pictures/2024/May/a.png")
    coco(folder, "coco.json", "a.png")
    return {"pictures/2024/May/a.png": (1, None)}


def in_a_folder_below_the_chosen_one(folder: Path) -> Found:
    images(folder, "Set v3/images/train/a.png")
    coco(folder, "Set v3/annotations/instances_train.json", "a.png")
    return {"Set v3/images/train/a.png": (1, "train")}


# Pascal VOC


def as_voc_writes_it_one_folder_below(folder: Path) -> Found:
    images(folder, "VOC2007/JPEGImages/a.jpg", "VOC2007/JPEGImages/b.jpg")
    voc(folder, "VOC2007/Annotations/a.xml", "a.jpg")
    voc(folder, "VOC2007/Annotations/b.xml", "b.jpg")
    put(folder, "VOC2007/ImageSets/Main/train.txt", "a\n")
    put(folder, "VOC2007/ImageSets/Main/test.txt", "b\n")
    return {"VOC2007/JPEGImages/a.jpg": (1, "train"), "VOC2007/JPEGImages/b.jpg": (1, "test")}


def in_capitals(folder: Path) -> Found:
    images(folder, "IMAGES/a.jpg")
    voc(folder, "ANNOTATIONS/a.xml", "a.jpg")
    return {"IMAGES/a.jpg": (1, None)}


def in_small_letters(folder: Path) -> Found:
    images(folder, "jpegimages/a.jpg")
    voc(folder, "annotations/a.xml", "a.jpg")
    put(folder, "imagesets/main/val.txt", "a\n")
    return {"jpegimages/a.jpg": (1, "val")}


def with_xml_in_each_split(folder: Path) -> Found:
    images(folder, "train/a.jpg", "valid/b.jpg")
    voc(folder, "train/a.xml", "a.jpg")
    voc(folder, "valid/b.xml", "b.jpg")
    return {"train/a.jpg": (1, "train"), "valid/b.jpg": (1, "val")}


def with_folders_of_each_class(folder: Path) -> Found:
    images(folder, "images/crazing/crazing_1.jpg", "images/patches/patches_1.jpg")
    voc(folder, "annotations/crazing_1.xml", "crazing_1.jpg")
    voc(folder, "annotations/patches_1.xml", "patches_1")
    return {"images/crazing/crazing_1.jpg": (1, None), "images/patches/patches_1.jpg": (1, None)}


def with_mirrored_folders(folder: Path) -> Found:
    for lot in ("lot1", "lot2"):
        images(folder, f"imgs/{lot}/0001.jpg")
        voc(folder, f"ann/{lot}/0001.xml", "0001.jpg")
    return {"imgs/lot1/0001.jpg": (1, None), "imgs/lot2/0001.jpg": (1, None)}


def named_without_suffix(folder: Path) -> Found:
    images(folder, "a.jpg", "SegmentationClass/a.png")
    voc(folder, "a.xml", "a")
    return {"a.jpg": (1, None)}


def coco_named_without_suffix(folder: Path) -> Found:
    images(folder, "images/part.1.jpg", "images/b.png")
    coco(folder, "annotations/a.json", "part.1", "b")
    return {"images/part.1.jpg": (1, None), "images/b.png": (1, None)}


def via_named_without_suffix(folder: Path) -> Found:
    images(folder, "images/a.jpg")
    shape = {"name": "rect", "x": 1, "y": 2, "width": 20, "height": 30}
    region = {"shape_attributes": shape, "region_attributes": {"defect": "pit"}}
    put(
        folder, "via.json", json.dumps({"a9": {"filename": "a", "size": 9, "regions": [region], "file_attributes": {}}})
    )
    return {"images/a.jpg": (1, None)}


def cvat_named_without_suffix(folder: Path) -> Found:
    images(folder, "images/a.jpg")
    box = '<box label="pit" xtl="1" ytl="2" xbr="20" ybr="30"/>'
    image = f'<image id="0" name="a" width="64" height="48">{box}</image>'
    put(folder, "annotations.xml", f"<annotations><version>1.1</version>{image}</annotations>")
    return {"images/a.jpg": (1, None)}


def named_with_another_suffix(folder: Path) -> Found:
    images(folder, "JPEGImages/a.jpg", "SegmentationClass/a.png")
    voc(folder, "Annotations/a.xml", "a.bmp")
    return {"JPEGImages/a.jpg": (1, None)}


def without_a_name(folder: Path) -> Found:
    images(folder, "a.jpg")
    voc(folder, "a.xml", None)
    return {"a.jpg": (1, None)}


def renamed_with_the_right_path(folder: Path) -> Found:
    images(folder, "board 7.jpg")
    voc(folder, "x.xml", "IMG_0001.jpg", "<path>C:\\data\\board 7.jpg</path>")
    return {"board 7.jpg": (1, None)}


def renamed_together_with_the_xml(folder: Path) -> Found:
    images(folder, "board 7.jpg", "board 8.jpg")
    voc(folder, "board 7.xml", "IMG_0001.jpg")
    voc(folder, "board 8.xml", "IMG_0001.jpg")
    return {"board 7.jpg": (1, None), "board 8.jpg": (1, None)}


# Tables


def tables_of_each_split(folder: Path) -> Found:
    for split, name in (("train", "a"), ("valid", "b"), ("test", "c")):
        images(folder, f"{split}/{name}.jpg")
        header = "filename,width,height,class,xmin,ymin,xmax,ymax\n"
        put(folder, f"{split}/_annotations.csv", f"{header}{name}.jpg,64,48,pit,1,2,20,20\n")
    return {"train/a.jpg": (1, "train"), "valid/b.jpg": (1, "val"), "test/c.jpg": (1, "test")}


def tables_beside_their_folders(folder: Path) -> Found:
    images(folder, "train/a.jpg", "test/a.jpg")
    for split in ("train", "test"):
        put(folder, f"{split}_labels.csv", "filename,class,xmin,ymin,xmax,ymax\na.jpg,pit,1,2,20,20\n")
    return {"train/a.jpg": (1, "train"), "test/a.jpg": (1, "test")}


# Names


def with_names_in_another_case(folder: Path) -> Found:
    images(folder, "Images/X.JPG")
    coco(folder, "a.json", "images/x.jpg")
    return {"Images/X.JPG": (1, None)}


def with_names_of_a_web_address(folder: Path) -> Found:
    images(folder, "images/cb-part 1.jpg", "images/b.jpg", "images/c d.jpg")
    names = ("images/cb-part%201.jpg", "https://host/x/b.jpg?token=5", "/data/local-files/?d=images/c%20d.jpg")
    coco(folder, "result.json", *names)
    return {"images/cb-part 1.jpg": (1, None), "images/b.jpg": (1, None), "images/c d.jpg": (1, None)}


def with_names_of_another_machine(folder: Path) -> Found:
    images(folder, "pictures/a.jpg", "pictures/b.jpg")
    coco(folder, "a.json", "C:\\Users\\x\\data\\a.jpg", "/home/x/data/b.jpg")
    return {"pictures/a.jpg": (1, None), "pictures/b.jpg": (1, None)}


# YOLO


def yolo_with_lists_of_another_machine(folder: Path) -> Found:
    images(folder, "images/train/a.png")
    put(folder, "labels/train/a.txt")
    put(folder, "train.txt", "/home/x/ds/images/train/a.png\n")
    put(folder, "data.yaml", "train: train.txt\nnames: [pit]\n")
    return {"images/train/a.png": (1, "train")}


def yolo_with_folders_of_another_machine(folder: Path) -> Found:
    images(folder, "images/train/a.png", "images/val/b.png")
    put(folder, "labels/train/a.txt")
    put(folder, "labels/val/b.txt")
    put(
        folder,
        "data.yaml",
        "path: /content/ds\ntrain: /content/ds/images/train\nval: C:\\ds\\images\\val\nnames: [pit]\n",
    )
    return {"images/train/a.png": (1, "train"), "images/val/b.png": (1, "val")}


def yolo_in_jpegimages(folder: Path) -> Found:
    images(folder, "JPEGImages/a.jpg")
    put(folder, "labels/a.txt")
    put(folder, "data.yaml", "names: [pit]\n")
    return {"JPEGImages/a.jpg": (1, None)}


def yolo_in_capitals(folder: Path) -> Found:
    images(folder, "Images/a.jpg", "Images/b.jpg")
    put(folder, "Labels/a.txt")
    put(folder, "Labels/B.TXT")
    put(folder, "data.yaml", "names: [pit]\n")
    return {"Images/a.jpg": (1, None), "Images/b.jpg": (1, None)}


def yolo_beside_images_in_a_folder_of_images(folder: Path) -> Found:
    images(folder, "images/a.jpg", "some/b.jpg")
    put(folder, "images/a.txt")
    put(folder, "some/b.txt")
    put(folder, "classes.txt", "pit\n")
    return {"images/a.jpg": (1, None), "some/b.jpg": (1, None)}


def yolo_with_labels_below_each_split(folder: Path) -> Found:
    images(folder, "train/a.jpg", "val/b.jpg")
    put(folder, "labels/train/a.txt")
    put(folder, "labels/val/b.txt")
    put(folder, "data.yaml", "train: train\nval: val\nnames: [pit]\n")
    return {"train/a.jpg": (1, "train"), "val/b.jpg": (1, "val")}


def yolo_with_data_yaml_in_a_folder(folder: Path) -> Found:
    images(folder, "images/train/a.png")
    put(folder, "labels/train/a.txt")
    put(folder, "config/data.yaml", "train: ../images/train\nnames: [pit]\n")
    return {"images/train/a.png": (1, "train")}


def yolo_one_folder_below(folder: Path) -> Found:
    images(folder, "Set v1/train/images/a.png")
    put(folder, "Set v1/train/labels/a.txt")
    put(folder, "Set v1/data.yaml", "train: ../train/images\nnames: [pit]\n")
    return {"Set v1/train/images/a.png": (1, "train")}


def yolo_with_classes_among_the_images(folder: Path) -> Found:
    images(folder, "images/a.jpg")
    put(folder, "images/a.txt")
    put(folder, "images/classes.txt", "pit\n")
    return {"images/a.jpg": (1, None)}


def yolo_as_cvat_writes_it(folder: Path) -> Found:
    images(folder, "obj_train_data/a.png", "obj_train_data/sub/b.png")
    put(folder, "obj_train_data/a.txt")
    put(folder, "obj_train_data/sub/b.txt")
    put(folder, "obj.names", "pit\n")
    put(folder, "obj.data", "classes = 1\ntrain = data/train.txt\nnames = data/obj.names\nbackup = backup/\n")
    put(folder, "train.txt", "data/obj_train_data/a.png\ndata/obj_train_data/sub/b.png\n")
    return {"obj_train_data/a.png": (1, "train"), "obj_train_data/sub/b.png": (1, "train")}


def yolo_with_labels_of_other_names_of_folders(folder: Path) -> Found:
    images(folder, "pics/a.png", "pics/b.png")
    put(folder, "marks/a.txt")
    put(folder, "marks/b.txt")
    put(folder, "data.yaml", "names: [pit]\n")
    return {"pics/a.png": (1, None), "pics/b.png": (1, None)}


def two_sets_in_one_folder(folder: Path) -> Found:
    for name in ("A", "B"):
        images(folder, f"{name}/pics/1.jpg")
        coco(folder, f"{name}/notes.json", "1.jpg")
    return {"A/pics/1.jpg": (1, None), "B/pics/1.jpg": (1, None)}


def with_a_folder_for_each_file(folder: Path) -> Found:
    images(folder, "train/1.jpg", "val/1.jpg")
    coco(folder, "train.json", "1.jpg")
    coco(folder, "val.json", "1.jpg")
    return {"train/1.jpg": (1, "train"), "val/1.jpg": (1, "val")}


LAYOUTS: list[tuple[Callable[[Path], Found], set[str]]] = [
    (as_coco_writes_it, set()),
    (with_images_of_all_splits, set()),
    (as_cvat_writes_it, set()),
    (with_subsets_of_cvat, set()),
    (as_fiftyone_writes_it, set()),
    (as_roboflow_writes_it, set()),
    (with_a_folder_of_images_in_each_split, set()),
    (with_captions_beside_the_boxes, {"passed over"}),
    (with_images_deep_below, {"elsewhere"}),
    (two_sets_in_one_folder, {"elsewhere"}),
    (with_a_folder_for_each_file, set()),
    (in_a_folder_below_the_chosen_one, set()),
    (as_voc_writes_it_one_folder_below, set()),
    (in_capitals, set()),
    (in_small_letters, set()),
    (with_xml_in_each_split, set()),
    (with_folders_of_each_class, {"elsewhere"}),
    (with_mirrored_folders, {"elsewhere"}),
    (named_without_suffix, {"elsewhere"}),
    (coco_named_without_suffix, {"elsewhere"}),
    (via_named_without_suffix, {"elsewhere"}),
    (cvat_named_without_suffix, {"elsewhere"}),
    (named_with_another_suffix, {"elsewhere"}),
    (without_a_name, {"elsewhere"}),
    (renamed_with_the_right_path, {"elsewhere"}),
    (renamed_together_with_the_xml, {"elsewhere"}),
    (tables_of_each_split, set()),
    (tables_beside_their_folders, set()),
    (with_names_in_another_case, {"elsewhere"}),
    (with_names_of_a_web_address, {"elsewhere"}),
    (with_names_of_another_machine, {"elsewhere"}),
    (yolo_with_lists_of_another_machine, set()),
    (yolo_with_folders_of_another_machine, {"place of a split"}),
    (yolo_in_jpegimages, set()),
    (yolo_in_capitals, set()),
    (yolo_beside_images_in_a_folder_of_images, set()),
    (yolo_with_labels_below_each_split, set()),
    (yolo_with_data_yaml_in_a_folder, set()),
    (yolo_one_folder_below, set()),
    (yolo_with_classes_among_the_images, set()),
    (yolo_as_cvat_writes_it, set()),
    (yolo_with_labels_of_other_names_of_folders, {"labels by name"}),
]


@pytest.mark.parametrize(("layout", "told"), LAYOUTS, ids=[layout.__name__ for layout, _ in LAYOUTS])
def test_every_image_of_a_usual_layout_comes_in(folder: Path, layout: Callable[[Path], Found], told: set[str]) -> None:
    expected = layout(folder)
    imported = read_annotations(folder)
    assert found(imported, folder) == expected
    assert kinds(imported) == told, imported.problems
    assert imported.missing == () and imported.boxes_listed == sum(boxes for boxes, _ in expected.values())
    assert imported.boxes_lost == {}


# Single files, and the folder of the images


@pytest.mark.parametrize(
    ("file", "names", "image", "split"),
    [
        ("annotations/instances_val2017.json", ["1.jpg"], "val2017/1.jpg", Split.VAL),
        ("annotations/instances_default.json", ["cam1/1.jpg"], "images/cam1/1.jpg", None),
        ("annotations/coco.json", ["images/1.jpg"], "images/1.jpg", None),
        ("train/_annotations.coco.json", ["1.jpg"], "train/1.jpg", Split.TRAIN),
        ("notes/a.json", ["1.jpg"], "pictures/1.jpg", None),
        ("labels.json", ["1.jpg"], "data/1.jpg", None),
    ],
)
def test_a_single_coco_file_finds_the_images_beside_its_folder(
    folder: Path, file: str, names: list[str], image: str, split: Split | None
) -> None:
    images(folder, image)
    (one,) = read_annotations(coco(folder, file, *names)).images
    assert (one.path, one.split, len(one.boxes)) == (folder / image, split, 1)


def test_the_folder_of_the_images_may_be_named_from_above(folder: Path) -> None:
    images(folder, "far/away/pictures/cam1/a.png", "far/away/pictures/cam2/a.png")
    path = coco(folder, "notes/a.json", "cam1/a.png", "cam2/a.png")
    for root in ("far/away/pictures", "far/away", "far"):
        imported = read_annotations(path, images_root=folder / root)
        assert sorted(image.path.parent.name for image in imported.images) == ["cam1", "cam2"]


def test_a_split_decides_between_files_of_one_name_below_the_named_folder(folder: Path) -> None:
    images(folder, "pics/train/a.png", "pics/val/a.png")
    for split in ("train", "valid"):
        coco(folder, f"notes/{split}/_annotations.coco.json", "a.png")
    imported = read_annotations(folder / "notes", images_root=folder / "pics")
    assert found(imported, folder) == {"pics/train/a.png": (1, "train"), "pics/val/a.png": (1, "val")}


def test_labels_of_yolo_are_found_for_images_below_a_named_folder(folder: Path) -> None:
    images(folder, "far/pics/a.png", "far/pics/b.png")
    for name in ("a", "b"):
        put(folder, f"set/labels/{name}.txt")
    put(folder, "set/data.yaml", "names: [pit]\n")
    for root in ("far", "far/pics"):
        imported = read_annotations(folder / "set", images_root=folder / root)
        assert found(imported, folder) == {"far/pics/a.png": (1, None), "far/pics/b.png": (1, None)}


def test_voc_in_mirrored_folders_is_found_below_the_folder_of_the_images(folder: Path) -> None:
    for lot in ("lot1", "lot2", "lot3"):
        images(folder, f"imgs/{lot}/0001.jpg")
        voc(folder, f"ann/{lot}/0001.xml", "0001.jpg")
    imported = read_annotations(folder / "ann", images_root=folder / "imgs")
    assert found(imported, folder) == {f"imgs/{lot}/0001.jpg": (1, None) for lot in ("lot1", "lot2", "lot3")}


# What is not taken


def test_of_two_files_of_one_name_none_is_taken_and_both_are_named(folder: Path) -> None:
    images(folder, "day/a.png", "night/a.png", "day/b.png")
    imported = read_annotations(coco(folder, "x.json", "a.png", "b.png"))
    assert found(imported, folder) == {"day/b.png": (1, None)} and imported.missing == ("a.png",)
    (problem,) = [problem for problem in imported.problems if problem.kind == "several files"]
    for word in (str(folder / "day" / "a.png"), str(folder / "night" / "a.png"), "--images"):
        assert word in problem.problem
    assert imported.boxes_lost == {"image": 1} and imported.boxes_listed == 2


def test_a_file_that_another_image_names_is_not_taken_for_a_second(folder: Path) -> None:
    images(folder, "lot0/0001.jpg")
    for lot in range(5):
        voc(folder, f"lot{lot}/0001.xml", "0001.jpg")
    imported = read_annotations(folder)
    assert found(imported, folder) == {"lot0/0001.jpg": (1, None)}
    told = [problem.problem for problem in imported.problems if problem.kind == "file"]
    assert len(told) == 4 and all(any(f"lot{lot}" in text for text in told) for lot in range(1, 5))
    assert imported.boxes_lost == {"file": 4} and imported.boxes_listed == 5 and count_missing(imported) == 4


def test_who_names_a_file_where_it_lies_has_it_even_if_it_comes_later(folder: Path) -> None:
    images(folder, "lot9/0001.jpg")
    voc(folder, "lot1/0001.xml", "0001.jpg")
    voc(folder, "lot9/0001.xml", "0001.jpg")
    imported = read_annotations(folder)
    assert found(imported, folder) == {"lot9/0001.jpg": (1, None)}
    assert imported.boxes_listed == 2 and sum(imported.boxes_lost.values()) == 1


def test_a_picture_of_another_split_is_not_taken(folder: Path) -> None:
    images(folder, "train2017/1.jpg", "val2017/2.jpg")
    imported = read_annotations(coco(folder, "annotations/instances_val2017.json", "1.jpg", "2.jpg"))
    assert found(imported, folder) == {"val2017/2.jpg": (1, "val")} and imported.missing == ("1.jpg",)


def test_a_mask_is_not_taken_for_its_image(folder: Path) -> None:
    images(folder, "masks/a.png", "ground_truth/b.png")
    imported = read_annotations(coco(folder, "x.json", "a.png", "b.png"))
    assert imported.images == () and imported.missing == ("a.png", "b.png")


def test_images_of_one_name_in_two_sets_never_share_the_picture_of_one(folder: Path) -> None:
    images(folder, "pics/1.jpg")
    coco(folder, "A/notes.json", "1.jpg")
    coco(folder, "B/notes.json", "1.jpg")
    imported = read_annotations(folder)
    assert imported.images == () and kinds(imported) >= {"ambiguous"}
    assert imported.boxes_listed == 2 and sum(imported.boxes_lost.values()) == 2


def test_pictures_of_a_data_set_beside_the_chosen_one_are_left_alone(folder: Path) -> None:
    other = folder.parent / "other"
    images(other, "a.png")
    coco(other, "other.json", "a.png")
    assert read_annotations(coco(folder, "x.json", "a.png")).images == ()
    images(folder.parent / "images", "b.png")
    assert read_annotations(coco(folder, "x.json", "b.png")).images[0].path == folder.parent / "images" / "b.png"


def test_one_missing_image_of_many_is_not_looked_for_beside_the_data_set(folder: Path) -> None:
    images(folder, "a.png")
    images(folder.parent / "images", "b.png")
    imported = read_annotations(coco(folder, "x.json", "a.png", "b.png"))
    assert found(imported, folder) == {"a.png": (1, None)} and imported.missing == ("b.png",)


def test_links_to_folders_are_told_where_images_are_missing(folder: Path) -> None:
    images(folder.parent / "real", "a.jpg")
    put(folder, "labels/a.txt")
    put(folder, "data.yaml", "names: [pit]\n")
    (folder / "images").symlink_to(folder.parent / "real")
    imported = read_annotations(folder)
    assert imported.images == ()
    assert {(problem.kind, problem.file) for problem in imported.problems} == {
        ("link", str(folder / "images")),
        ("stray labels", str(folder)),
    }


@pytest.mark.parametrize("chosen", ["labels", "labels/a.txt", "classes.txt", "cfg/data.yaml", "cfg", "."])
def test_any_part_of_a_yolo_set_may_be_chosen(folder: Path, chosen: str) -> None:
    images(folder, "images/train/a.png")
    put(folder, "labels/train/a.txt")
    put(folder, "labels/a.txt", "")
    put(folder, "labels/classes.txt" if chosen == "labels/a.txt" else "classes.txt", "pit\n")
    if chosen.startswith("cfg"):
        put(folder, "cfg/data.yaml", "path: ..\ntrain: images/train\nnames: [pit]\n")
    imported = read_annotations(folder / chosen)
    assert found(imported, folder) == {"images/train/a.png": (1, "train")}


# Label files of YOLO


def test_label_files_of_no_image_are_counted_with_their_boxes(folder: Path) -> None:
    images(folder, "images/a.png")
    put(folder, "labels/a.txt")
    put(folder, "labels/b.txt", "0 .5 .5 .1 .1\n0 .2 .2 .1 .1\n")
    put(folder, "labels/c.txt", "")
    put(folder, "README.txt", "Exported on May 5\n")
    put(folder, "data.yaml", "names: [pit]\n")
    imported = read_annotations(folder)
    (problem,) = imported.problems
    assert problem.problem.startswith("1 label file belongs to no image") and "b.txt" in problem.problem
    assert imported.boxes_lost == {"stray labels": 2} and imported.boxes_listed == 3


def test_an_image_of_one_split_does_not_get_the_boxes_of_another(folder: Path) -> None:
    images(folder, "images/train/a.png", "images/val/b.png")
    put(folder, "labels/train/b.txt")
    put(folder, "data.yaml", "train: images/train\nval: images/val\nnames: [pit]\n")
    imported = read_annotations(folder)
    assert found(imported, folder) == {"images/train/a.png": (0, "train"), "images/val/b.png": (0, "val")}
    assert kinds(imported) == {"stray labels"}


# Reasons


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (
            {"data.yaml": 'path: "C:\\Users"\nnames: [pit]\n', "labels/a.txt": "0 .5 .5 .1 .1\n"},
            ["data.yaml", "line 1"],
        ),
        ({"data.yaml": "names:\n\t- pit\n"}, ["data.yaml", "line 2"]),
        ({"labels/a.txt": "0 .5 .5 .1 .1\n"}, ["label files of YOLO", "classes.txt"]),
        ({"notes.txt": "hello\n"}, ["no annotations"]),
    ],
)
def test_what_cannot_be_read_is_refused_for_its_true_reason(
    folder: Path, files: dict[str, str], words: list[str]
) -> None:
    for name, text in files.items():
        put(folder, name, text)
    with pytest.raises(InputError) as refused:
        read_annotations(folder)
    for word in words:
        assert word in str(refused.value)


def test_ids_that_are_texts_here_and_numbers_there_are_the_same(folder: Path) -> None:
    images(folder, "a.png")
    entry = {"id": "7", "file_name": "a.png", **SIDES}
    path = write_coco(folder / "x.json", [entry], [{"image_id": 7, "category_id": 1, "bbox": [1, 2, 20, 20]}])
    imported = read_annotations(path)
    assert found(imported, folder) == {"a.png": (1, None)} and kinds(imported) == {"kind of id"}


# Images without a box


@pytest.mark.parametrize(
    ("empty", "has_stray", "statuses", "told"),
    [
        ("clean", False, {"a": None, "b": "clean", "c": "unlabelled"}, "it stayed unlabelled, only images with"),
        ("clean", True, {"a": None, "b": "clean", "c": "unlabelled"}, "label files that belong to no image"),
        ("clean-all", False, {"a": None, "b": "clean", "c": "clean"}, "it became clean, as those"),
        ("clean-all", True, {"a": None, "b": "clean", "c": "unlabelled"}, "label files that belong to no image"),
        ("unlabelled", True, {"a": None, "b": "unlabelled", "c": "unlabelled"}, ""),
    ],
)
def test_an_image_without_any_label_file_is_not_taken_for_clean(
    folder: Path, empty: str, has_stray: bool, statuses: dict[str, str | None], told: str
) -> None:
    images(folder, "images/a.png", "images/b.png", "images/c.png")
    put(folder, "labels/a.txt")
    put(folder, "labels/b.txt", "\n")
    put(folder, "data.yaml", "names: [pit]\n")
    if has_stray:
        put(folder, "labels/other name.txt")
    imported = set_empty_status(read_annotations(folder), EmptyImages(empty))
    assert {image.path.stem: image.status for image in imported.images} == statuses
    texts = [problem.problem for problem in imported.problems if problem.kind == "no labels"]
    assert len(texts) == bool(told) and all(told in text and "c.png" in text for text in texts)
