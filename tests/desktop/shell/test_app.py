"""The window as a whole: pages, menus, projects, settings, and how it starts and closes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QCloseEvent, QDropEvent
from PySide6.QtWidgets import QLabel, QMessageBox, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from core.project.project import Project
from core.settings import Settings, config_folder
from desktop.base.session import Session
from desktop.base.theme import LIGHT, theme
from desktop.services import Services
from desktop.shell.main_window import MainWindow
from desktop.shell.page_stack import PAGES
from desktop.shell.rail import Rail
from desktop.shell.welcome import Welcome
from tests.builders import draw, project_with_pictures, write_coco, write_pictures
from tests.desktop.answers import answer_question
from tests.desktop.kit.form_driver import find_button

ROOT = Path(__file__).parents[3]


def test_without_a_project_the_window_offers_ways_to_one(window: MainWindow) -> None:
    assert isinstance(window.pages.front_page, Welcome)
    assert not window.findChild(Rail).isVisible()
    offered = {button.accessibleName() for button in window.welcome.findChildren(QPushButton)}
    assert {"New project", "Open project", "Sample project"} <= offered


def test_opening_a_project_shows_the_label_page_and_remembers_it(
    window: MainWindow, services: Services, tmp_path: Path
) -> None:
    project_with_pictures(tmp_path / "parts").close()
    window.open_project(tmp_path / "parts")
    assert window.pages.front_page is window.get_page("Label")
    assert window.windowTitle().startswith("parts")
    assert services.settings.values.recent_projects == (str(tmp_path / "parts"),)
    window.action_set["close_project"].trigger()
    assert isinstance(window.pages.front_page, Welcome)
    assert any(label.text() == "parts" for label in window.welcome.findChildren(QLabel))


def test_every_page_opens_by_its_key_and_is_built_only_then(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    window.session.adopt(project_with_pictures(tmp_path / "parts"))
    assert window.pages.built == [0]
    for number in (1, 2, 3, 4, 0):
        action = window.action_set[f"page_{number + 1}"]
        assert action.shortcut().toString() == f"Ctrl+{number + 1}"
        action.trigger()
        assert window.pages.front_page.title == PAGES[number][0]
    assert window.pages.built == [0, 1, 2, 3, 4]
    assert window.rail.marked_page == 0


def test_the_rail_names_the_keys_that_the_pages_have_now(window: MainWindow, services: Services) -> None:
    train = find_button(window.rail, "Train")
    assert train.toolTip() == "Train page   Ctrl+3"
    services.settings.update(shortcuts={"window.page_3": ["F7"]})
    assert train.toolTip() == "Train page   F7"


def test_a_request_reaches_a_page_that_is_built_only_for_it(window: MainWindow, tmp_path: Path) -> None:
    window.session.adopt(project_with_pictures(tmp_path / "parts"))
    heard: list[str] = []

    class Listener(QWidget):
        def __init__(self, session: Session, _services: Services, parent: QWidget) -> None:
            super().__init__(parent)
            session.inspect_requested.connect(heard.append)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("desktop.inspect.inspect_page.InspectPage", Listener)
        window.session.inspect_requested.emit("r001-best")
    assert heard == ["r001-best"]
    assert isinstance(window.pages.front_page, Listener)
    window.session.page_requested.emit("Label")
    assert window.pages.front_page is window.get_page("Label")


def test_leaving_and_entering_a_page_is_told_to_it(
    window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []

    class Probe(QWidget):
        def __init__(self, _session: Session, _services: Services, parent: QWidget) -> None:
            super().__init__(parent)

        def activated(self) -> None:
            calls.append("in")

        def deactivated(self) -> None:
            calls.append("out")

    window.session.adopt(project_with_pictures(tmp_path / "parts"))
    monkeypatch.setattr("desktop.augment.augment_page.AugmentPage", Probe)
    window.pages.show_page(1)
    window.pages.show_page(1)
    window.pages.show_page(0)
    assert calls == ["in", "out"]


def test_a_page_may_keep_the_window_open(window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Busy(QWidget):
        answer = False

        def __init__(self, _session: Session, _services: Services, parent: QWidget) -> None:
            super().__init__(parent)

        def may_close(self) -> bool:
            return self.answer

    project = project_with_pictures(tmp_path / "parts")
    window.session.adopt(project)
    monkeypatch.setattr("desktop.augment.augment_page.AugmentPage", Busy)
    window.pages.show_page(1)
    refused = QCloseEvent()
    window.closeEvent(refused)
    assert not refused.isAccepted()
    assert window.session.project is project
    Busy.answer = True
    accepted = QCloseEvent()
    window.closeEvent(accepted)
    assert accepted.isAccepted()
    assert window.session.project is None
    Project.open(tmp_path / "parts").close()


def test_a_folder_that_is_no_project_is_refused_and_the_open_one_stays(
    window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = _answer_boxes(monkeypatch)
    window.session.adopt(project_with_pictures(tmp_path / "parts"))
    window.open_project(tmp_path)
    assert "ot a project" in said[0] and str(tmp_path) in said[0]
    assert window.session.project is not None and window.session.project.name == "parts"


def test_a_project_that_is_open_elsewhere_can_be_looked_at(
    window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = _answer_boxes(monkeypatch, "Open read-only")
    with project_with_pictures(tmp_path / "parts") as elsewhere:
        draw(elsewhere, elsewhere.image_ids()[0])
        window.open_project(tmp_path / "parts")
        assert "open elsewhere" in said[0]
        assert window.session.project is not None and window.session.project.read_only
        assert window.banner.isVisible() and "read-only" in window.banner.text
        assert not window.action_set["add_images"].isEnabled()
        assert not window.action_set["undo"].isEnabled()
        window.session.close()


def test_the_project_that_is_open_here_is_not_said_to_be_open_elsewhere(window: MainWindow, tmp_path: Path) -> None:
    project = project_with_pictures(tmp_path / "parts")
    window.session.adopt(project)
    window.open_project(tmp_path / "images" / ".." / "parts")
    assert window.session.project is project
    assert window.statusBar().currentMessage() == "parts is open already"


def test_dropped_images_are_added_and_bad_ones_are_named(
    qtbot: QtBot, window: MainWindow, services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[tuple[str, list[str]]] = []
    monkeypatch.setattr(
        "desktop.project.add_images.ProblemsDialog",
        lambda _parent, _title, text, problems: _Recorder(shown, text, [problem.file for problem in problems]),
    )
    window.session.adopt(Project.create(tmp_path / "parts", ["scratch"]))
    write_pictures(tmp_path / "images", 3)
    (tmp_path / "images" / "zero.png").write_bytes(b"")
    (tmp_path / "images" / "notes.txt").write_text("x")
    _drop(window, tmp_path / "images")
    assert services.tasks.wait_idle()
    assert window.session.project is not None
    assert len(window.session.project.image_ids()) == 3
    ((text, files),) = shown
    assert "3 images added" in text
    assert sorted(Path(file).name for file in files) == ["notes.txt", "zero.png"]
    assert window.session.image_id == window.session.project.image_ids()[0]


def test_the_welcome_page_knows_a_project_by_its_images(
    qtbot: QtBot, window: MainWindow, services: Services, tmp_path: Path
) -> None:
    project_with_pictures(tmp_path / "parts", 5).close()
    window.open_project(tmp_path / "parts")
    window.action_set["close_project"].trigger()

    def count_pictures() -> int:
        rows = [one for one in window.welcome.findChildren(QPushButton) if one.accessibleName().startswith("Open /")]
        return sum(not label.pixmap().isNull() for row in rows for label in row.findChildren(QLabel))

    qtbot.waitUntil(lambda: count_pictures() == 3 + 1)  # three images and the sign of a folder
    for path in (tmp_path / "parts" / "images").iterdir():
        path.unlink()
    services.thumbnails.forget_all()
    window.welcome.show_recent([(tmp_path / "parts", services.settings.recent(tmp_path / "parts"))])
    assert services.tasks.wait_idle()
    qtbot.waitUntil(lambda: count_pictures() == 1)  # images that are gone leave their places empty


def test_a_folder_that_is_dropped_on_the_welcome_page_begins_a_project(
    window: MainWindow, services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_pictures(tmp_path / "plates", 2)
    asked: list[Path | None] = []
    monkeypatch.setattr(window.project_actions.opener, "ask_new_project", asked.append)
    assert any("Drop a folder" in label.text() for label in window.welcome.findChildren(QLabel))
    _drop(window, tmp_path / "plates")
    assert services.tasks.wait_idle()
    assert asked == [tmp_path / "plates"]


def test_a_dropped_project_is_opened(window: MainWindow, tmp_path: Path) -> None:
    project_with_pictures(tmp_path / "parts").close()
    _drop(window, tmp_path / "parts")
    assert window.session.project is not None and window.session.project.name == "parts"


def test_importing_annotations_is_one_step_that_undo_takes_back(
    window: MainWindow, services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_pictures(tmp_path / "images", 2)
    file = write_coco(
        tmp_path / "images" / "coco.json",
        [{"id": n, "file_name": f"part{n}.png", "width": 64, "height": 48} for n in (1, 2)],
        [{"image_id": n, "category_id": n, "bbox": [2, 3, 10, 12]} for n in (1, 2)],
    )
    window.session.adopt(Project.create(tmp_path / "parts"))

    def agree(dialog: object) -> int:
        assert services.tasks.wait_idle()
        return 1

    monkeypatch.setattr("desktop.project.import_export.ImportDialog.exec", agree)
    window.project_actions.transfer.import_annotations(file)
    assert services.tasks.wait_idle()
    project = window.session.project
    assert project is not None
    assert (project.counts().images, project.counts().boxes) == (2, 2)
    answer_question("Undo it")
    window.action_set["undo"].trigger()
    assert (project.counts().images, project.counts().boxes, project.labels()) == (0, 0, ())


def test_the_edit_menu_names_what_undo_would_take_back(window: MainWindow, tmp_path: Path) -> None:
    project = project_with_pictures(tmp_path / "parts")
    draw(project, project.image_ids()[0])
    window.session.adopt(project)
    window.menus.edit.aboutToShow.emit()
    assert window.action_set["undo"].text() == "Undo “Draw box”"
    window.action_set["undo"].trigger()
    window.menus.edit.aboutToShow.emit()
    assert window.action_set["redo"].text() == "Redo “Draw box”"


def test_the_theme_is_chosen_in_the_menu_and_remembered(window: MainWindow, services: Services) -> None:
    window.action_set["theme_light"].trigger()
    assert theme() is LIGHT
    assert json.loads(services.settings.path.read_text("utf-8"))["theme"] == "light"
    assert Settings(services.settings.path.parent).values.theme == "light"


# -- settings


def test_settings_keep_only_what_differs_and_what_a_newer_program_wrote(tmp_path: Path) -> None:
    (tmp_path / "settings.json").write_text(json.dumps({"of_the_future": 7}), "utf-8")
    settings = Settings(tmp_path)
    settings.update(theme="dark")
    assert json.loads((tmp_path / "settings.json").read_text("utf-8")) == {"theme": "dark", "of_the_future": 7}


def test_damaged_settings_are_moved_aside_and_said(tmp_path: Path) -> None:
    (tmp_path / "settings.json").write_text("{broken", "utf-8")
    settings = Settings(tmp_path)
    assert settings.values.theme == "system"
    assert settings.problem is not None and "settings.json" in settings.problem
    assert (tmp_path / "settings.damaged.json").read_text("utf-8") == "{broken"


def test_recent_projects_are_listed_once_with_the_latest_first(tmp_path: Path) -> None:
    settings = Settings(tmp_path)
    for name in ("a", "b", "a", *(f"p{n}" for n in range(12))):
        settings.remember_project(tmp_path / name)
    recent = [Path(folder).name for folder in settings.values.recent_projects]
    assert recent == [f"p{n}" for n in range(11, -1, -1)]
    settings.forget_project(tmp_path / "p11")
    assert Path(settings.values.recent_projects[0]).name == "p10"


def test_the_environment_says_where_settings_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEFECTDESK_CONFIG_DIR", str(tmp_path))
    assert config_folder() == tmp_path


# -- starting


def test_the_window_paints_and_closes_in_its_own_process_without_torch(tmp_path: Path) -> None:
    project_with_pictures(tmp_path / "parts").close()
    code = (
        "import sys; from pathlib import Path; from PySide6.QtCore import QTimer; from desktop import app\n"
        "from PySide6.QtWidgets import QApplication\n"
        "qt = QApplication([]); QTimer.singleShot(1500, qt.closeAllWindows)\n"
        f"code = app.run(Path({str(tmp_path / 'parts')!r}))\n"
        "assert 'torch' not in sys.modules and 'pyqtgraph' not in sys.modules\n"
        "sys.exit(code)"
    )
    environment = {
        **os.environ,
        "QT_QPA_PLATFORM": "offscreen",
        "DEFECTDESK_STARTUP_TRACE": "1",
        "DEFECTDESK_CONFIG_DIR": str(tmp_path / "config"),
    }
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert "first frame after" in done.stderr
    assert "loaded" not in done.stderr.split("first frame after")[1].splitlines()[0]
    assert "Traceback" not in done.stderr
    settings = json.loads((tmp_path / "config" / "settings.json").read_text("utf-8"))
    assert settings["recent_projects"] == [str(tmp_path / "parts")]


@pytest.mark.parametrize(("percent", "kept", "ratio"), [(100, "", 1.0), (150, "", 1.5), (150, "2", 2.0)])
def test_letters_are_as_large_as_the_settings_say_unless_the_environment_says_more(
    tmp_path: Path, percent: int, kept: str, ratio: float
) -> None:
    Settings(tmp_path / "config").update(interface_scale=percent)
    code = (
        "import os; from core.settings import Settings; from desktop.app import scale_interface\n"
        "scale_interface(Settings(), os.environ)\n"
        "from PySide6.QtWidgets import QApplication\n"
        "print(QApplication([]).primaryScreen().devicePixelRatio())"
    )
    environment = {
        **{name: value for name, value in os.environ.items() if name != "QT_SCALE_FACTOR"},
        "QT_QPA_PLATFORM": "offscreen",
        "DEFECTDESK_CONFIG_DIR": str(tmp_path / "config"),
        **({"QT_SCALE_FACTOR": kept} if kept else {}),
    }
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60
    )
    assert float(done.stdout) == ratio, done.stderr


class _Recorder:
    def __init__(self, shown: list[tuple[str, list[str]]], text: str, files: list[str]) -> None:
        shown.append((text, files))

    def open(self) -> None:
        pass


def _answer_boxes(monkeypatch: pytest.MonkeyPatch, press: str | None = None) -> list[str]:
    """Answer message boxes by pressing the button `press`; returns what they said."""
    said: list[str] = []

    def answer(box: QMessageBox) -> int:
        said.append(f"{box.text()} {box.informativeText()}")
        for button in box.buttons():
            if button.text() == press:
                button.click()
        return 0

    monkeypatch.setattr("desktop.kit.error_box.QMessageBox.exec", answer)
    return said


def _drop(window: MainWindow, path: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    kept, left = Qt.KeyboardModifier.NoModifier, Qt.MouseButton.LeftButton
    window.dropEvent(QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, data, left, kept))
