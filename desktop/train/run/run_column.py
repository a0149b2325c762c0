"""The right side of the Train page: the runs of the project, and the one that is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QVBoxLayout, QWidget

from core.errors import InputError
from core.jobs.folder import JobFolder, State
from core.project.project import Project
from core.project.records import CheckpointRecord, RunRecord
from core.recipe.recipe import load_recipe
from core.training.tracking import export_csv, export_tensorboard
from desktop.base.background import Tasks
from desktop.base.job_thread import WatchThread
from desktop.base.session import Session
from desktop.base.theme import GAP, PAD
from desktop.kit.deletion import may_delete
from desktop.kit.notice import Notice
from desktop.kit.parts import words
from desktop.train.run import run_deletion
from desktop.train.run.live_training import LiveTraining
from desktop.train.run.run_about import RunAbout
from desktop.train.run.run_differences import ComparedRun
from desktop.train.run.run_history import RunHistory
from desktop.train.run.run_picker import RunPicker, model_title, state_word
from desktop.train.run.run_queue import RunQueue
from desktop.train.run.run_view import RunView

_LOW = 860  # pixels of height below which the plots need the room that the rows of the queue would take

_Read = tuple[RunHistory, State, RunAbout]


class RunColumn(QWidget):
    """Shows the training that runs, one of the past, or one that is watched from afar."""

    resume_requested = Signal(str)  # a run's id
    recipe_requested = Signal(object)  # Path of a run's folder, whose recipe is to be that of the next training

    def __init__(self, session: Session, tasks: Tasks, live: LiveTraining) -> None:
        super().__init__()
        self._session = session
        self._tasks = tasks
        self._live = live
        self._project: Project | None = None
        self._records: list[RunRecord] = []
        self._watch: WatchThread | None = None
        self._watched: list[Path] = []
        self.shown = ""  # a run's id, or the path of a folder that is watched
        self.picker = RunPicker()
        self.queue = RunQueue()
        self.notice = Notice()
        self.view = RunView()
        self._lay_out()
        self.picker.chosen.connect(self.show_run)
        self.view.inspect_requested.connect(session.inspect_requested)
        self.view.checkpoints_requested.connect(lambda: session.page_requested.emit("Checkpoints"))
        self.view.resume_requested.connect(lambda: self.resume_requested.emit(self.shown))
        self.view.compared_changed.connect(self._compare)
        self.view.texts.recipe_wanted.connect(self.request_recipe)
        self.view.csv_wanted.connect(self._export_csv)
        self.view.tensorboard_wanted.connect(self._export_tensorboard)

    # -- for the page ------------------------------------------------------------------------------------------

    def set_project(self, project: Project | None) -> None:
        """Show the runs of another project, or none."""
        self.end_watch()
        self._project = project
        self._records, self._watched = [], []
        self.shown = ""
        self.notice.clear()
        self.view.show_run(RunHistory(), "", {})

    def list_runs(self, records: Sequence[RunRecord], checkpoints: Sequence[CheckpointRecord]) -> None:
        """Fill the list of runs, in this order, and keep the one that is shown."""
        self._records = list(records)
        self.picker.set_runs(records, checkpoints, self._live.run, self._watched)
        if not self.shown and records:
            self.show_run(records[0].id)
        self.picker.show_run(self.shown)
        self._offer_comparisons()

    def show_run(self, run: str) -> None:
        """Show a run by its id, or a watched folder by its path."""
        project = self._project
        if not run or project is None:
            return
        self.end_watch()
        if run == self._live.run:
            self.show_live()
            return
        self._tasks.cancel("train:run")
        self.shown = run
        self.picker.show_run(run)
        self._offer_comparisons()
        foreign = Path(run) in self._watched
        self.view.summary.set_own(not foreign)
        path = Path(run) if foreign else project.runs_folder / run
        if foreign or JobFolder(path).state() == "running":
            self._begin_watch(path)
            return
        colors = self.label_colors()

        def shown(read: _Read) -> None:
            if self.shown == run and self._project is project:
                history, state, about = read
                self.view.show_run(history, state, colors, about)

        self._tasks.run("train:run", lambda: _read(path), shown)

    def show_live(self) -> None:
        """Show the training that runs."""
        assert self._project is not None
        self.end_watch()
        self._tasks.cancel("train:run")
        self.shown = self._live.run
        self.view.summary.set_own(True)
        about = RunAbout.of(self._project.runs_folder / self.shown)
        self.view.show_run(self._live.history, self._live.state, self.label_colors(), about)
        self.picker.show_run(self.shown)
        self._offer_comparisons()

    @property
    def shows_live(self) -> bool:
        return self._live.running and self.shown == self._live.run

    @property
    def own_run(self) -> str:
        """The run of this project that is shown; empty for one that is watched."""
        return "" if Path(self.shown) in self._watched else self.shown

    def label_colors(self) -> dict[str, str]:
        return {label.name: label.color for label in self._project.labels()} if self._project is not None else {}

    def delete_shown(self) -> None:
        """Delete the run that is shown, once the person has agreed."""
        project, run = self._project, self.own_run
        if project is None or project.read_only or not run:
            return
        folder = project.runs_folder / run
        asked = run_deletion.question(folder), run_deletion.details(folder, project.runs(), project.checkpoints())
        if not may_delete(self, *asked):
            return
        try:
            changes = project.delete_run(run)
        except InputError as error:
            self.notice.show_notice(str(error), "error")
            return
        self.notice.clear()
        self.end_watch()
        self.shown = ""  # the list that follows chooses another
        self.view.show_run(RunHistory(), "", {})
        self._session.notify(changes, self)
        self._session.message.emit(f"Deleted {run}")

    def request_recipe(self) -> None:
        """Ask for the recipe of the run that is shown."""
        if (folder := self.view.about.folder) is not None:
            self.recipe_requested.emit(folder)

    # -- a run somewhere else ----------------------------------------------------------------------------------

    def choose_watched(self) -> None:
        """Ask for a run's folder, on this machine or on another's disk, and follow it."""
        chosen = QFileDialog.getExistingDirectory(self, "The folder of a run, such as project/runs/r003")
        if chosen:
            self.watch(Path(chosen))

    def watch(self, folder: Path) -> None:
        """Follow the run in `folder`; nothing is written there."""
        job = JobFolder(folder)
        try:
            if not (folder / "job.json").is_file():
                raise InputError(f"{folder}: is not the folder of a run; choose one such as project/runs/r003")
            if job.job().get("kind") != "train":
                raise InputError(
                    f"{folder}: is the folder of a job, but not of a training; choose one such as runs/r003"
                )
        except InputError as error:
            self.notice.show_notice(str(error), "error")
            return
        self.notice.clear()
        if self._project is not None and folder.parent == self._project.runs_folder:
            self.show_run(folder.name)
            return
        if folder not in self._watched:
            self._watched.append(folder)
            self.picker.addItem(f"watched · {folder.name} in {folder.parent.parent.name}", str(folder))
            self.picker.setEnabled(True)
        self.show_run(str(folder))

    def end_watch(self) -> None:
        """Follow the other run no more."""
        if self._watch is not None:
            self._watch.end()
            self._watch.deleteLater()
            self._watch = None

    def _begin_watch(self, folder: Path) -> None:
        history = RunHistory()
        self.view.show_run(history, "waiting", self.label_colors(), RunAbout.of(folder))
        self._watch = watch = WatchThread(JobFolder(folder), self)
        watch.events.connect(lambda events: self._take_in(watch, events))
        watch.state_changed.connect(lambda state: self.view.set_state(state) if self._watch is watch else None)
        watch.began_anew.connect(lambda: self._watch_anew(watch))
        watch.reachable_changed.connect(lambda there: self._tell_reachable(watch, there))
        watch.start()

    def _take_in(self, watch: WatchThread, events: list[dict[str, object]]) -> None:
        if self._watch is watch:
            self.view.history.add(events)
            self.view.refresh()

    def _tell_reachable(self, watch: WatchThread, there: bool) -> None:
        if self._watch is not watch:
            return
        folder = watch.folder.path
        if there:
            self.notice.show_notice(f"{folder}: is there again and is followed", "info")
        else:
            self.notice.show_notice(
                f"{folder}: cannot be reached; what was read of it is shown until it is back", "warning"
            )

    def _watch_anew(self, watch: WatchThread) -> None:
        if self._watch is watch:
            self.view.show_run(RunHistory(), self.view.state, self.label_colors(), self.view.about)

    # -- other runs beside it ----------------------------------------------------------------------------------

    def _offer_comparisons(self) -> None:
        titles = [
            (run.id, f"{run.id} · {model_title(run.model)} · {state_word(run)}")
            for run in self._records
            if run.id != self.shown and run.epochs
        ]
        self.view.bar.set_runs(titles)

    def _compare(self, runs: list[str]) -> None:
        project = self._project
        if project is None or not runs:
            self._tasks.cancel("train:compare")
            self.view.set_compared([])
            return
        folders = [project.runs_folder / run for run in runs]

        def read() -> list[ComparedRun]:
            return [(about, history) for history, _, about in map(_read, folders)]

        self._tasks.run("train:compare", read, self.view.set_compared)

    # -- for other programs ------------------------------------------------------------------------------------

    def _export_csv(self) -> None:
        folder = self.view.about.folder
        if folder is None:
            return
        name, _ = QFileDialog.getSaveFileName(self, "Export the measures", f"{folder.name}.csv", "Tables (*.csv)")
        if name:
            path = Path(name)
            self._tasks.run(
                "train:export",
                lambda: export_csv(folder, path),
                lambda steps: self._exported(f"Exported {path.name} and {steps.name} to {path.parent}"),
                self._refused,
            )

    def _export_tensorboard(self) -> None:
        folder = self.view.about.folder
        if folder is None:
            return
        name = QFileDialog.getExistingDirectory(self, "Folder for TensorBoard's event file")
        if name:
            target = Path(name) / folder.name
            self._tasks.run(
                "train:export",
                lambda: export_tensorboard(folder, target, load_recipe(folder / "recipe.yaml")),
                lambda _none: self._exported(f"Exported to {target}; 'tensorboard --logdir {name}' shows it"),
                self._refused,
            )

    def _exported(self, text: str) -> None:
        self.notice.show_notice(text, "info")

    def _refused(self, error: Exception) -> None:
        if not isinstance(error, InputError | OSError):
            raise error
        self.notice.show_notice(str(error), "error")

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.queue.set_low(self.height() < _LOW)

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.addWidget(words("Run", "section"))
        head.addWidget(self.picker)
        head.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(PAD, PAD, PAD, PAD)
        layout.setSpacing(GAP)
        layout.addLayout(head)
        layout.addWidget(self.notice)
        layout.addWidget(self.queue)
        layout.addWidget(self.view, 1)


def _read(folder: Path) -> _Read:
    job = JobFolder(folder)
    state = job.state()
    return RunHistory.of(job.read()[0]), state, RunAbout.of(folder)
