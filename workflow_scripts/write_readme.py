"""Write README's section of results, and its picture, from the committed tables of studies."""

import argparse
from pathlib import Path

from fourlenses.core.cli import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "studies",
        nargs="*",
        help="names of folders in results/, of the picture first; none: those README names",
    )
    parser.add_argument("--readme", type=Path, default=Path("README.md"))
    arguments = parser.parse_args()

    from fourlenses.plotting.save import save
    from fourlenses.showcase import readme
    from fourlenses.showcase.whole import whole

    names = arguments.studies
    if not names:
        names = readme.studies_of(arguments.readme.read_text(encoding="utf-8"))
    root = arguments.readme.parent
    made = whole([root / "results" / name for name in names])
    save(made.figure(), made.numbers, root / readme.PICTURE)
    readme.write(arguments.readme, made.section, names)
    print(made.section, end="")


if __name__ == "__main__":
    run(main)
