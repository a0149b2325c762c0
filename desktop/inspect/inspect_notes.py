"""What is said above the figures of the Inspect page before they are believed."""

from __future__ import annotations

from collections.abc import Sequence

from core.inspection.load_inspection import Inspection
from desktop.kit import formatting


def list_notes(inspection: Inspection) -> list[str]:
    """What to know before believing the numbers."""
    result = [f"A file of earlier predictions was passed over: {problem}" for problem in inspection.problems]
    if inspection.images is None:
        return result
    if inspection.unpredicted:
        count = formatting.plural(inspection.unpredicted, "image has", "images have")
        result.append(f"{count} no predictions yet, being new here since: predict again to see them.")
    what, detections = ("boxes", "detections") if inspection.images.is_detector else ("images", "detections")
    if inspection.images.unknown_to_model:
        result.append(
            f"The checkpoint does not know {_join_names(inspection.images.unknown_to_model)}: {what} with that count as missed."
        )
    if inspection.images.not_in_project:
        result.append(
            f"The project has no label {_join_names(inspection.images.not_in_project)}: {detections} of that count as false."
        )
    if inspection.learnt:
        which = (
            "these"
            if inspection.learnt == len(inspection.paths)
            else f"{inspection.learnt} of these {len(inspection.paths)}"
        )
        result.append(f"It was trained on {which} images: expect more errors on new ones.")
    elif inspection.learnt is None and inspection.request.split in ("train", "all"):
        result.append("Images it was trained on may be among these: expect more errors on new ones.")
    return result


def _join_names(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
