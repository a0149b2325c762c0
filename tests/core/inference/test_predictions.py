from __future__ import annotations

import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

from core.errors import InputError
from core.inference.predictions import PredictionSet
from core.types import Detections

NAMES = ("scratch", "pit")


def detections(count: int, seed: int = 0) -> Detections:
    random = np.random.default_rng(seed)
    low = random.uniform(0, 50, (count, 2))
    boxes = np.concatenate([low, low + random.uniform(1, 20, (count, 2))], axis=1).astype(np.float32)
    return Detections(boxes, random.uniform(0, 1, (count, len(NAMES))).astype(np.float32), NAMES)


def prediction_set() -> PredictionSet:
    return PredictionSet(
        NAMES,
        "/runs/r001/checkpoints/best.safetensors",
        "abc",
        "val",
        ("/images/ä 1.png", "/images/empty.png", "/images/3.png"),
        (detections(3), Detections.empty(NAMES), detections(5, seed=1)),
        ("h1", "h2", "h3"),
    )


def stored_arrays(path: Path) -> dict[str, np.ndarray]:
    prediction_set().save(path)
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def test_a_saved_set_is_read_back_whole(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "predictions.npz"
    saved = prediction_set()
    saved.save(path)
    loaded = PredictionSet.load(path)
    for field in ("label_names", "checkpoint", "snapshot_hash", "split", "paths", "content_hashes"):
        assert getattr(loaded, field) == getattr(saved, field)
    assert [len(found) for found in loaded.detections] == [3, 0, 5]
    for first, second in zip(loaded.detections, saved.detections, strict=True):
        np.testing.assert_array_equal(first.boxes, second.boxes)
        np.testing.assert_array_equal(first.scores, second.scores)
    assert [file.name for file in path.parent.iterdir()] == ["predictions.npz"]


def test_a_set_without_images_and_a_path_that_is_no_utf8_survive(tmp_path: Path) -> None:
    PredictionSet(NAMES, "c", "h", "all", (), ()).save(tmp_path / "none.npz")
    assert len(PredictionSet.load(tmp_path / "none.npz")) == 0
    odd = PredictionSet(NAMES, "c", "h", "all", ("/a\udce4.png",), (detections(1),))
    odd.save(tmp_path / "odd.npz")
    assert PredictionSet.load(tmp_path / "odd.npz").by_path().keys() == {"/a\udce4.png"}


def test_an_image_twice_or_foreign_labels_are_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        PredictionSet(NAMES, "c", "h", "val", ("/a", "/a"), (detections(1), detections(1)))
    with pytest.raises(ValueError, match="labels"):
        PredictionSet(("dent", "pit"), "c", "h", "val", ("/a",), (detections(1),))
    with pytest.raises(ValueError, match="0 detections for 1 images"):
        PredictionSet(NAMES, "c", "h", "val", ("/a",), ())


def test_files_that_are_no_predictions_are_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "predictions.npz"
    with pytest.raises(InputError, match=r"predictions\.npz: cannot be read"):
        PredictionSet.load(path)
    for content in (b"", b"not a zip", b"PK\x03\x04" + b"\0" * 100):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"predictions\.npz: "):
            PredictionSet.load(path)
    np.savez(path, something=np.zeros(3))
    with pytest.raises(InputError, match="has no boxes, scores, offsets, meta"):
        PredictionSet.load(path)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.99])
def test_a_truncated_file_is_refused(tmp_path: Path, share: float) -> None:
    path = tmp_path / "predictions.npz"
    prediction_set().save(path)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(InputError, match="damaged"):
        PredictionSet.load(path)


def test_a_flipped_byte_among_the_boxes_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "predictions.npz"
    arrays = stored_arrays(path)
    data = bytearray(path.read_bytes())
    data[data.index(arrays["boxes"].tobytes()[:16]) + 5] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(InputError, match="damaged"):
        PredictionSet.load(path)


class Bomb:
    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return (open, ("touched-by-pickle", "w"))


def test_nothing_in_the_file_is_unpickled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "predictions.npz"
    arrays = stored_arrays(path)
    np.savez(path, **{**arrays, "meta": np.array([Bomb()], dtype=object)}, allow_pickle=True)
    with pytest.raises(InputError, match="damaged"):
        PredictionSet.load(path)
    with zipfile.ZipFile(path, "w") as archive:
        for name in arrays:
            archive.writestr(f"{name}.npy", pickle.dumps(arrays[name]))
    with pytest.raises(InputError, match="no array"):
        PredictionSet.load(path)
    assert not (tmp_path / "touched-by-pickle").exists()


def test_compressed_arrays_are_refused_so_that_no_small_file_becomes_large(tmp_path: Path) -> None:
    path = tmp_path / "predictions.npz"
    np.savez_compressed(path, **stored_arrays(path))
    with pytest.raises(InputError, match="compressed"):
        PredictionSet.load(path)


def changed(arrays: dict[str, np.ndarray], name: str) -> tuple[str, np.ndarray]:
    """One array made wrong in the way that `name` says."""
    boxes, scores, offsets = arrays["boxes"].copy(), arrays["scores"].copy(), arrays["offsets"].copy()
    if name == "nan":
        boxes[0, 0] = np.nan
        return "boxes", boxes
    if name == "inverted":
        boxes[0] = boxes[0, [2, 1, 0, 3]]
        return "boxes", boxes
    if name == "score above one":
        scores[0, 0] = 1.5
        return "scores", scores
    if name == "another column":
        return "scores", np.concatenate([scores, scores], axis=1)
    if name == "fewer rows":
        return "scores", scores[:-1]
    if name == "doubles":
        return "boxes", boxes.astype(np.float64)
    if name == "falling offsets":
        offsets[1] = 7
        return "offsets", offsets
    if name == "offsets beyond the end":
        offsets[-1] += 1
        return "offsets", offsets
    assert name == "short offsets"
    return "offsets", offsets[:-1]


@pytest.mark.parametrize(
    "name",
    [
        "nan",
        "inverted",
        "score above one",
        "another column",
        "fewer rows",
        "doubles",
        "falling offsets",
        "offsets beyond the end",
        "short offsets",
    ],
)
def test_arrays_that_do_not_fit_are_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "predictions.npz"
    arrays = stored_arrays(path)
    field, wrong = changed(arrays, name)
    np.savez(path, **{**arrays, field: wrong})
    with pytest.raises(InputError, match="damaged"):
        PredictionSet.load(path)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"{", "not JSON"),
        (b"[]", "no version"),
        (b'{"version": 99}', "newer"),
        (b'{"version": 1, "label_names": "scratch"}', "label_names"),
        (b'{"version": 1, "label_names": ["scratch", "pit"], "paths": [1]}', "paths"),
    ],
)
def test_a_wrong_description_is_refused(tmp_path: Path, text: bytes, reason: str) -> None:
    path = tmp_path / "predictions.npz"
    np.savez(path, **{**stored_arrays(path), "meta": np.frombuffer(text, np.uint8)})
    with pytest.raises(InputError, match=reason):
        PredictionSet.load(path)
