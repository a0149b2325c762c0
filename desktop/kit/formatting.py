"""How sizes, dates and metrics read in tables and texts."""

from __future__ import annotations

from datetime import datetime

from core.models.registry import MODELS

NONE = "–"


def metric(value: float | None) -> str:
    """A metric in 0..1 with three decimals; a dash where there is nothing to judge."""
    return NONE if value is None else f"{value:.3f}"


def format_duration(seconds: float | None) -> str:
    """A time as a user says it: 48 s, 5 min 10 s, 3 h 20 min."""
    if seconds is None:
        return NONE
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if minutes < 10 else f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def model_title(name: str) -> str:
    """A model as it is called everywhere; the name itself where the program does not know it."""
    return MODELS[name].title if name in MODELS else name


MEASURES = {
    "macro_f1": "macro F1",
    "micro_f1": "micro F1",
    "macro_roc_auc": "macro ROC-AUC",
    "micro_roc_auc": "micro ROC-AUC",
    "map75": "mAP@0.75",
    "agnostic_ap50": "AP@0.5 of boxes",
    "label_set_f1": "label-set F1",
    "exact_match": "exact label sets",
}


def measure(name: str) -> str:
    """A further measure of a task, such as macro_f1, as it is written in texts."""
    return MEASURES.get(name, name.replace("_", " "))


def map_text(map50: float | None, mean: float | None) -> str:
    """The mean average precision by which a model is known: at IoU 0.5, or, where labels of images are predicted and nothing
    has a place, over the labels."""
    if map50 is not None:
        return f"mAP@0.5 {map50:.3f}"
    return "not evaluated" if mean is None else f"mAP {mean:.3f}"


def setting(value: object) -> str:
    """The value of a setting; empty for an empty text."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return ", ".join(setting(one) for one in value) or "none"
    if isinstance(value, dict):
        return " ".join(setting(one) for one in value.values())
    return str(value)


def size(count: int) -> str:
    """A number of bytes as it is said: 812 B, 4.2 MB."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def sentence(text: str) -> str:
    """What is said within a sentence as one of its own: a large letter first and a full stop; empty for nothing."""
    text = text.strip()
    return f"{text[:1].upper()}{text[1:]}" + ("" if text.endswith((".", "!", "?")) or not text else ".")


def rate(per_second: float) -> str:
    """How many images a second: 31 images/s, and one digit more below ten."""
    return f"{per_second:.0f} images/s" if per_second >= 10 else f"{per_second:.1f} images/s"


def short(count: int) -> str:
    """A count where there is little room, cut off after three digits: 9,876, 97.2k, 123k, 1.23M."""
    for size, unit in ((1_000_000, "M"), (1_000, "k")):
        if count >= max(size, 10_000):
            digits = 2 if count < 10 * size else 1 if count < 100 * size else 0
            scale = 10**digits
            return f"{count * scale // size / scale:.{digits}f}{unit}"
    return f"{count:,}"


def date(iso: str, now: datetime) -> str:
    """An ISO date as a user says it on the day `now`, in the zone of `now`: today 14:05, 3 Mar 09:10, 3 Mar 2024.

    A text that is no date comes back as it is.
    """
    try:
        moment = datetime.fromisoformat(iso)
    except ValueError:
        return iso
    if moment.tzinfo is not None:
        moment = moment.astimezone(now.tzinfo)
    days = (now.date() - moment.date()).days
    if days in (0, 1):
        return f"{'today' if days == 0 else 'yesterday'} {moment:%H:%M}"
    day = f"{moment.day} {moment:%b}"
    return f"{day} {moment:%H:%M}" if moment.year == now.year else f"{day} {moment.year}"
