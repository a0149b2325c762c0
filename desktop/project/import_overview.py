"""What an import would do to a project, shown before anything is written."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from core.counting import format_count
from core.formats.annotations import ImportedAnnotations, ImportedImage
from core.formats.difficult_marks import TAKEN, count_difficult
from core.formats.import_report import count_missing, list_kinds, list_splits
from core.formats.problem_summary import ProblemKind, describe_dropped, describe_share
from core.project.images import image_files
from core.project.images.copies import match_contents
from core.project.project import Project
from core.types import Problem

NAMED = 12  # labels that a sentence names; the rest is counted
KINDS = 6  # kinds of problems that a sentence names


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
    share: str = ""  # how many of the boxes come in
    splits: tuple[tuple[str, int], ...] = ()  # images of each that the source tells of
    kinds: tuple[ProblemKind, ...] = ()  # problems of the source
    difficult: int = 0  # boxes that training and judging will ignore
    several_files: int = 0  # images of whose name there are several files

    def texts(self) -> tuple[tuple[str, str], ...]:
        """(name, sentence) of what was found, for a user."""
        images = format_count(self.images, "image")
        if self.present:
            images += f", {self.present:,} of them in the project already: boxes and labels are merged into theirs"
        boxes = format_count(self.boxes, "box")
        if self.several:
            boxes += f", {self.several:,} with several labels"
        if self.merged:
            boxes += f"; {format_count(self.merged, 'repeated box', 'repeated boxes')} merged into one with all labels"
        if self.difficult:
            become = "becomes" if self.difficult == 1 else "become"
            boxes += f"; {self.difficult:,} {become} difficult: training and judging ignore what is there"
        rows = [("Images", images), ("Boxes", boxes), ("Labels", self._label_text())]
        if self.missing:
            missing = f"{format_count(self.missing, 'image')}: choose the folder that they are in"
            if self.several_files:
                missing += f"; of {self.several_files:,} of them there are several files"
            rows.insert(1, ("Not found", missing))
        if self.share:
            rows.append(("Share", self.share))
        if self.splits:
            rows.append(("Splits", ", ".join(f"{name} {count:,}" for name, count in self.splits)))
        if self.kinds:
            rows.append(("Problems", self._problem_text()))
        return tuple(rows)

    def _problem_text(self) -> str:
        shown = [f"{kind.title}: {kind.count:,}" for kind in self.kinds[:KINDS]]
        more = len(self.kinds) - KINDS
        return "; ".join(shown) + (f"; and {more:,} more kinds" if more > 0 else "")

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
    elsewhere: dict[Path, str] = {}
    if project is not None:
        others = [image.path for image in imported.images if image.path not in present]
        same = match_contents(project.images(), others)
        present |= {path: record.id for path, record in same.items()}
        elsewhere = {path: record.path for path, record in same.items()}
    counts = {image_id: project.image(image_id).box_count for image_id in present.values()} if project else {}
    return ImportOverview(
        images=len(imported.images),
        present=len(present),
        missing=count_missing(imported),
        boxes=imported.box_count,
        several=sum(len(labels) > 1 for image in imported.images for labels in image.label_sets),
        merged=imported.merged,
        labels=imported.labels,
        new_labels=tuple(name for name in imported.labels if name not in names),
        share=describe_share(imported) if imported.boxes_lost else "",
        splits=tuple(list_splits(imported).items()),
        kinds=_list_kinds(imported),
        difficult=count_difficult(imported),
        several_files=imported.problem_counts.get("several files", 0),
        lines=tuple(
            Problem(
                str(image.path),
                _what_happens(image, counts.get(present.get(image.path, -1)), elsewhere.get(image.path)),
            )
            for image in imported.images
        ),
    )


def with_marks_chosen(overview: ImportOverview, imported: ImportedAnnotations) -> ImportOverview:
    """The same once a user has chosen other marks by which boxes of `imported` are difficult."""
    return replace(overview, difficult=count_difficult(imported), kinds=_list_kinds(imported))


def _list_kinds(imported: ImportedAnnotations) -> tuple[ProblemKind, ...]:
    """Problems but for the number of difficult boxes, which stands with the boxes."""
    return tuple(kind for kind in list_kinds(imported) if kind.kind != TAKEN)


def _what_happens(image: ImportedImage, box_count: int | None, same_as: str | None) -> str:
    boxes = format_count(len(image.label_sets), "box") if image.label_sets else "no boxes"
    if image.dropped:
        boxes += f" ({describe_dropped(image.dropped)} left out)"
    if box_count is None:
        return f"new: {boxes}"
    where = f"in the project as {same_as}, which holds the same, " if same_as else "in the project "
    return f"{where}with {format_count(box_count, 'box')}: {boxes} merged into them"
