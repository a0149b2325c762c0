"""Edits that refer images to other files: after a folder was moved, or where a picture was replaced."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from core.errors import InputError
from core.imaging.cameras import Depth
from core.project.edits.edit import ImageFile
from core.project.images import image_files
from core.types import ImageRecord


def files_after(
    images: Mapping[int, ImageRecord],
    paths: Mapping[int, Path],
    folder: Path,
    *,
    other_content: bool,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[dict[int, ImageFile], dict[str, Depth]]:
    """What the images of a project in `folder` refer to once they refer to `paths`, and what is in these files by hash.

    Raises InputError as `ProjectFiles.relocate_images` does.
    """
    found, problems = image_files.probe_all(paths.values(), progress)
    if problems:
        raise InputError(f"{problems[0].file}: {problems[0].problem.removesuffix('; skipped')}; nothing was changed")
    after = {}
    for (image_id, path), probed in zip(paths.items(), found, strict=True):
        image = images[image_id]
        if probed.content_hash != image.content_hash:
            if not other_content:
                raise InputError(
                    f"{path}: holds another picture than {image.path} did when it was added; nothing was changed: "
                    "choose the right file, or say that the other picture shall take its place"
                )
            if (probed.width, probed.height) != (image.width, image.height):
                raise InputError(
                    f"{path}: is {probed.width} x {probed.height}, but {image.path} was {image.width} x "
                    f"{image.height}, so its boxes would not fit; nothing was changed: add it as an image of its own"
                )
        after[image_id] = ImageFile(
            image_files.stored_path(folder, path),
            probed.width,
            probed.height,
            probed.size_bytes,
            probed.content_hash,
            probed.modified_ns,
        )
    _check_single(images, after)
    return after, {probed.content_hash: probed.depth for probed in found if probed.depth is not None}


def _check_single(images: Mapping[int, ImageRecord], after: Mapping[int, ImageFile]) -> None:
    taken = {image_files.path_key(Path(image.path)): image.id for image in images.values() if image.id not in after}
    for image_id, file in after.items():
        if taken.setdefault(image_files.path_key(Path(file.path)), image_id) != image_id:
            raise InputError(
                f"{file.path}: another image of the project refers to it already; nothing was changed, choose another"
            )
