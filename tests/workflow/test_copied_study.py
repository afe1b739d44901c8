"""A study that was copied without the times of its files, or touched, is not made again."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
SNAKEFILE = """
rule all:
    input: "table"
rule table:
    input: "manifest"
    output: "table"
    shell: "wc -c {input} > {output}"
"""


def snakemake(folder: Path, profile: str, *arguments: str) -> str:
    command = [sys.executable, "-m", "snakemake", "all", "--cores", "1", "--directory", folder]
    command += ["-s", folder / "Snakefile", "--workflow-profile", ROOT / "profiles" / profile]
    done = subprocess.run(
        [str(part) for part in [*command, *arguments]], capture_output=True, text=True, check=True
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize("profile", ["default", "local"])
def test_the_content_of_a_manifest_decides_and_not_its_time(tmp_path: Path, profile: str) -> None:
    manifest = tmp_path / "manifest"
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    manifest.write_bytes(bytes(5_000_000))  # Snakemake's own limit is 1 MB
    snakemake(tmp_path, profile)
    os.utime(tmp_path / "table", (1, 1))
    assert "Nothing to be done" in snakemake(tmp_path, profile, "-n")
    manifest.write_bytes(bytes(5_000_001))
    assert "Nothing to be done" not in snakemake(tmp_path, profile, "-n")


def test_every_profile_says_so() -> None:
    sizes = {
        file.parent.name: yaml.safe_load(file.read_text()).get("max-checksum-file-size")
        for file in (ROOT / "profiles").glob("*/config.yaml")
    }
    assert {sizes[name] for name in ("default", "local", "slurm")} == {"300MB"}
