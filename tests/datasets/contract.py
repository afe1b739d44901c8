"""What a dataset has to keep to. The tests that `make new-dataset` writes call this."""

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
LOOKED_AT = 50  # images


def study_or_skip(name: str) -> dict:
    """The config of studies/<name>.yaml, checked; the test is skipped where the images are not."""
    file = ROOT / "studies" / f"{name}.yaml"
    config = merged(yaml.safe_load(file.read_text()))
    check_config(config, ROOT / "schemas" / "config.schema.yaml", [ROOT / "config.yaml", file])
    images = ROOT / config["raw_data"] / config["datasets"][name].get("path", "")
    if not images.exists():
        pytest.skip(
            f"the images of {name} are not here: {images} (raw_data and path of {file.relative_to(ROOT)})"
        )
    return config


def check_contract(name: str, config: dict, folder: Path) -> None:
    """Index the dataset twice, and look at some of its images."""
    definition, raw_data = dict(config["datasets"][name]), ROOT / config["raw_data"]
    if definition["source"] == "manifest":
        definition["manifest"] = str(_made_rows(name, raw_data, definition["path"], folder))
    table = source_of(definition).index(name, definition, raw_data)
    assert source_of(definition).index(name, definition, raw_data).equals(table), (
        "indexing twice gives two manifests"
    )
    write_manifest(table, folder / "manifest.parquet")  # which has checks of its own

    manifest = read_manifest(folder / "manifest.parquet")
    hierarchy, labels = hierarchy_of(manifest), labels_of(manifest)
    assert hierarchy.num_classes >= 2
    assert {len(rows_of(manifest, split)) > 0 for split in ("train", "test")} == {True}
    assert len(labels) == len(manifest["path"])
    assert labels.max() + 1 == hierarchy.num_classes

    wanted = np.zeros(len(labels), bool)
    wanted[np.linspace(0, len(labels) - 1, min(LOOKED_AT, len(labels))).astype(int)] = True
    seen = survey(
        source_of(definition).images(name, definition, raw_data, manifest, config["stored_size"]),
        wanted,
        (),
        name,
        1,
    )
    assert seen.seen == wanted.sum(), "the source gives fewer images than its manifest has rows"
    assert len(seen.reasons) <= max(1, config["max_undecodable"] * wanted.sum()), seen.reasons


def _made_rows(name: str, raw_data: Path, path: str, folder: Path) -> Path:
    """What the dataset's own program makes, or where there is none, what its rule made."""
    program, rows = ROOT / "workflow_scripts" / "datasets" / f"{name}.py", folder / "rows.parquet"
    if not program.exists():
        rows = ROOT / "data" / name / "rows.parquet"
        if not rows.exists():
            pytest.skip(
                f"{rows} is not made yet: snakemake {rows.relative_to(ROOT)} --cores 1 --configfile studies/{name}.yaml"
            )
        return rows
    command = [sys.executable, program, "--raw-data", raw_data, "--path", path, "--output", rows]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return rows
