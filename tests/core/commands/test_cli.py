"""The command line: what programs may rely on, what people get told, and that nothing heavy is loaded for nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core import cli
from core.evaluation.operating_point import OperatingPoint
from core.imaging.decode import decode
from core.inspection import drawing
from core.jobs.folder import JobFolder
from core.models.registry import MODELS
from core.operations.predict import detections_to_json
from core.project.edits import box_edits, image_edits
from core.project.edits.box_edits import toggle_difficult
from core.project.project import Project
from core.safetensors_header import read_metadata
from core.sample import SAMPLE_LABELS, make_sample_project
from core.types import Detections, Split
from tests.builders import draw
from tests.core.conftest import Run

ROOT = Path(__file__).parents[3]
TINY = (
    "--set",
    "sampling.input_size=64",
    "--set",
    "limits.precision=fp32",
    "--set",
    "schedule.batch_size=4",
    "--device",
    "cpu",
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    """A project with one run of one epoch, and the events that `train --json` printed."""
    folder = tmp_path_factory.mktemp("trained") / "project"
    with make_sample_project(folder, count=14, size=96, seed=1) as project:
        ids = project.image_ids()
        project.apply(image_edits.set_split(project, ids, Split.NONE))
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "core.cli",
            "train",
            str(folder),
            "--model",
            "ssd_compact",
            "--epochs",
            "1",
            *TINY,
            "--json",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder, [json.loads(line) for line in done.stdout.splitlines()]


def one_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    assert len(lines) == 1, text
    assert "Traceback" not in text
    return lines[0]


def write_image(path: Path, size: int = 70) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    drawing.write_picture(path, np.full((size, size, 3), 128, np.uint8))
    return path


# Help and start ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command",
    ["demo", "new", "import", "export", "info", "models", "train", "evaluate", "predict", "checkpoints", "open"],
)
def test_every_command_has_help(run: Run, command: str) -> None:
    code, out, _ = run(command, "--help")
    assert code == 0 and "Usage" in out


def test_the_light_commands_never_load_torch_or_qt(tmp_path: Path) -> None:
    program = f"""
import sys
from core.cli import main
def run(*arguments):
    sys.argv = ["defectdesk", *arguments]
    try: main()
    except SystemExit as leaving: assert not leaving.code, arguments
folder = {str(tmp_path / "p")!r}
run("--help"); run("new", folder, "--labels", "a"); run("info", folder); run("models"); run("checkpoints", folder)
run("import", folder, "--format", "coco", {str(tmp_path / "c.json")!r})
print(sorted(name for name in sys.modules if name in ("torch", "torchvision", "PySide6", "pyqtgraph")))
"""
    write_image(tmp_path / "a.png")
    (tmp_path / "c.json").write_text(json.dumps(coco_file()))
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"


def test_without_a_command_the_window_opens(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    opened: list[Path | None] = []
    window = type(sys)("desktop.start")
    window.start_window = opened.append  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "desktop.start", window)
    assert run()[0] == 0
    Project.create(tmp_path / "p").close()
    assert run("open", tmp_path / "p")[0] == 0
    assert opened == [None, tmp_path / "p"]
    code, _, err = run("open", tmp_path / "nothing")
    assert code == 2 and "nothing" in one_line(err)
    assert len(opened) == 2


@pytest.mark.parametrize(
    "arguments",
    [("bogus",), ("info",), ("models", "--bogus"), ("evaluate", "x", "--split", "half"), ("predict", "a.safetensors")],
)
def test_wrong_arguments_are_one_line_and_code_2(run: Run, arguments: tuple[str, ...]) -> None:
    code, out, err = run(*arguments)
    assert code == 2 and out == ""
    one_line(err)


# Projects ------------------------------------------------------------------------------------------------------------


def test_new_refers_to_the_readable_images_and_names_the_others(run: Run, tmp_path: Path) -> None:
    images = tmp_path / "bilder ü"
    write_image(images / "one.png")
    write_image(images / "below" / "two.jpg")
    (images / "empty.png").touch()
    (images / "broken.jpg").write_bytes((images / "below" / "two.jpg").read_bytes()[:150])
    code, out, _ = run("new", tmp_path / "p", "--images", images, "--labels", "scratch, stain", "--json")
    assert code == 0
    values = json.loads(out)
    assert values["images"] == 2 and values["boxes"] == 0
    assert values["labels"] == {"scratch": 0, "stain": 0}
    assert values["status"]["unlabelled"] == 2
    assert {Path(one["file"]).name for one in values["problems"]} == {"empty.png", "broken.jpg"}
    assert all(one["problem"] for one in values["problems"])
    code, out, _ = run("info", tmp_path / "p", "--json")
    assert code == 0
    told = json.loads(out)
    assert all(values[key] == told[key] for key in ("images", "boxes", "labels", "status", "splits", "cameras"))


def test_new_takes_what_a_pattern_of_the_shell_names(run: Run, tmp_path: Path) -> None:
    files = [write_image(tmp_path / "images" / name) for name in ("a.png", "b.png", "c.png")]
    code, out, _ = run("new", tmp_path / "p", "--images", *files, "--json")
    assert code == 0 and json.loads(out)["images"] == 3


@pytest.mark.parametrize("content", ["nothing", "text", "empty image"])
def test_new_leaves_nothing_where_no_image_can_be_used(run: Run, tmp_path: Path, content: str) -> None:
    images = tmp_path / "images"
    images.mkdir()
    if content != "nothing":
        (images / ("a.txt" if content == "text" else "a.png")).touch()
    code, out, err = run("new", tmp_path / "p", "--images", images)
    assert (code, out) == (2, "") and not (tmp_path / "p").exists()
    why = {"nothing": "no images in it", "text": "not an image file", "empty image": "empty (0 bytes)"}
    assert why[content] in one_line(err) and str(images) in err


@pytest.mark.parametrize(
    "arguments", [("new", ""), ("new", "p", "--images", ""), ("new", "p", "--images="), ("predict", "x", "", "--out=")]
)
def test_an_empty_path_is_not_the_current_folder(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, err = run(*arguments)
    assert code == 2 and "an empty text ('')" in one_line(err)
    assert not list(tmp_path.iterdir())


def test_no_labels_may_be_an_empty_text(run: Run, tmp_path: Path) -> None:
    assert run("new", tmp_path / "p", "--labels", "")[0] == 0
    assert run("new", tmp_path / "q", "--labels=")[0] == 0


def test_names_are_printed_as_they_are_and_on_one_line(run: Run, tmp_path: Path) -> None:
    images = tmp_path / "images"
    write_image(images / "a.png")
    (images / "two  blanks.txt").touch()
    (images / "red\x1b[31m.txt").touch()
    code, out, err = run("new", tmp_path / "line\nbreak", "--images", images)
    assert code == 0 and out.startswith("line\\nbreak: 1 image, 0 boxes\n")
    assert "two  blanks.txt" in err and "red\\x1b[31m.txt" in err and "\x1b" not in err


def test_new_refuses_a_project_and_images_that_are_not_there(run: Run, tmp_path: Path) -> None:
    code, _, err = run("new", tmp_path / "p", "--images", tmp_path / "nowhere")
    assert code == 2 and "nowhere" in one_line(err)
    assert not (tmp_path / "p").exists()
    assert run("new", tmp_path / "p")[0] == 0
    code, _, err = run("new", tmp_path / "p")
    assert code == 2 and "there is a project" in one_line(err)


def coco_file() -> dict[str, Any]:
    return {
        "images": [
            {"id": 1, "file_name": "a.png", "width": 70, "height": 70},
            {"id": 2, "file_name": "gone.png", "width": 70, "height": 70},
        ],
        "categories": [{"id": 1, "name": "scratch"}, {"id": 2, "name": "stain"}],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 1, "bbox": [10, 10, 20, 20]},
            {"id": 2, "image_id": 1, "category_id": 2, "bbox": [10, 10, 20, 20]},
            {"id": 3, "image_id": 2, "category_id": 2, "bbox": [10, 10, 20, 20]},
        ],
    }


def test_import_makes_a_project_and_lists_what_was_skipped(run: Run, tmp_path: Path) -> None:
    write_image(tmp_path / "a.png")
    (tmp_path / "c.json").write_text(json.dumps(coco_file()))
    code, out, _ = run("import", tmp_path / "p", "--format", "coco", tmp_path / "c.json", "--json")
    assert code == 0
    values = json.loads(out)
    assert values["images"] == 1 and values["boxes"] == 1
    assert values["labels"] == {"scratch": 1, "stain": 1}
    assert any("gone.png" in one["file"] + one["problem"] for one in values["problems"])
    code, out, err = run("import", tmp_path / "p", "--format", "coco", tmp_path / "c.json")
    assert code == 0 and "1 image," in out and "gone.png" in err


def test_a_dry_run_says_what_is_there_and_changes_nothing(run: Run, tmp_path: Path) -> None:
    write_image(tmp_path / "a.png")
    (tmp_path / "c.json").write_text(json.dumps(coco_file()))
    code, out, _ = run("import", tmp_path / "p", tmp_path / "c.json", "--dry-run", "--json")
    assert code == 0
    values = json.loads(out)
    assert (values["format"], values["images"], values["boxes"], values["merged"]) == ("coco", 1, 1, 1)
    assert values["labels"] == {"scratch": 1, "stain": 1} and values["missing"] == ["gone.png"]
    code, out, err = run("import", tmp_path / "p", tmp_path / "c.json", "--dry-run")
    assert code == 0 and "COCO: 1 image, 1 box; nothing was changed" in out and "gone.png" in err
    assert not (tmp_path / "p").exists()


@pytest.mark.parametrize("format", ["coco", "voc", "yolo", "labelme", "csv"])
def test_export_and_import_by_detection_bring_everything_back(run: Run, tmp_path: Path, format: str) -> None:
    make_sample_project(tmp_path / "p", count=6, size=64, seed=2).close()
    code, out, _ = run("export", tmp_path / "p", tmp_path / "out", "--format", format, "--copy-images", "--json")
    assert code == 0
    report = json.loads(out)
    assert report["images"] == 6 and report["boxes"] > 3 and report["problems"] == [] and report["losses"]
    code, out, _ = run("import", tmp_path / "q", tmp_path / "out", "--json")
    assert code == 0
    before, after = (json.loads(run("info", tmp_path / name, "--json")[1]) for name in ("p", "q"))
    assert before == after and json.loads(out)["problems"] == []


def test_an_export_counts_and_names_the_pictures_that_were_replaced(run: Run, tmp_path: Path) -> None:
    make_sample_project(tmp_path / "p", count=4, size=64, seed=2).close()
    replaced = tmp_path / "p" / "images" / "surface-0001.png"
    replaced.unlink()
    write_image(replaced, 64)
    command = ("export", tmp_path / "p", tmp_path / "out", "--format", "yolo")
    code, out, err = run(*command)
    assert code == 0 and "3 images" in out and "1 image left out" in err
    assert "surface-0001.png: it holds another picture than when it was added" in err
    code, out, _ = run(*command[:2], tmp_path / "copied", *command[3:], "--copy-images", "--json")
    assert code == 0 and (json.loads(out)["images"], json.loads(out)["left_out"]) == (3, 1)
    assert not list((tmp_path / "copied").rglob("surface-0001.*"))


def test_export_takes_parts_and_refuses_in_one_line(run: Run, tmp_path: Path) -> None:
    make_sample_project(tmp_path / "p", count=12, size=64, seed=2).close()
    train = json.loads(run("info", tmp_path / "p", "--json")[1])["splits"]["train"]
    command = ("export", tmp_path / "p", tmp_path / "out", "--format", "csv")
    code, out, _ = run(*command, "--split", "train", "--status", "labelled", "--status", "clean")
    assert code == 0 and f"{train} images" in out and "names of images start at" in out
    for wrong, word in (
        (command, "earlier export"),
        ((*command[:4], "tfrecord"), "tfrecord"),
        ((*command[:3],), "format"),
        (("export", tmp_path / "gone", tmp_path / "o", "--format", "csv"), "gone"),
        ((*command, "--overwrite", "--status", "unlabelled"), "no image"),
        (("export", tmp_path / "p", tmp_path / "p", "--format", "csv", "--overwrite"), "other things"),
        (("import", tmp_path / "q", tmp_path / "nothing"), "nothing"),
        (("import", tmp_path / "q", tmp_path / "p" / "project.sqlite"), "none of the annotation formats"),
    ):
        code, out, err = run(*wrong)
        assert code == 2 and out == "" and word in one_line(err), wrong
    assert run(*command, "--overwrite")[0] == 0
    assert not (tmp_path / "q").exists()


def test_import_into_a_folder_of_something_else_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "c.json").write_text(json.dumps(coco_file()))
    code, _, err = run("import", tmp_path, "--format", "coco", tmp_path / "c.json")
    assert code == 2
    one_line(err)
    (tmp_path / "c.json").write_text("{broken")
    code, _, err = run("import", tmp_path / "p", "--format", "coco", tmp_path / "c.json")
    assert code == 2 and "c.json" in one_line(err)
    assert not (tmp_path / "p").exists()


@pytest.mark.parametrize("command", ["info", "checkpoints", "train", "evaluate"])
def test_a_folder_that_is_no_project_is_one_clear_line(run: Run, tmp_path: Path, command: str) -> None:
    code, out, err = run(command, tmp_path)
    assert code == 2 and out == ""
    assert str(tmp_path) in one_line(err)


def test_models_lists_the_registry(run: Run) -> None:
    code, out, _ = run("models", "--json")
    assert code == 0
    listed = json.loads(out)["models"]
    assert [one["name"] for one in listed] == list(MODELS)
    assert all(one["parameters"] > 1e6 and one["gflops"] > 0.5 and one["stages"] for one in listed)
    assert "ssd_compact" in run("models")[1]


# Training ------------------------------------------------------------------------------------------------------------


def test_train_prints_one_event_a_line_and_says_that_it_divided_the_images(
    trained: tuple[Path, list[dict[str, Any]]],
) -> None:
    folder, events = trained
    assert any(event["event"] == "notice" and "divided" in event["text"] for event in events)
    epochs = [event for event in events if event["event"] == "epoch"]
    assert len(epochs) == 1
    assert {"epoch", "train_loss", "val_loss", "map50", "map", "images_per_second"} <= set(epochs[0])
    assert events[-1]["event"] == "finished" and events[-1]["stopped"] is False
    run_folder = JobFolder(folder / "runs" / "r001")
    assert run_folder.read_lines()[0] == events
    assert run_folder.state() == "finished" and run_folder.read_job()["kind"] == "train"
    with Project.open(folder) as project:
        assert min(project.counts().splits[name] for name in ("train", "val", "test")) >= 1


def test_a_recipe_is_checked_before_anything_is_made(
    run: Run, trained: tuple[Path, list[dict[str, Any]]], tmp_path: Path
) -> None:
    folder, _ = trained
    before = sorted((folder / "runs").iterdir())
    for wrong, word in (
        (("--set", "optimizer.lr=fast"), "optimizer.lr"),
        (("--set", "nonsense=1"), "nonsense"),
        (("--set", "alone"), "KEY=VALUE"),
        (("--model", "yolo"), "yolo"),
        (("--epochs", "0"), "epochs"),
        (("--recipe", tmp_path / "no.yaml"), "no.yaml"),
        (("--set", "a=[1"), "YAML"),
        (("--from", "r009-best"), "r009-best"),
    ):
        code, out, err = run("train", folder, *wrong)
        assert code == 2 and out == "", wrong
        assert word in one_line(err)
    assert sorted((folder / "runs").iterdir()) == before


def test_training_without_labelled_images_is_refused(run: Run, tmp_path: Path) -> None:
    write_image(tmp_path / "images" / "a.png")
    run("new", tmp_path / "p", "--images", tmp_path / "images", "--labels", "scratch")
    code, _, err = run("train", tmp_path / "p", "--epochs", "1")
    assert code == 2 and "labelled" in one_line(err)


def test_ctrl_c_stops_in_good_order_and_keeps_the_last_checkpoint(tmp_path: Path) -> None:
    make_sample_project(tmp_path / "p", count=12, size=96, seed=2).close()
    process = subprocess.Popen(
        [sys.executable, "-m", "core.cli", "train", str(tmp_path / "p"), "--epochs", "5000", *TINY, "--json"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if json.loads(line)["event"] == "step":
            break
    os.kill(process.pid, signal.SIGINT)
    rest, error = process.communicate(timeout=60)
    assert process.returncode == 0, error
    last = json.loads(rest.splitlines()[-1])
    assert last["event"] == "finished" and last["stopped"] is True
    assert JobFolder(tmp_path / "p" / "runs" / "r001").state() == "stopped"
    with Project.open(tmp_path / "p", read_only=True) as project:
        assert [record.id for record in project.runs.list_checkpoints() if record.id.endswith("last")]


# Using a checkpoint --------------------------------------------------------------------------------------------------


def test_checkpoints_lists_what_was_saved(run: Run, trained: tuple[Path, list[dict[str, Any]]]) -> None:
    folder, events = trained
    code, out, _ = run("checkpoints", folder, "--json")
    assert code == 0
    records = json.loads(out)["checkpoints"]
    assert {one["id"] for one in records} == {event["id"] for event in events if event["event"] == "checkpoint"}
    for one in records:
        assert {"id", "run", "epoch", "model", "path", "map50", "map", "best"} <= set(one)
        assert Path(one["path"]).is_file() and one["run"] == "r001" and one["model"] == "ssd_compact"
    assert "r001" in run("checkpoints", folder)[1]


def test_what_evaluate_measured_is_kept_with_the_checkpoint(
    run: Run, trained: tuple[Path, list[dict[str, Any]]]
) -> None:
    folder, _ = trained

    def list_kept() -> list[dict[str, Any]]:
        records = json.loads(run("checkpoints", folder, "--json")[1])["checkpoints"]
        return next(record["evaluations"] for record in records if record["id"] == "r001-last")

    result = json.loads(run("evaluate", folder, "--checkpoint", "r001-last", "--split", "val", "--json")[1])
    kept = next(one for one in list_kept() if one["split"] == "val")
    assert (kept["made_by"], kept["images"], kept["map50"], kept["stale"]) == (
        "evaluate",
        result["images"],
        result["map50"],
        False,
    )
    assert kept["figures"]["labels"] == result["labels"] and result["images_per_second"] > 0
    # A threshold that is only tried changes nothing that is kept.
    all_kept = list_kept()
    assert run("evaluate", folder, "--checkpoint", "r001-last", "--split", "val", "--threshold", "0.9")[0] == 0
    assert list_kept() == all_kept and kept in all_kept
    with Project.open(folder) as project:
        image = next(image for image in project.images() if image.split == Split.VAL)
        before = project.boxes(image.id)
        draw(project, image.id, (1, 1, 9, 9), [SAMPLE_LABELS[0]])
    assert next(one["outdated"] for one in list_kept() if one["split"] == "val")
    assert "(outdated)" in run("checkpoints", folder)[1]
    with Project.open(folder) as project:
        known = {box.id for box in before}
        project.apply(
            box_edits.delete_boxes(
                project, image.id, [box.id for box in project.boxes(image.id) if box.id not in known]
            )
        )
    assert not any(one["stale"] for one in list_kept())


def test_evaluate_takes_an_id_or_a_path(run: Run, trained: tuple[Path, list[dict[str, Any]]]) -> None:
    folder, _ = trained
    code, out, _ = run("evaluate", folder, "--checkpoint", "r001-last", "--split", "val", "--json")
    assert code == 0
    values = json.loads(out)
    assert {"images", "map50", "map75", "map", "labels"} <= set(values)
    assert set(values["labels"]) == set(SAMPLE_LABELS)
    assert all({"ap50", "precision", "recall", "boxes"} <= set(one) for one in values["labels"].values())
    with Project.open(folder, read_only=True) as project:
        assert values["images"] == project.counts().splits["val"]
        path = next(record.path for record in project.runs.list_checkpoints() if record.id == "r001-last")
    code, out, _ = run("evaluate", folder, "--checkpoint", path, "--split", "val", "--json")
    assert code == 0 and json.loads(out)["map50"] == values["map50"]


def test_evaluate_says_how_many_boxes_are_ignored(run: Run, trained: tuple[Path, list[dict[str, Any]]]) -> None:
    folder, _ = trained
    words = ("evaluate", folder, "--checkpoint", "r001-last", "--split", "val")
    before = json.loads(run(*words, "--json")[1])
    assert before["ignored_boxes"] == 0 and "ignored" not in run(*words)[1]
    with Project.open(folder) as project:
        image = next(one for one in project.images() if one.split is Split.VAL and one.box_count)
        project.apply(toggle_difficult(project, image.id, [project.boxes(image.id)[0].id]))
    try:
        code, out, _ = run(*words, "--json")
        values = json.loads(out)
        assert code == 0 and values["ignored_boxes"] == 1
        assert all(one["ignored_detections"] >= 0 for one in values["labels"].values())
        assert sum(one["boxes"] for one in values["labels"].values()) < sum(
            one["boxes"] for one in before["labels"].values()
        )
        assert "1 box is ignored, being difficult or without a label" in " ".join(run(*words)[1].split())
    finally:
        with Project.open(folder) as project:
            project.history.undo()


def test_evaluate_says_how_many_images_were_learnt_from(run: Run, trained: tuple[Path, list[dict[str, Any]]]) -> None:
    folder, _ = trained
    code, out, _ = run("evaluate", folder, "--checkpoint", "r001-last", "--split", "val", "--json")
    assert code == 0 and json.loads(out)["learnt_from"] == 0
    code, _, err = run("evaluate", folder, "--checkpoint", "r001-last", "--split", "train")
    with Project.open(folder, read_only=True) as project:
        count = project.counts().splits["train"]
    assert code == 0 and f"it was trained on {count} of these {count} images" in one_line(err)


def test_what_training_measured_is_what_evaluate_measures(run: Run, trained: tuple[Path, list[dict[str, Any]]]) -> None:
    folder, events = trained
    measured = next(event for event in events if event["event"] == "epoch")
    code, out, _ = run("evaluate", folder, "--checkpoint", "r001-last", "--split", "val", "--json")
    assert code == 0
    assert json.loads(out)["map50"] == pytest.approx(measured["map50"], abs=1e-3)


def test_evaluate_names_what_is_missing(run: Run, trained: tuple[Path, list[dict[str, Any]]]) -> None:
    code, _, err = run("evaluate", trained[0], "--checkpoint", "r009-best")
    assert code == 2 and "r009-best" in one_line(err) and "r001-" in err


def test_a_training_leaves_an_operating_point_by_which_all_commands_count(
    run: Run, trained: tuple[Path, list[dict[str, Any]]], tmp_path: Path
) -> None:
    folder, _ = trained
    for name in ("best", "last"):
        path = folder / "runs" / "r001" / "checkpoints" / f"{name}.safetensors"
        point = read_metadata(path)["operating_point"]
        assert set(point) == {"thresholds", "review", "chosen_on", "how"} and set(point["thresholds"]) == set(
            SAMPLE_LABELS
        )
        assert point["chosen_on"] in ("val", "fallback") and "in epoch 1" in point["how"]
    image = write_image(tmp_path / "good.png")
    values = json.loads(run("predict", path, image, "--device", "cpu", "--json")[1])
    assert values["operating_point"] == point
    judged = json.loads(run("evaluate", folder, "--checkpoint", "r001-last", "--split", "val", "--json")[1])
    assert judged["operating_point"] == point
    assert {name: one["threshold"] for name, one in judged["labels"].items()} == point["thresholds"]
    code, out, err = run("evaluate", folder, "--checkpoint", "r001-last", "--split", "val")
    assert code == 0 and point["how"] in out
    assert (point["chosen_on"] == "val") == ("the thresholds were chosen on these" in " ".join(err.split()))


def test_images_of_another_scale_than_the_training_are_told_once_and_its_own_are_not(
    run: Run, trained: tuple[Path, list[dict[str, Any]]], tmp_path: Path
) -> None:
    folder, _ = trained
    path = folder / "runs" / "r001" / "checkpoints" / "last.safetensors"
    trained_on = read_metadata(path)["trained_on"]
    assert trained_on["long_side"] == trained_on["short_side"] == dict.fromkeys(trained_on["long_side"], 96.0)
    assert 0 < trained_on["brightness"]["median"] < 1 and 0 < trained_on["box"]["high"] <= 96
    own = sorted((folder / "images").glob("*.png"))
    values = json.loads(run("predict", path, *own, "--device", "cpu", "--json")[1])
    assert values["differences"] == [] and values["trained_on"] == trained_on
    for split in ("train", "val"):
        assert json.loads(run("evaluate", folder, "--split", split, "--json")[1])["differences"] == []
    for place, file in enumerate(own[:3]):
        drawing.write_picture(tmp_path / f"{place}.png", np.kron(decode(file), np.ones((2, 2, 1), np.uint8)))
    values = json.loads(run("predict", path, tmp_path, "--device", "cpu", "--json")[1])
    (found,) = values["differences"]
    assert (found["kind"], found["count"], found["of"]) == ("larger", 3, 3) and found["seen"]["median"] == 192
    code, _, err = run("predict", path, tmp_path, "--device", "cpu")
    assert code == 0 and err.count("larger than those it was trained on") == 1
    assert "trained on 96 px, these are 192 px" in err


def test_thresholds_are_shown_set_by_hand_and_taken_back(
    run: Run, trained: tuple[Path, list[dict[str, Any]]], tmp_path: Path
) -> None:
    folder, _ = trained
    path = folder / "runs" / "r001" / "checkpoints" / "last.safetensors"
    first, second, *_ = SAMPLE_LABELS
    before = json.loads(run("threshold", folder, "--checkpoint", "r001-last", "--json")[1])
    assert before["operating_point"] == before["chosen_by_training"] and before["set_by_hand"] == {}
    command = ("threshold", folder, "--checkpoint", "r001-last")
    assert run(*command, "--set", f"{first}=0.2")[0] == 0
    values = json.loads(run(*command, "--set", f"{second}=0.9", "--json")[1])
    assert values["set_by_hand"] == {first: 0.2, second: 0.9} and values["operating_point"]["chosen_on"] == "hand"
    image = write_image(tmp_path / "good.png")
    values = json.loads(run("predict", path, image, "--device", "cpu", "--json")[1])
    assert values["operating_point"]["thresholds"][first] == 0.2
    code, out, _ = run(*command)
    assert code == 0 and "by hand" in out
    for wrong in ("0.5", "=0.5", f"{first}=2", f"{first}=high", "unheard=0.5"):
        code, _, err = run(*command, "--set", wrong)
        assert code == 2 and ("LABEL=SCORE" in one_line(err) or "does not know" in one_line(err))
    code, _, err = run("predict", path, image, "--keep")
    assert code == 2 and "--threshold" in one_line(err)
    assert json.loads(run(*command, "--reset", "--json")[1]) == before


def test_predict_needs_only_the_file_and_passes_over_what_it_cannot_read(
    run: Run, trained: tuple[Path, list[dict[str, Any]]], tmp_path: Path
) -> None:
    folder, _ = trained
    path = next((folder / "runs" / "r001" / "checkpoints").glob("*.safetensors"))
    alone = tmp_path / "model.safetensors"
    alone.write_bytes(path.read_bytes())
    good = write_image(tmp_path / "images" / "good.png")
    write_image(tmp_path / "images" / "more" / "good.png")
    bad = tmp_path / "images" / "bad.png"
    bad.write_bytes(b"")
    code, out, err = run(
        "predict",
        alone,
        tmp_path / "images",
        good,
        "--threshold",
        "0",
        "--out",
        tmp_path / "drawn",
        "--device",
        "cpu",
        "--json",
    )
    assert code == 0, err
    values = json.loads(out)
    assert [Path(one["path"]).name for one in values["images"]] == ["good.png", "good.png"]
    assert [Path(one["file"]).name for one in values["problems"]] == ["bad.png"]
    assert all(isinstance(one["detections"], list) for one in values["images"])
    assert {file.name for file in (tmp_path / "drawn").iterdir()} == {"good.png", "good-2.png"}
    code, _, err = run("predict", alone, bad)
    assert code == 2 and "bad.png" in one_line(err)
    code, out, _ = run("predict", path.stem if "-" in path.stem else f"r001-{path.stem}", good, "--project", folder)
    assert code == 0 and "good.png" in out


def test_predict_replaces_no_file_and_says_which_picture_is_of_which_image(
    run: Run, trained: tuple[Path, list[dict[str, Any]]], tmp_path: Path
) -> None:
    model = next((trained[0] / "runs" / "r001" / "checkpoints").glob("*.safetensors"))
    images = tmp_path / "images"
    for name in ("a.png", "a.jpg", "more/a.png", ".hidden.png", "._a.jpg"):
        write_image(images / name)
    before = {file: file.read_bytes() for file in images.rglob("*") if file.is_file()}
    for out in (images, images / "more" / ".."):
        code, _, err = run("predict", model, images, "--out", out, "--device", "cpu")
        assert code == 2 and "--out" in one_line(err)
    seen: set[Path] = set()
    for count in (0, 3):
        code, text, err = run("predict", model, images, "--out", images / "drawn", "--device", "cpu", "--json")
        assert code == 0, err
        values = json.loads(text)
        assert [one["path"] for one in values["images"]] == [
            str(images / "a.jpg"),
            str(images / "a.png"),
            str(images / "more" / "a.png"),
        ]
        drawn = {Path(one["picture"]) for one in values["images"]}
        assert len(drawn) == 3 and all(path.is_file() for path in drawn) and not drawn & seen
        seen |= drawn
        assert [one["file"] for one in values["problems"]] == [str(images / "drawn")] * bool(count)
        assert all(f"{count} images" in one["problem"] for one in values["problems"])
    assert {file: file.read_bytes() for file in images.rglob("*") if file.is_file() and file not in seen} == before


def test_detections_are_listed_best_first_with_a_score_for_every_label() -> None:
    found = Detections(
        np.array([[1, 2, 3, 4], [5, 6, 7, 8.5], [0, 0, 9, 9]], np.float32),
        np.array([[0.4, 0], [0.2, 0.9], [0.1, 0.1]], np.float32),
        ("scratch", "stain"),
    )
    assert detections_to_json(found, OperatingPoint({"scratch": 0.3, "stain": 0.3}, "val", "")) == [
        {"labels": ["stain"], "box": [5.0, 6.0, 7.0, 8.5], "scores": {"scratch": 0.2, "stain": 0.9}},
        {"labels": ["scratch"], "box": [1.0, 2.0, 3.0, 4.0], "scores": {"scratch": 0.4, "stain": 0.0}},
    ]
    by_label = detections_to_json(found, OperatingPoint({"scratch": 0.2, "stain": 0.95}, "val", ""))
    assert [one["labels"] for one in by_label] == [["scratch"], ["scratch"]]
    assert [one["scores"]["scratch"] for one in by_label] == [0.2, 0.4], "a threshold takes the score that it is"


@pytest.mark.parametrize("damage", ["empty", "cut", "text", "missing", "pickle"])
def test_a_damaged_checkpoint_is_refused(
    run: Run, trained: tuple[Path, list[dict[str, Any]]], tmp_path: Path, damage: str
) -> None:
    data = next((trained[0] / "runs" / "r001" / "checkpoints").glob("*.safetensors")).read_bytes()
    path = tmp_path / "damaged.safetensors"
    contents = {"empty": b"", "cut": data[: len(data) // 2], "text": b"hello there", "pickle": b"\x80\x04N."}
    if damage in contents:
        path.write_bytes(contents[damage])
    code, out, err = run("predict", path, write_image(tmp_path / "a.png"))
    assert code == 2 and out == ""
    assert "damaged.safetensors" in one_line(err)


@pytest.mark.parametrize("share", ["2", "nan", "-0.5"])
def test_shares_that_are_none_are_refused_by_name(run: Run, tmp_path: Path, share: str) -> None:
    make_sample_project(tmp_path / "p", count=4, size=64).close()
    code, _, err = run("split", tmp_path / "p", "--train", share)
    assert code == 2 and f"train {share}, val 0.15, test 0.15" in one_line(err)


def test_split_divides_by_the_given_shares_and_again_only_when_told(run: Run, tmp_path: Path) -> None:
    make_sample_project(tmp_path / "p", count=20, size=64, seed=2).close()
    code, out, _ = run("split", tmp_path / "p", "--train", "0.8", "--val", "0.2", "--test", "0", "--all", "--json")
    assert code == 0
    splits = json.loads(out)["splits"]
    assert (splits["train"], splits["val"], splits["test"], splits["none"]) == (16, 4, 0, 0)
    assert json.loads(run("split", tmp_path / "p", "--json")[1])["splits"] == splits
    code, _, err = run("split", tmp_path / "p", "--train", "0.8", "--val", "0.3")
    assert code == 2 and "sum to 1" in one_line(err)


def test_a_damaged_settings_file_is_told_by_a_command_and_left_to_the_window(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEFECTDESK_CONFIG_DIR", str(tmp_path / "config"))
    settings = tmp_path / "config" / "settings.json"
    settings.parent.mkdir()
    settings.write_text('{"theme": "dark", "max_megapixels": "many"}', "utf-8")
    Project.create(tmp_path / "project").close()
    opened: list[Path | None] = []
    monkeypatch.setattr(cli, "_open_window", opened.append)
    assert run("open", tmp_path / "project")[0] == 0
    assert opened == [tmp_path / "project"]
    assert "many" in settings.read_text("utf-8"), "the window is the one to tell of it"
    code, _, said = run("info", tmp_path / "project")
    assert code == 0
    assert "settings" in said
