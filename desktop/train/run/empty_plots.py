"""Why a plot of a run has nothing in it. Knows no Qt."""

from __future__ import annotations

from desktop.train.run.run_history import RunHistory

_WHAT = {
    "loss": "The loss of every step and epoch",
    "map": "Mean average precision on the validation images",
    "rate": "The learning rate of every step",
    "memory": "The most memory that was in use",
    "speed": "How many images a second are learnt from",
}
_BY_EPOCH = ("map", "memory", "speed")
_ENDED = ("finished", "stopped", "failed", "interrupted", "paused")


def explain_empty(plot: str, history: RunHistory, state: str) -> str:
    """What stands in the place of the curves, by the state of the run that is shown."""
    what, when = _WHAT[plot], "after each epoch" if plot in _BY_EPOCH else "with the first steps"
    if state == "":
        return f"{what} appears here once a training runs."
    if state == "reading":
        return "The run is read from its folder."
    if plot == "map" and history.started is not None and not history.started.val_images:
        return "Nothing is judged: the run has no validation images."
    if state == "waiting":
        return f"The run waits for its turn. {what} appears here when it trains."
    if state in _ENDED and not history.epochs:
        where = "ended before its first step" if history.last_step is None else "ended within its first epoch"
        return f"The run {where}; what it said is under Notices and Log."
    if state in _ENDED:
        return "No epoch of this run was judged." if plot == "map" else "The run does not tell of this."
    if history.started is None:
        return "The images and the weights are loaded; the first step appears soon."
    return f"{what} appears here {when}."
