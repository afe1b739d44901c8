"""What is known of a study's images: the sidecars of its betons, and a copy kept with its results.

Data is not committed and results are, so a clone knows by the copy (`layout.IMAGES`) what the
numbers were made from. It is written with the report, where data is there.
"""

from pathlib import Path
from typing import Any

from fourlenses.core.files import write_json
from fourlenses.data.beton.sidecar import undecodable_of
from fourlenses.report.gaps import Gap, optional_json
from fourlenses.study.layout import IMAGES

KEPT = ("stored_size", "images", "levels", "classes", "content_sha256")
Record = dict[str, Any]


def read(
    data: Path, results: Path, *, datasets: set[str], sizes: set[str], gaps: list[Gap]
) -> list[Record]:
    """Return a record for each beton of some datasets, ordered by dataset and variant.

    Args:
        data: the datasets' folder.
        results: the study's folder; its copy counts for datasets without a sidecar.
        datasets: their names.
        sizes: stored sizes that count, all where empty.
        gaps: what is damaged is added.
    """
    found = [
        record
        for dataset in sorted(datasets)
        for sidecar in _sidecars(_inside(data, dataset), sizes)
        if (record := _record(dataset, sidecar.stem, optional_json(sidecar, gaps, None)))
    ]
    described = {record["dataset"] for record in found}
    copy = optional_json(results / IMAGES, gaps, None) if (results / IMAGES).is_file() else None
    kept = [
        record
        for entry in (copy if isinstance(copy, list) else [])
        if isinstance(entry, dict)
        and entry.get("dataset") in datasets - described
        and (record := _record(entry["dataset"], str(entry.get("variant")), entry))
    ]
    return sorted([*found, *kept], key=lambda record: (record["dataset"], record["variant"]))


def keep(records: list[Record], results: Path) -> None:
    """Write the copy, unless it has these records already."""
    if records and optional_json(results / IMAGES, [], None) != records:
        write_json(results / IMAGES, records)


def _record(dataset: str, variant: str, entry: object) -> Record | None:
    """What the report shows of a sidecar; None of what is none."""
    if not isinstance(entry, dict) or "content_sha256" not in entry:
        return None
    known = {key: entry[key] for key in KEPT if key in entry}
    images = [image for image in undecodable_of(entry) if isinstance(image, dict)]
    return {"dataset": dataset, "variant": variant, **known, "undecodable": images}


def _sidecars(folder: Path, sizes: set[str]) -> list[Path]:
    """The sidecars of a dataset, of some stored sizes or of all."""
    folders = sorted(
        path for path in folder.glob("*px") if not sizes or path.name.removesuffix("px") in sizes
    )
    return [file for path in folders for file in sorted(path.glob("*.json"))]


def _inside(data: Path, dataset: str) -> Path:
    """The dataset's folder; a name that is no plain file name leads nowhere."""
    return data / dataset if dataset == Path(dataset).name else data / "none" / "none"
