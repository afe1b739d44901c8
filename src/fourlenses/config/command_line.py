"""Which study a program is about, on its command line: overlays, or a whole config.

Standard library only, so that a program can show its options before the rest is imported.
"""

import argparse
import json
from pathlib import Path


def add_config_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that `config_of` reads."""
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


def config_of(arguments: argparse.Namespace) -> dict:
    """Return the completed config of the study.

    Raises:
        UserError: see `read.read_config`.
    """
    if arguments.config is not None:
        return arguments.config
    from fourlenses.config.read import read_config

    return read_config(arguments.configfile)
