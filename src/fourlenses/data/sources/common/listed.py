"""Datasets whose images are listed in files, with split and labels.

`read_lists` reads these files, `join_pictures` joins the list to the images.
"""

import logging
from collections import Counter
from pathlib import Path

import pandas as pd

from fourlenses.core.errors import UserError, printable
from fourlenses.data.archives.archives import members
from fourlenses.data.manifest.manifest import PREFIX, text_column
from fourlenses.data.manifest.skipped import Skipped, with_skipped
from fourlenses.data.sources.common.image_files import composed, find_pictures, seeded_split
from fourlenses.data.sources.common.listed_paths import Listed, tidy

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
    listed["id"] = text_column(composed(tidy(file)) for file in listed["file"])
    repeated = listed["id"][listed["id"].duplicated()]
    if len(repeated):
        raise UserError(
            f"dataset '{name}': {len(repeated)} images are listed more than once, e.g. "
            f"'{printable(repeated.iloc[0])}'; keep one row, in one split, of each"
        )
    skipped = Skipped()
    pictures, rows = _match(name, path, list(listed["file"]), skipped=skipped)
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
    return with_skipped(manifest, skipped, path)


def _match(
    name: str, path: Path, files: list[str], *, skipped: Skipped
) -> tuple[pd.DataFrame, list[int]]:
    """Return the listed images that exist, in storage order, and the row of each in the list."""
    listed = Listed(files)
    pictures = find_pictures(
        path, name, skipped=skipped, wanted=lambda member: listed.find(member) is not None
    )
    if pictures.empty:
        raise UserError(
            f"config key 'datasets.{name}.path': {path} holds none of the {len(files)} images "
            f"listed, e.g. '{printable(files[0])}'; point the key at the folder or archive that "
            "their paths start from"
        )
    found = [listed.find(member) for member in pictures["path"]]
    exact = {match.row for match in found if match and match.exact}
    times = Counter(match.row for match in found if match)
    kept = [
        match is not None and (match.exact or (match.row not in exact and times[match.row] == 1))
        for match in found
    ]
    pictures = pictures[kept].reset_index(drop=True)
    matches = [match for match, keep in zip(found, kept, strict=True) if keep and match]
    around = sorted({match.around for match in matches})
    if (
        around and around[0] == ""
    ):  # paths that match in full are meant; the others only end like them
        full = [match.around == "" for match in matches]
        pictures = pictures[full].reset_index(drop=True)
        matches = [match for match in matches if match.around == ""]
    elif len(around) > 1:
        raise UserError(
            f"config key 'datasets.{name}.path': the images listed are found below more than one "
            f"folder of {path} ('{printable(around[0])}' and '{printable(around[1])}'); point the "
            "key at the one that their paths start from"
        )
    loose = [match.row for match in matches if not match.exact]
    if loose:
        log.warning(
            "%s: %d images listed are there under names that differ in capitals, slashes, Unicode "
            "form or the folders around them, e.g. '%s'",
            path,
            len(loose),
            printable(files[loose[0]]),
        )
    return pictures, [match.row for match in matches]
