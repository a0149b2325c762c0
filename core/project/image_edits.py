"""Builders of edits of many images at once, as a person makes them on a selection: one edit, named with its count."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from core.project.edits import fields_edit, set_group, set_split, set_status
from core.project.history import Edit
from core.project.project import Project
from core.types import Split, Status


@dataclass(frozen=True, slots=True)
class Marking:
    """An edit of the status of those images whose boxes allow it."""

    edit: Edit
    refused: tuple[int, ...]  # images that keep their status
    why: str  # what they have in common; empty if there are none


def mark(project: Project, image_ids: Collection[int], status: Status) -> Marking:
    """Give images a status.

    Images with boxes cannot be clean, and those without can be neither labelled nor reviewed: they are left as they are,
    and told.
    """
    records = [project.image(image_id) for image_id in dict.fromkeys(image_ids)]
    with_boxes = status in (Status.LABELLED, Status.REVIEWED)
    unfit = [record for record in records if status is not Status.UNLABELLED and bool(record.box_count) != with_boxes]
    gone = {record.id for record in unfit}
    allowed = [record.id for record in records if record.id not in gone]
    # Clean is a verdict already, and says more than reviewed would.
    refused = [record.id for record in unfit if not (with_boxes and record.status is Status.CLEAN)]
    edit = _named(set_status(project, allowed, status), f"Mark {_images(len(allowed))} {status}", len(allowed))
    return Marking(edit, tuple(refused), ("without boxes" if with_boxes else "with boxes") if refused else "")


def move_to_split(project: Project, image_ids: Collection[int], split: Split) -> Edit:
    """Put images into a split, or with Split.NONE into none."""
    count = len(set(image_ids))
    name = f"Take {_images(count)} out of their splits" if split is Split.NONE else f"Set {_images(count)} to {split}"
    return _named(set_split(project, image_ids, split), name, count)


def put_in_group(project: Project, image_ids: Collection[int], group: str) -> Edit:
    """Give images one group; empty: none."""
    count = len(set(image_ids))
    name = f"Put {_images(count)} into group {group}" if group else f"Take {_images(count)} out of their groups"
    return _named(set_group(project, image_ids, group), name, count)


def set_groups(project: Project, groups: Mapping[int, str]) -> Edit:
    """Give each image, by id, a group of its own; images that have it already are left alone."""
    changed = {image_id: group for image_id, group in groups.items() if project.image(image_id).group != group}
    after = {image_id: found._replace(group=changed[image_id]) for image_id, found in project.fields(changed).items()}
    return fields_edit(project, f"Group {_images(len(changed))}", after)


def _named(edit: Edit, name: str, count: int) -> Edit:
    # For a single image the plain words are enough.
    return replace(edit, name=name) if count != 1 else edit


def _images(count: int) -> str:
    return f"{count:,} image" if count == 1 else f"{count:,} images"
