"""The kernels of `fourlenses.data.augment.triton_kernels`, run by Triton's interpreter.

It is the code that is compiled for a GPU, run without one.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("triton")
ROOT = Path(__file__).parents[3]


def test_kernels_make_the_views_of_the_operations():
    environment = os.environ | {"TRITON_INTERPRET": "1", "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    command = [sys.executable, "-W", "ignore", "-m", "tests.helpers.interpreted_kernels"]
    run = subprocess.run(
        command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    differences = json.loads(run.stdout)
    assert len(differences) == 4
    assert max(differences.values()) < 3e-5, differences
