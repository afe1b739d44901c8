"""Where the images of GeoLifeCLEF were taken: the tables of occurrences (CSV) and the annotations in COCO's form (JSON)."""

import csv
import json
from pathlib import Path

import pandas as pd

from fourlenses.core.errors import UserError

ID, LATITUDE, LONGITUDE = ("id", "observation_id"), ("lat", "latitude"), ("lon", "longitude")


def places(name: str, raw_data: Path, folder: Path, files: str | list[str]) -> pd.DataFrame:
    """Latitude and longitude in degrees (float64, NaN where no file says them) by the image's number: the union of the files.

    A file is looked for in ``raw_data``, then in the dataset's folder. Of an image that several files name, the first coordinates count.

    Raises:
        UserError: a file is absent, cannot be read, or no file has any coordinates.
    """
    key = f"config key 'datasets.{name}.occurrences'"
    tables = []
    for file in [files] if isinstance(files, str) else files:
        path = next(
            (place / file for place in (raw_data, folder) if (place / file).is_file()), None
        )
        if path is None:
            raise UserError(
                f"{key}: there is no file {file} in {raw_data} or in {folder}; put it there or correct the key"
            )
        tables.append(_from_json(key, path) if path.suffix == ".json" else _from_csv(key, path))
    table = pd.concat(tables).groupby("id").first()
    outside = ~(table["latitude"].between(-90, 90) & table["longitude"].between(-180, 180))
    table.loc[outside, ["latitude", "longitude"]] = float("nan")
    if outside.all():
        raise UserError(
            f"{key}: none of the {len(table)} images has coordinates (degrees north and east); the split needs them: "
            "add the table of occurrences to the list"
        )
    return table


def _from_csv(key: str, path: Path) -> pd.DataFrame:
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            header = next(csv.reader(file, delimiter=";"), [])
        columns = {}
        for column, known in (("id", ID), ("latitude", LATITUDE), ("longitude", LONGITUDE)):
            found = next((entry for entry in header if entry.strip().lower() in known), None)
            if found is None:
                raise UserError(
                    f"{key}: {path} has no column {' or '.join(known)} (separated by ';'); its columns: {', '.join(header) or 'none'}"
                )
            columns[found] = column
        table = pd.read_csv(path, sep=";", usecols=list(columns), encoding="utf-8-sig").rename(
            columns=columns
        )
        return table.astype({"id": "int64", "latitude": "float64", "longitude": "float64"})[
            ["id", "latitude", "longitude"]
        ]
    except UserError:
        raise
    except (
        OSError,
        ValueError,
        csv.Error,
    ) as error:  # not a table, not UTF-8, or a word where a number should be
        raise UserError(
            f"{key}: {path} cannot be read as a table of numbers separated by ';': {error}"
        ) from error


def _from_json(key: str, path: Path) -> pd.DataFrame:
    try:
        with open(path, encoding="utf-8") as file:
            tree = json.load(file, object_hook=_small)
        rows = [row for row in tree["images"] if row is not None]
        return pd.DataFrame(rows, columns=["id", "latitude", "longitude"]).astype(
            {"id": "int64", "latitude": "float64", "longitude": "float64"}
        )
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise UserError(
            f"{key}: {path} cannot be read as annotations in COCO's form, with a list 'images' of entries with 'file_name' "
            f"({type(error).__name__}: {error})"
        ) from error


def _small(entry: dict) -> dict | tuple | None:
    """Of an image only (number, latitude, longitude), of the annotations and of France nothing: the file has two million entries."""
    if "images" in entry:
        return entry
    if "file_name" not in entry or str(entry.get("country", "us")).lower() != "us":
        return None
    number = entry["file_name"].rpartition("/")[2].partition(".")[0].partition("_")[0]
    return (
        int(number),
        *(
            next((entry[field] for field in fields if field in entry), None)
            for fields in (LATITUDE, LONGITUDE)
        ),
    )
