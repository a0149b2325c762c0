"""Which labels the next box gets. Nothing sticks unless the user says so."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from core.types import Label

RECENT = 5  # labels that the picker shows first


class NextLabels:
    """Labels chosen for the next box hold for one box and one image.

    While `keep` is on, every box starts with the set that was given last, on every image, until it is switched
    off; a project always starts with it off. Where a project has a single label there is nothing to choose.
    """

    def __init__(self) -> None:
        self._known: tuple[int, ...] = ()
        self._chosen: frozenset[int] = frozenset()
        self._last: frozenset[int] = frozenset()
        self._recent: list[int] = []
        self._keep = False

    @property
    def labels(self) -> frozenset[int]:
        return self._chosen

    @property
    def keep(self) -> bool:
        return self._keep

    @property
    def recent(self) -> tuple[int, ...]:
        """Labels that were given lately, the latest first."""
        return tuple(self._recent[:RECENT])

    def start_project(self, labels: Sequence[Label], recent: Collection[object] = ()) -> None:
        """Begin with a project, in which the labels `recent` (ids, the latest first) were given last."""
        self._known = tuple(label.id for label in labels)
        given = [label_id for label_id in recent if isinstance(label_id, int) and label_id in self._known]
        self._last, self._recent, self._keep = frozenset(), list(dict.fromkeys(given)), False
        self._reset_choice()

    def set_known(self, labels: Sequence[Label]) -> None:
        """Follow the project's labels: those that are gone are not given any more."""
        alone = len(self._known) == 1
        self._known = tuple(label.id for label in labels)
        known = frozenset(self._known)
        self._chosen, self._last = self._chosen & known, self._last & known
        self._recent = [label_id for label_id in self._recent if label_id in known]
        if not self._keep and (alone or len(self._known) == 1):
            # The only label was given because it was the only one.
            self._reset_choice()

    def set_keep(self, keep: bool) -> None:
        """Switch keeping on or off. Switched on, the set that was given last is proposed at once."""
        if keep == self._keep:
            return
        self._keep = keep
        if not keep:
            self._reset_choice()
        elif not self._chosen:
            self._chosen = self._last

    def choose_labels(self, labels: Collection[int]) -> None:
        """The user chose labels for the next box."""
        self._remember_labels(frozenset(labels) - self._chosen)
        self._chosen = frozenset(labels)

    def note_given(self, sets: Collection[frozenset[int]], added: Collection[int] = ()) -> None:
        """Boxes were labelled: they carry `sets` now, and `added` is what they did not carry before."""
        self._remember_labels(added)
        if len(set(sets)) == 1:
            self._last = next(iter(sets))
            if self._keep:
                self._chosen = self._last

    def note_used(self) -> None:
        """A box was drawn with them."""
        if not self._keep:
            self._last = self._chosen or self._last
            self._reset_choice()

    def leave_image(self) -> None:
        """Another image is shown."""
        if not self._keep:
            self._reset_choice()

    def _reset_choice(self) -> None:
        self._chosen = frozenset(self._known) if len(self._known) == 1 else frozenset()

    def _remember_labels(self, labels: Collection[int]) -> None:
        for label_id in labels:
            self._recent = [label_id, *(other for other in self._recent if other != label_id)]
