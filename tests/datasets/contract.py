"""The contract of every dataset, as tests call it; `make new-dataset` writes such a test."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from fourlenses.check.survey import survey
from fourlenses.config.check import check_config
from fourlenses.data.manifest.manifest import (
    hierarchy_of,
    labels_of,
    read_manifest,
    rows_of,
    write_manifest,
)
from fourlenses.data.sources import source_of
from tests.config.test_check import merged

ROOT = Path(__file__).parents[2]
SAMPLE = 50  # images


def study_config(name: str) -> dict:
    """The config of studies/<name>.yaml, checked."""
    file = ROOT / "studies" / f"{name}.yaml"
    config = merged(yaml.safe_load(file.read_text()))
    check_config(config, ROOT / "schemas" / "config.schema.yaml", [ROOT / "config.yaml", file])
    return config


def study_or_skip(name: str) -> dict:
    """The config of studies/<name>.yaml, checked; the test is skipped where the images are not."""
    config = study_config(name)
    images = ROOT / config["raw_data"] / config["datasets"][name].get("path", "")
    if not images.exists():
        where = f"raw_data and path of studies/{name}.yaml"
        pytest.skip(f"the images of {name} are not here: {images} ({where})")
    return config


def check_contract(name: str, config: dict, folder: Path, *, rows: Path | None = None) -> None:
    """Index the dataset twice, and decode some of its images.

    Args:
        name: of the dataset.
        config: of a study with it.
        folder: for files of the check.
        rows: for source `manifest`, the list of images; None: its program makes one.
    """
    definition, raw_data = dict(config["datasets"][name]), ROOT / config["raw_data"]
    if definition["source"] == "manifest":
        rows = rows or _make_rows(name, raw_data, definition["path"], folder=folder)
        definition["manifest"] = str(rows)
    source = source_of(definition)
    table = source.index(name, definition, raw_data)
    again = source.index(name, definition, raw_data)
    assert again.equals(table), "indexing twice gives two manifests"
    write_manifest(table, folder / "manifest.parquet")  # which checks it too

    manifest = read_manifest(folder / "manifest.parquet")
    hierarchy, labels = hierarchy_of(manifest), labels_of(manifest)
    assert hierarchy.num_classes >= 2
    assert all(len(rows_of(manifest, split)) > 0 for split in ("train", "test"))
    assert len(labels) == len(manifest["path"])
    assert labels.max() + 1 == hierarchy.num_classes

    sample = np.zeros(len(labels), bool)
    sample[np.linspace(0, len(labels) - 1, min(SAMPLE, len(labels))).astype(int)] = True
    images = source.images(
        name, definition, raw_data, manifest=manifest, size=config["stored_size"]
    )
    surveyed = survey(images, sample, pictured=(), name=name, workers=1)
    count, reasons = sample.sum(), surveyed.reasons
    assert surveyed.inspected == count, "the source gives fewer images than its manifest has rows"
    assert len(reasons) <= max(1, config["max_undecodable"] * count), reasons


def _make_rows(name: str, raw_data: Path, path: str, *, folder: Path) -> Path:
    """Run the dataset's own program; where there is none, take what its rule made."""
    program, rows = ROOT / "workflow_scripts" / "datasets" / f"{name}.py", folder / "rows.parquet"
    if not program.exists():
        rows = ROOT / "data" / name / "rows.parquet"
        if not rows.exists():
            target = f"{rows.relative_to(ROOT)} --cores 1 --configfile studies/{name}.yaml"
            pytest.skip(f"{rows} is not made yet: snakemake {target}")
        return rows
    command = [sys.executable, program, "--raw-data", raw_data, "--path", path, "--output", rows]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return rows
