"""What a run finds on a few validation images, with a slider over the epochs that were judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QScrollArea, QSlider, QVBoxLayout, QWidget

from core.training.samples import Samples, read_samples
from desktop.base.theme import GAP
from desktop.kit.parts import words
from desktop.train.run.sample_pictures import CELL, SamplePictures


def read_pictures(run_folder: Path) -> tuple[Samples | None, list[QImage]]:
    """The samples of the run in a folder, and their pictures; one that is not there is empty."""
    samples = read_samples(run_folder)
    return samples, [QImage(str(image.picture)) for image in samples.images] if samples is not None else []


class SamplesView(QWidget):
    """Hidden where the run has shown nothing. Follows the last epoch until the user chooses another."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._epochs: list[int] = []
        self._follows = True
        self._run = ""
        self.pictures = SamplePictures()
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setAccessibleName("Epoch of the sample images")
        self.slider.setPageStep(1)
        self._place = QLabel()
        self._place.setProperty("role", "muted")
        key = words("dashed: true boxes", "small")
        key.setToolTip("Dashed and white: true boxes. In a label's colour: found, from the label's threshold on")
        head = QHBoxLayout()
        head.setSpacing(GAP)
        head.addWidget(words("Samples", "section"))
        head.addWidget(key)
        head.addStretch(1)
        row = QHBoxLayout()
        row.setSpacing(GAP)
        row.addWidget(self.slider, 1)
        row.addWidget(self._place)
        scroll = QScrollArea(widgetResizable=True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setMinimumHeight(CELL)
        scroll.setWidget(self.pictures)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, GAP)
        layout.setSpacing(GAP // 2)
        layout.addLayout(head)
        layout.addLayout(row)
        layout.addWidget(scroll, 1)
        self.slider.valueChanged.connect(self._show_place)
        self.slider.actionTriggered.connect(self._leave_last)
        self.hide()

    @property
    def epoch(self) -> int:
        """The epoch that is shown; 0 without one."""
        return self._epochs[self.slider.value()] if self._epochs else 0

    def choose_epoch(self, epoch: int) -> None:
        """Move the slider to an epoch that was judged, as the user does."""
        self.slider.setSliderPosition(self._epochs.index(epoch))

    def show_samples(
        self, run: str, samples: Samples | None, pictures: Sequence[QImage], colors: Mapping[str, str]
    ) -> None:
        """Show what run `run` has found so far."""
        if run != self._run:
            self._run, self._follows = run, True
        kept = self.epoch
        self._epochs = samples.epochs if samples is not None else []
        self.pictures.set_samples(samples, pictures, colors)
        self.setVisible(bool(self._epochs))
        last = max(0, len(self._epochs) - 1)
        self.slider.setRange(0, last)
        self.slider.setEnabled(last > 0)
        self.slider.setValue(last if self._follows or kept not in self._epochs else self._epochs.index(kept))
        self._show_place()

    def _leave_last(self, _action: int) -> None:
        """The user moves the slider: its place is the new one already."""
        self._follows = self.slider.sliderPosition() == self.slider.maximum()

    def _show_place(self, _value: int = 0) -> None:
        self._place.setText(f"epoch {self.epoch}")
        if self._epochs:
            self.pictures.show_epoch(self.epoch)
