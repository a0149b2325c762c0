"""Runs and checkpoints. The run folders are the truth; the database keeps rows to list them fast."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from core.errors import InputError
from core.files import write_json
from core.jobs.events import EpochDone, from_json
from core.jobs.folder import JobFolder
from core.project.records import CheckpointRecord, RunRecord
from core.project.storage.run_tables import RunTables
from core.safetensors_header import read_metadata

_TAIL = 2**18  # bytes of events.jsonl that are read first: the last epoch is in them but for very long epochs
_MEASURES = ("train_loss", "val_loss", "map50", "map", "seconds", "images_per_second")
_DELETED = ".deleted-"
WORDS_FILE = "words.json"  # what the user calls a run and noted on it: beside the recipe, which stays as it was trained
_STATE_FILES = ("job.json", "recipe.yaml", "events.jsonl", "snapshot.json", "heartbeat", "stop", "queued", WORDS_FILE)
LONGEST_NAME, LONGEST_NOTE = 60, 2000  # characters


def make_folder(parent: Path, first: int, letter: str = "r") -> tuple[Path, int]:
    """Make `parent`/r<number> for the lowest free number from `first`. Also gives the number. Raises InputError."""
    number = first
    while True:
        folder = parent / f"{letter}{number:03d}"
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            number += 1
        except OSError as error:
            raise InputError(
                f"{folder}: cannot be made ({error.strerror}); check the disk and the permissions"
            ) from error
        else:
            return folder, number


def sync_rows(rows: RunTables, runs_folder: Path) -> bool:
    """Bring the rows to what is in the folders; reads only what changed. True if anything had."""
    known_runs, known_checkpoints = rows.run_rows(), rows.checkpoint_rows()
    folders = {folder.name: folder for folder in _run_folders(runs_folder)}
    changed = False
    for run, folder in folders.items():
        signature = _sign_files(*(folder / name for name in _STATE_FILES))
        # A live run can end without writing anything more: its heartbeat falls silent.
        live = run in known_runs and json.loads(known_runs[run][1])["state"] in ("running", "waiting")
        if live or known_runs.get(run, ("", ""))[0] != signature:
            record = json.dumps(asdict(read_run(folder)), ensure_ascii=False)
            if known_runs.get(run, ("", ""))[1] != record:
                changed = True
            rows.write_run(run, signature, record)
    for run in known_runs.keys() - folders.keys():
        rows.delete_run(run)
        changed = True
    present = {_checkpoint_id(path): path for folder in folders.values() for path in _checkpoint_files(folder)}
    for checkpoint, path in present.items():
        signature = _sign_files(path)
        if known_checkpoints.get(checkpoint, ("", ""))[0] != signature:
            found = _read_or_none(path)
            if found is not None:
                rows.write_checkpoint(checkpoint, found.run, signature, _to_json(found))
                changed = True
    for checkpoint in known_checkpoints.keys() - present.keys():
        rows.delete_checkpoint(checkpoint)
        changed = True
    return changed


def run_folder(runs_folder: Path, run: str) -> Path:
    """The folder of a run by its name. Raises InputError if there is none."""
    found = next((folder for folder in _run_folders(runs_folder) if folder.name == run), None)
    if found is None:
        raise InputError(f"run: there is no {run!r} in {runs_folder.parent}; see 'defectdesk runs DIR'")
    return found


def deleted_name(folder: Path) -> Path:
    """What the folder of a deleted run is called until all of it is gone: a name under which nobody looks for runs."""
    return folder.with_name(f"{_DELETED}{folder.name}")


def remove_leftovers(runs_folder: Path) -> None:
    """Remove what is left of deleted runs, as far as the system lets us."""
    for path in runs_folder.glob(f"{_DELETED}*"):
        shutil.rmtree(path, ignore_errors=True)


def forget_run(rows: RunTables, run: str) -> None:
    """Take a run, its checkpoints and what was noted on them out of the rows."""
    rows.delete_run(run)
    for checkpoint, (_, record) in rows.checkpoint_rows().items():
        if json.loads(record)["run"] == run:
            rows.delete_checkpoint(checkpoint)
            rows.delete_checkpoint_note(checkpoint)


def started_from(records: Sequence[RunRecord], folder: Path) -> list[str]:
    """The runs whose starting weights lie in `folder`."""
    found = []
    for one in records:
        weights = one.recipe.get("weights")
        path = weights.get("path") if isinstance(weights, dict) else None  # a recipe may be damaged
        if path and Path(str(path)).is_relative_to(folder):
            found.append(one.id)
    return found


def listed_runs(rows: RunTables, runs_folder: Path, *, scan: bool) -> list[RunRecord]:
    """Runs by number: from the rows, or with `scan` from the folders (where rows cannot be written)."""
    if scan:
        return scanned_runs(runs_folder)
    found = [RunRecord(**json.loads(record)) for _, record in rows.run_rows().values()]
    return sorted(found, key=lambda record: _number_of(record.id))


def listed_checkpoints(rows: RunTables, runs_folder: Path, *, scan: bool) -> list[CheckpointRecord]:
    """Checkpoints by run, best first, with what the user noted; `scan` as for `listed_runs`."""
    if scan:
        paths = [path for folder in _run_folders(runs_folder) for path in _checkpoint_files(folder)]
        found = [record for path in paths if (record := _read_or_none(path)) is not None]
    else:
        found = [_from_json(record, runs_folder) for _, record in rows.checkpoint_rows().values()]
    notes = rows.checkpoint_notes()
    found = [
        replace(record, star=notes[record.id][0], note=notes[record.id][1]) if record.id in notes else record
        for record in found
    ]
    return sorted(found, key=lambda record: (_number_of(record.run), not record.best, record.id))


def read_run(folder: Path) -> RunRecord:
    """What the files in a run's folder say. A file that is missing or torn leaves its fields empty."""
    recipe = _read_yaml(folder / "recipe.yaml")
    job = _read_json(folder / "job.json")
    state = JobFolder(folder).state()
    epoch = _read_last_epoch(folder / "events.jsonl")
    words = _read_json(folder / WORDS_FILE)
    return RunRecord(
        id=folder.name,
        model=str(recipe.get("model", "")),
        created=str(job.get("created") or _format_time(_find_oldest(folder))),
        state=state,
        epochs=epoch.epoch if epoch is not None else 0,
        recipe=recipe,
        snapshot_hash=str(job.get("snapshot_hash") or _read_snapshot_hash(folder / "snapshot.json")),
        place=JobFolder(folder).read_place() if state == "waiting" else None,
        measures=_read_measures(epoch),
        name=_read_words(words, "name", LONGEST_NAME),
        note=_read_words(words, "note", LONGEST_NOTE),
    )


def write_words(folder: Path, name: str, note: str) -> None:
    """Keep what the user calls the run in `folder` and noted on it. Raises InputError where it is too long."""
    for what, text, longest in (("name", name, LONGEST_NAME), ("note", note, LONGEST_NOTE)):
        if len(text) > longest:
            raise InputError(f"{folder.name}: the {what} has {len(text):,} characters; {longest:,} are the most")
    try:
        write_json(folder / WORDS_FILE, {"name": " ".join(name.split()), "note": note.strip()})
    except OSError as error:
        raise InputError(
            f"{folder / WORDS_FILE}: cannot be written ({error.strerror}); make room on the disk"
        ) from error


def _read_words(tree: dict[str, Any], name: str, longest: int) -> str:
    value = tree.get(name)
    return value[:longest] if isinstance(value, str) else ""


def scanned_runs(runs_folder: Path) -> list[RunRecord]:
    """Runs by number, from the folders alone: also of a project that another program has open."""
    return sorted((read_run(folder) for folder in _run_folders(runs_folder)), key=lambda record: _number_of(record.id))


def read_checkpoint(path: Path) -> CheckpointRecord:
    """What a checkpoint file in a run's folder says of itself. Raises InputError if it is damaged or not ours."""
    described = read_metadata(path)
    stat = path.stat()
    try:
        metrics = described.get("metrics") or {}
        return CheckpointRecord(
            id=_checkpoint_id(path),
            run=path.parent.parent.name,
            epoch=int(described["epoch"]),
            model=str(described["model"]),
            created=str(described.get("created") or _format_time(stat.st_mtime)),
            path=path,
            size_bytes=stat.st_size,
            map50=_number_or_none(metrics.get("map50")),
            map=_number_or_none(metrics.get("map")),
            label_ap50={str(name): _number_or_none(ap) for name, ap in metrics.get("label_ap50", {}).items()},
            best=path.stem == "best",
            labels=tuple(str(name) for name in described["labels"]),
        )
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
        raise InputError(f"{path}: damaged, its description lacks something ({error!r})") from error


def _read_or_none(path: Path) -> CheckpointRecord | None:
    # A damaged file is no checkpoint: it is not listed, and whoever opens it by its path is told why.
    try:
        return read_checkpoint(path)
    except InputError:
        return None


def _run_folders(runs_folder: Path) -> list[Path]:
    if not runs_folder.is_dir():
        return []
    return sorted(
        path for path in runs_folder.iterdir() if path.is_dir() and path.name[:1] == "r" and path.name[1:].isdecimal()
    )


def _checkpoint_files(run_folder: Path) -> list[Path]:
    # The atomic writer's temporary files start with a dot; the last checkpoint but one is there for the worst case.
    found = sorted((run_folder / "checkpoints").glob("*.safetensors"))
    return [path for path in found if not path.name.startswith(".") and path.name != "previous.safetensors"]


def _checkpoint_id(path: Path) -> str:
    return f"{path.parent.parent.name}-{path.stem}"


def _number_of(run: str) -> int:
    return int(run[1:])


def _sign_files(*paths: Path) -> str:
    stats = [path.stat() if path.is_file() else None for path in paths]
    return ";".join(f"{stat.st_mtime_ns}:{stat.st_size}" if stat else "" for stat in stats)


def _read_last_epoch(path: Path) -> EpochDone | None:
    """The last completed epoch."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            file.seek(max(0, size - _TAIL))
            epoch = _find_last_epoch(file.read())
            if epoch is None and size > _TAIL:
                file.seek(0)
                epoch = _find_last_epoch(file.read())
    except OSError:
        return None
    return epoch


def _find_last_epoch(data: bytes) -> EpochDone | None:
    for line in reversed(data.splitlines()):
        # Steps are by far the most lines and carry the number of an epoch that is not complete.
        if b'"epoch"' in line and isinstance(event := from_json(_parse_json(line)), EpochDone):
            return event
    return None


def _read_measures(epoch: EpochDone | None) -> dict[str, float | None]:
    if epoch is None:
        return {}
    values = {name: getattr(epoch, name) for name in _MEASURES} | epoch.metrics
    numbers = {name: float(value) for name, value in values.items() if isinstance(value, int | float)}
    return {name: value for name, value in numbers.items() if math.isfinite(value)}


def _read_snapshot_hash(path: Path) -> str:
    # The hash is written first, so the start of a file of many megabytes is enough.
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            start = file.read(400)
    except OSError:
        return ""
    _, _, rest = start.partition('"hash": "')
    return rest.partition('"')[0]


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
        # A date, a set or a key that is no text can be in YAML, but neither in a recipe nor in JSON.
        json.dumps(tree, allow_nan=False)
    except (OSError, ValueError, TypeError, RecursionError, yaml.YAMLError):
        return {}
    return tree if isinstance(tree, dict) else {}


def _read_json(path: Path) -> dict[str, Any]:
    try:
        return _parse_json(path.read_bytes())
    except OSError:
        return {}


def _parse_json(text: bytes) -> dict[str, Any]:
    try:
        tree = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return tree if isinstance(tree, dict) else {}


def _find_oldest(folder: Path) -> float:
    return min(path.stat().st_mtime for path in (folder, *(p for p in folder.iterdir() if p.is_file())))


def _format_time(timestamp: float) -> str:
    return datetime.fromtimestamp(timestamp, UTC).astimezone().isoformat(timespec="seconds")


def _number_or_none(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and abs(value) <= 1 else None  # False for NaN, too


def _to_json(record: CheckpointRecord) -> str:
    tree = asdict(record) | {"path": record.path.name}  # its folder follows from the run, also after a move
    return json.dumps(tree, ensure_ascii=False)


def _from_json(text: str, runs_folder: Path) -> CheckpointRecord:
    tree = json.loads(text)
    path = runs_folder / tree["run"] / "checkpoints" / tree["path"]
    return CheckpointRecord(**tree | {"path": path, "labels": tuple(tree["labels"])})
