"""Whatever a project holds, goes out in every format and comes back the same."""

from __future__ import annotations

import json
import os
import struct
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.changes import Changes
from core.errors import InputError, StorageError
from core.formats import frames, pictures
from core.formats.annotations import WRITTEN, Format, ImportedAnnotations
from core.formats.exporting import ExportOptions, ExportReport, export_project, list_losses
from core.formats.importing import import_into
from core.formats.naming import portable_stems
from core.formats.registry import detect_format, read_annotations
from core.imaging.decode import decode
from core.project.edits import image_edits
from core.project.edits.edit import Edit
from core.project.images.image_files import hash_of
from core.project.project import Project
from core.project.snapshot import Snapshot, SnapshotImage, make_snapshot, take_snapshot
from core.types import Label, Split, Status, label_name_fault
from tests.builders import draw, picture, project_with_pictures, write_picture

FORMATS = list(WRITTEN)
ABSOLUTE = {Format.COCO: 1e-9, Format.VOC: 0.0, Format.YOLO: 1e-9, Format.LABELME: 0.0, Format.CSV: 0.0}  # pixels
NAMES = (
    "a.png",
    "A.png",
    "b/a.png",
    "c/a.png",
    "ü ñ 日本 😀.png",
    "CON.png",
    "aux.b.png",
    "a b.png",
    "=1+1.png",
    "-@.png",
    "long" * 60 + ".png",
    "long" * 60 + "r.png",
    "quote'\".png",
    "a;b,c.png",
    "line\nbreak.png",
    "back\\slash.png",
    "images/images/x.png",
    "labels/x.png",
    "a.json/b.png",
    "dots...png",
    " space .png",
    "\u202egnp.exe.png",
    "a\u0301.png",
    "\u00e1.png",
    "a-2.png",
    "defectdesk-export.png",
    "#1%20.png",
    "x.tar.png",
)


def header_only(width: int, height: int) -> bytes:
    """As much of a PNG file as tells its size."""
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sIIBBBBBI", 13, b"IHDR", width, height, 8, 2, 0, 0, 0, 0)


@dataclass(frozen=True)
class Given:
    """An image as it is generated."""

    name: str
    width: int
    height: int
    status: Status
    split: Split
    group: str
    boxes: tuple[tuple[float, float, float, float], ...]
    labels: tuple[frozenset[int], ...]


def label_names() -> st.SearchStrategy[list[str]]:
    name = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=12).map(str.strip)
    hard = st.sampled_from(
        ["=cmd|' /C calc'!A0", "+1", "-1", "@x", "'", "''=", "yes", "1.0", "null", "~", "a: b", "\u202eb"]
    )
    usable = (name | hard).filter(lambda text: label_name_fault(text) is None)
    return st.lists(usable, min_size=1, max_size=5, unique=True)


@st.composite
def sides(draw: st.DrawFn, limit: int) -> tuple[float, float]:
    """Two places on a side, at least a hundredth of a pixel apart, in tenths or thirds: no sums of powers of two."""
    unit = draw(st.sampled_from([1.0, 0.1, 1 / 3]))
    low = draw(st.integers(0, int(limit / unit) - 1))
    high = draw(st.integers(low + 1, int(limit / unit)))
    return low * unit, min(high * unit, float(limit))


@st.composite
def given_images(draw: st.DrawFn, label_count: int) -> list[Given]:
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True))
    images = []
    for name in names:
        width, height = draw(st.integers(2, 5000)), draw(st.integers(2, 5000))
        boxes = []
        for _ in range(draw(st.integers(0, 4))):
            (x1, x2), (y1, y2) = draw(sides(width)), draw(sides(height))
            boxes.append((x1, y1, x2, y2))
        boxes += draw(st.lists(st.sampled_from(boxes), max_size=2)) if boxes else []
        labels = [draw(st.frozensets(st.integers(0, label_count - 1), max_size=3)) for _ in boxes]
        status = draw(
            st.sampled_from(
                [Status.LABELLED, Status.REVIEWED, Status.UNLABELLED] if boxes else [Status.CLEAN, Status.UNLABELLED]
            )
        )
        group = draw(st.sampled_from(["", "lot 7", "=x", "\u202e"]))
        images.append(
            Given(name, width, height, status, draw(st.sampled_from(Split)), group, tuple(boxes), tuple(labels))
        )
    return images


def snapshot_of(folder: Path, labels: Sequence[str], images: Sequence[Given]) -> Snapshot:
    """The images as files, by their header alone, and a snapshot of them."""
    made = []
    for number, image in enumerate(images):
        path = folder / image.name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = header_only(image.width, image.height) + str(number).encode()
        path.write_bytes(data)
        marks = np.zeros((len(image.boxes), len(labels)), bool)
        for row, own in enumerate(image.labels):
            marks[row, list(own)] = True
        made.append(
            SnapshotImage(
                str(path),
                image.width,
                image.height,
                image.status,
                image.split,
                image.group,
                hash_of(data),
                np.array(image.boxes, np.float32).reshape(-1, 4),
                marks,
            )
        )
    return make_snapshot(tuple(labels), tuple(f"#{n:06x}" for n in range(len(labels))), tuple(made))


def expected(image: SnapshotImage, labels: Sequence[str], format: Format) -> list[tuple[list[float], list[str]]]:
    sets: list[tuple[list[float], set[str]]] = []
    for box, marks in zip(image.boxes.astype(float).tolist(), image.labels, strict=True):
        names = {labels[place] for place in np.flatnonzero(marks)}
        same = next((own for corners, own in sets if corners == box and own and names), None)
        if format is Format.YOLO and same is not None:
            same |= names  # it has no place for the number of a box
        else:
            sets.append((box, names))
    return in_order((box, sorted(names)) for box, names in sets)


def in_order(boxes: Iterable[tuple[list[float], list[str]]]) -> list[tuple[list[float], list[str]]]:
    return sorted(boxes, key=lambda one: ([round(side, 6) for side in one[0]], one[1]))


@pytest.mark.parametrize("format", FORMATS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_what_is_exported_comes_back_the_same(format: Format, data: st.DataObject) -> None:
    labels = data.draw(label_names())
    images = data.draw(given_images(len(labels)))
    copying = data.draw(st.booleans())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        snapshot = snapshot_of(folder / "in", labels, images)
        report = export_project(snapshot, ExportOptions(format, folder / "out", "copy" if copying else "none"))
        assert report.images == len(images) and (report.boxes == sum(len(image.boxes) for image in images))
        assert detect_format(folder / "out").format is format
        imported = read_annotations(folder / "out", None, report.names_below)
        assert imported.problems == () and imported.missing == ()
        assert imported.labels == tuple(labels) and list(imported.colors.values()) == list(snapshot.label_colors)
        found = {image.content_hash: image for image in imported.images}
        assert len(found) == len(imported.images) == len(images)
        for image in snapshot.images:
            back = found[image.content_hash]
            if not copying:
                assert back.path == Path(image.path)
            assert (back.status, back.split, back.group or "") == (image.status, image.split, image.group)
            assert frames.read_frame(back.path) == frames.Frame(image.width, image.height)
            own_boxes = zip(back.boxes.tolist(), back.label_sets, strict=True)
            boxes = in_order((box, sorted(own)) for box, own in own_boxes)
            wanted = expected(image, labels, format)
            assert [own for _, own in boxes] == [own for _, own in wanted]
            for (box, _), (original, _) in zip(boxes, wanted, strict=True):
                assert np.allclose(box, original, rtol=0, atol=ABSOLUTE[format])


# Projects ------------------------------------------------------------------------------------------------------------

State = list[tuple[str, str, str, str, str, list[tuple[tuple[float, ...], list[str]]]]]


def state(project: Project, digits: int = 9) -> State:
    names = {label.id: label.name for label in project.labels()}
    return [
        (
            Path(image.path).stem,
            image.status,
            image.split,
            image.group,
            image.note,
            sorted(
                (tuple(round(side, digits) for side in box.xyxy), sorted(names[i] for i in box.labels))
                for box in project.boxes(image.id)
            ),
        )
        for image in project.images()
    ]


def full_project(folder: Path) -> Project:
    """Of everything that a project can hold, something."""
    project = project_with_pictures(folder, 5, ("scratch", "pit", "stain", "unused"))
    first, second, third, fourth, _ = project.image_ids()
    draw(project, first, (5.1, 6.7, 25, 30), ["scratch", "pit"])
    draw(project, first, (5.2, 6.7, 25, 30.1), ["stain"])  # nearly the same box: another one all the same
    draw(project, first, (1 / 3, 2 / 3, 63.99, 47.01), [])
    draw(project, second, (0, 0, 64, 48), ["pit"])
    draw(project, fourth, (10.5, 10.5, 11.25, 30), ["pit", "stain", "scratch"])
    project.apply(image_edits.set_status(project, [second], Status.REVIEWED))
    project.apply(image_edits.set_status(project, [third], Status.CLEAN))
    project.apply(image_edits.set_status(project, [fourth], Status.UNLABELLED))
    project.apply(image_edits.set_split(project, [first, second], Split.TRAIN))
    project.apply(image_edits.set_split(project, [third], Split.TEST))
    project.apply(image_edits.set_group(project, [first, third], "lot ü"))
    project.apply(image_edits.set_note(project, first, '=1+1\r\n<&> "quoted" \x07\u202e'))
    return project


def export_of(project: Project, folder: Path, format: Format, **more: object) -> ExportReport:
    return export_project(project, ExportOptions(format, folder, **more))  # type: ignore[arg-type]


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("images", ["copy", "none"])
def test_a_project_comes_back_whole_and_into_itself_as_nothing(tmp_path: Path, format: Format, images: str) -> None:
    with full_project(tmp_path / "p") as project:
        report = export_of(project, tmp_path / "out", format, images=images)
        assert (report.images, report.boxes) == (5, 5)
        (told,) = report.dropped
        assert Path(told.file).name == "part1.png" and told.problem.startswith("1 box has no label: other programs")
        assert report.files == sum(len(names) for _, _, names in os.walk(tmp_path / "out"))
        imported = read_annotations(
            tmp_path / "out", images_root=None if images == "copy" else tmp_path / "p" / "images"
        )
        with Project.create(tmp_path / "q") as other:
            _, problems = import_into(other, imported)
            assert problems == [] and state(other) == state(project)
            assert [(label.name, label.color) for label in other.labels()] == [
                (label.name, label.color) for label in project.labels()
            ]
            assert import_into(other, imported) == (Changes(), [])
            other.history.undo()
            assert other.image_ids() == [] and other.labels() == ()
        assert import_into(project, imported) == (Changes(), [])


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("name", ["annotations", "labels", "test", "images"])
def test_an_export_comes_back_whole_however_its_folder_is_called(tmp_path: Path, format: Format, name: str) -> None:
    with full_project(tmp_path / "p") as project:
        export_of(project, tmp_path / "out" / name, format, images="copy")
        imported = read_annotations(tmp_path / "out" / name)
        assert imported.problems == () and imported.boxes_lost == {}
        with Project.create(tmp_path / "q") as other:
            import_into(other, imported)
            assert state(other) == state(project)


def test_an_import_completes_what_is_there_and_overrules_nothing(tmp_path: Path) -> None:
    with full_project(tmp_path / "p") as project:
        export_of(project, tmp_path / "out", Format.COCO, images="copy")
        (tmp_path / "out" / "images" / "part5.png").unlink()
        with Project.create(tmp_path / "q", ["Pit"]) as other:
            other.files.add_images([tmp_path / "p" / "images"])
            first, second, third, *_ = other.image_ids()
            own = draw(other, second, (0, 0, 64, 48), ["Pit"])
            other.apply(image_edits.set_split(other, [first], Split.VAL))
            other.apply(image_edits.set_note(other, first, "mine"))
            _, problems = import_into(other, read_annotations(tmp_path / "out"))
            assert len(other.image_ids()) == 5, "the copies have the content of what is there"
            assert [label.name for label in other.labels()] == ["Pit", "scratch", "stain", "unused"]
            assert any("'pit' was taken as the project's 'Pit'" in problem.problem for problem in problems)
            assert any("part5.png" in problem.file and "no such file" in problem.problem for problem in problems)
            assert [box.id for box in other.boxes(second)] == [own]
            record = other.image(first)
            assert (record.split, record.note, record.group) == (Split.VAL, "mine", "lot ü")
            assert record.status is Status.LABELLED and other.image(third).status is Status.CLEAN


def test_spellings_that_both_sides_tell_apart_stay_apart(tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "p", 1, ["Pit", "pit"]) as project:
        draw(project, project.image_ids()[0], labels=["Pit"])
        draw(project, project.image_ids()[0], (30, 30, 40, 40), labels=["pit"])
        export_of(project, tmp_path / "out", Format.CSV, images="copy")
        with Project.create(tmp_path / "q", ["PIT"]) as other:
            import_into(other, read_annotations(tmp_path / "out"))
            assert [label.name for label in other.labels()] == ["PIT", "Pit", "pit"]


def test_pictures_of_one_content_are_told_apart_by_their_names(tmp_path: Path) -> None:
    for name in ("a/x.png", "b/x.png"):
        write_picture(tmp_path / "images" / name, picture())
    with Project.create(tmp_path / "p", ["pit"]) as project:
        project.files.add_images([tmp_path / "images"])
        draw(project, project.image_ids()[1], labels=["pit"])
        export_of(project, tmp_path / "out", Format.YOLO, images="copy")
        assert import_into(project, read_annotations(tmp_path / "out")) == (Changes(), [])


def test_class_numbers_stay_when_labels_are_renamed_and_reordered(tmp_path: Path) -> None:
    with full_project(tmp_path / "p") as project:
        export_of(project, tmp_path / "one", Format.YOLO)
        export_of(project, tmp_path / "one coco", Format.COCO)
        changed = [Label(label.id, label.name.upper(), label.color) for label in reversed(project.labels())]
        project.apply(Edit("Change labels", {}, {}, project.labels(), tuple(changed)))
        export_of(project, tmp_path / "two", Format.YOLO)
        export_of(project, tmp_path / "two coco", Format.COCO)
        assert read_annotations(tmp_path / "two").labels == ("UNUSED", "STAIN", "PIT", "SCRATCH")
    for name in ("part1", "part4"):
        one, two = ((tmp_path / run / "labels" / f"{name}.txt").read_text() for run in ("one", "two"))
        assert one == two and one
    assert (tmp_path / "two" / "classes.txt").read_text() == "SCRATCH\nPIT\nSTAIN\nUNUSED\n"
    numbers = [
        {
            entry["name"].lower(): entry["id"]
            for entry in json.loads((tmp_path / run / "annotations.json").read_text())["categories"]
        }
        for run in ("one coco", "two coco")
    ]
    assert numbers[0] == numbers[1]


def test_only_the_chosen_splits_and_statuses_are_written(tmp_path: Path) -> None:
    with full_project(tmp_path / "p") as project:
        report = export_of(
            project,
            tmp_path / "out",
            Format.COCO,
            splits=frozenset([Split.TRAIN]),
            statuses=frozenset([Status.REVIEWED]),
        )
        assert (report.images, report.boxes) == (1, 1)
        with pytest.raises(InputError, match="no image"):
            export_of(project, tmp_path / "none", Format.COCO, splits=frozenset([Split.VAL]))
        assert not (tmp_path / "none").exists()


def test_a_snapshot_is_written_too(tmp_path: Path) -> None:
    with full_project(tmp_path / "p") as project:
        report = export_project(take_snapshot(project), ExportOptions(Format.CSV, tmp_path / "out", "copy"))
        assert (report.images, report.boxes) == (5, 5)


def test_every_format_says_what_it_cannot_hold() -> None:
    assert all(text.endswith(".") for format in WRITTEN for text in list_losses(format))
    assert all(list_losses(format) for format in WRITTEN)


# The folder of an export ---------------------------------------------------------------------------------------------


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_nothing_that_is_there_is_written_over_unless_an_export_wrote_it_and_one_is_told(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with full_project(tmp_path / "p") as project:
        (tmp_path / "file").write_text("mine")
        with pytest.raises(InputError, match="a file"):
            export_of(project, tmp_path / "file", Format.CSV, overwrite=True)
        with pytest.raises(InputError, match="other things"):
            export_of(project, tmp_path / "p" / "images", Format.CSV, overwrite=True)
        out.mkdir()
        export_of(project, out, Format.VOC)  # into an empty folder
        before = everything(out)
        with pytest.raises(InputError, match="earlier export"):
            export_of(project, out, Format.CSV)
        (out / "weights.pt").write_text("mine")
        with pytest.raises(InputError, match="weights.pt"):
            export_of(project, out, Format.CSV, overwrite=True)
        (out / "weights.pt").unlink()
        assert everything(out) == before
        export_of(project, out, Format.CSV, overwrite=True)
        assert sorted(everything(out)) == ["annotations.csv", "defectdesk-export.json"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "out", "p"], "nothing is left beside"


def test_a_cancelled_or_failed_export_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Cancelled(Exception):
        pass

    def cancel(done: int, total: int) -> None:
        if done >= 3:
            raise Cancelled

    out = tmp_path / "out"
    with full_project(tmp_path / "p") as project:
        export_of(project, out, Format.LABELME)
        before = everything(out)
        with pytest.raises(Cancelled):
            export_project(project, ExportOptions(Format.YOLO, out, "copy", overwrite=True), cancel)

        def full(source: Path, target: Path) -> str:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("core.formats.exporting.copy_as_is", full)
        with pytest.raises(StorageError, match="No space left"):
            export_of(project, out, Format.YOLO, images="copy", overwrite=True)
        assert everything(out) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "p"]


def test_what_a_killed_export_left_is_taken_away_by_the_next_unless_it_may_be_running(tmp_path: Path) -> None:
    old, young, other = (
        tmp_path / name for name in (".out.abcdefgh.part", ".out.12345678.part", ".out2.abcdefgh.part")
    )
    for part in (old, young, other):
        (part / "images").mkdir(parents=True)
        (part / "images" / "a.png").touch()
    for place in (*old.rglob("*"), old, *other.rglob("*"), other):
        os.utime(place, (0, 0))
    with full_project(tmp_path / "p") as project:
        export_of(project, tmp_path / "out", Format.COCO)
    assert not old.exists() and young.exists() and other.exists()


@pytest.mark.parametrize("place", ["runs", "backups", "cache", "runs/r001/out"])
def test_nothing_is_exported_to_where_the_project_keeps_its_own(tmp_path: Path, place: str) -> None:
    with full_project(tmp_path / "p") as project:
        before = everything(tmp_path / "p")
        with pytest.raises(InputError, match="the project keeps its"):
            export_of(project, tmp_path / "p" / place, Format.YOLO)
        assert everything(tmp_path / "p").keys() == before.keys()


def test_progress_counts_images_up_to_their_number(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    with full_project(tmp_path / "p") as project:
        export_project(project, ExportOptions(Format.VOC, tmp_path / "out", "copy"), lambda *step: told.append(step))
    assert told[-1] == (5, 5) and told == sorted(told)


def test_pictures_that_are_gone_or_others_now_are_left_out_of_copies_and_named(tmp_path: Path) -> None:
    with full_project(tmp_path / "p") as project:
        images = tmp_path / "p" / "images"
        (images / "part1.png").unlink()
        write_picture(images / "part2.png", picture(30, 20))
        write_picture(images / "part4.png", picture(seed=99))
        report = export_of(project, tmp_path / "out", Format.CSV, images="copy")
        assert (report.images, report.boxes, report.left_out) == (2, 0, 3)
        told = {Path(problem.file).name: problem.problem for problem in report.dropped}
        assert "cannot be read" in told["part1.png"] and "30 x 20 now" in told["part2.png"]
        assert "another picture" in told["part4.png"]
        imported = read_annotations(tmp_path / "out")
        assert [image.path.name for image in imported.images] == ["part3.png", "part5.png"]
        for name in ("part3", "part5"):
            (images / f"{name}.png").unlink()
        with pytest.raises(InputError, match="none of the images"):
            export_of(project, tmp_path / "none", Format.CSV, images="copy")


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("images", ["copy", "none"])
def test_no_boxes_are_exported_of_a_file_that_holds_another_picture_now(
    tmp_path: Path, format: Format, images: str
) -> None:
    with full_project(tmp_path / "p") as project:
        first, second, *_ = map(project.image_path, project.image_ids())
        # One that shows nothing but another content: as many bytes, of the same time.
        found = first.stat()
        first.write_bytes(first.read_bytes()[:-4] + b"over")
        os.utime(first, ns=(found.st_atime_ns, found.st_mtime_ns + 1))
        # One that only was touched is what it was.
        os.utime(second)
        steps: list[tuple[int, int]] = []
        options = ExportOptions(format, tmp_path / "out", images)  # type: ignore[arg-type]
        report = export_project(project, options, lambda *step: steps.append(step))
        assert (report.images, report.boxes, report.left_out) == (4, 2, 1)
        out = [problem.file for problem in report.dropped if "left out with its boxes" in problem.problem]
        assert out == [str(first)]
        assert steps[-1] == (5, 5) and steps == sorted(steps)
        imported = read_annotations(tmp_path / "out", None, report.names_below)
        assert "part1" not in [image.path.stem for image in imported.images]


def test_a_file_that_is_not_there_is_exported_without_its_picture(tmp_path: Path) -> None:
    with full_project(tmp_path / "p") as project:
        project.image_path(project.image_ids()[0]).unlink()
        report = export_of(project, tmp_path / "out", Format.COCO)
        assert (report.images, report.boxes, report.left_out) == (5, 5, 0)


@pytest.mark.parametrize("images", ["copy", "none"])
def test_an_export_of_nothing_but_changed_pictures_is_refused(tmp_path: Path, images: str) -> None:
    with project_with_pictures(tmp_path / "p", 2) as project:
        for number, image_id in enumerate(project.image_ids()):
            write_picture(project.image_path(image_id), picture(seed=90 + number))
        with pytest.raises(InputError, match=r"part1\.png: it holds another picture.*none of the images"):
            export_of(project, tmp_path / "out", Format.CSV, images=images)
        assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["a" * 101, "a\nb", "x" * 2**20])
def test_a_label_that_no_format_should_hold_is_refused(tmp_path: Path, name: str) -> None:
    snapshot = snapshot_of(tmp_path / "in", ["pit"], [Given("a.png", 9, 9, Status.CLEAN, Split.NONE, "", (), ())])
    wrong = make_snapshot((name,), ("#000000",), snapshot.images)
    with pytest.raises(InputError, match="rename it") as caught:
        export_project(wrong, ExportOptions(Format.CSV, tmp_path / "out"))
    assert len(str(caught.value)) < 300 and not (tmp_path / "out").exists()


# Names ---------------------------------------------------------------------------------------------------------------


def test_no_two_stems_are_alike_and_every_system_can_hold_them() -> None:
    stems = portable_stems([*NAMES, "a.jpg", "a.bmp", "B/A.PNG", "...", "?", "*"], ("images",))
    assert len({stem.casefold() for stem in stems}) == len(stems)
    assert stems[:4] == ["a", "A-2", "b/a", "c/a"]
    for stem in stems:
        assert all(1 <= len(part.encode()) <= 130 for part in stem.split("/")), stem
        assert not any(letter in '<>:"|?*\\\n\u202e' for letter in stem)
        assert stem.partition(".")[0].lower() not in ("con", "aux")


# Exif ----------------------------------------------------------------------------------------------------------------


def turned(path: Path, orientation: int, suffix: str = ".jpg") -> np.ndarray:
    """Write a picture of 40 x 24 stored pixels with an Exif orientation; the stored pixels."""
    from PIL import Image

    stored = picture(40, 24, seed=orientation)
    exif = Image.Exif()
    exif[274] = orientation
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(stored).save(path, exif=exif, **({"quality": 95} if suffix == ".jpg" else {}))
    return stored


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_quick_frame_is_that_of_the_decoder(tmp_path: Path, orientation: int, suffix: str) -> None:
    turned(tmp_path / f"a{suffix}", orientation, suffix)
    frame = frames.read_frame(tmp_path / f"a{suffix}")
    assert frame.orientation == orientation
    assert decode(tmp_path / f"a{suffix}").shape == (frame.height, frame.width, 3)
    assert frame.stored == (40, 24)


def test_boxes_turn_as_pixels_do() -> None:
    from core.imaging.decode import upright

    for orientation in range(1, 9):
        stored = np.zeros((24, 40, 3), np.uint8)
        stored[3:9, 5:25] = 255
        image = upright(stored, orientation)
        frame = frames.Frame(image.shape[1], image.shape[0], orientation)
        (box,) = frame.to_upright(np.array([[5.0, 3, 25, 9]]))
        rows, columns = np.flatnonzero(image.any(axis=(1, 2))), np.flatnonzero(image.any(axis=(0, 2)))
        assert box.tolist() == [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]


@pytest.mark.parametrize("format", FORMATS)
def test_copies_of_turned_pictures_are_upright_for_all_readers(tmp_path: Path, format: Format) -> None:
    from PIL import Image

    for orientation in range(1, 9):
        turned(tmp_path / "images" / f"turn{orientation}.jpg", orientation)
    with Project.create(tmp_path / "p", ["pit"]) as project:
        project.files.add_images([tmp_path / "images"])
        for image_id in project.image_ids():
            draw(project, image_id, (1, 2, 20, 22), ["pit"])
        report = export_of(project, tmp_path / "out", format, images="copy")
        assert len(report.dropped) == 7 and all("written upright" in problem.problem for problem in report.dropped)
        imported = read_annotations(tmp_path / "out")
        assert imported.problems == () and len(imported.images) == 8
        for image in imported.images:
            with Image.open(image.path) as opened:
                assert opened.getexif().get(274, 1) == 1
            original = tmp_path / "images" / f"{image.path.stem}.jpg"
            assert np.array_equal(decode(image.path), decode(original)), "not a pixel is lost"
            assert np.allclose(image.boxes, [[1, 2, 20, 22]], rtol=0, atol=1e-9)
        assert import_into(project, imported) == (Changes(), []), "they are known by what they were made from"


@pytest.mark.parametrize("format", FORMATS)
def test_without_copies_the_frame_of_turned_pictures_is_told(tmp_path: Path, format: Format) -> None:
    turned(tmp_path / "images" / "turn6.jpg", 6)
    with Project.create(tmp_path / "p", ["pit"]) as project:
        project.files.add_images([tmp_path / "images"])
        draw(project, project.image_ids()[0], (1, 2, 20, 22), ["pit"])
        report = export_of(project, tmp_path / "out", format)
        assert [problem.problem for problem in report.dropped if "upright image of 24 x 40" in problem.problem]
        imported = read_annotations(tmp_path / "out", images_root=tmp_path / "images")
        assert imported.problems == () and np.allclose(imported.images[0].boxes, [[1, 2, 20, 22]], rtol=0, atol=1e-9)


def test_sixteen_bits_and_transparency_survive_being_turned(tmp_path: Path) -> None:
    import cv2

    from core.formats.pictures import copy_upright

    deep = np.arange(40 * 24, dtype=np.uint16).reshape(24, 40) * 60
    done, data = cv2.imencode(".png", deep)
    assert done
    exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
    chunk = b"eXIf" + exif
    raw = data.tobytes()
    import zlib

    chunk = struct.pack(">I", len(exif)) + chunk + struct.pack(">I", zlib.crc32(chunk))
    (tmp_path / "a.png").write_bytes(raw[:33] + chunk + raw[33:])
    frame = frames.read_frame(tmp_path / "a.png")
    assert (frame.width, frame.height, frame.orientation) == (24, 40, 6)
    copy_upright(tmp_path / "a.png", tmp_path / "b.png", frame)
    back = cv2.imread(str(tmp_path / "b.png"), cv2.IMREAD_UNCHANGED)
    assert back.dtype == np.uint16 and np.array_equal(back, np.rot90(deep, -1))
    with pytest.raises(pictures.PictureError, match="changed"):
        copy_upright(tmp_path / "a.png", tmp_path / "c.png", frames.Frame(5, 5, 6))


# Telling formats apart -----------------------------------------------------------------------------------------------


def test_a_folder_of_several_formats_or_of_none_is_refused(tmp_path: Path) -> None:
    with full_project(tmp_path / "p") as project:
        export_of(project, tmp_path / "out" / "a", Format.COCO)
        export_of(project, tmp_path / "out" / "b", Format.VOC)
    with pytest.raises(InputError, match="COCO and Pascal VOC|Pascal VOC and COCO"):
        detect_format(tmp_path / "out")
    for format in (Format.COCO, Format.VOC):
        imported = read_annotations(tmp_path / "out", format, tmp_path / "p" / "images")
        assert imported.format is format and imported.box_count == 5
    with pytest.raises(InputError, match="no annotations"):
        detect_format(tmp_path / "p" / "images")
    with pytest.raises(InputError, match="no such file"):
        detect_format(tmp_path / "gone")
    (tmp_path / "a.json").write_text('{"a": 1}')
    with pytest.raises(InputError, match="none of the annotation formats"):
        detect_format(tmp_path / "a.json")


def test_single_files_are_told_by_what_is_in_them(tmp_path: Path) -> None:
    with full_project(tmp_path / "p") as project:
        for format, name in (
            (Format.COCO, "annotations.json"),
            (Format.VOC, "Annotations/part1.xml"),
            (Format.YOLO, "data.yaml"),
            (Format.YOLO, "classes.txt"),
            (Format.LABELME, "part1.json"),
            (Format.CSV, "annotations.csv"),
        ):
            out = tmp_path / str(format)
            if not out.exists():
                export_of(project, out, format, images="copy")
            found = detect_format(out / name)
            assert (found.format, found.summary) == (format, f"{format.display_name}, 1 file")
            imported: ImportedAnnotations = read_annotations(out / name)
            assert imported.format is format and imported.problems == () and imported.box_count >= 3


def test_one_coco_file_a_split_is_read_as_one_data_set(tmp_path: Path) -> None:
    from tests.builders import write_coco, write_pictures

    for number, split in enumerate(("train", "valid", "test"), start=1):
        write_pictures(tmp_path / split, number)
        entry = {"id": 1, "file_name": f"part{number}.png", "width": 64, "height": 48}
        box = {"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4 + number]}
        write_coco(tmp_path / split / "_annotations.coco.json", [entry], [box])
    assert detect_format(tmp_path).summary == "COCO, 3 files"
    imported = read_annotations(tmp_path)
    assert [(image.split, image.boxes.tolist()) for image in imported.images] == [
        (Split.TEST, [[1, 2, 4, 9]]),
        (Split.TRAIN, [[1, 2, 4, 7]]),
        (Split.VAL, [[1, 2, 4, 8]]),
    ]
    assert imported.labels == ("open", "short") and imported.problems == ()
