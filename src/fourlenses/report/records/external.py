"""The encoders of a report that the study did not pretrain, with what their entries say of them."""

from fourlenses.report.tables import Table

COLUMNS = [
    "encoder",
    "architecture",
    "px",
    "pretrained on",
    "images",
    "has seen",
    "licence",
    "sha256 of the weights",
]
UNKNOWN = "–"


def external_encoders(runs: list[dict]) -> Table | None:
    """Return a row for each external encoder; None where there is none.

    Args:
        runs: as from `read_runs`; those of several seeds are of one encoder.
    """
    rows = {}
    for run in runs:
        record = run["record"]
        said, settings = record.get("external"), record.get("settings")
        if isinstance(said, dict) and isinstance(settings, dict):
            rows[str(settings.get("source"))] = _row(said, settings)
    return Table.of(COLUMNS, list(rows.values())) if rows else None


def _row(said: dict, settings: dict) -> list[str]:
    images, seen = said.get("pretrain_images"), said.get("labels_of")
    return [
        str(settings.get("source")),
        str(settings.get("backbone", UNKNOWN)),
        str(settings.get("image_size", UNKNOWN)),
        str(said.get("pretrained_on", UNKNOWN)),
        f"{images:,}" if isinstance(images, int) else UNKNOWN,
        ", ".join(map(str, seen)) if isinstance(seen, list) and seen else UNKNOWN,
        str(said.get("licence") or UNKNOWN),
        str(said.get("sha256", UNKNOWN))[:12],
    ]
