"""Datasets whose images are listed in files, with split and labels.

`read_lists` reads these files, `join_pictures` joins the list to the images.
"""

import logging
import posixpath
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from fourlenses.core.errors import UserError, printable
from fourlenses.data.archives.archives import members
from fourlenses.data.manifest.manifest import PREFIX, text_column
from fourlenses.data.manifest.skipped import Skipped
from fourlenses.data.sources.common.image_files import find_pictures, seeded_split

log = logging.getLogger(__name__)


def read_lists(
    name: str, definition: dict, raw_data: Path, *, key: str
) -> list[tuple[str | None, str, bytes]]:
    """Read the files that a key names: a single file, or one for train and one for test.

    Each is looked for in ``raw_data``, then inside the dataset's ``path``.

    Returns:
        Per file its split (None where there is a single file), its path for messages, its content.

    Raises:
        UserError: A file is absent.
    """
    value = definition[key]
    wanted: dict[str | None, str] = value if isinstance(value, dict) else {None: value}
    path = raw_data / definition["path"]
    contents = {}
    for file in wanted.values():
        for candidate in (raw_data / file, path / file):
            if file not in contents and candidate.is_file():
                contents[file] = (str(candidate), candidate.read_bytes())
    absent = set(wanted.values()) - set(contents)
    if absent and not path.is_dir():
        for member, data in members(path, name):
            for file in absent:
                if (member == file or member.endswith("/" + file)) and isinstance(data, bytes):
                    contents[file] = (f"{path}:{member}", data)
    for split, file in wanted.items():
        if file not in contents:
            raise UserError(
                f"config key 'datasets.{name}.{key}{'' if split is None else '.' + split}': there "
                f"is no '{file}' in {raw_data} or in {path}; put it there, or correct the key"
            )
    return [(split, *contents[file]) for split, file in wanted.items()]


def join_pictures(
    name: str, definition: dict, raw_data: Path, *, listed: pd.DataFrame
) -> pd.DataFrame:
    """Return the manifest of the listed images.

    A file that is listed but absent keeps its row, without a path: it is undecodable.

    Args:
        name: Of the dataset.
        definition: Its config entry.
        raw_data: Folder that relative paths start from.
        listed: Columns ``file`` (below ``path``, or below folders that hold everything), ``split``
            (None where it has to be drawn) and the label columns.

    Raises:
        UserError: A file is listed twice, none exists, or it is ambiguous which file is meant.
    """
    path = raw_data / definition["path"]
    listed = listed.copy()
    listed["id"] = text_column(posixpath.normpath(file.lstrip("/")) for file in listed["file"])
    repeated = listed["id"][listed["id"].duplicated()]
    if len(repeated):
        raise UserError(
            f"dataset '{name}': {len(repeated)} images are listed more than once, e.g. "
            f"'{printable(repeated.iloc[0])}'; keep one row, in one split, of each"
        )
    pictures, rows = _match(name, path, listed["id"])
    absent = sorted(set(range(len(listed))) - set(rows))
    if absent:
        log.warning(
            "%s lacks %d of the %d images listed, e.g. '%s'",
            path,
            len(absent),
            len(listed),
            printable(listed["id"].iloc[absent[0]]),
        )
    without_file = pd.DataFrame({"path": text_column([""] * len(absent)), "width": 0, "height": 0})
    manifest = pd.concat([pictures, without_file], ignore_index=True)
    if "earlier" in manifest:
        manifest["earlier"] = manifest["earlier"].fillna(0).astype(int)
    order = [*rows, *absent]
    for column in ("id", "split", *(column for column in listed if column.startswith(PREFIX))):
        manifest[column] = text_column(listed[column].iloc[row] for row in order)
    if manifest["split"].isna().any():
        manifest["split"] = seeded_split(list(manifest["id"]), definition)
    return manifest


def _match(name: str, path: Path, ids: pd.Series) -> tuple[pd.DataFrame, list[int]]:
    """Return the listed images that exist, in storage order, and the row of each in the list."""
    row_of = {file: row for row, file in enumerate(ids)}
    listed_as = _longest_ending(row_of)
    pictures = find_pictures(
        path, name, skipped=Skipped(), wanted=lambda member: listed_as(member) is not None
    )
    if pictures.empty:
        raise UserError(
            f"config key 'datasets.{name}.path': {path} holds none of the {len(ids)} images "
            f"listed, e.g. '{printable(ids.iloc[0])}'; point the key at the folder or archive that "
            "their paths start from"
        )
    files = [file for member in pictures["path"] if (file := listed_as(member)) is not None]
    prefixes = [
        member.removesuffix(file) for member, file in zip(pictures["path"], files, strict=True)
    ]
    around = sorted(set(prefixes))
    if around[0] == "":  # paths that match in full are meant; the others only end like them
        full = [prefix == "" for prefix in prefixes]
        pictures = pictures[full].reset_index(drop=True)
        files = [file for file, is_full in zip(files, full, strict=True) if is_full]
    elif len(around) > 1:
        raise UserError(
            f"config key 'datasets.{name}.path': the images listed are found below more than one "
            f"folder of {path} ('{printable(around[0])}' and '{printable(around[1])}'); point the "
            "key at the one that their paths start from"
        )
    return pictures, [row_of[file] for file in files]


def _longest_ending(listed: dict[str, int]) -> Callable[[str], str | None]:
    """Return a function of a path: the longest listed path that it ends in, or None."""

    def listed_as(member: str) -> str | None:
        while member not in listed:
            _, slash, member = member.partition("/")
            if not slash:
                return None
        return member

    return listed_as
