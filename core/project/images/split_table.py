"""How a division over train, val and test looks: counts by label, and what is wrong with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from core.project.images.copies import describe_divided, find_divided_copies, torn_copies
from core.types import ImageRecord, Label, Split, Status

USED = (Split.TRAIN, Split.VAL, Split.TEST)
NAMED = 3  # how many groups or labels a warning names before it says how many more there are


@dataclass(frozen=True, slots=True)
class SplitRow:
    """How many images of one kind each split has."""

    name: str
    counts: Mapping[Split, int]
    label: int | None = None  # id of the label that the row is about

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    def share(self, split: Split) -> float:
        """The part of the images of this row that `split` has; 0 where there are none."""
        return self.counts[split] / self.total if self.total else 0.0


@dataclass(frozen=True, slots=True)
class SplitTable:
    """A row for all images, for each label, for clean images and for those that say nothing yet."""

    rows: tuple[SplitRow, ...]
    warnings: tuple[str, ...]


def split_table(
    images: Sequence[ImageRecord], labels: Sequence[Label], splits: Mapping[int, Split] | None = None
) -> SplitTable:
    """Count `images` by what they carry; `splits` by image id stands in place of the split that they have."""
    placed = splits or {}
    whole: Counter[Split] = Counter()
    clean: Counter[Split] = Counter()
    silent: Counter[Split] = Counter()
    by_label: dict[int, Counter[Split]] = {label.id: Counter() for label in labels}
    for image in images:
        split = placed.get(image.id, image.split)
        whole[split] += 1
        carried = frozenset[int]().union(*image.label_sets)
        for label in carried:
            by_label[label][split] += 1
        if image.status is Status.CLEAN:
            clean[split] += 1
        elif not carried:
            silent[split] += 1
    rows = [_make_row("All images", whole)]
    rows += [_make_row(label.name, by_label[label.id], label.id) for label in labels]
    rows += [_make_row("Clean", clean), _make_row("Without labels", silent)]
    return SplitTable(tuple(rows), tuple(_list_warnings(rows, images, placed)))


def divided_groups(images: Iterable[ImageRecord], splits: Mapping[int, Split] | None = None) -> list[str]:
    """The groups whose images are in more than one of train, val and test, in the order in which they come."""
    placed = splits or {}
    found: dict[str, set[Split]] = {}
    for image in images:
        split = placed.get(image.id, image.split)
        if image.group and split is not Split.NONE:
            found.setdefault(image.group, set()).add(split)
    return [group for group, places in found.items() if len(places) > 1]


def torn_groups(images: Sequence[ImageRecord], moved: Collection[int], split: Split) -> dict[str, list[int]]:
    """The groups that moving the images `moved` to `split` would divide, each with its images that stay behind.

    An image that stays in no split divides nothing; a group that is divided already is told as well.
    """
    if split is Split.NONE:
        return {}
    chosen = frozenset(moved)
    groups = {image.group for image in images if image.id in chosen and image.group}
    behind: dict[str, list[int]] = {}
    for image in images:
        if image.group in groups and image.id not in chosen and image.split not in (split, Split.NONE):
            behind.setdefault(image.group, []).append(image.id)
    return behind


@dataclass(frozen=True, slots=True)
class LeftBehind:
    """What a move to another split leaves in the split that it is in, though it belongs to what is moved."""

    groups: Mapping[str, Sequence[int]]  # image ids by the name of the group
    copies: Sequence[int]  # images that hold the same as one that is moved

    @property
    def image_ids(self) -> list[int]:
        """All of them, each once."""
        return list(dict.fromkeys([*(one for own in self.groups.values() for one in own), *self.copies]))


def find_left_behind(images: Sequence[ImageRecord], moved: Collection[int], split: Split) -> LeftBehind:
    """What belongs to the images `moved` to `split`: groups, copies, and what these belong together with in turn."""
    chosen = set(moved)
    groups: dict[str, list[int]] = {}
    copies: list[int] = []
    while True:
        alike = torn_copies(images, chosen, split)
        torn = torn_groups(images, chosen, split)
        for group, others in torn.items():
            groups.setdefault(group, []).extend(others)
        copies += alike
        if not alike and not torn:
            return LeftBehind(groups, copies)
        chosen.update(alike, *torn.values())


def list_divisions(images: Sequence[ImageRecord], splits: Mapping[int, Split] | None = None) -> list[str]:
    """A sentence for the groups, and one for the copies, that are in more than one of train, val and test."""
    found = []
    if divided := divided_groups(images, splits):
        one = len(divided) == 1
        found.append(
            f"{'The group' if one else f'{len(divided):,} groups'} {list_names(divided)} {'is' if one else 'are'} divided "
            "over train, val and test: what is measured would be too good."
        )
    if text := describe_divided(find_divided_copies(images, splits)):
        found.append(text)
    return found


def list_names(names: Sequence[str]) -> str:
    """A few names in quotes, and how many there are besides."""
    shown = ", ".join(f"“{name}”" for name in names[:NAMED])
    more = len(names) - NAMED
    return f"{shown} and {more:,} more" if more > 0 else shown


def left_empty(table: SplitTable, fractions: Mapping[Split, float]) -> list[str]:
    """A sentence for each split that was to have a part of the images, 0..1, and has none."""
    whole = table.rows[0]
    return [
        f"No image comes to {split}, though {fractions[split]:.0%} were asked for: "
        "there are too few images, or too few groups and sets of copies, which stay whole."
        for split in USED
        if whole.total and fractions.get(split, 0) > 0 and not whole.counts[split]
    ]


def _make_row(name: str, counts: Counter[Split], label: int | None = None) -> SplitRow:
    return SplitRow(name, {split: counts[split] for split in Split}, label)


def _list_warnings(
    rows: Sequence[SplitRow], images: Sequence[ImageRecord], placed: Mapping[int, Split]
) -> Iterable[str]:
    whole, *others = rows
    used = [split for split in USED if whole.counts[split]]
    if Split.TRAIN not in used and used:
        yield "No image is in train: there is nothing to learn from."
    for split in used:
        absent = [row.name for row in others if row.label is not None and row.total and not row.counts[split]]
        if absent:
            what = {
                Split.TRAIN: "cannot be learnt",
                Split.VAL: "cannot help to choose the best checkpoint",
                Split.TEST: "will not be measured",
            }[split]
            yield f"No image in {split} carries {list_names(absent)}: {'it' if len(absent) == 1 else 'they'} {what}."
    yield from list_divisions(images, placed)
