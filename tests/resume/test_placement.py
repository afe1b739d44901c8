"""The options that both programs that train have."""

import argparse
import subprocess
import sys
from pathlib import Path

import pytest

from fourlenses.resume.placement import Placement, add_placement_arguments, placement_from


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


def test_the_options_are_there_before_torch_is():
    """Each of several processes imports torch itself; their launcher need not."""
    code = "import sys, fourlenses.resume.placement; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
