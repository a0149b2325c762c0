"""Annotations of other programs, in and out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from core.commands.options import Json, ProjectFolder
from core.commands.projects import print_info
from core.console import complain_about, counted, print_json, print_table, problems_to_json, progress_bar, say
from core.formats.annotations import Format, ImportedAnnotations, WrittenFormat
from core.formats.csv_columns import parse_named_columns
from core.formats.exporting import ExportOptions, export_project, list_losses
from core.formats.importing import import_into
from core.formats.registry import detect_format, read_annotations
from core.project.project import Project
from core.types import Split, Status


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
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be imported, and change nothing.")] = False,
    json: Json = False,
) -> None:
    """Add images, labels and boxes from another program's files. An empty or missing DIR becomes a new project."""
    named = parse_named_columns(columns or ())
    found = format or detect_format(source).format
    with progress_bar("reading annotations", quiet=json) as progress:
        imported = read_annotations(source, found, images, progress, named)
    if dry_run:
        _print_found(imported, json)
        return
    fresh = not folder.exists() or (folder.is_dir() and not any(folder.iterdir()))
    with Project.creating(folder) if fresh else Project.open(folder) as project:
        with progress_bar("reading images", quiet=json) as progress:
            _, problems = import_into(project, imported, progress)
        counts = project.counts()
    if fresh and not json:
        say(f"made a new project in {project.folder}")
    print_info(project.name, counts, json, problems)


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
            }
        )
        return
    images = counted(len(imported.images), "image")
    say(f"{imported.format.display_name}: {images}, {counted(imported.box_count, 'box')}; nothing was changed", "bold")
    print_table(("label", ">count"), [(name, counted(count, "box")) for name, count in boxes.items()])
    complain_about(imported.problems)


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
            "names_below": None if below is None else str(below),
            "losses": list_losses(written),
            "problems": problems_to_json(report.dropped),
        }
        print_json(result)
        return
    say(f"{counted(report.images, 'image')}, {counted(report.boxes, 'box')}: {target.absolute()}", "bold")
    if report.names_below is not None:
        say(f"names of images start at {report.names_below}; reading this back takes --images with that folder")
    complain_about(report.dropped)
    for text in list_losses(written):
        say(f"not in {written.display_name}: {text[0].lower()}{text[1:]}")
