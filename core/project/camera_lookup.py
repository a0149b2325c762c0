"""Through what the images of a project are read, by the paths of their files: for views that know no more of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from core.imaging.cameras import Cameras
from core.project.project import Project


@dataclass(frozen=True, slots=True)
class CameraLookup:
    """The cameras of a project at one moment; two are equal if every image is read in the same way."""

    cameras: Cameras = field(default_factory=Cameras)
    groups: Mapping[str, str] = field(default_factory=dict)  # of images by path, where groups tell cameras

    def scale_of(self, path: Path | str) -> Cameras:
        """Through what the image is read."""
        return self.cameras.in_group(self.groups.get(str(path), ""))


def look_up_cameras(project: Project | None) -> CameraLookup:
    """The cameras of a project as they are now; none without a project. Raises InputError if what is kept is damaged."""
    if project is None:
        return CameraLookup()
    cameras = project.depths.cameras()
    if not cameras.need_groups:
        return CameraLookup(cameras)
    return CameraLookup(cameras, {str(project.image_path(image)): image.group for image in project.images()})
