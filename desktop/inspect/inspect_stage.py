"""The middle of the Inspect page: the image, what is drawn of it, and the threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPainter, QPen, QPixmap, QResizeEvent
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QSplitter,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from core.inspection.marks import Mark, MarkFilter, count_pairs
from desktop.base import theme
from desktop.inspect.inspect_view import InspectView, identify_mark
from desktop.inspect.mark_tags import Names
from desktop.inspect.threshold_bar import ThresholdBar
from desktop.kit.chips import FlowLayout
from desktop.viewer.pyramid import Pyramid
from desktop.viewer.view import ImageView

IOUS = (0.3, 0.5, 0.75, 0.9)
# From these widths on, in pixels, the buttons above the image have words.
ROOM_FOR_CHIPS = 500
ROOM_FOR_ALL = 640
ROOM_FOR_IGNORED = 110  # one more of them, where anything is ignored
LEAST_WIDTH = 284  # beside both lists at their narrowest, in a window of 960 pixels
ROOM_FOR_FOOT = 440  # all of the threshold in one line
IGNORED = "ignored"
# What each shows, of boxes and of images that carry labels.
CHIPS = {
    "tp": ("Right", "Detections that are right (TP)", "Labels that are rightly found in the image (TP)"),
    "fp": ("False", "Detections that are false (FP)", "Labels that are wrongly found in the image (FP)"),
    "fn": ("Missed", "True boxes that nothing found (FN)", "Labels of the image that were not found (FN)"),
    "truth": ("Truth", "All true boxes (T)", "All labels that the image carries (T)"),
    IGNORED: (
        "Ignored",
        "Boxes that are difficult or have no label, and detections on them: neither right nor false",
        "Images whose labels are not known in full, which the figures leave out",
    ),
}


class InspectStage(QFrame):
    """One view, or two side by side with the truth on the left, that zoom together."""

    threshold_changed = Signal(float)  # by the user
    iou_changed = Signal(float)
    reset_wanted = Signal()  # back to the thresholds that the checkpoint came with
    open_wanted = Signal()  # the image, on the page where it can be corrected
    pointed = Signal(object)  # Mark under the mouse, else the selected one, else None

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMinimumWidth(LEAST_WIDTH)
        self._filter = MarkFilter()
        self._hovered: Mark | None = None
        self._selected: Mark | None = None
        self._marks: tuple[Mark, ...] = ()
        self._counts: dict[str, int] = {}  # (box, label) pairs in this image, by chip
        self.left = InspectView("both")
        self.right = InspectView("detection")
        self.right.view.hide()
        views = QSplitter(Qt.Orientation.Horizontal)
        views.setChildrenCollapsible(False)
        views.addWidget(self.left.view)
        views.addWidget(self.right.view)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._make_head())
        layout.addWidget(views, 1)
        layout.addWidget(self._make_foot())
        self.left.view.view_changed.connect(lambda: self._link_views(self.left.view, self.right.view))
        self.right.view.view_changed.connect(lambda: self._link_views(self.right.view, self.left.view))
        for side in (self.left, self.right):
            side.view.setMinimumWidth(LEAST_WIDTH // 2 - 4)  # so that two have room beside each other
            side.hovered.connect(self._hover_mark)
            side.selected.connect(self.select_mark)
        theme.notifier.theme_changed.connect(self._color_chips)
        self._color_chips()

    def _make_head(self) -> QWidget:
        head = QFrame()
        head.setProperty("role", "bar")
        column = QVBoxLayout(head)
        column.setContentsMargins(theme.GAP, 4, theme.GAP, 4)
        row = FlowLayout(spacing=4)
        column.addLayout(row)
        self.chips: dict[str, QToolButton] = {}
        for name, (text, tooltip, _) in CHIPS.items():
            chip = _make_tool(text, tooltip, checkable=True)
            chip.setChecked(True)
            chip.setIconSize(QSize(16, 16))
            chip.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            chip.toggled.connect(self._chips_toggled)
            self.chips[name] = chip
            row.addWidget(chip)
        self.side_by_side = _make_tool("Side by side", "Truth on the left, detections on the right (B)", checkable=True)
        self.side_by_side.toggled.connect(self._set_side_by_side)
        fit = _make_tool("Fit", "Show the whole image (F)")
        fit.clicked.connect(self.fit_image)
        self.open_button = _make_tool("Correct…", "Open this image on the Label page, to mend a wrong label (E)")
        self.open_button.clicked.connect(self.open_wanted)
        self.hide_names = _make_tool(
            "Hide the names",
            "Hide the names at the boxes, but for the one that is pointed at (Shift+H)",
            checkable=True,
        )
        self.hide_names.toggled.connect(self._hide_names)
        icons = {self.side_by_side: "grid", self.hide_names: "tag-off", fit: "fit", self.open_button: "edit"}
        for button, icon in icons.items():
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
            theme.set_icon(button, icon, size=16)
            row.addWidget(button)
        return head

    def _make_foot(self) -> QWidget:
        foot = QFrame()
        foot.setProperty("role", "foot")
        self._foot = QGridLayout(foot)
        self._foot.setContentsMargins(theme.PAD, 6, theme.PAD, 6)
        self._foot.setSpacing(theme.GAP)
        self.score = ThresholdBar()
        self.score.moved.connect(self.threshold_changed)
        self.reset_button = _make_tool("Reset", "Back to the thresholds that the checkpoint came with, label by label")
        self.reset_button.clicked.connect(self.reset_wanted)
        self.ious = QComboBox()
        self.ious.setToolTip("How well a detection must overlap a true box to count as right")
        for iou in IOUS:
            self.ious.addItem(f"{iou:g}", iou)
        self.ious.setCurrentIndex(IOUS.index(0.5))
        self.ious.currentIndexChanged.connect(lambda: self.iou_changed.emit(self.iou))
        self._iou_caption = _make_caption("IoU ≥", self.ious)
        overlap = QHBoxLayout()
        for part in (self.reset_button, self._iou_caption, self.ious):
            overlap.addWidget(part)
        self._overlap = overlap
        self._foot.addWidget(self.score, 0, 0)
        self._foot.setColumnStretch(0, 1)
        self._foot.addLayout(overlap, 0, 1)
        return foot

    def show_ignored(self, is_there: bool) -> None:
        """Offer to hide what is ignored, where any image has some."""
        self.chips[IGNORED].setVisible(is_there)
        self._name_buttons()

    # -- the threshold

    @property
    def threshold(self) -> float:
        """Where the slider is."""
        return self.score.value

    def show_thresholds(self, thresholds: Sequence[float], *, by_hand: bool) -> None:
        """Show from which scores on labels count. Emits nothing."""
        self.score.show_thresholds(thresholds)
        self.reset_button.setEnabled(by_hand)

    def set_is_detector(self, is_detector: bool) -> None:
        """Speak of boxes and how well they overlap, or of labels of images, which always lie on all of it."""
        self.ious.setVisible(is_detector)
        self._iou_caption.setVisible(is_detector)
        for name, (_, of_boxes, of_images) in CHIPS.items():
            self.chips[name].setToolTip(of_boxes if is_detector else of_images)

    @property
    def iou(self) -> float:
        return float(self.ious.currentData())

    # -- what is drawn

    def set_image(self, image: Pyramid | None, message: str = "") -> None:
        """Show an image, or words in its place. The marks of the one before are gone."""
        self._hovered = self._selected = None
        self._marks, self._counts = (), {}
        for side in (self.left, self.right):
            side.set_marks([], Names((), ()))
            side.set_selected(None)
            side.view.set_image(image)
        self.left.view.set_message(message)
        if message:
            self._name_buttons()  # else the counts of the image before would stand beside it

    def set_marks(self, marks: Sequence[Mark], names: Names) -> None:
        """Draw these over the image. Selection and hover go on to the marks that took their place."""
        there = {identify_mark(mark): mark for mark in marks}
        self._selected = there.get(identify_mark(self._selected)) if self._selected else None
        self._hovered = there.get(identify_mark(self._hovered)) if self._hovered else None
        self._marks = tuple(marks)
        for side in (self.left, self.right):
            side.set_marks(marks, names)
        self._count_marks()

    def _count_marks(self) -> None:
        """Bring counts and what is pointed at to the marks and the filter."""
        self._counts = {name: count_pairs(self._marks, name, self._filter.label) for name in CHIPS}
        self._name_buttons()
        self._emit_pointed()

    def _name_buttons(self) -> None:
        """Words where there is room for them; signs, counts and tooltips where there is not."""
        room = self.width() - (ROOM_FOR_IGNORED if self.chips[IGNORED].isVisibleTo(self) else 0)
        for name, chip in self.chips.items():
            count = str(self._counts.get(name, ""))
            chip.setText(f"{CHIPS[name][0]} {count}".rstrip() if room >= ROOM_FOR_CHIPS or not count else count)
        styles = Qt.ToolButtonStyle
        style = styles.ToolButtonTextBesideIcon if room >= ROOM_FOR_ALL else styles.ToolButtonIconOnly
        self.open_button.setToolButtonStyle(style)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._name_buttons()
        # In little room the threshold has a line to itself.
        place = (0, 1) if self.width() >= ROOM_FOR_FOOT else (1, 0)
        self._foot.removeItem(self._overlap)
        self._foot.addLayout(self._overlap, *place)

    def set_label(self, label: int | None) -> None:
        """Draw only what carries this label."""
        self._set_filter(replace(self._filter, label=label))

    def toggle_marks(self, name: str) -> None:
        """Switch one kind of mark on or off."""
        self.chips[name].toggle()

    def fit_image(self) -> None:
        self.left.view.fit_image()

    def select_mark(self, mark: Mark | None) -> None:
        """Select a mark; None for none."""
        self._selected = self._find_whole(mark)
        for side in (self.left, self.right):
            side.set_selected(identify_mark(mark) if mark else None)
        self._emit_pointed()

    def _hover_mark(self, mark: Mark | None) -> None:
        self._hovered = self._find_whole(mark)
        self._emit_pointed()

    def _find_whole(self, mark: Mark | None) -> Mark | None:
        """The mark with all of its labels, of which a filter may show some."""
        there = {identify_mark(one): one for one in self._marks}
        return there.get(identify_mark(mark)) if mark is not None else None

    def _emit_pointed(self) -> None:
        mark = self._hovered or self._selected
        self.pointed.emit(self._filter.restrict(mark) if mark is not None else None)

    def _chips_toggled(self) -> None:
        self._set_filter(replace(self._filter, **{name: chip.isChecked() for name, chip in self.chips.items()}))

    def _set_filter(self, mark_filter: MarkFilter) -> None:
        self._filter = mark_filter
        for side in (self.left, self.right):
            side.set_filter(mark_filter)
        if self._counts:
            self._count_marks()

    def _link_views(self, moved: ImageView, other: ImageView) -> None:
        # A view that is hidden fits the image into a size that nobody sees.
        if self.side_by_side.isChecked() and moved.isVisible() and other.isVisible():
            other.follow_view(moved)

    def _set_side_by_side(self, on: bool) -> None:
        self.left.set_side("truth" if on else "both")
        self.right.view.setVisible(on)
        self.left.view.fit_image()

    def _hide_names(self, hidden: bool) -> None:
        for side in (self.left, self.right):
            side.show_names(not hidden)

    def _color_chips(self) -> None:
        tokens = theme.theme()
        for name, color in (
            ("tp", tokens.good),
            ("fp", tokens.bad),
            ("fn", tokens.warning),
            ("truth", tokens.series[0]),
            (IGNORED, tokens.muted),
        ):
            self.chips[name].setIcon(_outline_icon(color, dashed=name in ("fn", IGNORED)))


def _outline_icon(color: QColor, *, dashed: bool) -> QIcon:
    pixmap = QPixmap(32, 32)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    pen = QPen(color, 5)
    pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
    if dashed:
        pen.setDashPattern([1.3, 1.1])
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    painter.setPen(pen)
    painter.drawRect(5, 5, 22, 22)
    painter.end()
    pixmap.setDevicePixelRatio(2)
    return QIcon(pixmap)


def _make_tool(text: str, tooltip: str, *, checkable: bool = False) -> QToolButton:
    button = QToolButton()
    button.setText(text)
    button.setToolTip(tooltip)
    button.setCheckable(checkable)
    button.setProperty("role", "bar")
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return button


def _make_caption(text: str, buddy: QWidget) -> QLabel:
    label = QLabel(text)
    label.setProperty("role", "muted")
    label.setBuddy(buddy)
    return label
