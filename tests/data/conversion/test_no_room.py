"""Full disks, limits of file sizes and files that cannot be opened: each is a single sentence."""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.helpers.odd_files import noisy_folder

ROOT = Path(__file__).parents[3]


def program(name: str, *arguments, **options) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, ROOT / "workflow_scripts" / f"{name}.py", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
        **options,
    )


@pytest.fixture
def small_disk(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", disk], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a small disk takes root")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)  # also where a failed write left a file open


def limited() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (10 << 20, 10 << 20))


@pytest.mark.parametrize(
    ("how", "reason"), [("small_disk", "No space left on device"), ("limit", "File too large")]
)
def test_a_full_disk_is_one_sentence(tmp_path, request, how, reason):
    disk = request.getfixturevalue("small_disk") if how == "small_disk" else tmp_path / "disk"
    root = noisy_folder(tmp_path / "noise")
    definition = json.dumps({"source": "image_folder", "path": "noise"})
    common = ["--dataset", "noise", "--definition", definition, "--raw-data", tmp_path]
    assert (
        program("index_dataset", *common, "--output", tmp_path / "manifest.parquet").returncode == 0
    )
    output = disk / "out" / "clean.beton"
    arguments = [
        *common,
        "--manifest",
        tmp_path / "manifest.parquet",
        "--stored-size",
        64,
        "--output",
        output,
    ]
    done = program("write_beton", *arguments, preexec_fn=limited if how == "limit" else None)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"fourlenses: no room for {output} after ")
    assert f"of 5 images ({reason}; " in last
    assert "make room, raise the quota or limit, or lower 'stored_size', and run it again" in last
    assert list(output.parent.iterdir()) == []
    assert len(list(root.rglob("*.jpg"))) == 5


@pytest.mark.parametrize("write", ["numpy", "safetensors", "parquet"])
def test_what_libraries_make_of_a_full_disk_names_the_file(small_disk, write):
    import pandas as pd
    import torch
    from safetensors.torch import save_file

    from fourlenses.core.files import atomic

    big = np.random.default_rng(0).integers(0, 2**62, 4_000_000)
    writers = {
        "numpy": lambda file: np.save(open(file, "wb"), big),  # noqa: SIM115
        "safetensors": lambda file: save_file({"x": torch.from_numpy(big)}, file),
        "parquet": lambda file: pd.DataFrame({"x": big}).to_parquet(file),
    }
    with (
        pytest.raises(OSError, match=r"\[Errno 28\] No space left on device: '.*/result'"),
        atomic(small_disk / "result") as temporary,
    ):
        writers[write](temporary)
    assert list(small_disk.iterdir()) == []


def test_a_file_that_cannot_be_opened_is_one_sentence_and_a_defect_keeps_its_traceback(tmp_path):
    done = program(
        "write_beton",
        "--dataset",
        "x",
        "--definition",
        "{}",
        "--raw-data",
        ".",
        "--manifest",
        tmp_path / "no.parquet",
        "--stored-size",
        32,
        "--output",
        tmp_path / "x.beton",
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert f"{tmp_path / 'no.parquet'}" in done.stderr
    code = """
from fourlenses.core.cli import run
def main(): raise OSError('no number, no file')
run(main)
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "Traceback" in done.stderr
