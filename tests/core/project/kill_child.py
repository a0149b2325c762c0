"""Edits a project at random until it is killed, and tells of each edit before and after it.

One warm process forks the children, so that 200 of them start in no time. It reads lines "FOLDER SEED" and writes

    born PID            a child was forked
    open DIGEST         it opened the project, whose content has this digest
    try DIGEST KIND     it is about to make an edit, after which the content will have this digest
    done DIGEST         the edit has returned: what it did must never be lost
    dead PID STATUS     the child has ended
"""

from __future__ import annotations

import hashlib
import os
import random
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from core.project.edits import box_edits, image_edits, label_edits
from core.project.edits.edit import Edit, ImageState
from core.project.project import Project
from core.types import Label, Split, Status
from tests.core.project.raw_database import connection_of

State = tuple[tuple[Label, ...], dict[int, ImageState]]


def state_of(project: Project) -> State:
    return project.labels(), project.states(project.image_ids())


def digest(state: State) -> str:
    """Equal for equal labels, boxes, status, split, group and notes of all images."""
    labels, images = state
    told = [repr(labels)]
    for image, found in sorted(images.items()):
        boxes = [(box.id, box.xyxy, sorted(box.labels)) for box in found.boxes]
        told.append(repr((image, found.fields, boxes)))
    return hashlib.blake2b("\n".join(told).encode(), digest_size=12).hexdigest()


def expected(state: State, edit: Edit) -> State:
    """What `edit` makes of `state`, told without the database."""
    labels, images = state
    after = dict(images)
    for image in edit.removed:
        del after[image.id]
    after |= edit.after
    for image, fields in edit.fields_after.items():
        found = after[image]
        after[image] = ImageState(*fields, found.boxes)
    if edit.relabelled:
        change = edit.relabelled
        new = {
            (image, box): change.sets[place]
            for image, box, place in zip(
                change.images.tolist(), change.boxes.tolist(), change.after.tolist(), strict=True
            )
        }
        for image, found in after.items():
            boxes = tuple(replace(box, labels=new.get((image, box.id), box.labels)) for box in found.boxes)
            after[image] = replace(found, boxes=boxes)
    return edit.labels_after if edit.labels_after is not None else labels, after


def tell(line: str) -> None:
    os.write(1, f"{line}\n".encode())  # one call: what is told is told whole, also at the moment of death


def work(folder: Path, seed: int) -> None:
    choose = random.Random(seed)
    with Project.open(folder) as project:
        if seed % 2:
            # Small steps between log and file, so that many are killed while the log is moved.
            connection_of(project).execute("PRAGMA wal_autocheckpoint=8")
        state = state_of(project)
        tell(f"open {digest(state)}")
        past: list[State | None] = [None] * len(project.history.list_entries())
        undone = [entry for entry in project.history.list_entries() if not entry.done]
        del past[len(past) - len(undone) :]
        future: list[State] = []
        while True:
            kind = choose.choice(KINDS)
            if kind == "undo" and past and past[-1] is not None:
                future.append(state)
                state = past.pop() or state
                act: Callable[[], object] = project.history.undo
            elif kind == "redo" and future:
                past.append(state)
                state = future.pop()
                act = project.history.redo
            elif (edit := random_edit(project, kind, choose)) is not None and not edit.is_empty:
                past.append(state)
                future.clear()
                state = expected(state, edit)
                act = lambda edit=edit: project.apply(edit)  # noqa: E731
            else:
                continue
            promised = digest(state)
            tell(f"try {promised} {kind}")
            if act() is None:
                raise AssertionError(f"{kind} did nothing")
            tell(f"done {promised}")


KINDS = (
    "draw",
    "draw",
    "draw",
    "move",
    "toggle",
    "toggle",
    "delete",
    "status",
    "split",
    "note",
    "label",
    "merge",
    "undo",
    "undo",
    "redo",
)


def random_edit(project: Project, kind: str, choose: random.Random) -> Edit | None:
    ids = project.image_ids()
    image = choose.choice(ids)
    boxes = project.boxes(image)
    labels = project.labels()
    box = choose.choice(boxes) if boxes else None
    if kind == "draw" and len(boxes) < 12:
        side = choose.uniform(2, 40)
        return box_edits.add_box(project, image, (1, 2, 1 + side, 30), {choose.choice(labels).id})
    if kind == "move" and box:
        left = choose.uniform(0, 40)
        return box_edits.set_box(project, image, box.id, (left, 1, left + 12, 20))
    if kind == "toggle" and box:
        return label_edits.toggle_label(project, image, [other.id for other in boxes[:2]], choose.choice(labels).id)
    if kind == "delete" and box:
        return box_edits.delete_boxes(project, image, [box.id])
    if kind == "status":
        # Images whose boxes all have labels: others cannot be marked reviewed.
        drawn = [other.id for other in project.images() if other.box_count and all(other.label_sets)]
        return image_edits.set_status(project, drawn, choose.choice((Status.LABELLED, Status.REVIEWED)))
    if kind == "split":
        return image_edits.set_split(project, ids, choose.choice(list(Split)))
    if kind == "note":
        return image_edits.set_note(project, image, "n" * choose.randrange(9000))
    if kind == "label":
        return label_edits.create_label(project, f"label {choose.random()}")
    if kind == "merge" and len(labels) > 3:
        return label_edits.merge_labels(project, [labels[-1].id], labels[0].id)
    return None


def main() -> None:
    for line in sys.stdin:
        folder, _, seed = line.rstrip("\n").rpartition(" ")
        child = os.fork()
        if child == 0:
            tell(f"born {os.getpid()}")  # by itself, so that it comes before all that it tells
            work(Path(folder), int(seed))
            return
        _, status = os.waitpid(child, 0)
        tell(f"dead {child} {status}")


if __name__ == "__main__":
    main()
