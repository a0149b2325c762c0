"""What a recipe will do badly is said before the training, with mends that were tried."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from core.augmentation.pipeline import augment
from core.jobs.events import Notice, from_json, to_json
from core.models.anchors import ENOUGH_REACH, Anchors, fit_enough, reachable_share
from core.models.networks.families import Architecture
from core.models.registry import MODELS
from core.project.snapshot import Snapshot, SnapshotImage, make_snapshot
from core.recipe.field_words import describe_change
from core.recipe.finding import Finding
from core.recipe.phases import learning_share
from core.recipe.recipe import Recipe, default_recipe, with_settings
from core.training.data.crops import training_view
from core.training.data.mends import fit_anchors
from core.training.data.recipe_findings import judge_recipe, to_notice
from core.training.data.taught_boxes import find_taught_boxes
from core.training.strategy import apply_strategy
from core.types import Split, Status

Make = Callable[[np.random.Generator], tuple[float, float, int]]  # width, height and label of a box


def snapshot_of(count: int, size: tuple[int, int], make: Make, boxes: int = 3) -> Snapshot:
    """Images of `size`, each with some boxes somewhere, labelled scratch (0) or pit (1)."""
    random = np.random.default_rng(1)
    images = []
    for number in range(count):
        drawn = [make(random) for _ in range(boxes)]
        sides = np.array([one[:2] for one in drawn])
        corners = random.uniform(0, 1, (boxes, 2)) * (np.array(size) - sides)
        rows = np.concatenate([corners, corners + sides], axis=1).astype(np.float32)
        labels = np.array([[one[2] == 0, one[2] == 1] for one in drawn], np.bool_)
        path = f"/{number}.png"
        images.append(SnapshotImage(path, *size, Status.LABELLED, Split.TRAIN, "", path, rows, labels))
    return make_snapshot(("scratch", "pit"), ("#ff0000", "#00ff00"), tuple(images))


def recipe(model: str = "ssd_compact", **settings: Any) -> Recipe:
    return with_settings(default_recipe(model), {name.replace("__", "."): value for name, value in settings.items()})


def by_code(found: tuple[Finding, ...]) -> dict[str, Finding]:
    return {finding.code: finding for finding in found}


def scratches(random: np.random.Generator) -> tuple[float, float, int]:
    return (900, 40, 0) if random.random() < 0.5 else (24, 24, 1)


def learnable(changed: Recipe, snapshot: Snapshot) -> float:
    found = find_taught_boxes(changed, snapshot.of_split(Split.TRAIN))
    return found.share * reachable_share(found.boxes[found.taught], fit_anchors(changed, found))


@pytest.mark.parametrize(("side", "taught"), [(350, True), (370, False)])
def test_what_is_said_of_a_size_is_what_crops_do(side: int, taught: bool) -> None:
    """256 px crops show half of a square of 362 px at best: 350 is taught by every crop aimed at it, 370 by none."""
    wanted = recipe(sampling__on_box=1.0)
    snapshot = snapshot_of(4, (900, 800), lambda _: (side, side, 0), 1)
    assert find_taught_boxes(wanted, snapshot.of_split(Split.TRAIN)).taught.all() == taught
    image, view = snapshot.images[0], training_view(wanted, (256, 256))
    pixels = np.full((800, 900, 3), 90, np.uint8)
    shown = [augment(pixels, image.boxes, image.labels, wanted.augmentation, seed, view) for seed in range(60)]
    assert sum(len(one.boxes) for one in shown) == (60 if taught else 0)


def test_boxes_that_are_never_taught_are_told_by_label_with_what_mends_it() -> None:
    snapshot = snapshot_of(20, (1200, 900), scratches)
    count = sum(int(image.labels[:, 0].sum()) for image in snapshot.images)
    found = by_code(judge_recipe(recipe(), snapshot))["too_large_for_crops"]
    assert found.labels == {"scratch": count} and found.severity == "high"
    assert f"{count} of {count} scratch" in found.text and "900 x 40 px" in found.text
    assert "Input size" in found.text and "sampling." not in found.text
    for mend in found.mends:
        changed = with_settings(recipe(), dict(mend.settings))
        assert "too_large_for_crops" not in by_code(judge_recipe(changed, snapshot)), mend
        assert learnable(changed, snapshot) >= ENOUGH_REACH
    # 900 x 40 is half visible in 450 px: the next multiple of 32 is named, and not more.
    assert {"sampling.input_size": 480} in [dict(mend.settings) for mend in found.mends]
    assert {"sampling.clipped": "teach"} in [dict(mend.settings) for mend in found.mends]


@pytest.mark.parametrize(
    ("min_visible", "first"),
    [
        (0.7, {"sampling.placing": "random"}),
        (0.9, {"sampling.mode": "whole", "sampling.input_size": 256}),  # most are cut
    ],
)
def test_a_grid_of_tiles_may_cut_what_a_crop_could_hold(min_visible: float, first: dict[str, Any]) -> None:
    """180 px in tiles of 256 that overlap by 64: where it lies across two edges, no tile shows enough of it."""
    tiled = recipe(sampling__placing="tiles", augmentation__min_visible=min_visible)
    snapshot = snapshot_of(30, (1200, 900), lambda _: (180, 180, 0))
    taught = find_taught_boxes(tiled, snapshot.of_split(Split.TRAIN)).taught
    assert 0 < taught.sum() < len(taught)
    found = by_code(judge_recipe(tiled, snapshot))["too_large_for_crops"]
    assert "lie so that no tile of 256 px" in found.text
    assert dict(found.mends[0].settings) == first


def test_most_boxes_larger_than_the_crop_is_said_with_whole_images_first() -> None:
    def animals(random: np.random.Generator) -> tuple[float, float, int]:
        return (random.uniform(330, 600), random.uniform(300, 460), 0) if random.random() < 0.6 else (100, 80, 1)

    snapshot = snapshot_of(60, (640, 480), animals)
    found = judge_recipe(recipe(), snapshot)[0]
    assert (found.code, found.severity) == ("too_large_for_crops", "high")
    assert found.mends[0].settings["sampling.mode"] == "whole"
    assert learnable(with_settings(recipe(), dict(found.mends[0].settings)), snapshot) >= ENOUGH_REACH


def thin(random: np.random.Generator) -> tuple[float, float, int]:
    long, short = random.uniform(60, 190), random.uniform(12, 26)
    return (long, short, 0) if random.random() < 0.5 else (short, long, 0)


def test_long_thin_boxes_that_no_anchor_reaches_are_called_so() -> None:
    snapshot = snapshot_of(150, (200, 200), thin)
    few = recipe(sampling__mode="whole", sampling__input_size=200, sampling__anchor_shapes=4)
    found = by_code(judge_recipe(few, snapshot))["anchors_miss"]
    assert "long and thin" in found.text and "too small" not in found.text
    assert "sampling.anchor_shapes" in found.mends[0].settings and "Anchor shapes" in found.text
    now = learnable(few, snapshot)
    for mend in found.mends:
        then = learnable(with_settings(few, dict(mend.settings)), snapshot)
        assert then >= ENOUGH_REACH or then >= now + 0.05, mend


def test_shapes_are_added_beyond_twelve_where_they_bring_a_real_gain() -> None:
    random = np.random.default_rng(2)
    long, short = random.uniform(40, 400, 800), random.uniform(8, 30, 800)
    upright = random.random(800) < 0.5
    sides = np.where(upright[:, None], np.stack([short, long], 1), np.stack([long, short], 1))
    corners = random.uniform(0, 600, (800, 2))
    boxes = np.concatenate([corners, corners + sides], axis=1).astype(np.float32)
    twelve = reachable_share(boxes, fit_enough(boxes, (8, 16, 32), "own", 12))
    chosen = fit_enough(boxes, (8, 16, 32), "own")
    assert twelve < ENOUGH_REACH
    assert sum(len(level) for level in chosen.shapes) > 12 and reachable_share(boxes, chosen) >= twelve + 0.01


def test_small_boxes_are_not_given_a_mend_that_does_not_mend() -> None:
    snapshot = snapshot_of(60, (640, 640), lambda random: (*random.uniform(3, 7, 2), 0))
    found = by_code(judge_recipe(recipe(), snapshot))["anchors_miss"]
    assert "small (such as" in found.text
    now = learnable(recipe(), snapshot)
    for mend in found.mends:
        then = learnable(with_settings(recipe(), dict(mend.settings)), snapshot)
        assert then >= ENOUGH_REACH or then >= now + 0.05


def test_crops_larger_than_the_images_are_told() -> None:
    snapshot = snapshot_of(40, (200, 200), lambda random: (*random.uniform(30, 120, 2), 0))
    found = by_code(judge_recipe(recipe(), snapshot))["mostly_padding"]
    assert "39% of each picture shows nothing" in found.text
    assert dict(found.mends[0].settings) == {"sampling.mode": "whole", "sampling.input_size": 200}
    assert "mostly_padding" not in by_code(
        judge_recipe(with_settings(recipe(), dict(found.mends[0].settings)), snapshot)
    )


def test_a_network_of_which_little_learns_is_told_with_the_true_share() -> None:
    snapshot = snapshot_of(40, (640, 640), lambda _: (60, 50, 0))
    wanted = recipe(
        "ssdlite320_mobilenet_v3", sampling__input_size=128, weights__source="none", strategy__kind="scratch"
    )
    found = by_code(judge_recipe(wanted, snapshot))["little_learns"]
    assert found.severity == "high" and "stride16, stride32 are not computed" in found.text
    trained = find_taught_boxes(wanted, snapshot.of_split(Split.TRAIN))
    fitted = fit_anchors(wanted, trained)
    network = Architecture(wanted.model, fitted, 2, wanted.options).build()
    real = apply_strategy(network, wanted, pretrained=False).trainable_parameters()
    told = learning_share(wanted, fitted.used_levels)
    assert told.learning == pytest.approx(real, rel=0.2)  # it has two labels, and shapes of its own
    for mend in found.mends:
        assert "little_learns" not in by_code(judge_recipe(with_settings(wanted, dict(mend.settings)), snapshot))


@pytest.mark.parametrize("model", ["ssd300_vgg16", "ssdlite320_mobilenet_v3", "ssd_resnet50"])
def test_what_is_computed_of_a_network_is_known_before_it_is_built(model: str) -> None:
    spec = MODELS[model]
    wanted = recipe(model, weights__source="none", strategy__kind="scratch")
    spec = wanted.spec
    for used in range(1, len(spec.strides) + 1):
        shapes = tuple(
            ((2.0 * stride, 2.0 * stride),) if place < used else () for place, stride in enumerate(spec.strides)
        )
        network = Architecture(model, Anchors(spec.strides, shapes), 1, wanted.options).build()
        plan = apply_strategy(network, wanted, pretrained=False)
        assert learning_share(wanted, used).learning == pytest.approx(plan.trainable_parameters(), rel=0.05), used


def test_a_good_recipe_has_no_findings() -> None:
    assert judge_recipe(recipe(), snapshot_of(40, (640, 640), lambda random: (*random.uniform(30, 80, 2), 0))) == ()
    assert judge_recipe(recipe(), make_snapshot(("a",), ("#ff0000",), ())) == ()


def test_a_finding_goes_through_the_events_of_a_run_whole() -> None:
    (found, *_) = judge_recipe(recipe(), snapshot_of(20, (1200, 900), scratches))
    notice = to_notice(found)
    assert from_json(to_json(notice)) == notice and notice.level == "warning"
    assert notice.mends[0]["settings"] == dict(found.mends[0].settings) and notice.labels == found.labels
    assert from_json({"event": "notice", "text": "as once"}) == Notice("as once")


def test_changes_are_named_as_the_form_names_them() -> None:
    assert describe_change({"sampling.mode": "whole", "sampling.input_size": 1024}) == (
        "set Input to whole and Input size to 1,024 px"
    )
    assert describe_change({"augmentation.min_visible": 0.25}) == "set Keep boxes visible by to 0.25"
    assert describe_change({"model": "ssd_compact", "device": "cpu"}) == "set Model to SSD Compact and Device to cpu"
