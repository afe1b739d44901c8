"""Duplicates: images that a dataset holds more than once, and those on both sides of its split."""

from dataclasses import dataclass

import numpy as np

from fourlenses.check.near_duplicates import is_flat, join, near_components
from fourlenses.check.survey import Survey

SAME_FILE, SAME_PIXELS, NEAR = KINDS = ("same file", "same pixels", "near")


@dataclass(frozen=True)
class Group:
    """Copies of a picture.

    Attributes:
        rows: Of the manifest, ascending.
        likeness: Of each to the first, from `KINDS`.
        bits: Of each, how many of 128 differ from the first's.
    """

    rows: list[int]
    likeness: list[str]
    bits: list[int]


@dataclass(frozen=True, kw_only=True)
class Duplicates:
    """The duplicates of a dataset.

    Attributes:
        groups: Ordered by their first row.
        leaked: Per kind, the test rows whose closest copy among the training images is of it.
        relabelled: Indices of groups where a picture has two labels.
        flat: Number of images too flat to be compared.
    """

    groups: list[Group]
    leaked: dict[str, list[int]]
    relabelled: list[int]
    flat: int

    def copies(self, kind: str) -> int:
        """Return the number of images that are copies of that kind of the first of their group."""
        return sum(group.likeness[1:].count(kind) for group in self.groups)


def find_duplicates(survey: Survey, train: np.ndarray, labels: np.ndarray) -> Duplicates:
    """Find the duplicates among the decoded images of a survey.

    Args:
        survey: Of N rows.
        train: bool (N,), the training images.
        labels: int64 (N,), of the finest level.
    """
    rows = np.flatnonzero(survey.decoded)
    file, pixels = _numbered(survey.content[rows]), _numbered(survey.pixels[rows])
    flat = is_flat(survey.grey[rows])
    # A single image stands for all of equal pixels: a thousand copies of a picture would make a
    # million pairs.
    _, distinct = np.unique(pixels, return_index=True)
    distinct = distinct[~flat[distinct]]
    chosen = rows[distinct]
    first_near = _first_of(near_components(survey.bits[chosen], survey.grey[chosen]))
    near = np.stack([distinct, distinct[first_near]], axis=1)
    edges = np.concatenate([near, _with_first(file), _with_first(pixels)])
    groups: list[Group] = []
    relabelled: list[int] = []
    leaked: dict[str, list[int]] = {kind: [] for kind in KINDS}
    for members in _several(join(np.arange(len(rows)), edges)):
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
        _leaks(rows[members], file[members], pixels[members], train=train, leaked=leaked)
    leaked = {kind: sorted(leaked[kind]) for kind in KINDS}
    return Duplicates(groups=groups, leaked=leaked, relabelled=relabelled, flat=int(flat.sum()))


def _numbered(hashes: np.ndarray) -> np.ndarray:
    """Return the numbers of the distinct values of uint64 (N, 2): int64 (N,)."""
    return np.unique(np.ascontiguousarray(hashes).view("V16").ravel(), return_inverse=True)[1]


def _first_of(number: np.ndarray) -> np.ndarray:
    """Return int64 (N,): for every position the first one with the same number."""
    _, first, which = np.unique(number, return_index=True, return_inverse=True)
    return first[which]


def _with_first(number: np.ndarray) -> np.ndarray:
    return np.stack([np.arange(len(number)), _first_of(number)], axis=1)


def _several(component: np.ndarray) -> list[np.ndarray]:
    """Return the components of more than one member, by their first."""
    order = np.argsort(component, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(component[order])) + 1)
    return sorted((part for part in parts if len(part) > 1), key=lambda part: part[0])


def _leaks(
    rows: np.ndarray,
    file: np.ndarray,
    pixels: np.ndarray,
    *,
    train: np.ndarray,
    leaked: dict[str, list[int]],
) -> None:
    """Add to ``leaked`` the test rows of a group that has training images too."""
    known = train[rows]
    if not known.any():
        return
    for kind, number in ((SAME_FILE, file), (SAME_PIXELS, pixels), (NEAR, None)):
        same = ~train[rows] if number is None else ~train[rows] & np.isin(number, number[known])
        leaked[kind] += sorted(
            set(rows[same].tolist()) - {row for before in leaked.values() for row in before}
        )
