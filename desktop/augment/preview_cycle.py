"""The making of previews in a thread while what is asked for keeps changing."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from core.errors import InputError
from desktop.augment.previews import ImageCache, PreviewRequest, Previews, make_previews
from desktop.base.background import Tasks

KEY = "augment-previews"


class PreviewCycle(QObject):
    """Makes the previews that were asked for last.

    While some of the same image are being made the latest request waits, so that a slider in motion shows every
    picture that there was time for; dropping each stale one would show none until it rests.
    """

    made = Signal(object)  # Previews: of the latest request, or of one that it took over from
    failed = Signal(str)  # why there are none

    def __init__(self, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tasks = tasks
        self._cache = ImageCache()
        self._wanted: PreviewRequest | None = None
        self._under_way: PreviewRequest | None = None
        self._shown: Previews | None = None

    @property
    def wanted(self) -> PreviewRequest | None:
        """What was asked for last."""
        return self._wanted

    @property
    def shown(self) -> Previews | None:
        """What was made last; None after a failure."""
        return self._shown

    @property
    def busy(self) -> bool:
        """Whether previews are under way."""
        return self._tasks.busy(KEY)

    def ask_for(self, request: PreviewRequest) -> None:
        """Make previews of `request`, in place of what was asked for before."""
        self._wanted = request
        if not (self.busy and self._under_way and self._under_way.path == request.path):
            self._start_making(request)

    def stop(self) -> None:
        """Make no more until the next request; what is shown stays."""
        self._tasks.cancel(KEY)
        self._wanted = None

    def clear(self) -> None:
        """Stop, and forget what is shown."""
        self.stop()
        self._shown = None

    def _start_making(self, request: PreviewRequest) -> None:
        self._under_way = request
        self._tasks.run(
            KEY,
            lambda: make_previews(request, self._cache.read_image(request.path, request.window)),
            self._show_previews,
            lambda error: self._fail_request(request, error),
            priority=1,
        )

    def _show_previews(self, previews: Previews) -> None:
        self._shown = previews
        self.made.emit(previews)
        self._go_on_from(previews.request)

    def _fail_request(self, request: PreviewRequest, error: Exception) -> None:
        if not isinstance(error, InputError):
            raise error
        self._shown = None
        self.failed.emit(str(error))
        self._go_on_from(request)

    def _go_on_from(self, request: PreviewRequest) -> None:
        if self._wanted is not None and self._wanted is not request:
            self._start_making(self._wanted)
