"""Run a study, or one target of it, with its config checked first.

As make commands: make run STUDY=real_quick, make plan CONFIG=studies/mine.yaml, make report,
make figures. Nothing needs to be activated; a path of CONFIG may start from the folder that the
command is given in, from the project's folder, or from its studies/.
"""

import argparse
import os
import shlex
import sys
from pathlib import Path

from fourlenses.core.cli import run

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--target", default="all", help="what to make (all)")
    parser.add_argument("--study", help="name of a study in studies/; default: that of config.yaml")
    parser.add_argument(
        "--config", nargs="+", default=[], help="overlays of config.yaml, instead of a name"
    )
    parser.add_argument(
        "--started-in", type=Path, default=Path.cwd(), help="where relative paths may start from"
    )
    parser.add_argument("--cores", default="all", help="cores to use")
    parser.add_argument("--profile", nargs="+", default=["profiles/local"], help="of Snakemake")
    parser.add_argument(
        "--arguments", type=shlex.split, default=[], help="more for Snakemake, e.g. '-n'"
    )
    arguments = parser.parse_args()

    from fourlenses.config.find import study_files
    from fourlenses.config.read import read_config
    from fourlenses.lenses.plan import make_plan

    folders = [arguments.started_in, ROOT, ROOT / "studies"]
    files = study_files(ROOT, folders, study=arguments.study, named=arguments.config)
    make_plan(read_config(files, ROOT))
    command = [
        str(Path(sys.executable).with_name("snakemake")),
        *arguments.target.split(),
        *("--cores", str(arguments.cores)),
        *("--workflow-profile", *arguments.profile),
        *(["--configfile", *map(str, files)] if files else []),
        *arguments.arguments,
    ]
    print(shlex.join(["snakemake", *command[1:]]), file=sys.stderr, flush=True)
    os.chdir(ROOT)
    os.execv(command[0], command)


if __name__ == "__main__":
    run(main)
