"""What goes onto the two pictures of a check: which classes, which of their images, which groups of copies."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from fourlenses.check.duplicates import NEAR, Duplicates, Group
from fourlenses.check.sheet_layout import contact_sheet, duplicates_panel
from fourlenses.check.survey import Survey, pictures
from fourlenses.core.errors import printable
from fourlenses.core.files import atomic
from fourlenses.core.randomness import mix, named_seed, string_ids
from fourlenses.data.manifest.manifest import Manifest, hierarchy_of, labels_of, rows_of

CLASSES = 24  # rows of the contact sheet
EXAMPLES = {"train": 6, "test": 3}  # of a class
GROUPS, COPIES = 24, 6  # rows of the panel of duplicates, and images in a row


@dataclass(frozen=True)
class Examples:
    """of: per class (sorted), per split the rows of its examples. all_classes: how many there are."""

    of: dict[str, dict[str, list[int]]]
    all_classes: int

    @property
    def rows(self) -> set[int]:
        return {row for splits in self.of.values() for rows in splits.values() for row in rows}


def choose_examples(manifest: Manifest, wanted: np.ndarray, seed: int) -> Examples:
    """Classes and images drawn by name and id among the ``wanted`` (bool (rows,)): the order of the rows has no say."""
    classes, labels = hierarchy_of(manifest).classes[-1], labels_of(manifest)
    chosen = sorted(
        np.argsort(mix(named_seed(seed, "check", "classes"), string_ids(classes)), kind="stable")[
            :CLASSES
        ].tolist()
    )
    of = {classes[label]: {} for label in chosen}
    for split, most in EXAMPLES.items():
        rows = rows_of(manifest, split)
        rows = rows[wanted[rows]]
        for label in chosen:
            its = rows[labels[rows] == label]
            ids = string_ids([manifest["id"][row] for row in its.tolist()])
            order = np.argsort(mix(named_seed(seed, "check", "examples"), ids), kind="stable")[
                :most
            ]
            of[classes[label]][split] = its[order].tolist()
    return Examples(of, len(classes))


def draw_contact_sheet(
    path: Path, name: str, report: dict, examples: Examples, seen: Survey
) -> None:
    finest, rows = report["levels"][-1], []
    for label, splits in examples.of.items():
        counts = finest["images"][label]
        shown = [[seen.pictures.get(row) for row in splits[split]] for split in EXAMPLES]
        rows.append(
            (printable(label), f"{counts['train']:,} train, {counts['test']:,} test", *shown)
        )
    which = (
        "all classes"
        if len(rows) == examples.all_classes
        else f"{len(rows)} of {examples.all_classes:,} classes, drawn by the seed"
    )
    title = f"{name}: {finest['train']['images']:,} training and {finest['test']['images']:,} test images, {examples.all_classes:,} classes"
    seed = report["settings"]["seed"]
    _save(
        contact_sheet(
            title,
            f"{which}; images drawn by the seed ({seed}); the centre square of each, as an encoder sees it",
            rows,
        ),
        path,
    )


def draw_duplicates(
    path: Path, name: str, manifest: Manifest, images: Callable, found: Duplicates
) -> None:
    """Groups with a leak first, then those with two labels, then the rest. The source is read once more for their images."""
    classes, labels = hierarchy_of(manifest).classes[-1], labels_of(manifest)
    leaking = {row for rows in found.leaked.values() for row in rows}
    order = sorted(
        range(len(found.groups)),
        key=lambda place: (
            leaking.isdisjoint(found.groups[place].rows),
            place not in found.relabelled,
            place,
        ),
    )[:GROUPS]
    groups = [found.groups[place] for place in order]
    thumbnails = (
        pictures(images(), {row for group in groups for row in group.rows[:COPIES]}, len(labels))
        if groups
        else {}
    )
    rows = []
    for place, group in zip(order, groups, strict=True):
        remarks = ["leaks"] * (not leaking.isdisjoint(group.rows)) + ["two labels"] * (
            place in found.relabelled
        )
        more = [f"{len(group.rows)} images, {COPIES} shown"] if len(group.rows) > COPIES else []
        members = [
            (thumbnails.get(row), manifest["split"][row], printable(classes[labels[row]]))
            for row in group.rows[:COPIES]
        ]
        rows.append((_likeness(group), "; ".join(remarks + more), members))
    title = (
        f"{name}: {len(found.groups):,} groups of copies"
        if groups
        else f"{name}: no copies were found"
    )
    note = f"{len(rows)} shown: those on both sides of the split first, then those with two labels; all are in duplicates.csv"
    _save(duplicates_panel(title, note if groups else "", rows), path)


def _likeness(group: Group) -> str:
    loosest = (
        NEAR
        if NEAR in group.likeness
        else group.likeness[-1]
        if len(set(group.likeness[1:])) == 1
        else "same pixels"
    )
    return f"{loosest}, {max(group.bits)} of 128 bits" if loosest == NEAR else loosest


def _save(picture: Image.Image, path: Path) -> None:
    with atomic(path) as temporary:
        picture.save(temporary, "PNG")
