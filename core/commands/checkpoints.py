"""Using what was trained: list, evaluate, predict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer

from core.commands.options import Device, Json, ProjectFolder, SplitName
from core.console import complain, complain_about, number, print_json, print_table, problems_to_json, progress_bar, say
from core.counting import format_count
from core.errors import InputError
from core.evaluation.average_precision import Evaluation
from core.evaluation.classification import Classification
from core.evaluation.joined_labels import JoinedLabels, rename_labels
from core.evaluation.operating_point import describe_own_choice, describe_point
from core.inspection import drawing
from core.inspection.lineage import count_chosen_on, count_learnt, learnt_from
from core.inspection.prediction_pictures import draw_detections
from core.models.registry import model_spec
from core.models.training_range import ImageFacts, compare_images
from core.operations.evaluations import describe_evaluations, describe_standing, keep_figures, standing_to_json
from core.operations.picture_folder import PictureFolder, gather_inputs
from core.operations.predict import (
    DepthNotices,
    choose_point,
    describe_skipped,
    detections_to_json,
    find_checkpoint,
    load_predictor,
    predict_files,
    predict_split,
    write_range,
)
from core.project.label_renames import describe_renames, find_renames
from core.project.palette import COLORS
from core.project.project import Project
from core.project.snapshot import take_snapshot

Threshold = Annotated[
    float | None,
    typer.Option(
        min=0,
        max=1,
        help="Score from which on every label counts; if left out, the checkpoint's own threshold of each label.",
    ),
]
Keep = Annotated[bool, typer.Option("--keep", help="Keep this threshold for the checkpoint, as set by hand.")]


def list_checkpoints(folder: ProjectFolder, json: Json = False) -> None:
    """List the saved models of a project."""
    with Project.open(folder, read_only=True) as project:
        records = project.runs.list_checkpoints()
        kept = describe_evaluations(project, records)
    if json:
        print_json(
            {
                "checkpoints": [
                    {
                        "id": one.id,
                        "run": one.run,
                        "epoch": one.epoch,
                        "model": one.model,
                        "path": str(one.path),
                        "map50": one.map50,
                        "map": one.map,
                        "best": one.best,
                        "created": one.created,
                        "size": one.size_bytes,
                        "labels": one.label_ap50,
                        "star": one.star,
                        "note": one.note,
                        "evaluations": [standing_to_json(each) for each in kept[one.path].standings],
                    }
                    for one in records
                ],
                "problems": [text for one in records for text in kept[one.path].problems],
            }
        )
        return
    if not records:
        say("no checkpoints yet; train a model first")
        return
    print_table(
        ("checkpoint", "model", ">epoch", ">mAP@0.5", ">mAP", "saved", "judged since"),
        [
            (
                ("★ " if one.star else "") + one.id,
                one.model,
                str(one.epoch),
                number(one.map50),
                number(one.map),
                one.created[:16].replace("T", " "),
                "; ".join(describe_standing(each) for each in kept[one.path].standings),
            )
            for one in records
        ],
    )
    for one in records:
        for text in kept[one.path].problems:
            complain(text)


def evaluate_checkpoint(
    folder: ProjectFolder,
    checkpoint: Annotated[
        str | None, typer.Option(help="Checkpoint id or file; the best of the project if left out.")
    ] = None,
    split: Annotated[SplitName, typer.Option(help="Images to judge by.")] = SplitName.TEST,
    threshold: Threshold = None,
    keep: Keep = False,
    device: Device = "auto",
    json: Json = False,
) -> None:
    """Judge a checkpoint by the labelled images of a split."""
    with Project.open(folder, read_only=True) as project:
        name, path = find_checkpoint(project, checkpoint)
        snapshot = take_snapshot(project)
        renamed = find_renames(project, path)
        is_listed = any(record.path == path for record in project.runs.list_checkpoints())
    stored = choose_point(path, threshold, keep=keep).renamed(renamed)
    predictor = load_predictor(path, device)
    with progress_bar("predicting", quiet=json) as progress:
        predicted = predict_split(predictor, snapshot, split, progress, renamed)
    is_detector = model_spec(predictor.description.model).task == "detect"
    judge = predicted.evaluation if is_detector else predicted.classification
    result = judge(stored.point.thresholds)
    notices = list(stored.notices)
    if is_listed and (threshold is None or keep):
        notices += keep_figures(path, snapshot, split, result, len(predicted.problems))
    known = learnt_from(path)
    learnt = None if known is None else count_learnt(predicted.images, known)
    chosen_here = count_chosen_on(predicted.images, path, stored)
    if json:
        extra = {
            "checkpoint": name,
            "split": str(split),
            "operating_point": stored.point.to_json(),
            "chosen_on_these": chosen_here,
            "renamed": renamed,
            "not_in_project": list(predicted.joined.not_in_project),
            "learnt_from": learnt,
            "images_per_second": round(predicted.images_per_second, 2),
            "depth": predicted.about_depth.to_json(),
            "differences": [one.to_json() for one in predicted.differences],
            "trained_on": write_range(predictor),
            "problems": problems_to_json(predicted.problems),
            "notices": notices,
        }
        print_json(result.to_json() | extra)
        return
    say(
        f"{name} on {format_count(result.images, 'image')} of {split}, {predicted.images_per_second:,.1f} images a second",
        "bold",
    )
    if isinstance(result, Classification):
        _print_classification(result)
    else:
        _print_evaluation(result)
    say(f"thresholds {describe_point(stored.point)}")
    if text := _describe_ignored(result):
        say(text)
    for text in [
        *notices,
        *describe_renames(renamed),
        *_describe_labels(result, predicted.joined),
        *(one.text for one in predicted.differences),
        *_describe_earlier_use(chosen_here, learnt, len(predicted.images)),
    ]:
        complain(text)
    for text in predicted.about_depth.list_texts():
        say(text)
    if predicted.problems:
        complain(f"{format_count(len(predicted.problems), 'image')} of {split} left out:")
    complain_about(predicted.problems)


def _describe_labels(result: Evaluation | Classification, joined: JoinedLabels) -> list[str]:
    """Which labels only the project or only the checkpoint has, and what becomes of them."""
    texts = []
    if joined.unknown_to_model:
        means = {"mAP": (result.map, result.map_all_labels)}
        if isinstance(result, Evaluation):
            means = {"mAP@0.5": (result.map50, result.map50_all_labels)} | means
        figures = [
            f"{name} {number(own)} becomes {number(every)}" for name, (own, every) in means.items() if own != every
        ]
        texts.append(
            f"the checkpoint does not know {', '.join(joined.unknown_to_model)}: left out of the means, and missed wherever "
            f"it is{'; with 0 for it, ' if figures else ''}{', '.join(figures)}"
        )
    if joined.not_in_project:
        texts.append(f"the project has no label {', '.join(joined.not_in_project)}: found, it counts as false")
    return texts


def _describe_earlier_use(chosen_here: int, learnt: int | None, images: int) -> list[str]:
    """Why figures on images are too good that thresholds were chosen on, or that the model was trained on."""
    texts = [describe_own_choice(chosen_here, images)] if chosen_here else []
    if learnt:
        texts.append(f"it was trained on {learnt:,} of these {images:,} images: expect more errors on new ones")
    return texts


def _describe_ignored(result: Evaluation | Classification) -> str:
    """What took no part in the figures; empty where everything did."""
    if isinstance(result, Classification):
        count = result.ignored_images
        images = "1 image has" if count == 1 else f"{count:,} images have"
        return f"{images} a difficult box, or one without a label: left out of the figures" if count else ""
    count, on_them = result.ignored_boxes, sum(one.ignored for one in result.labels.values())
    boxes = "1 box is" if count == 1 else f"{count:,} boxes are"
    detections = format_count(on_them, "detection")
    text = f"{boxes} ignored, being difficult or without a label; {detections} on them count as neither right nor false"
    return text if count else ""


def _print_evaluation(result: Evaluation) -> None:
    say(f"mAP@0.5 {number(result.map50)}   mAP@0.75 {number(result.map75)}   mAP@[.5:.95] {number(result.map)}")
    say(
        f"over all labels as one: AP@0.5 {number(result.agnostic_ap50)}   label sets exactly right: {number(result.exact_match)}"
    )
    _print_labels(result.labels, {"AP@0.5": "ap50", "AP": "ap"}, "boxes")


def _print_classification(result: Classification) -> None:
    say(f"mean AP {number(result.map)}   label sets exactly right: {number(result.exact_match)}")
    say(f"macro F1 {number(result.macro_f1)}   micro F1 {number(result.micro_f1)}")
    say(f"macro ROC-AUC {number(result.macro_roc_auc)}   micro ROC-AUC {number(result.micro_roc_auc)}")
    _print_labels(result.labels, {"AP": "ap", "ROC-AUC": "roc_auc"}, "images")


def _print_labels(labels: Mapping[str, Any], own: dict[str, str], counted_by: str) -> None:
    """A row for each label: measures that are `own` to the kind of model, those of all kinds, and how many carry it."""
    measures = own | {"precision": "precision", "recall": "recall", "F1": "f1"}
    print_table(
        ("label", *(f">{heading}" for heading in measures), ">at score", f">{counted_by}"),
        [
            (
                name,
                *(number(getattr(one, measure)) for measure in measures.values()),
                number(one.threshold, 2),
                str(getattr(one, counted_by)),
            )
            for name, one in labels.items()
        ],
    )


def _describe_cut(paths: Sequence[str]) -> list[str]:
    """What to say of images with more detections than are kept."""
    if not paths:
        return []
    return [
        f"{format_count(len(paths), 'image')} with more detections than are kept, such as {paths[0]}: the weakest are missing; "
        "give a higher --threshold, or cut the image into smaller ones"
    ]


def predict_images(
    checkpoint: Annotated[
        str, typer.Argument(help="Checkpoint file, or an id together with --project.", show_default=False)
    ],
    images: Annotated[
        list[Path], typer.Argument(metavar="IMAGE...", help="Image files or folders.", show_default=False)
    ],
    out: Annotated[Path | None, typer.Option(help="Folder for pictures with the detections drawn in.")] = None,
    project: Annotated[Path | None, typer.Option(help="Project that the checkpoint id belongs to.")] = None,
    threshold: Threshold = None,
    keep: Keep = False,
    device: Device = "auto",
    json: Json = False,
) -> None:
    """Find defects on images. The checkpoint file alone is enough."""
    path, renamed = Path(checkpoint), dict[str, str]()
    if project is not None:
        with Project.open(project, read_only=True) as opened:
            path = find_checkpoint(opened, checkpoint)[1]
            renamed = find_renames(opened, path)
    files, problems = gather_inputs(images, out, project)
    pictures = None if out is None else PictureFolder(out, files, images)
    stored = choose_point(path, threshold, keep=keep).renamed(renamed)
    point = stored.point
    predictor = load_predictor(path, device)
    colors = [drawing.parse_color(COLORS[index % len(COLORS)]) for index in range(len(predictor.label_names))]
    results: list[dict[str, Any]] = []
    about_depth, cut = DepthNotices(), list[str]()
    facts: list[ImageFacts] = []
    with (
        progress_bar("predicting", quiet=json) as progress,
        pictures.removed_on_failure() if pictures else nullcontext(),
    ):
        for done, one in enumerate(predict_files(predictor, files, keep_pixels=out is not None), start=1):
            if one.detections is None:
                problems.append(describe_skipped(one))
            else:
                about_depth.add(one)
                facts += [one.facts] if one.facts is not None else []
                found = rename_labels(one.detections, renamed)
                if one.cut_at >= min(point.list_limits(found.label_names), default=1):
                    cut.append(one.path)
                results.append({"path": one.path, "detections": detections_to_json(found, point)})
                if one.pixels is not None and pictures is not None:
                    picture = draw_detections(one.pixels, found, point.list_limits(found.label_names), colors)
                    results[-1]["picture"] = str(pictures.write_picture(Path(one.path), picture))
            progress(done, len(files))
    if not results:
        raise InputError(f"{problems[-1].file}: {problems[-1].problem}; none of the {len(files):,} files could be read")
    described = predictor.description
    differences = compare_images(described.trained_on, facts, described.input.mode)
    if json:
        told = {
            "differences": [one.to_json() for one in differences],
            "trained_on": write_range(predictor),
            "operating_point": point.to_json(),
            "renamed": renamed,
            "depth": about_depth.to_json(),
            "problems": problems_to_json(problems),
            "notices": [*stored.notices, *_describe_cut(cut)],
        }
        print_json({"images": results, "checkpoint": str(path)} | told)
        return
    for result in results:
        texts = [
            " + ".join(f"{name} {one['scores'][name]:.2f}" for name in one["labels"]) for one in result["detections"]
        ]
        say(f"{result['path']}: {', '.join(texts) or 'no defect found'}")
    say(f"thresholds {describe_point(point)}")
    for text in [
        *stored.notices,
        *describe_renames(renamed),
        *(one.text for one in differences),
        *_describe_cut(cut),
    ]:
        complain(text)
    for text in about_depth.list_texts():
        say(text)
    if pictures is not None:
        say(f"pictures: {pictures.path}")
    complain_about(problems)
