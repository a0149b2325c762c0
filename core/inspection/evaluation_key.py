"""What the figures of an evaluation depend on, and whether that is still so."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from core.inspection.model_hash import hash_model
from core.models.decoding_spec import DecodingSpec
from core.project.evaluations import EvaluationKey
from core.project.snapshot import Snapshot, SnapshotImage
from core.safetensors_header import read_metadata


def find_key(checkpoint: Path, snapshot: Snapshot, split: str, truth: str) -> EvaluationKey:
    """What figures of a checkpoint on a split depend on now; `truth` is the hash of the split's images.

    Raises InputError if the checkpoint's file cannot be read.
    """
    described = read_metadata(checkpoint)
    most = described.get("most_boxes")
    most_boxes = max(most if isinstance(most, int) else 0, snapshot.most_boxes)
    return EvaluationKey(
        hash_model(checkpoint),
        truth,
        split,
        DecodingSpec.for_images(most_boxes).describe(),
        _describe_tiles(described.get("input")),
    )


def hash_truth(label_names: Iterable[str], images: Iterable[SnapshotImage]) -> str:
    """Hash of images and of what is to be found on them: not of where files lie, nor of who reviewed them."""
    whole = hashlib.blake2b(digest_size=16)
    whole.update(json.dumps(list(label_names), ensure_ascii=False).encode("utf-8", "surrogatepass"))
    for part in sorted(_hash_image(image) for image in images):
        whole.update(part)
    return whole.hexdigest()


def _hash_image(image: SnapshotImage) -> bytes:
    own = hashlib.blake2b(f"{image.content_hash} {image.width} {image.height}".encode(), digest_size=16)
    for boxes, labels in ((image.boxes, image.labels), (image.ignored, image.ignored_labels)):
        # In no order: boxes that are drawn in another order are the same.
        rows = [
            np.ascontiguousarray(box, np.float32).tobytes() + np.packbits(marks).tobytes()
            for box, marks in zip(boxes, labels, strict=True)
        ]
        own.update(len(rows).to_bytes(8, "little") + b"".join(sorted(rows)))
    return own.digest()


def find_reason(then: EvaluationKey, now: EvaluationKey) -> str:
    """Why figures of `then` are not true now; empty where they are."""
    if then.model != now.model:
        return "the checkpoint was replaced since"
    if then.truth != now.truth:
        return "images, boxes or labels changed since"
    made, wanted = DecodingSpec.parse(then.decoding), DecodingSpec.parse(now.decoding)
    if made is None or wanted is None or not made.covers(wanted) or then.tiles != now.tiles:
        return "detections are made otherwise now"
    return ""


def _describe_tiles(given: Any) -> str:
    """How a network sees images, by the description of its input: whole, or in tiles of which size and overlap."""
    values = given if isinstance(given, dict) else {}
    return " ".join(
        f"{name}={values[name]}" for name in ("mode", "width", "height", "tile", "overlap") if name in values
    )
