"""Export an encoder as a folder that timm and transformers read, with a model card."""

import argparse
import json
from pathlib import Path

from fourlenses.core.cli import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", required=True, type=Path, help="directory of the encoder")
    parser.add_argument("--name", required=True, help="<method>/<source>/seed<k>")
    parser.add_argument("--metrics", required=True, type=Path, help="metrics.csv of the study")
    parser.add_argument("--findings", required=True, type=Path, help="findings.json of the study")
    parser.add_argument("--decision", required=True, type=Path, help="decision.json of the study")
    parser.add_argument(
        "--labels", type=json.loads, default={}, help="JSON: what datasets are called"
    )
    parser.add_argument("--licences", type=json.loads, default={}, help="JSON: of datasets")
    parser.add_argument(
        "--start", nargs="*", default=[], type=Path, help="files of the encoder it continued"
    )
    parser.add_argument("--output", required=True, type=Path, help="the folder to write")
    arguments = parser.parse_args()

    from fourlenses.export.folder import export_encoder
    from fourlenses.export.measured import Measured
    from fourlenses.study import labels

    measured = Measured.read(
        arguments.name,
        metrics=arguments.metrics,
        findings=arguments.findings,
        decision=arguments.decision,
    )
    with labels.using(arguments.labels):
        export_encoder(
            arguments.run,
            arguments.output,
            measured=measured,
            licences=arguments.licences,
            started_from=arguments.start[0].parent if arguments.start else None,
        )


if __name__ == "__main__":
    run(main)
