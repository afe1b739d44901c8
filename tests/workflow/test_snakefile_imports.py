"""Modules that the Snakefile imports: every job reads it again, and pays for heavy ones."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
HEAVY = {"torch", "torchvision", "pandas", "pyarrow", "numpy", "scipy", "matplotlib", "PIL", "ffcv"}
HEAD_ALONE = {"jsonschema"}  # which checks the config; its jobs need not
LINES_OF_COMMON = 120


def test_the_snakefile_imports_nothing_heavy():
    """By its own imports: the SLURM plugin of Snakemake imports pandas in every job."""
    text = "".join(
        file.read_text() for file in [ROOT / "Snakefile", *(ROOT / "rules").glob("*.smk")]
    )
    statements = re.findall(
        r"^ *(from fourlenses[\w.]* import (?:\([^)]*\)|[^\n(]+))", text, re.MULTILINE
    )
    assert len(statements) > 8
    command = [sys.executable, "-X", "importtime", "-c", "\n".join(statements)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    imported = set(re.findall(r"^import time:.*\| +([\w.]+)$", done.stderr, re.MULTILINE))
    assert "fourlenses.lenses.plan" in imported
    assert {name.partition(".")[0] for name in imported} & (HEAVY | HEAD_ALONE) == set()


def test_what_rules_share_is_short():
    """A helper of one rule file stands next to its rule."""
    common = (ROOT / "rules" / "common.smk").read_text().splitlines()
    assert len(common) <= LINES_OF_COMMON
    files = {file: file.read_text() for file in (ROOT / "rules").glob("*.smk")}
    defined = re.findall(r"^def (\w+)", "\n".join(common), re.MULTILINE)
    for name in defined:
        users = [file.name for file, text in files.items() if re.search(rf"\b{name}\(", text)]
        assert len(users) > 2, f"{name} is used by {users}"  # common.smk itself among them
