"""A training step beside torchvision's stock model in a loop as references/detection has it, and where its time goes.

    python tests/benchmarks/training_step.py [--models ssd300_vgg16 ssdlite320_mobilenet_v3] [--batch 0] [--repeat 5]
        [--threads 2] [--device cpu] [--data-steps 4]

Both sides take the same JPEGs of 640 x 640 pixels with the same boxes and start from random weights, so that everything
learns; the stock model augments with the reference's preset for it, ours with its default. The sides take turns, and of
each the fastest step counts. "step" has its batch in memory; "with data" is the whole loop, with as many workers. Stated
goals on a CPU: ssd300_vgg16 1.0 times in fp32 and 1.3 times in bf16 where the CPU computes it; ssdlite320_mobilenet_v3
1.3 times. On a GPU: 2 times for both with mixed precision.
"""

from __future__ import annotations

import argparse
import math
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
import torchvision
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

from core.models.device import choose_device, resolved_precision
from core.models.registry import MODELS
from core.project.images.image_files import content_hash
from core.project.snapshot import Snapshot, SnapshotImage, make_snapshot
from core.recipe.recipe import Recipe, default_recipe, with_settings
from core.training.data.dataset import Batch
from core.training.preparation import prepare_training
from core.training.process_group import ProcessGroup
from core.training.run import Run
from core.training.tasks import detection
from core.types import Split, Status

SIDE, BOXES, LABELS = 640, 8, 10
STOCK = {"ssd300_vgg16": "ssd300_vgg16", "ssdlite320_mobilenet_v3": "ssdlite320_mobilenet_v3_large"}
GOALS = {("ssd300_vgg16", "fp32"): 1.0, ("ssd300_vgg16", "bf16"): 1.3, ("ssdlite320_mobilenet_v3", "fp32"): 1.3}


class Stopwatch:
    """Seconds by section of the step that runs; sections inside one another are taken apart."""

    def __init__(self, device: torch.device) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._device = device
        self._open: list[str] = []
        self._since = 0.0

    def enter(self, section: str) -> None:
        self._close()
        self._open.append(section)

    def leave(self) -> None:
        self._close()
        self._open.pop()

    def timed(self, section: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any, **named: Any) -> Any:
            self.enter(section)
            try:
                return work(*arguments, **named)
            finally:
                self.leave()

        return run

    def watch(self, module: nn.Module, section: str) -> None:
        module.register_forward_pre_hook(lambda *_: self.enter(section))
        module.register_forward_hook(lambda *_: self.leave())

    def _close(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.synchronize()
        now = time.perf_counter()
        if self._open:
            self.seconds[self._open[-1]] += now - self._since
        self._since = now


def make_images(folder: Path, count: int) -> list[SnapshotImage]:
    made = []
    for number in range(count):
        random = np.random.default_rng(number)
        path = folder / f"{number}.jpg"
        coarse = random.integers(40, 216, (SIDE // 8, SIDE // 8, 3), np.uint8)
        cv2.imwrite(str(path), cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC))
        # Of all sizes, so that our fitted anchors use as many maps as torchvision's.
        sides = np.exp(random.uniform(np.log(32), np.log(512), (BOXES, 2)))
        corner = random.uniform(0, SIDE - sides)
        boxes = np.concatenate([corner, corner + sides], axis=1).astype(np.float32)
        labels = np.eye(LABELS, dtype=bool)[random.integers(0, LABELS, BOXES)]
        made.append(
            SnapshotImage(str(path), SIDE, SIDE, Status.LABELLED, Split.TRAIN, "", content_hash(path), boxes, labels)
        )
    return made


class ReferenceDataset(torch.utils.data.Dataset[Any]):
    """Images and targets through the reference's transforms (its presets.py, with transforms.v2)."""

    def __init__(self, images: list[SnapshotImage], preset: str) -> None:
        from torchvision.transforms import v2

        ssd = [
            v2.RandomPhotometricDistort(),
            v2.RandomZoomOut(fill={torchvision.tv_tensors.Image: (123, 117, 104), "others": 0}),
        ]
        self.images = images
        self.transforms = v2.Compose(
            [
                v2.ToImage(),
                *(ssd if preset == "ssd" else []),
                v2.RandomIoUCrop(),
                v2.RandomHorizontalFlip(),
                v2.ToDtype(torch.float, scale=True),
                v2.ConvertBoundingBoxFormat("XYXY"),
                v2.SanitizeBoundingBoxes(),
                v2.ToPureTensor(),
            ]
        )

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Any:
        from PIL import Image

        record = self.images[index]
        with Image.open(record.path) as file:
            image = file.convert("RGB")
        boxes = torchvision.tv_tensors.BoundingBoxes(record.boxes, format="XYXY", canvas_size=(SIDE, SIDE))  # type: ignore[call-overload]
        return self.transforms(image, {"boxes": boxes, "labels": torch.from_numpy(record.labels.argmax(axis=1) + 1)})


class Reference:
    """torchvision's model, and the body of train_one_epoch."""

    def __init__(self, model: str, images: list[SnapshotImage], batch: int, workers: int, device: torch.device) -> None:
        builder = getattr(torchvision.models.detection, STOCK[model])
        self.network = builder(weights=None, weights_backbone=None, num_classes=LABELS + 1).to(device).train()
        self.optimizer = torch.optim.SGD(
            [p for p in self.network.parameters() if p.requires_grad], lr=1e-4, momentum=0.9, weight_decay=5e-4
        )
        self.loader = torch.utils.data.DataLoader(
            ReferenceDataset(images, model[:3] if model == "ssd300_vgg16" else "ssdlite"),
            batch,
            shuffle=True,
            drop_last=True,
            num_workers=workers,
            persistent_workers=workers > 0,
            collate_fn=lambda batch: tuple(zip(*batch, strict=True)),
        )
        self.device = device

    def batches(self) -> Iterator[Any]:
        while True:
            yield from self.loader

    def step(self, batch: Any) -> None:
        images, targets = batch
        images = [image.to(self.device) for image in images]
        targets = [{name: value.to(self.device) for name, value in target.items()} for target in targets]
        losses = self.network(images, targets)
        loss = sum(losses.values())
        if not math.isfinite(loss.item()):
            raise SystemExit("the reference's loss is no number")
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()

    def watch(self, clock: Stopwatch) -> None:
        clock.watch(self.network.transform, "normalise, resize")
        clock.watch(self.network.backbone, "backbone")
        clock.watch(self.network.head, "head")
        self.network.compute_loss = clock.timed("matching, loss", self.network.compute_loss)
        self.network.proposal_matcher.__class__.__call__ = clock.timed(  # type: ignore[method-assign]
            "matching, loss", self.network.proposal_matcher.__class__.__call__
        )


class Ours:
    """The product's own step, put together as a run does."""

    def __init__(self, recipe: Recipe, snapshot: Snapshot, folder: Path, device: torch.device) -> None:
        prepared = prepare_training(recipe, snapshot)
        # Built as for published weights, as torchvision's is: for random ones, the product adds norms to VGG.
        options = recipe.spec.options_for("coco", tap=16, batch_size=recipe.schedule.batch_size)
        architecture = replace(prepared.architecture, options=options)
        prepared = replace(prepared, architecture=architecture, network=architecture.build())
        self.run = Run(recipe, snapshot, folder, prepared, ProcessGroup(device=device))
        self.run.plan.set_epoch(1)
        self.run.plan.training_mode()
        for group in self.run.plan.optimizer.param_groups:
            group["lr"] = 1e-4
        self.network, self.optimizer = self.run.network, self.run.plan.optimizer
        self.steps = 0

    def batches(self) -> Iterator[Batch]:
        epoch = 1
        while True:
            yield from self.run.data.batches(epoch, 0, 0, 1, device=self.run.device)
            epoch += 1

    def step(self, batch: Batch) -> None:
        self.run.stepper.step([batch], self.steps)
        self.steps += 1

    def watch(self, clock: Stopwatch) -> None:
        clock.watch(self.network, "backbone")
        heads = self.network.get_submodule("heads")
        clock.watch(heads, "head")
        detection.detection_loss = clock.timed("matching, loss", detection.detection_loss)


def fastest(works: list[Callable[[], Any]], repeat: int, device: torch.device) -> list[float]:
    """Seconds of each, taken in turns after one to warm up."""
    times: list[list[float]] = [[] for _ in works]
    for turn in range(repeat + 1):
        for work, row in zip(works, times, strict=True):
            began = time.perf_counter()
            work()
            if device.type == "cuda":
                torch.cuda.synchronize()
            if turn:
                row.append(time.perf_counter() - began)
    return [min(row) for row in times]


def sections(side: Reference | Ours, batch: Any, device: torch.device) -> dict[str, float]:
    """Milliseconds by section, each the fastest of three steps; what is in none of them is "other"."""
    clock = Stopwatch(device)
    side.watch(clock)
    backward = Tensor.backward
    side.optimizer.register_step_pre_hook(lambda *_: clock.enter("optimiser"))
    side.optimizer.register_step_post_hook(lambda *_: clock.leave())
    Tensor.backward = clock.timed("backward", backward)  # type: ignore[method-assign]
    try:
        whole = clock.timed("other", side.step)
        best: dict[str, float] = {}
        for _ in range(3):
            clock.seconds.clear()
            whole(batch)
            best = {name: min(seconds, best.get(name, seconds)) for name, seconds in clock.seconds.items()}
    finally:
        Tensor.backward = backward  # type: ignore[method-assign]
    return {section: seconds * 1000 for section, seconds in best.items()}


def peak(device: torch.device, kind: torch.dtype) -> float:
    """Multiplications and additions a second, in billions, of a large matrix product: what convolutions cannot exceed."""
    side = 8192 if device.type == "cuda" else 1024
    first = torch.rand(side, side, device=device, dtype=kind)
    [seconds] = fastest([lambda: first @ first], 30, device)
    return 2 * side**3 / seconds / 1e9


def compare(
    model: str, batch: int, options: argparse.Namespace, images: list[SnapshotImage], folder: Path, console: Console
) -> None:
    device = choose_device(options.device)
    snapshot = make_snapshot(tuple(f"label {n}" for n in range(LABELS)), ("#ff0000",) * LABELS, tuple(images))
    precisions = ["fp32"] + [kind for kind in [resolved_precision(device, "auto")] if kind != "fp32"]
    stock = Reference(model, images, batch, options.workers, device)
    own = {
        precision: Ours(
            with_settings(
                default_recipe(model),
                {
                    "weights.source": "none",
                    "strategy.kind": "scratch",
                    "optimizer.kind": "sgd",
                    "schedule.batch_size": batch,
                    "limits.precision": precision,
                    "limits.workers": max(options.workers, 1),
                },
            ),
            snapshot,
            folder / precision,
            device,
        )
        for precision in precisions
    }
    sides: dict[str, Reference | Ours] = {"torchvision": stock, **own}
    streams = {name: side.batches() for name, side in sides.items()}
    ready = {name: next(stream) for name, stream in streams.items()}
    steps = fastest([lambda name=name: sides[name].step(ready[name]) for name in sides], options.repeat, device)

    def with_data(name: str) -> None:
        for one in islice(streams[name], options.data_steps):
            sides[name].step(one)

    whole = fastest([lambda name=name: with_data(name) for name in sides], max(1, options.repeat // 2), device)
    table = Table(
        title=f"{model}: batch {batch}, {torch.get_num_threads()} threads, {device}: milliseconds a step, "
        f"the fastest of {options.repeat}"
    )
    for column in ("side", "step", "ratio", "with data", "ratio", "goal"):
        table.add_column(column, justify="left" if column == "side" else "right")
    for name, step, loop in zip(sides, steps, whole, strict=True):
        goal = 2.0 if device.type == "cuda" and name != "fp32" else GOALS.get((model, name))
        table.add_row(
            name,
            f"{step * 1000:.0f}",
            f"{steps[0] / step:.2f}",
            f"{loop / options.data_steps * 1000:.0f}",
            f"{whole[0] / loop:.2f}",
            f"{goal:g}" if goal and name != "torchvision" else "",
        )
    console.print(table)
    profile(model, sides, ready, device, batch, console)


def profile(
    model: str, sides: dict[str, Any], ready: dict[str, Any], device: torch.device, batch: int, console: Console
) -> None:
    """Where a step's time goes, and how near its arithmetic comes to what the device can do."""
    found = {name: sections(side, ready[name], device) for name, side in sides.items()}
    table = Table(title=f"{model}: where a step goes, milliseconds (share)")
    table.add_column("section")
    for name in found:
        table.add_column(name, justify="right")
    for section in ("normalise, resize", "backbone", "head", "matching, loss", "backward", "optimiser", "other"):
        table.add_row(
            section,
            *(
                f"{times.get(section, 0):.1f} ({times.get(section, 0) / sum(times.values()):.0%})"
                for times in found.values()
            ),
        )
    console.print(table)
    for name, times in found.items():
        if name == "torchvision":
            continue
        kind = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(name, torch.float32)
        # Backward does the work of forward twice: for the activations and for the weights.
        reached = (
            3 * MODELS[model].gflops * batch / sum(times[part] for part in ("backbone", "head", "backward")) * 1000
        )
        console.print(
            f"{name}: {reached:.0f} GFLOP/s in the network, {reached / peak(device, kind):.0%} of a large matrix product"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", choices=list(STOCK), default=list(STOCK))
    parser.add_argument("--batch", type=int, default=0, help="0: the recipe's own, by model")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--threads", type=int, default=0, help="0: as many as torch takes")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--data-steps", type=int, default=4)
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    console = Console(width=140)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        images = make_images(folder, max(32, 2 * options.batch))
        for model in options.models:
            batch = options.batch or default_recipe(model).schedule.batch_size
            compare(model, batch, options, images, folder / model, console)


if __name__ == "__main__":
    main()
