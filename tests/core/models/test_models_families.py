"""The networks of all detectors: shapes at any size, stages, sizes, weights of the libraries, learning from one picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from functools import cache
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from torch import Tensor, nn
from torchvision.models import mobilenet_v3_large, resnet50, vgg16
from torchvision.models.detection import retinanet_resnet50_fpn_v2, ssd300_vgg16, ssdlite320_mobilenet_v3_large

from core import geometry
from core.errors import InputError
from core.models import checkpoint, weights
from core.models.anchors import fit_enough
from core.models.multilabel import DecodingSpec, LossSettings, Targets, decode_detections, detection_loss
from core.models.networks.detector import Detector, Network
from core.models.networks.families import Architecture
from core.models.networks.ppn import PoolingHeads
from core.models.registry import MODELS
from core.project.snapshot import Snapshot, SnapshotImage, make_snapshot
from core.recipe.recipe import default_recipe, with_settings
from core.training.preparation import prepare_training
from core.types import Split, Status
from tests.benchmarks.model_sizes import sizes_of
from tests.core.models.test_models import architecture, description

DETECTORS = [name for name, spec in MODELS.items() if spec.task == "detect"]


def unfilled(arch: Architecture) -> Network:
    """The network with whatever was in memory: weights that are to be read need no random ones before."""
    with torch.device("meta"):
        network = arch.build()
    return network.to_empty(device="cpu")


@cache
def built(model: str, **options: object) -> Detector:
    """The model with random weights, which a test must not change."""
    torch.manual_seed(0)
    return architecture(model, **options).build_detector().eval()


@pytest.fixture(autouse=True, scope="module")
def _forget_networks() -> Iterator[None]:
    yield
    built.cache_clear()


@pytest.mark.parametrize("model", DETECTORS)
@pytest.mark.parametrize("size", [(64, 64), (68, 36)])
def test_any_input_size_gives_an_answer_for_every_anchor(model: str, size: tuple[int, int]) -> None:
    with torch.no_grad():
        logits, deltas, anchors = built(model)(torch.zeros(2, 3, *size))[:3]
    assert logits.shape == (2, len(anchors), 3)
    assert deltas.shape == (2, len(anchors), 5 if MODELS[model].anchors == "points" else 4)
    assert len(anchors) > 0
    # Nothing is known yet: every label about as unlikely as the prior says.
    assert float(logits.sigmoid().mean()) == pytest.approx(0.01, abs=0.02)


@pytest.mark.parametrize("model", DETECTORS)
def test_stages_are_those_of_the_registry_and_share_nothing(model: str) -> None:
    stages = built(model).backbone.stages()
    assert tuple(stages) == MODELS[model].stages
    owned = [id(p) for modules in stages.values() for module in modules for p in module.parameters()]
    assert len(owned) == len(set(owned)) > 0


@pytest.mark.parametrize("model", DETECTORS)
def test_the_anchor_grid_lies_on_the_maps(model: str) -> None:
    """What a cell of the finest map looks at is centred where its anchors are."""
    side, stride = 160, MODELS[model].strides[0]
    row, column = 96 // stride, 64 // stride
    torch.manual_seed(0)
    image = torch.randn(1, 3, side, side, requires_grad=True)
    finest = built(model).backbone.maps(image, 1)[0]
    assert finest.shape[2:] == (side // stride, side // stride)
    [gradient] = torch.autograd.grad(finest[0, :, row, column].square().sum(), image)
    weight = gradient[0].square().sum(dim=0)
    rows, columns = torch.meshgrid(torch.arange(side) + 0.5, torch.arange(side) + 0.5, indexing="ij")
    centre = [float((weight * place).sum() / weight.sum()) for place in (columns, rows)]
    assert centre == pytest.approx([(column + 0.5) * stride, (row + 0.5) * stride], abs=stride)


@pytest.mark.parametrize("model", list(MODELS))
def test_sizes_of_the_registry_are_those_of_the_networks(model: str) -> None:
    spec = MODELS[model]
    for option, value in [("", None), *((o, v) for o, values in spec.options.items() for v in values[1:])]:
        said = spec.with_options({option: value} if option else {})
        found = sizes_of(model, f"{option}={value}" if option else "")
        assert said.parameters == found.parameters
        assert said.gflops == pytest.approx(found.gflops, rel=0.01)
        assert said.stage_parameters == found.stage_parameters
        assert tuple(said.stage_parameters) == said.stages


def test_options_that_a_model_does_not_have_are_refused() -> None:
    ppn = MODELS["ssd_mobilenet_v1_ppn"]
    assert ppn.with_options({"tap": 8}).strides[0] == 8
    for options in ({"tap": 4}, {"norm": "group"}, {"tap": "8"}):
        with pytest.raises(ValueError, match="has no option"):
            ppn.with_options(options)
    wrong = {**architecture("ssd_mobilenet_v1_ppn").to_json(), "options": {"tap": 32}}
    with pytest.raises(InputError, match="c.safetensors: damaged.*tap=32"):
        Architecture.from_json(wrong, "c.safetensors")
    # Anchors of stride 16 on a network that taps stride 8.
    wrong = {**architecture("ssd_mobilenet_v1_ppn").to_json(), "options": {"tap": 8}}
    with pytest.raises(InputError, match="do not fit"):
        Architecture.from_json(wrong, "c.safetensors")


@pytest.mark.parametrize("model", DETECTORS)
def test_the_default_recipe_is_valid_and_shapes_the_network(model: str) -> None:
    recipe = default_recipe(model)
    assert recipe.spec == MODELS[model].with_options(recipe.options)
    scratch = with_settings(recipe, {"weights.source": "none", "strategy.kind": "scratch"})
    if "norm" in MODELS[model].options:
        random = "batch" if recipe.spec.batch_norm_from else "group"
        assert (recipe.options["norm"], scratch.options["norm"]) == (MODELS[model].options["norm"][0], random)


@pytest.mark.parametrize("model", ["ssd_compact", "ssdlite320_mobilenet_v3"])
def test_few_pictures_at_once_bring_norms_that_need_no_batch_unless_a_checkpoint_says_otherwise(
    model: str, tmp_path: Path
) -> None:
    scratch = with_settings(default_recipe(model), {"weights.source": "none", "strategy.kind": "scratch"})
    few = {"schedule.batch_size": 7}
    assert with_settings(scratch, {"schedule.batch_size": 8}).options["norm"] == "batch"
    assert with_settings(scratch, few).options["norm"] == "group"
    kinds = {
        type(module) for module in prepare_training(with_settings(scratch, few), small_boxes(40)).network.modules()
    }
    assert nn.GroupNorm in kinds and nn.BatchNorm2d not in kinds
    arch = architecture(model, labels=1)
    checkpoint.save(tmp_path / "c.safetensors", arch.build(), description(arch, ["pit"]))
    later = {"weights.source": "checkpoint", "weights.path": str(tmp_path / "c.safetensors")}
    kept = prepare_training(with_settings(scratch, few | later), small_boxes(40))
    assert kept.architecture.option("norm") == "batch"
    assert nn.GroupNorm not in {type(module) for module in kept.network.modules()}


def test_a_pre_trained_backbone_keeps_its_norms_where_what_is_added_to_it_gets_others() -> None:
    recipe = with_settings(default_recipe("ssdlite320_mobilenet_v3"), {"schedule.batch_size": 4})
    assert recipe.options["norm"] == "added"
    network = architecture("ssdlite320_mobilenet_v3", **recipe.options).build_detector()
    known = {id(m) for parts in network.backbone.stages().values() for part in parts for m in part.modules()}
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d | nn.GroupNorm)]
    assert {isinstance(m, nn.BatchNorm2d) == (id(m) in known) for m in norms} == {True}
    assert {type(m) for m in norms} == {nn.BatchNorm2d, nn.GroupNorm}


def test_a_finer_tap_has_fewer_stages_to_choose_from() -> None:
    settings = {"strategy.from_stage": "stride16"}
    recipe = with_settings(default_recipe("ssd_mobilenet_v1_ppn"), settings)
    with pytest.raises(InputError, match="from_stage: .* no stage 'stride16'"):
        with_settings(recipe, {"sampling.tap": 8})


def small_boxes(side: int) -> Snapshot:
    """A project of one image of 300 px whose boxes are squares; nothing reads its pixels."""
    corners = np.random.default_rng(0).uniform(0, 300 - side, (200, 2))
    boxes = np.concatenate([corners, corners + side], axis=1).astype(np.float32)
    image = SnapshotImage(
        "a.png", 300, 300, Status.LABELLED, Split.TRAIN, "", "0", boxes, np.ones((len(boxes), 1), bool)
    )
    return make_snapshot(("pit",), ("#ff0000",), (image,))


def test_defects_too_small_for_the_first_map_bring_the_advice_to_tap_a_finer_one() -> None:
    scratch = {"weights.source": "none", "strategy.kind": "scratch"}
    recipe = with_settings(default_recipe("ssd_mobilenet_v1_ppn"), scratch)
    coarse = prepare_training(recipe, small_boxes(20))
    (missed,) = [finding for finding in coarse.findings if finding.code == "anchors_miss"]
    assert missed.mends[0].settings == {"sampling.tap": 8}
    fine = prepare_training(with_settings(recipe, {"sampling.tap": 8}), small_boxes(20))
    assert fine.reachable > 0.95 > coarse.reachable
    assert fine.architecture.options == {"tap": 8}


def test_going_on_from_a_checkpoint_keeps_its_first_map(tmp_path: Path) -> None:
    arch = architecture("ssd_mobilenet_v1_ppn", labels=1, tap=8)
    path = tmp_path / "c.safetensors"
    checkpoint.save(path, arch.build(), description(arch, ["pit"]))
    recipe = with_settings(
        default_recipe("ssd_mobilenet_v1_ppn"), {"weights.source": "checkpoint", "weights.path": str(path)}
    )
    with pytest.raises(InputError, match=r"sampling.tap: .* set First map to 8 px"):
        prepare_training(recipe, small_boxes(30))
    assert prepare_training(with_settings(recipe, {"sampling.tap": 8}), small_boxes(30)).architecture.options == {
        "tap": 8
    }


# Weights. Files of the same layout as the libraries', a value of its own in every tensor, without 100 MB of them.


def layout(make: Callable[[], nn.Module]) -> dict[str, Tensor]:
    """The state_dict that the library's own network has, by names and shapes."""
    with torch.device("meta"):
        state = make().state_dict()
    values = count(1)
    return {name: torch.tensor(next(values) / 8).to(t.dtype).expand(t.shape) for name, t in state.items()}


IMAGENET: dict[str, Callable[[], nn.Module]] = {
    "ssd300_vgg16": lambda: vgg16(weights=None),
    "ssd512_vgg16": lambda: vgg16(weights=None),
    "ssdlite320_mobilenet_v3": lambda: mobilenet_v3_large(weights=None),
    "ssd_mobilenet_v1_ppn": lambda: timm.create_model("mobilenetv1_100", pretrained=False),
    "ssd_resnet50": lambda: resnet50(weights=None),
    "retinanet_resnet50_fpn": lambda: resnet50(weights=None),
    "fcos_resnet50_fpn": lambda: resnet50(weights=None),
}


@pytest.mark.parametrize("model", [name for name in DETECTORS if "imagenet" in MODELS[name].weights])
def test_imagenet_weights_fill_all_stages(model: str) -> None:
    detector = unfilled(architecture(model))
    source = layout(IMAGENET[model])
    report = weights.load_torchvision(detector, source, "file")
    state = detector.state_dict(keep_vars=True)
    names = detector.backbone.imagenet_names
    for plain, own in names.items():
        assert torch.equal(state[f"backbone.{own}"].detach(), source[plain]), own
    filled = {id(state[f"backbone.{own}"]) for own in names.values()}
    stages = detector.backbone.stages()
    stage_tensors = {id(t) for ms in stages.values() for m in ms for t in m.state_dict(keep_vars=True).values()}
    assert stage_tensors <= filled, "a stage that counts as pre-trained kept random values"
    assert report.loaded == len(names)


@pytest.mark.parametrize(
    ("model", "make"),
    [
        ("ssd300_vgg16", ssd300_vgg16),
        ("ssd512_vgg16", ssd300_vgg16),
        ("ssdlite320_mobilenet_v3", ssdlite320_mobilenet_v3_large),
        ("retinanet_resnet50_fpn", retinanet_resnet50_fpn_v2),
    ],
)
def test_coco_weights_fill_the_backbone_and_the_maps_behind_it(model: str, make: Callable[..., nn.Module]) -> None:
    detector = unfilled(architecture(model, **MODELS[model].options_for("coco", tap=16, batch_size=16)))
    source = layout(lambda: make(weights=None, weights_backbone=None))
    weights.load_torchvision(detector, source, "file")
    names = {own: theirs for theirs, own in detector.foreign_names().items() if theirs in source}
    for name, tensor in detector.state_dict().items():
        if name.startswith("backbone.") or ("tower" in name and model == "retinanet_resnet50_fpn"):
            assert torch.equal(tensor, source[names[name]]), name


def test_pyramids_of_older_torchvision_are_understood() -> None:
    detector = unfilled(architecture("retinanet_resnet50_fpn"))
    old = {
        f"backbone.fpn.{kind}_blocks.{i}.bias": torch.full((256,), i + 1.0)
        for kind in ("inner", "layer")
        for i in range(3)
    }
    assert weights.load_torchvision(detector, old, "file").loaded == 6
    assert detector.get_parameter("backbone.fpn.layer_blocks.2.0.bias").unique().tolist() == [3]


def test_the_retinanet_computes_what_torchvisions_does() -> None:
    torch.manual_seed(2)
    theirs = retinanet_resnet50_fpn_v2(weights=None, weights_backbone=None, num_classes=2).eval()
    ours = architecture("retinanet_resnet50_fpn").build_detector().eval()
    weights.load_torchvision(ours, theirs.state_dict(), "file")
    image = torch.randn(1, 3, 96, 64)
    with torch.inference_mode():
        expected = list(theirs.backbone(image).values())
        found = ours.backbone.maps(image, 5)
        for level, (a, b) in enumerate(zip(found, expected, strict=True)):
            torch.testing.assert_close(a, b, msg=f"map {level}")
        tower = theirs.head.regression_head.conv(expected[0])
        torch.testing.assert_close(ours.get_submodule("heads.shared.box_tower")(found[0]), tower)


def test_the_pooling_pyramid_taps_timms_maps_and_pools_them() -> None:
    torch.manual_seed(2)
    theirs = timm.create_model("mobilenetv1_100", pretrained=False).eval()
    image = torch.randn(1, 3, 300, 300)
    for tap, index, sides in ((16, 3, [19, 10, 5, 3, 2, 1]), (8, 2, [38, 19, 10, 5, 3, 2])):
        detector = architecture("ssd_mobilenet_v1_ppn", tap=tap).build_detector().eval()
        weights.load_torchvision(detector, theirs.state_dict(), "file")
        with torch.inference_mode():
            maps = detector.backbone.maps(image, 6)
            tapped = theirs.forward_intermediates(image, indices=[index], intermediates_only=True)[0]
        torch.testing.assert_close(maps[0], tapped)
        assert [one.shape[2] for one in maps] == sides
        assert float(maps[5].max()) == float(maps[0].max())


def test_the_pooling_pyramid_shares_its_predictor_but_for_the_norms() -> None:
    heads = built("ssd_mobilenet_v1_ppn").heads
    assert isinstance(heads, PoolingHeads)
    assert len(heads.norms) > 1
    assert {kind: sum(isinstance(m, kind) for m in heads.modules()) for kind in (nn.Conv2d, nn.GroupNorm)} == {
        nn.Conv2d: 3,
        nn.GroupNorm: len(heads.norms),
    }


# Learning.

BOX = [16.0, 20.0, 44.0, 42.0]


def lesson(side: int) -> tuple[Tensor, Targets]:
    """One picture with one box that carries both labels."""
    torch.manual_seed(1)
    image = torch.randn(1, 3, side, side) * 0.1
    image[0, :, 20:42, 16:44] += 2
    return image, Targets(torch.tensor([[BOX]]), torch.ones(1, 1, 2), torch.ones(1, 1, dtype=torch.bool))


def taught(model: str, steps: int, lr: float, **options: object) -> tuple[Architecture, Network, list[float]]:
    spec = MODELS[model].with_options(options)
    arch = Architecture(model, fit_enough(np.array([BOX], np.float32), spec.strides, spec.anchors), 2, options)
    torch.manual_seed(0)
    network = arch.build_detector().train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=lr)
    image, targets = lesson(64)
    losses = []
    for _ in range(steps):
        sums = detection_loss(*network(image), targets, LossSettings("focal"))
        label_loss, box_loss = sums.per_positive()
        loss = label_loss + 0.2 * box_loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 10, error_if_nonfinite=True)
        optimizer.step()
        losses.append(float(loss.detach()))
    return arch, network, losses


@pytest.mark.parametrize(
    ("model", "options", "steps", "lr"),
    [
        ("ssd_compact", {"norm": "group"}, 20, 2e-3),
        ("ssd512_vgg16", {"norm": "group"}, 5, 4e-4),
        ("ssdlite320_mobilenet_v3", {"norm": "group"}, 25, 2e-3),
        ("ssd_mobilenet_v1_ppn", {"tap": 8}, 30, 2e-3),  # BatchNorm's statistics need some steps
        ("ssd_resnet50", {"norm": "group"}, 8, 8e-4),
        ("retinanet_resnet50_fpn", {"norm": "group"}, 5, 5e-4),
    ],
)
def test_a_model_learns_from_one_picture_and_its_checkpoint_knows_it_too(
    tmp_path: Path, model: str, options: dict[str, object], steps: int, lr: float
) -> None:
    arch, network, losses = taught(model, steps, lr, **options)
    assert losses[-1] < 0.6 * losses[0]
    path = tmp_path / "c.safetensors"
    checkpoint.save(path, network, description(arch, ["pit", "stain"]))
    loaded = checkpoint.load(path)
    assert loaded.architecture == arch
    again = loaded.build()
    image, _ = lesson(64)
    with torch.inference_mode():
        logits, deltas, anchors = again(image)
        assert torch.equal(logits, network.eval()(image)[0])
    boxes, scores = decode_detections(logits, deltas, anchors, (64, 64), DecodingSpec())[0]
    assert geometry.box_iou(boxes[:1].numpy(), np.array([BOX], np.float32))[0, 0] > 0.4
    assert (scores[0] > 0.02).all(), "the box keeps both labels"


@pytest.mark.parametrize("model", DETECTORS)
def test_a_batch_of_one_small_picture_gives_finite_gradients(model: str) -> None:
    """Statistics of one cell of one picture would be an error, or noise."""
    source = "imagenet" if "imagenet" in MODELS[model].weights else "none"
    chosen = MODELS[model].options_for(source, tap=16, batch_size=1)
    # What is as it is by default was built before.
    options = {name: value for name, value in chosen.items() if value != MODELS[model].options[name][0]}
    network = deepcopy(built(model, **options)).train()
    image, targets = lesson(64)
    targets = replace(targets, labels_bmk=torch.ones(1, 1, 3))
    sums = detection_loss(*network(image)[:3], targets, LossSettings("focal"))
    (sums.labels + sums.boxes).backward()
    gradients = [p.grad for p in network.parameters() if p.grad is not None]
    assert len(gradients) > 0.9 * len(list(network.parameters()))
    assert all(bool(g.isfinite().all()) for g in gradients)
