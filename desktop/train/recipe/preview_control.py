"""Keeps what is said of the next training in step with the recipe and the data, worked out in the background."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer

from core.changes import Changes
from core.errors import InputError
from core.operations.judge_recipe import apply_mend
from core.operations.preview_run import RunPreview, preview_run
from core.project.snapshot import Snapshot, take_snapshot
from core.recipe.finding import Mend
from desktop.base.background import Tasks
from desktop.base.session import Session
from desktop.train.recipe.recipe_draft import RecipeDraft
from desktop.train.recipe.run_preview import RunPreviewBox

KEY = "train:preview"
_SOON = 400  # ms: what is being typed or drawn is worked out once


class PreviewControl(QObject):
    """Shows in `box` what the draft's recipe would do on the project's images, while the page is in front."""

    def __init__(
        self, session: Session, tasks: Tasks, draft: RecipeDraft, box: RunPreviewBox, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._session, self._tasks, self._draft, self._box = session, tasks, draft, box
        self._in_front = False
        self._snapshot: Snapshot | None = None  # as the project was when it changed last
        self._timer = QTimer(self, singleShot=True, interval=_SOON)
        self._timer.timeout.connect(self.work_out)
        draft.model.changed.connect(self._wait)
        session.changed.connect(self._follow_session)
        session.project_changed.connect(self._forget_data)
        box.mend_chosen.connect(self._apply_mend)

    def set_in_front(self, in_front: bool) -> None:
        """Nothing is worked out for a page that nobody sees."""
        self._in_front = in_front
        if in_front:
            self._wait()

    def work_out(self) -> None:
        """Work it out now, and show it when it is known."""
        project, recipe = self._session.project, self._draft.model.recipe
        if project is None:
            self._tasks.cancel(KEY)
            self._box.show_preview(None)
            return
        if self._snapshot is None:
            self._snapshot = take_snapshot(project)
        snapshot, cache = self._snapshot, project.folder / "cache"
        self._tasks.run(KEY, lambda: preview_run(snapshot, recipe, cache), self._show, slow=True)

    def _show(self, preview: RunPreview | None) -> None:
        if preview is None or preview.recipe == self._draft.model.recipe:
            self._box.show_preview(preview)

    def _wait(self, *_change: object) -> None:
        if self._in_front:
            self._timer.start()

    def _follow_session(self, changes: Changes, _initiator: object) -> None:
        if changes.image_list or changes.status or changes.boxes or changes.labels:
            self._forget_data()

    def _forget_data(self) -> None:
        self._snapshot = None
        self._wait()

    def _apply_mend(self, mend: object) -> None:
        assert isinstance(mend, Mend)
        model = self._draft.model
        try:
            model.replace_recipe(apply_mend(model.settle_recipe(), mend))
        except InputError as error:  # what was typed meanwhile does not go with it
            self._draft.error_changed.emit(str(error))
