"""Images that a config excludes from a dataset, by a list of ids.

The originals stay where they are, and the list says what was left out and can be published.
"""

import csv
import io
from pathlib import Path

import numpy as np
import pandas as pd

from fourlenses.core.errors import UserError, printable
from fourlenses.data.manifest.skipped import Skipped, with_skipped
from fourlenses.study.datasets import listed_files


def without_excluded(
    manifest: pd.DataFrame, name: str, definition: dict, *, raw_data: Path
) -> pd.DataFrame:
    """Return a manifest without the images that the files of the key ``exclude`` list.

    A file has an id a line, or is a CSV with a column ``id``. Of a `duplicates.csv` of
    `check_dataset` the leaks are excluded: its rows with ``leak`` = yes of the split that
    ``exclude_leaks_from`` names (train), and with ``exclude_copies`` all but the first training
    image of each group of copies. Of its `overlaps.csv` all are.

    Args:
        manifest: Of the dataset.
        name: Of the dataset.
        definition: Its config entry.
        raw_data: Folder that the path of the list starts from.

    Raises:
        UserError: There is no such list, or it lists no image of the dataset.
    """
    kept, skipped = np.ones(len(manifest), bool), Skipped()
    files = [raw_data / named for named in listed_files(definition)]
    for file in files:
        kept &= ~_hits(manifest, name, file, definition=definition, skipped=skipped)
    if not files:
        return manifest
    rest = manifest[kept].reset_index(drop=True)
    rest.attrs = dict(manifest.attrs)
    return with_skipped(rest, skipped, files[0].parent)


def _hits(
    manifest: pd.DataFrame, name: str, file: Path, *, definition: dict, skipped: Skipped
) -> np.ndarray:
    """Return bool (rows,): which images one file lists; count them."""
    key = f"config key 'datasets.{name}.exclude'"
    side, copies = (definition.get(f"exclude_{name}") for name in ("leaks_from", "copies"))
    listed = _ids(key, file, side=side or "train", copies=bool(copies))
    hit = manifest["id"].isin(listed)
    unknown = sorted(listed - set(manifest["id"][hit]))
    if listed and not hit.any():
        raise UserError(
            f"{key}: none of the {len(listed)} ids of {file} is an image of the dataset, e.g. "
            f"'{printable(unknown[0])}'; an id is the path below the dataset's folder, as "
            "duplicates.csv and undecodable.csv of its check have it"
        )
    skipped.add_all(f"excluded by {file.name}", manifest["id"][hit], image=False)
    skipped.add_all(f"listed in {file.name}, but not there to be excluded", unknown, image=True)
    return hit.to_numpy()


def _ids(key: str, file: Path, *, side: str, copies: bool) -> set[str]:
    """Return the ids of a list.

    Args:
        side: the split of which leaks are excluded.
        copies: whether copies within the training images are excluded too.
    """
    if file.parent.name == "check" and file.name in ("duplicates.csv", "overlaps.csv"):
        raise UserError(
            f"{key} names {file}, which the next check writes again, without what is excluded by "
            "then; copy it to another folder and name the copy"
        )
    try:
        text = file.read_bytes().decode("utf-8-sig", "surrogateescape")
    except OSError as error:
        raise UserError(
            f"{key}: {file} cannot be read ({error.strerror}); put the list there, or correct the "
            "key: it starts from raw_data"
        ) from error
    rows = [row for row in csv.reader(io.StringIO(text, newline="")) if any(row)]
    header = rows[0] if rows else []
    if "id" not in header:
        return {line.strip("\r") for line in text.split("\n") if line.strip()}
    named = [dict(zip(header, row, strict=False)) for row in rows[1:]]
    if {"leak", "split"} <= set(header):
        leaks = [row for row in named if row["leak"] == "yes" and row["split"] == side]
        named = leaks + (_copies(named, {row["id"] for row in leaks}) if copies else [])
    return {row["id"] for row in named if row.get("id")}


def _copies(named: list[dict[str, str]], left_out: set[str]) -> list[dict[str, str]]:
    """Return the training images of duplicates.csv that are copies of one that stays."""
    copies, groups = [], set[str]()
    for row in named:
        if row["split"] == "train" and row["id"] not in left_out:
            group = row.get("group", row["id"])
            if group in groups:
                copies.append(row)
            groups.add(group)
    return copies
