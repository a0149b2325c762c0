"""Errors that a person can mend."""


class InputError(Exception):
    """Something outside the program is wrong: a file, a field, an option.

    The text names what is wrong and what to do. The window shows it where the person is looking; the
    command line prints it on one line of stderr and leaves with exit code 2.
    """


class StorageError(InputError):
    """The disk or the folder refuses to be written: what was to be kept is not, and may be tried again."""
