"""Disks that refuse: really full ones, really read-only ones, and network shares."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from core.errors import InputError
from core.project import network
from core.project.edits import image_edits
from core.project.network import kind_of_mount
from core.project.project import Project
from core.project.storage import database
from tests.builders import draw, project_with_pictures
from tests.core.project.raw_database import connection_of
from tests.core.project.small_disk import CASES

ROOT = Path(__file__).parents[3]
IN_A_SPACE_OF_ITS_OWN = ["unshare", "--map-root-user", "--mount"]


@pytest.fixture(scope="module")
def small_disks() -> None:
    """Skips where the system lets nobody mount anything."""
    if shutil.which("unshare") is None:
        pytest.skip("there is no unshare to mount a small file system with")
    probe = [*IN_A_SPACE_OF_ITS_OWN, "sh", "-c", "mount -t tmpfs -o size=64k none /mnt"]
    tried = subprocess.run(probe, capture_output=True, text=True)
    if tried.returncode != 0:
        pytest.skip(f"mounting a small file system is not allowed here: {tried.stderr.strip()}")


@pytest.mark.usefixtures("small_disks")
@pytest.mark.parametrize("case", CASES)
def test_on_a_small_disk(case: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [*IN_A_SPACE_OF_ITS_OWN, sys.executable, "-m", "tests.core.project.small_disk", case, str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        timeout=60,
    )
    assert done.stdout == "kept its promises\n", done.stderr


def test_the_mount_that_a_path_lies_on_is_found() -> None:
    mounts = (
        "/dev/sda1 / ext4 rw 0 0\nserver:/x /mnt/data nfs4 rw 0 0\n//nas/y /mnt/with\\040space cifs rw 0 0\n"
        "tmpfs /mnt/data/local tmpfs rw 0 0\nbroken\n"
    )
    kinds = {
        "/home/p": "ext4",
        "/mnt/data": "nfs4",
        "/mnt/data/p/project.sqlite": "nfs4",
        "/mnt/database": "ext4",
        "/mnt/with space/p": "cifs",
        "/mnt/data/local/p": "tmpfs",
    }
    assert {path: kind_of_mount(mounts, path) for path in kinds} == kinds


def journal_of(project: Project) -> str:
    return str(connection_of(project).execute("PRAGMA journal_mode").fetchone()[0])


def test_on_a_network_share_there_is_no_write_ahead_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with project_with_pictures(tmp_path / "p", 2) as project:
        assert journal_of(project) == "wal"
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/sda1 / ext4 rw 0 0\nnas:/share {tmp_path} nfs4 rw 0 0\n")
    monkeypatch.setattr(network, "_MOUNTS", mounts)
    for _ in range(2):
        with Project.open(tmp_path / "p") as project:
            assert journal_of(project) == "truncate"
            assert len(project.notices) == 1 and "network drive" in project.notices[0]
            draw(project, project.image_ids()[0])
            assert not (tmp_path / "p" / "project.sqlite-wal").exists()
            with pytest.raises(InputError, match="open elsewhere"):
                Project.open(tmp_path / "p")
            with Project.open(tmp_path / "p", read_only=True) as copy:
                assert copy.counts() == project.counts()
    monkeypatch.undo()
    with Project.open(tmp_path / "p") as project:
        assert journal_of(project) == "wal" and project.notices == () and project.counts().boxes == 2


@pytest.mark.parametrize(("declared", "expected"), [(True, "truncate"), (False, "wal"), (None, "wal")])
def test_what_the_user_declares_of_the_drive_counts(tmp_path: Path, declared: bool | None, expected: str) -> None:
    with project_with_pictures(tmp_path / "p", 1) as project:
        project.set_setting("network_drive", declared)
    with Project.open(tmp_path / "p") as project:
        assert journal_of(project) == expected
        draw(project, project.image_ids()[0])
    with Project.open(tmp_path / "p") as project:
        assert project.history.undo_name == "Draw box"


def test_the_declaration_overrules_what_the_system_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with project_with_pictures(tmp_path / "p", 1) as project:
        project.set_setting("network_drive", False)
    monkeypatch.setattr(database, "on_network", lambda _path: True)
    with Project.open(tmp_path / "p") as project:
        assert journal_of(project) == "wal" and project.notices == ()


def test_an_edit_too_large_for_the_database_is_told_and_changes_nothing(tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "p", 1) as project:
        (image,) = project.image_ids()
        connection_of(project).setlimit(0, 10_000)
        before = project.images(), project.history.list_entries()
        with pytest.raises(InputError, match="smaller parts"):
            project.apply(image_edits.set_note(project, image, os.urandom(9_000).hex()))
        assert (project.images(), project.history.list_entries()) == before
        project.apply(image_edits.set_note(project, image, "short"))
