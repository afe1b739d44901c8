"""The model card of an encoder: what a user of its weights has to know, from its run.json.

The same facts stand in the header of encoder.safetensors, so that the file alone can be used.
Standard library only.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fourlenses.core.files import atomic, read_json, sha256
from fourlenses.study.layout import CARD, ENCODER, RUN
from fourlenses.study.preprocessing import (
    crop_of,
    interpolation_of,
    normalisation_of,
    resized,
)
from fourlenses.study.smaller import epochs_seen, steps_seen

LABELS = {
    "architecture": "architecture",
    "feature_width": "features",
    "image_size": "image size, px",
    "crop": "centre crop, share of the shorter side",
    "interpolation": "images are scaled",
    "mean": "mean, of images in [0, 1]",
    "std": "standard deviation",
    "method": "method",
    "pretrained_on": "pretrained on",
    "pretrain_images": "images",
    "labels_of": "has seen images or labels of",
    "steps": "steps",
    "epochs": "epochs",
    "seed": "seed",
    "started_from": "continued from",
    "weights_from": "SHA-256 of the file that it was read from",
    "licence": "licence",
}
NO_LICENCE = "not stated; mind the terms of the images"


def facts_of(record: Mapping[str, Any]) -> dict[str, str]:
    """Return what run.json says of an encoder under the keys of `LABELS`; what is not known is out.

    Args:
        record: run.json; of it ``settings``, ``effective`` and, of an external encoder,
            ``external``.
    """
    settings, effective = record["settings"], record["effective"]
    external, start = record.get("external"), settings.get("start")
    colours = normalisation_of(settings)
    known: dict[str, Any] = {
        "architecture": settings["backbone"],
        "feature_width": effective.get("feature_width"),
        "image_size": settings["image_size"],
        "crop": crop_of(settings),
        "interpolation": interpolation_of(settings),
        "mean": colours.get("mean", [0.0, 0.0, 0.0]),
        "std": colours.get("std", [1.0, 1.0, 1.0]),
        "method": settings["method"],
        "pretrained_on": settings["source"],
        "pretrain_images": effective.get("images", 0),
        "labels_of": ", ".join((start or external or {}).get("labels_of", [])),
    }
    if external:
        known |= {
            "pretrained_on": external["pretrained_on"],
            "weights_from": external["sha256"],
            "licence": external["licence"],
        }
    else:
        known |= {
            "steps": steps_seen(settings, effective),
            "epochs": epochs_seen(settings, effective),
            "seed": settings["seed"],
            "started_from": f"{start['encoder']}, {start['sha256']}" if start else None,
        }
    return {key: _text(known[key]) for key in LABELS if known.get(key) not in (None, "")}


def write_card(folder: Path, name: str, started_from: Path | None = None) -> None:
    """Write the card of an encoder next to its weights.

    Args:
        folder: with encoder.safetensors and run.json.
        name: of the encoder.
        started_from: folder of the imported encoder that it was continued from.
    """
    record = read_json(folder / RUN)
    facts = facts_with_licence(record, started_from)
    text = f"""# {name}

An image encoder without a classifier. `{ENCODER}` holds its weights under the names of its
architecture; `{RUN}` says how it was made.

{facts_table(facts, folder / ENCODER)}
{preprocessing(facts)}
How to load it: docs/guide/use-an-encoder.md.
"""
    notes = record.get("notes") or []
    if notes:
        text += "\nNotes:\n\n" + "".join(f"- {note}\n" for note in notes)
    with atomic(folder / CARD) as temporary:
        temporary.write_text(text, encoding="utf-8")


def facts_with_licence(record: Mapping[str, Any], started_from: Path | None) -> dict[str, str]:
    """Return `facts_of` with a licence, and with what only the record of the start has."""
    facts = facts_of(record)
    if started_from is not None:
        facts |= _of_start(facts["started_from"], read_json(started_from / RUN)["external"])
    facts.setdefault("licence", NO_LICENCE)
    return facts


def facts_table(facts: Mapping[str, str], weights: Path) -> str:
    """Return the facts as a table in Markdown, with the SHA-256 of the file of weights."""
    rows = [f"| {LABELS[key]} | {_cell(facts[key])} |" for key in LABELS if key in facts]
    rows.append(f"| SHA-256 of {weights.name} | {sha256(weights)} |")
    return "\n".join(["| | |", "|---|---|", *rows, ""])


def preprocessing(facts: Mapping[str, str]) -> str:
    """Return the sentence on what is to be done to images."""
    side = resized(int(facts["image_size"]), float(facts["crop"]))
    return (
        f"Images: scale the shorter side to {side} px ({facts['interpolation']}, antialiased), "
        f"cut out the\ncentral square of {facts['image_size']} px, divide by 255, subtract the "
        "mean and divide by the\nstandard deviation."
    )


def _of_start(started_from: str, external: Mapping[str, Any]) -> dict[str, str]:
    """Return the facts of a continued encoder that only the record of its start has."""
    licence = external["licence"] or NO_LICENCE
    return {
        "started_from": f"{started_from}, pretrained on {external['pretrained_on']}",
        "licence": f"of the start: {licence}",
    }


def _text(value: object) -> str:
    if isinstance(value, list | tuple):
        return " ".join(_text(each) for each in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
