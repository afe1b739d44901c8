"""Import an encoder that the study did not pretrain: check its weights and write a run of them."""

import argparse
import json
from pathlib import Path

from fourlenses.core.cli import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", required=True, help="of its entry in `encoders`")
    parser.add_argument("--settings", required=True, help="JSON of the entry, completed")
    parser.add_argument(
        "--raw-data", required=True, type=Path, help="folder that a relative `weights` starts from"
    )
    parser.add_argument(
        "--output",
        required=True,
        type=Path,
        help="directory for encoder.safetensors and run.json",
    )
    arguments = parser.parse_args()

    from fourlenses.models.external import Declared, import_encoder

    import_encoder(
        arguments.name,
        Declared.from_config(json.loads(arguments.settings)),
        raw_data=arguments.raw_data,
        output=arguments.output,
    )


if __name__ == "__main__":
    run(main)
