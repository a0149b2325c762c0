"""Pictures that were replaced: boxes that were drawn on the old one are neither taught nor judged."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from core.errors import InputError
from core.imaging.decode import ImageError
from core.inspection import drawing
from core.operations.start_run import prepare_run
from core.project.edits import box_edits, image_edits
from core.project.images import relocating
from core.project.project import Project
from core.project.snapshot import Snapshot, take_snapshot
from core.project.snapshot_files import find_unfit
from core.recipe.recipe import default_recipe
from core.training.data.checked_snapshot import load_checked_snapshot
from core.training.data.image_cache import ImageCache
from core.types import Split
from tests.core.conftest import Run

LATER = 10**9  # nanoseconds


def write_noise(path: Path, seed: int) -> Path:
    """A picture of noise: of any seed, the file has the same size in bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).integers(0, 256, (48, 64, 3), np.uint8)
    drawing.write_picture(path.with_suffix(".bmp"), noise)
    return path.with_suffix(".bmp")


def replace_picture(path: Path, seed: int) -> None:
    size, times = path.stat().st_size, path.stat()
    write_noise(path, seed)
    assert path.stat().st_size == size
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns + LATER))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project of four labelled pictures, three to train on and one to judge by."""
    for number in range(4):
        write_noise(tmp_path / "pictures" / str(number), number)
    with Project.create(tmp_path / "project", ["pit"]) as project:
        project.files.add_images([tmp_path / "pictures"])
        ids = project.image_ids()
        for image_id in ids:
            project.apply(box_edits.add_box(project, image_id, (4, 4, 30, 30), {project.labels()[0].id}))
        project.apply(image_edits.set_split(project, ids[:3], Split.TRAIN))
        project.apply(image_edits.set_split(project, ids[3:], Split.VAL))
    return tmp_path / "project"


def test_a_replaced_picture_of_the_same_size_is_left_out_of_a_run_and_counted(folder: Path) -> None:
    pictures = folder.parent / "pictures"
    replace_picture(pictures / "0.bmp", 10)
    os.utime(pictures / "1.bmp", ns=(0, 0))  # touched, but the same
    with Project.open(folder) as project:
        run = prepare_run(project, default_recipe("ssd_compact"))
        assert relocating.find_changed(project) == project.image_ids()[:1]
    snapshot = Snapshot.load(run.path / "snapshot.json")
    assert [Path(image.path).name for image in snapshot.images] == ["1.bmp", "2.bmp", "3.bmp"]
    assert snapshot.images[0].modified_ns == 0 and snapshot.images[1].modified_ns > 0
    notices = " ".join(event.text for event in run.read_events()[0])
    assert "0.bmp is left out" in notices and "another picture" in notices
    replace_picture(pictures / "2.bmp", 12)
    with Project.open(folder) as project:
        second = prepare_run(project, default_recipe("ssd_compact"))
    assert "2 labelled images are left out" in second.read_events()[0][0].text


def test_a_run_that_waited_leaves_out_what_changed_and_one_that_goes_on_refuses(folder: Path) -> None:
    with Project.open(folder) as project:
        run = prepare_run(project, default_recipe("ssd_compact"))
    assert load_checked_snapshot(run.path)[1] == []
    replace_picture(folder.parent / "pictures" / "0.bmp", 10)
    snapshot, notices = load_checked_snapshot(run.path)
    assert len(snapshot.images) == 3 and "0.bmp is left out" in notices[0]
    assert snapshot.hash == Snapshot.load(run.path / "snapshot.json").hash
    (run.path / "checkpoints").mkdir()
    (run.path / "checkpoints" / "last.safetensors").write_bytes(b"")
    with pytest.raises(InputError, match="0.bmp: the run cannot go on as it began"):
        load_checked_snapshot(run.path)


def test_a_snapshot_of_an_earlier_version_is_checked_by_reading(folder: Path, tmp_path: Path) -> None:
    with Project.open(folder) as project:
        take_snapshot(project).save(tmp_path / "snapshot.json")
    tree = json.loads((tmp_path / "snapshot.json").read_text())
    for image in tree["images"]:
        del image["size_bytes"], image["modified_ns"]
    (tmp_path / "snapshot.json").write_text(json.dumps(tree))
    assert find_unfit(Snapshot.load(tmp_path / "snapshot.json")) == {}
    replace_picture(folder.parent / "pictures" / "3.bmp", 13)
    unfit = find_unfit(Snapshot.load(tmp_path / "snapshot.json"))
    assert [Path(path).name for path in unfit] == ["3.bmp"]


def test_the_cache_looks_up_what_a_file_is_now(folder: Path, tmp_path: Path) -> None:
    with Project.open(folder) as project:
        snapshot = take_snapshot(project)
    image = snapshot.images[0]

    def make_cache() -> ImageCache:
        return ImageCache(2**20, None, tmp_path / "cache", 2**20)

    make_cache().pixels(image, (16, 12))
    again = make_cache()
    again.pixels(image, (16, 12))
    assert again.decoded == 0
    replace_picture(Path(image.path), 10)
    for size in ((16, 12), None):
        with pytest.raises(ImageError, match="another picture"):
            make_cache().pixels(image, size)
    # Replaced with its time kept: found out when it is read.
    os.utime(image.path, ns=(0, image.modified_ns))
    with pytest.raises(ImageError, match="another picture"):
        make_cache().pixels(image)


def test_info_and_relocate_tell_of_replaced_pictures(run: Run, folder: Path) -> None:
    pictures, kept = folder.parent / "pictures", folder.parent / "kept"
    kept.mkdir()
    for name in ("0.bmp", "1.bmp"):
        (kept / f"old-{name}").write_bytes((pictures / name).read_bytes())
    replace_picture(pictures / "0.bmp", 10)
    replace_picture(pictures / "2.bmp", 12)
    (pictures / "1.bmp").unlink()
    told = json.loads(run("info", folder, "--json")[1])
    assert told["missing"] == ["../pictures/1.bmp"]
    assert told["changed"] == ["../pictures/0.bmp", "../pictures/2.bmp"]
    code, _, err = run("info", folder)
    assert code == 0 and "1 image without a file" in err and "2 images replaced by another picture" in err
    told = json.loads(run("relocate", folder, folder.parent, "--json")[1])
    assert (told["missing"], told["changed"], told["found"]) == (1, 2, 2)
    assert [one["file"] for one in told["problems"]] == ["../pictures/2.bmp"]
    with Project.open(folder) as project:
        assert {image.path for image in project.images()} == {
            "../kept/old-0.bmp",
            "../kept/old-1.bmp",
            "../pictures/2.bmp",
            "../pictures/3.bmp",
        }
