"""Contents of the two pictures of a check: classes and examples, and groups of copies."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from fourlenses.check.duplicates import NEAR, SAME_PIXELS, Duplicates, Group
from fourlenses.check.sheet_layout import contact_sheet, duplicates_panel
from fourlenses.check.survey import pictures_of
from fourlenses.core.errors import printable
from fourlenses.core.files import atomic
from fourlenses.core.randomness import mix, named_seed, string_ids
from fourlenses.data.images.content import LazyImage
from fourlenses.data.manifest.manifest import Manifest, hierarchy_of, labels_of, rows_of

CLASSES = 24  # rows of the contact sheet
EXAMPLES = {"train": 6, "test": 3}  # of a class
GROUPS, COPIES = 24, 6  # rows of the panel of duplicates, and images in a row


@dataclass(frozen=True)
class Examples:
    """Examples of some classes.

    Attributes:
        of: Per class (sorted) and split, the rows of its examples.
        all_classes: Number of classes of the dataset.
    """

    of: dict[str, dict[str, list[int]]]
    all_classes: int

    @property
    def rows(self) -> set[int]:
        return {row for splits in self.of.values() for rows in splits.values() for row in rows}


def choose_examples(manifest: Manifest, wanted: np.ndarray, seed: int) -> Examples:
    """Draw classes and images by name and id, whatever the order of rows.

    Args:
        manifest: Of the dataset.
        wanted: bool (rows,): images to draw from.
        seed: Of the draw.
    """
    classes, labels = hierarchy_of(manifest).classes[-1], labels_of(manifest)
    keys = mix(named_seed(seed, "check", "classes"), string_ids(classes))
    chosen = sorted(np.argsort(keys, kind="stable")[:CLASSES].tolist())
    of: dict[str, dict[str, list[int]]] = {classes[label]: {} for label in chosen}
    for split, most in EXAMPLES.items():
        rows = rows_of(manifest, split)
        rows = rows[wanted[rows]]
        for label in chosen:
            members = rows[labels[rows] == label]
            ids = string_ids([manifest["id"][row] for row in members.tolist()])
            order = np.argsort(mix(named_seed(seed, "check", "examples"), ids), kind="stable")
            of[classes[label]][split] = members[order[:most]].tolist()
    return Examples(of, len(classes))


def draw_contact_sheet(
    path: Path,
    name: str,
    report: dict,
    *,
    examples: Examples,
    pictures: dict[int, Image.Image],
) -> None:
    """Draw examples of the classes, with the number of images of each."""
    finest, rows = report["levels"][-1], []
    for label, splits in examples.of.items():
        counts = finest["images"][label]
        line = f"{counts['train']:,} train, {counts['test']:,} test"
        train, test = ([pictures.get(row) for row in splits[split]] for split in ("train", "test"))
        rows.append((printable(label), line, train, test))
    which = (
        "all classes"
        if len(rows) == examples.all_classes
        else f"{len(rows)} of {examples.all_classes:,} classes, drawn by the seed"
    )
    title = (
        f"{name}: {finest['train']['images']:,} training and {finest['test']['images']:,} test "
        f"images, {examples.all_classes:,} classes"
    )
    note = (
        f"{which}; images drawn by the seed ({report['settings']['seed']}); the centre square of "
        "each"
    )
    _save(contact_sheet(title, note, rows), path)


def draw_duplicates(
    path: Path,
    name: str,
    manifest: Manifest,
    *,
    images: Callable[[], Iterable[LazyImage]],
    duplicates: Duplicates,
) -> None:
    """Draw groups of copies: those with a leak first, then those with two labels, then the rest.

    The source is read once more for their images.
    """
    classes, labels = hierarchy_of(manifest).classes[-1], labels_of(manifest)
    leaking = {row for rows in duplicates.leaked.values() for row in rows}

    def urgency(number: int) -> tuple[bool, bool, int]:
        no_leak = leaking.isdisjoint(duplicates.groups[number].rows)
        return no_leak, number not in duplicates.relabelled, number

    order = sorted(range(len(duplicates.groups)), key=urgency)[:GROUPS]
    groups = [duplicates.groups[number] for number in order]
    wanted = {row for group in groups for row in group.rows[:COPIES]}
    thumbnails = pictures_of(images(), wanted, len(labels)) if groups else {}
    rows = []
    for number, group in zip(order, groups, strict=True):
        remarks = [] if leaking.isdisjoint(group.rows) else ["leaks"]
        remarks += ["two labels"] if number in duplicates.relabelled else []
        more = [f"{len(group.rows)} images, {COPIES} shown"] if len(group.rows) > COPIES else []
        members = [
            (thumbnails.get(row), manifest["split"][row], printable(classes[labels[row]]))
            for row in group.rows[:COPIES]
        ]
        rows.append((_likeness(group), "; ".join(remarks + more), members))
    title = (
        f"{name}: {len(duplicates.groups):,} groups of copies"
        if groups
        else f"{name}: no copies were found"
    )
    note = (
        f"{len(rows)} shown: those on both sides of the split first, then those with two labels; "
        "all are in duplicates.csv"
    )
    _save(duplicates_panel(title, note if groups else "", rows), path)


def _likeness(group: Group) -> str:
    if NEAR in group.likeness:
        return f"{NEAR}, {max(group.bits)} of 128 bits"
    return group.likeness[-1] if len(set(group.likeness[1:])) == 1 else SAME_PIXELS


def _save(picture: Image.Image, path: Path) -> None:
    with atomic(path) as temporary:
        picture.save(temporary, "PNG")
