"""Datasets whose images are named, with split and labels, in files beside them: finding those files, and joining the list to the images."""

import logging
import posixpath
from pathlib import Path

import pandas as pd

from fourlenses.core.errors import UserError, printable
from fourlenses.data.archives.archives import members
from fourlenses.data.manifest.manifest import PREFIX, text_column
from fourlenses.data.sources.common.image_files import find_pictures, seeded_split

log = logging.getLogger(__name__)


def read_lists(
    name: str, definition: dict, key: str, raw_data: Path
) -> list[tuple[str | None, str, bytes]]:
    """``(split, file, content)`` of every file named by a key: one (split None), or one for train and one for test. Each is looked for
    in ``raw_data``, then inside the dataset's ``path``."""
    wanted = definition[key]
    wanted = wanted if isinstance(wanted, dict) else {None: wanted}
    path = raw_data / definition["path"]
    found = {file: (raw_data / file) for file in wanted.values() if (raw_data / file).is_file()}
    found |= {
        file: (path / file)
        for file in wanted.values()
        if file not in found and (path / file).is_file()
    }
    contents = {file: (str(place), place.read_bytes()) for file, place in found.items()}
    if len(contents) < len(set(wanted.values())) and not path.is_dir():
        for member, data in members(path, name):
            for file in set(wanted.values()) - set(found):
                if (member == file or member.endswith("/" + file)) and isinstance(data, bytes):
                    contents[file] = (f"{path}:{member}", data)
    for split, file in wanted.items():
        if file not in contents:
            raise UserError(
                f"config key 'datasets.{name}.{key}{'' if split is None else '.' + split}': "
                f"there is no '{file}' in {raw_data} or in {path}; put it there, or correct the key"
            )
    return [(split, *contents[file]) for split, file in wanted.items()]


def join_pictures(
    name: str, definition: dict, raw_data: Path, listed: pd.DataFrame
) -> pd.DataFrame:
    """The manifest of what is listed. listed: ``file`` (below ``path``, or below folders that lie around all of it), ``split`` (None
    where it has to be drawn) and the label columns. A file that is listed but absent keeps its row, without a path: it is undecodable.

    Raises:
        UserError: a file is listed twice, none is there, or the paths leave open which file is meant.
    """
    path = raw_data / definition["path"]
    listed = listed.copy()
    listed["id"] = text_column(posixpath.normpath(file.lstrip("/")) for file in listed["file"])
    again = listed["id"].duplicated()
    if again.any():
        raise UserError(
            f"dataset '{name}': {again.sum()} images are listed more than once, e.g. '{printable(listed['id'][again].iloc[0])}'; "
            "keep one row, in one split, of each"
        )
    row_of = {file: row for row, file in enumerate(listed["id"])}

    def listed_as(member: str) -> str | None:
        """The listed path that a file ends in, the longest one."""
        while member not in row_of:
            _, slash, member = member.partition("/")
            if not slash:
                return None
        return member

    found = find_pictures(path, name, wanted=lambda member: listed_as(member) is not None)
    if found.empty:
        raise UserError(
            f"config key 'datasets.{name}.path': {path} holds none of the {len(listed)} images listed, "
            f"e.g. '{printable(listed['id'].iloc[0])}'; point the key at the folder or archive that their paths start from"
        )
    files = [listed_as(member) for member in found["path"]]
    prefixes = [
        member.removesuffix(file) for member, file in zip(found["path"], files, strict=True)
    ]
    around = sorted(set(prefixes))
    if around[0] == "":  # paths that hold as they are settle it; the rest only ends alike
        as_listed = [prefix == "" for prefix in prefixes]
        found, files = (
            found[as_listed].reset_index(drop=True),
            [file for file, keep in zip(files, as_listed, strict=True) if keep],
        )
    elif len(around) > 1:
        raise UserError(
            f"config key 'datasets.{name}.path': the images listed are found below more than one folder of {path} "
            f"('{printable(around[0])}' and '{printable(around[1])}'); point the key at the one that their paths start from"
        )
    rows = [row_of[file] for file in files]
    absent = sorted(set(range(len(listed))) - set(rows))
    if absent:
        example = printable(listed["id"].iloc[absent[0]])
        log.warning(
            "%s lacks %d of the %d images listed, e.g. '%s'",
            path,
            len(absent),
            len(listed),
            example,
        )
    gone = pd.DataFrame({"path": text_column([""] * len(absent)), "width": 0, "height": 0})
    manifest = pd.concat([found, gone], ignore_index=True)
    if "earlier" in manifest:
        manifest["earlier"] = manifest["earlier"].fillna(0).astype(int)
    order = [*rows, *absent]
    for column in ("id", "split", *(column for column in listed if column.startswith(PREFIX))):
        manifest[column] = text_column(listed[column].iloc[row] for row in order)
    if manifest["split"].isna().any():
        manifest["split"] = seeded_split(list(manifest["id"]), definition)
    return manifest
