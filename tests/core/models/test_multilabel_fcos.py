"""FCOS: its network is torchvision's, and its points are found again and reach what holds one."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torchvision.models.detection import fcos_resnet50_fpn

from core.models import weights
from core.models.anchors import Anchors, fit_anchors, fit_points, reachable_share
from core.models.networks.detector import Detector
from core.models.networks.families import Architecture

STRIDES = (8, 16, 32, 64, 128)


@pytest.fixture(scope="module")
def network() -> Detector:
    torch.manual_seed(0)
    points = fit_points(np.zeros((0, 4)), STRIDES)
    return Architecture("fcos_resnet50_fpn", points, 2, {"norm": "batch"}).build_detector().eval()


def test_the_answer_is_torchvisions_with_its_weights(network: Detector) -> None:
    torch.manual_seed(1)
    stock = fcos_resnet50_fpn(
        weights=None, weights_backbone=None, num_classes=2, norm_layer=torch.nn.BatchNorm2d
    ).eval()
    with torch.no_grad():
        for parameter in stock.head.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.03)
    report = weights.load_torchvision(network, stock.state_dict(), "coco.pth")
    assert sorted(name.split(":")[0] for name in report.skipped) == [
        "head.classification_head.cls_logits.bias",
        "head.classification_head.cls_logits.weight",
    ]
    picture = torch.randn(1, 3, 128, 128)
    with torch.no_grad():
        head = network.get_submodule("heads.shared.to_labels")
        head.load_state_dict(stock.head.classification_head.cls_logits.state_dict())
        logits, numbers, points = network(picture)
        maps = list(stock.backbone(picture).values())
        theirs = stock.head(maps)
        images = type("Images", (), {"tensors": picture, "image_sizes": [(128, 128)]})()
        [anchors] = stock.anchor_generator(images, maps)
    assert torch.allclose(points, anchors)
    assert torch.allclose(logits, theirs["cls_logits"], atol=1e-4)
    assert torch.allclose(numbers[..., :4], theirs["bbox_regression"], atol=1e-4)
    assert torch.allclose(numbers[..., 4:], theirs["bbox_ctrness"], atol=1e-4)
    assert numbers[..., :4].any()


def test_points_are_known_again_from_a_checkpoint_and_anchors_are_never_taken_for_them() -> None:
    points = fit_points(np.zeros((0, 4)), STRIDES)
    assert points.points and Anchors.from_json(points.to_json()).points
    boxes = np.array([[0, 0, 8, 8], [0, 0, 16, 16], [0, 0, 32, 32]], np.float64)
    assert not fit_anchors(boxes, (8, 16, 32)).points


def test_points_reach_boxes_of_any_shape_that_hold_one() -> None:
    points = fit_points(np.zeros((0, 4)), STRIDES)
    boxes = np.array([[3, 3, 300, 12], [3, 3, 12, 300], [0, 0, 120, 120], [5, 5, 9, 9]], np.float64)
    assert reachable_share(boxes, points) == 0.75
