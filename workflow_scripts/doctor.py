"""Check that this machine, or the cluster behind it, is fit for a study.

Prints a line for each check, with what to do about it. Exit code 1 if a check fails. Needs nothing
but Python, so that it runs where the packages are broken.

    python workflow_scripts/doctor.py --profile profiles/slurm --in-job
"""

import argparse
import sys
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036 (whoever needs the doctor may have this)
    version = "%s at %s" % (sys.version.split()[0], sys.executable)  # noqa: UP031
    remedy = "use 3.11 or newer: PYTHON=/path/to/python3.11 make setup"
    sys.exit("fail  Python: " + version + "; " + remedy)
# set-up may have failed before it installed the package
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from fourlenses.core.cli import run


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--profile",
        nargs="+",
        default=[],
        type=Path,
        help="folder of the Snakemake profile to compare the cluster with; of several, later keys "
        "win",
    )
    parser.add_argument(
        "--in-job",
        action="store_true",
        help="try a job on a compute node of each partition the profile names",
    )
    parser.add_argument(
        "--directory", type=Path, default=Path(), help="the folder with data/ and results/ (here)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()

    from fourlenses.doctor.check_result import FAIL
    from fourlenses.doctor.examine import examine
    from fourlenses.doctor.report import as_json, lines, summary

    workflow = Path(__file__).resolve().parents[1]
    folders, in_job = arguments.profile, arguments.in_job
    results = []
    for result in examine(workflow, arguments.directory, profile_folders=folders, in_job=in_job):
        results.append(result)
        if not arguments.json:
            print(lines(result, sys.stdout.isatty()), flush=True)
    print(as_json(results) if arguments.json else summary(results))
    sys.exit(any(result.status == FAIL for result in results))


if __name__ == "__main__":
    run(main)
