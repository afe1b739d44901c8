"""Estimate what a study costs: every job once, in hours, disk and wall time.

With --check: the estimates next to what finished jobs took.
"""

import argparse
from pathlib import Path

from fourlenses.config.command_line import add_config_options, config_of
from fourlenses.core.cli import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_config_options(parser)
    parser.add_argument("--gpus", type=int, help="instead of the key plan.gpus")
    parser.add_argument("--device", help="instead of the key plan.device")
    parser.add_argument(
        "--directory", type=Path, default=Path(), help="the folder of data/ and results/"
    )
    parser.add_argument("--output-prefix", type=Path, help="write PREFIX.csv, .md, .svg and .png")
    parser.add_argument(
        "--check",
        nargs="?",
        const="",
        metavar="RESULTS",
        help="compare with what is finished, e.g. in results/default",
    )
    arguments = parser.parse_args()

    from fourlenses.core.files import atomic
    from fourlenses.planning import compare, report
    from fourlenses.planning.plan import plan_study

    config = config_of(arguments)
    config["plan"] |= {
        key: value for key in ("gpus", "device") if (value := getattr(arguments, key)) is not None
    }
    if arguments.check:  # results/<study>, of whatever folder that lies in
        results = Path(arguments.check).resolve()
        arguments.directory, config["study"] = results.parents[1], results.name
    plan = plan_study(config, arguments.directory, calibrated=Path())
    if arguments.check is not None:
        print(compare.table(compare.compare(plan, arguments.directory)))
        return
    print(plan.page())
    if prefix := arguments.output_prefix:
        report.write_jobs(list(plan.jobs.values()), plan.times, prefix.with_suffix(".csv"))
        with atomic(prefix.with_suffix(".md")) as temporary:
            temporary.write_text(plan.page(), encoding="utf-8")
        from fourlenses.planning import figure

        figure.save(figure.draw(list(plan.jobs.values()), plan.device), prefix)


if __name__ == "__main__":
    run(main)
