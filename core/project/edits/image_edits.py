"""Builders of edits of images: status, split, group, note, and what is in the project at all.

Each reads the project, changes nothing, and returns what `Project.apply` makes durable.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

from core.counting import format_count
from core.errors import InputError
from core.project.edits.edit import Edit, ImageFields
from core.project.images import splits
from core.project.images.copies import torn_copies
from core.project.project_reader import ProjectReader
from core.types import Split, Status


def set_status(project: ProjectReader, image_ids: Collection[int], status: Status) -> Edit:
    """Set the status of images.

    Raises InputError for a status that the boxes contradict: clean with boxes; labelled or reviewed without,
    which would train as clean though nobody said so; reviewed with a box that has no label yet.
    """
    for image in map(project.image, image_ids):
        if status is Status.CLEAN and image.box_count:
            raise InputError(f"{image.path}: has boxes, so it is not clean; delete its boxes first")
        if status in (Status.LABELLED, Status.REVIEWED) and not image.box_count:
            raise InputError(f"{image.path}: has no boxes; draw them, or mark it clean if it has no defects")
        if status is Status.REVIEWED and image.has_unlabelled_box:
            raise InputError(f"{image.path}: has a box without a label; give it one, then mark the image reviewed")
    return set_fields(project, f"Mark {status}", image_ids, lambda fields: fields._replace(status=status))


def set_split(project: ProjectReader, image_ids: Collection[int], split: Split) -> Edit:
    """Put images into a split, or with Split.NONE into none."""
    name = "Take out of its split" if split is Split.NONE else f"Move to {split}"
    return set_fields(project, name, image_ids, lambda fields: fields._replace(split=split))


def set_group(project: ProjectReader, image_ids: Collection[int], group: str) -> Edit:
    """Say what the images belong together by: a part, lot or board. Empty: each stands for itself."""
    return set_fields(project, "Set group", image_ids, lambda fields: fields._replace(group=group))


def set_note(project: ProjectReader, image_id: int, note: str) -> Edit:
    """Write down something about an image."""
    return set_fields(project, "Set note", [image_id], lambda fields: fields._replace(note=note))


def set_fields(
    project: ProjectReader, name: str, image_ids: Collection[int], change: Callable[[ImageFields], ImageFields]
) -> Edit:
    """Change status, split, group or note of many images at once; `change` is called once for equal fields."""
    before = project.fields(image_ids)
    new = {fields: change(fields) for fields in set(before.values())}
    return fields_edit(project, name, {image_id: new[fields] for image_id, fields in before.items()})


def fields_edit(project: ProjectReader, name: str, after: Mapping[int, ImageFields]) -> Edit:
    """Give each image, by id, these fields."""
    return Edit(name, {}, {}, fields_before=project.fields(after.keys()), fields_after=after)


def remove_images(project: ProjectReader, image_ids: Collection[int]) -> Edit:
    """Take images and their boxes out of the project. The files stay where they are."""
    before = project.states(image_ids)
    name = "Remove image" if len(before) == 1 else f"Remove {len(before):,} images"
    return Edit(name, before, {}, removed=tuple(project.image(image_id) for image_id in before))


def assign_splits(
    project: ProjectReader,
    fractions: Mapping[str, float] | None = None,
    seed: int = 0,
    *,
    all: bool = False,
) -> Edit:
    """Divide the images over train, val and test, stratified by their label sets; a group stays together.

    `fractions` by split name sum to 1; None: 0.7, 0.15, 0.15. Images that have a split keep it, and a group
    follows its images that have one, unless `all`. The same project and seed give the same result.
    """
    chosen = splits.check_fractions(fractions if fractions is not None else splits.DEFAULT_FRACTIONS)
    images = project.images()
    strata = splits.find_strata(images, project.label_sets())
    assigned = splits.divide_images(images, strata, chosen, seed, keep=not all)
    moved = [image.id for image in images if assigned[image.id] is not image.split]
    fields = project.fields(moved)
    after = {image_id: found._replace(split=assigned[image_id]) for image_id, found in fields.items()}
    return fields_edit(project, "Assign splits", after)


@dataclass(frozen=True, slots=True)
class Marking:
    """An edit of the status of those images whose boxes allow it."""

    edit: Edit
    refused: tuple[int, ...]  # images that keep their status
    why: str  # what they have in common; empty if there are none


def mark_images(project: ProjectReader, image_ids: Collection[int], status: Status) -> Marking:
    """Give images a status.

    Images with boxes cannot be clean, those without can be neither labelled nor reviewed, and those with a box that has no
    label yet cannot be reviewed: they are left as they are, and told.
    """
    records = [project.image(image_id) for image_id in dict.fromkeys(image_ids)]
    with_boxes = status in (Status.LABELLED, Status.REVIEWED)
    unfit = [record for record in records if status is not Status.UNLABELLED and bool(record.box_count) != with_boxes]
    bare = [record for record in records if status is Status.REVIEWED and record.has_unlabelled_box]
    gone = {record.id for record in (*unfit, *bare)}
    allowed = [record.id for record in records if record.id not in gone]
    # Clean is a verdict already, and says more than reviewed would.
    refused = [record.id for record in unfit if not (with_boxes and record.status is Status.CLEAN)]
    edit = _name_edit(
        set_status(project, allowed, status), f"Mark {format_count(len(allowed), 'image')} {status}", len(allowed)
    )
    reasons = ["without boxes" if with_boxes else "with boxes"] if refused else []
    reasons += ["with boxes that have no label yet"] if bare else []
    refused += [record.id for record in bare]
    return Marking(edit, tuple(refused), " or ".join(reasons))


def move_to_split(project: ProjectReader, image_ids: Collection[int], split: Split) -> Edit:
    """Put images into a split, or with Split.NONE into none. Copies that are in another split go along."""
    image_ids = list(dict.fromkeys([*image_ids, *torn_copies(project.images(), image_ids, split)]))
    count = len(image_ids)
    name = (
        f"Take {format_count(count, 'image')} out of their splits"
        if split is Split.NONE
        else f"Set {format_count(count, 'image')} to {split}"
    )
    return _name_edit(set_split(project, image_ids, split), name, count)


def put_in_group(project: ProjectReader, image_ids: Collection[int], group: str) -> Edit:
    """Give images one group; empty: none."""
    count = len(set(image_ids))
    name = (
        f"Put {format_count(count, 'image')} into group {group}"
        if group
        else f"Take {format_count(count, 'image')} out of their groups"
    )
    return _name_edit(set_group(project, image_ids, group), name, count)


def set_groups(project: ProjectReader, groups: Mapping[int, str]) -> Edit:
    """Give each image, by id, a group of its own; images that have it already are left alone."""
    changed = {image_id: group for image_id, group in groups.items() if project.image(image_id).group != group}
    after = {image_id: found._replace(group=changed[image_id]) for image_id, found in project.fields(changed).items()}
    return fields_edit(project, f"Group {format_count(len(changed), 'image')}", after)


def _name_edit(edit: Edit, name: str, count: int) -> Edit:
    # For a single image the plain words are enough.
    return replace(edit, name=name) if count != 1 else edit
