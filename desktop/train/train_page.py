"""Choose a recipe, press Train, and watch the model learn."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QWidget

from core.changes import Changes
from core.jobs.events import CheckpointSaved, Event
from core.models.gpus import gpu_names
from core.recipe.recipe import Recipe
from desktop.base.actions import TRAIN, build_actions
from desktop.base.session import Session
from desktop.base.undo_steps import UndoSteps
from desktop.services import Services
from desktop.train.closing_training import ask_how_to_close
from desktop.train.recipe.preview_control import PreviewControl
from desktop.train.recipe.recipe_column import Controls, RecipeColumn
from desktop.train.recipe.recipe_draft import RecipeDraft
from desktop.train.run.live_training import LiveTraining
from desktop.train.run.run_column import RunColumn
from desktop.train.run.run_sync import RunSync
from desktop.train.run.training_control import TrainingControl
from desktop.train.run.work_report import WorkReport
from desktop.train.trials.trials import Trials


class TrainPage(QWidget):
    """The recipe at the left, the run at the right. Connects the two with what trains."""

    title = "Train"

    def __init__(self, session: Session, services: Services, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("page")
        self._session = session
        self._services = services
        self.live = LiveTraining(services.launcher, services.warm, self)
        self.draft = RecipeDraft(self)
        self.trials = Trials(session, services, self.live, self.draft, self)
        self.recipe_column = RecipeColumn(session, self.draft, self)
        self.run_column = RunColumn(session, services, self.live, self)
        self.control = TrainingControl(session, services.launcher, self.live, self.draft, self.trials, self)
        self._sync = RunSync(session, services.tasks, self)
        self._report = WorkReport(self.live, self.trials.study_job, services.running, self)
        self._actions = build_actions(
            self,
            TRAIN,
            {
                "train": self.control.begin_training,
                "pause_training": self.control.pause_training,
                "stop_training": self.control.stop_training,
                "resume_training": self.run_column.resume_shown,
                "watch_run": self.run_column.choose_watched,
                "delete_run": self.run_column.delete_shown,
                "use_recipe": self.run_column.request_recipe,
                "propose": self.trials.speed.propose_recipe,
                "find_rate": self.trials.find_rate,
                "study": self.trials.open_study,
            },
        )
        self.preview = PreviewControl(session, services.tasks, self.draft, self.recipe_column.preview, self)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        # Of a wide window the recipe takes a fifth, as far as it has use for it.
        layout.addWidget(self.recipe_column, 1)
        layout.addWidget(self.run_column, 4)
        self._connect_session()
        self._connect_recipe()
        self._connect_runs()
        self.set_project()

    # -- for the main window -----------------------------------------------------------------------------------

    def activated(self) -> None:
        """The page came to the front."""
        self.draft.refresh_draft()
        self.recipe_column.show_data()
        self._sync.sync_runs()
        self.control.set_in_front(True)
        self.preview.set_in_front(True)
        self._services.tasks.run("train:gpus", gpu_names, self.recipe_column.set_gpus)

    @property
    def undo_steps(self) -> UndoSteps:
        """What the keys for undo step through while the page is in front: the recipe."""
        return self.draft.model.steps

    def take_in_added(self) -> None:
        """Another program has let runs wait for their turn."""
        self.control.take_in_added()

    def deactivated(self) -> None:
        self.draft.save_draft()
        self.control.set_in_front(False)
        self.preview.set_in_front(False)

    def actions(self) -> list[QAction]:
        return list(self._actions.values())

    def may_close(self) -> bool:
        """Whether the window may close. The user chooses what becomes of a training."""
        if self.live.running or self.trials.study:
            how = self.ask_how_to_close()
            if how == "cancel":
                return False
            if how == "leave":
                self.trials.leave()
            self.control.end_training(how, self)
        self.trials.stop_and_wait()
        self.draft.save_draft()
        self.live.warm.dismiss_child()
        self.run_column.end_watch()
        return True

    def ask_how_to_close(self) -> Literal["stop", "leave", "cancel"]:
        """Ask what becomes of the training that runs. A test puts its own answer here."""
        name, queue = self.live.run or f"of study {self.trials.study}", self.control.queue
        return ask_how_to_close(self, name, 0 if queue.held else len(queue.waiting))

    @property
    def training(self) -> bool:
        return self.live.running

    # -- the project -------------------------------------------------------------------------------------------

    def set_project(self) -> None:
        """Another project, or none. The former one is still open while this runs."""
        project = self._session.project
        self.trials.set_project(project)
        self.draft.set_project(project)
        self.recipe_column.set_project(project)
        self.run_column.set_project(project)
        self.control.set_project(project)
        self._list_runs()

    def _on_changed(self, changes: Changes, initiator: object) -> None:
        if changes.runs and initiator is not self._sync:
            self._list_runs()

    def _list_runs(self) -> None:
        """Fill the list of runs, newest first, and keep the one that is shown."""
        project = self._session.project
        checkpoints = project.runs.list_checkpoints() if project is not None else []
        self.recipe_column.set_checkpoints(checkpoints)
        self.run_column.list_runs(list(reversed(project.runs.list_runs())) if project is not None else [], checkpoints)

    # -- what follows ------------------------------------------------------------------------------------------

    def _connect_session(self) -> None:
        self._session.project_changed.connect(self.set_project)
        self._session.changed.connect(self._on_changed)
        self._session.continue_requested.connect(self._continue_from)
        self._session.run_requested.connect(self.run_column.show_own_run)

    def _connect_recipe(self) -> None:
        self.recipe_column.train_wanted.connect(self.control.begin_training)
        self.recipe_column.rate_wanted.connect(self.trials.find_rate)
        self.recipe_column.study_wanted.connect(self.trials.open_study)
        self.recipe_column.propose_wanted.connect(self.trials.speed.propose_recipe)
        self.recipe_column.preview.measure_wanted.connect(self.trials.speed.measure_speed)
        self.trials.speed.progressed.connect(self.recipe_column.preview.show_measuring)
        self.trials.speed.measured.connect(self.preview.work_out)
        for source in (self.control, self.trials):
            source.error_changed.connect(self.recipe_column.show_error)
        self._sync.failed.connect(self.recipe_column.show_error)

    def _connect_runs(self) -> None:
        queue, card = self.control.queue, self.run_column.queue
        card.moved.connect(queue.move_run)
        card.removed.connect(queue.remove_run)
        card.held_changed.connect(self.control.hold_queue)
        queue.changed.connect(self._show_queue)
        self.run_column.pause_requested.connect(self.control.pause_training)
        self.run_column.stop_requested.connect(self.control.stop_training)
        self._services.running.show_requested.connect(self._show_work)
        self.run_column.resume_requested.connect(self.control.resume_run)
        self.run_column.recipe_requested.connect(self._use_recipe)
        self.control.begun.connect(self._follow_begin)
        self.control.changed.connect(self._show_state)
        self.control.runs_changed.connect(self._sync.sync_runs)
        self.trials.runs_changed.connect(self._sync.sync_runs)
        self.trials.run_requested.connect(self.run_column.show_own_run)
        self.live.progressed.connect(self._follow_progress)
        self._sync.synced.connect(self._list_runs)

    def _use_recipe(self, run: Path) -> None:
        self._offer_undo(self.draft.take_recipe(run), f"The form has the recipe of {run.name} now.")

    def _continue_from(self, checkpoint: str) -> None:
        run = checkpoint.partition("-")[0]
        self._offer_undo(
            self.draft.continue_from(checkpoint), f"The form has the recipe of {run} now, and starts from {checkpoint}."
        )

    def _offer_undo(self, before: Recipe | None, text: str) -> None:
        """Say that the form was filled, and let `before`, which stood there, be put back."""
        if before is None:
            return
        notice = self.run_column.notice

        def undo() -> None:
            self.draft.model.replace_recipe(before)
            notice.clear()

        notice.show_notice(text, "info", offer=("Undo", undo))

    def _show_work(self) -> None:
        """Show what runs: the training, or the study."""
        if self.live.running:
            self.run_column.show_live()
        elif self.trials.study:
            self.trials.open_study()

    def _follow_begin(self, asked: bool) -> None:
        """A run has begun. Where its turn in the queue has come, the run that is read stays in view."""
        if asked or self.run_column.shown is None:
            self.run_column.show_live()
        self._list_runs()

    def _follow_progress(self, events: list[Event]) -> None:
        if any(isinstance(event, CheckpointSaved) for event in events):
            self._sync.sync_soon()

    def _show_queue(self) -> None:
        queue = self.control.queue
        self.run_column.queue.show_queue(queue.waiting, held=queue.held, training=self.live.running)

    def _show_state(self) -> None:
        """Enable what can be done now."""
        writable, busy, state = self.control.writable, self.control.busy, self.live.state
        for name in ("train", "propose", "resume_training", "use_recipe", "delete_run"):
            self._actions[name].setEnabled(writable)
        self._actions["pause_training"].setEnabled(state not in ("", "stopping", "pausing"))
        self._actions["stop_training"].setEnabled(state not in ("", "stopping"))
        self._actions["watch_run"].setEnabled(self._session.project is not None)
        self.recipe_column.show_controls(Controls(writable, busy))
        self.run_column.set_resumable(writable, "Add to queue" if busy else "Resume")
        self.run_column.show_live_state()
        self._show_queue()
        self._report.tell_training()
        self._report.tell_study()
