"""Write an index of the reports in a folder: results/index.html."""

import argparse
from pathlib import Path

from fourlenses.core.cli import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--results", type=Path, default=Path("results"), help="the folder of the studies"
    )
    parser.add_argument("--output", type=Path, help="default: index.html in that folder")
    arguments = parser.parse_args()

    from fourlenses.report.gallery import write_gallery

    output = arguments.output or arguments.results / "index.html"
    count = write_gallery(arguments.results, output)
    print(f"{output}: {count} {'study' if count == 1 else 'studies'}")


if __name__ == "__main__":
    run(main)
