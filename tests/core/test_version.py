"""One version: of the package, in CITATION.cff, in records, on the command line."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

import fourlenses
from fourlenses.core.software import versions

ROOT = Path(__file__).parents[2]


def test_the_version_has_one_home():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert cited["version"] == fourlenses.__version__
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "version" not in project["project"]
    read = project["tool"]["setuptools"]["dynamic"]["version"]
    assert read == {"attr": "fourlenses.__version__"}


def test_records_have_the_version():
    assert versions()["fourlenses"] == fourlenses.__version__


@pytest.mark.parametrize("program", ["status.py", "write_gallery.py"])
def test_every_program_says_its_version(program):
    done = subprocess.run(
        [sys.executable, ROOT / "workflow_scripts" / program, "--version"],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (0, f"fourlenses {fourlenses.__version__}\n")


def test_every_program_ends_by_the_frame_that_knows_the_version():
    files = sorted((ROOT / "workflow_scripts").rglob("*.py"))
    without = [file.name for file in files if "run(main)" not in file.read_text(encoding="utf-8")]
    assert without == []
