"""Images per second of an encoder on a device: measured, given by the user, published, or scaled.

A table has the columns of `COLUMNS`. ``kind`` is the work that is done with an image:

- a method's name: one training step, all its views;
- ``features``: one forward pass;
- ``linear``: a labelled image in a linear classifier of `LINEAR_CLASSES` classes on features, over
  all L2 strengths;
- ``beton`` and ``beton_<family of corruptions>``: decoded, checked and encoded, on one core;
- ``start``: jobs started a second.
"""

import csv
import math
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from pathlib import Path

from fourlenses.core.errors import UserError
from fourlenses.core.files import write_csv
from fourlenses.planning.backbones import BACKBONES
from fourlenses.planning.networks import backbone as backbone_of
from fourlenses.study.vocabulary import METHODS, PROTOCOLS

COLUMNS = ("device", "backbone", "image_size", "kind", "precision", "images_per_second", "source")
SHIPPED = Path(__file__).parent / "throughput.csv"
LINEAR_CLASSES = 100
# Passes over the labels that fitting a linear classifier takes, over all L2 strengths and the final
# fit, each of two products (scores and gradient): 177 for the six strengths of config.yaml on 4,000
# labels of EuroSAT.
LINEAR_PASSES = 200
# Forward passes of the encoder that an image costs, of each kind of work; heads are left out.
PASSES = {"features": 1}
PASSES |= {name: protocol.passes for name, protocol in PROTOCOLS.items() if protocol.passes}
PASSES |= {name: method.passes for name, method in METHODS.items() if method.passes}
START = "start"


@dataclass(frozen=True, kw_only=True)
class Row:
    """A line of a table; the fields are its columns."""

    device: str
    backbone: str
    image_size: int
    kind: str
    precision: str
    images_per_second: float
    source: str

    @property
    def work(self) -> tuple[str, str, int, str]:
        """The work that was measured; of two rows of the same work the newer one counts."""
        return self.device, self.backbone, self.image_size, self.kind


@dataclass(frozen=True)
class Rate:
    """A speed.

    Args:
        images_per_second: None where nothing is known.
        how: where it comes from, in some words.
    """

    images_per_second: float | None
    how: str

    def seconds(self, images: float) -> float | None:
        """Return the seconds of this number of images; None where the speed is unknown."""
        if images == 0:
            return 0.0
        return images / self.images_per_second if self.images_per_second else None


def read_table(file: Path) -> list[Row]:
    """Return the rows of a table.

    Raises:
        UserError: the file does not exist, lacks a column, or has a value that is no speed.
    """
    if not file.exists():
        raise UserError(
            f"{file} (a table of images per second) does not exist; correct the key "
            "'plan.throughput' or run snakemake calibrate"
        )
    with open(file, newline="", encoding="utf-8") as opened:
        reader = csv.DictReader(line for line in opened if not line.startswith("#"))
        missing = [column for column in COLUMNS if column not in (reader.fieldnames or [])]
        if missing:
            raise UserError(
                f"{file} lacks the column {', '.join(missing)}; "
                f"a table of images per second has {', '.join(COLUMNS)}"
            )
        return [_read_row(line, f"{file}, row {number}") for number, line in enumerate(reader, 1)]


def _read_row(line: Mapping[str, str], where: str) -> Row:
    text = {column: line[column] for column in COLUMNS}
    try:
        row = Row(
            device=text["device"],
            backbone=text["backbone"],
            image_size=int(text["image_size"]),
            kind=text["kind"],
            precision=text["precision"],
            images_per_second=float(text["images_per_second"]),
            source=text["source"],
        )
    except (TypeError, ValueError) as error:
        raise UserError(
            f"{where}: {error}; image_size is a whole number, images_per_second a number"
        ) from None
    if not row.images_per_second > 0 or row.image_size < 1:
        raise UserError(f"{where}: image_size and images_per_second must be above 0")
    known = row.backbone in BACKBONES or ":" in row.backbone
    if not _needs_no_encoder(row.kind) and not known:
        raise UserError(
            f"{where}: backbone '{row.backbone}' is none of {', '.join(BACKBONES)}; "
            "torchvision:<name> and timm:<name> are allowed too"
        )
    return row


def merge_into(file: Path, rows: list[Row]) -> None:
    """Add rows to a table; they replace what it says of the same work."""
    former = read_table(file) if file.exists() else []
    merged = {row.work: row for row in (*former, *rows)}
    write_csv(file, COLUMNS, map(astuple, merged.values()))


def _needs_no_encoder(kind: str) -> bool:
    return kind == START or kind.startswith("beton")


class Throughput:
    """The speeds of one device: of several tables the first that has a thing decides.

    Args:
        tables: in the order in which they decide.
        device: a name in the tables; empty: that of the first row, so what was measured on this
            machine if anything was.

    Raises:
        UserError: no table has a row of the device.
    """

    def __init__(self, tables: list[list[Row]], device: str = "") -> None:
        self._rows = [(rank, row) for rank, table in enumerate(tables) for row in table]
        devices = list(dict.fromkeys(row.device for _, row in self._rows))
        if device and device not in devices:
            raise UserError(
                f"key 'plan.device' is '{device}', of which no table has a row; "
                f"known: {', '.join(devices) or 'none'}"
            )
        self.device = device or (devices[0] if devices else "")

    def on_gpu(self, config: dict) -> bool:
        """Decide whether these speeds are a GPU's.

        Only GPUs compute at half precision; `cpu` of the config's `device` decides alone.
        """
        rows = [row for _, row in self._rows if row.device == self.device]
        halves = any(row.precision in ("float16", "bfloat16") for row in rows)
        return config["device"] != "cpu" and (halves or self.device.startswith("NVIDIA"))

    def rate(
        self, kind: str, backbone: str, image_size: int, *, classes: int | None = None
    ) -> Rate:
        """Return the speed of a kind of work.

        Args:
            kind: see the module.
            backbone: a name of `BACKBONES` or of an architecture; of no account for betons.
            image_size: px; of a beton the stored size.
            classes: of a linear classifier.
        """
        if _needs_no_encoder(kind):
            return self._rate_of_a_core(kind, image_size)
        work = _multiply_adds(kind, backbone, image_size, classes=classes)
        if work is None:
            unknown = "the number of classes" if kind == "linear" else f"no cost of '{kind}'"
            return Rate(None, f"unknown: {unknown}")
        row = self._nearest(kind, backbone, image_size)
        if row is None:
            return Rate(None, f"unknown: no row of device '{self.device}' to scale from")
        measured = _multiply_adds(row.kind, row.backbone, row.image_size, classes=LINEAR_CLASSES)
        assert measured is not None  # `_nearest` returns no other row
        same_size = row.image_size == image_size or kind == "linear"
        same = (row.kind, row.backbone) == (kind, backbone) and same_size
        if same and measured == work:
            return Rate(row.images_per_second, f"{self.device}: {row.source}")
        return Rate(
            row.images_per_second * measured / work,
            f"{self.device}: scaled by multiply-adds from {row.kind}, {row.backbone}, "
            f"{row.image_size} px ({row.source})",
        )

    def start_seconds(self) -> float:
        """Return the seconds from a job's start until it computes; 0 where nothing is known."""
        for _, row in self._rows:
            if (row.device, row.kind) == (self.device, START):
                return 1 / row.images_per_second
        return 0.0

    def _nearest(self, kind: str, backbone: str, image_size: int) -> Row | None:
        """Return the device's row that a speed is best scaled from.

        The same kind comes first, then the same backbone, then a kind of similar cost: a supervised
        step is nearer to fine-tuning than SimCLR's.
        """

        def distance(ranked: tuple[int, Row]) -> tuple:
            rank, row = ranked
            unlike = abs(math.log(PASSES.get(row.kind, 1) / PASSES.get(kind, 1)))
            pixels = abs(row.image_size - image_size)
            return row.kind != kind, row.backbone != backbone, unlike, pixels, rank

        usable = [
            ranked
            for ranked in self._rows
            if ranked[1].device == self.device and _scales_to(ranked[1].kind, kind)
        ]
        return min(usable, key=distance)[1] if usable else None

    def _rate_of_a_core(self, kind: str, stored_size: int) -> Rate:
        """Return the speed of one core, of whatever device; scaled by the area of an image."""
        rows = [ranked for ranked in self._rows if ranked[1].kind == kind]
        if not rows:
            return Rate(None, f"unknown: no table has a row of kind '{kind}'")

        def distance(ranked: tuple[int, Row]) -> tuple:
            rank, row = ranked
            return row.device != self.device, abs(row.image_size - stored_size), rank

        row = min(rows, key=distance)[1]
        core = f"one core of {row.device}"
        if row.image_size == stored_size:
            return Rate(row.images_per_second, f"{core}: {row.source}")
        return Rate(
            row.images_per_second * (row.image_size / stored_size) ** 2,
            f"{core}: scaled by area from {row.image_size} px ({row.source})",
        )


def _scales_to(measured: str, kind: str) -> bool:
    """Tell whether the speed of one kind of work can be scaled from that of another.

    Classifiers compute otherwise than encoders; they are scaled from trainings only.
    """
    if measured == kind:
        return True
    if measured == "linear" or measured not in PASSES:
        return False
    return kind != "linear" or PASSES[measured] >= 3


def _multiply_adds(
    kind: str, backbone: str, image_size: int, *, classes: int | None
) -> float | None:
    """Return those of one image; None where the cost of the kind is unknown."""
    if kind == "linear":
        width = backbone_of(backbone, image_size).width
        return 2 * LINEAR_PASSES * width * classes if classes else None
    if kind not in PASSES:
        return None
    return PASSES[kind] * backbone_of(backbone, image_size).multiply_adds_at(image_size)
