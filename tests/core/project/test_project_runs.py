import json
import os
import struct
from pathlib import Path
from typing import Any

import pytest

from core import files
from core.changes import Changes
from core.errors import InputError
from core.jobs.events import EpochDone, Event, JobFinished, RunFailed, UnknownEvent, to_json
from core.jobs.folder import JobFolder
from core.jobs.pulse import SILENT_AFTER
from core.project.project import Project
from core.project.runs import started_from
from core.project.storage.run_tables import RunTables
from tests.core.conftest import Clock

DESCRIBED = {
    "model": "ssd_compact",
    "epoch": 3,
    "labels": ["scratch", "pit"],
    "created": "2025-05-01T10:00:00+02:00",
    "metrics": {"map50": 0.8, "map": 0.5, "label_ap50": {"scratch": 0.9, "pit": None}},
}

STARTED = UnknownEvent({"event": "started"})
STEP_OF_EPOCH_2 = UnknownEvent({"event": "step", "epoch": 2})


def epoch(number: int) -> EpochDone:
    return EpochDone(number, 5, 1.0, 0.5, 0.5, None, None, None, None, None, {}, 1e-3, 9.0, 1.0, 1.0)


def write_checkpoint(path: Path, described: dict[str, Any] | None = None) -> None:
    header = json.dumps(
        {
            "__metadata__": {"defectdesk": json.dumps(described or DESCRIBED)},
            "weight": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},
        }
    ).encode()
    files.write_bytes(path, struct.pack("<Q", len(header)) + header + bytes(8))


def write_run(project: Project, *events: Event) -> Path:
    folder = project.runs.make_folder()
    job = JobFolder.create(folder, {"kind": "train", "created": "2025-05-01T09:00:00+02:00"})
    files.write_text(folder / "recipe.yaml", "model: ssd_compact\nschedule: {epochs: 5}\n")
    for event in events:
        job.append_event(event)
    return folder


def test_run_folders_are_numbered_and_never_reused(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p") as project:
        assert [project.runs.make_folder().name for _ in range(3)] == ["r001", "r002", "r003"]
        (tmp_path / "p" / "runs" / "r003").rmdir()
        (tmp_path / "p" / "runs" / "r004").mkdir()
    with Project.open(tmp_path / "p") as project:
        assert project.runs.make_folder() == tmp_path / "p" / "runs" / "r005"


def test_runs_are_listed_as_their_folders_tell(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p") as project:
        epochs = [epoch(1), STEP_OF_EPOCH_2, epoch(2)]
        write_run(project, STARTED, *epochs, JobFinished())
        write_run(project, STARTED, JobFinished(stopped=True))
        write_run(project, RunFailed("no memory"))
        write_run(project, STARTED, epoch(1), STEP_OF_EPOCH_2)
        live = JobFolder(write_run(project, STARTED))
        live.write_heartbeat()
        write_run(project)
        (tmp_path / "p" / "runs" / "notes").mkdir()
        assert project.runs.list_runs() == []
        assert project.runs.sync_folders().runs
        runs = project.runs.list_runs()
        assert [run.id for run in runs] == [f"r00{n}" for n in range(1, 7)]
        assert [run.state for run in runs] == ["finished", "stopped", "failed", "interrupted", "running", "waiting"]
        assert [run.epochs for run in runs] == [2, 0, 0, 1, 0, 0]
        assert runs[0].recipe["schedule"] == {"epochs": 5} and runs[0].model == "ssd_compact"
        assert runs[0].created == "2025-05-01T09:00:00+02:00"
        assert not project.runs.sync_folders().runs
        live.append_event(JobFinished())
        assert project.runs.sync_folders().runs and project.runs.list_runs()[4].state == "finished"


def test_a_run_that_fell_silent_becomes_interrupted(tmp_path: Path, clock: Clock) -> None:
    with Project.create(tmp_path / "p") as project:
        job = JobFolder(write_run(project, STARTED))
        (job.path / "heartbeat").write_text('{"pid": 7, "host": "elsewhere"}')
        project.runs.sync_folders()
        assert project.runs.list_runs()[0].state == "running"
        clock.now += SILENT_AFTER + 1
        assert project.runs.sync_folders().runs and project.runs.list_runs()[0].state == "interrupted"


def test_checkpoints_are_listed_with_what_they_say_and_what_the_user_says(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p") as project:
        folder = write_run(project, STARTED)
        write_checkpoint(folder / "checkpoints" / "last.safetensors")
        write_checkpoint(folder / "checkpoints" / "best.safetensors", DESCRIBED | {"epoch": 2})
        (folder / "checkpoints" / "torn.safetensors").write_bytes(b"\x10\0\0")
        write_checkpoint(folder / "checkpoints" / "odd.safetensors", {"epoch": "three", "labels": 5})
        (folder / "checkpoints" / ".best.abc.safetensors").write_bytes(b"half")
        assert project.runs.sync_folders().runs
        best, last = project.runs.list_checkpoints()
        assert (best.id, best.run, best.best, best.epoch) == ("r001-best", "r001", True, 2)
        assert (last.id, last.best, last.epoch, last.model) == ("r001-last", False, 3, "ssd_compact")
        assert best.path == folder / "checkpoints" / "best.safetensors" and best.size_bytes == best.path.stat().st_size
        assert (best.map50, best.map, best.label_ap50) == (0.8, 0.5, {"scratch": 0.9, "pit": None})
        assert best.labels == ("scratch", "pit") and best.created == "2025-05-01T10:00:00+02:00"
        assert project.runs.set_star("r001-best", True).runs and project.runs.set_note("r001-best", "for line 3").runs
        write_checkpoint(folder / "checkpoints" / "best.safetensors", DESCRIBED | {"epoch": 4})
        os.utime(folder / "checkpoints" / "best.safetensors", (2e9, 2e9))
        project.runs.sync_folders()
    with Project.open(tmp_path / "p") as project:
        best = project.runs.list_checkpoints()[0]
        assert (best.epoch, best.star, best.note) == (4, True, "for line 3")
        with Project.open(tmp_path / "p", read_only=True) as copy:
            assert (
                copy.runs.list_checkpoints() == project.runs.list_checkpoints()
                and copy.runs.list_runs() == project.runs.list_runs()
            )


def test_a_reader_sees_checkpoints_that_nobody_has_listed_yet(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p") as project:
        write_checkpoint(write_run(project) / "checkpoints" / "best.safetensors")
        with Project.open(tmp_path / "p", read_only=True) as copy:
            assert [record.id for record in copy.runs.list_checkpoints()] == ["r001-best"]
            assert [record.id for record in copy.runs.list_runs()] == ["r001"]


def test_paths_follow_a_moved_project(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p") as project:
        write_checkpoint(write_run(project) / "checkpoints" / "best.safetensors")
        project.runs.sync_folders()
    (tmp_path / "p").rename(tmp_path / "q")
    with Project.open(tmp_path / "q") as project:
        assert project.runs.list_checkpoints()[0].path.is_file()


def test_deleting_a_checkpoint_deletes_its_file_and_what_was_noted(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p") as project:
        folder = write_run(project)
        for name in ("best", "last"):
            write_checkpoint(folder / "checkpoints" / f"{name}.safetensors")
        project.runs.sync_folders()
        project.runs.set_star("r001-best", True)
        assert project.runs.delete_checkpoint("r001-best").runs
        assert not (folder / "checkpoints" / "best.safetensors").exists()
        assert [record.id for record in project.runs.list_checkpoints()] == ["r001-last"]
        for change in (
            project.runs.delete_checkpoint,
            lambda key: project.runs.set_star(key, True),
            lambda key: project.runs.set_note(key, ""),
        ):
            with pytest.raises(InputError, match="there is no 'r001-best'"):
                change("r001-best")
        write_checkpoint(folder / "checkpoints" / "best.safetensors")
        project.runs.sync_folders()
        assert not project.runs.list_checkpoints()[0].star


def test_deleting_a_run_takes_its_files_rows_and_notes_and_leaves_the_others(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p") as project:
        folders = [write_run(project, JobFinished()) for _ in range(2)]
        for folder in folders:
            write_checkpoint(folder / "checkpoints" / "best.safetensors")
        project.runs.sync_folders()
        project.runs.set_star("r001-best", True)
        project.runs.set_star("r002-best", True)
        assert project.runs.delete_run("r001").runs
        assert [path.name for path in project.runs.folder.iterdir()] == ["r002"]
        assert [run.id for run in project.runs.list_runs()] == ["r002"]
        assert [(one.id, one.star) for one in project.runs.list_checkpoints()] == [("r002-best", True)]
        assert project.runs.sync_folders() == Changes()
        assert project.runs.make_folder().name == "r003"
        write_checkpoint(project.runs.folder / "r001" / "checkpoints" / "best.safetensors")
        project.runs.sync_folders()
        assert not project.runs.list_checkpoints()[0].star, "the note went with the run"


@pytest.mark.parametrize("name", ["r009", "../images", "", "notes"])
def test_only_a_run_can_be_deleted_as_one(tmp_path: Path, name: str) -> None:
    with Project.create(tmp_path / "p") as project:
        write_run(project)
        (project.runs.folder / "notes").mkdir()
        (project.folder / "images").mkdir()
        before = sorted(project.folder.rglob("*"))
        with pytest.raises(InputError, match="run: there is no"):
            project.runs.delete_run(name)
        assert sorted(project.folder.rglob("*")) == before


def test_a_run_that_is_trained_or_waits_is_not_deleted(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p") as project:
        live, waiting = JobFolder(write_run(project, STARTED)), JobFolder(write_run(project))
        live.write_heartbeat()
        waiting.join_queue(1.0)
        for run, reason in (("r001", "is being trained; stop it first"), ("r002", "take it out of the queue first")):
            with pytest.raises(InputError, match=reason):
                project.runs.delete_run(run)
        assert live.path.is_dir() and waiting.path.is_dir()


def test_a_run_stays_whole_where_the_project_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Project.create(tmp_path / "p") as project:
        folder = write_run(project, JobFinished())
        write_checkpoint(folder / "checkpoints" / "best.safetensors")
        project.runs.sync_folders()

        def full(_tables: RunTables, _run: str) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(RunTables, "delete_run", full)
        with pytest.raises((InputError, OSError)):
            project.runs.delete_run("r001")
        assert (folder / "checkpoints" / "best.safetensors").is_file() and len(project.runs.list_checkpoints()) == 1


def test_what_is_left_of_a_deletion_that_was_cut_short_is_removed(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p") as project:
        for _ in range(2):
            write_run(project, JobFinished())
        (project.runs.folder / "r001").rename(project.runs.folder / ".deleted-r001")
        project.runs.sync_folders()
        assert [run.id for run in project.runs.list_runs()] == ["r002"]
        assert [path.name for path in project.runs.folder.iterdir()] == ["r002"]


def test_runs_that_were_started_from_another_are_known(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p") as project:
        first, second = write_run(project), write_run(project)
        start = first / "checkpoints" / "best.safetensors"
        files.write_text(
            second / "recipe.yaml", f"model: ssd_compact\nweights: {{source: checkpoint, path: {start}}}\n"
        )
        project.runs.sync_folders()
        assert (
            started_from(project.runs.list_runs(), first) == ["r002"]
            and started_from(project.runs.list_runs(), second) == []
        )


def test_a_deleted_run_folder_leaves_the_list(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p") as project:
        folder = write_run(project)
        write_checkpoint(folder / "checkpoints" / "best.safetensors")
        project.runs.sync_folders()
        assert len(project.runs.list_checkpoints()) == len(project.runs.list_runs()) == 1
        for path in sorted(folder.rglob("*"), reverse=True):
            path.unlink() if path.is_file() else path.rmdir()
        folder.rmdir()
        assert project.runs.sync_folders().runs
        assert project.runs.list_checkpoints() == [] and project.runs.list_runs() == []


def test_torn_run_files_leave_their_fields_empty(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p") as project:
        folder = project.runs.make_folder()
        (folder / "job.json").write_text('{"kind": ')
        (folder / "recipe.yaml").write_text("model: [")
        (folder / "events.jsonl").write_text(json.dumps(to_json(epoch(1))) + '\n{"event": "epo')
        project.runs.sync_folders()
        (run,) = project.runs.list_runs()
        assert (run.model, run.epochs, run.recipe) == ("", 1, {}) and run.created
