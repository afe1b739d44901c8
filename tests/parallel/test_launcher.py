"""The processes of one run meet on this machine, whatever its name is."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import torch
from fourlenses.parallel.distributed import all_reduce_max, joined_processes
from fourlenses.parallel.launcher import launch
launch(2)
with joined_processes(torch.device("cpu")) as device:
    print("agreed on", all_reduce_max(7, device))
"""
NAMED = ["unshare", "--map-root-user", "--uts", "sh", "-c", 'hostname "$0"; exec "$@"']


def can_be_renamed() -> bool:
    trial = [*NAMED, "nosuchnode.invalid", "true"]
    return shutil.which("unshare") is not None and not subprocess.run(trial).returncode


@pytest.mark.skipif(not can_be_renamed(), reason="this user cannot give a process another host")
def test_a_host_name_that_does_not_resolve(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    environment = {name: value for name, value in os.environ.items() if name != "RANK"}
    command = [*NAMED, "nosuchnode.invalid", sys.executable, str(program)]
    # by name it would try for ten minutes
    end = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert end.returncode == 0, end.stderr
    assert end.stdout.count("agreed on 7") == 2
