"""How programs end: with a sentence, also where the log is on the disk that is full."""

import os
import subprocess
import sys

import pytest

END = """
import sys
from fourlenses.core.cli import run
from fourlenses.core.files import write_json
def main():
    for line in range(int(sys.argv[2])):
        print("progress " * 100, file=sys.stderr)
    write_json(sys.argv[1] + "/numbers.json", list(range(5000)))
run(main)
"""


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 64 KiB, where this user may mount one."""
    folder = tmp_path / "small"
    folder.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], capture_output=True
    ).returncode:
        pytest.skip("mounting a small file system takes root")
    yield folder
    subprocess.run(["umount", folder], check=True)


@pytest.mark.parametrize("lines", [1, 200])  # the log fits on the disk, or fills it
def test_the_reason_is_in_the_log_that_lies_on_the_full_disk(small_disk, lines):
    (small_disk / "others").write_bytes(bytes(40 << 10))
    with open(small_disk / "log", "wb") as log:
        ended = subprocess.run(
            [sys.executable, "-c", END, small_disk, str(lines)],
            stdout=log,
            stderr=log,
            env=os.environ,
        )
    content = (small_disk / "log").read_text()
    assert ended.returncode == 2, content
    advice = f"make room on the file system at {small_disk} ("
    assert f"{small_disk}/numbers.json: No space left on device; {advice}" in content
    assert ("made room" in content) == (lines == 200)
    assert sorted(file.name for file in small_disk.iterdir()) == ["log", "others"]


def test_a_notebook_s_backend_of_matplotlib_is_not_taken_over():
    """Jupyter and Colab leave one in the environment that other Pythons do not have."""
    program = (
        "from fourlenses.core.cli import run\nrun(lambda: __import__('matplotlib.pyplot'))\n"
        "import matplotlib\nprint(matplotlib.get_backend())"
    )
    other = os.environ | {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=other
    )
    assert (ended.returncode, ended.stdout.strip().lower()) == (0, "agg"), ended.stderr
