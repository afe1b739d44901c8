"""Write the model card of encoders: a README.md next to the weights of each."""

import argparse
from pathlib import Path

from fourlenses.core.cli import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--pretrain", required=True, type=Path, help="folder of encoders, results/default/pretrain"
    )
    parser.add_argument(
        "--imported", required=True, type=Path, help="folder of imports, results/default/encoders"
    )
    parser.add_argument("--runs", required=True, nargs="+", help="<method>/<source>/seed<k>")
    arguments = parser.parse_args()

    from fourlenses.models.card import write_card
    from fourlenses.study.encoders import split_start

    for name in arguments.runs:
        _, start = split_start(name.split("/")[1])
        write_card(arguments.pretrain / name, name, arguments.imported / start if start else None)


if __name__ == "__main__":
    run(main)
