"""Images that a checkpoint sees through another depth scale than the project does now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from core.imaging.cameras import Cameras, whole_range
from core.imaging.window import Window
from core.project.project import Project
from core.safetensors_header import read_metadata
from core.types import ImageRecord


@dataclass(frozen=True, slots=True)
class OtherScale:
    """How many images that are, and the windows of the first of them."""

    count: int
    example: str  # the path of the first, as the project names it
    checkpoint: Window
    project: Window


def find_other_scale(project: Project, checkpoint: Path, images: Iterable[ImageRecord]) -> OtherScale | None:
    """What differs for `images`, as far as their files were looked at; None where nothing does.

    A checkpoint keeps the cameras that it was trained with: images that came into other folders or groups since, or a
    scale that was set anew, are none of its. Raises InputError if the file cannot be read.
    """
    deep = {content: depth for content, depth in project.depths.list_depths().items() if depth.kind.is_deep}
    values = read_metadata(checkpoint).get("cameras") if deep else None
    if values is None:
        return None
    trained, present = Cameras.from_json(values, str(checkpoint)), project.depths.cameras()
    found: list[tuple[str, Window, Window]] = []
    for image in images:
        if (depth := deep.get(image.content_hash)) is None:
            continue
        path, size = project.image_path(image), (depth.width, depth.height)
        cameras = [one.in_group(image.group).find(path, depth.kind, size) for one in (trained, present)]
        old, new = (whole_range() if camera is None else camera.window for camera in cameras)
        if old != new:
            found.append((image.path, old, new))
    return OtherScale(len(found), *found[0]) if found else None
