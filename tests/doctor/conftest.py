"""A PATH on which tests put commands of a cluster or a GPU."""

from collections.abc import Callable
from pathlib import Path

import pytest

Commands = Callable[[str, str], None]


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Commands:
    """A function that puts a shell script on PATH under a name.

    No other command of a cluster or a GPU is on PATH.
    """
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def add(name: str, script: str) -> None:
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)

    return add
