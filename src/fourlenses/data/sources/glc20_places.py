"""Coordinates of the images of GeoLifeCLEF, from its tables of occurrences.

These are CSV files, or annotations in COCO's form (JSON).
"""

import csv
import json
from pathlib import Path

import pandas as pd

from fourlenses.core.errors import UserError

ID, LATITUDE, LONGITUDE = ("id", "observation_id"), ("lat", "latitude"), ("lon", "longitude")
TYPES = {"id": "int64", "latitude": "float64", "longitude": "float64"}


def places(name: str, raw_data: Path, folder: Path, *, files: str | list[str]) -> pd.DataFrame:
    """Return the coordinates of the images, by the image's number: the union of some files.

    A file is looked for in ``raw_data``, then in the dataset's folder. Of an image that several
    files name, the first coordinates count.

    Args:
        name: Of the dataset, for errors.
        raw_data: Folder that relative paths start from.
        folder: Of the dataset.
        files: Names of the tables of occurrences.

    Returns:
        Columns latitude and longitude, float64, degrees north and east; NaN where unknown.

    Raises:
        UserError: A file is absent, cannot be read, or no file has any coordinates.
    """
    key = f"config key 'datasets.{name}.occurrences'"
    tables = []
    for file in [files] if isinstance(files, str) else files:
        candidates = (raw_data / file, folder / file)
        path = next((candidate for candidate in candidates if candidate.is_file()), None)
        if path is None:
            raise UserError(
                f"{key}: there is no file {file} in {raw_data} or in {folder}; put it there or "
                "correct the key"
            )
        tables.append(_from_json(key, path) if path.suffix == ".json" else _from_csv(key, path))
    table = pd.concat(tables).groupby("id").first()
    outside = ~(table["latitude"].between(-90, 90) & table["longitude"].between(-180, 180))
    table.loc[outside, ["latitude", "longitude"]] = float("nan")
    if outside.all():
        raise UserError(
            f"{key}: none of the {len(table)} images has coordinates (degrees north and east); the "
            "split needs them: add the table of occurrences to the list"
        )
    return table


def _from_csv(key: str, path: Path) -> pd.DataFrame:
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            header = next(csv.reader(file, delimiter=";"), [])
        columns = {}
        for column, known in (("id", ID), ("latitude", LATITUDE), ("longitude", LONGITUDE)):
            heading = next((entry for entry in header if entry.strip().lower() in known), None)
            if heading is None:
                raise UserError(
                    f"{key}: {path} has no column {' or '.join(known)} (separated by ';'); its "
                    f"columns: {', '.join(header) or 'none'}"
                )
            columns[heading] = column
        table = pd.read_csv(path, sep=";", usecols=list(columns), encoding="utf-8-sig")
        return table.rename(columns=columns).astype(TYPES)[list(TYPES)]
    except UserError:
        raise
    # not a table, not UTF-8, or a word where a number should be
    except (OSError, ValueError, csv.Error) as error:
        raise UserError(
            f"{key}: {path} cannot be read as a table of numbers separated by ';': {error}"
        ) from error


def _from_json(key: str, path: Path) -> pd.DataFrame:
    try:
        with open(path, encoding="utf-8") as file:
            tree = json.load(file, object_hook=_small)
        rows = [row for row in tree["images"] if row is not None]
        return pd.DataFrame(rows, columns=list(TYPES)).astype(TYPES)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise UserError(
            f"{key}: {path} cannot be read as annotations in COCO's form, with a list 'images' of "
            f"entries with 'file_name' ({type(error).__name__}: {error})"
        ) from error


def _small(entry: dict) -> dict | tuple | None:
    """Reduce an entry of the JSON, which has two million of them, while it is parsed.

    Returns:
        Number, latitude and longitude of an image; None for annotations and images of France; the
        outermost entry as it is.
    """
    if "images" in entry:
        return entry
    if "file_name" not in entry or str(entry.get("country", "us")).lower() != "us":
        return None
    number = entry["file_name"].rpartition("/")[2].partition(".")[0].partition("_")[0]
    latitude, longitude = (
        next((entry[field] for field in fields if field in entry), None)
        for fields in (LATITUDE, LONGITUDE)
    )
    return int(number), latitude, longitude
