"""One step of the optimiser: batches through the network in pieces that fit in memory, on one device or on many.

The gradient of the summed losses is added up over the pieces and the ranks and then divided by the positives of all,
so that it is the gradient of the loss of the whole effective batch however that was cut.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor, nn

from core.inference.runner import normalized
from core.models.device import free_cached, is_out_of_memory, mixed_precision, resolved_precision
from core.models.inputs import InputSpec
from core.models.multilabel import Targets
from core.randomness import seed_for
from core.recipe.field_words import field_title
from core.recipe.recipe import Recipe
from core.training.data.dataset import Batch
from core.training.out_of_memory import BufferGuard, TooLittleMemory, chunk_sizes
from core.training.process_group import ProcessGroup
from core.training.strategy import Plan
from core.training.tasks.task import Task

# Where fp16's loss scale begins, and below which it says that nothing can be learnt in fp16. The sums that are
# differentiated are larger than a mean by the positives in a picture, so it begins below torch's 2^16.
FIRST_SCALE = 2.0**12
LEAST_SCALE = 2.0**-10


class Diverged(Exception):
    """The loss or the gradient is no number any more."""


@dataclass(frozen=True, slots=True, eq=False)
class StepLoss:
    """Losses of a step, normalised by its positives on all ranks; still on the device, so that no step waits for them."""

    labels: Tensor
    boxes: Tensor  # weighted as in the sum that is differentiated


def rows_of(targets: Targets, rows: slice) -> Targets:
    """The ground truth of some pictures of a batch."""
    return Targets(*(getattr(targets, part.name)[rows] for part in fields(targets)))


class Stepper:
    """Takes steps with one network and one optimiser."""

    def __init__(
        self, plan: Plan, task: Task, spec: InputSpec, recipe: Recipe, device: torch.device, process_group: ProcessGroup
    ) -> None:
        self.halvings = 0
        self._news: list[str] = []
        self._plan, self._task, self._spec, self._recipe, self._device = plan, task, spec, recipe, device
        self._process_group = process_group
        self._forward: Callable[[Tensor], Any] = plan.network
        self._parameters = [p for group in plan.optimizer.param_groups for p in group["params"]]
        self._guard = BufferGuard(plan.network)
        # Keeps the summed loss of a step near that of a picture; the same on all ranks, so that gradients add up.
        self._usual = recipe.schedule.batch_size * recipe.optimizer.accumulate * process_group.size
        self._finite = torch.ones((), dtype=torch.bool, device=device)
        self._scaler = torch.amp.GradScaler(
            device.type,
            init_scale=FIRST_SCALE,
            enabled=resolved_precision(device, recipe.limits.precision) == "fp16",
        )
        # Its scale is made when it is first used, which a process that has no pictures in a step must have done, too.
        self._scaler.scale(torch.zeros((), device=device))
        if recipe.limits.compile:
            self._forward = torch.compile(plan.network)

    @property
    def at_once(self) -> int:
        """Pictures that go through the network together."""
        return max(1, self._recipe.schedule.batch_size >> self.halvings)

    def step(self, batches: Sequence[Batch], number: int) -> StepLoss:
        """Step `number` (from 0) of the run, on `batches` together.

        Whatever is raised, parameters and buffers stay as they were before. Raises TooLittleMemory, and Diverged where
        that is known without waiting for the device; elsewhere `check` tells.
        """
        self._guard.keep()
        try:
            totals = self._gradients_in_memory(batches, number)
            loss = self._follow(totals)
        except BaseException:
            self._give_up()
            raise
        return loss

    def news(self) -> list[str]:
        """What the user should know and was not told yet."""
        news, self._news = self._news, []
        return news

    def restore(self, halvings: int, scaler: Mapping[str, Any]) -> None:
        """Go on as an earlier stepper stood."""
        self.halvings = halvings
        if self._scaler.is_enabled() and scaler:
            self._scaler.load_state_dict(dict(scaler))

    def scaler_state(self) -> dict[str, Any]:
        """Of fp16's loss scale; empty in other precisions."""
        return self._scaler.state_dict()

    def check(self) -> None:
        """Wait for the device, and raise Diverged if any loss or gradient so far was no number."""
        if not bool(self._finite):
            raise Diverged("the loss or its gradient became infinite or no number")
        if self._scaler.is_enabled() and self._scaler.get_scale() < LEAST_SCALE:
            raise Diverged("every gradient is too large for fp16")

    def _give_up(self) -> None:
        self._guard.restore()
        for parameter in self._parameters:
            parameter.grad = None

    def _gradients_in_memory(self, batches: Sequence[Batch], number: int) -> Tensor:
        """`_gradients`, with the batch halved as often as it takes."""
        while True:
            totals = self._try(batches, number)
            # All ranks halve together: each must take part in every reduction.
            if not self._process_group.all_reduce_any(totals is None) and totals is not None:
                return totals
            self._halve()

    def _try(self, batches: Sequence[Batch], number: int) -> Tensor | None:
        """`_gradients`; None if they do not fit in memory.

        A function of its own, because the error's traceback would hold on to the activations.
        """
        try:
            return self._gradients(batches, number)
        except (RuntimeError, MemoryError) as error:
            if is_out_of_memory(error):
                return None
            if not self._uncompiled(error):
                raise
        self._give_up()
        return self._try(batches, number)

    def _halve(self) -> None:
        self._give_up()
        if self.at_once == 1:
            raise TooLittleMemory("even for one picture at a time")
        before = self.at_once
        self.halvings += 1
        free_cached(self._device)
        self._news.append(
            f"too little memory for {before} pictures at once: going on with {self.at_once}, adding up their gradients, "
            "so that a step still learns from as many"
        )

    def _uncompiled(self, error: Exception) -> bool:
        """Go on with the network as it is if `error` says that it cannot be compiled here."""
        if not self._recipe.limits.compile or self._forward is self._plan.network:
            return False
        from torch._dynamo.exc import TorchDynamoException  # noqa: PLC0415 - seconds to import, for this option alone

        if not isinstance(error, TorchDynamoException):
            return False
        self._forward = self._plan.network
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        self._news.append(
            f"{field_title('limits.compile')}: the network cannot be compiled here ({reason}); going on without"
        )
        return True

    def _gradients(self, batches: Sequence[Batch], number: int) -> Tensor:
        """Add up the gradients of all pieces; returns label loss, box loss and positives, summed, (3,)."""
        seed = seed_for(self._recipe.seed, "step", number)
        torch.manual_seed(seed if self._process_group.is_main else seed_for(seed, self._process_group.rank))
        totals = torch.zeros(3, device=self._device)
        for batch in batches:
            start = 0
            for size in chunk_sizes(len(batch.images_b3hw), self.at_once):
                totals += self._backward(batch, slice(start, start + size))
                start += size
        return totals

    def _backward(self, batch: Batch, rows: slice) -> Tensor:
        order = torch.channels_last if self._recipe.limits.channels_last else torch.contiguous_format
        images = batch.images_b3hw[rows].to(self._device, non_blocking=True)
        targets = rows_of(batch.targets, rows).to(self._device)
        with mixed_precision(self._device, self._recipe.limits.precision):
            outputs = self._forward(normalized(images, self._spec).contiguous(memory_format=order))
        sums = self._task.loss_sums(outputs, targets)
        boxes = sums.boxes * self._recipe.loss.box_weight
        self._scaler.scale((sums.labels + boxes) / self._usual).backward()
        return torch.stack([sums.labels.detach(), boxes.detach(), sums.positives.float()])

    def _follow(self, totals: Tensor) -> StepLoss:
        """Let the parameters follow the gradient, normalised and clipped."""
        self._process_group.all_reduce_gradients(self._parameters)
        self._process_group.all_reduce_sum(totals)
        gradients = [parameter.grad for parameter in self._parameters if parameter.grad is not None]
        self._scaler.unscale_(self._plan.optimizer)
        divisor = totals[2].clamp(min=1)
        norm = nn.utils.get_total_norm(gradients, foreach=True) * (self._usual / divisor)
        loss = StepLoss(totals[0] / divisor, totals[1] / divisor)
        # Gradients too large for fp16 are the scaler's business: it passes over the step and scales less.
        total = loss.labels + loss.boxes
        sound = total.isfinite() if self._scaler.is_enabled() else (total + norm).isfinite()
        self._finite &= sound
        if self._device.type == "cpu" or self._process_group.size > 1:
            self.check()  # on a GPU it would wait for the step; many must decide together
        clip = (self._recipe.optimizer.clip_norm / (norm + 1e-6)).clamp(max=1.0)
        torch._foreach_mul_(gradients, clip * (self._usual / divisor))
        self._move()
        for parameter in self._parameters:
            parameter.grad = None
        return loss

    def _move(self) -> None:
        try:
            self._scaler.step(self._plan.optimizer)
        except (RuntimeError, MemoryError) as error:
            if is_out_of_memory(error):
                raise TooLittleMemory("for what the optimiser remembers", spoilt=True) from error
            raise
        self._scaler.update()
