"""Draws the figure of one lens from a study's table: PREFIX.svg, PREFIX.png, and PREFIX.csv with the numbers drawn."""

import argparse
import sys

from fourlenses.lenses import lens_named, output
from fourlenses.lenses.table import read_metrics


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:
        """One sentence, as for every other mistake; the usage is for --help."""
        self.exit(2, f"fourlenses: {message} (see --help)\n")


def main(arguments: list[str] | None = None) -> int:
    parser = _Parser(prog="draw_figure.py", description=__doc__)
    parser.add_argument("--metrics", required=True, metavar="PATH", help="the study's table, e.g. results/demo/metrics.csv")
    parser.add_argument("--lens", required=True, metavar="NAME", help="quantity, domain, quality or granularity")
    parser.add_argument("--output-prefix", required=True, metavar="PREFIX", help="e.g. results/demo/figures/quantity")
    options = parser.parse_args(arguments)
    try:
        lens = lens_named(options.lens)
        figure, numbers = lens.draw(read_metrics(options.metrics))
        output.save(figure, numbers, options.output_prefix)
    except (ValueError, OSError) as error:
        print(f"fourlenses: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
