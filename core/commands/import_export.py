"""Annotations of other programs, in and out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from core.commands.options import Json, ProjectFolder
from core.commands.projects import gather_info, print_info
from core.console import complain, complain_about, print_json, print_table, problems_to_json, progress_bar, say
from core.counting import format_count
from core.errors import InputError
from core.formats.annotations import Format, ImportedAnnotations, WrittenFormat
from core.formats.augmented_copies import PATTERN, find_ungrouped_copies
from core.formats.augmented_copies import group_copies as grouped_copies
from core.formats.csv_columns import parse_named_columns
from core.formats.difficult_marks import choose_difficult, parse_difficult
from core.formats.empty_images import EmptyImages, set_empty_status
from core.formats.exporting import ExportOptions, export_project, list_losses
from core.formats.import_report import build_report, explain_nothing_found, list_kinds, list_texts
from core.formats.importing import import_into
from core.formats.registry import detect_format, read_annotations
from core.formats.text import check_encoding
from core.project.project import Project
from core.types import Problem, Split, Status


def import_annotations(
    folder: ProjectFolder,
    source: Annotated[Path, typer.Argument(metavar="PATH", help="Annotation file or folder.", show_default=False)],
    format: Annotated[Format | None, typer.Option(help="Its format; found out if left out.")] = None,
    images: Annotated[Path | None, typer.Option(help="Folder of the images, if not that of the annotations.")] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FIELD=COLUMN", help="Which column of a CSV file is which, such as label=cell_type; several."
        ),
    ] = None,
    encoding: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Encoding of a CSV file that is no Unicode text, such as cp1252 of Excel."),
    ] = None,
    group_copies: Annotated[
        bool,
        typer.Option("--group-copies", help="Put Roboflow's copies of one picture (x.rf.HASH.jpg) into one group."),
    ] = False,
    empty: Annotated[
        EmptyImages | None,
        typer.Option(
            help="What images without a box are: unlabelled (the default); clean, verified free of defects, where the "
            "annotations list them or their label file is empty; clean-all, also those without any label file."
        ),
    ] = None,
    difficult: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MARKS",
            help="Marks that make a box difficult, which training ignores, such as difficult,truncated,occluded; all, "
            "or none. Left out: difficult, crowd and ignore.",
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be imported, and change nothing.")] = False,
    json: Json = False,
) -> None:
    """Add images, labels and boxes from another program's files. An empty or missing DIR becomes a new project."""
    named = parse_named_columns(columns or ())
    encoding = None if encoding is None else check_encoding(encoding)
    found = format or detect_format(source).format
    with progress_bar("reading annotations", quiet=json) as progress:
        imported = read_annotations(source, found, images, progress, named, encoding)
    if not imported.images:
        raise InputError(explain_nothing_found(imported))
    if group_copies:
        imported = grouped_copies(imported)
    if empty is not None:
        imported = set_empty_status(imported, empty)
    if difficult is not None:
        imported = choose_difficult(imported, parse_difficult(difficult, imported))
    if dry_run:
        _print_found(imported, json)
        return
    fresh = not folder.exists() or (folder.is_dir() and not any(folder.iterdir()))
    with Project.creating(folder) if fresh else Project.open(folder) as project:
        with progress_bar("reading images", quiet=json) as progress:
            _, problems = import_into(project, imported, progress)
        info = gather_info(project)
    if json:
        more = {"problems": problems_to_json(problems), "report": build_report(imported, problems)}
        print_json(info.to_json() | more)
        return
    if fresh:
        say(f"made a new project in {project.folder}")
    print_info(info, json, [])
    _tell_report(imported, problems, folder)


def _print_found(imported: ImportedAnnotations, json: bool) -> None:
    boxes = dict.fromkeys(imported.labels, 0)
    for image in imported.images:
        for names in image.label_sets:
            for name in names:
                boxes[name] += 1
    if json:
        print_json(
            {
                "format": imported.format,
                "images": len(imported.images),
                "boxes": imported.box_count,
                "labels": boxes,
                "merged": imported.merged,
                "missing": imported.missing,
                "problems": problems_to_json(imported.problems),
                "report": build_report(imported),
            }
        )
        return
    images = format_count(len(imported.images), "image")
    say(
        f"{imported.format.display_name}: {images}, {format_count(imported.box_count, 'box')}; nothing was changed",
        "bold",
    )
    print_table(("label", ">count"), [(name, format_count(count, "box")) for name, count in boxes.items()])
    _tell_report(imported, imported.problems)


def _tell_report(imported: ImportedAnnotations, problems: Sequence[Problem], folder: Path | None = None) -> None:
    """What came in, and what did not, by kind: a list of a thousand images is read by nobody."""
    for text in list_texts(imported):
        say(text)
    for kind in list_kinds(imported, problems):
        if kind.count <= len(kind.examples) or not kind.kind:
            complain_about([problem for problem in problems if problem.kind == kind.kind])
        elif kind.examples:
            example = kind.examples[0]
            complain(f"{kind.count:,} {kind.title}, such as {example.file}: {example.problem} (--json lists them)")
    copies = find_ungrouped_copies(imported)
    if copies is not None:
        now = "--group-copies does so"
        later = f"defectdesk group {folder} --pattern '{PATTERN}' does so" if folder is not None else now
        complain(f"{copies.text}: {later}", "cyan")


def export_annotations(
    folder: ProjectFolder,
    target: Annotated[Path, typer.Argument(metavar="FOLDER", help="New folder for the export.", show_default=False)],
    format: Annotated[WrittenFormat, typer.Option(help="What to write.", show_default=False)],
    copy_images: Annotated[bool, typer.Option("--copy-images", help="Copy the images as well, upright.")] = False,
    split: Annotated[list[Split] | None, typer.Option(help="Only images of this split; may be repeated.")] = None,
    status: Annotated[list[Status] | None, typer.Option(help="Only images of this status; may be repeated.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Write over an earlier export in FOLDER.")] = False,
    json: Json = False,
) -> None:
    """Write images, labels and boxes for another program, into a folder of their own."""
    written = Format(format.value)
    options = ExportOptions(
        written,
        target,
        "copy" if copy_images else "none",
        frozenset(split) if split else None,
        frozenset(status) if status else None,
        overwrite,
    )
    with Project.open(folder, read_only=True) as project, progress_bar("writing", quiet=json) as progress:
        report = export_project(project, options, progress)
    if json:
        below = report.names_below
        result: dict[str, Any] = {
            "folder": str(report.folder),
            "format": format,
            "files": report.files,
            "images": report.images,
            "boxes": report.boxes,
            "left_out": report.left_out,
            "names_below": None if below is None else str(below),
            "losses": list_losses(written),
            "not_for_others": [loss.to_json() for loss in report.losses],
            "problems": problems_to_json(report.dropped),
        }
        print_json(result)
        return
    say(f"{format_count(report.images, 'image')}, {format_count(report.boxes, 'box')}: {target.absolute()}", "bold")
    if report.left_out:
        complain(f"{format_count(report.left_out, 'image')} left out, with all boxes on them")
    if report.names_below is not None:
        say(f"names of images start at {report.names_below}; reading this back takes --images with that folder")
    complain_about(report.dropped)
    for loss in report.losses:
        say(f"not as it is in {written.display_name}: {loss.text}")
