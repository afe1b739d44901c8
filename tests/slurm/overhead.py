"""Measure the cost of a SLURM job next to its work: many jobs that do nothing.

    python tests/slurm/overhead.py --jobs 1000    # root; needs what `make test-slurm` installs

They go through the executor of profiles/slurm, on a SLURM started for it. Prints the seconds a job
took from the head's point of view, and those of the processor, by SLURM's accounting of each job. A
job's start is most of them: Snakemake starts twice for it, in the job and in its step. The
Snakefile has one rule, and what ours does first.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.slurm.cluster import ROOT, Cluster

BASE_PORT = 17657
CPUS = 32  # of both nodes, says start_slurm.sh
SNAKEFILE = """
import sys
sys.path.insert(0, {src!r})
from fourlenses.workflow.garbage import collect_rarely
collect_rarely()
rule all:
    input: expand("done/{{number}}", number=range({jobs}))
rule trivial:
    output: "done/{{number}}"
    threads: 32
    resources: mem_mb=10, runtime=5
    shell: "date +%s.%N > {{output}}"
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument(
        "--at-a-time",
        type=int,
        default=4,
        help="jobs that run; as many as the profile lets (200) wait in SLURM's queue",
    )
    parser.add_argument(
        "--submissions",
        default="1000/1s",
        help="at most; the profile has 20/1m, as its scheduler is shared",
    )
    parser.add_argument(
        "--snakemake",
        nargs="*",
        default=[],
        help="more options of Snakemake (without the leading --)",
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fourlenses-slurm-") as folder:
        cluster = Cluster(Path(folder), BASE_PORT)
        cluster.environment.update(SLURM_TEST_ACCOUNTING="1", FOURLENSES_ACCOUNT="testproject")
        cluster.script("start")
        try:
            measure(arguments, cluster, Path(folder) / "work")
        finally:
            cluster.script("stop")


def measure(arguments: argparse.Namespace, cluster: Cluster, folder: Path) -> None:
    folder.mkdir()
    (folder / "Snakefile").write_text(SNAKEFILE.format(src=str(ROOT / "src"), jobs=arguments.jobs))
    command = [
        Path(sys.executable).with_name("snakemake"),
        "--snakefile",
        folder / "Snakefile",
        "--directory",
        folder,
    ]
    command += [
        "--workflow-profile",
        ROOT / "profiles/slurm",
        "--set-resources",
        "trivial:slurm_partition=cpu",
    ]
    command += [
        "--set-threads",
        f"trivial={max(1, CPUS // arguments.at_a_time)}",
        "--max-jobs-per-timespan",
        arguments.submissions,
    ]
    command += [
        "--slurm-init-seconds-before-status-checks",
        5,
        "--latency-wait",
        5,
        *(f"--{option}" for option in arguments.snakemake),
    ]
    began = time.time()
    with open(folder / "head.log", "w") as log:
        ended = subprocess.run(
            [str(part) for part in command],
            env=cluster.environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    wall = time.time() - began
    if ended.returncode:
        sys.exit((folder / "head.log").read_text()[-5000:])
    head = resource.getrusage(resource.RUSAGE_CHILDREN)
    times = sorted(float(file.read_text()) for file in (folder / "done").iterdir())
    head_seconds = head.ru_utime + head.ru_stime
    # not with -X: the processor time of a job is then that of no step
    listed = cluster.run(
        "sacct", "-nP", "--starttime=now-2days", "--format=JobID,ElapsedRaw,TotalCPU"
    ).splitlines()
    known = [
        (float(elapsed), seconds(cpu))
        for job, elapsed, cpu in (line.split("|") for line in listed)
        if job.isdigit()
    ]
    elapsed, processor = (statistics.median(values) for values in zip(*known, strict=True))
    print(
        f"{arguments.jobs} jobs ({len(known)} SLURM jobs), {arguments.at_a_time} at a time, on "
        f"{os.cpu_count()} cores: {wall:.0f} s, {wall / arguments.jobs:.2f} s a job; first done "
        f"after {times[0] - began:.0f} s, last after {times[-1] - began:.0f} s; the head itself "
        f"took {head_seconds:.0f} s of processor time, {1000 * head_seconds / arguments.jobs:.0f} "
        f"ms a job; a SLURM job (median) {elapsed:.0f} s from start to end, {processor:.1f} s of "
        "processor time"
    )


def seconds(text: str) -> float:
    """Of what sacct prints as TotalCPU: [[days-]hours:]minutes:seconds."""
    days, _, clock = text.rpartition("-")
    value = 0.0
    for part in clock.split(":"):
        value = 60 * value + float(part)
    return 86400 * int(days or 0) + value


if __name__ == "__main__":
    main()
