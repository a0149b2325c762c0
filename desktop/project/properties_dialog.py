"""What a project is and what holds for all of its images: scale, cameras, kind of drive."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtWidgets import (
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from core.counting import format_count
from core.project.network import on_network
from core.project.project import Project
from core.project.records import CAMERAS
from desktop.base.background import Tasks
from desktop.base.theme import GAP
from desktop.kit.dialog_frame import DialogFrame, Paragraph, add_row, new_form, numeric
from desktop.kit.number_fields import DecimalSpinBox
from desktop.kit.parts import ElidedLabel, words
from desktop.kit.screen_room import resize_within_screen
from desktop.project.camera_scales import CameraScales

MM, NETWORK = "mm_per_pixel", "network_drive"  # settings of the project
LARGEST_SCALE = 1000.0  # mm per pixel


class ProjectProperties(DialogFrame):
    """Shows and asks; `list_changes` are the settings to keep once it was accepted."""

    def __init__(self, tasks: Tasks, project: Project, image: Path | None, parent: QWidget | None = None) -> None:
        """`image` is the file on the screen, through which its depth scale is seen."""
        super().__init__("Project properties", confirm="Save", parent=parent, width=680)
        self._project = project
        self._mm = _build_number("Millimetres per pixel", LARGEST_SCALE, 6)
        self._mm.setSpecialValueText("not known")
        self._mm.setSuffix(" mm")
        self._pixels = _build_number("Length in pixels", 1e6, 1)
        self._pixels.setSuffix(" px")
        self._length = _build_number("The same length in millimetres", 1e6, 3)
        self._length.setSuffix(" mm")
        self._network = QComboBox()
        self._scales = CameraScales(tasks, project, image)
        self._tabs = QTabWidget()
        self._tabs.addTab(self._build_general(), "General")
        self._tabs.addTab(self._scales, "Images above 8 bits")
        self.body.addWidget(self._tabs, 1)
        resize_within_screen(self, 720, 640)
        self._fill_fields()
        for field in (self._pixels, self._length):
            field.valueChanged.connect(self._calibrate_scale)
        if project.read_only:
            self.refuse("The project is open read-only: nothing can be changed.")

    def list_changes(self) -> dict[str, Any]:
        """Settings by key that are different now."""
        wanted = {MM: self._mm.value() or None, NETWORK: self._network.currentData()}
        changes = {key: value for key, value in wanted.items() if value != self._project.setting(key)}
        cameras = self._scales.read_cameras()
        return changes if cameras is None else changes | {CAMERAS: cameras.to_json()}

    def done(self, result: int) -> None:
        self._scales.stop_reading()
        super().done(result)

    # -- building

    def _build_general(self) -> QWidget:
        page = QWidget()
        form = new_form()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 2 * GAP, 0, 0)
        column.addLayout(form)
        column.addStretch(1)
        self._show_facts(form)
        add_row(form, "Scale", self._mm)
        self._mm.setFixedWidth(190)
        measure = QWidget()
        row = QHBoxLayout(measure)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GAP)
        for part in (self._pixels, words("are"), self._length):
            row.addWidget(part)
        row.addStretch(1)
        measure.setFocusProxy(self._pixels)
        add_row(form, "Calibrate", measure)
        form.addRow("", Paragraph("Measure a known length in the image with the ruler and enter it here.", "small"))
        add_row(form, "Drive", self._network)
        note = "Holds from the next opening. On a network drive edits are written so that a broken connection harms nothing."
        form.addRow("", Paragraph(note, "small"))
        return page

    def _show_facts(self, form: QFormLayout) -> None:
        counts = self._project.counts()
        labels = format_count(len(counts.labels), "label")
        done = sum(count for status, count in counts.status.items() if status != "unlabelled")
        facts = [
            ("Folder", str(self._project.folder)),
            (
                "Holds",
                f"{format_count(counts.images, 'image')}, {format_count(counts.boxes, 'box')}, {labels}",
            ),
            ("Labelled", f"{done:,} of {counts.images:,} images"),
        ]
        for name, value in facts:
            add_row(form, name, ElidedLabel(value))

    def _fill_fields(self) -> None:
        system = "network drive" if on_network(self._project.folder) else "local disk"
        for text, value in ((f"As the system says: {system}", None), ("Network drive", True), ("Local disk", False)):
            self._network.addItem(text, value)
        self._network.setCurrentIndex(max(0, self._network.findData(self._project.setting(NETWORK))))
        scale = self._project.setting(MM)
        self._mm.setValue(float(scale) if isinstance(scale, int | float) else 0.0)

    # -- what the user does

    def _calibrate_scale(self) -> None:
        if self._pixels.value() > 0 and self._length.value() > 0:
            self._mm.setValue(min(self._length.value() / self._pixels.value(), LARGEST_SCALE))


def _build_number(name: str, largest: float, decimals: int) -> DecimalSpinBox:
    field = DecimalSpinBox(0.0, largest, decimals)
    field.setGroupSeparatorShown(True)
    numeric(field, name)
    return field
