"""The model card of an exported encoder: facts, use, accuracy with intervals, findings, limits.

It begins with the lines by which Hugging Face's hub sorts models; nothing is sent there.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from fourlenses.export.measured import Measured
from fourlenses.export.network import TimmNetwork
from fourlenses.findings import numbers
from fourlenses.findings.show.markdown import table
from fourlenses.models.card import NO_LICENCE, facts_table, facts_with_licence, preprocessing
from fourlenses.study import names

# licences in the hub's words, for those that are stated in the usual ones
HUB_LICENCES = (
    *("apache-2.0", "mit", "bsd-3-clause", "bsd-2-clause", "cc0-1.0", "cc-by-4.0", "cc-by-sa-4.0"),
    *("cc-by-nc-4.0", "cc-by-nc-sa-4.0", "gpl-3.0", "agpl-3.0", "openrail"),
)
USE_TIMM = """    network = timm.create_model("local-dir:FOLDER", pretrained=True)
    network = transformers.AutoModel.from_pretrained("FOLDER")
    prepare = transformers.AutoImageProcessor.from_pretrained("FOLDER")

timm's network returns the features that were measured; of transformers' answer they are
`pooler_output`, flattened.
"""
USE_OURS = """    network = fourlenses.export.network.read_exported("FOLDER")
    prepare = transformers.AutoImageProcessor.from_pretrained("FOLDER")

timm and transformers have no network of this architecture.
"""


def card(
    name: str,
    record: Mapping[str, Any],
    *,
    measured: Measured,
    licences: Mapping[str, str],
    twin: TimmNetwork | None,
    weights: Path,
    started_from: Path | None = None,
) -> str:
    """Return the model card in Markdown.

    Args:
        name: of the encoder.
        record: its run.json.
        measured: what the study says of it.
        licences: of datasets by name, where one is known.
        twin: the network of timm that it is.
        weights: the file.
        started_from: folder of the imported encoder that it was continued from.
    """
    facts = facts_with_licence(record, started_from)
    parts = [
        _front_matter(facts["licence"], twin),
        f"# {name}\n",
        f"An image encoder without a classifier, of the study {measured.study}.\n",
        facts_table(facts, weights),
        f"## Use\n\n{USE_TIMM if twin else USE_OURS}\n{preprocessing(facts)}\n",
        f"## Data\n\n{''.join(_data(record, licences))}",
        f"## Accuracy\n\n{_accuracy(measured.rows)}",
        *_said(measured),
        f"## Limits\n\n{''.join(f'- {limit}{chr(10)}' for limit in _limits(record, measured))}",
    ]
    return "\n".join(parts)


def _front_matter(licence: str, twin: TimmNetwork | None) -> str:
    known = licence.lower() in HUB_LICENCES
    stated = licence != NO_LICENCE
    header: dict[str, Any] = {
        "license": licence.lower() if known else "other" if stated else "unknown",
        "pipeline_tag": "image-feature-extraction",
        "tags": ["image-feature-extraction", "self-supervised", "fourlenses"],
    }
    header |= {"license_name": licence} if stated and not known else {}
    header |= {"library_name": "timm"} if twin else {}
    return f"---\n{yaml.safe_dump(header, sort_keys=False, allow_unicode=True)}---\n"


def _data(record: Mapping[str, Any], licences: Mapping[str, str]) -> Iterator[str]:
    """Yield a line for each set of images that the weights were trained on."""
    external = record.get("external")
    if external:
        images = numbers.images(external["pretrain_images"])
        yield f"- {external['pretrained_on']} ({images} images)\n"
    for part in record["datasets"]:
        terms = licences.get(part["dataset"], "not stated; mind them before you pass weights on")
        content = part["beton_sha256"] or "not known"
        yield (
            f"- {names.dataset(part['dataset'])} ({part['beton']}); terms of its images: {terms}. "
            f"SHA-256 of the images: {content}, of the choice of them: {part['subset_sha256']}\n"
        )
    if not external and not record["datasets"]:
        yield "- none: the weights are random\n"


def _accuracy(rows: pd.DataFrame) -> str:
    if rows.empty:
        return "The study has evaluated this encoder on no target.\n"
    draws = rows["label_draw"].max() > 0
    head = ["target", "labels", *(["draw"] if draws else []), "protocol"]
    head += ["top-1, % (95 % interval)", "random encoder, %", "chance, %", "test images"]
    cells = [_cells(row, draws=draws) for row in rows.to_dict("records")]
    return table([head, *cells]) + (
        "\nThe interval is of the test images alone, for these weights. Another seed gives other "
        "weights: under findings the seeds of the study count too.\n"
    )


def _cells(row: Mapping[Any, Any], *, draws: bool) -> list[str]:
    low, high = row["top1_low"], row["top1_high"]
    return [
        f"{names.dataset(row['target'])}, {row['level']}",
        numbers.images(row["labelled_images"]),
        *([str(row["label_draw"] + 1)] if draws else []),
        names.protocol(row["protocol"]) + (" (not converged)" if row["not_converged"] else ""),
        numbers.percent(row["top1"], low, high),
        *(_percent(row[key]) for key in ("untrained", "chance")),
        numbers.images(row["n_test"]),
    ]


def _percent(value: float) -> str:
    return numbers.NOTHING if pd.isna(value) else f"{value:.1f}"


def _said(measured: Measured) -> Iterator[str]:
    """Yield the sections on the answers for its targets, and on the findings it counts in."""
    if measured.decisions:
        lines = []
        for found in measured.decisions:
            headline = found["headline"]
            because = " ".join(headline["because"])
            lines.append(f"**{found['title']}.** {headline['sentence']} {because}".rstrip() + "\n")
            lines.append(f"{found['conditions']}\n")
        yield "## What the study answers\n\n" + "\n".join(lines)
    if measured.findings:
        yield "## Findings that it counts in\n\n" + "".join(map(_finding, measured.findings))


def _finding(finding: Mapping[str, Any]) -> str:
    numbers_of = [finding[key] for key in ("estimate", "low", "high")]
    points = numbers.difference(*numbers_of, unit=finding["unit"])
    estimate = "" if points == numbers.NOTHING else f" {points} {finding['unit']}."
    return f"- {finding['statement']} **{finding['verdict']}.**{estimate} {finding['note']}\n"


def _limits(record: Mapping[str, Any], measured: Measured) -> Iterator[str]:
    rows = measured.rows
    targets = ", ".join(dict.fromkeys(map(names.dataset, rows["target"])))
    where = f"on {targets} and nowhere else" if targets else "nowhere"
    yield f"It was measured {where}; what it is worth on other images is not known."
    for key in ("not_converged", "collapsed"):
        if record.get(key):
            yield str(record[key])
    yield from (str(note) for note in record.get("notes") or [])
    for found in measured.decisions:
        yield from (f"{found['title']}: {warning}" for warning in found["warnings"])
