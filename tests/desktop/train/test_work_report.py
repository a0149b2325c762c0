"""What is said of a training and of a study on every page."""

from __future__ import annotations

from core.jobs.events import ActivityBegun, StudyEpochDone, StudyRunEnded, StudyRunStarted
from desktop.base.running_work import RunningWork, WorkStatus
from desktop.train.run.run_history import RunHistory
from desktop.train.run.work_report import StudyProgress, describe_training
from tests.desktop.training_child import events


def test_a_training_that_judges_says_how_many_images_are_done() -> None:
    history = RunHistory.of(list(events(4, lambda: False, pause=0))[:6])
    history.add([ActivityBegun("judging", 3, 12, 61.0)])
    told = describe_training("r001", history, "running")
    assert told == WorkStatus("r001", "judging 3 of 12 images", "epoch 1 of 4", 0.25, 61.0)
    assert describe_training("r001", history, "stopping").doing == "stopping"
    assert describe_training("r001", RunHistory(), "starting") == WorkStatus("r001", "loading")


def test_a_study_counts_its_runs_and_the_time_that_those_to_come_will_take() -> None:
    study = StudyProgress()
    assert study.describe("s001") == WorkStatus("study s001", "loading")
    study.add([StudyRunStarted(1, 4, "r001", "frozen", 1), StudyEpochDone("r001", "frozen", 1, 5, 10, 0.5, 0.25, 30.0)])
    assert study.describe("s001") == WorkStatus("study s001", "learning", "run 1 of 4 · epoch 5 of 10", 0.125, None)
    study.add([StudyRunEnded("finished", 0.5, 0.25, 60.0, "", "r001", "frozen", 1)])
    study.add([StudyRunStarted(2, 4, "r002", "frozen", 2), StudyEpochDone("r002", "frozen", 2, 5, 10, 0.5, 0.25, 30.0)])
    assert study.describe("s001").seconds_left == 30 + 2 * 60


def test_work_that_looks_the_same_is_not_told_again() -> None:
    running, told = RunningWork(), []
    running.changed.connect(lambda: told.append(running.status))
    for share in (0.5, 0.50001, 0.6):
        running.report("training", WorkStatus("r001", "learning", share=share))
    running.report("study", WorkStatus("study s001", "learning"))
    running.report("training", None)
    running.report("training", None)
    assert [one.name if one else "" for one in told] == ["r001", "r001", "r001", "study s001"]
