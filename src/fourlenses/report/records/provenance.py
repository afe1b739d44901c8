"""Where the numbers come from: the config, the software, the images, and the table's own hash."""

import hashlib
from collections import Counter
from pathlib import Path

import yaml

from fourlenses.report.gaps import Gap, optional_json
from fourlenses.report.records import image_records
from fourlenses.report.records.external import external_encoders
from fourlenses.report.records.image_records import Record
from fourlenses.report.tables import Table
from fourlenses.study import names
from fourlenses.study.layout import STUDY

COLUMNS = [
    "dataset",
    "variant",
    "px",
    "train",
    "test",
    "labels",
    "undecodable",
    "sha256",
    "as used",
]
UNKNOWN = "–"

Beton = tuple[str, str]  # dataset, file name


def read_provenance(
    metrics: Path, results: Path, data: Path, *, datasets: set[str], runs: list[dict]
) -> dict:
    """Return where a study's numbers come from.

    Args:
        metrics: the study's table.
        results: the study's folder.
        data: the datasets' folder.
        datasets: the names that the table has, as target or pretrained on.
        runs: as from `read_runs`.
    """
    gaps: list[Gap] = []
    command = f"snakemake results/{results.resolve().name}/{STUDY}"
    study = optional_json(results / STUDY, gaps, command)
    config = study.get("config") if isinstance(study, dict) else None
    settings = [_dict(run["record"].get("settings")) for run in runs]
    sizes = {str(setting["stored_size"]) for setting in settings if setting.get("stored_size")}
    if isinstance(config, dict) and "stored_size" in config:
        entries = _dict(config.get("encoders")).values()
        external = {str(_dict(entry).get("stored_size")) for entry in entries}
        sizes = {str(config["stored_size"]), *external}
    records = image_records.read(data, results, datasets=datasets, sizes=sizes, gaps=gaps)
    images = _images(records, datasets, used=_used(runs), gaps=gaps)
    if not runs:
        absent = "Versions and commit are not known: they stand in the records of pretraining runs"
        gaps.append(Gap(absent, "snakemake pretrain_all"))
    return {
        "config": _yaml(config) if config else None,
        "software": _software(runs),
        "images": images,
        "image_records": records,
        "external": external_encoders(runs),
        "metrics_sha256": hashlib.sha256(metrics.read_bytes()).hexdigest(),
        "gaps": gaps,
    }


def _yaml(config: object) -> str:
    return yaml.safe_dump(
        config, sort_keys=True, allow_unicode=True, default_flow_style=None, width=120
    )


def _dict(value: object) -> dict:
    """The value of a record that anyone may have written, where it is of the right kind."""
    return value if isinstance(value, dict) else {}


def _software(runs: list[dict]) -> list[tuple[str, list[tuple[str, int]]]]:
    """Of each of commit, device and versions, the values and in how many runs they are."""
    counters: dict[str, Counter] = {}
    for run in runs:
        record = run["record"]
        named = {"git commit": record.get("git_commit"), "device": record.get("device")}
        for name, value in {**named, **_dict(record.get("versions"))}.items():
            counters.setdefault(str(name), Counter())[str(value or "not known")] += 1
    return [
        (name, sorted(counts.items(), key=lambda item: (-item[1], item[0])))
        for name, counts in counters.items()
    ]


def _used(runs: list[dict]) -> dict[Beton, set[str]]:
    """Of each (dataset, beton's file name), the hashes that runs were pretrained on."""
    used: dict[Beton, set[str]] = {}
    for run in runs:
        parts = run["record"].get("datasets")
        for part in parts if isinstance(parts, list) else []:
            if isinstance(part, dict) and part.get("beton_sha256"):
                used.setdefault((str(part.get("dataset")), str(part.get("beton"))), set()).add(
                    str(part["beton_sha256"])
                )
    return used


def _images(
    records: list[Record], datasets: set[str], *, used: dict[Beton, set[str]], gaps: list[Gap]
) -> dict:
    """``table``: a row per beton that has a sidecar or was pretrained on; ``undecodable``: what was
    left out, and why."""
    rows, undecodable, described = [], [], set()
    for record in records:
        dataset, variant = record["dataset"], record["variant"]
        beton = (dataset, f"{variant}.beton")
        described.add(beton)
        rows.append([dataset, variant, *_counts(record, used.get(beton, set()))])
        undecodable += [
            (dataset, str(image.get("path", image.get("id"))), str(image.get("reason", "")))
            for image in record["undecodable"]
        ]
    for (dataset, name), hashes in sorted(used.items()):
        if (dataset, name) not in described:
            start = [dataset, Path(name).stem, *[UNKNOWN] * 5]
            rows += [[*start, _short(sha256), UNKNOWN] for sha256 in sorted(hashes)]
    without = sorted(datasets - {dataset for dataset, _ in described})
    if without:
        absent = f"Counts and undecodable images of {', '.join(without)} are not known"
        why = "as neither the sidecars of their betons nor images.json is there"
        gaps.append(Gap(f"{absent}, {why}", "snakemake betons"))
    return {"table": Table.of(COLUMNS, rows) if rows else None, "undecodable": undecodable}


def _counts(record: dict, used: set[str]) -> list[str]:
    """The cells of a row after dataset and variant. used: hashes that runs were pretrained on."""
    dataset = str(record.get("dataset"))
    images, levels = _dict(record.get("images")), _dict(record.get("levels"))
    counts = [images.get(split, 0) for split in ("train", "test")]
    known = [(count, name) for name, count in levels.items() if isinstance(count, int)]
    # from coarse to fine; the file has them by name
    labels = ", ".join(f"{count} {names.level(dataset, name)}" for count, name in sorted(known))
    sha256 = str(record["content_sha256"])
    agrees = ("yes" if used == {sha256} else "no") if used else UNKNOWN
    return [
        str(record.get("stored_size", UNKNOWN)),
        *(f"{count:,}" if isinstance(count, int) else UNKNOWN for count in counts),
        labels or str(record.get("classes", UNKNOWN)),
        str(len(record["undecodable"])),
        _short(sha256),
        agrees,
    ]


def _short(sha256: object) -> str:
    return str(sha256)[:12]
