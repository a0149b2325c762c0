"""Which images the newest predictions in a project's cache cover."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from core.errors import InputError
from core.inference.predictions import PredictionSet
from core.inspection.prediction_cache import PREDICTIONS_FILE
from core.project.images import image_files
from core.types import ImageRecord


def newest(root: Path) -> Path | None:
    """The file of predictions that was written last, if there is any."""
    found = [(file.stat().st_mtime_ns, file) for file in root.glob(f"*/{PREDICTIONS_FILE}")]
    return max(found)[1] if found else None


def predicted_ids(file: Path, folder: Path, records: Sequence[ImageRecord]) -> frozenset[int]:
    """The images among `records` of the project in `folder` that the predictions in `file` are about.

    An image whose content is not the one that was predicted does not count; a file that cannot be read covers none.
    """
    try:
        found = PredictionSet.load(file)
    except InputError:
        return frozenset()  # the Inspect page tells of it, where it can be mended
    known = {record.path: record for record in records}
    hashes = found.content_hashes or ("",) * len(found)
    # In a project that was copied or moved the files lie elsewhere, and hold the same.
    contents = frozenset(hashes) - {""}
    ids = {record.id for record in records if record.content_hash in contents}
    for path, content in zip(found.paths, hashes, strict=True):
        record = known.get(image_files.stored_path(folder, Path(path)))
        if record is not None and content in ("", record.content_hash):
            ids.add(record.id)
    return frozenset(ids)
