"""Where the numbers come from: the config, the software, the images, and the table's own hash."""

import hashlib
from collections import Counter
from pathlib import Path

import yaml

from fourlenses.report.gaps import Gap, optional_json
from fourlenses.report.tables import Table
from fourlenses.study.layout import STUDY


def read_provenance(
    metrics: Path, results: Path, data: Path, datasets: set[str], runs: list[dict]
) -> dict:
    """``datasets``: the names that the table has, as target or pretrained on. ``runs``: as from `read_runs`."""
    gaps: list[Gap] = []
    command = f"snakemake results/{results.resolve().name}/{STUDY}"
    study = optional_json(results / STUDY, gaps, command)
    config = study.get("config") if isinstance(study, dict) else None
    sizes = {
        str(run["record"].get("settings", {}).get("stored_size"))
        for run in runs
        if isinstance(run["record"].get("settings"), dict)
    }
    if isinstance(config, dict) and "stored_size" in config:
        sizes = {str(config["stored_size"])}
    used = _used(runs)
    images = _images(data, datasets, sizes - {"None"}, used, gaps)
    if not runs:
        gaps.append(
            Gap(
                "Versions and commit are not known: they stand in the records of pretraining runs",
                "snakemake pretrain_all",
            )
        )
    return {
        "config": yaml.safe_dump(
            config, sort_keys=True, allow_unicode=True, default_flow_style=None, width=120
        )
        if config
        else None,
        "software": _software(runs),
        "images": images,
        "metrics_sha256": hashlib.sha256(metrics.read_bytes()).hexdigest(),
        "gaps": gaps,
    }


def _software(runs: list[dict]) -> list[tuple[str, list[tuple[str, int]]]]:
    """Of each of commit, device and versions, the values found and in how many runs."""
    found: dict[str, Counter] = {}
    for run in runs:
        versions = run["record"].get("versions")
        said = {
            "git commit": run["record"].get("git_commit"),
            "device": run["record"].get("device"),
        }
        for name, value in {**said, **(versions if isinstance(versions, dict) else {})}.items():
            found.setdefault(str(name), Counter())[str(value or "not known")] += 1
    return [
        (name, sorted(counts.items(), key=lambda item: (-item[1], item[0])))
        for name, counts in found.items()
    ]


def _used(runs: list[dict]) -> dict[tuple[str, str], set[str]]:
    """Of each (dataset, beton's file name), the hashes that runs were pretrained on."""
    used: dict[tuple[str, str], set[str]] = {}
    for run in runs:
        parts = run["record"].get("datasets")
        for part in parts if isinstance(parts, list) else []:
            if isinstance(part, dict) and part.get("beton_sha256"):
                used.setdefault((str(part.get("dataset")), str(part.get("beton"))), set()).add(
                    str(part["beton_sha256"])
                )
    return used


def _images(
    data: Path,
    datasets: set[str],
    sizes: set[str],
    used: dict[tuple[str, str], set[str]],
    gaps: list[Gap],
) -> dict:
    """``table``: a row per beton that has a sidecar or was pretrained on; ``quarantined``: what was left out, and why."""
    rows, quarantined, seen = [], [], set()
    for dataset in sorted(datasets):
        folders = sorted(
            path
            for path in _inside(data, dataset).glob("*px")
            if not sizes or path.name.removesuffix("px") in sizes
        )
        for sidecar in [file for folder in folders for file in sorted(folder.glob("*.json"))]:
            record = optional_json(sidecar, gaps, None)
            if not isinstance(record, dict) or "content_sha256" not in record:
                continue
            key = (dataset, f"{sidecar.stem}.beton")
            seen.add(key)
            images, levels = (
                record.get(name) if isinstance(record.get(name), dict) else {}
                for name in ("images", "levels")
            )
            left_out = (
                record.get("quarantined") if isinstance(record.get("quarantined"), list) else []
            )
            quarantined += [
                (dataset, str(one.get("path", one.get("id"))), str(one.get("reason", "")))
                for one in left_out
                if isinstance(one, dict)
            ]
            hashes = used.get(key, set())
            agrees = (
                "–" if not hashes else "yes" if hashes == {str(record["content_sha256"])} else "no"
            )
            counts = [
                f"{images.get(split, 0):,}" if isinstance(images.get(split, 0), int) else "–"
                for split in ("train", "test")
            ]
            level_text = ", ".join(f"{count} {name}" for name, count in levels.items()) or str(
                record.get("classes", "–")
            )
            size = str(record.get("stored_size", "–"))
            rows.append(
                [
                    dataset,
                    sidecar.stem,
                    size,
                    *counts,
                    level_text,
                    str(len(left_out)),
                    _short(record["content_sha256"]),
                    agrees,
                ]
            )
    for (dataset, beton), hashes in sorted(used.items()):
        if (dataset, beton) not in seen:
            rows += [
                [dataset, Path(beton).stem, "–", "–", "–", "–", "–", _short(sha256), "–"]
                for sha256 in sorted(hashes)
            ]
    columns = [
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
    without = sorted(datasets - {dataset for dataset, _ in seen})
    if without:
        gaps.append(
            Gap(
                f"Counts and undecodable images of {', '.join(without)} are not known, as the sidecars of their betons are not there",
                "snakemake betons",
            )
        )
    return {"table": Table.of(columns, rows) if rows else None, "quarantined": quarantined}


def _inside(data: Path, dataset: str) -> Path:
    """The dataset's folder; a name that is no plain file name leads nowhere."""
    return data / dataset if dataset == Path(dataset).name else data / "none" / "none"


def _short(sha256: object) -> str:
    return str(sha256)[:12]
