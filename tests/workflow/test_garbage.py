"""The Snakefile has Python look for unreachable objects rarely, and not when a process ends."""

import subprocess
import sys

import pytest
from tests.workflow.test_whole import ROOT, output_of

from fourlenses.workflow.garbage import THRESHOLDS

SNAKEFILE = """
{read}

import gc
print("thresholds", *gc.get_threshold(), file=sys.stderr)
"""
INCLUDED = 'include: "{root}/Snakefile"'
AS_MODULE = """
import sys
module study:
    snakefile: "{root}/Snakefile"
    prefix: "study"
    config: dict(study="tiny")
use rule * from study as study_*
"""


@pytest.mark.parametrize(("read", "rarely"), [(INCLUDED, True), (AS_MODULE, False)])
def test_the_snakefile_sets_it_but_not_for_a_workflow_that_uses_it(tmp_path, read, rarely):
    snakefile = tmp_path / "Snakefile"
    snakefile.write_text(SNAKEFILE.format(read=read.format(root=ROOT)))
    command = [sys.executable, "-m", "snakemake", "--list", "--snakefile", str(snakefile)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, output_of(done)
    printed = [line.split()[1:] for line in done.stderr.splitlines() if line.startswith("thresh")]
    assert (printed == [[str(number) for number in THRESHOLDS]]) == rarely, output_of(done)


def test_at_the_end_nothing_is_looked_through_and_what_was_printed_is_there():
    """A cycle that is left at the end is not finalised; output that still waits is written."""
    program = f"""
import sys
sys.path.insert(0, {str(ROOT / "src")!r})
if sys.argv[1] == "rarely":
    from fourlenses.workflow.garbage import collect_rarely
    collect_rarely()
class Kept:
    def __del__(self):
        print("finalised")
kept = Kept()
kept.itself = kept
print("waits in the buffer")
"""
    command = [sys.executable, "-c", program]
    rarely, usually = (
        subprocess.run([*command, how], capture_output=True, text=True, check=True).stdout
        for how in ("rarely", "usually")
    )
    assert rarely == "waits in the buffer\n"
    assert usually == "waits in the buffer\nfinalised\n"
