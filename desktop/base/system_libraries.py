"""What Qt is linked with and no wheel brings: looked for before Qt is loaded, which only aborts without it."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable, Mapping

from core.errors import InputError

# Shared libraries and the Debian packages that have them, as the `NEEDED` entries of the wheels name them: of QtGui and
# QtWidgets, and of the platform plugins. Left out is what Debian cannot run without: libc, libstdc++, zlib, zstd.
GUI = {
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
    "libX11.so.6": "libx11-6",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libxkbcommon.so.0": "libxkbcommon0",
}
XCB = {
    "libX11-xcb.so.1": "libx11-xcb1",
    "libxcb.so.1": "libxcb1",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render.so.0": "libxcb-render0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-shm.so.0": "libxcb-shm0",
    "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-util.so.1": "libxcb-util1",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
}
WAYLAND = {
    "libwayland-client.so.0": "libwayland-client0",
    "libwayland-cursor.so.0": "libwayland-cursor0",
}
# What the README and the gate install: a window under X, which every desktop offers.
DEBIAN_PACKAGES = tuple(sorted({*GUI.values(), *XCB.values()}))

NO_SCREEN = (
    "The window has no screen to open on: neither DISPLAY nor WAYLAND_DISPLAY is set. Start it in a desktop session, "
    "or use the commands that need no screen: defectdesk --help"
)
NO_ANSWER = (
    "The window cannot open: the screen {display}, which DISPLAY names, does not answer or refuses this user. Start it in "
    "a desktop session, or set DISPLAY to a screen that is there"
)


def require_window(
    environment: Mapping[str, str] = os.environ,
    platform: str = sys.platform,
    can_load: Callable[[str], bool] | None = None,
    can_connect: Callable[[str], bool] | None = None,
) -> None:
    """Raise InputError, with the command that mends it, where Qt could not open a window on this machine.

    `can_load` says whether the loader finds a shared library; by default it is asked to load it, as Qt will.
    `can_connect` says whether an X screen answers; by default it is asked.
    """
    if not platform.startswith("linux"):
        return
    plugins = _list_plugins(environment)
    if not plugins:
        raise InputError(NO_SCREEN)
    # Qt takes the first of its plugins that loads.
    missing = [_find_missing(plugin, can_load or _can_load) for plugin in plugins]
    if all(missing):
        packages = " ".join(missing[-1])
        raise InputError(
            "The window cannot open: Qt needs system libraries that are not installed. "
            f"On Debian and Ubuntu: sudo apt-get install {packages}"
        )
    display = environment.get("DISPLAY", "")
    only_x = all(XCB.items() <= plugin.items() for plugin in plugins)
    if only_x and not (can_connect or _can_connect)(display):
        raise InputError(NO_ANSWER.format(display=display))


def _list_plugins(environment: Mapping[str, str]) -> list[Mapping[str, str]]:
    """The libraries of each platform plugin that Qt will try, in its order."""
    if asked := environment.get("QT_QPA_PLATFORM"):
        names = [name.partition(":")[0] for name in asked.split(";")]
    else:
        wayland = environment.get("WAYLAND_DISPLAY") or environment.get("XDG_SESSION_TYPE") == "wayland"
        names = [*(["wayland"] if wayland else []), "xcb"]
    if not environment.get("DISPLAY"):
        names = [name for name in names if name != "xcb"]
    return [GUI | (XCB if name == "xcb" else WAYLAND if name.startswith("wayland") else {}) for name in names]


def _find_missing(libraries: Mapping[str, str], can_load: Callable[[str], bool]) -> list[str]:
    return sorted({package for name, package in libraries.items() if not can_load(name)})


def _can_load(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def _can_connect(display: str) -> bool:
    """Whether an X server answers. Qt aborts, with a text about plugins, where none does."""
    try:
        library = ctypes.CDLL("libX11.so.6")
    except OSError:
        return True
    library.XOpenDisplay.argtypes, library.XOpenDisplay.restype = [ctypes.c_char_p], ctypes.c_void_p
    library.XCloseDisplay.argtypes = [ctypes.c_void_p]
    connection = library.XOpenDisplay(display.encode())
    if connection:
        library.XCloseDisplay(connection)
    return bool(connection)
