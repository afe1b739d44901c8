"""Pictures of images, embedded: what a study was trained on, and what its encoders find alike."""

import io
from pathlib import Path

from PIL import Image

from fourlenses.report.figures import anchor, encoded
from fourlenses.report.gaps import Gap
from fourlenses.report.tables import read_table
from fourlenses.study import names
from fourlenses.study.layout import PICTURES

KINDS = {
    "images": "What it was trained on",
    "neighbours": "What the encoders find alike",
    "map": "Where the encoders put test images",
}
NUMBERS = "neighbours"  # the kind next to whose pictures the numbers of a target are
MOST_EMBEDDED = 420_000  # bytes of all pictures that a page carries
MARKUP = 700  # bytes that the page has around a picture


def read_pictures(results: Path, room: int = MOST_EMBEDDED) -> dict:
    """Return the pictures of a study by kind, and what is not there.

    Args:
        results: the study's folder.
        room: bytes for all of them.

    Returns:
        ``kinds``: title and pictures of each kind; ``left_out``: files for which a page has no
        room; ``gaps``.
    """
    folder = results / PICTURES
    files = [(kind, file) for kind in KINDS for file in sorted(folder.glob(f"{kind}_*.webp"))]
    shown: dict[str, list[dict]] = {}
    left_out = []
    for kind, file in files:
        content = file.read_bytes()
        size = len(content) + MARKUP
        if size > room:
            left_out.append(file.name)
        else:
            room -= size
            shown.setdefault(kind, []).append(_picture(kind, file, content))
    absent = Gap("Pictures of images and of nearest neighbours are not there", "snakemake pictures")
    return {
        "kinds": [(KINDS[kind], kind, pictures) for kind, pictures in shown.items()],
        "left_out": left_out,
        "gaps": [] if files else [absent],
    }


def _picture(kind: str, file: Path, content: bytes) -> dict:
    dataset = file.stem.removeprefix(f"{kind}_")
    width, height = Image.open(io.BytesIO(content)).size
    return {
        "id": f"picture-{anchor(file.stem)}",
        "file": file.name,
        "source": f"data:image/webp;base64,{encoded(content)}",
        "width": width,
        "height": height,
        "alternative": _in_words(
            kind, names.dataset(dataset), file.with_name(f"{NUMBERS}_{dataset}.csv")
        ),
    }


def _in_words(kind: str, dataset: str, numbers: Path) -> str:
    if kind == "images":
        return f"Training images of {dataset}: clean, augmented by each method, and corrupted."
    table = read_table(numbers)
    rows = table.rows if table else []
    if kind == "map":
        shares = [f"{row[1]} {row[6]} %" for row in rows if len(row) > 6]
        share = f" Variance in the plane: {'; '.join(shares)}." if shares else ""
        return f"Features of test images of {dataset} in a plane, by encoder.{share}"
    found = [f"{row[1]} {row[5]} %" for row in rows if len(row) > 5]
    share = f" Neighbours of the same class: {'; '.join(found)}." if found else ""
    return f"Test images of {dataset} and their nearest training images, by encoder.{share}"
