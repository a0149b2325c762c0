"""Names and notes of runs, and the table of them."""

from __future__ import annotations

from PySide6.QtCore import Qt

from core.project.runs import read_run
from core.settings import Settings
from desktop.train.run.run_list_dialog import RunListDialog
from desktop.train.run.run_table import KEYS
from tests.desktop.train.train_driver import TrainBench


def train_twice(bench: TrainBench) -> RunListDialog:
    """Two runs, the first longer and better, and their table."""
    bench.train_to_end()
    bench.change_settings(schedule__epochs=1)
    bench.train_to_end()
    bench.page.run_column.list_button.click()
    dialog = bench.page.run_column.run_list.dialog
    assert dialog is not None
    return dialog


def test_a_name_and_a_note_are_kept_beside_the_recipe_and_shown_in_the_list(bench: TrainBench) -> None:
    dialog = train_twice(bench)
    frozen = {path.name: path.read_bytes() for path in bench.run_folder().path.iterdir() if path.is_file()}
    table = dialog.table
    number = next(n for n in range(table.rowCount()) if table.row(n).run.id == "r001")
    assert table.setData(table.index(number, KEYS.index("name")), "  more   light ")
    assert table.setData(table.index(number, KEYS.index("note")), "second lamp on")
    record = read_run(bench.run_folder().path)
    assert (record.name, record.note) == ("more light", "second lamp on")
    assert {path.name: path.read_bytes() for path in bench.run_folder().path.iterdir() if path.name in frozen} == frozen
    titles = bench.page.run_column.picker.titles
    assert any(title.startswith("r001 · more light · SSD Compact · finished") for title in titles)
    assert [run.name for run in bench.project.runs.list_runs()] == ["more light", ""]


def test_the_table_sorts_by_what_a_column_means_and_keeps_its_order(bench: TrainBench) -> None:
    dialog = train_twice(bench)
    assert dialog.run_order == ["r002", "r001"], "the latest first"
    dialog.sort_by("epochs", down=True)
    assert dialog.run_order == ["r001", "r002"]
    dialog.sort_by("epochs", down=False)
    assert dialog.run_order == ["r002", "r001"]
    again = RunListDialog(Settings(bench.services.settings.path.parent))
    assert again.view.horizontalHeader().sortIndicatorSection() == KEYS.index("epochs")
    assert again.view.horizontalHeader().sortIndicatorOrder() == Qt.SortOrder.AscendingOrder
    again.deleteLater()


def test_the_table_shows_a_run_and_stays(bench: TrainBench) -> None:
    dialog = train_twice(bench)
    assert bench.page.run_column.own_run == "r002"
    dialog.choose_run("r001")
    dialog.confirm.click()
    assert bench.page.run_column.own_run == "r001" and dialog.isVisible()
    bench.session.close()
    assert bench.page.run_column.run_list.dialog is None


def test_a_name_that_is_too_long_is_refused_with_the_limit(bench: TrainBench) -> None:
    dialog = train_twice(bench)
    dialog.table.setData(dialog.table.index(0, KEYS.index("name")), "x" * 61)
    assert "60 are the most" in dialog.problem.text()
    assert all(run.name == "" for run in bench.project.runs.list_runs())
