"""Groups from folders, patterns and expressions, and what is said about those that are wrong."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InputError
from core.project.images import grouping
from core.project.images.expressions import by_expression
from core.project.images.grouping import by_folder, collect_groups, folder_levels, pattern_rule
from core.project.project import Project
from tests.builders import write_picture


@pytest.mark.parametrize(
    ("pattern", "path", "group"),
    [
        ("{group}_{*}.jpg", "in/lot7_b_c.jpg", "lot7"),
        ("{group}_{*}.jpg", "in/lot7_.jpg", "lot7"),
        ("{group}_{*}.jpg", "in/lot7.jpg", None),
        ("{group}_{#}.jpg", "lot_7_12.jpg", "lot_7"),
        ("{group}_{#}.jpg", "lot_7_x.jpg", None),
        ("{group}{#}.png", "lotA12.png", "lotA"),
        ("{group:4}{*}", "ABCD_99.png", "ABCD"),
        ("{*:2}-{group}.{*}", "ab-lot 3.tif", "lot 3"),
        ("Board-{group}-{*}", "board-77-top.TIF", "77"),
        ("{group}_{group}_{*}", "l1_b2_x.png", "l1 b2"),
        ("{group}/{*}", "x/lot1/a.png", "lot1"),
        ("{group}/{*}/{*}", "x/lot1/a.png", "x"),
        ("{*}(1) {group}.png", "a(1) b.png", "b"),
        ("{group}_{*}.jpg", "ü lot_\u00df.jpg", "ü lot"),
    ],
)
def test_a_pattern_finds_the_group_in_the_name(pattern: str, path: str, group: str | None) -> None:
    assert pattern_rule(pattern)(path) == group


@pytest.mark.parametrize(
    ("pattern", "complaint"),
    [
        ("", "it is empty"),
        ("lot_{*}.jpg", "it has no {group}"),
        ("{grp}_{*}", "there is no {grp}"),
        ("{group}{*}", r"where {group} ends and {\*} begins"),
        ("{#}{#}{group}", "where {#} ends"),
        ("{group", "a “{” has no “}”"),
        ("group}_", "a “}” has no “{”"),
        ("{group:0}", "from 1 to 255"),
        ("{group:many}", "from 1 to 255"),
        ("{group}" + "_" * 300, "longer than 200"),
    ],
)
def test_a_wrong_pattern_is_told_what_is_wrong_with_it(pattern: str, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        pattern_rule(pattern)


def test_no_pattern_takes_long_however_it_is_written() -> None:
    rules = [pattern_rule("{*}a" * 40 + "{group}b"), pattern_rule("{*}1{#}a" * 20 + "{group}b")]
    start = time.perf_counter()
    assert [rule(name) for rule in rules for name in ("a" * 255, "1a" * 127)] == [None] * 4
    assert time.perf_counter() - start < 0.5


@given(st.text(st.characters(exclude_characters="/_", exclude_categories=("Cs", "Cc")), min_size=1, max_size=20))
def test_any_name_can_be_found_by_a_pattern(name: str) -> None:
    assert pattern_rule("{group}_{#}.png")(f"folder/{name}_12.png") == (name.strip() or None)


@given(st.text("{}group*#:_4/a", max_size=15))
def test_any_pattern_is_a_rule_or_a_complaint_about_the_pattern(pattern: str) -> None:
    try:
        rule = pattern_rule(pattern)
    except InputError as error:
        assert str(error).startswith("pattern: ")
    else:
        assert rule("a/group_4a.png") is None or rule("a/group_4a.png")


def test_folders_are_counted_from_the_one_that_all_share() -> None:
    paths = ["../in/lot1/b1/x.png", "../in/lot1/b2/x.png", "../in/lot2/b1/x.png", "../in/y.png"]
    assert folder_levels(paths) == ["lot1", "lot1/b1"]
    assert by_folder(paths, 1) == ["lot1", "lot1", "lot2", None]
    assert by_folder(paths, 2) == ["lot1/b1", "lot1/b2", "lot2/b1", None]


@pytest.mark.parametrize(
    ("paths", "levels", "groups"),
    [
        (["images/a.png", "../set/val/b.png"], 1, ["(project)", "set"]),
        (["images/a.png", "../set/val/b.png"], 2, ["(project)/images", "set/val"]),
        (["../set/a/1.png", "../set/b/2.png"], 1, ["a", "b"]),
        (["a.png", "../set/b.png", "../../far/c.png"], 2, ["(above)/(project)", "(above)/set", "far"]),
        (["images/a.png", "/mnt/disk/b.png"], 1, ["images", "/mnt"]),
    ],
)
def test_images_outside_the_project_are_grouped_by_their_own_folders(
    paths: list[str], levels: int, groups: list[str]
) -> None:
    assert grouping.by_folder(paths, levels) == groups
    assert not any(".." in example for example in grouping.folder_levels(paths))


def test_images_in_one_folder_have_no_folder_to_be_told_apart_by() -> None:
    assert folder_levels(["in/a.png", "in/b.png"]) == []
    assert by_folder(["in/a.png", "in/b.png"], 1) == [None, None]
    assert folder_levels([]) == [] and by_folder([], 1) == []


def test_a_preview_counts_groups_in_natural_order_and_tells_what_fits_nothing() -> None:
    paths = {5: "a/lot10_1.png", 6: "a/lot2_1.png", 7: "a/lot2_2.png", 8: "a/other.png"}
    rule = pattern_rule("{group}_{#}.png")
    made = collect_groups(paths, [rule(path) for path in paths.values()])
    assert [(proposal.name, proposal.count) for proposal in made.proposals] == [("lot2", 2), ("lot10", 1)]
    assert made.proposals[0].examples == ("lot2_1.png", "lot2_2.png")
    assert (made.unmatched.count, made.unmatched.examples) == (1, ("other.png",))
    assert made.groups == {5: "lot10", 6: "lot2", 7: "lot2"}


def test_an_expression_finds_the_group_anywhere_in_the_path() -> None:
    paths = ["in/lot 7/a_1.png", "in/none/a.png", "in/ lot /x.png"]
    assert by_expression(paths, r"/(?P<group>[ a-z]*lot[ 0-9]*)/") == ["lot 7", None, "lot"]


@pytest.mark.parametrize(
    ("expression", "complaint"),
    [("(?P<group>[a", "unterminated"), ("lot.*", "has no"), ("(?P<group>a)" + "b" * 600, "longer than 500")],
)
def test_a_wrong_expression_is_told_what_is_wrong_with_it(expression: str, complaint: str) -> None:
    with pytest.raises(InputError, match=f"expression: .*{complaint}"):
        by_expression(["a.png"], expression)


def test_an_expression_that_would_take_for_ever_is_ended() -> None:
    start = time.perf_counter()
    with pytest.raises(InputError, match="takes longer than 0.5 s"):
        by_expression(["a" * 40], r"(?P<group>(a+)+)b", seconds=0.5)
    assert time.perf_counter() - start < 5


def test_the_help_shows_a_pattern_that_works() -> None:
    assert all(part in grouping.PATTERN_HELP for part in ("{group}", "{*}", "{#}"))


def test_images_are_added_and_grouped_in_one_edit(tmp_path: Path) -> None:
    for name in ("lot1/a.png", "lot2/a.png", "b.png"):
        write_picture(tmp_path / "images" / name)
    with Project.create(tmp_path / "p") as project:
        project.files.add_images([tmp_path / "images"], groups=lambda paths: by_folder(paths, 1))
        expected = [("b.png", ""), ("lot1/a.png", "lot1"), ("lot2/a.png", "lot2")]
        for _ in range(2):
            found = [(image.path.removeprefix("../images/"), image.group) for image in project.images()]
            assert found == expected
            project.history.undo()
            assert project.images() == []
            project.history.redo()
