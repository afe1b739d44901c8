"""Images that a dataset holds more than once, and which of them lie on both sides of its split."""

from dataclasses import dataclass

import numpy as np

from fourlenses.check.near_duplicates import is_flat, join, near_components
from fourlenses.check.survey import Survey

SAME_FILE, SAME_PIXELS, NEAR = KINDS = ("same file", "same pixels", "near")


@dataclass(frozen=True)
class Group:
    """Rows (ascending) that are one picture; likeness: of each to the first, `KINDS`; bits: how many of 128 differ from the first's."""

    rows: list[int]
    likeness: list[str]
    bits: list[int]


@dataclass(frozen=True)
class Duplicates:
    """groups: by their first row. leaked: per kind, the test rows whose closest copy among the training images is of that kind.
    relabelled: places in ``groups`` where one picture has two labels. flat: images too flat to be compared."""

    groups: list[Group]
    leaked: dict[str, list[int]]
    relabelled: list[int]
    flat: int

    def copies(self, kind: str) -> int:
        """Images that a dataset without duplicates would lack, by their likeness to the first of their group."""
        return sum(group.likeness[1:].count(kind) for group in self.groups)


def find_duplicates(survey: Survey, train: np.ndarray, labels: np.ndarray) -> Duplicates:
    """Among the decoded images of a survey. train: bool (N,). labels: int64 (N,), of the finest level."""
    rows = np.flatnonzero(survey.decoded)
    file, pixels = _numbered(survey.content[rows]), _numbered(survey.pixels[rows])
    flat = is_flat(survey.grey[rows])
    # one of each set of equal pixels stands for all of them: a thousand copies of one picture would make a million pairs
    _, one = np.unique(pixels, return_index=True)
    one = one[~flat[one]]
    near = np.stack(
        [one, one[_first_of(near_components(survey.bits[rows[one]], survey.grey[rows[one]]))]],
        axis=1,
    )
    component = join(
        np.arange(len(rows)),
        np.concatenate([near, *(_with_first(number) for number in (file, pixels))]),
    )
    groups, relabelled, leaked = [], [], {kind: [] for kind in KINDS}
    for members in _several(component):
        first = members[0]
        bits = np.bitwise_count(survey.bits[rows[members]] ^ survey.bits[rows[first]]).sum(axis=1)
        likeness = [
            SAME_FILE
            if file[m] == file[first]
            else SAME_PIXELS
            if pixels[m] == pixels[first]
            else NEAR
            for m in members
        ]
        if len(set(labels[rows[members]])) > 1:
            relabelled.append(len(groups))
        groups.append(Group(rows[members].tolist(), likeness, bits.tolist()))
        _leaks(rows[members], file[members], pixels[members], train, leaked)
    return Duplicates(
        groups, {kind: sorted(leaked[kind]) for kind in KINDS}, relabelled, int(flat.sum())
    )


def _numbered(hashes: np.ndarray) -> np.ndarray:
    """uint64 (N, 2) as numbers of its distinct values, int64 (N,)."""
    return np.unique(np.ascontiguousarray(hashes).view("V16").ravel(), return_inverse=True)[1]


def _first_of(number: np.ndarray) -> np.ndarray:
    """int64 (N,): for every place the first one with the same number."""
    _, first, which = np.unique(number, return_index=True, return_inverse=True)
    return first[which]


def _with_first(number: np.ndarray) -> np.ndarray:
    return np.stack([np.arange(len(number)), _first_of(number)], axis=1)


def _several(component: np.ndarray) -> list[np.ndarray]:
    """The components of more than one member, by their first."""
    order = np.argsort(component, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(component[order])) + 1)
    return sorted((part for part in parts if len(part) > 1), key=lambda part: part[0])


def _leaks(
    rows: np.ndarray,
    file: np.ndarray,
    pixels: np.ndarray,
    train: np.ndarray,
    leaked: dict[str, list[int]],
) -> None:
    known = train[rows]
    if not known.any():
        return
    for kind, number in ((SAME_FILE, file), (SAME_PIXELS, pixels), (NEAR, None)):
        same = ~train[rows] if number is None else ~train[rows] & np.isin(number, number[known])
        leaked[kind] += sorted(
            set(rows[same].tolist()) - {row for before in leaked.values() for row in before}
        )
