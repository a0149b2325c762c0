"""What is said on the Inspect page: above the figures before they are believed, and in their place without any."""

from __future__ import annotations

from collections.abc import Sequence

from core.counting import format_count
from core.inspection.load_inspection import Inspection
from core.project.label_renames import describe_renames
from core.project.records import CheckpointRecord
from desktop.inspect.inspect_bar import SPLITS
from desktop.inspect.inspect_session import InspectSession
from desktop.kit.formatting import sentence

NO_PROJECT = "Open a project to inspect its models."
NO_CHECKPOINT = "No checkpoints yet.\n\nTrain a model on the Train page, and see here what it gets wrong."


def list_notes(session: InspectSession) -> list[str]:
    """What to know about the figures, or about the prediction that failed."""
    if session.prediction.target is not None or session.inspection is None:
        return []
    if session.prediction.outcome == "failed":
        return [f"The prediction failed. {session.prediction.failure}"]
    return list_inspection_notes(session.inspection)


def list_inspection_notes(inspection: Inspection) -> list[str]:
    """What to know before believing the numbers."""
    result = [f"A file of earlier predictions was passed over: {problem}" for problem in inspection.problems]
    result += _list_stale_notes(inspection)
    if inspection.images is None:
        return result
    if inspection.unpredicted:
        count = format_count(inspection.unpredicted, "image has", "images have")
        result.append(f"{count} no predictions yet, being new here since: predict again to see them.")
    if (other := inspection.other_scale) is not None:
        result.append(
            f"The checkpoint sees {format_count(other.count, 'image')} through another depth scale than the project, such as "
            f"{other.checkpoint[0]:,} to {other.checkpoint[1]:,} instead of {other.project[0]:,} to {other.project[1]:,} for "
            f"{other.example}: their folder, group or scale changed since it was trained, so train again to compare."
        )
    what, detections = ("boxes", "detections") if inspection.images.is_detector else ("images", "claims")
    if inspection.images.unknown_to_model:
        own, every = inspection.images.mean_ap, inspection.images.mean_ap_all_labels
        means = ""
        if own is not None and every is not None and own != every:
            means = f", which with 0 for it becomes {every:.3f} instead of {own:.3f}"
        result.append(
            f"The checkpoint does not know {_join_names(inspection.images.unknown_to_model)}: {what} with that count as "
            f"missed, and it is left out of the mAP{means}."
        )
    if inspection.images.not_in_project:
        result.append(
            f"The project has no label {_join_names(inspection.images.not_in_project)}: "
            f"{detections} of that count as false."
        )
    result += [sentence(text) for text in describe_renames(inspection.renamed)]
    if inspection.stored is not None:
        result += [sentence(text) for text in inspection.stored.notices]
    result += [sentence(one.text) for one in inspection.differences]
    if inspection.learnt:
        every = inspection.learnt == len(inspection.paths)
        which = "these" if every else f"{inspection.learnt:,} of these {len(inspection.paths):,}"
        result.append(f"It was trained on {which} images: expect more errors on new ones.")
    elif inspection.learnt is None and inspection.request.split in ("train", "all"):
        result.append("Images it was trained on may be among these: expect more errors on new ones.")
    return result


def _list_stale_notes(inspection: Inspection) -> list[str]:
    """How many images are stale, and what helps."""
    notes = []
    if count := len(inspection.outdated):
        images = format_count(count, "image was", "images were")
        first = inspection.outdated[0].path.name
        notes.append(
            f"{images} predicted when the file held another picture, such as {first}: left out of all figures, predict "
            "again to see them."
        )
    if count := len(inspection.replaced):
        images = format_count(count, "image holds", "images hold")
        first = inspection.replaced[0].path.name
        notes.append(
            f"{images} another picture than was labelled and predicted, such as {first}: left out of all figures. Bring the "
            "old files back, or take the new ones over on the Label page and predict again."
        )
    return notes


def describe_absence(session: InspectSession) -> str:
    """Why there is nothing to see and what to do about it; empty where there is something."""
    if not session.has_project:
        return NO_PROJECT
    if session.checkpoint is None:
        return NO_CHECKPOINT
    if session.is_loading:
        return f"Reading what {session.checkpoint.id} found…"
    if session.problem:
        return session.problem
    if session.inspection is None or session.inspection.images is not None:
        return ""
    return _describe_unpredicted(session, session.inspection, session.checkpoint)


def _describe_unpredicted(session: InspectSession, inspection: Inspection, checkpoint: CheckpointRecord) -> str:
    split = SPLITS[inspection.request.split].lower()
    if inspection.usable == 0 and inspection.replaced:
        count = format_count(len(inspection.replaced), "image holds", "images hold")
        return f"{count} another picture than was labelled: nothing here can be judged ({split})."
    if inspection.usable == 0:
        return f"No labelled or clean image is in: {split}.\n\nAssign splits, or choose other images above."
    if session.predicts_choice:
        return f"{checkpoint.id} is looking at the images.\n\nGoing on working meanwhile is fine."
    if session.prediction.outcome == "failed":
        return "There is nothing to see yet."
    return (
        f"{inspection.request.checkpoint.id} has not looked at these {inspection.usable:,} images yet ({split}).\n\n"
        "Press Predict above. Going on working meanwhile is fine."
    )


def _join_names(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
