"""What a folder, a file or a line from outside may hold: each fault is told by name, and none stops the rest or the program."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from core import console
from core.commands import range_test
from core.errors import InputError
from core.formats import coco
from core.formats.importing import import_into
from core.imaging.decode import ImageError, decode
from core.jobs.events import Event, JobFinished, Notice, RunFailed, RunStarted, UnknownEvent
from core.jobs.folder import JobFolder
from core.models.inputs import InputSpec
from core.operations.predict import find_checkpoint
from core.operations.start_run import forget_if_refused, prepare_range_test, prepare_run
from core.project.edits import box_edits, image_edits
from core.project.project import Project
from core.project.snapshot import Snapshot
from core.project.storage import database
from core.recipe.recipe import default_recipe, load_recipe, parse_yaml, with_settings
from core.safetensors_header import read_metadata
from core.types import Split, Status
from tests.builders import add_labels, draw, picture, project_with_pictures, write_coco, write_picture
from tests.core.conftest import Run

ROOT = Path(__file__).parents[3]

posix_only = pytest.mark.skipif(os.name != "posix", reason="Windows has no pipes and devices in folders")


# Images --------------------------------------------------------------------------------------------------------------


@posix_only
def test_a_folder_with_pipes_devices_and_endless_files_is_read_to_its_end(tmp_path: Path) -> None:
    images = tmp_path / "images"
    write_picture(images / "good.png")
    os.mkfifo(images / "pipe.jpg")
    (images / "device.png").symlink_to("/dev/zero")
    (images / "loop.png").symlink_to("loop.png")
    with (images / "sparse.png").open("wb") as file:
        file.truncate(20 * 2**30)
    (Path(os.fsdecode(os.fsencode(images) + b"/name\xff.png"))).write_bytes((images / "good.png").read_bytes())
    with Project.create(tmp_path / "p") as project:
        _, problems = project.files.add_images([images])
        assert [image.path for image in project.images()] == ["../images/good.png"]
    told = {Path(problem.file).name: problem.problem for problem in problems}
    assert set(told) == {"pipe.jpg", "device.png", "loop.png", "sparse.png", os.fsdecode(b"name\xff.png")}
    assert "pipe" in told["pipe.jpg"] and "device" in told["device.png"] and "20.0 GiB" in told["sparse.png"]
    assert "rename" in told[os.fsdecode(b"name\xff.png")]


def test_a_folder_is_no_image(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="folder|directory|Permission"):
        decode(tmp_path)


def test_image_libraries_print_nothing_while_a_command_reads_images(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    data = bytearray(write_picture(tmp_path / "a.jpg").read_bytes())
    data[len(data) // 2 : len(data) // 2 + 2] = b"\xff\xd9"  # the image ends early: libjpeg warns on descriptor 2
    (tmp_path / "a.jpg").write_bytes(bytes(data))
    with console.progress_bar("reading", quiet=True) as progress:
        with pytest.raises(ImageError, match="damaged"):
            decode(tmp_path / "a.jpg")
        progress(1, 1)
        console.complain("ours")
    console.complain("after")
    assert capfd.readouterr().err.split() == ["ours", "after"]


# COCO ----------------------------------------------------------------------------------------------------------------

ODD: list[Any] = [
    None,
    True,
    -1,
    1.5,
    float("nan"),
    float("inf"),
    10**400,
    "",
    "x",
    "\0",
    "\ud800",
    "a" * 5000,
    "a\nb",
    "../x",
    "/etc/passwd",
    "C:\\x",
    [],
    [1],
    {},
    [[]],
    ["1"] * 4,
    [0] * 4,
    [float("nan")] * 4,
    [1e308] * 4,
]
PLACES = [
    ("images", "id"),
    ("images", "file_name"),
    ("images", "width"),
    ("annotations", "id"),
    ("annotations", "image_id"),
    ("annotations", "category_id"),
    ("annotations", "bbox"),
    ("annotations", "iscrowd"),
    ("categories", "id"),
    ("categories", "name"),
]


@pytest.mark.parametrize(("part", "field"), PLACES)
def test_any_value_in_any_field_of_coco_leaves_the_other_entries_whole(tmp_path: Path, part: str, field: str) -> None:
    write_picture(tmp_path / "a.png")
    write_picture(tmp_path / "b.png", seed=1)
    for number, value in enumerate(ODD):
        tree = {
            "images": [
                {"id": 1, "file_name": "a.png", "width": 64, "height": 48},
                {"id": 2, "file_name": "b.png", "width": 64, "height": 48},
            ],
            "annotations": [
                {"id": 1, "image_id": 1, "category_id": 1, "bbox": [5, 5, 20, 20]},
                {"id": 2, "image_id": 2, "category_id": 2, "bbox": [5, 5, 20, 20]},
            ],
            "categories": [{"id": 1, "name": "one"}, {"id": 2, "name": "two"}],
        }
        tree[part][0][field] = value
        (tmp_path / "c.json").write_text(json.dumps(tree), encoding="utf-8")
        with Project.create(tmp_path / f"p{number}") as project:
            _, problems = import_into(project, coco.read(tmp_path / "c.json"))
            counts = project.counts()
            assert counts.labels["two"] >= 1, value
            json.dumps([console.problems_to_json(problems), counts.to_json()], allow_nan=False)


def test_each_problem_of_an_import_is_told_once(tmp_path: Path, run: Run) -> None:
    write_picture(tmp_path / "a.png")
    images = [{"id": 1, "file_name": "gone.png"}, {"id": 2, "file_name": "a.png"}]
    path = write_coco(tmp_path / "c.json", images, [{"image_id": 2, "category_id": 1, "bbox": [1, 1, 9, 9]}])
    code, out, _ = run("import", tmp_path / "p", path, "--json")
    assert code == 0 and len(json.loads(out)["problems"]) == 1, out


def test_entries_that_are_nothing_are_one_problem_not_a_million(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    path.write_text('{"images": [' + "1," * 50_000 + '2], "annotations": [{}, {}], "categories": []}')
    assert [problem.problem for problem in coco.read(path).problems] == [
        "image number 1 and 50,000 more: not an object; skipped",
        "annotation number 1 and 1 more: it has no id; skipped",
    ]


def test_a_folder_of_images_that_is_not_there_is_refused_before_a_project_is_made(tmp_path: Path, run: Run) -> None:
    path = write_coco(tmp_path / "c.json", [{"id": 1, "file_name": "a.png"}], [])
    code, _, err = run("import", tmp_path / "p", path, "--images", tmp_path / "nowhere")
    assert code == 2 and "nowhere" in err
    assert not (tmp_path / "p").exists()


@pytest.mark.parametrize("name", ["x" * 101, "a\nb", "\ud800", "\x1b[31m"])
def test_a_label_name_that_no_list_can_show_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="labels"):
        Project.create(tmp_path / "p", [name])


# Recipes -------------------------------------------------------------------------------------------------------------


def test_recipes_that_would_run_forever_or_crash_the_reader_are_refused(tmp_path: Path) -> None:
    levels = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12))
    faults = {
        "bomb": ("a0: &a0 [x]\n" + levels + "model: *a11\n", "model"),
        "deep": ("[" * 20_000, "not YAML"),
        "date": ("seed: 2020-99-99", "not YAML"),
        "large": ("# " + "x" * 2**20, "larger"),
        "list": ("- a", "a recipe is"),
    }
    for name, (text, words) in faults.items():
        path = tmp_path / f"{name}.yaml"
        path.write_text(text)
        with pytest.raises(InputError, match=words) as caught:
            load_recipe(path)
        assert str(path) in str(caught.value)
    with pytest.raises(InputError, match="--set a"):
        parse_yaml("[", "--set a")


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("schedule.epochs=true", "schedule.epochs: must be a number, not true"),
        ("optimizer.lr=yes", "optimizer.lr: must be a number, not true"),
        ("optimizer=1", "optimizer: holds several settings; name one of them"),
        ("schedule.milestones=x", "schedule.milestones: must be a list"),
        ("strategy.unfreeze=[{epoch: 2}]", "strategy.unfreeze.0.stage: is missing"),
        ("device=gpu", "device: must be auto, cpu, mps, cuda or cuda:N"),
        ("device=cuda:99", "device: there is no cuda:99 here"),
    ],
)
def test_a_setting_of_a_wrong_kind_is_told_by_name_and_makes_no_run(
    tmp_path: Path, run: Run, setting: str, words: str
) -> None:
    ready_project(tmp_path / "p").close()
    code, _, told = run("train", tmp_path / "p", "--set", setting)
    assert code == 2 and words in told
    assert not list((tmp_path / "p" / "runs").glob("*"))


# Checkpoints ---------------------------------------------------------------------------------------------------------


@posix_only
def test_what_is_no_file_is_no_checkpoint(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.safetensors")
    (tmp_path / "folder.safetensors").mkdir()
    for name in ("pipe", "folder", "nothing"):
        with pytest.raises(InputError, match=name):
            read_metadata(tmp_path / f"{name}.safetensors")


@pytest.mark.parametrize("change", [{"std": [0, 1, 1]}, {"mean": [float("nan"), 0, 0]}, {"tile": 64, "overlap": 33}])
def test_an_input_that_divides_by_zero_or_never_ends_is_refused(change: dict[str, Any]) -> None:
    whole = {"mode": "crops", "width": 64, "height": 64, "mean": [0.5] * 3, "std": [0.5] * 3, "tile": 64, "overlap": 32}
    InputSpec.model_validate(whole)
    with pytest.raises(ValueError, match="finite|greater|overlap"):
        InputSpec.model_validate(whole | change)


def test_a_run_that_ended_since_the_project_was_listed_is_found_by_its_id(tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "p", count=1) as project:
        path = write_checkpoint(project.runs.make_folder() / "checkpoints" / "best.safetensors")
        assert find_checkpoint(project, "r001-best") == ("r001-best", path)
        assert find_checkpoint(project, None) == ("r001-best", path)


def write_checkpoint(path: Path, **change: Any) -> Path:
    described = {"epoch": 1, "model": "ssd_compact", "labels": ["a"], "metrics": {"map50": 0.5}} | change
    header = json.dumps({"__metadata__": {"defectdesk": json.dumps(described)}}).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    return path


# Terminal and disk ---------------------------------------------------------------------------------------------------


def test_a_terminal_that_lacks_a_sign_gets_it_escaped(tmp_path: Path) -> None:
    Project.create(tmp_path / "p", ["Kratzer ü", "😀"]).close()
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        [sys.executable, "-m", "core.cli", "info", str(tmp_path / "p")],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert rb"Kratzer \xfc" in done.stdout and rb"\U0001f600" in done.stdout


def test_a_project_whose_filling_fails_is_taken_away_and_nothing_else(tmp_path: Path) -> None:
    own = tmp_path / "p" / "own.txt"
    own.parent.mkdir()
    own.write_text("mine")
    for folder in (tmp_path / "p", tmp_path / "new"):
        with pytest.raises(KeyboardInterrupt), Project.creating(folder, ["a"]) as project:
            add_labels(project, ["b"])
            raise KeyboardInterrupt
    assert [path.name for path in tmp_path.rglob("*")] == ["p", "own.txt"]
    with Project.creating(tmp_path / "p", ["a"]):
        pass
    with pytest.raises(InputError, match="already"), Project.creating(tmp_path / "p"):
        pass
    with Project.open(tmp_path / "p") as project:
        assert [label.name for label in project.labels()] == ["a"]


def test_a_disk_without_room_is_told_and_leaves_no_half_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL  # as SQLite itself marks it
        raise error

    monkeypatch.setattr(database, "_migrate_database", full)
    with pytest.raises(InputError, match="disk is full"):
        Project.create(tmp_path / "p", ["a"])
    assert not list(tmp_path.iterdir())


def test_an_event_that_did_not_fit_does_not_swallow_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = JobFolder.create(tmp_path / "r", {"kind": "train"})
    folder.append_event(UnknownEvent({"event": "first"}))
    write = os.write
    monkeypatch.setattr(os, "write", lambda handle, data: write(handle, data[:5]))
    with pytest.raises(OSError, match="space"):
        folder.append_event(UnknownEvent({"event": "cut"}))
    monkeypatch.undo()
    folder.append_event(UnknownEvent({"event": "next"}))
    assert [event.event for event in folder.read_events()[0]] == ["first", "next"]


# Starting a training -------------------------------------------------------------------------------------------------


def ready_project(folder: Path) -> Project:
    project = project_with_pictures(folder, count=4)
    for image_id in project.image_ids():
        draw(project, image_id)
    ids = project.image_ids()
    project.apply(image_edits.set_split(project, ids[:3], Split.TRAIN))
    project.apply(image_edits.set_split(project, ids[3:], Split.VAL))
    return project


def test_images_that_are_gone_or_are_others_now_are_left_out_and_named(tmp_path: Path) -> None:
    recipe = default_recipe("ssd_compact")
    with ready_project(tmp_path / "p") as project:
        images = tmp_path / "p" / "images"
        (images / "part1.png").unlink()
        write_picture(images / "part2.png", picture(30, 20))
        folder = prepare_run(project, recipe)
        snapshot = Snapshot.load(folder.path / "snapshot.json")
        assert [Path(image.path).name for image in snapshot.images] == ["part3.png", "part4.png"]
        (notice,) = folder.read_events()[0]
        assert "2 labelled images are left out" in notice.text and "part1.png" in notice.text
        (images / "part3.png").unlink()
        with pytest.raises(InputError, match="part1.png"):
            prepare_run(project, recipe)


def test_a_range_test_says_which_images_are_left_out(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with ready_project(tmp_path / "p") as project:
        changed = project.folder / project.image(project.image_ids()[0]).path
        write_picture(changed, picture(30, 20))
        events, _ = prepare_range_test(project, default_recipe("ssd_compact")).read_events()
        assert [event.text for event in events if isinstance(event, Notice) and changed.name in event.text]
    monkeypatch.setattr(range_test, "run_training", lambda folder, launcher: iter(folder.read_events()[0]))
    assert changed.name in run("range-test", tmp_path / "p")[2]
    assert changed.name in " ".join(json.loads(run("range-test", tmp_path / "p", "--json")[1])["notices"])


def test_what_cannot_be_trained_makes_no_run(tmp_path: Path) -> None:
    recipe = default_recipe("ssd_compact")
    with ready_project(tmp_path / "p") as project:
        for settings in (
            {"weights.source": "file", "weights.path": str(tmp_path / "none.pth")},
            {"weights.source": "checkpoint", "weights.path": str(tmp_path / "none.safetensors")},
            {"weights.source": "checkpoint", "weights.path": str(write_checkpoint(tmp_path / "a", model="other"))},
        ):
            with pytest.raises(InputError, match="weights|none|other"):
                prepare_run(project, with_settings(recipe, settings))
        for image_id in project.image_ids():
            project.apply(box_edits.delete_boxes(project, image_id, [box.id for box in project.boxes(image_id)]))
        project.apply(image_edits.set_status(project, project.image_ids(), Status.CLEAN))
        with pytest.raises(InputError, match="box"):
            prepare_run(project, recipe)
        assert not list(project.runs.folder.iterdir())


def test_a_weights_file_that_is_refused_leaves_no_run(tmp_path: Path, run: Run) -> None:
    ready_project(tmp_path / "p").close()
    torch.save({"alien": torch.zeros(3)}, tmp_path / "alien.pth")
    chosen = [f"weights.path={tmp_path / 'alien.pth'}", "weights.source=file", "strategy.kind=scratch", "device=cpu"]
    code, _, told = run("train", tmp_path / "p", *(word for one in chosen for word in ("--set", one)))
    assert code == 2 and "alien.pth: none of its 1 tensors fits" in told and told.rstrip().endswith("?")
    assert not list((tmp_path / "p" / "runs").glob("*"))


def test_a_run_that_broke_or_had_begun_is_kept_with_its_log(tmp_path: Path) -> None:
    refused = RunFailed("boxes: none")
    begun = RunStarted("begun", "m", "CPU", 3, 1, 2, 1, ["a"], 100, 10, 1.0, "w")
    cases: dict[str, tuple[list[Event], bool]] = {
        "refused": ([refused], False),
        "broke": ([replace(refused, advice="The whole trace is in log.txt.")], True),
        "begun": ([begun, refused], True),
        "silent": ([], True),
    }
    for name, (events, kept) in cases.items():
        folder = JobFolder.create(tmp_path / name, {"kind": "train"})
        for event in events:
            folder.append_event(event)
        forget_if_refused(folder)
        assert folder.path.exists() == kept, name


@pytest.mark.parametrize(
    "rates", [("--low", "nan"), ("--high", "inf"), ("--low", "0"), ("--low", "1", "--high", "0.1")]
)
def test_rates_that_do_not_rise_are_refused_before_a_range_test(
    tmp_path: Path, run: Run, rates: tuple[str, ...]
) -> None:
    ready_project(tmp_path / "p").close()
    code, _, told = run("range-test", tmp_path / "p", *rates)
    assert code == 2 and "give rising rates above 0" in told
    assert not (tmp_path / "p" / "cache" / "range-test").exists()


# Projects and runs ---------------------------------------------------------------------------------------------------


def test_run_folders_full_of_rubbish_do_not_keep_the_others_from_being_listed(tmp_path: Path) -> None:
    deep = b"[" * 100_000
    with project_with_pictures(tmp_path / "p", count=1) as project:
        write_checkpoint(project.runs.make_folder() / "checkpoints" / "best.safetensors")
        rubbish = {
            "deep": {"job.json": deep, "recipe.yaml": b"[" * 5000, "events.jsonl": deep + b"\n", "heartbeat": deep},
            "zeros": dict.fromkeys(
                ("job.json", "recipe.yaml", "events.jsonl", "snapshot.json", "heartbeat"), b"\0" * 99
            ),
            "types": {
                "recipe.yaml": b"seed: 2020-01-01\n1: 2\n",
                "events.jsonl": b'{"event": "epoch", "epoch": "x"}\n',
                "heartbeat": json.dumps({"pid": "x", "host": socket.gethostname()}).encode(),
            },
        }
        for files in rubbish.values():
            folder = project.runs.make_folder()
            for name, content in files.items():
                (folder / name).write_bytes(content)
        odd = project.runs.make_folder()
        write_checkpoint(odd / "checkpoints" / "inf.safetensors", epoch=float("inf"))
        write_checkpoint(odd / "checkpoints" / "nan.safetensors", metrics={"map50": float("nan")})
        for _ in range(2):
            project.runs.sync_folders()
            assert [run.id for run in project.runs.list_runs()] == ["r001", "r002", "r003", "r004", "r005"]
            listed = project.runs.list_checkpoints()
            assert [(one.id, one.map50) for one in listed] == [("r001-best", 0.5), ("r005-nan", None)]


def test_a_running_job_is_not_taken_as_dead_for_rubbish_before_its_last_line(tmp_path: Path) -> None:
    folder = JobFolder.create(tmp_path / "r", {"kind": "train"})
    folder.events_path.write_bytes(b"[" * 100_000 + b"\n")
    folder.append_event(JobFinished())
    assert folder.state() == "finished"
    assert [event.event for event in folder.read_events()[0]] == ["finished"]


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE images SET status = 'odd'",
        "UPDATE boxes SET x2 = -5",
        "UPDATE boxes SET labels = 'odd'",
        "UPDATE images SET status = CAST(x'ff' AS TEXT)",
        "ALTER TABLE labels RENAME COLUMN id TO odd",
        "DROP TABLE counters",
        "PRAGMA user_version = 0",
    ],
)
@pytest.mark.parametrize("read_only", [False, True])
def test_rows_that_are_no_annotations_are_damage_that_is_told(tmp_path: Path, damage: str, read_only: bool) -> None:
    with project_with_pictures(tmp_path / "p", count=1) as project:
        draw(project, project.image_ids()[0])
    connection = sqlite3.connect(tmp_path / "p" / "project.sqlite")
    connection.execute(damage)
    connection.commit()
    connection.close()
    with pytest.raises(InputError, match="damaged"), Project.open(tmp_path / "p", read_only=read_only) as project:
        project.boxes(project.image_ids()[0])
