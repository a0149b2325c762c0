"""The depth scales of a project: which values of its cameras are black and white."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from core.commands.options import Json, ProjectFolder
from core.console import complain, print_json, print_table, say
from core.errors import InputError
from core.imaging.window import checked_window
from core.operations.depth import divide_cameras, parse_camera, remove_camera, set_window
from core.project.project import Project


class DivisionName(StrEnum):
    """What may tell one camera from another."""

    KIND = "kind"
    FOLDER = "folder"
    GROUP = "group"
    SIZE = "size"


def set_depth(
    folder: ProjectFolder,
    window: Annotated[
        tuple[int, int] | None, typer.Option(metavar="LOW HIGH", help="Values that become black and white.")
    ] = None,
    camera: Annotated[
        str,
        typer.Option(
            help="Of which images: grey or colour, bits=16, size=640x480, folder=NAME, group=NAME, with commas."
        ),
    ] = "",
    fit: Annotated[
        bool, typer.Option("--fit", help="Choose by the bits that the images use, instead of --window.")
    ] = False,
    by: Annotated[
        DivisionName | None, typer.Option(help="One camera for each of these, chosen by the bits that its images use.")
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Forget the --camera.")] = False,
    json: Json = False,
) -> None:
    """Say or set how images above 8 bits are seen, trained on and predicted from. Runs keep what they began with."""
    if sum((window is not None, fit, by is not None, remove)) > 1:
        raise InputError("depth: name one of --window, --fit, --by and --remove")
    if remove and not camera:
        raise InputError("depth: --remove needs the --camera to forget")
    if camera and not (window or fit or remove):
        raise InputError("depth: say what becomes of the --camera: --window LOW HIGH, --fit or --remove")
    if by is not None and camera:
        raise InputError("depth: --by makes all cameras new; leave --camera out")
    chosen = parse_camera(camera) if camera else None
    ends = checked_window(window, "depth: --window")
    changes = bool(ends or fit or by or remove)
    with Project.open(folder, read_only=not changes) as project:
        if by is not None:
            divide_cameras(project, by.value)
        elif remove and chosen is not None:
            remove_camera(project, chosen)
        elif changes:
            set_window(project, chosen, ends)
        else:
            project.depths.settle()
        _print_cameras(project, json)


def _print_cameras(project: Project, json: bool) -> None:
    listed = project.depths.list_cameras()
    unseen = project.depths.count_unseen()
    notices = project.depths.take_notices()
    if json:
        rows = [
            (one.camera.to_json() if one.camera else {"window": None})
            | {"name": one.name, "images": len(one.images), "highest": one.top, "above": one.above}
            for one in listed
        ]
        print_json({"cameras": rows, "not_looked_at": unseen, "notices": notices})
        return
    if not listed:
        say(f"{project.name}: no image above 8 bits was found; all values of 8 bits are shown as they are")
    else:
        print_table(
            ("camera", ">black", ">white", ">images", ">highest value", ">images above white"),
            [
                (
                    one.name,
                    f"{one.camera.window[0]:,}" if one.camera else "–",
                    f"{one.camera.window[1]:,}" if one.camera else "–",
                    f"{len(one.images):,}",
                    f"{one.top:,}" if one.images else "–",
                    f"{one.above:,}",
                )
                for one in listed
            ],
        )
    for text in notices:
        complain(text)
    if unseen:
        say(f"{unseen:,} more image files were not looked at; --fit and --by look at all")
