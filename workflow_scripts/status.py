"""Show the state of a study: what is done, running, failed and waiting.

Reads files; nothing is asked of a scheduler. Snakemake is asked once, at the start, which of the
outputs that are there it would make again.

python workflow_scripts/status.py --config studies/real_quick.yaml --watch 10
"""

import argparse
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from fourlenses.core.cli import run

if TYPE_CHECKING:
    from fourlenses.status.planned import Planned
    from fourlenses.workflow.outdated import Outdated

WORKFLOW = Path(__file__).resolve().parents[1]


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--study", help="name of the study; its plan is read from results/<study>/study.json"
    )
    parser.add_argument(
        "--config",
        nargs="+",
        default=[],
        type=Path,
        help="overlays of config.yaml that the study is run with",
    )
    parser.add_argument(
        "--directory", type=Path, default=Path(), help="the folder with results/ and data/ (here)"
    )
    parser.add_argument(
        "--watch", type=float, default=0.0, metavar="SECONDS", help="show again and again"
    )
    parser.add_argument(
        "--html",
        type=Path,
        metavar="FILE",
        help="also write a page that a browser reloads by itself",
    )
    parser.add_argument(
        "--failed-exit", action="store_true", help="exit code 1 if a job has failed"
    )
    parser.add_argument(
        "--files-only",
        action="store_true",
        help="do not ask Snakemake what is out of date, which takes as long as a dry run",
    )
    parser.add_argument(
        "--profile",
        nargs="+",
        default=[],
        help="workflow profile that the study runs with, whose rerun-triggers then count",
    )
    return parser.parse_args()


def out_of_date(study: "Planned", arguments: argparse.Namespace) -> "Outdated":
    """Return what Snakemake would make again of what is there; nothing where it is not asked."""
    from fourlenses.core.errors import UserError
    from fourlenses.workflow.outdated import Outdated, outdated_files

    files = {}
    if study.overlays is not None and not arguments.files_only:
        profile = ["--workflow-profile", *arguments.profile] if arguments.profile else []
        try:
            files = outdated_files(WORKFLOW, arguments.directory, study.overlays, options=profile)
        except UserError as error:
            print(f"what is out of date is not known: {error}", file=sys.stderr)
    return Outdated(files, arguments.directory)


def main() -> None:
    arguments = parse_arguments()

    from fourlenses.core.files import atomic
    from fourlenses.status.page import page
    from fourlenses.status.planned import planned
    from fourlenses.status.survey import survey
    from fourlenses.status.terminal import text

    root, outdated = arguments.directory, None
    colours = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    while True:
        study = planned(WORKFLOW, root, study=arguments.study, overlays=arguments.config)
        outdated = outdated or out_of_date(study, arguments)
        state = survey(study, root, outdated.now())
        clear = "\033[H\033[2J" if arguments.watch and sys.stdout.isatty() else ""
        print(clear + text(state, colours=colours), end="", flush=True)
        if arguments.html:
            with atomic(arguments.html) as temporary:
                html = page(
                    state, arguments.html.parent, refresh_seconds=max(5, int(arguments.watch or 30))
                )
                temporary.write_text(html, encoding="utf-8")
        if not arguments.watch:
            break
        time.sleep(arguments.watch)
    sys.exit(bool(arguments.failed_exit and state.in_state("failed")))


if __name__ == "__main__":
    run(main)
