"""The command line. One thin sub-command per capability; without one, the window opens.

Exit codes: 0 done, also when Ctrl+C stopped a training in good order; 2 it could not be done, with one line on stderr that
says why; 130 interrupted.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from core import streams
from core.commands import (
    care,
    checkpoints,
    depth,
    import_export,
    models,
    projects,
    propose,
    queue,
    range_test,
    runs,
    status,
    study,
    threshold,
    train,
)
from core.commands.demo import run_demo
from core.commands.help import show_help
from core.commands.options import Json, ProjectFolder
from core.console import complain, print_json
from core.errors import InputError
from core.imaging.limits import set_max_megapixels
from core.interrupts import Interrupts
from core.project.project import Project
from core.settings import Settings
from core.threads import set_threads

app = typer.Typer(
    name="defectdesk",
    invoke_without_command=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Label multi-label defects on images, train a detector, and look hard at what it misses. "
    "Without a command, the window opens.",
)


@app.callback()
def window(context: typer.Context) -> None:
    """Open the window if there is no sub-command."""
    if context.invoked_subcommand is None:
        _open_window(None)
    # The window reads the settings itself, and whoever reads a damaged file first moves it aside and must say so.
    if context.invoked_subcommand != "open":
        settings = Settings()
        if settings.problem is not None:
            complain(settings.problem)
        set_max_megapixels(settings.values.max_megapixels)
        set_threads(settings.values.threads)  # before torch is loaded, here or in a child


@app.command("open")
def open_project(folder: ProjectFolder) -> None:
    """Open a project in the window."""
    Project.open(folder, read_only=True).close()  # a wrong folder is refused here, not in a window without a project
    _open_window(folder)


def _open_window(folder: Path | None) -> NoReturn:
    # core knows no Qt: the window is found by name, here and nowhere else.
    raise typer.Exit(importlib.import_module("desktop.start").start_window(folder) or 0)


@app.command()
def demo(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Where the demo project goes.")] = Path(
        "defectdesk-demo"
    ),
    json: Json = False,
) -> None:
    """Draw a sample, train on it, judge the model on images that it never saw. At most five minutes on two cores."""
    result = run_demo(folder, quiet=json)
    if json:
        print_json(result)


COMMANDS: dict[str, Callable[..., None]] = {
    "new": projects.create_project,
    "import": import_export.import_annotations,
    "export": import_export.export_annotations,
    "split": projects.split_images,
    "group": care.group_images,
    "depth": depth.set_depth,
    "status": status.mark_images,
    "info": projects.show_info,
    "backups": care.manage_backups,
    "relocate": care.relocate_images,
    "models": models.list_models,
    "presets": models.list_presets,
    "propose": propose.propose_recipe,
    "range-test": range_test.find_rate,
    "train": train.train_model,
    "queue": queue.manage_queue,
    "checkpoints": checkpoints.list_checkpoints,
    "evaluate": checkpoints.evaluate_checkpoint,
    "predict": checkpoints.predict_images,
    "threshold": threshold.set_thresholds,
    "help": show_help,
}
for _name, _command in COMMANDS.items():
    app.command(_name)(_command)
app.add_typer(runs.app, name="runs")
app.add_typer(study.app, name="study")


# A wrong option or argument. Typer uses the installed click or brings its own, by version; in both this is the base.
_UsageError: type[typer.BadParameter] = typer.BadParameter.__mro__[1]
_INTERRUPTED = 130
_MAY_BE_EMPTY = frozenset({"--labels"})


def main() -> None:
    """Run the command that `sys.argv` names and leave the process."""
    streams.guard_streams()
    interrupts = Interrupts()
    try:
        interrupts.listen()
        code = _run_command()
        interrupts.stop_listening()
    except BaseException:
        # What Ctrl+C breaks off may come out as another error, such as that of a library that was half loaded.
        if not interrupts.came:
            raise
        interrupts.stop_listening()
        code = _INTERRUPTED
    sys.exit(code)


def _run_command() -> int:
    try:
        _refuse_empty_arguments(sys.argv[1:])
        code = app(_name_command(sys.argv[1:]), standalone_mode=False)
    except InputError as error:
        complain(str(error), "red")
        code = 2
    except OSError as error:
        complain(f"{error.filename or 'system'}: {error.strerror or error}", "red")
        code = 2
    except typer.Abort:
        code = _INTERRUPTED
    except _UsageError as error:
        complain(f"{error.format_message().replace('Value error, ', '').rstrip('.')}; see --help", "red")
        code = 2
    return _check_output(code if isinstance(code, int) else 0)


def _name_command(arguments: list[str]) -> list[str]:
    """The arguments, with "open" before a folder that stands alone: a user, or a file manager, wants to see it."""
    names = [*COMMANDS, "open", "demo", "runs", "study"]
    if len(arguments) == 1 and arguments[0] not in names and Path(arguments[0]).is_dir():
        return ["open", *arguments]
    return arguments


def _refuse_empty_arguments(arguments: Sequence[str]) -> None:
    """Raise InputError for an empty argument: as a path it would mean the current folder, which nobody named."""
    for before, argument in zip(("", *arguments), arguments, strict=False):
        option, _, value = argument.partition("=") if argument.startswith("--") else (before, "", argument)
        is_bare = argument.startswith("--") and "=" not in argument
        if not value and not is_bare and option not in _MAY_BE_EMPTY:
            where = f"{option}: " if option.startswith("-") else ""
            raise InputError(f"{where}an empty text ('') names nothing; a variable of the shell may not be set")


def _check_output(code: int) -> int:
    """The exit code, once it is known whether everything was printed. A reader that has had enough is no failure."""
    failure = streams.find_failure(sys.stdout)
    if failure is None or streams.is_reader_gone(sys.stdout):
        return code
    complain(f"standard output: {failure.strerror}; what the command did is kept, but not all of it was printed", "red")
    return code or 2


if __name__ == "__main__":
    main()
