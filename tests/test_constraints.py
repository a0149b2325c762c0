"""Every package that the program and its tests need is pinned to the version that is installed, and by name alone."""

from __future__ import annotations

import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PYPROJECT: dict[str, Any] = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"))
PINS = [Requirement(pin) for pin in PYPROJECT["tool"]["uv"]["constraint-dependencies"]]


def installed_needs() -> dict[str, str]:
    """Versions, by name, of all packages here that the project and its developers' group need, direct and indirect."""
    waiting = [
        Requirement(text) for text in (*PYPROJECT["project"]["dependencies"], *PYPROJECT["dependency-groups"]["dev"])
    ]
    found: dict[str, str] = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        need = waiting.pop()
        key = (canonicalize_name(need.name), frozenset(need.extras))
        if key in seen:
            continue
        seen.add(key)
        found[key[0]] = metadata.version(key[0])
        for text in metadata.requires(key[0]) or ():
            further = Requirement(text)
            if further.marker is None or any(further.marker.evaluate({"extra": extra}) for extra in ("", *need.extras)):
                waiting.append(further)
    return found


def test_every_package_is_pinned_to_the_version_that_is_tested_here() -> None:
    pinned = {canonicalize_name(pin.name): pin for pin in PINS if pin.marker is None or pin.marker.evaluate()}
    needs = installed_needs()
    assert sorted(name for name in needs if name not in pinned) == []
    assert {name: version for name, version in needs.items() if version not in pinned[name].specifier} == {}


def test_pins_name_one_version_and_no_address() -> None:
    assert len(PINS) > 60
    for pin in PINS:
        assert pin.url is None
        assert [one.operator for one in pin.specifier] == ["=="]


def test_a_wheel_has_bounds_of_its_own_since_pins_do_not_travel_with_it() -> None:
    needs = {need.name: need for need in map(Requirement, PYPROJECT["project"]["dependencies"])}
    for name in ("torch", "torchvision", "opencv-python-headless", "PySide6-Essentials", "numpy", "pydantic"):
        assert {one.operator for one in needs[name].specifier} >= {">=", "<"}
