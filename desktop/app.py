"""Puts the window together and runs it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import MutableMapping
from pathlib import Path
from types import TracebackType

_IMPORTED = time.monotonic()

# A full OpenCV wheel carries a Qt 5 and points these at it when it is imported.
for _name in ("QT_QPA_PLATFORM_PLUGIN_PATH", "QT_QPA_FONTDIR"):
    os.environ.pop(_name, None)

from PySide6.QtCore import QEvent, QObject, Qt, QTimer  # noqa: E402
from PySide6.QtWidgets import QApplication, QWidget  # noqa: E402

from core.errors import InputError  # noqa: E402
from core.imaging.limits import set_max_megapixels  # noqa: E402
from core.operations.launcher import make_launcher  # noqa: E402
from core.settings import Settings  # noqa: E402
from core.threads import set_threads  # noqa: E402
from desktop.base.background import Tasks  # noqa: E402
from desktop.base.session import Session  # noqa: E402
from desktop.base.theme import apply_theme, icon, theme  # noqa: E402
from desktop.gc_pauses import GcPauses  # noqa: E402
from desktop.kit.error_box import show_error  # noqa: E402
from desktop.services import Services  # noqa: E402
from desktop.shell.main_window import MainWindow  # noqa: E402
from desktop.shell.page_stack import load_modules  # noqa: E402
from desktop.shell.ui_map import answer_where_wanted  # noqa: E402
from desktop.viewer.thumbnails import ThumbnailLoader  # noqa: E402

# Milliseconds from the start until the pages that nobody has asked for are loaded: the first image is on the screen then.
LOAD_AFTER = 2500


def run(project: Path | None = None) -> int:
    """Open the window, on `project` if given, and return the exit code when it is closed."""
    settings = Settings()
    scale_interface(settings, os.environ)
    app = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(app, QApplication)
    app.setApplicationName("DefectDesk")
    app.setDesktopFileName("defectdesk")
    apply_theme(app, settings.values.theme)
    follow_system(app, settings)
    app.setWindowIcon(icon("logo", theme().accent, size=64))
    tasks = Tasks()
    follow_limits(settings)  # first, since processes that the services start inherit the limits
    services = Services(tasks, settings, ThumbnailLoader(tasks), make_launcher())
    window = MainWindow(services)
    session = window.session
    GcPauses(session, window)
    _show_errors(window)
    if os.environ.get("DEFECTDESK_STARTUP_TRACE"):
        _trace_first_paint(window)
    window.show()
    answer_where_wanted(window)
    # The window is on the screen before a project is read, and before a dialog may say that it cannot be.
    QTimer.singleShot(0, lambda: _begin(session, window, settings, project))
    loading = QTimer(window, singleShot=True, interval=LOAD_AFTER)
    loading.timeout.connect(lambda: tasks.run("modules of the pages", load_modules, lambda _: None, aside=True))
    loading.start()
    code = app.exec()
    loading.stop()
    tasks.shut_down()
    session.close()
    return code


def scale_interface(settings: Settings, environ: MutableMapping[str, str]) -> None:
    """Have Qt draw letters, rows and signs in the size of the settings; a factor that is set already stays.

    Qt asks for it once, when it starts.
    """
    percent = settings.values.interface_scale
    if percent != 100 and not environ.get("QT_SCALE_FACTOR"):
        environ["QT_SCALE_FACTOR"] = f"{percent / 100:g}"


def follow_limits(settings: Settings) -> None:
    """Refuse images by the size that the user allows, and compute in as many threads, also in processes started from here."""

    def changed(names: frozenset[str] = frozenset({"max_megapixels", "threads"})) -> None:
        if "max_megapixels" in names:
            set_max_megapixels(settings.values.max_megapixels)
        if "threads" in names:
            set_threads(settings.values.threads)

    settings.listen(changed)
    changed()


def follow_system(app: QApplication, settings: Settings) -> None:
    """Change between dark and light when the desktop does, while that is what the person chose."""

    def changed() -> None:
        if settings.values.theme == "system":
            apply_theme(app, "system")

    # Queued: dressing the program asks the style hints again, and must not do so from within their signal.
    app.styleHints().colorSchemeChanged.connect(changed, Qt.ConnectionType.QueuedConnection)


def _begin(session: Session, window: MainWindow, settings: Settings, project: Path | None) -> None:
    if settings.problem is not None:
        show_error(window, "The settings could not be read", settings.problem)
    if project is not None:
        window.open_project(project)


def _show_errors(window: MainWindow) -> None:
    """Show what no handler took: a person can mend an InputError, and report anything else."""

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if isinstance(error, KeyboardInterrupt):  # Ctrl+C in the terminal asks the window to close
            window.close()
            return
        sys.__excepthook__(kind, error, trace)
        if isinstance(error, InputError | OSError):
            show_error(window, "This could not be done", error)
        elif isinstance(error, Exception):
            show_error(window, "Something went wrong in DefectDesk", f"{kind.__name__}: {error}")

    sys.excepthook = hook


class _FirstPaint(QObject):
    """Says on stderr when the window's first frame has been painted."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint:
            watched.removeEventFilter(self)
            # After this event the frame is flushed to the screen.
            QTimer.singleShot(0, self._say)
        return False

    def _say(self) -> None:
        heavy = [name for name in ("torch", "pyqtgraph") if name in sys.modules]
        loaded = f", loaded: {', '.join(heavy)}" if heavy else ""
        sys.stderr.write(f"first frame after {_process_age() * 1000:.0f} ms{loaded}\n")
        sys.stderr.flush()


def _trace_first_paint(window: QWidget) -> None:
    _FirstPaint(window)


def _process_age() -> float:
    """Seconds since this process was started, the interpreter's own start included where that is known."""
    if Path("/proc/self/stat").exists():
        ticks = float(Path("/proc/self/stat").read_text("utf-8").rsplit(")", 1)[1].split()[19])
        uptime = float(Path("/proc/uptime").read_text("utf-8").split()[0])
        return uptime - ticks / os.sysconf("SC_CLK_TCK")
    return time.monotonic() - _IMPORTED
