"""What is known of a new dataset before it is indexed: how many images, classes and pixels."""

from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import median

from fourlenses.core.errors import UserError
from fourlenses.data.sources.common.image_files import EXTENSIONS

INSPECTED = 50  # images whose pixels are inspected
VERIFIED = ("imagenet", "inat21")  # sources that check the sums of archives
TRAIN_SHARE = 0.8  # of a list that the template's program makes


@dataclass(frozen=True, kw_only=True)
class Survey:
    """What is known; None where it is not.

    Attributes:
        train_images: of the training split.
        classes: at the finest level.
        short_side: median over some images, px.
        unknown: why the images were not counted; empty where they were.
    """

    train_images: int | None = None
    classes: int | None = None
    short_side: int | None = None
    unknown: str = ""


def survey(name: str, definition: dict, raw_data: Path) -> Survey:
    """Return what the images say; nothing where they are not there yet.

    Args:
        name: of the dataset.
        definition: its entry under `datasets`.
        raw_data: the folder that its `path` starts from.
    """
    if "path" not in definition:  # drawn
        return Survey(train_images=definition["train_images"])
    path = raw_data / definition["path"]
    if not path.exists():
        return Survey(unknown=f"{path} is not there yet")
    if definition["source"] == "manifest":
        files = _image_files(path)
        if not files:
            return Survey(unknown=f"no image files lie in {path}")
        return Survey(
            train_images=int(len(files) * TRAIN_SHARE),
            classes=len({file.parent for file in files}),
            short_side=_short_side(path),
        )
    from fourlenses.data.sources import source_of  # takes a second

    if definition["source"] in VERIFIED:
        definition = definition | {"verify": False}  # which indexing does, for hours
    try:
        rows = source_of(definition).index(name, definition, raw_data)
    except UserError as error:
        return Survey(unknown=str(error))
    train = rows[rows["split"] == "train"]
    finest = [column for column in rows.columns if str(column).startswith("level:")][-1]
    return Survey(
        train_images=len(train),
        classes=int(train[finest].nunique()),
        short_side=_short_side(path),
    )


def _image_files(path: Path) -> list[Path]:
    return [file for file in sorted(path.rglob("*")) if file.suffix.lower() in EXTENSIONS]


def _short_side(path: Path) -> int | None:
    """Median over some files of a folder; None of an archive, or where none opens."""
    from PIL import Image

    files = _image_files(path)
    sides = []
    for file in islice(files, 0, None, max(1, len(files) // INSPECTED)):
        try:
            with Image.open(file) as image:
                sides.append(min(image.size))
        except (OSError, ValueError, Image.DecompressionBombError):
            continue  # check_dataset lists it
    return int(median(sides)) if sides else None
