"""Estimate what a study costs (each job once, in hours, disk, wall time) and what it can settle.

With --check: the estimates next to what finished jobs took.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from fourlenses.config.command_line import add_config_options, config_of
from fourlenses.core.cli import run

if TYPE_CHECKING:
    from fourlenses.planning.plan import StudyPlan


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add_config_options(parser)
    parser.add_argument("--gpus", type=int, help="instead of the key plan.gpus")
    parser.add_argument("--device", help="instead of the key plan.device")
    parser.add_argument(
        "--directory", type=Path, default=Path(), help="the folder of data/ and results/"
    )
    parser.add_argument("--output-prefix", type=Path, help="write PREFIX.csv, .md, .svg and .png")
    parser.add_argument(
        "--power-prefix", type=Path, help="write what the study can settle: PREFIX.csv and .md"
    )
    parser.add_argument(
        "--ask-snakemake",
        type=json.loads,
        metavar="JSON",
        help="'overlays' of config.yaml, 'values' of keys, 'options': ask Snakemake which outputs "
        "are out of date, and count their jobs as not done",
    )
    parser.add_argument(
        "--asked-memory",
        type=json.loads,
        metavar="JSON",
        help="MB that the jobs of each rule ask for, by the rule's name; Snakemake gives it",
    )
    parser.add_argument("--pilot", help="instead of the key plan.pilot")
    parser.add_argument(
        "--check",
        nargs="?",
        const="",
        metavar="RESULTS",
        help="compare with what is finished, e.g. in results/default",
    )
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()

    from fourlenses.lenses.plan import make_plan
    from fourlenses.planning import compare
    from fourlenses.planning.plan import plan_study

    config = config_of(arguments)
    config["plan"] |= {
        key: value
        for key in ("gpus", "device", "pilot")
        if (value := getattr(arguments, key)) is not None
    }
    if arguments.check:  # results/<study>, of whatever folder that lies in
        results = Path(arguments.check).resolve()
        arguments.directory, config["study"] = results.parents[1], results.name
    outdated = ask(arguments.ask_snakemake, arguments.directory)
    plan = plan_study(
        config,
        arguments.directory,
        calibrated=Path(),
        outdated=outdated,
        asked=arguments.asked_memory,
    )
    if arguments.check is not None:
        print(compare.table(compare.compare(plan, arguments.directory)))
        print("\n" + compare.memory_table(plan))
        return

    from fourlenses.power import write
    from fourlenses.power.power import power_of

    power = power_of(config, make_plan(config), root=arguments.directory)
    page = plan.page(write.head(power))
    print(page)
    if arguments.power_prefix:
        write.write(power, arguments.power_prefix)
    if arguments.output_prefix:
        write_plan(plan, page, arguments.output_prefix)


def ask(asking: dict | None, root: Path) -> dict[str, str] | None:
    """Return the outputs that Snakemake would make again, and why; None where it is not known."""
    from fourlenses.core.errors import UserError
    from fourlenses.workflow.outdated import outdated_files

    if asking is None:
        return None
    project = Path(__file__).resolve().parents[1]
    overlays = [Path(file) for file in asking["overlays"]]
    try:
        return outdated_files(
            project, root, overlays, values=asking["values"], options=asking["options"]
        )
    except UserError as error:
        print(f"what is out of date is not known: {error}", file=sys.stderr)
        return None


def write_plan(plan: "StudyPlan", page: str, prefix: Path) -> None:
    """Write PREFIX.csv, .md, .svg and .png."""
    from fourlenses.core.files import atomic
    from fourlenses.planning import figure, report

    report.write_jobs(list(plan.jobs.values()), plan.times, prefix.with_suffix(".csv"))
    with atomic(prefix.with_suffix(".md")) as temporary:
        temporary.write_text(page, encoding="utf-8")
    figure.save(figure.draw(list(plan.jobs.values()), plan.device, plan.layout.study), prefix)


if __name__ == "__main__":
    run(main)
