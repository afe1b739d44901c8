# Where the project lies and where the files of a study go, in a workflow of its own or in one that
# uses this as a module, under a prefix: docs/guide/workflows.md. No rule stands here.
import os
import sys
from pathlib import Path

RULES = workflow.current_basedir.get_path_or_uri(secret_free=True)
PROJECT = Path(os.path.abspath(RULES)).parent
if not (PROJECT / "src" / "fourlenses").is_dir():
    sys.exit(
        f"fourlenses: its programs are not next to {RULES}; name the Snakefile of a clone as the "
        "module's `snakefile`, no address"
    )
sys.path.insert(0, str(PROJECT / "src"))
from fourlenses.slurm.snakemake_internals import in_module, path_prefix
from fourlenses.workflow.garbage import collect_rarely

IN_MODULE = in_module(workflow)
if not IN_MODULE:  # there the process is the other workflow's
    collect_rarely()

# Snakemake puts the prefix before inputs, outputs, logs and benchmarks alone: this is for all else
placed = path_prefix(workflow)


def is_there(path):
    return os.path.exists(placed(path))
