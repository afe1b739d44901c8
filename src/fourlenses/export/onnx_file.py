"""An encoder as one ONNX file, checked against the network that it was made from."""

from pathlib import Path
from typing import Any

import torch
from torch import nn

from fourlenses.core.errors import UserError
from fourlenses.core.files import atomic
from fourlenses.export.network import AS_EQUAL, probe

INPUT, OUTPUT = "images", "features"
CHECKED = (1, 3)  # numbers of images that the file is checked with


def write_onnx(network: nn.Module, image_size: int, file: Path) -> float:
    """Write the network with its weights; the number of images is free, their size is not.

    Args:
        network: in evaluation mode; takes float32 (B, 3, ``image_size``, ``image_size``).
        image_size: px.
        file: appears when it is checked.

    Returns:
        The largest difference of a feature from the network's, on fixed images.

    Raises:
        UserError: a package is missing, or the features differ by more than 1e-5.
    """
    try:
        import onnxruntime
        import onnxscript  # noqa: F401  # torch's exporter needs it
    except ImportError as error:
        raise UserError(
            f"an ONNX file needs packages that are not installed here ({error}); install them: "
            "make setup EXTRAS=onnx, or pip install onnx onnxscript onnxruntime"
        ) from error
    with atomic(file) as temporary:
        torch.onnx.export(
            network,
            (probe(image_size),),
            str(temporary),
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_shapes=({0: torch.export.Dim("batch", min=1)},),
            external_data=False,  # one file
            dynamo=True,
            verbose=False,
        )
        session = onnxruntime.InferenceSession(
            temporary.read_bytes(), providers=["CPUExecutionProvider"]
        )
        worst = max(_difference(network, session, probe(image_size, images)) for images in CHECKED)
        if worst > AS_EQUAL:
            raise UserError(
                f"{file}: its features differ from the network's by up to {worst:.2g}, where "
                f"{AS_EQUAL:g} is allowed; use the safetensors of the same folder"
            )
    return worst


def _difference(network: nn.Module, session: Any, batch: torch.Tensor) -> float:
    with torch.inference_mode():
        expected = network(batch).numpy()
    (actual,) = session.run([OUTPUT], {INPUT: batch.numpy()})
    return float(abs(actual - expected).max())
