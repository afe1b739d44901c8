"""The columns of metrics.csv, once: their order, what they hold, and what an earlier table lacks.

docs/reference/results.md has a table of them for users; tests/study/test_columns.py compares
the names.

Standard library only.
"""

from dataclasses import KW_ONLY, dataclass
from typing import Literal


@dataclass(frozen=True)
class Column:
    """A column of metrics.csv.

    Args:
        name: in the header.
        kind: `truth` is written `true` or `false`; a `count` is a whole number.
        meaning: with its unit.
        may_be_empty: where nothing is known of it.
        finest_only: known at the finest level of a target, and empty at the others.
        required: a table without it is refused; tables of earlier versions may lack the others.
        default: what stands for it in a table that lacks it; None: the column stays away.
        checked: reading checks and converts it; otherwise it stays text.
        sparse: left out of a table in which no row has it, as most studies have none.
    """

    name: str
    kind: Literal["text", "count", "number", "truth"]
    meaning: str
    _: KW_ONLY
    may_be_empty: bool = False
    finest_only: bool = False
    required: bool = True
    default: str | None = None
    checked: bool = True
    sparse: bool = False


def _later(
    name: str,
    kind: Literal["text", "count", "number", "truth"],
    meaning: str,
    *,
    default: str | None = "",
    checked: bool = True,
    sparse: bool = False,
) -> Column:
    """A column that tables of earlier versions lack."""
    return Column(
        name,
        kind,
        meaning,
        may_be_empty=default == "",
        required=False,
        default=default,
        checked=checked,
        sparse=sparse,
    )


def _unchecked(
    name: str, kind: Literal["count", "number"], meaning: str, *, finest_only: bool = False
) -> Column:
    """A number that no figure needs: shown where a table has it."""
    return Column(
        name, kind, meaning, finest_only=finest_only, required=False, default=None, checked=False
    )


COLUMNS = {
    column.name: column
    for column in (
        Column("study", "text", "name of the study"),
        Column("lens", "text", "the lenses that show the row, joined by ;"),
        Column("method", "text", "entry of `methods` that the encoder is of"),
        Column("backbone", "text", "architecture of the encoder"),
        Column("source", "text", "what was pretrained on; none: nothing"),
        Column("pretrain_images", "count", "images pretrained on"),
        Column("corruption", "text", "of the pretraining images; none: as they are"),
        Column("seed", "count", "of subset, initial weights and training"),
        Column("target", "text", "dataset evaluated on"),
        Column("level", "text", "label level that is scored"),
        Column("labelled_images", "count", "labelled training images of the target"),
        Column("protocol", "text", "how the encoder is evaluated"),
        Column("top1", "number", "accuracy on the test images, percent"),
        Column("top1_low", "number", "lower end of its 95 % Wilson interval, percent"),
        Column("top1_high", "number", "upper end of its 95 % Wilson interval, percent"),
        Column("top5", "number", "top-5 accuracy, percent", may_be_empty=True, finest_only=True),
        Column("n_test", "count", "test images"),
        Column("run", "text", "the encoder, as <method>/<source>/seed<k>"),
        _unchecked("steps", "count", "updates of the pretraining"),
        _unchecked("epochs", "number", "passes over the pretraining images"),
        _later("label_draw", "count", "which draw of this number of labels, from 0", default="0"),
        _unchecked(
            "mean_class_top1", "number", "accuracy averaged over classes, percent", finest_only=True
        ),
        _unchecked("log_loss", "number", "cross-entropy, nats", finest_only=True),
        _unchecked("ece", "number", "expected calibration error, points", finest_only=True),
        _later("image_size", "count", "side of the images that the encoder sees, px"),
        _later("n_classes", "count", "labels of the level"),
        _later("chance", "number", "share of the commonest label in the test images, percent"),
        _later("level_depth", "count", "place of the level, 0: the coarsest"),
        _later("is_finest", "truth", "whether the level is the finest of the target"),
        _later("training_steps", "count", "updates of the protocol's own training"),
        _later("not_converged", "text", "losses that still fell at the end: pretraining, training"),
        _later(
            "labels_per_class",
            "count",
            "labelled images of each class, where they were drawn so",
            sparse=True,
        ),
    )
}
REQUIRED = tuple(name for name, column in COLUMNS.items() if column.required)
FINEST_ONLY = tuple(name for name, column in COLUMNS.items() if column.finest_only)
SPARSE = tuple(name for name, column in COLUMNS.items() if column.sparse)
# whole numbers that may be empty
EMPTY_COUNTS = tuple(
    name for name, column in COLUMNS.items() if column.kind == "count" and column.may_be_empty
)
# what stands for a column that a table of an earlier version lacks
DEFAULTS = {name: column.default for name, column in COLUMNS.items() if column.default is not None}
# columns that reading turns into numbers
NUMBERS = tuple(
    name
    for name, column in COLUMNS.items()
    if column.kind in ("count", "number") and column.checked
)
