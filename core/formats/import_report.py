"""What an import says of itself: the share of the boxes that came in, problems by kind, and why nothing was found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from core.formats.annotations import ImportedAnnotations
from core.formats.augmented_copies import PATTERN, find_ungrouped_copies
from core.formats.difficult_marks import count_difficult, count_marks
from core.formats.problem_summary import ProblemKind, describe_share, summarize_problems
from core.types import Problem


def list_kinds(imported: ImportedAnnotations, problems: Sequence[Problem] | None = None) -> tuple[ProblemKind, ...]:
    """Problems of the source by kind, or of the whole import where `problems` are all of it."""
    found = imported.problems if problems is None else problems
    return summarize_problems(found, imported.problem_counts, imported.boxes_lost)


def count_missing(imported: ImportedAnnotations) -> int:
    """How many images were not found; several of them may have one name, in folders of their own."""
    return max(len(imported.missing), sum(imported.problem_counts.get(kind, 0) for kind in ("file", "several files")))


def explain_nothing_found(imported: ImportedAnnotations) -> str:
    """Why there is no image to import, and what to do."""
    first = next((problem for problem in imported.problems if problem.kind == "several files"), None)
    first = first or next((problem for problem in imported.problems if problem.kind == "file"), None)
    inside = next((problem for problem in imported.problems if problem.kind == "inside"), None)
    if imported.missing and inside is not None:
        return f"{imported.source}: there is no image for it, such as for {inside.file}: {inside.problem}"
    if imported.missing and first is not None:
        count = count_missing(imported)
        none_of = "its only image was not found" if count == 1 else f"none of its {count:,} images was found"
        # Where files of these names were found, a link somewhere is not the reason.
        links = [problem.file for problem in imported.problems if problem.kind == "link" and first.kind == "file"]
        link = f"; {links[0]} is a link to a folder, which was not followed" if links else ""
        reason = first.problem.partition("; ")[0]
        return (
            f"{imported.source}: {none_of}, such as {first.file}: {reason}{link}; name the folder that they are in "
            "(--images)"
        )
    if imported.problems:
        first = next((problem for problem in imported.problems if problem.kind == "link"), imported.problems[0])
        return f"{imported.source}: there is no image in it that can be used; {first.file}: {first.problem}"
    return f"{imported.source}: it names no image; choose other annotations"


def list_splits(imported: ImportedAnnotations) -> dict[str, int]:
    """How many images the source puts into each split; empty if it tells of none."""
    counts = Counter(str(image.split) for image in imported.images if image.split is not None)
    return {name: counts[name] for name in ("train", "val", "test") if counts[name]}


def build_report(imported: ImportedAnnotations, problems: Sequence[Problem] | None = None) -> dict[str, Any]:
    """The import as programs get it."""
    lost = sum(imported.boxes_lost.values())
    listed = imported.boxes_listed
    copies = find_ungrouped_copies(imported)
    return {
        "format": imported.format,
        "images_found": len(imported.images),
        "images_missing": count_missing(imported),
        "splits": list_splits(imported),
        "boxes_listed": listed,
        "boxes_taken": listed - lost,
        "boxes_share": (listed - lost) / listed if listed else None,
        "boxes_left_out": dict(imported.boxes_lost),
        "merged": imported.merged,
        "boxes_difficult": count_difficult(imported),
        "marks": {
            mark: {"boxes": count, "difficult": mark in imported.difficult_marks}
            for mark, count in count_marks(imported).items()
        },
        "copies": {"images": copies.images, "pictures": copies.pictures, "pattern": PATTERN} if copies else None,
        "problem_kinds": [kind.to_json() for kind in list_kinds(imported, problems)],
    }


def list_texts(imported: ImportedAnnotations) -> list[str]:
    """What a user is told of the whole beside its counts."""
    share = describe_share(imported)
    missing = count_missing(imported)
    texts = [share] if share else []
    if missing:
        images = "1 image was" if missing == 1 else f"{missing:,} images were"
        texts.append(f"{images} not found; name the folder that they are in (--images)")
    return texts
