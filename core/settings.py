"""The person's settings: declared once here, kept in a small JSON file that holds what differs from the default."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from core.files import write_json

RECENT_LIMIT = 12


def _parse_color(value: str) -> str:
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", value):
        raise ValueError("a colour is written as # and six digits, such as #ff8800")
    return value


def _color_or_none(value: str) -> str:
    return _parse_color(value) if value else value


Color = Annotated[str, AfterValidator(_parse_color)]
ColorOrNone = Annotated[str, AfterValidator(_color_or_none)]  # empty: the program chooses it


class RecentProject(BaseModel):
    """What is remembered of a project: how it is listed, and where the person stopped."""

    model_config = ConfigDict(frozen=True, extra="allow")

    opened: str = Field(default="", description="When it was opened last, as ISO 8601 in UTC")
    images: int = Field(default=0, ge=0, description="How many images it had then")
    pictures: tuple[str, ...] = Field(default=(), description="Files of its first images, to know it by")
    page: int = Field(default=0, ge=0, description="The page in front, counted from 0")
    image: int | None = Field(default=None, description="The current image's id")
    view: tuple[float, float, float] | None = Field(
        default=None, description="Zoom, and the point of the image in the middle of the view; None where all of it is"
    )
    hidden_boxes: tuple[int, ...] = Field(default=(), description="Ids of boxes that are out of sight")
    hidden_labels: tuple[int, ...] = Field(default=(), description="Ids of labels whose boxes are out of sight")
    only_label: int | None = Field(default=None, description="Id of the label whose boxes alone are in sight")
    locked_boxes: tuple[int, ...] = Field(default=(), description="Ids of boxes that cannot be moved")
    locked_labels: tuple[int, ...] = Field(default=(), description="Ids of labels whose boxes cannot be moved")


class Preferences(BaseModel):
    """Every setting with its default."""

    # A newer program's settings survive being written by this one.
    model_config = ConfigDict(frozen=True, extra="allow")

    theme: Literal["system", "dark", "light"] = Field(
        default="system", title="Colours", description="Of the window", json_schema_extra={"section": "Appearance"}
    )
    interface_scale: int = Field(
        default=100,
        ge=80,
        le=250,
        title="Size of letters",
        description="And of rows and signs with them; images stay as they are. In force from the next start on",
        json_schema_extra={"unit": "%", "section": "Appearance"},
    )
    recent_projects: tuple[str, ...] = Field(default=(), description="Folders of projects, the latest first")
    recent_details: dict[str, RecentProject] = Field(default_factory=dict, description="Of the recent projects")
    window_geometry: str = Field(default="", description="Place and size of the window, as Qt saves it, in base64")
    label_splitter: tuple[int, ...] = Field(default=(), description="Column widths of the Label page, in pixels")
    label_side_splitter: tuple[int, ...] = Field(
        default=(), description="Heights of its right column's parts, in pixels"
    )
    label_folded: tuple[str, ...] = Field(default=(), description="Its columns that are folded away: left, right")
    label_image_grid: bool = Field(default=False, description="Whether its images are thumbnails in a grid")
    help_geometry: str = Field(default="", description="Place and size of the help's window, as Qt saves it, in base64")
    help_topic: str = Field(default="", description="The topic of the help that was read last")
    help_scroll: int = Field(default=0, ge=0, description="How far down it was read, in pixels")
    recent_actions: tuple[str, ...] = Field(default=(), description="Run from the command palette, the latest first")
    last_folder: str = Field(default="", description="Where the file dialogs start")

    canvas_line_width: float = Field(
        default=2.0,
        ge=1,
        le=8,
        title="Line width",
        description="Of a box's outline; a selected one is half as wide again",
        json_schema_extra={"unit": "px", "section": "Canvas"},
    )
    canvas_fill_opacity: float = Field(
        default=0.08,
        ge=0,
        le=1,
        title="Fill of selected boxes",
        description="0 leaves the image clear, 1 covers it",
        json_schema_extra={"section": "Canvas"},
    )
    canvas_crosshair: bool = Field(
        default=False,
        title="Guides",
        description="Guides through the mouse pointer at all times, and not only while a box is drawn",
        json_schema_extra={"section": "Canvas"},
    )
    canvas_guide_color: Color = Field(
        default="#ffffff",
        title="Colour of the guides",
        description="Of the guides while a box is drawn",
        json_schema_extra={"control": "color", "section": "Canvas"},
    )
    canvas_background: ColorOrNone = Field(
        default="",
        title="Background",
        description="Around the image; empty follows the theme",
        json_schema_extra={"control": "color", "empty": "As the theme", "section": "Canvas"},
    )
    canvas_minimap: bool = Field(
        default=True,
        title="Overview",
        description="The whole image in a corner where it is larger than the view",
        json_schema_extra={"section": "Canvas"},
    )
    canvas_pixel_grid: bool = Field(
        default=True,
        title="Pixel grid",
        description="Lines between pixels, and their values, where they are large enough",
        json_schema_extra={"section": "Canvas"},
    )
    canvas_rulers: bool = Field(
        default=False,
        title="Rulers",
        description="In image pixels along the edges",
        json_schema_extra={"section": "Canvas"},
    )
    label_ask_labels: bool = Field(
        default=False,
        title="Ask for labels after each box",
        description="The list of labels opens at every box that was drawn",
        json_schema_extra={"section": "Labelling"},
    )
    picture_cache_mb: int = Field(
        default=768,
        ge=64,
        le=65536,
        title="Memory for images",
        description="Decoded images kept for going back and forth; half of it may be used for fetching ahead",
        json_schema_extra={"unit": "MB", "section": "Images"},
    )
    max_megapixels: int = Field(
        default=269,
        ge=1,
        le=1073,
        title="Largest image",
        description="A file that claims more pixels is refused before it is decoded, since it may exhaust the memory",
        json_schema_extra={"unit": "Mpx", "section": "Images"},
    )
    threads: int = Field(
        default=0,
        ge=0,
        le=1024,
        title="Threads",
        description="That compute when a model is trained or looks at images. A variable OMP_NUM_THREADS goes before it, and a "
        "recipe's own limit before both. In force from the next training or prediction on",
        json_schema_extra={"zero": "all that may be used", "section": "Computing"},
    )
    notify_end: bool = Field(
        default=True,
        title="Notice at the end",
        description="The desktop says when a training or a study ends while another window is in front",
        json_schema_extra={"section": "Computing"},
    )
    train_smoothing: int = Field(
        default=20, ge=1, description="Steps that the smoothed curve of the loss is the mean of"
    )
    train_log_scale: bool = Field(default=False, description="Whether the axis of the loss counts powers of ten")
    train_curves: tuple[str, ...] = Field(default=("loss", "map"), description="Plots of the Train page that are shown")
    train_run_order: tuple[str, bool] = Field(
        default=("run", True), description="Column that the list of runs is sorted by, and whether the largest is first"
    )
    checkpoint_order: tuple[str, bool] = Field(
        default=("date", True), description="Column that checkpoints are sorted by, and whether the largest is first"
    )
    checkpoints_by_run: bool = Field(default=True, description="Whether checkpoints of a run stand together")
    inspect_order: str = Field(default="Most errors", description="How the images on the Inspect page are sorted")
    inspect_only_errors: bool = Field(default=False, description="Whether only images with errors are listed there")
    inspect_names: bool = Field(default=True, description="Whether names stand at the boxes there")
    shortcut_preset: Literal["defectdesk", "labelImg", "CVAT"] = Field(
        default="defectdesk", title="Preset", description="Whose keys to begin with"
    )
    shortcuts: dict[str, list[str]] = Field(
        default_factory=dict,
        description="Keys that differ from the preset, by action: label.draw -> [W, R]; [] for none",
    )


class Settings:
    """The preferences in force and the file they are kept in.

    A file that cannot be read is moved aside, never overwritten; `problem` then says so. Where only some values
    are wrong, the others stay in force.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.path = (folder or config_folder()) / "settings.json"
        self.problem: str | None = None
        self._listeners: list[Callable[[frozenset[str]], object]] = []
        self.values = self._read()

    def listen(self, listener: Callable[[frozenset[str]], object]) -> None:
        """Call `listener` after every change, with the names of the settings that are different now."""
        self._listeners.append(listener)

    def update(self, **changes: Any) -> None:
        """Change settings and write the file. Raises pydantic's ValidationError for a value out of its limits."""
        before = self.values.model_dump()
        values = Preferences.model_validate({**before, **changes})
        write_json(self.path, values.model_dump(mode="json", exclude_defaults=True))
        self.values, after = values, values.model_dump()
        if different := frozenset(name for name in changes if after[name] != before.get(name)):
            for listener in self._listeners:
                listener(different)

    def remember_project(self, folder: Path, **details: Any) -> None:
        """Put `folder` at the head of the recent projects, and keep `details`, fields of RecentProject, of it."""
        name = str(folder.resolve())
        recent = (name, *(other for other in self.values.recent_projects if other != name))[:RECENT_LIMIT]
        kept = {other: known for other, known in self.values.recent_details.items() if other in recent}
        kept[name] = self.recent(folder).model_copy(update=details)
        self.update(recent_projects=recent, recent_details={key: value.model_dump() for key, value in kept.items()})

    def recent(self, folder: Path) -> RecentProject:
        """What is remembered of a project; the defaults for one that is not known."""
        return self.values.recent_details.get(str(folder.resolve()), RecentProject())

    def forget_project(self, folder: Path) -> None:
        """Take `folder` off the recent projects."""
        name = str(folder.resolve())
        self.update(
            recent_projects=tuple(other for other in self.values.recent_projects if other != name),
            recent_details={
                other: known.model_dump() for other, known in self.values.recent_details.items() if other != name
            },
        )

    def _read(self) -> Preferences:
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return Preferences()
        try:
            kept = json.loads(data)
            return Preferences.model_validate(kept)
        except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
            self._move_aside(str(error), "the defaults are used")
            return Preferences()
        except ValidationError as error:
            wrong = {str(entry["loc"][0]): entry["msg"] for entry in error.errors() if entry["loc"]}
            names = "; ".join(f"{name}: {message}" for name, message in wrong.items()) or "no JSON object"
            self._move_aside(names, "these settings have their defaults again")
            left = {name: value for name, value in kept.items() if name not in wrong} if isinstance(kept, dict) else {}
            return Preferences.model_validate(left)

    def _move_aside(self, reason: str, consequence: str) -> None:
        aside = self.path.with_name("settings.damaged.json")
        self.path.replace(aside)
        self.problem = f"{self.path}: not readable ({reason}); {consequence}, the old file is {aside.name}"


def config_folder() -> Path:
    """The platform's folder for this program's settings; DEFECTDESK_CONFIG_DIR overrides it."""
    if chosen := os.environ.get("DEFECTDESK_CONFIG_DIR"):
        return Path(chosen)
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA", Path.home() / "AppData" / "Roaming")) / "DefectDesk"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "DefectDesk"
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "defectdesk"
