"""The person's settings: declared once here, kept in a small JSON file that holds what differs from the default."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.files import write_json

RECENT_LIMIT = 12
COLOR = r"^#[0-9a-fA-F]{6}$"


class Preferences(BaseModel):
    """Every setting with its default."""

    # A newer program's settings survive being written by this one.
    model_config = ConfigDict(frozen=True, extra="allow")

    theme: Literal["system", "dark", "light"] = Field(default="system", description="Colours of the window")
    recent_projects: tuple[str, ...] = Field(default=(), description="Folders of projects, the latest first")
    window_geometry: str = Field(default="", description="Place and size of the window, as Qt saves it, in base64")
    label_splitter: tuple[int, ...] = Field(default=(), description="Column widths of the Label page, in pixels")
    last_folder: str = Field(default="", description="Where the file dialogs start")

    canvas_line_width: float = Field(
        default=2.0, ge=1, le=8, title="Line width", description="Of a box's outline; a selected one is half as wide again",
        json_schema_extra={"unit": "px"},
    )  # fmt: skip
    canvas_fill_opacity: float = Field(
        default=0.08, ge=0, le=1, title="Fill of selected boxes", description="0 leaves the image clear, 1 covers it"
    )
    canvas_crosshair: bool = Field(
        default=True, title="Crosshair", description="Guides through the mouse pointer while a box is drawn"
    )
    canvas_guide_color: str = Field(
        default="#ffffff", pattern=COLOR, title="Crosshair colour", description="Of the guides while a box is drawn",
        json_schema_extra={"control": "color"},
    )  # fmt: skip
    canvas_background: str = Field(
        default="", pattern=f"{COLOR}|^$", title="Background", description="Around the image; empty follows the theme",
        json_schema_extra={"control": "color"},
    )  # fmt: skip
    picture_cache_mb: int = Field(
        default=768, ge=64, le=65536, title="Memory for images",
        description="Decoded images kept for going back and forth; half of it may be used for fetching ahead",
        json_schema_extra={"unit": "MB"},
    )  # fmt: skip
    max_megapixels: int = Field(
        default=269, ge=1, le=4000, title="Largest image",
        description="A file that claims more pixels is refused before it is decoded, since it may exhaust the memory",
        json_schema_extra={"unit": "Mpx"},
    )  # fmt: skip
    shortcut_preset: Literal["defectdesk", "labelImg", "CVAT"] = Field(
        default="defectdesk", title="Preset", description="Whose keys to begin with"
    )
    shortcuts: dict[str, list[str]] = Field(
        default_factory=dict,
        description="Keys that differ from the preset, by action: label.draw -> [W, R]; [] for none",
    )


class Settings:
    """The preferences in force and the file they are kept in.

    A file that cannot be read is moved aside, never overwritten; `problem` then says so.
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

    def remember_project(self, folder: Path) -> None:
        """Put `folder` at the head of the recent projects."""
        name = str(folder.resolve())
        others = [other for other in self.values.recent_projects if other != name]
        self.update(recent_projects=(name, *others)[:RECENT_LIMIT])

    def forget_project(self, folder: Path) -> None:
        """Take `folder` off the recent projects."""
        name = str(folder.resolve())
        self.update(recent_projects=tuple(other for other in self.values.recent_projects if other != name))

    def _read(self) -> Preferences:
        try:
            text = self.path.read_text("utf-8")
        except FileNotFoundError:
            return Preferences()
        try:
            return Preferences.model_validate(json.loads(text))
        except (json.JSONDecodeError, ValidationError) as error:
            aside = self.path.with_name("settings.damaged.json")
            self.path.replace(aside)
            reason = str(error).splitlines()[0]
            self.problem = f"{self.path}: not readable ({reason}); the defaults are used, the old file is {aside.name}"
            return Preferences()


def config_folder() -> Path:
    """The platform's folder for this program's settings; DEFECTDESK_CONFIG_DIR overrides it."""
    if chosen := os.environ.get("DEFECTDESK_CONFIG_DIR"):
        return Path(chosen)
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA", Path.home() / "AppData" / "Roaming")) / "DefectDesk"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "DefectDesk"
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "defectdesk"
