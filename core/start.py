"""The way into the command line: silent on Ctrl+C already while the program is loaded.

Nothing but what the interpreter has loaded anyway is imported outside `try`: each import is a moment for Ctrl+C.
"""

import os

_INTERRUPTED = 130


def _leave_at_once(_number: int, _frame: object) -> None:
    # Nothing has been done yet, and an exception would come out of the middle of somebody's module.
    os._exit(_INTERRUPTED)


try:
    import signal

    # Where Ctrl+C is ignored (nohup, a job in the background) it stays so.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave_at_once)
except KeyboardInterrupt:
    os._exit(_INTERRUPTED)


def main() -> None:
    """Entry point of `defectdesk`."""
    from core.cli import main as run_command  # noqa: PLC0415 - the slow part of the start, when Ctrl+C is silent

    run_command()


if __name__ == "__main__":
    main()
