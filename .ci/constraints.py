"""Write the versions that were tested together into pyproject.toml: `uv run python .ci/constraints.py`.

`[tool.uv] constraint-dependencies` then names every package of the resolution, direct and indirect, for all Pythons and
platforms that are supported. It holds names and versions alone: no lock file, no address of a registry.

    .ci/constraints.py            pins what is not pinned yet, such as a dependency that was just added
    .ci/constraints.py --newest   lifts all to the newest releases that the bounds allow; run the suite, then commit
    .ci/constraints.py --check    ends with 1 if something of the resolution is not pinned, or pinned but not used
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TABLES = {"constraint-dependencies": "", "build-constraint-dependencies": ""}


def main() -> int:
    """Resolve, and write or check the pins. The exit code."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    choice = options.add_mutually_exclusive_group()
    choice.add_argument("--newest", action="store_true", help="lift all releases")
    choice.add_argument("--check", action="store_true", help="only say whether the pins are complete")
    given = options.parse_args()
    path = ROOT / "pyproject.toml"
    before = path.read_text("utf-8")
    after = before
    for table, pins in resolve_pins(before, newest=given.newest).items():
        after = replace_list(after, table, pins)
    if given.check:
        missing = sorted(set(listed_pins(after)) ^ set(listed_pins(before)))
        for pin in missing:
            sys.stderr.write(f"pyproject.toml: {pin}: the pins are not those of the resolution\n")
        return 1 if missing else 0
    path.write_text(after, "utf-8")
    return 0


def resolve_pins(pyproject: str, *, newest: bool) -> dict[str, list[str]]:
    """The pins of a resolution for all supported Pythons and platforms, by the list that they belong into."""
    lists = tomllib.loads(pyproject)["tool"]["uv"]
    if newest:
        for table in TABLES:
            pyproject = replace_list(pyproject, table, [])
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        (copy / "pyproject.toml").write_text(pyproject, "utf-8")
        shutil.copy(ROOT / "README.md", copy)
        subprocess.run(["uv", "lock", "--quiet", "--directory", folder], check=True)
        pins = pins_of_lock(tomllib.loads((copy / "uv.lock").read_text("utf-8")))
        build = tomllib.loads(pyproject)["build-system"]["requires"]
        (copy / "build.in").write_text("\n".join(build), "utf-8")
        (copy / "old.txt").write_text(
            "\n".join([] if newest else lists.get("build-constraint-dependencies", [])), "utf-8"
        )
        compiled = subprocess.run(
            [
                "uv",
                "pip",
                "compile",
                "--quiet",
                "--universal",
                "--no-header",
                "--no-annotate",
                "--no-emit-index-url",
                "--constraint",
                "old.txt",
                "build.in",
            ],
            cwd=folder,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    return {
        "constraint-dependencies": pins,
        "build-constraint-dependencies": sorted(line.strip() for line in compiled.splitlines() if "==" in line),
    }


def pins_of_lock(lock: dict[str, object]) -> list[str]:
    """`name==version` for each package of a uv.lock, with a marker where Pythons or platforms need different ones."""
    packages = lock["package"]
    assert isinstance(packages, list)
    pins = []
    for package in packages:
        if "registry" not in package["source"]:
            continue  # the project itself
        markers = package.get("resolution-markers", [])
        marker = " or ".join(f"({one})" for one in markers) if len(markers) > 1 else "".join(markers)
        pins.append(f"{package['name']}=={package['version']}" + (f" ; {marker}" if marker else ""))
    return sorted(pins)


def replace_list(pyproject: str, table: str, pins: list[str]) -> str:
    """`pyproject` with these entries in a list of `[tool.uv]`."""
    body = "".join(f'    "{pin}",\n' for pin in (pin.replace('"', "'") for pin in pins))
    found, count = re.subn(
        rf"(?m)^{table} = \[\n(?:.*\n)*?\]$", f"{table} = [\n{body}]".replace("\\", r"\\"), pyproject
    )
    if count != 1:
        raise SystemExit(f"pyproject.toml: [tool.uv] has no list {table}")
    return found


def listed_pins(pyproject: str) -> list[str]:
    """All pins that are in a pyproject.toml."""
    lists = tomllib.loads(pyproject)["tool"]["uv"]
    return [pin for table in TABLES for pin in lists.get(table, [])]


if __name__ == "__main__":
    sys.exit(main())
