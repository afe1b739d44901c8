"""The exported folder of an encoder: weights, config, preprocessor, model card.

timm reads it as ``timm.create_model("local-dir:<folder>", pretrained=True)``, transformers as
``AutoModel.from_pretrained("<folder>")``, where timm has the network; ours reads every one
(`network.read_exported`).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fourlenses.core.files import atomic, read_json, write_json
from fourlenses.evaluation.encoder import Encoder
from fourlenses.export.card import card
from fourlenses.export.measured import Measured
from fourlenses.export.network import CONFIG, WEIGHTS, TimmNetwork, in_timm
from fourlenses.study.layout import CARD, ENCODER, RUN
from fourlenses.study.preprocessing import BICUBIC, BILINEAR
from fourlenses.workflow.share_encoder import copy_weights

PREPROCESSOR = "preprocessor_config.json"
RESAMPLING = {BILINEAR: 2, BICUBIC: 3}  # Pillow's numbers, which Hugging Face's files hold


def export_encoder(
    run: Path,
    output: Path,
    *,
    measured: Measured,
    licences: Mapping[str, str],
    started_from: Path | None = None,
) -> None:
    """Write the folder ``output``, the model card last.

    Args:
        run: the directory of a pretraining, or of the run of an external encoder.
        measured: what the study says of it.
        licences: of datasets by name, where one is known.
        started_from: folder of the imported encoder that it was continued from.

    Raises:
        UserError: there is no such run; timm is needed and not installed.
    """
    encoder = Encoder.read(run)
    network, width = encoder.pretrained()
    twin = in_timm(encoder.settings["backbone"], network.eval(), encoder.image_size)
    output.mkdir(parents=True, exist_ok=True)
    copy_weights(run / ENCODER, output / WEIGHTS)
    write_json(output / CONFIG, config_of(encoder, width, twin))
    write_json(output / PREPROCESSOR, preprocessor_of(encoder))
    record = read_json(run / RUN)
    write_json(output / RUN, record)
    text = card(
        encoder.name,
        record,
        measured=measured,
        licences=licences,
        twin=twin,
        weights=output / WEIGHTS,
        started_from=started_from,
    )
    with atomic(output / CARD) as temporary:
        temporary.write_text(text, encoding="utf-8")


def config_of(encoder: Encoder, width: int, twin: TimmNetwork | None) -> dict[str, Any]:
    """Return config.json.

    With a network of timm it is timm's, which transformers knows by its ``pretrained_cfg``. Without
    one it has neither, so that both refuse it in place of building another network.
    """
    ours = {"architecture": encoder.settings["backbone"], "image_size": encoder.image_size}
    config: dict[str, Any] = {"num_features": width, "fourlenses": ours}
    if twin is None:
        return config
    colours = encoder.normalisation()
    size = [3, encoder.image_size, encoder.image_size]
    return config | {
        "architecture": twin.name,
        "num_classes": 0,
        "model_args": twin.arguments,
        "pretrained_cfg": {
            "input_size": size,
            "fixed_input_size": bool(twin.arguments),
            "crop_pct": encoder.crop,
            "crop_mode": "center",
            "interpolation": encoder.interpolation,
            "mean": colours.get("mean", [0.0, 0.0, 0.0]),
            "std": colours.get("std", [1.0, 1.0, 1.0]),
            "num_classes": 0,
        },
    }


def preprocessor_of(encoder: Encoder) -> dict[str, Any]:
    """Return preprocessor_config.json: Hugging Face's steps that are those of the study."""
    side, colours = encoder.image_size, encoder.normalisation()
    return {
        "image_processor_type": "BitImageProcessor",
        "do_convert_rgb": True,
        "do_resize": True,
        "size": {"shortest_edge": encoder.resized},
        "resample": RESAMPLING[encoder.interpolation],
        "do_center_crop": True,
        "crop_size": {"height": side, "width": side},
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": colours.get("mean", [0.0, 0.0, 0.0]),
        "image_std": colours.get("std", [1.0, 1.0, 1.0]),
    }
