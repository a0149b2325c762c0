"""What is said above the figures of the Inspect page before they are believed."""

from __future__ import annotations

from collections.abc import Sequence

from core.inspection.load_inspect_data import Loaded
from desktop.kit import formatting


def notes(loaded: Loaded) -> list[str]:
    """What a person should know before believing the numbers."""
    result = [f"A file of earlier predictions was passed over: {problem}" for problem in loaded.problems]
    if loaded.data is None:
        return result
    if loaded.unpredicted:
        count = formatting.plural(loaded.unpredicted, "image has", "images have")
        result.append(f"{count} no predictions yet, being new here since: predict again to see them.")
    what, claims = ("boxes", "detections") if loaded.data.is_detector else ("images", "claims")
    if loaded.data.unknown_to_model:
        result.append(
            f"The checkpoint does not know {_listed(loaded.data.unknown_to_model)}: {what} with that count as missed."
        )
    if loaded.data.not_in_project:
        result.append(
            f"The project has no label {_listed(loaded.data.not_in_project)}: {claims} of that count as false."
        )
    if loaded.learnt:
        which = "these" if loaded.learnt == len(loaded.paths) else f"{loaded.learnt} of these {len(loaded.paths)}"
        result.append(f"It was trained on {which} images: expect more errors on new ones.")
    elif loaded.learnt is None and loaded.request.split in ("train", "all"):
        result.append("Images it was trained on may be among these: expect more errors on new ones.")
    return result


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
