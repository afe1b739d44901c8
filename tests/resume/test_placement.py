"""The options that both programs that train have."""

import argparse
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fourlenses.resume.placement import Placement, add_placement_arguments, placement_from

ROOT = Path(__file__).parents[2]


def parsed(*arguments: str) -> Placement:
    parser = argparse.ArgumentParser()
    add_placement_arguments(parser)
    return placement_from(parser.parse_args(["--checkpoints", "there", *arguments]))


def test_without_options_nothing_is_limited():
    placement = parsed("--workers", "3")
    assert placement == Placement(Path("there"), workers=3)


def test_minutes_become_seconds_and_zero_no_limit():
    assert parsed("--checkpoint-minutes", "2", "--max-minutes", "5").checkpoint_seconds == 120
    assert parsed("--max-minutes", "5").max_minutes == 5
    assert parsed("--max-minutes", "0").max_minutes is None


@pytest.mark.parametrize(("processes", "workers"), [("2", 4), ("3", 2), ("16", 1)])
def test_threads_are_shared_among_the_processes(processes, workers):
    assert parsed("--workers", "8", "--processes", processes).workers == workers


@pytest.mark.parametrize("given", [["--step", "grap"], []])
def test_another_kind_of_step_is_refused_as_an_option_and_as_a_variable(given):
    command = [sys.executable, str(ROOT / "workflow_scripts" / "pretrain.py"), "--settings", "{}"]
    command += ["--output", "there", "--checkpoints", "there", *given]
    environment = os.environ | ({} if given else {"FOURLENSES_STEP": "grap"})
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 2
    assert "argument --step: 'grap' is none of eager, graph" in done.stderr


def test_the_options_are_there_before_torch_is():
    """Each of several processes imports torch itself; their launcher need not."""
    code = "import sys, fourlenses.resume.placement; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
