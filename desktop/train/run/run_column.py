"""The right side of the Train page: the runs of the project, and the one that is looked at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtGui import QImage, QResizeEvent
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QVBoxLayout, QWidget

from core.errors import InputError
from core.jobs.events import Event
from core.jobs.folder import JobFolder
from core.project.project import Project
from core.project.records import CheckpointRecord, RunRecord
from core.training.samples import Samples
from desktop.base.session import Session
from desktop.base.theme import GAP, PAD
from desktop.kit.deletion import may_delete
from desktop.kit.notice import Notice
from desktop.kit.parts import icon_button, words
from desktop.services import Services
from desktop.train.run import run_deletion
from desktop.train.run.live_buttons import LiveButtons
from desktop.train.run.live_training import LiveTraining
from desktop.train.run.plot_choices import keep_choices, read_choices
from desktop.train.run.run_about import RunAbout
from desktop.train.run.run_differences import ComparedRun
from desktop.train.run.run_export import RunExport
from desktop.train.run.run_follower import RunFollower, check_run_folder
from desktop.train.run.run_history import RunHistory
from desktop.train.run.run_list import RunList
from desktop.train.run.run_picker import RunPicker, describe_run
from desktop.train.run.run_queue import RunQueue
from desktop.train.run.run_view import RunView
from desktop.train.run.samples_view import read_pictures
from desktop.train.run.shown_run import RunReading, ShownRun, read_shown_run

_LOW = 860  # pixels of height below which the plots need the room that the rows of the queue would take


class RunColumn(QWidget):
    """Shows the training that runs, one of the past, or one that is watched from afar."""

    resume_requested = Signal(str)  # a run's id
    recipe_requested = Signal(object)  # Path of a run's folder, whose recipe is to be that of the next training

    pause_requested = Signal()
    stop_requested = Signal()

    def __init__(self, session: Session, services: Services, live: LiveTraining, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._tasks = tasks = services.tasks
        self._live = live
        self._project: Project | None = None
        self._records: list[RunRecord] = []
        self._checkpoints: list[CheckpointRecord] = []
        self._watched: list[ShownRun] = []
        self._follower = RunFollower(self)
        self._export = RunExport(tasks, self)
        self.shown: ShownRun | None = None
        self.picker = RunPicker()
        self.live_buttons = LiveButtons()
        self.list_button = icon_button("grid", "All runs in a table, with names and notes")
        self.run_list = RunList(session, services.settings, self)
        self.queue = RunQueue()
        self.notice = Notice()
        self.view = RunView(self, read_choices(services.settings))
        self.view.choices_changed.connect(partial(keep_choices, services.settings))
        self._lay_out()
        self._connect()

    # -- for the page ------------------------------------------------------------------------------------------

    def set_project(self, project: Project | None) -> None:
        """Show the runs of another project, or none."""
        self.end_watch()
        self.run_list.close_list()
        self._project = project
        self._records, self._checkpoints, self._watched = [], [], []
        self.notice.clear()
        self._show_nothing()

    def list_runs(self, records: Sequence[RunRecord], checkpoints: Sequence[CheckpointRecord]) -> None:
        """Fill the list of runs, in this order, and keep the one that is shown."""
        self._records, self._checkpoints = list(records), list(checkpoints)
        self._fill_picker()
        self.run_list.set_runs(records, checkpoints)
        if self.shown is None and records:
            self.show_own_run(records[0].id)
        self.picker.show_run(self.shown)
        self._offer_comparisons()

    def show_own_run(self, run: str) -> None:
        """Show a run of the project by its id."""
        if self._project is not None:
            self.show_run(self._own_run(run))

    def show_run(self, run: ShownRun) -> None:
        project = self._project
        if project is None:
            return
        if run == self._live_run():
            self.show_live()
            return
        self._begin_showing(run)
        if run.watched or JobFolder(run.folder).state() == "running":
            self._follow_run(run)
            return
        colors = self.label_colors()
        self.view.show_run(RunHistory(), "reading", colors, RunAbout(run.id))

        def show(read: RunReading) -> None:
            if self.shown == run and self._project is project:
                self.view.show_run(read.history, read.state, colors, read.about)

        self._tasks.run("train:run", lambda: read_shown_run(run.folder), show)

    def show_live(self) -> None:
        """Show the training that runs."""
        if (run := self._live_run()) is not None:
            self._begin_showing(run)
            self.view.show_run(self._live.history, self._live.state, self.label_colors(), RunAbout.of(run.folder))

    def show_live_state(self) -> None:
        """Show how far the training that runs is, if it is the one that is shown; else the way to it."""
        self.live_buttons.show_state(self._live.run, self._live.state, shown=self.shows_live)
        if self.shows_live:
            self.view.set_state(self._live.state)

    def set_resumable(self, on: bool, text: str) -> None:
        """Whether runs may be resumed here, and what the button says."""
        self.view.summary.set_resumable(on, text)

    @property
    def shows_live(self) -> bool:
        return self.shown is not None and self.shown == self._live_run()

    @property
    def own_run(self) -> str:
        """The id of the project's run that is shown; empty without one."""
        return self.shown.own_id if self.shown is not None else ""

    def label_colors(self) -> dict[str, str]:
        return {label.name: label.color for label in self._project.labels()} if self._project is not None else {}

    def resume_shown(self) -> None:
        """Ask for the run that is shown to be resumed."""
        self.resume_requested.emit(self.own_run)

    def delete_shown(self) -> None:
        """Delete the run that is shown, once the user has agreed."""
        project, run = self._project, self.own_run
        if project is None or project.read_only or not run:
            return
        folder = project.runs.folder / run
        asked = (
            run_deletion.deletion_question(folder),
            run_deletion.deletion_details(folder, project.runs.list_runs(), project.runs.list_checkpoints()),
        )
        if not may_delete(self, *asked):
            return
        try:
            changes = project.runs.delete_run(run)
        except InputError as error:
            self.notice.show_notice(str(error), "error")
            return
        self.notice.clear()
        self.end_watch()
        self._show_nothing()  # the list that follows chooses another
        self._session.notify(changes, self)
        self._session.message.emit(f"Deleted {run}")

    def request_recipe(self) -> None:
        """Ask for the recipe of the run that is shown."""
        if (folder := self.view.about.folder) is not None:
            self.recipe_requested.emit(folder)

    # -- the run that is shown ---------------------------------------------------------------------------------

    def _own_run(self, run: str) -> ShownRun:
        assert self._project is not None
        return ShownRun(self._project.runs.folder / run)

    def _live_run(self) -> ShownRun | None:
        return self._own_run(self._live.run) if self._live.running and self._project is not None else None

    def _begin_showing(self, run: ShownRun) -> None:
        self.end_watch()
        self._tasks.cancel("train:run")
        self.shown = run
        self.view.summary.set_own(not run.watched)
        self.picker.show_run(run)
        self.live_buttons.show_state(self._live.run, self._live.state, shown=self.shows_live)
        self._offer_comparisons()

    def _show_samples(self, *_: object) -> None:
        """Show what the run in view has found on its sample images so far."""
        folder = self.view.about.folder
        if folder is None:
            self.view.samples.show_samples("", None, [], {})
            return
        run, colors = str(folder), self.label_colors()

        def show(read: tuple[Samples | None, list[QImage]]) -> None:
            if self.view.about.folder == folder:
                self.view.samples.show_samples(run, *read, colors)

        self._tasks.run("train:samples", lambda: read_pictures(folder), show)

    def _show_nothing(self) -> None:
        self.shown = None
        self.view.show_run(RunHistory(), "", {})

    def _fill_picker(self) -> None:
        """The training that runs may not be among the records yet; watched runs come last."""
        live, best = self._live.run, {one.run: one for one in self._checkpoints if one.best and one.map is not None}
        runs: list[tuple[ShownRun, str]] = []
        if live and all(run.id != live for run in self._records):
            runs.append((self._own_run(live), f"{live} · running"))
        for run in self._records:
            record = replace(run, state="running") if run.id == live else run
            runs.append((self._own_run(run.id), describe_run(record, best.get(run.id))))
        runs += [(run, f"watched · {run.id} in {run.folder.parent.parent.name}") for run in self._watched]
        self.picker.set_runs(runs)

    def _show_progress(self) -> None:
        if self.shows_live:
            if self.view.state == "starting":
                self.show_live_state()
            self.view.refresh()

    def _show_end(self, run: str, state: str) -> None:
        if self.own_run == run:
            self.view.set_state(state)

    # -- a run somewhere else ----------------------------------------------------------------------------------

    def choose_watched(self) -> None:
        """Ask for a run's folder, on this machine or on another's disk, and follow it."""
        chosen = QFileDialog.getExistingDirectory(self, "The folder of a run, such as project/runs/r003")
        if chosen:
            self.watch_folder(Path(chosen))

    def watch_folder(self, folder: Path) -> None:
        """Follow the run in `folder`; nothing is written there."""
        try:
            check_run_folder(folder)
        except InputError as error:
            self.notice.show_notice(str(error), "error")
            return
        self.notice.clear()
        if self._project is not None and folder.parent == self._project.runs.folder:
            self.show_own_run(folder.name)
            return
        run = ShownRun(folder, watched=True)
        if run not in self._watched:
            self._watched.append(run)
            self._fill_picker()
        self.show_run(run)

    def end_watch(self) -> None:
        """Follow the other run no more."""
        self._follower.leave_run()

    def _follow_run(self, run: ShownRun) -> None:
        self.view.show_run(RunHistory(), "waiting", self.label_colors(), RunAbout.of(run.folder))
        self._follower.follow_run(run.folder)

    def _add_followed(self, events: list[Event]) -> None:
        self.view.history.add(events)
        self.view.refresh()

    def _restart_followed(self) -> None:
        self.view.show_run(RunHistory(), self.view.state, self.label_colors(), self.view.about)

    def _tell_reachable(self, folder: Path, there: bool) -> None:
        if there:
            self.notice.show_notice(f"{folder}: is there again and is followed", "info")
        else:
            self.notice.show_notice(
                f"{folder}: cannot be reached; what was read of it is shown until it is back", "warning"
            )

    # -- other runs beside it ----------------------------------------------------------------------------------

    def _offer_comparisons(self) -> None:
        titles = [(run.id, describe_run(run)) for run in self._records if run.id != self.own_run and run.epochs]
        self.view.bar.set_runs(titles)

    def _compare_runs(self, runs: list[str]) -> None:
        project = self._project
        if project is None or not runs:
            self._tasks.cancel("train:compare")
            self.view.set_compared([])
            return
        folders = [project.runs.folder / run for run in runs]

        def read() -> list[ComparedRun]:
            return [(found.about, found.history) for found in map(read_shown_run, folders)]

        self._tasks.run("train:compare", read, self.view.set_compared)

    # -- for other programs -------------------------------------------------------------------------------------------------

    def _export_shown(self, export: Callable[[Path], None]) -> None:
        if (folder := self.view.about.folder) is not None:
            export(folder)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.queue.set_low(self.height() < _LOW)

    def _connect(self) -> None:
        self.picker.chosen.connect(self.show_run)
        self.list_button.clicked.connect(lambda: self.run_list.open_list(self.own_run))
        self.run_list.run_chosen.connect(self.show_own_run)
        self.run_list.failed.connect(lambda text: self.notice.show_notice(text, "error"))
        self.view.inspect_requested.connect(self._session.inspect_requested)
        self.view.checkpoints_requested.connect(lambda: self._session.page_requested.emit("Checkpoints"))
        self.view.resume_requested.connect(self.resume_shown)
        self.view.compared_changed.connect(self._compare_runs)
        self.view.texts.recipe_wanted.connect(self.request_recipe)
        self.view.csv_wanted.connect(lambda: self._export_shown(self._export.export_csv))
        self.view.picture_wanted.connect(lambda: self._export.export_plots(self.own_run, self.view.plots.area))
        self.view.tensorboard_wanted.connect(lambda: self._export_shown(self._export.export_tensorboard))
        self._export.exported.connect(lambda text: self.notice.show_notice(text, "info"))
        self._export.failed.connect(lambda text: self.notice.show_notice(text, "error"))
        self.view.run_changed.connect(self._show_samples)
        self.view.judged.connect(self._show_samples)
        self._follower.progressed.connect(self._add_followed)
        self._follower.state_changed.connect(self.view.set_state)
        self._follower.restarted.connect(self._restart_followed)
        self._follower.reachable_changed.connect(self._tell_reachable)
        self.live_buttons.pause_wanted.connect(self.pause_requested)
        self.live_buttons.stop_wanted.connect(self.stop_requested)
        self.live_buttons.show_wanted.connect(self.show_live)
        self._live.progressed.connect(self._show_progress)
        self._live.ended.connect(self._show_end)

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.addWidget(words("Run", "section"))
        head.addWidget(self.picker)
        head.addWidget(self.list_button)
        head.addStretch(1)
        head.addWidget(self.live_buttons)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(PAD, PAD, PAD, PAD)
        layout.setSpacing(GAP)
        layout.addLayout(head)
        layout.addWidget(self.notice)
        layout.addWidget(self.queue)
        layout.addWidget(self.view, 1)
