"""The life of runs on the command line, with the trainings of a stand-in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core import cli
from core.jobs import queue
from core.jobs.events import RunPaused
from core.jobs.folder import JobFolder
from core.models.gpus import device_words
from core.project.edits.image_edits import set_split
from core.recipe.recipe import default_recipe, save_recipe, with_settings
from core.types import Split
from tests.builders import draw, project_with_pictures
from tests.desktop.training_child import events


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "parts"
    made = project_with_pictures(folder, 4, ("pit",))
    ids = made.image_ids()
    for image in ids:
        draw(made, image, labels=("pit",))
    made.apply(set_split(made, ids[:3], Split.TRAIN))
    made.apply(set_split(made, ids[3:], Split.VAL))
    made.close()
    return folder


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr("sys.argv", ["defectdesk", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(str(ended.value.code))


def past_run(project: Path, name: str, *, lines: int | None = None, state: str = "") -> JobFolder:
    folder = JobFolder.create(project / "runs" / name, {"kind": "train", "snapshot_hash": "abc"})
    save_recipe(default_recipe("ssd_compact"), folder.path / "recipe.yaml")
    (folder.path / "snapshot.json").write_text("{}")
    for event in list(events(2, lambda: False, run=name, pause=0))[:lines]:
        folder.append_event(event)
    if state == "paused":
        folder.append_event(RunPaused(1, 4, 1.0))
    return folder


def test_runs_are_listed_with_where_they_stand_and_what_they_measured(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    past_run(project, "r001")
    queue.put_last(past_run(project, "r002", lines=8, state="paused"))
    past_run(project, "r003", lines=8, state="paused")
    assert run(monkeypatch, "runs", project, "--json") == 0
    found = {one["id"]: one for one in json.loads(capsys.readouterr().out)["runs"]}
    assert [one["state"] for one in found.values()] == ["finished", "waiting", "paused"]
    assert [one["queued"] for one in found.values()] == [False, True, False]
    assert found["r001"]["measures"]["map50"] == 0.75
    assert run(monkeypatch, "runs", project) == 0
    listed = capsys.readouterr().out
    assert run(monkeypatch, "runs", "list", project) == 0
    assert "queued" in listed and capsys.readouterr().out == listed


def test_one_run_is_told_in_full_and_a_folder_alone_is_enough(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = past_run(project, "r001")
    assert run(monkeypatch, "runs", folder.path, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert run(monkeypatch, "runs", project, "r001", "--json") == 0
    assert json.loads(capsys.readouterr().out) == told
    assert (told["device"], told["snapshot_hash"], told["notices"][0]["level"]) == ("CPU", "abc", "warning")
    assert run(monkeypatch, "runs", "follow", folder.path, "--json") == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["event"] == "finished"
    assert run(monkeypatch, "runs", "export", project, "r001", "--csv", tmp_path / "o.csv") == 0
    assert (tmp_path / "o.csv").read_text().startswith("epoch,")
    (tmp_path / "b-steps.csv").write_text("mine")
    for name in ("o.csv", "b.csv"):
        assert run(monkeypatch, "runs", "export", project, "r001", "--csv", tmp_path / name) == 2
    assert (tmp_path / "b-steps.csv").read_text() == "mine" and not (tmp_path / "b.csv").exists()


def test_recipes_and_runs_wait_in_the_order_that_is_wanted(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    recipe = tmp_path / "a.yaml"
    save_recipe(with_settings(default_recipe("ssd_compact"), {"schedule.epochs": 3}), recipe)
    past_run(project, "r001", lines=8, state="paused")
    assert run(monkeypatch, "queue", project, "add", recipe, "r001") == 0
    assert run(monkeypatch, "train", project, "--epochs", 2, "--queue") == 0
    assert run(monkeypatch, "queue", project, "first", "r003") == 0
    assert run(monkeypatch, "queue", project, "remove", "r001") == 0
    capsys.readouterr()
    assert run(monkeypatch, "queue", project, "list", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"running": [], "waiting": ["r003", "r002"]}


def test_a_run_gets_a_name_and_a_note_and_keeps_what_is_not_named(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    past_run(project, "r001")
    assert run(monkeypatch, "runs", "note", project, "r001", "--name", "more light", "--note", "second lamp") == 0
    assert run(monkeypatch, "runs", "note", project, "r001", "--note", "third lamp") == 0
    capsys.readouterr()
    assert run(monkeypatch, "runs", project, "--json") == 0
    (told,) = json.loads(capsys.readouterr().out)["runs"]
    assert (told["name"], told["note"]) == ("more light", "third lamp")
    assert run(monkeypatch, "runs", "note", project, "r001", "--clear", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"run": "r001", "name": "", "note": ""}
    assert run(monkeypatch, "runs", "note", project, "r001", "--name", "x" * 61) == 2
    assert "60 are the most" in capsys.readouterr().err


def test_no_run_is_left_by_weights_that_cannot_be_had(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # nothing listens there, as on a machine without a network
    options = ("--model", "ssd300_vgg16", "--set", "weights.source=imagenet")
    assert run(monkeypatch, "train", project, *options) == 2
    told = " ".join(capsys.readouterr().err.split())
    assert "could not be downloaded" in told and "put it at" in told
    assert not list((project / "runs").glob("*"))


def test_with_json_nothing_but_json_is_printed(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    past_run(project, "r001")
    assert run(monkeypatch, "train", project, "--queue", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"run": "r002", "state": "waiting", "findings": []}
    assert run(monkeypatch, "runs", "export", project, "r001", "--csv", tmp_path / "a.csv", "--json") == 0
    assert json.loads(capsys.readouterr().out)["steps"] == str(tmp_path / "a-steps.csv")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("train", "{}", "--resume", "r001"), "r001: has finished"),
        (("train", "{}", "--resume", "r009"), "there is no 'r009'"),
        (("train", "{}", "--resume", "../x"), "there is no '../x'"),
        (("train", "{}", "--resume", "r001", "--epochs", "3"), "leave the other options out"),
        (("runs", "pause", "{}", "r001"), "r001: does not run, it is finished"),
        (("runs", "stop", "{}/runs/r001"), "r001: does not run, it is finished"),
        (("runs", "follow", "{}"), "name the run"),
        (("runs", "export", "{}", "r001"), "name the file with --csv"),
        (("runs", "delete", "{}"), "name the run"),
        (("runs", "note", "{}", "r001"), "give a name with --name"),
        (("runs",), "Missing argument 'DIR'; see --help"),
        (("runs", "{}", "r001", "--delete"), "No such option: --delete"),
        (("study",), "Missing command; see --help"),
        (("study", "{}"), "No such command"),
        (("study", "list", "{}/runs"), "is not a project"),
        (("study", "resume", "{}", "s009"), "there are no studies yet"),
        (("study", "run", "{}", "--set", "epochs"), "KEY=VALUE"),
        (("runs", "{}/runs"), "is not a project"),
        (("queue", "{}", "add", "nothing.yaml"), "neither a run"),
        (("queue", "{}", "remove", "r001"), "does not wait"),
        (("queue", "{}", "first"), "name the runs"),
        (("queue", "{}", "run", "r001"), "queue run: takes all that waits"),
        (("queue", "{}", "list", "--background"), "belongs to queue run"),
        (("train", "{}", "--resume", "r001", "--epochs", "0"), "leave the other options out"),
    ],
)
def test_what_cannot_be_done_is_refused_with_one_line(
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    reason: str,
) -> None:
    past_run(project, "r001")
    assert run(monkeypatch, *(one.format(project) for one in arguments)) == 2
    error = capsys.readouterr().err
    assert reason in error and error.count("\n") == 1


def test_a_run_whose_checkpoint_holds_a_model_alone_cannot_go_on(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import numpy as np
    from safetensors.numpy import save_file

    folder = past_run(project, "r001", lines=8, state="paused")
    (folder.path / "checkpoints").mkdir()
    save_file({"model.x": np.zeros(2, np.float32)}, folder.path / "checkpoints" / "last.safetensors")
    assert run(monkeypatch, "train", project, "--resume", "r001") == 2
    assert "not the state of its training; start a new run from r001-last" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("device", "gpus", "words", "wasted"),
    [
        ("auto", [], "Trains on the CPU: no GPU was found", False),
        ("auto", ["A100"], "Trains on A100 (cuda:0)", False),
        ("cpu", ["A100"], "Trains on the CPU, though A100 is here", True),
        ("cuda:1", ["A100", "T4"], "Trains on T4 (cuda:1)", False),
        ("cuda:2", ["A100", "T4"], "There is no cuda:2 here: 2 GPUs were found", False),
        ("auto", ["Apple GPU"], "Trains on Apple GPU (mps)", False),
    ],
)
def test_what_a_training_computes_on_is_told_before_it_begins(
    device: str, gpus: list[str], words: str, wasted: bool
) -> None:
    assert device_words(device, gpus) == (words, wasted)


def test_a_run_is_deleted_with_its_checkpoints_unless_it_waits(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    past_run(project, "r001")
    queue.put_last(past_run(project, "r002", lines=8, state="paused"))
    assert run(monkeypatch, "runs", "delete", project, "r002") == 2
    assert "take it out of the queue first" in capsys.readouterr().err
    assert run(monkeypatch, "runs", "delete", project, "r001", "--json") == 0
    assert json.loads(capsys.readouterr().out)["deleted"] == "r001"
    assert [folder.name for folder in (project / "runs").iterdir()] == ["r002"]
    assert run(monkeypatch, "runs", "delete", project, "r001") == 2
    assert "there is no 'r001'" in capsys.readouterr().err
