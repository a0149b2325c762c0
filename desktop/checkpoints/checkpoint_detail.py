"""Everything about one checkpoint: how well it finds each label, how it was trained, and what to do with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QFormLayout,
    QFrame,
    QGridLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from core.counting import format_count
from core.inspection.judged_images import JudgedImages
from core.inspection.kept_evaluations import CheckpointStandings
from core.models.registry import is_detector
from core.project.records import CheckpointRecord, RunRecord
from desktop.base import theme
from desktop.checkpoints.checkpoint_comparison import CheckpointComparison
from desktop.checkpoints.checkpoint_table import describe_evaluation
from desktop.kit import formatting
from desktop.kit.parts import ElidedLabel, words
from desktop.kit.score_bars import Bar, ScoreBars

PROMPT = "Select a checkpoint to see how well it finds each label, or two to compare them."
STRATEGIES = {"scratch": "from scratch", "frozen": "backbone frozen", "fine_tune": "fine-tuned"}
WEIGHTS = {
    "none": "random",
    "imagenet": "ImageNet backbone",
    "coco": "COCO detector",
    "file": "file",
    "checkpoint": "checkpoint",
}


def list_recipe_lines(recipe: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The recipe in a few named words. What an older or foreign recipe lacks is left out."""

    def find_value(section: str, field: str) -> Any:
        values = recipe.get(section)
        return values.get(field) if isinstance(values, Mapping) else None

    lines: list[tuple[str, str]] = []
    if kind := find_value("strategy", "kind"):
        lines.append(("Strategy", STRATEGIES.get(kind, str(kind))))
    if source := find_value("weights", "source"):
        path = find_value("weights", "path")
        lines.append(("Weights", WEIGHTS.get(source, str(source)) + (f" {path}" if path else "")))
    if size := find_value("sampling", "input_size"):
        lines.append(
            ("Input", f"{size} px, {'crops' if find_value('sampling', 'mode') == 'crops' else 'whole images'}")
        )
    if epochs := find_value("schedule", "epochs"):
        lines.append(("Epochs", f"{epochs:,}"))
    if batch := find_value("schedule", "batch_size"):
        lines.append(("Batch", f"{batch:,}"))
    if rate := find_value("optimizer", "lr"):
        lines.append(
            ("Learning rate", f"{rate:g}, {find_value('optimizer', 'kind')}, {find_value('schedule', 'decay')}")
        )
    if loss := find_value("loss", "kind"):
        lines.append(("Loss", str(loss)))
    if (seed := recipe.get("seed")) is not None:
        lines.append(("Seed", str(seed)))
    return lines


class CheckpointDetail(QFrame):
    """The pane beside the table."""

    predict = Signal()
    resume = Signal()
    reveal = Signal()
    delete = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "panel")
        self.setMinimumWidth(280)
        self._title = _make_label("heading")
        self._subtitle = _make_label("muted")
        self._map50, self._map = _make_label("title"), _make_label("title")
        self.bars = ScoreBars()
        self._no_bars = _make_label("muted", "This checkpoint was not evaluated.")
        self._judged_title = _make_label("section", "Judged since")
        self._judged = words("", wrap=True)
        self._judged.setTextFormat(Qt.TextFormat.PlainText)
        self._judged.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._warning = words("", "warning", wrap=True)
        self._warning.setTextFormat(Qt.TextFormat.PlainText)
        self._facts = QFormLayout()
        self._facts.setHorizontalSpacing(theme.PAD)
        self._facts.setVerticalSpacing(4)
        self._content = self._make_content()
        self._prompt = _make_label("muted", PROMPT)
        self._prompt.setAlignment(Qt.AlignmentFlag.AlignCenter)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        scroll = QScrollArea()
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # what is in it takes the keys
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(self._content)
        self._scroll = scroll
        outer.addWidget(scroll, 1)
        self.comparison = CheckpointComparison()
        outer.addWidget(self.comparison, 1)
        outer.addWidget(self._prompt, 1)
        outer.addWidget(self._make_buttons())
        self.set_checkpoints([], {}, {}, editable=True)

    def _make_content(self) -> QWidget:
        content = QWidget()
        content.setObjectName("scrolled")
        layout = QVBoxLayout(content)
        layout.setContentsMargins(theme.PAD, theme.PAD, theme.PAD, theme.PAD)
        layout.setSpacing(theme.GAP)
        layout.addWidget(self._title)
        layout.addWidget(self._subtitle)
        grid = QGridLayout()
        grid.setVerticalSpacing(0)
        self._captions = _make_label("small", "mAP@0.5"), _make_label("small", "mAP@[.5:.95]")
        for column, (value, caption) in enumerate(zip((self._map50, self._map), self._captions, strict=True)):
            grid.addWidget(value, 0, column)
            grid.addWidget(caption, 1, column)
            grid.setColumnStretch(column, 1)
        layout.addLayout(grid)
        layout.addWidget(self._warning)
        layout.addSpacing(theme.GAP)
        self._by_label = _make_label("section")
        layout.addWidget(self._by_label)
        layout.addWidget(self.bars)
        layout.addWidget(self._no_bars)
        layout.addSpacing(theme.GAP)
        layout.addWidget(self._judged_title)
        layout.addWidget(self._judged)
        layout.addSpacing(theme.GAP)
        layout.addWidget(_make_label("section", "How it was made"))
        layout.addLayout(self._facts)
        layout.addStretch(1)
        return content

    def _make_buttons(self) -> QWidget:
        foot = QFrame()
        foot.setProperty("role", "foot")
        layout = QGridLayout(foot)
        layout.setContentsMargins(theme.PAD, theme.PAD, theme.PAD, theme.PAD)
        layout.setSpacing(theme.GAP)
        self.predict_button = QPushButton("Use for prediction")
        self.predict_button.setProperty("role", "primary")
        self.predict_button.setToolTip("Look at what it finds, on the Inspect page (Enter)")
        self.resume_button = QPushButton("Continue training")
        self.resume_button.setToolTip("Open the Train page with this checkpoint as the starting weights")
        self.reveal_button = QPushButton("Open folder")
        self.reveal_button.setToolTip("Open the folder that holds the file")
        self.delete_button = QPushButton("Delete…")
        self.delete_button.setProperty("role", "danger")
        self.delete_button.setToolTip("Delete the selected checkpoints' files (Del)")
        for button, place, signal in (
            (self.predict_button, (0, 0, 1, 2), self.predict),
            (self.resume_button, (1, 0, 1, 2), self.resume),
            (self.reveal_button, (2, 0, 1, 1), self.reveal),
            (self.delete_button, (2, 1, 1, 1), self.delete),
        ):
            layout.addWidget(button, *place)
            button.clicked.connect(signal)
        return foot

    def set_checkpoints(
        self,
        records: Sequence[CheckpointRecord],
        runs: Mapping[str, RunRecord],
        colors: Mapping[str, QColor],
        *,
        editable: bool,
    ) -> None:
        """Show one checkpoint and its run, compare two, or say how many are selected.

        `runs` are those of the checkpoints by id, as far as they are known; `colors` are the project's, by label name.
        """
        one = records[0] if len(records) == 1 else None
        self._scroll.setVisible(one is not None)
        self.comparison.setVisible(len(records) == 2)
        self._prompt.setVisible(len(records) not in (1, 2))
        for button in (self.predict_button, self.resume_button, self.reveal_button):
            button.setEnabled(one is not None)
        self.delete_button.setEnabled(bool(records) and editable)
        self.resume_button.setEnabled(one is not None and editable)
        if one is not None:
            self._show_checkpoint(one, runs.get(one.run), colors)
        elif len(records) == 2:
            self.comparison.show_checkpoints(records, [runs.get(record.run) for record in records])
        elif records:
            total = formatting.size(sum(record.size_bytes for record in records))
            self._prompt.setText(f"{len(records):,} checkpoints selected, {total} together.")
        else:
            self._prompt.setText(PROMPT)

    def _show_checkpoint(self, record: CheckpointRecord, run: RunRecord | None, colors: Mapping[str, QColor]) -> None:
        self._title.setText(record.id)
        parts = [
            formatting.model_title(record.model),
            f"epoch {record.epoch:,}",
            "best of its run" if record.best else "",
        ]
        self._subtitle.setText(" · ".join(filter(None, parts)))
        boxes = is_detector(record.model)
        self._map50.setText(formatting.metric(record.map50 if boxes else record.map))
        self._map.setText(formatting.metric(record.map) if boxes else "")
        for caption, text in zip(self._captions, ("mAP@0.5", "mAP@[.5:.95]") if boxes else ("mAP", ""), strict=True):
            caption.setText(text)
        self._by_label.setText("Average precision by label" + (", IoU 0.5" if boxes else " of images"))
        self._show_bars(record.label_ap50, colors, boxes, "the validation images")
        facts = list_recipe_lines(run.recipe) if run is not None else []
        facts.append(("Saved", formatting.date(record.created, datetime.now().astimezone())))
        if run is not None and run.snapshot_hash:
            facts.append(("Snapshot", run.snapshot_hash[:12]))
        facts += [("Size", formatting.size(record.size_bytes)), ("File", str(record.path))]
        if record.note:
            facts.append(("Note", record.note))
        self._set_facts(facts)
        self._warning.hide()
        self.show_evaluations(record, CheckpointStandings(), colors)

    def _show_bars(
        self, label_ap: Mapping[str, float | None], colors: Mapping[str, QColor], boxes: bool, images: str
    ) -> None:
        muted = theme.theme().muted
        self.bars.set_bars(
            [
                Bar(
                    name,
                    value,
                    colors.get(name, muted),
                    tooltip=_describe_ap(name, value, name in colors, boxes, images),
                )
                for name, value in label_ap.items()
            ]
        )
        self.bars.setVisible(bool(label_ap))
        self._no_bars.setVisible(not label_ap)

    def show_judged(self, judged: JudgedImages) -> None:
        """Say what the figures were measured on, and warn where some of that is no longer there."""
        if not judged.count:
            return
        text = format_count(judged.count, "validation image")
        if changed := len(judged.changed):
            holds = "holds" if changed == 1 else "hold"
            self._warning.setText(
                f"{changed:,} of the {text} {holds} another picture now, such as {Path(judged.changed[0]).name}: these "
                "figures are of the old ones. Use for prediction to judge by what is there now."
            )
        self._warning.setVisible(bool(judged.changed))
        self._add_fact("Judged on", text)

    def show_evaluations(
        self, record: CheckpointRecord, judged: CheckpointStandings, colors: Mapping[str, QColor]
    ) -> None:
        """Say how the checkpoint was judged since its training; where it was not judged then, these are its figures."""
        lines = [*map(describe_evaluation, judged.standings), *judged.problems]
        self._judged.setText("\n".join(lines))
        for part in (self._judged_title, self._judged):
            part.setVisible(bool(lines))
        if not judged.standings or record.map50 is not None or record.map is not None:
            return
        newest, boxes = judged.standings[0].evaluation, is_detector(record.model)
        split = newest.key.split
        self._map50.setText(formatting.metric(newest.best_known))
        self._map.setText(formatting.metric(newest.measure("map")) if boxes else "")
        names = (f"mAP@0.5 on {split}", f"mAP@[.5:.95] on {split}") if boxes else (f"mAP on {split}", "")
        for caption, text in zip(self._captions, names, strict=True):
            caption.setText(text)
        self._show_bars(newest.label_ap, colors, boxes, f"the images of {split}")

    @property
    def judged_text(self) -> str:
        """How the checkpoint was judged since its training, a line for each split; empty where it was not."""
        return self._judged.text()

    @property
    def prompt(self) -> str:
        """What stands in the place of one or two checkpoints; empty where these are shown."""
        return "" if self._prompt.isHidden() else self._prompt.text()

    @property
    def warning(self) -> str:
        """What speaks against the figures; empty where nothing does."""
        return "" if self._warning.isHidden() else self._warning.text()

    def list_averages(self) -> list[tuple[str, str]]:
        """The mean average precisions that are shown: what each is called, and its figure."""
        shown = zip(self._captions, (self._map50, self._map), strict=True)
        return [(caption.text(), value.text()) for caption, value in shown if caption.text()]

    def list_facts(self) -> list[str]:
        """What is said of how the checkpoint was made, without the captions."""
        items = (self._facts.itemAt(row, self._facts.ItemRole.FieldRole) for row in range(self._facts.rowCount()))
        widgets = (item.widget() for item in items if item is not None)
        return [widget.text() for widget in widgets if isinstance(widget, QLabel)]

    def _set_facts(self, facts: Sequence[tuple[str, str]]) -> None:
        while self._facts.rowCount():
            self._facts.removeRow(0)
        for name, value in facts:
            self._add_fact(name, value)

    def _add_fact(self, name: str, value: str) -> None:
        # A path has no spaces to break at, and would widen the pane; invisible ones would be copied with it.
        text = ElidedLabel(value) if name == "File" else _make_label("", value)
        text.setTextFormat(Qt.TextFormat.PlainText)
        text.setWordWrap(name != "File")
        text.setToolTip(value)
        text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._facts.addRow(_make_label("muted", name), text)


def _describe_ap(name: str, value: float | None, known: bool, boxes: bool, images: str) -> str:
    nothing = f"no true box of it in {images}" if boxes else f"none of {images} carries it"
    words = nothing if value is None else f"average precision {value:.3f}"
    return f"{name}: {words}" + ("" if known else "\nThe project has no label of this name.")


def _make_label(role: str, text: str = "") -> QLabel:
    label = QLabel(text)
    label.setProperty("role", role)
    label.setWordWrap(role in ("heading", "muted"))
    return label
