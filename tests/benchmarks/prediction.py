"""Images a second through the prediction loop, beside the same images read and predicted one after the other.

    python -m tests.benchmarks.prediction [--small 96] [--large 6] [--turns 3] [--checkpoint FILE] [--device cpu]

Without a checkpoint the network has learnt nothing, and its heads are made as unsure as those of a trained one. Images
of 256 px, and JPEGs of 12 megapixels in tiles and shrunk to the whole input. The sides take turns in one process; of
each the fastest turn counts. Both find the same: the largest difference of a score is told.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from core.inference.prediction_loop import ImageSource, predict_images
from core.inference.predictor import Predictor
from core.inference.runner import Runner
from core.models.anchors import Anchors
from core.models.checkpoint import Description
from core.models.device import choose_device
from core.models.inputs import NORMALIZATIONS, InputSpec
from core.models.networks.families import Architecture
from core.sample import SAMPLE_LABELS, generate_image
from core.threads import count_cores
from core.types import Detections
from tests.benchmarks.data_path import make_images
from tests.builders import write_picture

ANCHORS = Anchors((8, 16, 32), tuple(((side, side), (2 * side, side), (side, 2 * side)) for side in (16.0, 40.0, 90.0)))
UNSURE = 4.0  # taken off the logits: what has learnt to find nothing most of the time
WHOLE_SIDE = 320


def make_predictor(device: str) -> Predictor:
    """ssd_compact that has learnt nothing."""
    torch.manual_seed(0)
    architecture = Architecture("ssd_compact", ANCHORS, len(SAMPLE_LABELS))
    network = architecture.build().eval()
    with torch.no_grad():
        for name, tensor in network.named_parameters():
            if name.startswith("heads.") and name.endswith("bias"):
                tensor -= UNSURE
    mean, std = NORMALIZATIONS["imagenet"]
    spec = InputSpec(mode="crops", width=256, height=256, mean=mean, std=std)
    place = choose_device(device)
    description = Description(
        id="benchmark",
        run="",
        model="ssd_compact",
        epoch=0,
        created="",
        labels=list(SAMPLE_LABELS),
        label_colors=["#ff0000"] * len(SAMPLE_LABELS),
        architecture=architecture.to_json(),
        input=spec,
        recipe={},
        snapshot_hash="",
    )
    return Predictor(description, Runner(network.to(place), spec, place, "fp32"))


def predict_one_by_one(predictor: Predictor, paths: list[str]) -> list[Detections]:
    """As it was done before there was a loop: no reading ahead, one image or tile through the network at a time."""
    alone = replace(predictor, runner=replace(predictor.runner, most_pixels=1))
    return [alone.predict(alone.read(path)) for path in paths]


def predict_in_loop(predictor: Predictor, paths: list[str]) -> list[Detections]:
    found = [one.detections for one in predict_images(predictor, [ImageSource(path) for path in paths])]
    return [one for one in found if one is not None]


def fastest(turns: int, *works: Callable[[], list[Detections]]) -> tuple[list[float], list[list[Detections]]]:
    """Seconds of the fastest turn of each, and what each found."""
    best, found = [np.inf] * len(works), [works[0]() for _ in works]  # the first turn warms up
    for _ in range(turns):
        for place, work in enumerate(works):
            began = time.perf_counter()
            found[place] = work()
            best[place] = min(best[place], time.perf_counter() - began)
    return best, found


def largest_gap(first: list[Detections], second: list[Detections]) -> float:
    """The largest difference between the best scores of the images."""
    return max(abs(one.best.max(initial=0) - two.best.max(initial=0)) for one, two in zip(first, second, strict=True))


def main() -> None:
    arguments = parse_arguments()
    loaded = Predictor.load(arguments.checkpoint, arguments.device) if arguments.checkpoint else None
    predictor = loaded or make_predictor(arguments.device)
    whole = predictor.description.input.model_copy(update={"mode": "whole", "width": WHOLE_SIDE, "height": WHOLE_SIDE})
    shrinking = replace(predictor, runner=replace(predictor.runner, input=whole))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        small = [
            str(write_picture(folder / f"{index}.png", generate_image(index, 0, 256)[0]))
            for index in range(arguments.small)
        ]
        large = [image.path for image in make_images(folder, arguments.large)]
        table = Table("images", "one by one", "in the loop", "times", "gap of scores")
        for title, used, paths in (
            (f"{len(small)} of 256 px", predictor, small),
            (f"{len(large)} of 12 MP, in tiles", predictor, large),
            (f"{len(large)} of 12 MP, shrunk to {WHOLE_SIDE} px", shrinking, large),
        ):
            seconds, found = fastest(
                arguments.turns,
                lambda used=used, paths=paths: predict_one_by_one(used, paths),
                lambda used=used, paths=paths: predict_in_loop(used, paths),
            )
            before, after = (len(paths) / one for one in seconds)
            table.add_row(
                title, f"{before:.2f}/s", f"{after:.2f}/s", f"{after / before:.2f}", f"{largest_gap(*found):.1e}"
            )
    console = Console()
    console.print(f"{predictor.description.model} on {predictor.runner.device}, {count_cores()} cores")
    console.print(table)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", type=int, default=96)
    parser.add_argument("--large", type=int, default=6)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--device", default="cpu")
    return parser.parse_args()


if __name__ == "__main__":
    main()
