"""A machine on which Qt cannot open a window is told which packages it lacks, before Qt aborts."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import PySide6
import pytest

from core import cli
from core.errors import InputError
from desktop.base.system_libraries import DEBIAN_PACKAGES, GUI, WAYLAND, XCB, require_window
from tests.desktop.base.elf import list_foreign_needs

ROOT = Path(__file__).parents[3]
QT = Path(PySide6.__file__).parent / "Qt"
X11, WAYLAND_ONLY = {"DISPLAY": ":0"}, {"WAYLAND_DISPLAY": "wayland-0"}
# What Debian's own package tools are linked with, and Python and the C++ runtime.
ALWAYS_THERE = re.compile(r"ld-linux.*|lib(c|m|dl|rt|pthread|gcc_s|stdc\+\+|z|zstd)\.so\.\d+")


def lacking(*names: str) -> Callable[[str], bool]:
    """A loader that does not find `names`."""
    return lambda name: name not in names


def reached(_display: str) -> bool:
    return True


def complaint(environment: Mapping[str, str], *missing: str) -> str:
    with pytest.raises(InputError) as caught:
        require_window(environment, "linux", lacking(*missing), reached)
    return str(caught.value)


def test_a_missing_library_is_told_with_its_package_and_the_command() -> None:
    assert complaint(X11, "libxcb-cursor.so.0").endswith("sudo apt-get install libxcb-cursor0")


def test_all_missing_packages_stand_in_one_command_each_once() -> None:
    said = complaint(X11, "libxcb-icccm.so.4", "libGL.so.1", "libglib-2.0.so.0", "libgthread-2.0.so.0")
    assert said.endswith("apt-get install libgl1 libglib2.0-0 libxcb-icccm4")
    assert "\n" not in said


def test_where_all_libraries_are_there_nothing_is_said() -> None:
    require_window(X11, "linux", lacking(), reached)
    require_window(WAYLAND_ONLY, "linux", lacking(), reached)


@pytest.mark.parametrize("environment", [{}, {"DISPLAY": ""}, {"QT_QPA_PLATFORM": "xcb"}])
def test_without_a_screen_that_is_said_and_what_needs_none(environment: dict[str, str]) -> None:
    said = complaint(environment)
    assert "DISPLAY" in said and "WAYLAND_DISPLAY" in said and "defectdesk --help" in said


def test_wayland_alone_needs_its_own_libraries_and_none_of_x() -> None:
    require_window(WAYLAND_ONLY, "linux", lacking(*XCB), reached)
    assert complaint(WAYLAND_ONLY, "libwayland-cursor.so.0").endswith("apt-get install libwayland-cursor0")


def test_qt_may_fall_back_from_wayland_to_x() -> None:
    require_window(X11 | WAYLAND_ONLY, "linux", lacking(*WAYLAND), reached)
    assert "libxcb1" in complaint(X11 | WAYLAND_ONLY, "libxcb.so.1", "libwayland-client.so.0")


def test_a_platform_that_is_asked_for_is_the_one_that_is_checked() -> None:
    offscreen = {"QT_QPA_PLATFORM": "offscreen"}
    require_window(offscreen, "linux", lacking(*XCB, *WAYLAND))
    assert complaint(offscreen, "libEGL.so.1").endswith("apt-get install libegl1")
    require_window({"QT_QPA_PLATFORM": "xcb;offscreen:size=9x9"}, "linux", lacking(*XCB))


def test_a_screen_that_does_not_answer_is_named() -> None:
    with pytest.raises(InputError, match="the screen :7, which DISPLAY names, does not answer"):
        require_window({"DISPLAY": ":7"}, "linux", lacking(), lambda _display: False)
    require_window({"DISPLAY": ":7"} | WAYLAND_ONLY, "linux", lacking(), lambda _display: False)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="X is asked on Linux alone")
def test_a_screen_that_is_not_there_is_found_out_by_asking() -> None:
    with pytest.raises(InputError, match="does not answer"):
        require_window({"DISPLAY": ":4711"}, "linux", lacking())


def test_other_systems_are_not_asked() -> None:
    require_window({}, "darwin", lacking(*GUI))


def test_on_this_machine_the_libraries_of_the_tests_own_window_are_found() -> None:
    require_window({"QT_QPA_PLATFORM": "offscreen"})


def test_the_command_line_says_it_in_one_line_and_leaves_with_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "XDG_SESSION_TYPE", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "argv", ["defectdesk"])
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert left.value.code == 2
    said = capsys.readouterr().err
    assert "no screen" in said and said.count("\n") == 1


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the wheels of other systems bring other files")
@pytest.mark.parametrize(("plugin", "table"), [("xcb", XCB), ("wayland", WAYLAND), ("offscreen", {})])
def test_the_tables_have_all_that_the_installed_qt_is_linked_with(plugin: str, table: dict[str, str]) -> None:
    platforms = QT / "plugins" / "platforms"
    found = list_foreign_needs(platforms / f"libq{plugin}.so", QT / "lib")
    found |= list_foreign_needs(QT / "lib" / "libQt6Widgets.so.6", QT / "lib")
    assert {name for name in found if not ALWAYS_THERE.fullmatch(name)} == {*GUI, *table}


@pytest.mark.parametrize("file", ["README.md", ".ci/run", "resources/help/troubleshooting.md"])
def test_readme_gate_and_help_install_the_same_packages(file: str) -> None:
    text = (ROOT / file).read_text("utf-8").replace("\\\n", " ")
    # A command, or the list that the gate hands to one.
    lists = re.findall(r"apt-get install ([^\n]*libxcb-cursor0[^\n]*)|^packages=\(([^)]*)\)", text, re.MULTILINE)
    assert lists
    for command, listed in lists:
        assert sorted(re.findall(r"\blib[a-z0-9.-]*[0-9]\b", command or listed)) == list(DEBIAN_PACKAGES)
