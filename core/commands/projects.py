"""Making a project, dividing its images, and saying what is in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from core.commands.options import Json, ProjectFolder
from core.console import complain, complain_about, print_json, print_table, problems_to_json, progress_bar, say
from core.counting import format_count
from core.errors import InputError
from core.imaging.cameras import Cameras
from core.project.edits import image_edits
from core.project.images import relocating
from core.project.images.split_table import left_empty, list_divisions, split_table
from core.project.project import Project
from core.project.records import Counts
from core.types import Problem, Split


def create_project(
    folder: ProjectFolder,
    images: Annotated[
        list[Path] | None, typer.Option(help="Image files or folders to refer to; may be repeated.")
    ] = None,
    more: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[IMAGE...]", help="More of them, as a pattern of the shell such as *.png gives."),
    ] = None,
    labels: Annotated[str, typer.Option(help="Names of the labels, with commas between them.")] = "",
    json: Json = False,
) -> None:
    """Make a project. Images are referred to, never copied or changed."""
    names = [name.strip() for name in labels.split(",") if name.strip()]
    named = [*(images or ()), *(more or ())]
    for path in named:
        if not path.exists():
            raise InputError(f"{path}: there is no such file or folder; name the images of the new project")
    problems: list[Problem] = []
    with Project.creating(folder, names) as project:
        if named:
            with progress_bar("reading images", quiet=json) as progress:
                _, problems = project.files.add_images(named, progress)
            if not project.image_ids():
                raise InputError(_explain_no_images(named, problems))
        info = gather_info(project)
    # The project is whole: what goes wrong while this is printed must not take it away.
    print_info(info, json, problems)


def _explain_no_images(named: Sequence[Path], problems: Sequence[Problem]) -> str:
    """Why none of the files and folders that the user named gave an image."""
    places = f"{named[0]}{f' and {len(named) - 1:,} more' if len(named) > 1 else ''}"
    if not problems:
        return f"{places}: there are no images in it; choose another folder, or leave --images out"
    first = problems[0]
    of_all = f", the first of {len(problems):,}" if len(problems) > 1 else ""
    return f"{places}: there is no image that can be used; {first.file}{of_all}: {first.problem}"


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
        shares = {"train": train, "val": val, "test": test}
        edit = image_edits.assign_splits(project, shares, seed, all=all)
        if not edit.is_empty:
            project.apply(edit)
        info = gather_info(project)
        divisions = list_divisions(project.images())
        empty = left_empty(
            split_table(project.images(), project.labels()), {Split(name): share for name, share in shares.items()}
        )
    if json:
        print_json(info.to_json() | {"problems": [], "divided": divisions, "empty": empty})
        return
    print_info(info, json, [])
    for text in (*empty, *divisions):
        complain(text)


def show_info(folder: ProjectFolder, json: Json = False) -> None:
    """Say what is in a project."""
    with Project.open(folder, read_only=True) as project:
        info = gather_info(project)
        with progress_bar("looking at the images", quiet=json) as progress:
            missing = [project.image(one).path for one in relocating.find_missing(project)]
            changed = [project.image(one).path for one in relocating.find_changed(project, None, progress)]
        divisions = list_divisions(project.images())
    if json:
        print_json(info.to_json() | {"missing": missing, "changed": changed, "divided": divisions})
        return
    print_info(info, json, None)
    if missing:
        complain(
            f"{format_count(len(missing), 'image')} without a file, such as {missing[0]}; see 'defectdesk relocate'"
        )
    if changed:
        complain(
            f"{format_count(len(changed), 'image')} replaced by another picture, such as {changed[0]}: left out of training and "
            "evaluation; bring the old files back, or take the new ones over in the window"
        )
    for text in divisions:
        complain(text)


@dataclass(frozen=True, slots=True)
class ProjectInfo:
    """What a command says of a project once it is closed."""

    name: str
    counts: Counts
    cameras: Cameras
    notices: tuple[str, ...]  # what was decided on the way

    def to_json(self) -> dict[str, Any]:
        return self.counts.to_json() | {"cameras": self.cameras.to_json(), "notices": list(self.notices)}


def gather_info(project: Project) -> ProjectInfo:
    """What is to be said of the project as it is now."""
    return ProjectInfo(project.name, project.counts(), project.depths.cameras(), tuple(project.depths.take_notices()))


def print_info(info: ProjectInfo, json: bool, problems: list[Problem] | None) -> None:
    """Print what a project holds, and what was left out or mended on the way."""
    counts = info.counts
    if json:
        print_json(info.to_json() | ({} if problems is None else {"problems": problems_to_json(problems)}))
        return
    say(f"{info.name}: {format_count(counts.images, 'image')}, {format_count(counts.boxes, 'box')}", "bold")
    rows = [("label", name, format_count(count, "box")) for name, count in counts.labels.items()]
    rows += [("status", name, format_count(count, "image")) for name, count in counts.status.items() if count]
    rows += [("split", name, format_count(count, "image")) for name, count in counts.splits.items() if count]
    if rows:
        print_table(("", "name", ">count"), rows)
    for text in info.notices:
        say(text)
    complain_about(problems or [])
