"""The depth window: one scale for images of 16 bits from the project to the prediction."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InputError
from core.imaging.cameras import Cameras
from core.imaging.decode import ImageError, decode, read_picture, samples
from core.imaging.thumbnails import thumbnail
from core.imaging.window import checked_window, suggestion_for, through_window
from core.jobs.events import CheckpointSaved
from core.operations.predict import load_predictor
from core.project.edits import image_edits
from core.project.snapshot import Snapshot, SnapshotImage, make_snapshot, take_snapshot
from core.recipe.recipe import default_recipe, with_settings
from core.training.data.dataset import ImageCache
from core.types import Split, Status
from tests.builders import picture, project_with_pictures, write_picture
from tests.core.conftest import Run

RAMP = np.linspace(0, 65535, 64 * 48).reshape(48, 64).astype(np.uint16)


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_values_at_and_beyond_the_window_are_black_and_white(tmp_path: Path, suffix: str) -> None:
    path = write_picture(tmp_path / f"a{suffix}", RAMP)
    shown = decode(path, (1000, 3000))
    assert (shown[RAMP <= 1000] == 0).all() and (shown[RAMP >= 3000] == 255).all()
    inside = (RAMP > 1000) & (RAMP < 3000)
    expected = np.round((RAMP[inside] - 1000.0) * 255 / 2000)
    assert np.array_equal(shown[inside][:, 0], expected.astype(np.uint8))


@given(st.integers(0, 65534), st.integers(1, 65535), st.lists(st.integers(0, 65535), min_size=1, max_size=50))
def test_a_window_keeps_the_order_of_values(low: int, length: int, values: list[int]) -> None:
    samples = np.sort(np.array(values, np.uint16)).reshape(1, -1)
    shown = through_window(samples, (low, min(65535, low + length)))
    assert (np.diff(shown.astype(int)) >= 0).all() and shown.dtype == np.uint8


def test_a_large_image_goes_through_in_bundles_of_rows() -> None:
    samples = np.random.default_rng(0).integers(0, 65536, (2100, 1100), np.uint16)
    whole = np.clip(np.round((samples.astype(np.float64) - 500) * 255 / 20000), 0, 255)
    assert np.array_equal(through_window(samples, (500, 20500)), whole.astype(np.uint8))


def test_images_of_8_bits_are_the_same_through_any_window(tmp_path: Path) -> None:
    path = write_picture(tmp_path / "a.png")
    assert np.array_equal(decode(path, (10, 20)), decode(path))


def test_grey_files_stay_grey_for_the_view_and_are_rgb_for_everybody_else(tmp_path: Path) -> None:
    path = write_picture(tmp_path / "a.png", RAMP)
    assert read_picture(path).pixels.shape == (48, 64) and decode(path).shape == (48, 64, 3)


def test_without_a_window_the_guess_is_told_and_with_one_there_is_none(tmp_path: Path) -> None:
    path = write_picture(tmp_path / "a.tiff", RAMP >> 5)
    assert "12 bits" in " ".join(read_picture(path).notices)
    assert read_picture(path, (0, 2047)).notices == ()


def test_a_suggestion_shows_nearly_all_values_and_ignores_a_few_hot_pixels(tmp_path: Path) -> None:
    image = np.random.default_rng(0).normal(900, 40, (200, 200)).astype(np.uint16)
    image[0, :5] = 65535
    path = write_picture(tmp_path / "a.tiff", image)
    low, high = suggestion_for(samples(path))
    assert 700 < low < 850 and 950 < high < 1100
    assert decode(path, (low, high))[1:].std() > 20 * decode(path)[1:].std()


@pytest.mark.parametrize("value", [0, 7, 65535])
def test_an_image_of_one_value_gets_a_window_all_the_same(tmp_path: Path, value: int) -> None:
    path = write_picture(tmp_path / "a.png", np.full((9, 9), value, np.uint16))
    assert checked_window(list(suggestion_for(samples(path))), "here") is not None


def test_an_image_of_8_bits_has_nothing_to_suggest(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"a\.png: it has 8 bits"):
        samples(write_picture(tmp_path / "a.png"))


@pytest.mark.parametrize("value", [[1], [5, 5], [9, 3], [-1, 7], [0, 65536], [0.5, 3], ["0", "9"], "ab", {}, [True, 9]])
def test_what_is_no_window_is_refused_by_name(value: object) -> None:
    with pytest.raises(InputError, match="somewhere: .* is no window"):
        checked_window(value, "somewhere")


def test_thumbnails_of_two_windows_are_not_mixed_up(tmp_path: Path) -> None:
    path = write_picture(tmp_path / "a.png", np.full((300, 300), 2000, np.uint16))
    dark, light = (thumbnail(path, 64, tmp_path / "cache", window) for window in ((0, 60000), (0, 2000)))
    assert dark.max() < 20 and light.min() > 250
    assert np.abs(thumbnail(path, 64, tmp_path / "cache", (0, 60000)).astype(int) - dark).mean() < 2


def test_a_project_gives_its_cameras_to_its_snapshots_and_their_hash(tmp_path: Path) -> None:
    with project_with_pictures(tmp_path, 1) as project:
        project.apply(image_edits.set_status(project, project.image_ids(), Status.CLEAN))
        without = take_snapshot(project)
        project.depths.set_cameras(Cameras.of_window((100, 900)))
        snapshot = take_snapshot(project)
    assert without.cameras == Cameras() and snapshot.cameras == Cameras.of_window((100, 900))
    assert without.hash != snapshot.hash
    snapshot.save(tmp_path / "s.json")
    assert Snapshot.load(tmp_path / "s.json").cameras == snapshot.cameras


@pytest.mark.parametrize(
    "damage", [{"window": [9, 1], "cameras": None}, {"cameras": [{"window": [9, 1]}]}, {"cameras": [{}]}]
)
def test_a_snapshot_with_a_damaged_window_is_refused(tmp_path: Path, damage: dict[str, object]) -> None:
    with project_with_pictures(tmp_path, 1) as project:
        take_snapshot(project).save(tmp_path / "s.json")
    tree = json.loads((tmp_path / "s.json").read_text("utf-8"))
    (tmp_path / "s.json").write_text(json.dumps(tree | damage))
    with pytest.raises(InputError, match=rf"s\.json: {next(iter(damage))}"):
        Snapshot.load(tmp_path / "s.json")


def test_training_reads_images_through_the_window(tmp_path: Path) -> None:
    path = write_picture(tmp_path / "a.png", RAMP)
    height, width = RAMP.shape[:2]
    none = np.zeros((0, 4), np.float32), np.zeros((0, 1), bool)
    image = SnapshotImage(str(path), width, height, Status.CLEAN, Split.TRAIN, "", "", *none)
    assert np.array_equal(ImageCache(window=(500, 700)).whole(image), decode(path, (500, 700)))


def test_a_checkpoint_keeps_its_window_and_the_command_line_predicts_through_it(tmp_path: Path, run: Run) -> None:
    from core.training.loop import train

    images, names = [], ("scratch",)
    for index in range(3):
        dark = 1000 + picture(96, 96, index)[..., 0].astype(np.uint16)
        path = write_picture(tmp_path / "images" / f"{index}.png", dark)
        box, mark = np.array([[10, 10, 40, 50]], np.float32), np.ones((1, 1), np.bool_)
        split = Split.VAL if index == 2 else Split.TRAIN
        images.append(SnapshotImage(str(path), 96, 96, Status.LABELLED, split, "", str(index), box, mark))
    snapshot = make_snapshot(names, ("#ff0000",), tuple(images), Cameras.of_window((1000, 1255)), (16,))
    recipe = with_settings(
        default_recipe("ssd_compact"),
        {
            "sampling.input_size": 64,
            "sampling.crops_per_image": 1,
            "schedule.epochs": 1,
            "schedule.batch_size": 2,
            "schedule.warmup_steps": 1,
            "weights.source": "none",
            "strategy.kind": "scratch",
            "device": "cpu",
            "limits.precision": "fp32",
        },
    )
    events = list(train(recipe, snapshot, tmp_path / "r001", lambda: False))
    path = Path(next(event.path for event in events if isinstance(event, CheckpointSaved)))
    predictor = load_predictor(path, "cpu")
    assert predictor.description.scale == Cameras.of_window((1000, 1255))
    shown = predictor.read(images[0].path)
    assert np.array_equal(shown[..., 0], picture(96, 96, 0)[..., 0])
    code, out, err = run("predict", path, images[0].path, "--threshold", "0", "--device", "cpu", "--json")
    assert code == 0, err
    told = json.loads(out)["images"][0]["detections"]
    expected = predictor.predict(shown)
    assert len(told) == len(expected) > 0
    assert np.allclose([one["box"] for one in told], expected.boxes, atol=0.1)
    through_none = predictor.predict(decode(images[0].path))
    assert len(through_none) != len(expected) or not np.allclose(through_none.boxes, expected.boxes, atol=0.1)
