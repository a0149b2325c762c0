"""Depthwise convolutions that compute gradients in fp32 while the network computes in bf16."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from core.models.networks.depthwise import DepthwiseConv2d, learn_faster


def layer(kernel: int = 5, stride: int = 1, groups: int = 8) -> nn.Conv2d:
    torch.manual_seed(0)
    return nn.Conv2d(8, 8, kernel, stride, kernel // 2, groups=groups, bias=False)


def gradients(convolution: nn.Conv2d, bf16: bool) -> list[Tensor]:
    torch.manual_seed(1)
    pictures = torch.randn(2, 8, 12, 12, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        output = convolution(pictures)
    assert output.dtype == (torch.bfloat16 if bf16 else torch.float32)
    output.float().square().sum().backward()
    assert pictures.grad is not None and convolution.weight.grad is not None
    return [output.detach().float(), pictures.grad, convolution.weight.grad]


@pytest.mark.parametrize(("kernel", "stride"), [(5, 1), (3, 2)])
def test_gradients_in_bf16_are_those_of_fp32_but_for_rounding(kernel: int, stride: int) -> None:
    quick = layer(kernel, stride)
    learn_faster(quick)
    assert type(quick) is DepthwiseConv2d
    exact = gradients(layer(kernel, stride), bf16=False)
    for ours, theirs in zip(gradients(quick, bf16=True), exact, strict=True):
        assert float((ours - theirs).norm() / theirs.norm()) < 0.01


def test_in_fp32_nothing_changes_to_the_bit() -> None:
    quick = layer()
    learn_faster(quick)
    for ours, theirs in zip(gradients(quick, bf16=False), gradients(layer(), bf16=False), strict=True):
        assert torch.equal(ours, theirs)


def test_a_frozen_layer_passes_gradients_on_and_gets_none() -> None:
    quick = layer()
    learn_faster(quick)
    quick.requires_grad_(False)
    pictures = torch.randn(1, 8, 12, 12, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16):
        quick(pictures).sum().backward()
    assert pictures.grad is not None and pictures.grad.any()
    assert quick.weight.grad is None


@pytest.mark.parametrize("other", [layer(groups=1), layer(kernel=3)])
def test_convolutions_that_are_quick_already_stay_as_they_are(other: nn.Conv2d) -> None:
    learn_faster(other)
    assert type(other) is nn.Conv2d
