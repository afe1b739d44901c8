"""A file system without room, for what is said on a full disk."""

import shutil
import subprocess
from pathlib import Path

import pytest


def on_a_small_file_system(folder: Path) -> list[str]:
    """Return how a command begins that has a file system of 200 kB at a folder, which it makes.

    It goes with the process. The test is skipped where none can be mounted.
    """
    folder.mkdir()
    beginning = [
        *("unshare", "--user", "--map-root-user", "--mount"),
        *("sh", "-c", 'mount -t tmpfs -o size=200k tiny "$0" && exec "$@"', str(folder)),
    ]
    if (
        shutil.which("unshare") is None
        or subprocess.run([*beginning, "true"], capture_output=True, check=False).returncode
    ):
        pytest.skip(
            "no file system can be mounted here (needs Linux with user namespaces, or root)"
        )
    return beginning
