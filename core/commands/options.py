"""Arguments and options that several commands share."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

ProjectFolder = Annotated[Path, typer.Argument(metavar="DIR", help="Project folder.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of text.")]
Device = Annotated[str, typer.Option(help="auto, cpu, mps, cuda or cuda:N.")]


class SplitName(StrEnum):
    """Splits that can be judged on."""

    TRAIN = "train"
    VAL = "val"
    TEST = "test"
