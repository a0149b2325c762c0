"""What an import would do to a project, shown before anything is written."""

from __future__ import annotations

from dataclasses import dataclass

from core.formats.annotations import ImportedAnnotations, ImportedImage
from core.project.images import image_files
from core.project.project import Project
from core.types import Problem
from desktop.kit.formatting import plural

NAMED = 12  # labels that a sentence names; the rest is counted


@dataclass(frozen=True, slots=True)
class ImportOverview:
    """Counts, and one line an image."""

    images: int
    present: int  # of them in the project already
    missing: int
    boxes: int
    several: int  # boxes with more than one label
    merged: int  # boxes that the source lists apart and that are one
    labels: tuple[str, ...]
    new_labels: tuple[str, ...]
    lines: tuple[Problem, ...]  # what happens to each image

    def texts(self) -> tuple[tuple[str, str], ...]:
        """(name, sentence) of what was found, for a user."""
        images = plural(self.images, "image")
        if self.present:
            images += f", {self.present:,} of them in the project already: boxes and labels are merged into theirs"
        boxes = plural(self.boxes, "box", "boxes")
        if self.several:
            boxes += f", {self.several:,} with several labels"
        if self.merged:
            boxes += f"; {plural(self.merged, 'repeated box', 'repeated boxes')} merged into one with all labels"
        rows = [("Images", images), ("Boxes", boxes), ("Labels", self._label_text())]
        if self.missing:
            rows.insert(1, ("Not found", f"{plural(self.missing, 'image')}: choose the folder that they are in"))
        return tuple(rows)

    def _label_text(self) -> str:
        known = [name for name in self.labels if name not in self.new_labels]
        parts = [
            f"{word}: {_list_names(names)}" for word, names in (("new", self.new_labels), ("known", known)) if names
        ]
        return f"{len(self.labels):,} — {'; '.join(parts)}" if parts else "none"


def _list_names(names: tuple[str, ...] | list[str]) -> str:
    shown = ", ".join(names[:NAMED])
    return f"{shown} and {len(names) - NAMED:,} more" if len(names) > NAMED else shown


def preview_import(imported: ImportedAnnotations, project: Project | None) -> ImportOverview:
    """What importing would do to `project` (None: to a new one)."""
    known = project.files.ids_by_path() if project is not None else {}
    names = {label.name for label in project.labels()} if project is not None else set()
    present = {
        image.path: known[key] for image in imported.images if (key := image_files.path_key(image.path)) in known
    }
    counts = {image_id: project.image(image_id).box_count for image_id in present.values()} if project else {}
    return ImportOverview(
        images=len(imported.images),
        present=len(present),
        missing=len(imported.missing),
        boxes=imported.box_count,
        several=sum(len(labels) > 1 for image in imported.images for labels in image.label_sets),
        merged=imported.merged,
        labels=imported.labels,
        new_labels=tuple(name for name in imported.labels if name not in names),
        lines=tuple(
            Problem(str(image.path), _what_happens(image, counts.get(present.get(image.path, -1))))
            for image in imported.images
        ),
    )


def _what_happens(image: ImportedImage, box_count: int | None) -> str:
    boxes = plural(len(image.label_sets), "box", "boxes") if image.label_sets else "no boxes"
    if box_count is None:
        return f"new: {boxes}"
    return f"in the project with {plural(box_count, 'box', 'boxes')}: {boxes} merged into them"
