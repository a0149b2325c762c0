"""How long the evaluator takes beside pycocotools and faster-coco-eval, on the same rows.

python tests/benchmarks/evaluator.py [--images 5000] [--detections 200000] [--labels 6] [--only-ours]
"""

from __future__ import annotations

import argparse
import contextlib
import io
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from core.evaluation.average_precision import evaluate_detections
from core.evaluation.matching import MatchTable
from core.types import Detections, GroundTruth


def make(images: int, detections: int, label_count: int) -> tuple[list[GroundTruth], list[Detections], tuple[str, ...]]:
    """Images with some seven true boxes each, and detections of which most lie near one of them."""
    random = np.random.default_rng(0)
    names = tuple(f"label {index}" for index in range(label_count))
    each = max(1, detections // images)
    truth, found = [], []
    for _ in range(images):
        count = int(random.integers(0, 14))
        corner = random.uniform(0, 600, (count, 2))
        boxes = np.rint(np.concatenate([corner, corner + random.uniform(10, 60, (count, 2))], axis=1)).astype(
            np.float32
        )
        labels = np.zeros((count, label_count), bool)
        labels[np.arange(count), random.integers(0, label_count, count)] = True
        truth.append(GroundTruth(boxes, labels))
        corner = random.uniform(0, 600, (each, 2))
        guesses = np.concatenate([corner, corner + random.uniform(10, 60, (each, 2))], axis=1)
        label = random.integers(0, label_count, each)
        if count:
            near = random.random(each) < 0.6
            source = random.integers(0, count, each)
            guesses[near] = boxes[source[near]] + random.normal(0, 3, (int(near.sum()), 4))
            label[near] = labels.argmax(axis=1)[source[near]]
        guesses = np.rint(guesses)
        guesses[:, 2:] = np.maximum(guesses[:, 2:], guesses[:, :2] + 1)
        scores = np.zeros((each, label_count), np.float32)
        scores[np.arange(each), label] = random.random(each)
        found.append(Detections(guesses.astype(np.float32), scores, names))
    return truth, found, names


def coco(
    truth: list[GroundTruth], found: list[Detections], label_count: int
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The same rows as COCO's dictionaries."""
    annotations: list[dict[str, Any]] = []
    results: list[dict[str, Any]] = []
    for image, (true, guess) in enumerate(zip(truth, found, strict=True), start=1):
        for row, label in zip(*np.nonzero(true.labels), strict=True):
            x1, y1, x2, y2 = true.boxes[row].tolist()
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image,
                    "category_id": int(label) + 1,
                    "iscrowd": 0,
                    "bbox": [x1, y1, x2 - x1, y2 - y1],
                    "area": (x2 - x1) * (y2 - y1),
                }
            )
        for row, label in zip(*np.nonzero(guess.scores), strict=True):
            x1, y1, x2, y2 = guess.boxes[row].tolist()
            results.append(
                {
                    "image_id": image,
                    "category_id": int(label) + 1,
                    "bbox": [x1, y1, x2 - x1, y2 - y1],
                    "score": float(guess.scores[row, label]),
                }
            )
    dataset = {
        "info": {},
        "images": [{"id": i + 1, "width": 700, "height": 700} for i in range(len(truth))],
        "categories": [{"id": i + 1, "name": str(i)} for i in range(label_count)],
        "annotations": annotations,
    }
    return dataset, results


def oracle(
    api: Callable[..., Any], evaluator: Callable[..., Any], dataset: dict[str, Any], results: Any
) -> tuple[float, float]:
    """(AP at 0.5, AP over 0.5..0.95), silently."""
    with contextlib.redirect_stdout(io.StringIO()):
        truth = api()
        truth.dataset = dataset
        truth.createIndex()
        run = evaluator(truth, truth.loadRes(results), "bbox")
        run.evaluate()
        run.accumulate()
    precision = run.eval["precision"][:, :, :, 0, -1]
    return float(precision[0][precision[0] > -1].mean()), float(precision[precision > -1].mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--detections", type=int, default=200_000)
    parser.add_argument("--labels", type=int, default=6)
    parser.add_argument("--only-ours", action="store_true", help="leave out the two oracles")
    options = parser.parse_args()
    truth, found, names = make(options.images, options.detections, options.labels)
    boxes = sum(len(one) for one in truth)
    table = Table(title=f"{options.images:,} images, {boxes:,} boxes, {sum(map(len, found)):,} detections")
    for column in ("evaluator", "seconds", "AP@0.5", "AP"):
        table.add_column(column, justify="left" if column == "evaluator" else "right")

    def timed(name: str, work: Callable[[], tuple[float, float]]) -> None:
        started = time.perf_counter()
        ap50, ap = work()
        table.add_row(name, f"{time.perf_counter() - started:.2f}", f"{ap50:.6f}", f"{ap:.6f}")

    def ours() -> tuple[float, float]:
        result = evaluate_detections(truth, found, names)
        assert result.map50 is not None and result.map is not None
        return result.map50, result.map

    timed("DefectDesk", ours)
    if not options.only_ours:
        import faster_coco_eval
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval

        dataset, results = coco(truth, found, options.labels)
        timed(
            "faster-coco-eval",
            lambda: oracle(faster_coco_eval.COCO, faster_coco_eval.COCOeval_faster, dataset, results),
        )
        timed("pycocotools", lambda: oracle(COCO, COCOeval, dataset, results))
    console = Console()
    console.print(table)
    thousand = MatchTable.build(truth[:1000], found[:1000], names)
    started = time.perf_counter()
    thousand.at(0.5)
    console.print(
        f"matching of {len(truth[:1000]):,} images at a new threshold: {(time.perf_counter() - started) * 1000:.1f} ms"
    )


if __name__ == "__main__":
    main()
