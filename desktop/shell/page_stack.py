"""The pages of the window: built when they are first shown, one of them in front."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from importlib import import_module

from PySide6.QtCore import Qt, Signal, SignalInstance
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFrame, QScrollArea, QStackedWidget, QWidget

from desktop.base.actions import ActionSet
from desktop.base.session import Session
from desktop.base.undo_steps import UndoSteps
from desktop.kit.parts import words
from desktop.services import Services

# Title, icon, module and class. All but the first are imported when they are first shown.
PAGES = (
    ("Label", "label", "desktop.label.label_page", "LabelPage"),
    ("Augment", "augment", "desktop.augment.augment_page", "AugmentPage"),
    ("Train", "train", "desktop.train.train_page", "TrainPage"),
    ("Checkpoints", "checkpoints", "desktop.checkpoints.checkpoints_page", "CheckpointsPage"),
    ("Inspect", "inspect", "desktop.inspect.inspect_page", "InspectPage"),
)
TITLES = tuple(title for title, *_ in PAGES)
NONE = -1  # the page in front while no project is open


def load_modules() -> None:
    """Import the modules of all pages, in any thread: half of what the first visit to one takes."""
    for _, _, module, _ in PAGES:
        import_module(module)


Front = tuple[str, Sequence[QAction]]  # the scope of the page in front and its actions; ("", ()) for none


class PageStack(QStackedWidget):
    """The welcome page without a project, else one of `PAGES`; performs the actions that choose them."""

    page_opening = Signal(int)  # the page that comes to the front is built now, which may take a moment
    page_shown = Signal(int)  # the page that comes to the front, or NONE; it is entered after this

    def __init__(self, session: Session, services: Services, actions: ActionSet, welcome: QWidget) -> None:
        super().__init__()
        self._session = session
        self._services = services
        self._pages: dict[int, QWidget] = {}
        self._frames: dict[int, QScrollArea] = {}
        self._front = NONE
        self._welcome = welcome
        self._opening = words("", "muted")
        self._opening.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.addWidget(welcome)
        self.addWidget(self._opening)
        choices = {f"page_{number + 1}": partial(self.show_page, number) for number in range(len(PAGES))}
        actions.add_handlers(choices)
        self.choices = [actions[name] for name in choices]
        session.project_changed.connect(self._set_project)
        session.page_requested.connect(lambda title: self.show_page(TITLES.index(title)))
        session.inspect_requested.connect(partial(self._pass_request, "Inspect", session.inspect_requested))
        session.continue_requested.connect(partial(self._pass_request, "Train", session.continue_requested))
        session.run_requested.connect(partial(self._pass_request, "Train", session.run_requested))
        self._set_project()

    @property
    def front(self) -> int:
        """The number of the page in front, or NONE."""
        return self._front

    @property
    def front_page(self) -> QWidget:
        """The page in front, or the welcome page."""
        return self._pages.get(self._front, self._welcome)

    @property
    def built(self) -> list[int]:
        """The numbers of the pages that were shown already."""
        return sorted(self._pages)

    def front_actions(self) -> Front:
        page = self._pages.get(self._front)
        return (PAGES[self._front][0].lower(), page.actions()) if page is not None else ("", ())

    def front_steps(self) -> UndoSteps | None:
        """What undo and redo step through on the page in front; None where it edits the project itself."""
        return getattr(self._pages.get(self._front), "undo_steps", None)

    def show_page(self, number: int) -> None:
        """Bring a page to the front; it is built when it is shown for the first time."""
        if self._session.project is None or number == self._front:
            return
        if (leaving := self._pages.get(self._front)) is not None:
            _call_if_present(leaving, "deactivated")
        if number not in self._pages:
            self._show_opening(number)
        page = self.get_page(number)
        self._front = number
        self.setCurrentWidget(self._frames[number])
        self.page_shown.emit(number)
        _call_if_present(page, "activated")

    def _show_opening(self, number: int) -> None:
        """Paint at once what was asked for: to build a page takes longer than a press of a button may."""
        if not self.isVisible():
            return
        self._opening.setText(f"Opening the {TITLES[number]} page …")
        self.setCurrentWidget(self._opening)
        self.page_opening.emit(number)
        self.window().repaint()

    def get_page(self, number: int) -> QWidget:
        """A page, built if need be."""
        if number not in self._pages:
            title, _, module, name = PAGES[number]
            # In its place from the start: Qt dresses all that is in a widget anew when it gets another parent.
            frame = self._frames[number] = _build_frame(self)
            page: QWidget = getattr(import_module(module), name)(self._session, self._services, frame.viewport())
            self._pages[number] = page
            self._services.keymap.attach_actions(title.lower(), page, page.actions())
            frame.setWidget(page)
            self.addWidget(frame)
        return self._pages[number]

    def take_in_added(self) -> None:
        """Another program has let runs wait for their turn, which the Train page sees to, shown already or not."""
        if self._session.project is not None:
            _call_if_present(self.get_page(TITLES.index("Train")), "take_in_added")

    def take_focus(self) -> None:
        """Give the keys to what the page in front is about."""
        self._call_front("take_focus")

    def press_escape(self) -> None:
        """Esc was pressed where nothing has a use for it."""
        self._call_front("press_escape")

    def may_close(self) -> bool:
        """Ask each page whether the project may be given up; one that trains asks the user."""
        return all(page.may_close() for page in self._pages.values() if hasattr(page, "may_close"))

    def _call_front(self, method: str) -> None:
        if (page := self._pages.get(self._front)) is not None:
            _call_if_present(page, method)

    def _pass_request(self, title: str, request: SignalInstance, name: str) -> None:
        """Show the page that a request is for. One that is only built now has not heard it, so it is said again."""
        number = TITLES.index(title)
        fresh = number not in self._pages
        self.show_page(number)
        if fresh:
            request.emit(name)

    def _set_project(self) -> None:
        project = self._session.project
        for choice in self.choices:
            choice.setEnabled(project is not None)
        if project is None:
            self._front = NONE
            self.setCurrentWidget(self._welcome)
            self.page_shown.emit(NONE)
        elif self._front == NONE:
            kept = self._services.settings.recent(project.folder).page
            self.show_page(min(kept, len(PAGES) - 1))


def _build_frame(stack: QStackedWidget) -> QScrollArea:
    """What lets a page be scrolled where the window is too low or narrow for it, as with large letters on a small screen."""
    frame = QScrollArea(stack)
    frame.setFrameShape(QFrame.Shape.NoFrame)
    frame.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    frame.setWidgetResizable(True)
    return frame


def _call_if_present(page: QWidget, method: str) -> None:
    if (call := getattr(page, method, None)) is not None:
        call()
