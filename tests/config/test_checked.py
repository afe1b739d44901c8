"""A job completes the config as its head did, without checking it again."""

import subprocess
import sys
from copy import deepcopy

from fourlenses.config.checkout import ROOT
from fourlenses.config.read import complete_config, config_files, with_defaults

STUDY = ROOT / "studies" / "real_quick.yaml"

COMPLETE = f"""
import json, sys
from pathlib import Path
from fourlenses.config.read import complete_config, config_files, read_overlay, with_defaults
root, study = Path({str(ROOT)!r}), Path({str(STUDY)!r})
config = with_defaults(read_overlay(study), root)
complete_config(config, root, config_files([study], root), checked=True)
print("jsonschema" in sys.modules, config["study"])
"""


def test_the_completed_config_of_a_job_is_that_of_its_head():
    files = config_files([STUDY], ROOT)
    merged = with_defaults({}, ROOT)
    head, job = deepcopy(merged), deepcopy(merged)
    downloads = complete_config(head, ROOT, files)
    assert complete_config(job, ROOT, files, checked=True) == downloads
    assert job == head


def test_a_job_imports_no_jsonschema():
    done = subprocess.run([sys.executable, "-c", COMPLETE], capture_output=True, text=True)
    assert done.stdout == "False real_quick\n", done.stderr
