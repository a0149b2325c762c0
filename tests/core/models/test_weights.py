"""What becomes of starting weights: matched by name and shape, and every tensor that was left has a reason."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from core.errors import InputError
from core.models import weights
from core.models.anchors import NO_ANCHORS, Anchors
from core.models.networks.detector import Network
from core.models.networks.families import Architecture
from core.models.registry import MODELS
from core.recipe.recipe import Recipe, default_recipe, with_settings
from core.training.strategy import weights_notices

MODEL = "ssdlite320_mobilenet_v3"
STAGES = MODELS[MODEL].stages


def network() -> Network:
    strides = MODELS[MODEL].strides
    return Architecture(MODEL, Anchors(strides, (((20.0, 20.0),), *((),) * (len(strides) - 1))), 1).build()


def classifier() -> dict[str, Tensor]:
    """What torchvision's file for the backbone holds, with values of its own."""
    from torchvision.models import mobilenet_v3_large

    torch.manual_seed(5)
    return dict(mobilenet_v3_large(weights=None).state_dict())


@pytest.fixture(scope="module")
def tensors() -> dict[str, Tensor]:
    return classifier()


def test_a_librarys_classifier_fills_the_backbone_and_its_head_is_left_with_the_reason(
    tensors: dict[str, Tensor],
) -> None:
    report = weights.load_torchvision(network(), tensors, "w.pth")
    assert report.fresh == () and report.unexpected == ()
    assert len(report.skipped) == 4 and all("part of a head for other labels" in text for text in report.skipped)
    assert {text.split(".")[0] for text in report.skipped} == {"classifier"}
    assert report.loaded == len(tensors) - 4 and "start" not in report.text


def test_what_does_not_fit_is_named_with_both_shapes(tensors: dict[str, Tensor]) -> None:
    odd = tensors | {"features.0.0.weight": torch.zeros(16, 1, 3, 3), "neck.weight": torch.zeros(2)}
    report = weights.load_torchvision(network(), odd, "w.pth")
    assert any("shape (16, 1, 3, 3), here (16, 3, 3, 3)" in text for text in report.unexpected)
    assert any(text == "neck.weight: this network has no such part" for text in report.unexpected)
    assert report.fresh == ("stem",) and "stem starts at random" in report.text
    assert len(report.skipped) == len(report.unexpected) + 4


def recipe(**settings: object) -> Recipe:
    return with_settings(default_recipe(MODEL), {name.replace("__", "."): value for name, value in settings.items()})


def test_a_stage_that_the_weights_lack_is_told_where_it_learns_and_refused_where_it_never_does(
    tensors: dict[str, Tensor],
) -> None:
    half = {name: tensor for name, tensor in tensors.items() if not name.startswith(("features.0.", "features.1."))}
    report = weights.load_torchvision(network(), half, "w.pth")
    assert report.fresh == ("stem",)
    assert any("do not cover stem" in text for text in weights_notices(recipe(), report, STAGES))
    for settings in ({"strategy__kind": "frozen"}, {"strategy__kind": "fine_tune", "strategy__from_stage": "stride8"}):
        with pytest.raises(InputError, match="stem, which the strategy .* never lets learn"):
            weights_notices(recipe(**settings), report, STAGES)
    complete = weights.load_torchvision(network(), tensors, "w.pth")
    assert weights_notices(recipe(strategy__kind="frozen"), complete, STAGES) == []


def test_weights_of_another_network_are_refused() -> None:
    with pytest.raises(InputError, match="none of its 1 tensors fits"):
        weights.load_torchvision(network(), {"conv9.weight": torch.zeros(3)}, "w.pth")


@pytest.mark.parametrize("model", [name for name, spec in MODELS.items() if spec.weights])
def test_every_row_of_weights_says_where_it_is_and_how_pixels_were_scaled(model: str) -> None:
    from core.models.inputs import NORMALIZATIONS

    for source, file in MODELS[model].weights.items():
        assert source in ("imagenet", "coco") and file.normalization in NORMALIZATIONS
        assert file.url.startswith("https://") and file.file_name.endswith((".pth", ".safetensors"))


def test_a_whole_network_gives_all_to_another_of_its_kind() -> None:
    model = "resnet50"
    first, second = (Architecture(model, NO_ANCHORS, 2).build() for _ in range(2))
    report = weights.load_torchvision(second, dict(first.state_dict()), "w")
    assert report.loaded == report.total and report.skipped == () and report.fresh == ()
    assert all(torch.equal(one, second.state_dict()[name]) for name, one in first.state_dict().items())
