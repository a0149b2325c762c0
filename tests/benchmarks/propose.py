"""What `defectdesk propose` is worth: the proposal beside the usual model's defaults, in the same minutes.

    python -m tests.benchmarks.propose small --minutes 4 --seeds 0 1 --out DIR
    python -m tests.benchmarks.propose deeppcb --data FOLDER --minutes 4 --out DIR     FOLDER holds DeepPCB's train.json
    python -m tests.benchmarks.propose sample256 --arm "fast:sampling.input_size=192" --out DIR
    python -m tests.benchmarks.propose --table --out DIR

All arms of a seed train at the same time, one thread each, so that what else the machine does meets them alike. Each
is judged by its best checkpoint on a test split that nothing was chosen by. Results are added to DIR/propose.jsonl,
each with the load of the machine.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import yaml
from numpy.typing import NDArray

from core.formats.importing import import_into
from core.formats.registry import detect_format, read_annotations
from core.jobs.events import SpeedMeasured
from core.operations.propose import forget_trial, prepare_trial, request_proposal
from core.operations.start_run import prepare_run
from core.project.edits import image_edits
from core.project.project import Project
from core.recipe.draft import USUAL_MODEL, fit_to_project
from core.recipe.recipe import Recipe, default_recipe, load_recipe, with_settings
from core.sample.defects import DEFECTS, SHARES
from core.sample.picture import SAMPLE_LABELS
from core.sample.project import make_sample_project
from core.sample.surfaces import make_surface
from core.types import Split

GROUP_DIGITS = 5  # of DeepPCB's file names: the board
TEST_IMAGES, VAL_IMAGES = 120, 60  # of DeepPCB's train.json
FRACTIONS = {"train": 0.6, "val": 0.1, "test": 0.3}
_THREADS = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}


def main() -> None:
    arguments = _parse_arguments()
    arguments.out.mkdir(parents=True, exist_ok=True)
    if arguments.train:
        _train_run(arguments.train)
    elif arguments.speed:
        _measure_speed(arguments.speed)
    elif arguments.table:
        _print_table(arguments.out / "propose.jsonl")
    else:
        for name in arguments.sets:
            folder = arguments.out / name
            if not folder.exists():
                SETS[name](folder, arguments.data)
            for seed in arguments.seeds:
                _compare_arms(arguments, name, folder, seed)


def _compare_arms(arguments: argparse.Namespace, name: str, folder: Path, seed: int) -> None:
    """Train all arms with one seed at the same time, and write down what came of each."""
    runs: dict[str, Path] = {}
    for arm, recipe in _list_arms(arguments, folder).items():
        with Project.open(folder) as project:
            runs[arm] = prepare_run(project, with_settings(recipe, {"seed": seed})).path
    children = {arm: _start_child(arguments.out, "--train", run) for arm, run in runs.items()}
    for arm, child in children.items():
        answer, _ = child.communicate()
        row = {"set": name, "arm": arm, "seed": seed, "minutes": arguments.minutes, "run": runs[arm].name}
        row |= {"command": " ".join(sys.argv[1:]), "load": [round(one, 1) for one in os.getloadavg()]}
        row |= json.loads(answer.splitlines()[-1]) if answer.strip() else {"failed": child.returncode}
        with (arguments.out / "propose.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        print(json.dumps(row), flush=True)


def _start_child(out: Path, what: str, folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.benchmarks.propose", "--out", str(out), what, str(folder)]
    return subprocess.Popen(command, env=os.environ | _THREADS, stdout=subprocess.PIPE, text=True)


def _list_arms(arguments: argparse.Namespace, folder: Path) -> dict[str, Recipe]:
    limit = {"limits.time_minutes": arguments.minutes, "limits.workers": 1}
    with Project.open(folder) as project:
        usual = with_settings(fit_to_project(default_recipe(USUAL_MODEL), project)[0], limit)
    arms: dict[str, Recipe] = {}
    for text in arguments.arm:
        name, _, settings = text.partition(":")
        pairs = (one.split("=", 1) for one in settings.split(",") if one)
        arms[name] = with_settings(usual, {key: yaml.safe_load(value) for key, value in pairs})
    if not arguments.arm:
        with Project.open(folder) as project:
            request = request_proposal(project, arguments.minutes, usual)
            job = prepare_trial(project, request.recipe, request.snapshot)
        # Measured on one thread as well, as what is proposed will be trained.
        child = _start_child(arguments.out, "--speed", job.path)
        answer, _ = child.communicate()
        proposal = request.make_proposal(SpeedMeasured(**json.loads(answer.splitlines()[-1])))
        forget_trial(job)
        print("\n".join(f"  {choice.sentence}" for choice in proposal.choices), flush=True)
        arms |= {"defaults": usual, "proposed": with_settings(proposal.recipe, limit)}
    return arms


def _train_run(folder: Path) -> None:
    """Train the run in `folder` here, judge its best checkpoint on the test split, and print both as one line."""
    import torch

    from core.evaluation.average_precision import evaluate_detections
    from core.jobs.events import EpochDone, RunFailed, RunFinished, StepDone, to_json
    from core.operations.predict import load_predictor, predict_split
    from core.project.snapshot import Snapshot
    from core.training.loop import train

    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    recipe, snapshot = load_recipe(folder / "recipe.yaml"), Snapshot.load(folder / "snapshot.json")
    row: dict[str, Any] = {"model": recipe.model, "planned": recipe.schedule.epochs, "steps": 0, "curve": []}
    for event in train(recipe, snapshot, folder, lambda: False):
        match event:
            case StepDone():
                steps = event.step
            case EpochDone():
                row["steps"] += steps
                row |= {"epochs": event.epoch, "pictures_per_second": round(event.images_per_second, 1)}
                row["curve"].append(round(event.map50 or 0, 3))
            case RunFinished():
                row |= {"seconds": round(event.seconds), "cpu_seconds": round(time.process_time())}
            case RunFailed():
                print(json.dumps(row | {"failed": to_json(event)}), flush=True)
                return
    predictor = load_predictor(folder / "checkpoints" / "best.safetensors", "cpu")
    found = predict_split(predictor, snapshot, Split.TEST)
    judged = evaluate_detections(found.truth, found.found, snapshot.label_names)
    print(json.dumps(row | {"ap50": round(judged.map50, 4), "ap": round(judged.map, 4)}), flush=True)


def _measure_speed(folder: Path) -> None:
    """Print what a short trial of the recipe in `folder` measures here, as one line."""
    import torch

    from core.project.snapshot import Snapshot
    from core.training.speed_trial import try_speed

    torch.set_num_threads(1)
    *_, measured = try_speed(
        load_recipe(folder / "recipe.yaml"), Snapshot.load(folder / "snapshot.json"), lambda: False
    )
    print(json.dumps(asdict(measured)), flush=True)


def _print_table(path: Path) -> None:
    """AP@0.5 of each arm by set: the mean over its seeds, and how often it was worse than the defaults."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    results: dict[str, dict[str, dict[int, dict[str, Any]]]] = defaultdict(lambda: defaultdict(dict))
    for row in rows:
        results[row["set"]][row["arm"]][row["seed"]] = row
    gains = []
    for name, arms in results.items():
        for seed in sorted(arms["proposed"].keys() & arms["defaults"].keys()):
            usual, proposed = arms["defaults"][seed], arms["proposed"][seed]
            gains.append(proposed["ap50"] - usual["ap50"])
            print(
                f"{name:12} seed {seed}  AP50 {usual['ap50']:.3f} -> {proposed['ap50']:.3f}  "
                f"AP {usual['ap']:.3f} -> {proposed['ap']:.3f}  {usual['minutes']:g} min, processor "
                f"{usual['cpu_seconds']} and {proposed['cpu_seconds']} s  load {usual['load'][0]:g}"
            )
    if gains:
        print(f"mean gain in AP50 {np.mean(gains):+.3f}, worst {min(gains):+.3f}, of {len(gains)} comparisons")


# -- sets ----------------------------------------------------------------------------------------------------------


def _make_deeppcb(folder: Path, data: Path | None) -> None:
    """Boards of train.json, of which some are held out: none of them in two splits."""
    if data is None:
        raise SystemExit("deeppcb needs --data, the folder with DeepPCB's train.json")
    with Project.creating(folder) as project:
        import_into(project, read_annotations(data / "train.json", detect_format(data / "train.json").format))
        boards: dict[str, list[int]] = defaultdict(list)
        for image in project.images():
            boards[Path(image.path).name[:GROUP_DIGITS]].append(image.id)
        splits: dict[Split, list[int]] = {Split.TEST: [], Split.VAL: [], Split.TRAIN: []}
        for board in np.random.default_rng(0).permutation(sorted(boards)).tolist():
            few = [
                split
                for split, most in ((Split.TEST, TEST_IMAGES), (Split.VAL, VAL_IMAGES))
                if len(splits[split]) < most
            ]
            splits[few[0] if few else Split.TRAIN] += boards[board]
        # Of a large board the rest is left out, so that judging does not take longer than learning.
        for split, most in ((Split.TEST, TEST_IMAGES), (Split.VAL, VAL_IMAGES)):
            project.apply(image_edits.set_split(project, splits[split][:most], split))
        project.apply(image_edits.set_split(project, splits[Split.TRAIN], Split.TRAIN))


def _make_sample(count: int, size: int) -> Callable[[Path, Path | None], None]:
    def make(folder: Path, _data: Path | None) -> None:
        make_sample_project(folder, count, size).close()
        with Project.open(folder) as project:
            project.apply(image_edits.assign_splits(project, FRACTIONS, seed=0, all=True))

    return make


def _make_drawn(count: int, size: tuple[int, int], defects: tuple[int, int], scale: float) -> Callable[..., None]:
    """Surfaces of (width, height) with between so many defects, drawn `scale` times as large as usual."""

    def make(folder: Path, _data: Path | None) -> None:
        images, annotations = [], []
        pictures = folder.parent / f"{folder.name}-images"
        pictures.mkdir(parents=True, exist_ok=True)
        for index in range(count):
            picture, boxes, labels = _draw_image(index, size, defects, scale)
            cv2.imwrite(str(pictures / f"{index:04d}.png"), picture, [cv2.IMWRITE_PNG_COMPRESSION, 1])
            images.append({"id": index, "file_name": f"{index:04d}.png", "width": size[0], "height": size[1]})
            for (x1, y1, x2, y2), label in zip(boxes, labels, strict=True):
                annotations.append(
                    {
                        "id": len(annotations),
                        "image_id": index,
                        "category_id": label,
                        "bbox": [x1, y1, x2 - x1, y2 - y1],
                    }
                )
        categories = [{"id": place, "name": name} for place, name in enumerate(SAMPLE_LABELS)]
        path = pictures / "boxes.json"
        path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}))
        with Project.creating(folder) as project:
            import_into(project, read_annotations(path, detect_format(path).format))
            project.apply(image_edits.assign_splits(project, FRACTIONS, seed=0, all=True))

    return make


def _draw_image(
    index: int, size: tuple[int, int], defects: tuple[int, int], scale: float
) -> tuple[NDArray[np.uint8], list[tuple[int, int, int, int]], list[int]]:
    random = np.random.default_rng(index)
    width, height = size
    surface = make_surface(random, width, height)
    boxes: list[tuple[int, int, int, int]] = []
    labels: list[int] = []
    for _ in range(int(random.integers(*defects, endpoint=True))):
        defect = DEFECTS[int(random.choice(len(DEFECTS), p=SHARES))](random, scale)
        seen = np.max([layer.alpha for layer in defect.layers], axis=0)
        rows, columns = np.nonzero(seen > 0.3 * seen.max())
        left, top, right, bottom = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
        if right - left > width - 8 or bottom - top > height - 8:
            continue
        x = int(random.integers(2, width - (right - left) - 2))
        y = int(random.integers(2, height - (bottom - top) - 2))
        box = (x, y, int(x + right - left), int(y + bottom - top))
        if any(box[0] < b[2] and b[0] < box[2] and box[1] < b[3] and b[1] < box[3] for b in boxes):
            continue
        under = surface[box[1] : box[3], box[0] : box[2]]
        for layer in defect.layers:
            alpha = layer.alpha[top:bottom, left:right, None]
            under += alpha * (under * (np.asarray(layer.gain, np.float32) - 1) + np.float32(layer.offset))
        boxes.append(box)
        labels.append(SAMPLE_LABELS.index(sorted(defect.labels)[0]))
    surface += random.standard_normal(surface.shape[:2], np.float32)[..., None] * 0.01
    return np.clip(surface * 255 + 0.5, 0, 255).astype(np.uint8), boxes, labels


SETS: dict[str, Callable[[Path, Path | None], None]] = {
    "deeppcb": _make_deeppcb,
    "sample256": _make_sample(160, 256),
    "sample640": _make_sample(60, 640),
    "sample1280": _make_sample(30, 1280),
    "small": _make_drawn(400, (200, 200), (1, 2), 2.5),
    "large": _make_drawn(24, (4000, 3000), (8, 16), 1.0),
}


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", metavar="SET", help=f"of {', '.join(SETS)}")
    parser.add_argument("--out", type=Path, required=True, help="folder for projects, runs and results")
    parser.add_argument("--data", type=Path, help="DeepPCB's folder")
    parser.add_argument("--minutes", type=float, default=4)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument(
        "--arm",
        action="append",
        default=[],
        metavar="NAME:KEY=VALUE,...",
        help="in the place of both, the defaults with these settings",
    )
    parser.add_argument("--table", action="store_true", help="print what DIR/propose.jsonl holds")
    parser.add_argument("--train", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--speed", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if unknown := [name for name in arguments.sets if name not in SETS]:
        parser.error(f"there is no set {unknown[0]}; choose from {', '.join(SETS)}")
    if not (arguments.train or arguments.speed or arguments.table or arguments.sets) or not math.isfinite(
        arguments.minutes
    ):
        parser.error("name a set")
    return arguments


if __name__ == "__main__":
    main()
