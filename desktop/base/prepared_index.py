"""The columns of the image list, made by the thread that changes very many images, so that the list shows them at once."""

from __future__ import annotations

from core.project.images.query import ImageIndex
from core.project.project_reader import ProjectReader
from core.types import ImageRecord


class PreparedIndex:
    """One per session, for its one list of images."""

    def __init__(self) -> None:
        self._shown: ImageIndex | None = None
        self._prepared: ImageIndex | None = None

    @property
    def prepared(self) -> ImageIndex | None:
        """The index of what the project was a moment ago, until it is taken."""
        return self._prepared

    def prepare_index(self, project: ProjectReader) -> None:
        """Make, in any thread, what the list will ask for; nothing where no list is shown."""
        if self._shown is not None:
            index = ImageIndex(project.images())
            index.make_columns_of(self._shown)
            self._prepared = index

    def take_index(self, records: list[ImageRecord]) -> ImageIndex:
        """The index of these images for the list, which shows it from now on."""
        prepared, self._prepared = self._prepared, None
        # Records are never changed but replaced: comparing lists of the same ones takes no time.
        fits = prepared is not None and prepared.records == records
        self._shown = prepared if prepared is not None and fits else ImageIndex(records)
        return self._shown
