"""Every format by name: which one a file or folder is of, and reading it."""

from __future__ import annotations

import codecs
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path

from core.errors import InputError
from core.formats import coco, csv, cvat, deeppcb, labelme, masks, via, voc, yolo
from core.formats.annotations import MARKER, Format, ImportedAnnotations
from core.formats.collecting import MAX_LABELS, Progress
from core.formats.file_choices import choosing_files
from core.formats.foreign_formats import name_foreign_format
from core.formats.image_index import is_for_annotations
from core.formats.json_stream import JsonError, JsonObject
from core.formats.lookup import files_below
from core.formats.text import read_utf8
from core.formats.via_table import is_table
from core.formats.yolo_classes import is_data_file
from core.formats.yolo_layout import find_class_files, has_class_list, is_class_list, is_label_text
from core.types import label_name_fault

__all__ = ["Detected", "Format", "Progress", "detect_format", "read_annotations"]

_SNIFFED = 2**16  # bytes at the beginning and at the end
_TRIED = 30  # files of one kind that are looked into
_MOST_FILES = 200  # files of one data set
_SUFFIXES = frozenset({".json", ".xml", ".csv", ".tsv", ".yaml", ".yml", ".txt", ".names", ".data"})
_TABLES = frozenset({".csv", ".tsv"})
_COCO_KEYS = (b'"images"', b'"annotations"', b'"categories"')
_VOC_ROOT = re.compile(rb"<\s*annotation[\s>/]")


@dataclass(frozen=True, slots=True)
class Detected:
    """What a file or folder turned out to be."""

    format: Format
    path: Path  # absolute: what to give to `read`
    summary: str  # such as "Pascal VOC, 1,200 files"


def detect_format(path: Path) -> Detected:
    """The format of a file or folder. Raises InputError if it is none of ours, or several at once."""
    path = path.absolute()
    if path.is_dir():
        format, files = _folder_format(path)
        return Detected(format, path, f"{format.display_name}, {files:,} file{'' if files == 1 else 's'}")
    if not path.exists():
        raise InputError(f"{path}: there is no such file or folder; check its name")
    found = _file_format(path)
    if found is None and path.suffix.lower() in _TABLES:
        found = Format.CSV  # whose columns a user may name
    if found is None:
        names = ", ".join(format.display_name for format in Format)
        raise InputError(f"{path}: none of the annotation formats that can be read ({names}); choose another file")
    return Detected(found, path, f"{found.display_name}, 1 file")


def read_annotations(
    path: Path,
    format: Format | None = None,
    images_root: Path | None = None,
    progress: Progress | None = None,
    columns: Mapping[str, str] | None = None,
    encoding: str | None = None,
    chosen: Mapping[str, Path] | None = None,
) -> ImportedAnnotations:
    """Read annotations; nothing is written. `format` None: as `detect_format` says.

    Names of images are looked for below `images_root` (None: beside the annotations). `progress(done, total)` is
    called in the caller's thread. `columns` are the names of a table's columns by ours, see `csv_columns`, and
    `encoding` is that of a table which is no Unicode text. `chosen` are files by name, answers to the `ambiguous` names
    of an earlier reading. Raises InputError if the whole is unusable; single faults are its problems.
    """
    path = path.absolute()
    if not path.exists():
        raise InputError(f"{path}: cannot be read, there is no such file or folder; check its name")
    format = format or detect_format(path).format
    if columns and format is not Format.CSV:
        raise InputError(f"{path}: columns are named only for CSV files, and this is {format.display_name}")
    if encoding is not None and format is not Format.CSV:
        raise InputError(f"{path}: an encoding is named only for CSV files, and this is {format.display_name}")
    read = partial(_read_csv, columns=columns, encoding=encoding) if format is Format.CSV else _READERS[format]
    with choosing_files(chosen):
        found = read(path, images_root, progress)
    return _with_own_labels(found, path if path.is_dir() else path.parent)


def _with_own_labels(found: ImportedAnnotations, folder: Path) -> ImportedAnnotations:
    """Labels as the export that this is wrote them down: in order, with colours, also those without a box."""
    tree = _own_tree(folder)
    if tree is None or tree.value("format") != str(found.format):
        return found
    told = tree.value("labels")
    colors: dict[str, str] = {}
    for label in told if isinstance(told, list) else ():
        name, color = (label.get("name"), label.get("color")) if isinstance(label, dict) else (None, None)
        if (
            isinstance(name, str)
            and name == name.strip()
            and label_name_fault(name) is None
            and len(colors) < MAX_LABELS
        ):
            colors[name] = color if isinstance(color, str) and re.fullmatch("#[0-9a-f]{6}", color) else ""
    names = tuple(dict.fromkeys([*colors, *found.labels]))
    return replace(found, labels=names, colors={name: color for name, color in colors.items() if color})


def _read_coco(path: Path, images_root: Path | None, progress: Progress | None) -> ImportedAnnotations:
    if not path.is_dir():
        return coco.read(path, images_root, progress)
    files = list(islice(_of_format(path, frozenset({".json"}), Format.COCO), _MOST_FILES))
    if not files:
        raise InputError(f"{path}: there is no COCO file in it; choose the file")
    return coco.read_files(files, path, images_root, progress)


def _read_csv(
    path: Path,
    images_root: Path | None,
    progress: Progress | None,
    columns: Mapping[str, str] | None,
    encoding: str | None,
) -> ImportedAnnotations:
    if not path.is_dir():
        return csv.read(path, images_root, progress, columns, encoding)
    files = list(islice(_of_format(path, _TABLES, Format.CSV), _MOST_FILES)) if not columns else []
    files = files or list(islice(_find_tables(path), _MOST_FILES))
    if not files:
        raise InputError(f"{path}: there is no CSV file of boxes in it; choose the file")
    return csv.read_files(files, path, images_root, progress, columns, encoding)


_READERS: dict[Format, Callable[[Path, Path | None, Progress | None], ImportedAnnotations]] = {
    Format.COCO: _read_coco,
    Format.VOC: voc.read,
    Format.YOLO: yolo.read,
    Format.LABELME: labelme.read,
    Format.CVAT: cvat.read,
    Format.VIA: via.read,
    Format.DEEPPCB: deeppcb.read,
    Format.MASKS: masks.read,
}


# Telling formats apart


def _file_format(path: Path) -> Format | None:
    """The format by what is in the file; the suffix is only a hint where texts look alike."""
    head, tail = _has_suffix(path)
    start = head.lstrip()[:1]
    if not start and path.suffix.lower() in (".json", ".xml"):
        raise InputError(f"{path}: the file is empty; export it again")
    is_json = start in (b"{", b"[") and b'"images"' not in head + tail
    if is_json and (foreign := name_foreign_format(head + tail)):
        raise InputError(f"{path}: it is {foreign}, which cannot be read; export it there as COCO")
    if start == b"{":
        both = head + tail
        if b'"shapes"' in both and (b'"imagePath"' in both or b'"imageData"' in both):
            return Format.LABELME
        if via.is_file(both):
            return Format.VIA
        return Format.COCO if sum(key in both for key in _COCO_KEYS) >= 2 else None
    if start == b"<":
        if _VOC_ROOT.search(head):
            return Format.VOC
        return Format.CVAT if cvat.is_file(head) else None
    suffix = path.suffix.lower()
    if suffix in (".yaml", ".yml"):
        return Format.YOLO if is_data_file(path) else None
    if suffix in (".names", ".data"):
        return Format.YOLO
    if suffix == ".txt":
        if is_class_list(path.name):
            return Format.YOLO
        # A list of classes is looked for last: the folder may hold a hundred thousand files.
        is_deeppcb = deeppcb.is_file(path, head.decode(errors="replace"))
        if head.strip() and not is_deeppcb and not is_label_text(head.decode(errors="replace")):
            return None
        if has_class_list(path.parent):
            return Format.YOLO
        return Format.DEEPPCB if is_deeppcb else None
    if suffix in (".csv", ".tsv", ""):
        if is_table(head):
            return Format.VIA
        return Format.CSV if csv.is_file_of_boxes(head) else None
    return None


def _has_suffix(path: Path) -> tuple[bytes, bytes]:
    """The beginning and the end of a file, in UTF-8."""
    try:
        if not path.is_file():
            raise InputError(f"{path}: it is no file; choose an annotation file or a folder")
        with path.open("rb") as file:
            head = file.read(_SNIFFED)
            size = path.stat().st_size
            file.seek(max(len(head), size - _SNIFFED))
            tail = file.read(_SNIFFED)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16-le" if head.startswith(codecs.BOM_UTF16_LE) else "utf-16-be"
        head, tail = (
            part.decode(encoding, errors="ignore").lstrip("\ufeff").encode(errors="ignore") for part in (head, tail)
        )
    return head.removeprefix(codecs.BOM_UTF8), tail


def _folder_format(folder: Path) -> tuple[Format, int]:
    """The one format in a folder, and its number of files."""
    if (own := _own_format(folder)) is not None:
        return own
    amounts: Counter[str] = Counter()
    tried: Counter[str] = Counter()
    found: Counter[Format] = Counter()
    faults: list[InputError] = []
    with_classes: set[Path] = set()
    for path in files_below(folder, _SUFFIXES):
        suffix = path.suffix.lower()
        amounts[suffix] += 1
        if tried[suffix] < _TRIED:
            tried[suffix] += 1
            if suffix == ".txt" and not is_class_list(path.name) and path.parent in with_classes:
                continue
            try:
                format = _file_format(path)
            except InputError as error:
                faults.append(error)
                continue
            if format is Format.YOLO and suffix == ".txt" and not is_class_list(path.name):
                with_classes.add(path.parent)
                continue
            if format is not None:
                found[format] += 1
    if not found and not faults and (pairs := masks.count_masks(folder)):
        return Format.MASKS, pairs
    if not found and not faults and (tables := sum(1 for _ in islice(_find_tables(folder), _TRIED))):
        return Format.CSV, tables
    if not found and faults:
        raise faults[0]
    if not found and _has_label_files(folder):
        if is_for_annotations(folder.name) and any(find_class_files(folder.parent)):
            return Format.YOLO, amounts[".txt"]
        raise InputError(
            f"{folder}: there are label files of YOLO in it, but none that names the classes; add a classes.txt with a "
            "class a line, in the order of their numbers"
        )
    if not found:
        names = ", ".join(format.display_name for format in Format)
        raise InputError(f"{folder}: there are no annotations in it that can be read ({names}); choose another folder")
    if len(found) > 1:
        names = " and ".join(format.display_name for format in found)
        raise InputError(
            f"{folder}: there are annotations of several formats in it, {names}; choose a file, or the format"
        )
    (format,) = found
    whole = {Format.VOC: ".xml", Format.LABELME: ".json", Format.YOLO: ".txt", Format.DEEPPCB: ".txt"}
    return format, max(amounts[whole[format]], 1) if format in whole else found[format]


def _has_label_files(folder: Path) -> bool:
    """True if there are label files of YOLO, for which names of the classes are missing."""
    try:
        texts = [path.read_text(errors="replace") for path in islice(files_below(folder, frozenset({".txt"})), _TRIED)]
    except OSError:
        return False
    return any(map(is_label_text, texts))


def _own_format(folder: Path) -> tuple[Format, int] | None:
    """The format of an export of ours, which says so itself."""
    tree = _own_tree(folder)
    format = tree.value("format") if tree is not None else None
    if tree is None or not isinstance(format, str) or format not in set(Format):
        return None
    return Format(format), sum(1 for _ in tree.entries("files")) if tree.is_list("files") else 1


def _own_tree(folder: Path) -> JsonObject | None:
    path = folder / MARKER
    if not path.is_file():
        return None
    try:
        tree = JsonObject(read_utf8(path, coco.MAX_BYTES, "a list of an export"))
        return tree if tree.value("program") == "DefectDesk" else None
    except JsonError as error:
        raise InputError(f"{path}: damaged ({error}); remove it, or export again") from error


def _find_tables(folder: Path) -> Iterable[Path]:
    """Tables about images, whose columns a user may name."""
    return (path for path in files_below(folder, _TABLES) if csv.is_about_images(_has_suffix(path)[0]))


def _of_format(folder: Path, suffixes: frozenset[str], format: Format) -> Iterable[Path]:
    return (path for path in files_below(folder, suffixes) if _file_format(path) is format)
