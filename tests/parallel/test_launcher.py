"""The processes of one run meet on this machine, whatever its name is."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import os
import sys
from pathlib import Path
import torch
from fourlenses.parallel.distributed import all_reduce_max, joined_processes
from fourlenses.parallel.launcher import launch
launch(2)
with joined_processes(torch.device("cpu")) as device:
    agreed = all_reduce_max(7, device)
    # a file each: what two processes print at once may come mixed
    Path(sys.argv[1], os.environ["RANK"]).write_text(str(agreed))
"""
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "RANK"}
NAMED = ["unshare", "--map-root-user", "--uts", "sh", "-c", 'hostname "$0"; exec "$@"']


def can_be_renamed() -> bool:
    trial = [*NAMED, "nosuchnode.invalid", "true"]
    return shutil.which("unshare") is not None and not subprocess.run(trial).returncode


@pytest.mark.skipif(not can_be_renamed(), reason="this user cannot give a process another host")
def test_a_host_name_that_does_not_resolve(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    answers = tmp_path / "answers"
    answers.mkdir()
    command = [*NAMED, "nosuchnode.invalid", sys.executable, str(program), str(answers)]
    # by name it would try for ten minutes
    end = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=300)
    assert end.returncode == 0, end.stderr
    assert {file.name: file.read_text() for file in answers.iterdir()} == {"0": "7", "1": "7"}


@pytest.mark.parametrize("names", ["ib0", "lo,ib7"])
def test_a_network_device_that_is_not_there_is_named(tmp_path: Path, names: str) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    command = [sys.executable, str(program), str(tmp_path)]
    environment = ENVIRONMENT | {"GLOO_SOCKET_IFNAME": names}
    end = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert end.returncode != 0
    assert f"GLOO_SOCKET_IFNAME is '{names}', but " in end.stderr
    assert f"has no network device '{names.rpartition(',')[2]}'; it has lo" in end.stderr
