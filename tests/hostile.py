"""Annotation files that nobody should have written, and a runner that reads each in a process of its own.

    python -m tests.hostile FOLDER

makes them in FOLDER, reads each in a forked process, two at a time, and prints one JSON line each: what came of it,
the seconds of processor time and the largest memory in MB.
"""

from __future__ import annotations

import base64
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.errors import InputError
from core.formats.registry import Format, detect_format, read_annotations
from tests.builders import picture, write_picture

Case = Callable[[Path], Path]
MB = 2**20
WORKERS = 2


def coco_tree(**more: Any) -> dict[str, Any]:
    """A sound file about a.png and b.png, with one box on each."""
    return {
        "images": [
            {"id": 1, "file_name": "a.png", "width": 64, "height": 48},
            {"id": 2, "file_name": "b.png", "width": 64, "height": 48},
        ],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 1, "bbox": [5, 6, 20, 21]},
            {"id": 2, "image_id": 2, "category_id": 2, "bbox": [7, 8, 20, 21]},
        ],
        "categories": [{"id": 1, "name": "one"}, {"id": 2, "name": "two"}],
    } | more


def coco(change: Callable[[dict[str, Any]], None] | None = None, encode: Callable[[str], bytes] = str.encode) -> Case:
    def make(folder: Path) -> Path:
        tree = coco_tree()
        if change is not None:
            change(tree)
        (folder / "c.json").write_bytes(encode(json.dumps(tree)))
        return folder / "c.json"

    return make


def field(part: str, name: str, value: Any) -> Case:
    """A sound COCO file but for one field of the first entry of a part."""
    return coco(lambda tree: tree[part][0].__setitem__(name, value))


def text(name: str, content: str | bytes) -> Case:
    def make(folder: Path) -> Path:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return make


def swapped_in(old: str, new: str) -> Case:
    """A sound COCO file in which a piece of text is another."""

    def make(folder: Path) -> Path:
        whole = json.dumps(coco_tree())
        assert old in whole
        (folder / "c.json").write_text(whole.replace(old, new, 1))
        return folder / "c.json"

    return make


def junk(before: str, piece: str, after: str = "", size: int = 25 * MB, name: str = "c.json") -> Case:
    """`size` bytes of `piece` again and again."""
    return lambda folder: text(name, before.encode() + piece.encode() * (size // len(piece)) + after.encode())(folder)


def voc(objects: str = "", head: str = "", name: str = "a.png", size: str = "", tail: str = "") -> str:
    size = size or "<size><width>64</width><height>48</height></size>"
    good = (
        "<object><name>one</name><bndbox><xmin>5</xmin><ymin>6</ymin><xmax>25</xmax><ymax>27</ymax></bndbox></object>"
    )
    return f"{head}<annotation><filename>{name}</filename>{size}{objects}{good}{tail}</annotation>"


def voc_object(xmin: str, ymin: str, xmax: str, ymax: str, name: str = "one") -> str:
    box = "".join(
        f"<{tag}>{value}</{tag}>"
        for tag, value in zip(("xmin", "ymin", "xmax", "ymax"), (xmin, ymin, xmax, ymax), strict=True)
    )
    return f"<object><name>{name}</name><bndbox>{box}</bndbox></object>"


_ENTITIES = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
LAUGHS = f'<!DOCTYPE a [<!ENTITY l0 "lol">{_ENTITIES}]>'
QUADRATIC = f'<!DOCTYPE a [<!ENTITY x "{"A" * 100_000}">]>'
EXTERNAL = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>'


def labelme(**more: Any) -> str:
    shapes = [{"label": "one", "points": [[5, 6], [25, 27]], "shape_type": "rectangle"}]
    return json.dumps(
        {"version": "5", "shapes": shapes, "imagePath": "a.png", "imageHeight": 48, "imageWidth": 64} | more
    )


def yolo(
    labels: str | bytes = "0 .5 .5 .25 .25\n", data: str = "names: [one, two]\n", listed: str | None = None
) -> Case:
    def make(folder: Path) -> Path:
        write_picture(folder / "images" / "a.png")
        text("labels/a.txt", labels)(folder)
        if listed is not None:
            text("train.txt", listed)(folder)
        return text("data.yaml", data + ("train: train.txt\n" if listed is not None else ""))(folder)

    return make


def linked(folder: Path) -> Path:
    """The first picture is a link to a place outside."""
    (folder / "a.png").unlink()
    (folder / "a.png").symlink_to("/etc/passwd")
    return coco()(folder)


def linked_folder(folder: Path) -> Path:
    outside = folder.parent / f"{folder.name} outside"
    write_picture(outside / "x.png")
    (folder / "sub").symlink_to(outside)
    return field("images", "file_name", "sub/x.png")(folder)


def linked_labels(folder: Path) -> Path:
    path = yolo()(folder)
    (folder / "labels" / "a.txt").unlink()
    (folder / "labels" / "a.txt").symlink_to("/etc/passwd")
    return path


def both_cases(folder: Path) -> Path:
    """A.png and a.png are named, and only one of them is there."""
    return coco(lambda tree: tree["images"].append({"id": 3, "file_name": "A.png", "width": 64, "height": 48}))(folder)


def two_in_one(folder: Path) -> Path:
    """Two pictures of one name from two folders of which neither is here."""

    def change(tree: dict[str, Any]) -> None:
        tree["images"][0]["file_name"] = "/data/first/a.png"
        tree["images"].append({"id": 3, "file_name": "/data/second/a.png", "width": 64, "height": 48})
        tree["annotations"].append({"id": 3, "image_id": 3, "category_id": 1, "bbox": [1, 1, 5, 5]})

    return coco(change)(folder)


def sparse(folder: Path) -> Path:
    path = coco()(folder)
    os.truncate(path, 2**33)
    return path


def pipe(folder: Path) -> Path:
    os.mkfifo(folder / "c.json")
    return folder / "c.json"


def many_on_one(folder: Path) -> Path:
    """A hundred thousand boxes on one picture, each over the next."""

    def change(tree: dict[str, Any]) -> None:
        tree["annotations"] = [
            {"id": n, "image_id": 1, "category_id": 1, "bbox": [n / 4000, 1 + n % 7, 30, 30 + n % 5]}
            for n in range(100_000)
        ]

    return coco(change)(folder)


_OBJECT = '{"images": [], "annotations": [], "categories": [], "junk": ['
_IMAGES = '{"annotations": [], "categories": [], "images": ['
_ANNOTATIONS = '{"images": [], "categories": [{"id": 1, "name": "one"}], "annotations": ['
_CSV = "image,x1,y1,x2,y2,label\n"
_DEEP_YAML = "names: " + "[" * 5000 + "]" * 5000
_ALIASES = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12))

CASES: dict[str, Case] = {
    # XML
    "billion laughs": text("a.xml", voc(voc_object("1", "1", "9", "9", "&l9;"), LAUGHS)),
    "quadratic blow-up": text("a.xml", voc(f"<note>{'&x;' * 100_000}</note>", QUADRATIC)),
    "external entity": text("a.xml", voc(voc_object("1", "1", "9", "9", "&x;"), EXTERNAL)),
    "deep XML": text("a.xml", voc(f"{'<a>' * 500_000}{'</a>' * 500_000}")),
    "attribute of 50 MB": text("a.xml", voc(f'<note text="{"a" * 50 * MB}"/>')),
    "attribute just below the limit": text("a.xml", voc(f'<note text="{"a" * (8 * MB - 2000)}"/>')),
    "a million elements": text("a.xml", voc("<a/>" * 1_900_000)),
    "XML just as deep as it may be": text("a.xml", voc(f"{'<a>' * 249_000}{'</a>' * 249_000}")),
    "XML that ends early": text("a.xml", voc()[:-20]),
    "XML in an unknown encoding": text("a.xml", voc(head='<?xml version="1.0" encoding="klingon"?>')),
    "XML in UTF-16": text("a.xml", voc(head='<?xml version="1.0" encoding="utf-16"?>').encode("utf-16")),
    "XML of something else": text("a.xml", "<html><body/></html>"),
    "XML with half a character": text("a.xml", voc(voc_object("1", "1", "9", "9", "&#xD800;"))),
    "XML with swapped corners": text("a.xml", voc(voc_object("20", "40", "10", "30"))),
    "XML with corners that are no numbers": text("a.xml", voc(voc_object("nan", "1", "1e999", "ten"))),
    "XML with a label of 1 MB": text("a.xml", voc(voc_object("1", "1", "9", "9", "x" * MB))),
    "XML for another size": text("a.xml", voc(size="<size><width>640</width><height>480</height></size>")),
    "XML that leads out": text("a.xml", voc(name="../../../etc/passwd")),
    # JSON as such
    "deep JSON": text("c.json", "[" * 10_000_000),
    "deep JSON in an entry": swapped_in('"bbox": [5', '"deep": ' + "[" * 100_000 + "]" * 100_000 + ', "bbox": [5'),
    "deep JSON in a part": text("c.json", '{"images": [], "annotations": [], "categories": ' + '{"a":' * 100_000),
    "byte order mark": coco(encode=lambda whole: b"\xef\xbb\xbf" + whole.encode()),
    "UTF-16": coco(encode=lambda whole: whole.encode("utf-16")),
    "UTF-16 cut in the middle": coco(encode=lambda whole: whole.encode("utf-16")[:-1]),
    "no Unicode": coco(encode=lambda whole: whole.replace('"one"', '"\xe9"').encode("latin-1")),
    "JSON that ends early": coco(encode=lambda whole: whole.encode()[:-40]),
    "JSON with a wrong word": swapped_in('"category_id": 1', '"category_id": wrong'),
    "empty": text("c.json", b""),
    "zeros": text("c.json", b"\0" * MB),
    "a key twice": swapped_in('"annotations": [', '"annotations": [], "annotations": ['),
    "a key twice in an entry": swapped_in('"bbox": [5', '"bbox": [1, 1, 2, 2], "bbox": [5'),
    "a pipe": pipe,
    # COCO
    "id of 6,000 digits": swapped_in('"id": 1, "image_id"', f'"id": {"9" * 6000}, "image_id"'),
    "category of 6,000 digits": swapped_in('"category_id": 1', f'"category_id": {"9" * 6000}'),
    "size of 6,000 digits": swapped_in('"width": 64', f'"width": {"9" * 6000}'),
    "box with NaN": field("annotations", "bbox", [float("nan"), 1, 5, 5]),
    "box with infinity": field("annotations", "bbox", [1, 1, float("inf"), 5]),
    "box with 1e999": swapped_in("[5, 6, 20, 21]", "[5, 6, 1e999, 21]"),
    "box with 400 digits": swapped_in("[5, 6, 20, 21]", f"[5, 6, {'9' * 400}, 21]"),
    "box of negative size": field("annotations", "bbox", [20, 20, -10, -10]),
    "box of zero size": field("annotations", "bbox", [20, 20, 0, 10]),
    "box outside": field("annotations", "bbox", [100, 100, 10, 10]),
    "box partly outside": field("annotations", "bbox", [-10, 40, 20, 100]),
    "id twice": field("annotations", "id", 2),
    "image id twice": field("images", "id", 2),
    "dangling label": field("annotations", "category_id", 77),
    "dangling image": field("annotations", "image_id", 77),
    "half a character in a name": field("images", "file_name", "a\ud800.png"),
    "half a character in a label": field("categories", "name", "one\udfff"),
    "NUL in a name": field("images", "file_name", "a.png\0.jpg"),
    "NUL in a label": field("categories", "name", "one\0"),
    "label of 1 MB": field("categories", "name", "x" * MB),
    "name of 1 MB": field("images", "file_name", "x" * MB + ".png"),
    "../": field("images", "file_name", "../../../../../../etc/passwd"),
    "..\\": field("images", "file_name", "..\\..\\secret.png"),
    "absolute": field("images", "file_name", "/etc/passwd"),
    "absolute, on Windows": field("images", "file_name", "C:\\Windows\\win.ini"),
    "on a drive": field("images", "file_name", "C:secret.png"),
    "UNC": field("images", "file_name", "\\\\server\\share\\a.jpg"),
    "UNC with slashes": field("images", "file_name", "//server/share/a.jpg"),
    "CON.jpg": field("images", "file_name", "CON.jpg"),
    "a folder": field("images", "file_name", "."),
    "names that differ by case": both_cases,
    "two names for one file": two_in_one,
    "link out of the folder": linked,
    "linked folder": linked_folder,
    "another size": field("images", "width", 640),
    "100,000 boxes on a picture": many_on_one,
    "100 MB of numbers": junk(_IMAGES, "1,", "1]}", 100 * MB),
    "100 MB of empty objects": junk(_IMAGES, "{},", "{}]}", 100 * MB),
    "megabytes of images that are not there": junk(_IMAGES, '{"id":1,"file_name":"x.png"},', "1]}"),
    "half a million images that are not there": lambda folder: text(
        "c.json", _IMAGES + ",".join(f'{{"id":{n},"file_name":"a/{n}.png"}}' for n in range(500_000)) + "]}"
    )(folder),
    "100 MB of dangling annotations": junk(
        _ANNOTATIONS, '{"id":1,"image_id":1,"category_id":1,"bbox":[1,1,2,2]},', "1]}", 100 * MB
    ),
    "megabytes of lists": junk(_OBJECT, "[],", "1]}"),
    "megabytes in a list that nobody reads": junk(_OBJECT, "[1.5],", "1]}"),
    "megabytes in one entry": junk(_IMAGES + "[", "1.5,", "1]]}"),
    "megabytes of a name": junk(_IMAGES + '{"id": 1, "file_name": "', "aaaa", '"}]}'),
    "megabytes of backslashes": junk(_IMAGES + '{"id": 1, "file_name": "', "\\\\", '"}]}'),
    "megabytes of keys": junk("{", '"images":1,', '"annotations":1}'),
    "megabytes of labels": lambda folder: text(
        "c.json",
        '{"images":[],"annotations":[],"categories":['
        + ",".join(f'{{"id":{n},"name":"{n}"}}' for n in range(900_000))
        + "]}",
    )(folder),
    "more than the limit": sparse,
    # labelme
    "labelme: deep": text("a.json", labelme()[:-1] + ', "flags": ' + "[" * 100_000),
    "labelme: megabytes of shapes": junk('{"imagePath": "a.png", "shapes": [', "{},", "{}]}", name="a.json"),
    "labelme: a picture of 27 MB": lambda folder: text(
        "a.json", labelme(imageData=base64.b64encode(bytes(20 * MB)).decode())
    )(folder),
    "labelme: points that are none": text(
        "a.json",
        labelme(
            shapes=[
                {"label": "one", "points": points, "shape_type": "rectangle"}
                for points in (
                    [[1, 1], [float("nan"), 5]],
                    [[1, 1]],
                    [],
                    [[1, 1, 1], [2, 2]],
                    [["1", 1], [5, 5]],
                    None,
                    [[1, 1], [10**400, 5]],
                    [[5, 5], [5, 9]],
                    [[9, 9], [5, 5]],
                )
            ]
        ),
    ),
    "labelme: shapes that are none": text(
        "a.json", labelme(shapes=[1, None, {}, {"label": 5, "points": [[1, 1], [9, 9]]}])
    ),
    "labelme: a path out": text("a.json", labelme(imagePath="../../../etc/passwd")),
    "labelme: a path that is a number": text("a.json", labelme(imagePath=5)),
    # YOLO
    "YOLO: aliases": yolo(data=_ALIASES + "names: *a11\n"),
    "YOLO: names by names": yolo(data="names: {one: 1, two: 2}\n"),
    "YOLO: deep": yolo(data=_DEEP_YAML),
    "YOLO: a large data.yaml": yolo(data="names: [one]\n#" + "x" * MB),
    "YOLO: half a megabyte of names": yolo(data="names: [" + "a, " * 170_000 + "a]"),
    "YOLO: code": yolo(data="names: !!python/object/apply:os.system ['true']\n"),
    "YOLO: odd lines": yolo(
        "0 .5 .5 .25 .25\n-1 .5 .5 .1 .1\n9 .5 .5 .1 .1\n0 nan .5 .1 .1\n0 1e999 .5 .1 .1\n0 .5 .5 0 .1\n0 .5 .5 -.1 .1\n"
        "0 .5 .5\n0 a b c d\n0 5 5 1 1\n0.5 .5 .5 .1 .1\n0 1_0 .5 .1 .1\n0 \x00 .5 .1 .1\n"
    ),
    "YOLO: 8 MB of lines": yolo("0 .5 .5 2\n" * 830_000),
    "YOLO: a label file over the limit": yolo("0 .5 .5 .1 .1\n" * 700_000),
    "YOLO: lists that lead out": yolo(
        listed="./images/a.png\n../../etc/passwd\n/etc/passwd\n\\\\server\\x\\y.png\nimages/\0.png\n"
    ),
    "YOLO: folders that lead out": yolo(data="names: [one, two]\ntrain: /etc\nval: ../../..\npath: /\n"),
    "YOLO: a linked label file": linked_labels,
    "YOLO: no Unicode": yolo(b"0 .5 .5 .1 .1\xff\n"),
    # CSV
    "CSV: megabytes of rows about nothing": junk(_CSV, "gone.png,1,1,5,5,one\n", name="a.csv"),
    "CSV: megabytes of bad boxes": junk(_CSV, "a.png,x,1,5,5,one\n", name="a.csv"),
    "CSV: a quote that does not close": junk(_CSV + 'a.png,1,1,5,5,"', "one\n", name="a.csv"),
    "CSV: megabytes on a line": junk("", "image,", name="a.csv"),
    "CSV: megabytes in a row": junk(_CSV, '"a\n",', name="a.csv"),
    "CSV: odd rows": text(
        "a.csv",
        _CSV + "a.png,1,1,9,9,one\na.png,9,9,1,1,one\na.png,nan,1,9,9,one\na.png,1,1,1e999,9,one\na.png\n"
        ",1,1,9,9,one\n../a.png,1,1,9,9,one\na.png,1,1,9,9,\na.png,1,1,9,9,o\x00e\na.png,20,20,-1,30,one\n",
    ),
    "CSV: a label of 1 MB": text("a.csv", f"{_CSV}a.png,1,1,9,9,{'x' * MB}\n"),
    "CSV: no Unicode": text("a.csv", _CSV.encode() + b"a.png,1,1,9,9,\xff\n"),
    "CSV: UTF-16": text("a.csv", (_CSV + "a.png,1,1,9,9,one\n").encode("utf-16")),
    "CSV: only a header": text("a.csv", _CSV),
    # CVAT and VIA
    "CVAT: megabytes of images that are not there": junk(
        "<annotations>", '<image id="1" name="x.png"></image>', "</annotations>", name="a.xml"
    ),
    "CVAT: megabytes of shapes": junk(
        '<annotations><image id="1" name="a.png">', '<box label="one"/>', "</image></annotations>", name="a.xml"
    ),
    "CVAT: deep": text("a.xml", "<annotations>" + "<image>" * 500_000),
    "CVAT: an attribute of 50 MB": text("a.xml", f'<annotations><image name="{"a" * 50 * MB}"/></annotations>'),
    "CVAT: billion laughs": text("a.xml", f"{LAUGHS}<annotations>&l9;</annotations>"),
    "CVAT: odd boxes": text(
        "a.xml",
        '<annotations><image id="1" name="a.png" width="64" height="48">'
        + "".join(
            f'<box label="one" xtl="{x}" ytl="1" xbr="9" ybr="9" rotation="{turn}"/>'
            for x, turn in (("nan", "0"), ("1e999", "30"), ("1", "nan"), ("1", "1e308"), ("2", "x"), ("9", "0"))
        )
        + '<polygon label="one" points="1,1;nan,5;5,5"/><mask label="one" left="1" top="1" width="-5" height="0"/>'
        "</image></annotations>",
    ),
    "VIA: megabytes of regions": junk(
        '{"a": {"filename": "a.png", "file_attributes": {}, "regions": [', "{},", "{}]}}", name="a.json"
    ),
    "VIA: megabytes of keys": junk(
        '{"a": {"filename": "a.png", "file_attributes": {}, "regions": []},', '"a":1,', '"b":1}', name="a.json"
    ),
    "VIA: a path out": text(
        "a.json", '{"a": {"filename": "../../etc/passwd", "file_attributes": {}, "regions": [{}]}, "b": 5, "c": null}'
    ),
    "VIA: a folder out": text(
        "a.json",
        '{"_via_settings": {"core": {"default_filepath": "/etc/"}}, "_via_attributes": 5, "_via_img_metadata": '
        '{"a": {"filename": "passwd", "file_attributes": 5, "regions": 5}}}',
    ),
}


def outcome(path: Path) -> dict[str, Any]:
    """What came of reading a file or folder."""
    try:
        format: Format | None = None
        refused = ""
        try:
            format = detect_format(path).format
        except InputError as error:
            refused = str(error)
            format = {".json": Format.COCO, ".xml": Format.VOC, ".csv": Format.CSV, ".yaml": Format.YOLO}[path.suffix]
        imported = read_annotations(path, format)
    except InputError as error:
        return {"refused": str(error), "detected": refused == ""}
    return {
        "images": sorted(image.path.name for image in imported.images),
        "boxes": {
            image.path.name: [[round(side, 3) for side in box] for box in image.boxes.tolist()]
            for image in imported.images
            if len(image.boxes) < 100
        },
        "labels": list(imported.labels)[:10],
        "problems": [f"{Path(problem.file).name}: {problem.problem}" for problem in imported.problems[:20]],
        "problem_count": len(imported.problems),
    }


def run(folder: Path, name: str, case: Case) -> dict[str, Any]:
    """Make and read one case; the reading in a process of its own, so that its memory can be told."""
    place = folder / f"case {list(CASES).index(name)}"
    place.mkdir(parents=True)
    write_picture(place / "a.png")
    write_picture(place / "b.png", picture(seed=1))
    made = os.fork()
    if made == 0:  # the text of a case may be larger than reading it may take
        case(place)
        os._exit(0)
    os.waitpid(made, 0)
    path = next(p for p in (place / "data.yaml", place / "c.json", *place.glob("a.[!p]*")) if p.exists())
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        start = time.process_time()
        result = outcome(path) | {"seconds": time.process_time() - start}
        with os.fdopen(writing, "wb") as file:
            file.write(json.dumps(result).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as file:
        told = file.read()
    _, status, usage = os.wait4(child, 0)
    result = json.loads(told) if told else {"crashed": status}
    for file in place.iterdir():
        if file.is_file() and file.stat().st_size > MB:
            file.unlink()
    return {"case": name, "megabytes": usage.ru_maxrss / 1024, **result}


def main() -> None:
    folder = Path(sys.argv[1])
    workers = []
    for first in range(WORKERS):
        worker = os.fork()
        if worker == 0:
            # The largest cases stand together: taken in turn, they are shared out evenly.
            told = [json.dumps(run(folder, name, CASES[name])) for name in list(CASES)[first::WORKERS]]
            (folder / f"told {first}").write_text("\n".join(told))
            os._exit(0)
        workers.append(worker)
    ended = [os.waitpid(worker, 0)[1] for worker in workers]
    assert not any(ended), "what went wrong is told above"
    print("\n".join((folder / f"told {first}").read_text() for first in range(WORKERS)))


if __name__ == "__main__":
    main()
