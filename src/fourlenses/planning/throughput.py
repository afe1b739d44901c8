"""Images per second of an encoder on a device: measured here, given by the user, published, or scaled from the nearest of these.

A table has the columns of `COLUMNS`. ``kind`` is what is done with an image: a method's name (one training step, all its views),
``features`` (one forward pass), ``linear`` (a labelled image in a linear classifier of `LINEAR_CLASSES` classes on the features, all
strengths), ``beton`` and ``beton_<corruption's family>`` (decoded, checked, encoded, on one core); and ``start``: jobs started a second.
Standard library only.
"""

import csv
import math
from dataclasses import dataclass
from pathlib import Path

from fourlenses.core.errors import UserError
from fourlenses.planning.backbones import BACKBONES
from fourlenses.study.vocabulary import METHODS, PROTOCOLS

COLUMNS = ("device", "backbone", "image_size", "kind", "precision", "images_per_second", "source")
SHIPPED = Path(__file__).parent / "throughput.csv"
LINEAR_CLASSES = 100
# Passes over the labels that fitting a linear classifier takes, over all strengths and the final fit, each of two products (scores and
# gradient): 177 for the six strengths of config.yaml on 4,000 labels of EuroSAT.
LINEAR_PASSES = 200
# Forward passes of the encoder that an image costs, of each kind of work; heads are left out.
PASSES = {"features": 1} | {
    record.name: record.passes
    for record in (*PROTOCOLS.values(), *METHODS.values())
    if record.passes is not None
}
START = "start"


@dataclass(frozen=True)
class Row:
    """A line of a table: a speed and where it comes from."""

    device: str
    backbone: str
    image_size: int
    kind: str
    precision: str
    images_per_second: float
    source: str


@dataclass(frozen=True)
class Rate:
    """images_per_second: None where nothing is known. how: a sentence's worth on where it comes from."""

    images_per_second: float | None
    how: str

    def seconds(self, images: float) -> float | None:
        return (
            images / self.images_per_second
            if self.images_per_second
            else (0.0 if images == 0 else None)
        )


def read_table(file: Path) -> list[Row]:
    """
    Raises:
        UserError: the file lacks a column, or has a value that is no speed.
    """
    if not file.exists():
        raise UserError(
            f"{file} (a table of images per second) does not exist; correct the key 'plan.throughput' or run snakemake calibrate"
        )
    with open(file, newline="", encoding="utf-8") as opened:
        reader = csv.DictReader(line for line in opened if not line.startswith("#"))
        missing = [column for column in COLUMNS if column not in (reader.fieldnames or [])]
        if missing:
            raise UserError(
                f"{file} lacks the column {', '.join(missing)}; a table of images per second has {', '.join(COLUMNS)}"
            )
        rows = []
        for number, line in enumerate(reader, 1):
            try:
                own = {column: line[column] for column in COLUMNS}
                own |= {
                    "image_size": int(own["image_size"]),
                    "images_per_second": float(own["images_per_second"]),
                }
                row = Row(**own)
            except (TypeError, ValueError) as error:
                raise UserError(
                    f"{file}, row {number}: {error}; image_size is a whole number, images_per_second a number"
                ) from None
            if not row.images_per_second > 0 or row.image_size < 1:
                raise UserError(
                    f"{file}, row {number}: image_size and images_per_second must be above 0"
                )
            if not _on_cpu(row.kind) and row.backbone not in BACKBONES:
                raise UserError(
                    f"{file}, row {number}: backbone '{row.backbone}' is none of {', '.join(BACKBONES)}"
                )
            rows.append(row)
    return rows


def write_table(rows: list[Row], file: Path) -> None:
    from fourlenses.core.files import write_csv

    write_csv(file, COLUMNS, ([getattr(row, column) for column in COLUMNS] for row in rows))


def merge_into(file: Path, rows: list[Row]) -> None:
    """Add ``rows`` to a table, in place of what it says of the same work."""
    new = {_what(row): row for row in rows}
    old = {_what(row): row for row in (read_table(file) if file.exists() else [])}
    write_table(list({**old, **new}.values()), file)


def _on_cpu(kind: str) -> bool:
    """What needs no encoder."""
    return kind == START or kind.startswith("beton")


def _what(row: Row) -> tuple:
    return row.device, row.backbone, row.image_size, row.kind


class Throughput:
    """The speeds of one device: of several tables the first that knows a thing decides.

    device: a name in the tables, or "": that of the first table (what was measured on this machine), else of the shipped one.

    Raises:
        UserError: no table has a row of the device.
    """

    def __init__(self, tables: list[list[Row]], device: str = "") -> None:
        self.rows = [(rank, row) for rank, table in enumerate(tables) for row in table]
        devices = list(dict.fromkeys(row.device for _, row in self.rows))
        if device and device not in devices:
            raise UserError(
                f"key 'plan.device' is '{device}', of which no table has a row; known: {', '.join(devices) or 'none'}"
            )
        self.device = device or (devices[0] if devices else "")

    def rate(self, kind: str, backbone: str, image_size: int, classes: int | None = None) -> Rate:
        """The speed of ``kind`` of work (see the module); classes: of a linear classifier."""
        if _on_cpu(kind):
            return self._on_cpu(kind, image_size)
        asked = self._work(kind, backbone, image_size, classes)
        if asked is None:
            return Rate(
                None,
                "unknown: the number of classes"
                if kind == "linear"
                else f"unknown: no cost of '{kind}'",
            )
        near = []
        for rank, row in self.rows:
            work = (
                self._work(row.kind, row.backbone, row.image_size)
                if row.device == self.device and not _on_cpu(row.kind)
                else None
            )
            trains = PASSES.get(row.kind, 0) >= 3
            if work and (
                row.kind == kind or (row.kind != "linear" and (kind != "linear" or trains))
            ):
                # a supervised step is nearer to fine-tuning than SimCLR's
                like = abs(math.log(PASSES.get(row.kind, 1) / PASSES.get(kind, 1)))
                near.append(
                    (
                        (
                            row.kind != kind,
                            row.backbone != backbone,
                            like,
                            abs(row.image_size - image_size),
                            rank,
                        ),
                        row,
                        work,
                    )
                )
        if not near:
            return Rate(None, f"unknown: no row of device '{self.device}' to scale from")
        _, row, work = min(near, key=lambda one: one[0])
        same = (
            row.kind == kind
            and row.backbone == backbone
            and (row.image_size == image_size or kind == "linear")
        )
        if same and work == asked:
            return Rate(row.images_per_second, f"{self.device}: {row.source}")
        return Rate(
            row.images_per_second * work / asked,
            f"{self.device}: scaled by multiply-adds from {row.kind}, {row.backbone}, {row.image_size} px ({row.source})",
        )

    def start_seconds(self) -> float:
        """Of one job, from its start until it computes; 0 where nothing is known."""
        rates = [
            row.images_per_second
            for _, row in self.rows
            if (row.device, row.kind) == (self.device, START)
        ]
        return 1 / rates[0] if rates else 0.0

    def _work(
        self, kind: str, backbone: str, image_size: int, classes: int | None = LINEAR_CLASSES
    ) -> float | None:
        """Multiply-adds of one image."""
        if kind == "linear":
            return 2 * LINEAR_PASSES * BACKBONES[backbone].width * classes if classes else None
        return (
            PASSES[kind] * BACKBONES[backbone].multiply_adds_at(image_size)
            if kind in PASSES
            else None
        )

    def _on_cpu(self, kind: str, stored_size: int) -> Rate:
        """Of one core, whatever the device; scaled by the area of an image."""
        near = [
            (row.device != self.device, abs(row.image_size - stored_size), rank, row)
            for rank, row in self.rows
            if row.kind == kind
        ]
        if not near:
            return Rate(None, f"unknown: no table has a row of kind '{kind}'")
        row = min(near, key=lambda one: one[:3])[3]
        if row.image_size == stored_size:
            return Rate(row.images_per_second, f"one core of {row.device}: {row.source}")
        scaled = row.images_per_second * (row.image_size / stored_size) ** 2
        return Rate(
            scaled,
            f"one core of {row.device}: scaled by area from {row.image_size} px ({row.source})",
        )
