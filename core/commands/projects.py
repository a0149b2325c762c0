"""Making a project, dividing its images, and saying what is in it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from core.commands.options import Json, ProjectFolder
from core.console import complain, complain_about, counted, print_json, print_table, problems_to_json, progress_bar, say
from core.errors import InputError
from core.project.edits import image_edits
from core.project.images import relocating
from core.project.project import Project
from core.project.records import Counts
from core.types import Problem


def create_project(
    folder: ProjectFolder,
    images: Annotated[
        list[Path] | None, typer.Option(help="Image files or folders to refer to; may be repeated.")
    ] = None,
    labels: Annotated[str, typer.Option(help="Names of the labels, with commas between them.")] = "",
    json: Json = False,
) -> None:
    """Make a project. Images are referred to, never copied or changed."""
    names = [name.strip() for name in labels.split(",") if name.strip()]
    for path in images or []:
        if not path.exists():
            raise InputError(f"{path}: there is no such file or folder; name the images of the new project")
    problems: list[Problem] = []
    with Project.creating(folder, names) as project:
        if images:
            with progress_bar("reading images", quiet=json) as progress:
                _, problems = project.files.add_images(images, progress)
        counts = project.counts()
    # The project is whole: what goes wrong while this is printed must not take it away.
    print_info(project.name, counts, json, problems)


def split_images(
    folder: ProjectFolder,
    train: Annotated[float, typer.Option(help="Share of the images to train on.")] = 0.7,
    val: Annotated[float, typer.Option(help="Share that judges the training while it goes on.")] = 0.15,
    test: Annotated[float, typer.Option(help="Share that is kept for the end.")] = 0.15,
    seed: Annotated[int, typer.Option(help="The same seed and images give the same division.")] = 0,
    all: Annotated[bool, typer.Option("--all", help="Divide the images that have a split again, too.")] = False,
    json: Json = False,
) -> None:
    """Divide the images over train, val and test, alike in their labels; a group stays together."""
    with Project.open(folder) as project:
        edit = image_edits.assign_splits(project, {"train": train, "val": val, "test": test}, seed, all=all)
        if not edit.is_empty:
            project.apply(edit)
        counts = project.counts()
    print_info(project.name, counts, json, [])


def show_info(folder: ProjectFolder, json: Json = False) -> None:
    """Say what is in a project."""
    with Project.open(folder, read_only=True) as project:
        counts = project.counts()
        with progress_bar("looking at the images", quiet=json) as progress:
            missing = [project.image(one).path for one in relocating.find_missing(project)]
            changed = [project.image(one).path for one in relocating.find_changed(project, None, progress)]
    if json:
        print_json(counts.to_json() | {"missing": missing, "changed": changed})
        return
    print_info(project.name, counts, json, None)
    if missing:
        complain(f"{counted(len(missing), 'image')} without a file, such as {missing[0]}; see 'defectdesk relocate'")
    if changed:
        complain(
            f"{counted(len(changed), 'image')} replaced by another picture, such as {changed[0]}: left out of training and "
            "evaluation; bring the old files back, or take the new ones over in the window"
        )


def print_info(name: str, counts: Counts, json: bool, problems: list[Problem] | None) -> None:
    """Print what a project called `name` holds, and what was left out or mended on the way."""
    if json:
        print_json(counts.to_json() | ({} if problems is None else {"problems": problems_to_json(problems)}))
        return
    say(f"{name}: {counted(counts.images, 'image')}, {counted(counts.boxes, 'box')}", "bold")
    rows = [("label", name, counted(count, "box")) for name, count in counts.labels.items()]
    rows += [("status", name, counted(count, "image")) for name, count in counts.status.items() if count]
    rows += [("split", name, counted(count, "image")) for name, count in counts.splits.items() if count]
    print_table(("", "name", ">count"), rows)
    complain_about(problems or [])
