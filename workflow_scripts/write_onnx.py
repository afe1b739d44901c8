"""Write an encoder as one ONNX file, checked against its network to 1e-5."""

import argparse
from pathlib import Path

from fourlenses.core.cli import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", required=True, type=Path, help="directory of the encoder")
    parser.add_argument("--output", required=True, type=Path, help="the file to write")
    arguments = parser.parse_args()

    from fourlenses.evaluation.encoder import Encoder
    from fourlenses.export.onnx_file import write_onnx

    encoder = Encoder.read(arguments.run)
    network, _ = encoder.pretrained()
    worst = write_onnx(network.eval(), encoder.image_size, arguments.output)
    print(f"{arguments.output}: features differ from the network's by at most {worst:.1e}")


if __name__ == "__main__":
    run(main)
