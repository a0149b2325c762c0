"""The person's settings: declared once here, kept in a small JSON file that holds what differs from the default."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.files import write_json

RECENT_LIMIT = 12


class Preferences(BaseModel):
    """Every setting with its default."""

    # A newer program's settings survive being written by this one.
    model_config = ConfigDict(frozen=True, extra="allow")

    theme: Literal["system", "dark", "light"] = Field(default="system", description="Colours of the window")
    recent_projects: tuple[str, ...] = Field(default=(), description="Folders of projects, the latest first")
    window_geometry: str = Field(default="", description="Place and size of the window, as Qt saves it, in base64")
    label_splitter: tuple[int, ...] = Field(default=(), description="Column widths of the Label page, in pixels")
    last_folder: str = Field(default="", description="Where the file dialogs start")


class Settings:
    """The preferences in force and the file they are kept in.

    A file that cannot be read is moved aside, never overwritten; `problem` then says so.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.path = (folder or config_folder()) / "settings.json"
        self.problem: str | None = None
        self.values = self._read()

    def update(self, **changes: Any) -> None:
        """Change settings and write the file. Raises pydantic's ValidationError for a value out of its limits."""
        self.values = Preferences.model_validate({**self.values.model_dump(), **changes})
        write_json(self.path, self.values.model_dump(mode="json", exclude_defaults=True))

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
