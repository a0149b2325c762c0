from __future__ import annotations

from pathlib import Path

from core.project.edits import label_edits
from core.project.label_renames import describe_renames, find_renames, match_by_id
from core.project.snapshot import Snapshot, take_snapshot
from core.types import Label
from tests.builders import project_with_pictures
from tests.desktop.model_builders import write_checkpoint


def label(number: int, name: str) -> Label:
    return Label(number, name, "#ff0000")


def test_a_label_is_known_by_its_id() -> None:
    labels = [label(1, "groove"), label(2, "pit"), label(5, "stain")]
    assert match_by_id(("scratch", "pit"), (1, 2), labels) == {"scratch": "groove"}
    # Two labels that changed their names with each other.
    assert match_by_id(("pit", "groove"), (1, 2), labels) == {"pit": "groove", "groove": "pit"}
    # One that is gone, whose name another has taken since; and one that was deleted and made again.
    assert match_by_id(("scratch", "groove"), (1, 9), labels) == {"scratch": "groove", "groove": "groove (deleted)"}
    assert match_by_id(("stain",), (9,), labels) == {}
    # From before ids were kept.
    assert match_by_id(("scratch", "pit"), (), labels) == {}
    assert describe_renames({"scratch": "groove"}) == [
        "scratch is called groove since the training: it is judged as the same label"
    ]


def test_a_checkpoint_of_the_project_follows_a_rename_and_one_from_elsewhere_does_not(tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "project", 2) as project:
        labels = project.labels()
        path = write_checkpoint(project, "r001", "best", label_ids=[one.id for one in labels])
        old = write_checkpoint(project, "r002", "best")
        elsewhere = tmp_path / "model.safetensors"
        elsewhere.write_bytes(path.read_bytes())
        assert find_renames(project, path) == {}
        renamed = [Label(one.id, "groove" if one.name == "scratch" else one.name, one.color) for one in labels]
        project.apply(label_edits.set_labels(project, renamed))
        assert find_renames(project, path) == {"scratch": "groove"}
        assert find_renames(project, elsewhere) == {} == find_renames(project, old)


def test_a_snapshot_keeps_the_ids_of_labels_and_its_hash_does_not_depend_on_them(tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "project", 2) as project:
        snapshot = take_snapshot(project)
        ids = tuple(one.id for one in project.labels())
    snapshot.save(tmp_path / "snapshot.json")
    assert Snapshot.load(tmp_path / "snapshot.json").label_ids == snapshot.label_ids == ids
    text = (tmp_path / "snapshot.json").read_text("utf-8")
    for number in ids:
        text = text.replace(f', "id": {number}}}', "}")
    (tmp_path / "snapshot.json").write_text(text, "utf-8")
    before = Snapshot.load(tmp_path / "snapshot.json")
    assert before.label_ids == () and before.hash == snapshot.hash
