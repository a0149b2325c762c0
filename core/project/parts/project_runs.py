"""The runs and checkpoints of an open project: listing, starring, deleting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from core.changes import Changes
from core.errors import InputError
from core.jobs.folder import JobFolder
from core.project import runs
from core.project.evaluations import list_evaluation_files
from core.project.operating_points import hand_file
from core.project.parts.project_database import ProjectDatabase
from core.project.records import CheckpointRecord, RunRecord


class ProjectRuns:
    """The runs of an open project: `project.runs`. The run folders are the truth, see `core.project.runs`."""

    def __init__(self, database: ProjectDatabase) -> None:
        self._database = database
        self.folder = database.folder / "runs"

    def make_folder(self) -> Path:
        """Make the folder of a new run; the numbers of deleted runs are not used again.

        Beside a program that has the project open as well: it finds the number taken.
        """
        with self._database.lock:
            folder, number = runs.make_folder(self.folder, self._database.counters["run"])
            if self._database.read_only:
                return folder
            try:
                with self._database.writing() as store:
                    store.set_counters({"run": number + 1})
            except BaseException:
                folder.rmdir()  # a folder without a number of its own would be listed as a run that waits
                raise
            self._database.counters["run"] = number + 1
            return folder

    def sync_folders(self) -> Changes:
        """Bring the list of runs and checkpoints to what the run folders hold."""
        with self._database.lock:
            self._database.check_writable()
            runs.remove_leftovers(self.folder)
            with self._database.writing() as store:
                changed = runs.sync_rows(store.runs, self.folder)
            return Changes(runs=changed)

    def list_runs(self) -> list[RunRecord]:
        """Runs as they were at the last `sync_folders`, oldest first."""
        with self._database.reading() as store:
            return runs.listed_runs(store.runs, self.folder, scan=self._database.read_only)

    def list_checkpoints(self) -> list[CheckpointRecord]:
        """Checkpoints as they were at the last `sync_folders`, by run."""
        with self._database.reading() as store:
            return runs.listed_checkpoints(store.runs, self.folder, scan=self._database.read_only)

    def set_run_words(self, run: str, name: str, note: str) -> Changes:
        """Call a run by a name and note something on it; empty texts take them away. Raises InputError."""
        with self._database.lock:
            self._database.check_writable()
            runs.write_words(runs.run_folder(self.folder, run), name, note)
            return self.sync_folders()

    def set_star(self, checkpoint_id: str, star: bool) -> Changes:
        """Mark a checkpoint, or take the mark away. Raises InputError if there is no such checkpoint."""
        return self._annotate(checkpoint_id, lambda record: replace(record, star=star))

    def set_note(self, checkpoint_id: str, text: str) -> Changes:
        """Write down something about a checkpoint. Raises InputError if there is no such checkpoint."""
        return self._annotate(checkpoint_id, lambda record: replace(record, note=text))

    def _annotate(self, checkpoint_id: str, change: Callable[[CheckpointRecord], CheckpointRecord]) -> Changes:
        with self._database.lock:
            self._database.check_writable()
            record = change(self._checkpoint(checkpoint_id))
            with self._database.writing() as store:
                store.runs.set_checkpoint_note(checkpoint_id, record.star, record.note)
            return Changes(runs=True)

    def delete_checkpoint(self, checkpoint_id: str) -> Changes:
        """Delete a checkpoint's file. Raises InputError if there is none or the file cannot be deleted."""
        with self._database.lock:
            self._database.check_writable()
            path = self._checkpoint(checkpoint_id).path
            try:
                path.unlink(missing_ok=True)
                hand_file(path).unlink(missing_ok=True)
                for evaluation in list_evaluation_files(path):
                    evaluation.unlink(missing_ok=True)
            except OSError as error:
                raise InputError(f"{path}: cannot be deleted ({error.strerror})") from error
            with self._database.writing() as store:
                store.runs.delete_checkpoint(checkpoint_id)
                store.runs.delete_checkpoint_note(checkpoint_id)
            return Changes(runs=True)

    def delete_run(self, run: str) -> Changes:
        """Delete a run with its checkpoints. Raises InputError, with the run untouched, if that cannot be.

        A run that is trained or waits for its turn is not deleted.
        """
        with self._database.lock:
            self._database.check_writable()
            folder = runs.run_folder(self.folder, run)
            job = JobFolder(folder)
            if job.state() == "running":
                raise InputError(f"{run}: is being trained; stop it first")
            if job.read_place() is not None:
                raise InputError(f"{run}: waits for its turn to be trained; take it out of the queue first")
            # Out of sight in one step; what is deleted piece by piece afterwards is no run any more.
            aside = runs.deleted_name(folder)
            try:
                folder.rename(aside)
            except OSError as error:
                raise InputError(f"{folder}: cannot be deleted ({error.strerror})") from error
            try:
                # The number may have been given by a program beside this one.
                number = max(self._database.counters["run"], int(run[1:]) + 1)
                with self._database.writing() as store:
                    runs.forget_run(store.runs, run)
                    store.set_counters({"run": number})
                self._database.counters["run"] = number
            except BaseException:
                aside.rename(folder)
                raise
            runs.remove_leftovers(self.folder)
            return Changes(runs=True)

    def _checkpoint(self, checkpoint_id: str) -> CheckpointRecord:
        found = next((record for record in self.list_checkpoints() if record.id == checkpoint_id), None)
        if found is None:
            raise InputError(
                f"checkpoint: there is no {checkpoint_id!r} in {self._database.folder}; see 'defectdesk checkpoints'"
            )
        return found
