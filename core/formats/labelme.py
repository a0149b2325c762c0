"""labelme: one JSON file an image, beside it; a box is a shape of two opposite corners.

Of our own, which labelme keeps when it saves: `defectdesk` of the file holds the image's status, split, group, note and
content hash; `defectdesk_box` of a shape, the number of its box. A box with several labels is one shape for each, in one
labelme group; a box without a label is a shape with an empty one.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Sequence
from pathlib import Path, PureWindowsPath
from typing import Any

from core.errors import InputError
from core.formats.annotations import Format, ImportedAnnotations
from core.formats.collecting import NO_LABEL, AnnotationCollector, Progress
from core.formats.difficult_marks import KNOWN, find_marks
from core.formats.export_plan import Sheet, SheetImage
from core.formats.extras import Extras
from core.formats.image_index import find_home
from core.formats.json_stream import JsonError, JsonObject
from core.formats.lookup import files_below
from core.formats.outlines import OutlineError, box_around_ellipse, box_around_line, box_around_points
from core.formats.split_names import find_split_of_folder
from core.formats.text import quote_short, read_utf8

MAX_BYTES = 2**28  # the picture itself may be in the file, in base64
_VERSION = "5.5.0"  # of labelme, whose files these are like
_AS_DRAWN = ("rectangle", "mask")  # by two corners, X-AnyLabeling's by four
_OUTLINES = ("polygon", "oriented_rectangle", "rotation", "quadrilateral", "cuboid")
_LINES = ("line", "linestrip")
_MAX_NOTE = 2000  # characters
_NUMBERS = (int, float)  # as JSON has them; no bool


def read(path: Path, images_root: Path | None = None, progress: Progress | None = None) -> ImportedAnnotations:
    """Read one labelme file, or all below a folder; images lie where the file says, or in `images_root`.

    Polygons, circles, lines and masks become the box around them; points are left out. Raises InputError if a
    single file is none, or a folder holds none.
    """
    path = path.absolute()
    files = [path] if not path.is_dir() else list(files_below(path, frozenset({".json"})))
    if not files:
        raise InputError(f"{path}: there is no JSON file in it; choose the folder of the annotations")
    collector = AnnotationCollector(
        Format.LABELME, path, images_root, progress, base=find_home(path if path.is_dir() else path.parent)
    )
    for done, file in enumerate(files, start=1):
        try:
            _read_file(file, collector)
        except JsonError as error:
            if file == path:
                raise InputError(f"{file}: not a labelme file (not JSON: {error}); save it again") from error
            collector.report("broken file", f"not a labelme file (not JSON: {error}); skipped", file)
        except InputError as error:
            if file == path:
                raise
            collector.report("broken file", f"{str(error).removeprefix(f'{file}: ')}; skipped", file)
        collector.advance(done, len(files))
    return collector.finish()


def _read_file(file: Path, into: AnnotationCollector) -> None:
    tree = JsonObject(read_utf8(file, MAX_BYTES, "a labelme file"))
    if not tree.is_list("shapes") or "imagePath" not in tree:
        raise InputError(f"{file}: not a labelme file (it has no shapes and imagePath)")
    for key in ("shapes", "imagePath"):
        if key in tree.twice:
            raise InputError(f"{file}: it has {key} twice, and a reader sees only one; join them")
    name = tree.value("imagePath")
    if not isinstance(name, str):
        raise InputError(f"{file}: its imagePath is no text")
    image_file = into.find(name, [file.parent], file, [file.stem])
    if image_file is None:
        if tree.value("imageData"):
            text = f"its picture is only inside the file; save it beside, as {quote_short(PureWindowsPath(name).name)}"
            into.note("inside", text, file)
        into.lose_boxes("file", sum(1 for _ in tree.entries("shapes", ())))
        return
    again = into.is_listed(image_file)
    own = tree.value("defectdesk")
    extras = Extras.of(own if isinstance(own, dict) else {"split": find_split_of_folder(file, into.folders.root)})
    if (flags := _describe_flags(tree.value("flags"))) and extras.note is None:
        extras.note = flags
        into.note("tag", f"its flags were taken as its note: {quote_short(flags)}", file)
    into.begin_part()
    image = into.image(image_file, (tree.value("imageWidth"), tree.value("imageHeight")), extras)
    if image is None:
        into.lose_boxes("image", sum(1 for _ in tree.entries("shapes", ())), image_file)
        return
    if again:
        into.report("listed", "another file is about this image, too; the boxes of both were put together", file)
    for place, shape in enumerate(tree.entries("shapes", ("label", "points")), start=1):
        where = f"shape {place}"
        if not isinstance(shape, dict):
            into.skip_box(image, "shape", f"{where}: not an object; skipped", file)
            continue
        try:
            corners = _find_corners(shape)
        except OutlineError as error:
            into.skip_box(image, "shape", f"{where}: {error}; skipped", file)
            continue
        number = shape.get("defectdesk_box")
        box_key = (str(file), number) if isinstance(own, dict) and isinstance(number, int) else None
        label: int | None = NO_LABEL
        if shape.get("label") != "" or box_key is None:
            label = into.label_of_box(image, shape.get("label"), where, file)
        if label is None:
            continue
        if shape.get("shape_type") not in (*_AS_DRAWN, None):
            text = f"{where}: a {quote_short(shape.get('shape_type'))}; the box around it was taken"
            into.note("outline", text, file)
        into.box(image, corners, label, where, box_key, ordered=False, marks=_find_marks(shape))


def _find_corners(shape: dict[str, Any]) -> Sequence[float]:
    """x1 y1 x2 y2, opposite corners in any order. Raises OutlineError."""
    points = shape.get("points")
    kind = shape.get("shape_type", "rectangle" if isinstance(points, list) and len(points) == 2 else "polygon")
    if not isinstance(points, list) or not all(map(_is_pair, points)):
        raise OutlineError("its points are not pairs of numbers")
    try:
        values = [(float(x), float(y)) for x, y in points]
    except OverflowError as error:
        raise OutlineError("its points are not finite") from error
    if kind in _LINES and len(values) > 1:
        return box_around_line(values)
    if kind == "circle" and len(values) == 2:
        (x, y), edge = values
        radius = math.dist((x, y), edge)
        return box_around_ellipse(x, y, radius, radius)
    if kind in _AS_DRAWN and len(values) == 2:
        return [*values[0], *values[1]]
    if kind in (*_OUTLINES, *_AS_DRAWN) and len(values) > 2:
        return box_around_points(values)
    raise OutlineError(f"a {quote_short(kind)} of {len(values)} point{'' if len(values) == 1 else 's'} covers no area")


def _describe_flags(flags: Any) -> str:
    """What is said of the whole image, as a text for its note."""
    return "; ".join(find_marks(flags))[:_MAX_NOTE].replace("\0", "")


def _is_pair(point: Any) -> bool:
    return isinstance(point, list) and len(point) == 2 and type(point[0]) in _NUMBERS and type(point[1]) in _NUMBERS


def _find_marks(shape: dict[str, Any]) -> list[str]:
    """The flags of a shape that are set, and X-AnyLabeling's mark of a difficult one."""
    return find_marks({name: shape[name] for name in KNOWN if shape.get(name) is True}, shape.get("flags"))


# Writing


def write(sheet: Sheet) -> None:
    """<name>.json for each image, beside its copy where the images are copied."""
    box_number = 0
    for _, image in sheet.advancing():
        shapes: list[dict[str, Any]] = []
        for row, labels in enumerate(image.labels):
            box_number += 1
            names = [sheet.labels[label].name for label in labels] or [""]
            x1, y1, x2, y2 = image.boxes[row].tolist()
            shapes += [
                {
                    "label": name,
                    "points": [[x1, y1], [x2, y2]],
                    "group_id": box_number if len(names) > 1 else None,
                    "description": "",
                    "shape_type": "rectangle",
                    "flags": {"difficult": True} if row in image.difficult else {},
                    "mask": None,
                    "defectdesk_box": box_number,
                }
                for name in names
            ]
        tree = {
            "version": _VERSION,
            "flags": {},
            "shapes": shapes,
            "imagePath": _image_path(sheet, image),
            "imageData": None,
            "imageHeight": image.height,
            "imageWidth": image.width,
            "defectdesk": image.extras(),
        }
        sheet.write_text(f"{image.stem}.json", json.dumps(tree, ensure_ascii=False, allow_nan=False, indent=1))


def _image_path(sheet: Sheet, image: SheetImage) -> str:
    """The way from the JSON file to the image."""
    if sheet.copied:
        return image.name.rpartition("/")[2]
    try:
        way = os.path.relpath(image.source, sheet.home.joinpath(image.stem).parent)
    except ValueError:  # on another drive of Windows
        way = str(image.source)
    return way.replace(os.sep, "/")
