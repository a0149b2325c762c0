"""Setting the depth scales of a project's cameras."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Literal

from core.errors import InputError
from core.imaging.cameras import Camera, Cameras, Depth, choose_window
from core.imaging.window import HIGHEST, Window
from core.project.project import Project
from core.types import ImageRecord

Division = Literal["kind", "folder", "group", "size"]

_SIZE = re.compile(r"(\d+)[x×](\d+)")
_COLOURS = {"grey": 1, "gray": 1, "colour": 3, "color": 3}
_HOW = "name it by grey or colour, bits=16, size=640x480, folder=NAME and group=NAME, with commas between them"


def parse_camera(text: str) -> Camera:
    """A camera with the whole range, from its conditions such as "grey,folder=line-2". Raises InputError."""
    camera = Camera((0, HIGHEST))
    for part in (part.strip() for part in text.split(",")):
        field, _, value = (one.strip() for one in part.partition("="))
        size = _SIZE.fullmatch(value)
        if part.lower() in _COLOURS:
            camera = replace(camera, channels=_COLOURS[part.lower()])
        elif field == "bits" and value.isdecimal() and 9 <= int(value) <= 16:
            camera = replace(camera, bits=int(value))
        elif field == "size" and size:
            camera = replace(camera, size=(int(size[1]), int(size[2])))
        elif field == "folder" and value:
            camera = replace(camera, folder=value.replace("\\", "/").strip("/"))
        elif field == "group" and value:
            camera = replace(camera, group=value)
        else:
            raise InputError(f"camera: {part!r} tells no camera; {_HOW}")
    return camera


def set_window(project: Project, camera: Camera | None, window: Window | None) -> Cameras:
    """Give a camera this window, or with None the one that fits its images; without a camera, all that there are.

    A camera that is not there yet is added. Raises InputError if there is nothing to choose from.
    """
    present = project.depths.settle()
    if camera is None:
        chosen = present.cameras or ((Camera((0, HIGHEST)),) if window else ())
        if not chosen:
            raise InputError(f"{project.folder}: no image above 8 bits was found, so there is no depth scale to choose")
    else:
        chosen = (camera,)
    kept = {_with_whole_range(one): one for one in present.cameras}
    for one in chosen:
        kept[_with_whole_range(one)] = replace(one, window=window) if window else _with_whole_range(one)
    cameras = Cameras(tuple(kept.values()))
    if window is None:
        cameras = _fit_windows(project, cameras, {_with_whole_range(one) for one in chosen})
    project.depths.set_cameras(cameras)
    return cameras


def remove_camera(project: Project, camera: Camera) -> Cameras:
    """Forget a camera: its images belong to the one that is next in line. Raises InputError if there is none like it."""
    present = project.depths.settle()
    kept = tuple(one for one in present.cameras if _with_whole_range(one) != _with_whole_range(camera))
    if len(kept) == len(present.cameras):
        raise InputError(f"camera: {project.folder} has none for {camera.name}; 'defectdesk depth DIR' lists them")
    project.depths.set_cameras(Cameras(kept))
    return Cameras(kept)


def divide_cameras(project: Project, by: Division) -> Cameras:
    """One camera for each kind of image, and each of its folders, groups or sizes, with windows that fit their images.

    Takes the place of the cameras that there are. Raises InputError if no image above 8 bits was found.
    """
    project.depths.settle()
    project.depths.examine_all()
    depths, tops = project.depths.list_depths(), defaultdict[Camera, int](int)
    for image in project.images():
        depth = depths.get(image.content_hash)
        if depth is not None and depth.kind.is_deep:
            camera = _describe(image, depth, by)
            tops[camera] = max(tops[camera], depth.top)
    if not tops:
        raise InputError(f"{project.folder}: no image above 8 bits was found, so there is no depth scale to choose")
    cameras = Cameras(tuple(replace(camera, window=choose_window(top)) for camera, top in tops.items()))
    project.depths.set_cameras(cameras)
    return cameras


def _with_whole_range(camera: Camera) -> Camera:
    """The camera by its conditions alone, for two that differ in their windows are one."""
    return replace(camera, window=(0, HIGHEST))


def _describe(image: ImageRecord, depth: Depth, by: Division) -> Camera:
    """The camera of an image, with the whole range."""
    camera = Camera((0, HIGHEST), depth.kind.channels, depth.kind.bits)
    if by == "folder":
        parent = PurePosixPath(image.path).parent
        names = [name for name in parent.parts if name not in ("/", "..", ".")]
        return replace(camera, folder="/".join(map(_escape, names[-2:])))
    if by == "group":
        return replace(camera, group=image.group)
    return replace(camera, size=(depth.width, depth.height)) if by == "size" else camera


def _escape(name: str) -> str:
    return re.sub(r"([*?[])", r"[\1]", name)


def _fit_windows(project: Project, cameras: Cameras, wanted: set[Camera]) -> Cameras:
    """With windows that fit the images of the `wanted` ones, which are described with the whole range."""
    project.depths.examine_all()
    tops = {one.camera: one.top for one in project.depths.list_cameras_of(cameras) if one.images}
    fitted = []
    for camera in cameras.cameras:
        if _with_whole_range(camera) in wanted:
            if camera not in tops:
                raise InputError(f"camera: no image above 8 bits of {camera.name} was found; name its --window")
            camera = replace(camera, window=choose_window(tops[camera]))
        fitted.append(camera)
    return Cameras(tuple(fitted))
