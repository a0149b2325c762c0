"""Errors that a person can mend."""


class InputError(Exception):
    """Something outside the program is wrong: a file, a field, an option.

    The text names what is wrong and what to do. The window shows it where the person is looking; the
    command line prints it on one line of stderr and leaves with exit code 2.
    """
