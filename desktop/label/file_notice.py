"""Says of the image on the screen that its file is gone or changed, and offers what can be done."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton, QWidget

from desktop.base.file_watch import FileWatch
from desktop.base.session import Session
from desktop.kit.notice import Notice


class FileNotice(Notice):
    """A strip above the image, there for as long as it is true."""

    def __init__(self, session: Session, files: FileWatch, parent: QWidget | None = None) -> None:
        super().__init__(parent, closable=False)
        self.setAccessibleName("The image's file")
        self._session = session
        self._files = files
        self.accept = QPushButton("Accept this file")
        self.accept.setToolTip("The boxes fit the picture as it is now: take it for the one that is labelled.")
        self.accept.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.accept.clicked.connect(self._accept_files)
        layout = self.layout()
        assert layout is not None
        layout.addWidget(self.accept)
        files.states_changed.connect(lambda _ids: self._show_state())
        session.image_changed.connect(self._show_state)
        session.project_changed.connect(self._show_state)
        self._show_state()

    def _show_state(self) -> None:
        project, image_id = self._session.project, self._session.image_id
        state = self._files.find_state(image_id) if image_id is not None else "present"
        if project is None or image_id is None or state == "present":
            self.clear()
            return
        path = project.image_path(image_id)
        self.accept.setVisible(state == "changed" and not project.read_only)
        if state == "missing":
            text = f"{path.name} is not in {path.parent} any more. Its boxes are kept."
        else:
            text = f"{path.name} is not the file that was labelled: its content is another now. Check the boxes."
        find = ("Find…", lambda: self._files.find_wanted.emit(frozenset([image_id])))
        self.show_notice(text, "warning", offer=None if project.read_only else find)

    def _accept_files(self) -> None:
        if self._session.image_id is not None:
            self._files.accept_wanted.emit(frozenset([self._session.image_id]))
