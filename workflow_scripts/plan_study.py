"""What a study would cost: every run once, in hours, disk and wall time. Or, with --check, the estimates beside what finished runs took."""

import argparse
import json
from pathlib import Path

from fourlenses.core.cli import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--configfile",
        nargs="+",
        type=Path,
        default=[],
        help="the study's overlay of config.yaml; none: the default study",
    )
    which.add_argument(
        "--config",
        type=json.loads,
        help="the whole config, completed, as JSON (what the Snakefile gives)",
    )
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
    from fourlenses.planning import check, report
    from fourlenses.planning.plan import plan_study

    config = arguments.config
    if config is None:
        from fourlenses.config.read import read_config

        config = read_config(arguments.configfile)
    config["plan"] |= {
        key: value for key in ("gpus", "device") if (value := getattr(arguments, key)) is not None
    }
    if arguments.check:  # results/<study>, of whatever folder that lies in
        results = Path(arguments.check).resolve()
        arguments.directory, config["study"] = results.parents[1], results.name
    plan = plan_study(config, arguments.directory, calibrated=Path())
    if arguments.check is not None:
        print(check.table(check.compare(plan, arguments.directory)))
        return
    print(plan.page())
    if prefix := arguments.output_prefix:
        report.write_jobs(list(plan.jobs.values()), plan.times, prefix.with_suffix(".csv"))
        with atomic(prefix.with_suffix(".md")) as temporary:
            temporary.write_text(plan.page(), encoding="utf-8")
        from fourlenses.planning import picture

        picture.save(picture.draw(list(plan.jobs.values()), plan.device), prefix)


if __name__ == "__main__":
    run(main)
