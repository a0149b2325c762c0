"""Depthwise convolutions that learn in bf16 on a CPU as fast as they should."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as functional
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


class DepthwiseConv2d(nn.Conv2d):
    """A depthwise convolution whose gradients are computed in fp32 where the CPU computes in bf16.

    oneDNN's bf16 gradients of depthwise convolutions with a stride or a kernel above 3 take up to four times as long
    as those in fp32, and were half of a MobileNetV3's step. Its bf16 forward pass is the faster one.
    """

    def forward(self, input: Tensor) -> Tensor:
        if input.device.type != "cpu" or not torch.is_grad_enabled() or not torch.is_autocast_enabled("cpu"):
            return super().forward(input)
        kind = torch.get_autocast_dtype("cpu")
        layout = (self.stride, self.padding, self.dilation)
        output: Tensor = _GradientsInFp32.apply(input.to(kind), self.weight.to(kind), *layout)
        return output


def learn_faster(network: nn.Module) -> None:
    """Let the slow ones among `network`'s depthwise convolutions be `DepthwiseConv2d`; their tensors stay as they are."""
    for layer in network.modules():
        if type(layer) is nn.Conv2d and layer.groups == layer.in_channels == layer.out_channels > 1:
            plain = layer.bias is None and layer.padding_mode == "zeros" and isinstance(layer.padding, tuple)
            if plain and (max(layer.stride) > 1 or max(layer.kernel_size) > 3):
                layer.__class__ = DepthwiseConv2d


class _GradientsInFp32(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        input: Tensor,
        weight: Tensor,
        stride: tuple[int, ...],
        padding: tuple[int, ...],
        dilation: tuple[int, ...],
    ) -> Tensor:
        ctx.save_for_backward(input, weight)
        ctx.layout = (stride, padding, dilation)
        return functional.conv2d(input, weight, None, stride, padding, dilation, input.shape[1])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, Tensor | None, None, None, None]:
        input, weight = ctx.saved_tensors
        wanted = [ctx.needs_input_grad[0], ctx.needs_input_grad[1], False]
        of_input, of_weight, _ = torch.ops.aten.convolution_backward(
            upstream.float(), input.float(), weight.float(), None, *ctx.layout, False, (0, 0), input.shape[1], wanted
        )
        return (
            of_input.to(input.dtype) if wanted[0] else None,
            of_weight.to(weight.dtype) if wanted[1] else None,
            None,
            None,
            None,
        )
