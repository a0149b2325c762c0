"""What the palette finds in the open project besides actions: labels by their names, images by their files' names."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from PySide6.QtGui import QColor

from core.counting import format_count
from core.project.images.query import Filter, ImageIndex, fold_text
from core.types import ImageRecord, Label
from desktop.base.session import Session
from desktop.base.theme import icon, theme
from desktop.label.labels.label_match import find_matches
from desktop.shell.palette import PaletteResult

SHORTEST = 2  # letters; fewer are in nearly every name
SHOWN = 5  # of each kind; the rest is shown as a number
EVERYTHING = Filter()


class PaletteSearch:
    """One look at a project: what is found is as it was when this was made."""

    def __init__(self, session: Session) -> None:
        self._session = session
        project = session.shown
        self._labels = project.labels() if project is not None else ()
        self._boxes = project.counts().labels if project is not None else {}
        self._index: ImageIndex | None = None

    def __call__(self, query: str) -> list[PaletteResult]:
        """What fits, the labels before the images."""
        words = query.strip()
        if len(words) < SHORTEST or self._session.shown is None:
            return []
        return self._found_labels(words) + self._found_images(words)

    def _found_labels(self, words: str) -> list[PaletteResult]:
        # Letters that are strewn over a name mean an action sooner than a label.
        found = [
            match.label
            for match in find_matches(self._labels, words)
            if fold_text(words) in fold_text(match.label.name)
        ]
        return [self._offer_label(label) for label in found[:SHOWN]]

    def _found_images(self, words: str) -> list[PaletteResult]:
        if self._index is None:
            project = self._session.shown
            self._index = ImageIndex(project.images() if project is not None else ())
        index = self._index
        rows = index.passing(replace(EVERYTHING, words=words)).tolist()
        start = fold_text(words)
        first: list[int] = []
        for row in rows:
            if len(first) == SHOWN:
                break
            if fold_text(_file_name(index.records[row])).startswith(start):
                first.append(row)
        first += [row for row in rows[: 2 * SHOWN] if row not in first][: SHOWN - len(first)]
        found = [self._offer_image(index.records[row]) for row in first]
        if len(rows) > len(found):
            text = f"All {len(rows):,} images that fit, in the list"
            found.append(
                self._build_result("Images", text, "", "search", partial(self._list_images, Filter(words=words)))
            )
        return found

    def _offer_label(self, label: Label) -> PaletteResult:
        about = format_count(self._boxes.get(label.name, 0), "box")
        show = partial(self._list_images, Filter(carries=frozenset({label.id})))
        tip = f"List the images that carry {label.name}"
        return PaletteResult("Labels", label.name, about, show, icon("tag", QColor(label.color)), tip)

    def _offer_image(self, image: ImageRecord) -> PaletteResult:
        folder, _, name = image.path.rpartition("/")
        return self._build_result(
            "Images", name, folder, "image", partial(self._go_to, image.id), f"Go to {image.path}"
        )

    def _build_result(
        self, section: str, text: str, about: str, sign: str, go: partial[None], tip: str = ""
    ) -> PaletteResult:
        return PaletteResult(section, text, about, go, icon(sign, theme().muted), tip or text)

    def _go_to(self, image_id: int) -> None:
        self._session.page_requested.emit("Label")
        if self._session.shown is not None and image_id in self._session.shown.image_ids():
            self._session.select_image(image_id)

    def _list_images(self, wanted: Filter) -> None:
        self._session.page_requested.emit("Label")
        self._session.images_requested.emit(wanted)


def _file_name(image: ImageRecord) -> str:
    return image.path.rsplit("/", 1)[-1]
