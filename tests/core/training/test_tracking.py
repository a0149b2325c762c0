"""Tables and TensorBoard files of a run, read back by other programs' readers."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import InputError
from core.jobs.events import EpochDone, Event, Notice, RunFinished, RunStarted, StepDone
from core.jobs.folder import JobFolder
from core.recipe.recipe import default_recipe, with_settings
from core.training.tracking import EventFile, epochs_csv, export_csv, export_tensorboard, final_events, track_events

STEPS = 3


class Version(str):
    """A text of a kind of its own, as torch's version is."""


def step(epoch: int, number: int, loss: float = 1.0) -> StepDone:
    return StepDone(epoch, number, STEPS, loss, loss / 2, loss / 2, 1e-3, 20.0)


def epoch(number: int, map50: float | None = 0.5, loss: float = 1.0) -> EpochDone:
    return EpochDone(
        number,
        4,
        loss,
        loss / 2,
        loss / 2,
        None,
        None,
        None,
        map50,
        map50,
        {"pit": map50, "=cmd()": None},
        1e-3,
        20.0,
        1.0,
        3.0,
        {"macro_f1": 0.25},
    )


def started(resumed_at: int = 0) -> RunStarted:
    return RunStarted(
        "r001",
        "ssd_compact",
        "CPU",
        4,
        STEPS,
        8,
        2,
        ["pit"],
        10,
        10,
        1.0,
        "random",
        environment={"torch": Version("2.15")},
        resumed_at=resumed_at,
    )


def run_of(folder: Path, events: list[Event]) -> Path:
    job = JobFolder.create(folder / "r001", {"kind": "train"})
    for event in events:
        job.append_event(event)
    return job.path


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """What TensorBoard itself reads from a folder."""
    # Imported here: it loads numpy's slow parts and says a lot about itself.
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    reader = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    reader.Reload()
    return {tag: [(one.step, one.value) for one in reader.Scalars(tag)] for tag in reader.Tags()["scalars"]}


def test_a_table_has_a_row_for_each_epoch_and_a_column_for_each_measure() -> None:
    rows = list(csv.DictReader(io.StringIO(epochs_csv([epoch(1, None), epoch(2, 0.75)]))))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert [row["map50"] for row in rows] == ["", "0.75"]
    assert [row["AP@0.5 pit"] for row in rows] == ["", "0.75"]
    assert rows[0]["macro_f1"] == "0.25"
    assert not any(name.startswith("=") for name in rows[0])


def test_of_what_a_resumed_run_repeats_the_last_word_counts() -> None:
    events = [step(1, 1), step(1, 2, 9.0), step(1, 3), epoch(1), step(2, 1), epoch(2), step(1, 2, 5.0), epoch(1, 0.9)]
    epochs, steps = final_events(events)
    assert [(one.epoch, one.map50) for one in epochs] == [(1, 0.9)]
    assert [(one.step, one.loss) for one in steps] == [(1, 1.0), (2, 5.0)]


def test_a_run_is_exported_as_two_tables(tmp_path: Path) -> None:
    run = run_of(tmp_path, [started(), step(1, 1), step(1, 2), epoch(1)])
    beside = export_csv(run, tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text().count("\n") == 2
    assert beside.name == "out-steps.csv"
    assert beside.read_text().count("\n") == 3


@pytest.mark.parametrize("present", ["out.csv", "out-steps.csv"])
def test_an_export_is_refused_whole_where_either_file_is_there(tmp_path: Path, present: str) -> None:
    run = run_of(tmp_path, [started(), step(1, 1), epoch(1)])
    (tmp_path / present).write_text("mine")
    with pytest.raises(InputError, match=rf"{present}: exists and is not written over"):
        export_csv(run, tmp_path / "out.csv")
    assert [path.read_text() for path in tmp_path.glob("out*")] == ["mine"]


def test_an_export_for_tensorboard_leaves_what_is_there(tmp_path: Path) -> None:
    run = run_of(tmp_path, [started(), step(1, 1), epoch(1)])
    export_tensorboard(run, tmp_path / "tb")
    (first,) = (tmp_path / "tb").iterdir()
    before = first.read_bytes()
    export_tensorboard(run, tmp_path / "tb")
    assert first.read_bytes() == before and len(list((tmp_path / "tb").iterdir())) == 2


def test_a_run_that_measured_nothing_is_refused_and_no_file_is_left(tmp_path: Path) -> None:
    run = run_of(tmp_path, [started()])
    for export in (lambda: export_csv(run, tmp_path / "out.csv"), lambda: export_tensorboard(run, tmp_path / "tb")):
        with pytest.raises(InputError, match="r001: has measured nothing"):
            export()
    assert not (tmp_path / "out.csv").exists()
    assert not (tmp_path / "tb").exists()


def test_tensorboard_reads_what_a_training_wrote(tmp_path: Path) -> None:
    recipe = with_settings(default_recipe("ssd_compact"), {"tracking.tensorboard": True})
    told: list[Event] = [started(), step(1, 1, 2.0), step(1, 3, 1.5), epoch(1, None), step(2, 3, 1.0), epoch(2, 0.75)]
    assert list(track_events(iter(told), recipe, tmp_path)) == told
    found = scalars(tmp_path / "tensorboard")
    assert found["step/loss"] == [(1, 2.0), (3, 1.5), (6, 1.0)]
    assert found["epoch/map50"] == [(6, 0.75)]
    assert found["AP@0.5/pit"] == [(6, 0.75)]
    assert found["epoch/macro_f1"] == [(3, 0.25), (6, 0.25)]


def test_a_resumed_run_replaces_in_tensorboard_what_it_repeats(tmp_path: Path) -> None:
    recipe = with_settings(default_recipe("ssd_compact"), {"tracking.tensorboard": True})
    list(track_events(iter([started(), step(1, 1, 9.0), step(1, 2, 8.0), step(1, 3, 7.0)]), recipe, tmp_path))
    list(track_events(iter([started(resumed_at=1), step(1, 2, 1.0), step(1, 3, 1.0)]), recipe, tmp_path))
    assert scalars(tmp_path / "tensorboard")["step/loss"] == [(1, 9.0), (2, 1.0), (3, 1.0)]


def test_nothing_is_written_unless_the_recipe_asks(tmp_path: Path) -> None:
    told: list[Event] = [started(), step(1, 1)]
    assert list(track_events(iter(told), default_recipe("ssd_compact"), tmp_path)) == told
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_refuses_the_files_does_not_end_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = with_settings(default_recipe("ssd_compact"), {"tracking.tensorboard": True})

    def refuse(_file: EventFile, event: Event) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(EventFile, "add", refuse)
    told: list[Event] = [started(), step(1, 1), RunFinished(1, 1.0, stopped=False)]
    events = list(track_events(iter(told), recipe, tmp_path))
    assert [event for event in events if not isinstance(event, Notice)] == told
    (notice,) = [event for event in events if isinstance(event, Notice)]
    assert "No space left" in notice.text and notice.level == "warning"


def test_a_folder_that_cannot_be_made_does_not_end_the_training(tmp_path: Path) -> None:
    recipe = with_settings(default_recipe("ssd_compact"), {"tracking.tensorboard": True})
    (tmp_path / "tensorboard").write_text("in the way")

    def told() -> Iterator[Event]:
        yield started()

    first, second = track_events(told(), recipe, tmp_path)
    assert isinstance(first, Notice) and isinstance(second, RunStarted)


def test_an_old_run_can_be_looked_at_in_tensorboard(tmp_path: Path) -> None:
    run = run_of(tmp_path, [started(), step(1, 2, 2.0), epoch(1, 0.5)])
    export_tensorboard(run, tmp_path / "tb", default_recipe("ssd_compact"))
    assert scalars(tmp_path / "tb")["epoch/map"] == [(3, 0.5)]


def test_labels_of_whole_images_are_not_said_to_overlap_by_half(tmp_path: Path) -> None:
    told = replace(epoch(1, None), map=0.6, labels={"pit": 0.6})
    (row,) = csv.DictReader(io.StringIO(epochs_csv([told])))
    assert row["AP pit"] == "0.6" and not any("0.5" in name for name in row)
    recipe = with_settings(default_recipe("ssd_compact"), {"tracking.tensorboard": True})
    list(track_events(iter([started(), told]), recipe, tmp_path))
    found = scalars(tmp_path / "tensorboard")
    assert "AP/pit" in found and "AP@0.5/pit" not in found
