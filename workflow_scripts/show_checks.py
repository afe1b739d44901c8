"""Show the checks of datasets; exit code 2 when one is not usable."""

import argparse
from pathlib import Path

from fourlenses.core.cli import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("reports", nargs="+", type=Path, help="report.json of each dataset")
    arguments = parser.parse_args()

    from fourlenses.check.report import failure, is_usable, summary
    from fourlenses.core.errors import UserError
    from fourlenses.core.files import read_json

    failures = []
    for file in arguments.reports:
        report = read_json(file)
        examples = file.with_name("contact_sheet.png")
        print(summary(report))
        print(f"report: {file.with_suffix('.md')}; examples: {examples}\n", flush=True)
        if not is_usable(report):
            failures.append(failure(report, file.parent))
    if failures:
        raise UserError("\nfourlenses: ".join(failures))


if __name__ == "__main__":
    run(main)
