"""Look hard at what a checkpoint gets wrong: its detections beside the truth, image by image, worst first."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from desktop.base.actions import INSPECT, ActionSet, build_actions
from desktop.base.session import Session
from desktop.base.undo_steps import NoSteps
from desktop.inspect.inspect_bar import InspectBar
from desktop.inspect.inspect_notes import describe_absence, list_notes
from desktop.inspect.inspect_session import InspectSession
from desktop.inspect.inspect_workspace import InspectWorkspace
from desktop.kit import formatting
from desktop.kit.parts import words
from desktop.services import Services

HINT = (
    "{next} / {previous}: next and previous image    {truth}: truth    {lower} {higher}: threshold    "
    "{side_by_side}: side by side    {correct}: correct the labels"
)
OUTCOMES = {"": "", "stopped": "Cancelled", "failed": "The prediction failed"}


class InspectPage(QWidget):
    """The choice at the top, and below it what there is to see, or why there is nothing."""

    title = "Inspect"
    undo_steps = NoSteps()  # edits of images are not seen here

    def __init__(self, session: Session, services: Services, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("page")
        self._session = session
        self._keymap = services.keymap
        self._files = services.files
        self._spread = False
        self.inspect_session = InspectSession(session, services, self)
        self.bar = InspectBar()
        self.workspace = InspectWorkspace(session, services)
        self._absence = words(role="muted", wrap=True)
        self._absence.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.workspace)
        self._stack.addWidget(self._absence)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.bar)
        layout.addWidget(self._stack, 1)
        self._actions = self._make_actions()
        self._connect_signals()
        self.inspect_session.set_project()

    # -- for the main window

    def activated(self) -> None:
        """The page came to the front."""
        self.inspect_session.activate()
        if not self._spread:
            # Once, when the room is known.
            self.workspace.spread_widths(self.width())
            self._spread = True
        self.workspace.images.table.setFocus()
        names = ("next", "previous", "truth", "lower", "higher", "side_by_side", "correct")
        self._session.hint.emit(self._keymap.fill_in_keys(HINT, **{name: f"inspect.{name}" for name in names}))

    def deactivated(self) -> None:
        """A prediction goes on in the background."""
        self.inspect_session.deactivate()

    def may_close(self) -> bool:
        """Always: a prediction that runs is ended, and can be made again."""
        self.inspect_session.close()
        self.workspace.thresholds.write_now()
        return True

    def actions(self) -> list[QAction]:
        return list(self._actions.values())

    @property
    def absence(self) -> str:
        """Why there is nothing to see; empty where there is."""
        return self._absence.text() if self._stack.currentWidget() is self._absence else ""

    # -- building

    def _make_actions(self) -> ActionSet:
        stage, images = self.workspace.stage, self.workspace.images
        handlers = {
            "next": lambda: images.step_image(1),
            "previous": lambda: images.step_image(-1),
            "truth": lambda: stage.toggle_marks("truth"),
            "lower": lambda: stage.score.step_value(-1),
            "higher": lambda: stage.score.step_value(1),
            "side_by_side": stage.side_by_side.toggle,
            "hide_names": stage.hide_names.toggle,
            "fit": stage.fit_image,
            "correct": self.workspace.correct_image,
            "nothing": lambda: stage.select_mark(None),
        }
        # Only on this page: the others have the same keys for the same things.
        return build_actions(self, INSPECT, handlers)

    def _connect_signals(self) -> None:
        inspect = self.inspect_session
        inspect.checkpoints_changed.connect(self._show_checkpoints)
        self._files.states_changed.connect(inspect.reload)
        inspect.loaded.connect(lambda: self.workspace.show_inspection(inspect.inspection))
        inspect.state_changed.connect(self._show_state)
        inspect.prediction.progressed.connect(self._show_progress)
        self.bar.chosen.connect(lambda: inspect.choose_images(self.bar.checkpoint_id, self.bar.split))
        self.bar.predict.connect(inspect.predict_images)
        self.bar.cancel.connect(self._cancel_prediction)
        self.workspace.stage.iou_changed.connect(inspect.choose_iou)

    # -- what the session says

    def _show_checkpoints(self) -> None:
        chosen = self.inspect_session.checkpoint
        self.bar.set_checkpoints(self.inspect_session.checkpoints, chosen.id if chosen is not None else None)
        self.bar.setVisible(chosen is not None)

    def _show_state(self) -> None:
        inspect = self.inspect_session
        if inspect.prediction.target is None:
            self.bar.set_progress(None, OUTCOMES[inspect.prediction.outcome])
        absence = describe_absence(inspect)
        self._absence.setText(absence)
        self._stack.setCurrentWidget(self._absence if absence else self.workspace)
        self.bar.set_notes(list_notes(inspect))
        if inspect.is_loading:
            self.bar.set_predictable(False, wanted=False, why="What is chosen is being read")
        elif inspect.problem:
            self.bar.set_predictable(False, wanted=True, why=inspect.problem)
        elif inspect.inspection is not None:
            usable, checkpoint = inspect.inspection.usable, inspect.inspection.request.checkpoint
            why = f"Run {checkpoint.id} on {usable:,} images in the background"
            self.bar.set_predictable(
                inspect.writable and usable > 0,
                wanted=inspect.inspection.images is None or inspect.inspection.unpredicted > 0,
                again=bool(inspect.inspection.outdated),
                why=why if inspect.writable else "The project is open read-only",
            )

    def _show_progress(self, done: int, total: int, per_second: float) -> None:
        left = formatting.format_duration((total - done) / per_second) if per_second else ""
        speed = f", {formatting.rate(per_second)}, {left} left" if per_second else ""
        self.bar.set_progress((done, total), f"{done:,} of {total:,} images{speed}" if total else "Loading the model…")

    def _cancel_prediction(self) -> None:
        self.bar.show_stopping()
        self.inspect_session.prediction.cancel()
