"""Marking images from the command line."""

from __future__ import annotations

from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Annotated

import typer

from core.commands.options import Json, ProjectFolder
from core.console import complain, print_json, say
from core.counting import format_count
from core.errors import InputError
from core.project.edits import image_edits
from core.project.project import Project
from core.types import ImageRecord, Status


class Mark(StrEnum):
    """What can be said of an image from here; drawing boxes makes it labelled."""

    CLEAN = "clean"
    UNLABELLED = "unlabelled"
    REVIEWED = "reviewed"


def mark_images(
    folder: ProjectFolder,
    status: Annotated[Mark, typer.Argument(help="What the images are.", show_default=False)],
    images: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATTERN", help='Only images of these names or paths, such as "lot7/*" or "ok_*.png"; several.'
        ),
    ] = None,
    empty: Annotated[bool, typer.Option("--empty", help="Only unlabelled images without a box.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be marked, and change nothing.")] = False,
    json: Json = False,
) -> None:
    """Mark images as clean, unlabelled or reviewed; all of them, or those that are named.

    Clean means free of defects, which is trained on: look at the images before you say so.
    """
    with Project.open(folder, read_only=dry_run) as project:
        chosen = [image.id for image in project.images() if _fits(image, images or (), empty=empty)]
        if images and not chosen:
            raise InputError(f"--images: no image of {folder} fits {', '.join(map(repr, images))}; * is any text")
        wanted = Status(status.value)
        marking = image_edits.mark_images(project, chosen, wanted)
        changed = sum(fields != marking.edit.fields_before[one] for one, fields in marking.edit.fields_after.items())
        if changed and not dry_run:
            project.apply(marking.edit)
        refused = [project.image(image_id).path for image_id in marking.refused]
    if json:
        print_json({"chosen": len(chosen), "changed": 0 if dry_run else changed, "fit": changed, "refused": refused})
        return
    say(f"{format_count(changed, 'image')} {'would be ' if dry_run else ''}marked {status}", "bold")
    if refused:
        complain(f"{format_count(len(refused), 'image')} {marking.why}, such as {refused[0]}: left as they are")


def _fits(image: ImageRecord, patterns: list[str] | tuple[str, ...], *, empty: bool) -> bool:
    if empty and (image.box_count or image.status is not Status.UNLABELLED):
        return False
    path = image.path.casefold()
    name = path.rsplit("/", 1)[-1]
    return not patterns or any(
        fnmatchcase(name, pattern.casefold())
        or fnmatchcase(path, pattern.casefold())
        or fnmatchcase(path, f"*/{pattern.casefold()}")
        for pattern in patterns
    )
