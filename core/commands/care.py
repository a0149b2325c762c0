"""Keeping a project in order: groups, backups, and images that were moved."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from core.commands.options import Json, ProjectFolder
from core.console import complain, complain_about, print_json, print_table, problems_to_json, progress_bar, say
from core.counting import format_count
from core.errors import InputError
from core.project.backup import back_up
from core.project.backup import list_backups as all_backups
from core.project.backup import restore_backup as put_back
from core.project.edits import image_edits
from core.project.images import grouping, relocating
from core.project.images.copies import describe_ungrouped
from core.project.images.moved_cameras import OtherScaleError, describe_regrouped
from core.project.images.split_table import list_divisions
from core.project.project import Project
from core.types import Problem

PATTERN_HINT = (
    'On the file name, such as "{group}_{#}.jpg"; {*} is any text, so "{group}.rf.{*}" groups Roboflow\'s copies.'
)


def group_images(
    folder: ProjectFolder,
    by_folder: Annotated[int, typer.Option(help="As many folders as name the group, such as 1.", min=0)] = 0,
    pattern: Annotated[str, typer.Option(help=PATTERN_HINT)] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be grouped, and change nothing.")] = False,
    json: Json = False,
) -> None:
    """Put images into groups, which no split divides: by their folders or by a pattern on their names."""
    if bool(by_folder) == bool(pattern):
        raise InputError("group: name one of --by-folder and --pattern")
    with Project.open(folder, read_only=dry_run) as project:
        paths = {image.id: image.path for image in project.images()}
        if by_folder:
            names = grouping.by_folder(list(paths.values()), by_folder)
        else:
            rule = grouping.pattern_rule(pattern)
            names = [rule(path) for path in paths.values()]
        made = grouping.collect_groups(paths, names)
        windows = project.depths.list_windows()
        if not dry_run:
            project.apply(image_edits.set_groups(project, made.groups))
        images = [replace(image, group=made.groups.get(image.id, image.group)) for image in project.images()]
        said = [*describe_ungrouped(images), *list_divisions(images)]
        scales = describe_regrouped(windows, project.depths.list_windows(), images)
    if json:
        groups = {proposal.name: proposal.count for proposal in made.proposals}
        print_json(
            {
                "groups": groups,
                "unmatched": made.unmatched.count,
                "changed": not dry_run,
                "divided": said,
                "notices": scales,
            }
        )
        return
    print_table(
        ("group", ">images", "such as"),
        [(one.name, f"{one.count:,}", ", ".join(one.examples)) for one in made.proposals],
    )
    if made.unmatched.count:
        complain(
            f"{format_count(made.unmatched.count, 'image')} fit nothing, such as {', '.join(made.unmatched.examples)}"
        )
    for text in (*said, *scales):
        complain(text)


def manage_backups(
    folder: ProjectFolder,
    now: Annotated[bool, typer.Option("--now", help="Take one, if anything changed since the last.")] = False,
    restore: Annotated[
        str, typer.Option(metavar="NAME", help="Put this one in the place of the project's database.")
    ] = "",
    json: Json = False,
) -> None:
    """List the backups of a project, take one, or put one back. What is replaced is kept as one more backup."""
    if now:
        with Project.open(folder) as project:
            back_up(project)
    found = all_backups(folder)
    if restore:
        chosen = next((backup for backup in found if backup.path.name == restore), None)
        if chosen is None:
            raise InputError(f"{folder}: there is no backup {restore!r}; 'defectdesk backups {folder}' lists them")
        put_back(folder, chosen)
        found = all_backups(folder)
    if json:
        print_json(
            [
                {
                    "name": one.path.name,
                    "time": one.time,
                    "images": one.images,
                    "boxes": one.boxes,
                    "bytes": one.size_bytes,
                    "fault": one.fault,
                }
                for one in found
            ]
        )
        return
    if restore:
        say(f"restored {restore}", "bold")
    print_table(
        ("name", "taken (UTC)", ">images", ">boxes", "can be restored"),
        [(one.path.name, one.time, f"{one.images:,}", f"{one.boxes:,}", one.fault or "yes") for one in found],
    )


def relocate_images(
    folder: ProjectFolder,
    where: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where to look, with all below.", show_default=False)],
    other_scale: Annotated[
        bool,
        typer.Option("--other-scale", help="Also images above 8 bits whose new folder gives them another depth scale."),
    ] = False,
    json: Json = False,
) -> None:
    """Find images whose files were moved or replaced, by their content. Files that have only the same name are listed, not taken."""
    if not where.is_dir():
        raise InputError(f"{where}: there is no such folder; name the one that the images were moved to")
    with Project.open(folder) as project:
        missing = relocating.find_missing(project)
        with progress_bar("reading images", quiet=json) as progress:
            changed = relocating.find_changed(project, None, progress)
            found = relocating.find_moved(project, [*missing, *changed], where, progress)
        problems = _list_unfound(project, where, missing, changed, found)
        certain = {one.image_id: one.path for one in found if one.by == "content"}
        if certain:
            try:
                project.files.relocate_images(certain, other_scale=other_scale)
            except OtherScaleError as error:
                raise InputError(f"{error} (--other-scale)") from error
        notices = project.depths.take_notices()
    if json:
        counts = {"missing": len(missing), "changed": len(changed), "found": len(certain)}
        print_json(counts | {"problems": problems_to_json(problems), "notices": notices})
        return
    others = f", {len(changed):,} replaced by another picture" if changed else ""
    say(f"{format_count(len(missing), 'image')} missing{others}, {len(certain):,} found", "bold")
    for text in notices:
        say(text)
    complain_about(problems)


def _list_unfound(
    project: Project, where: Path, missing: list[int], changed: list[int], found: list[relocating.Found]
) -> list[Problem]:
    """What became of the images whose file was not found again."""
    # A file that was replaced is no candidate for what it was before.
    alike = {one.image_id: one for one in found if one.path != project.image_path(one.image_id)}
    problems = [
        Problem(project.image(one.image_id).path, f"{one.path} has its {one.by}, but another content; left alone")
        for one in alike.values()
        if one.by != "content"
    ]
    problems += [
        Problem(project.image(image_id).path, f"not found in {where}") for image_id in missing if image_id not in alike
    ]
    return problems + [
        Problem(
            project.image(image_id).path, f"holds another picture than when it was added; the old is not in {where}"
        )
        for image_id in changed
        if image_id not in alike
    ]
