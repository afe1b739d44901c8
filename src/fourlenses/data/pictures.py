"""The image files of a directory or an archive: which there are, and their bytes in the order of a manifest. Sources of files share this.

Two passes have to agree: indexing lists the files, writing reads them again. Both see them in storage order, so neither needs memory.
"""

import collections
import logging
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

import pandas as pd

from fourlenses.data.archives import file_names, members
from fourlenses.data.decode import Undecodable, header_size
from fourlenses.data.manifest import Manifest, text_column
from fourlenses.errors import UserError, printable
from fourlenses.randomness import named_seed, string_ids, uniform

log = logging.getLogger(__name__)
EXTENSIONS = {".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm"}
TEST_SPLITS = ("val", "valid", "validation", "test")


def is_picture(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in EXTENSIONS


def find_pictures(
    path: Path,
    dataset: str,
    wanted: Callable[[str], bool] = is_picture,
    others: dict[str, bytes] | None = None,
    folders: set[str] | None = None,
) -> pd.DataFrame:
    """Columns path, width, height: the files that are ``wanted``, in storage order. Of several of one name in an archive the last counts,
    as it would after unpacking; a column ``earlier`` then says how many to pass over.

    others: filled with the contents of the .csv files met. folders: filled with the folders met.
    """
    rows, unused = [], collections.Counter()
    for name, file in _files(path, dataset, folders):
        if wanted(name):
            rows.append((name, *header_size(file)))
            continue
        unused[PurePosixPath(name).suffix or "no ending"] += 1
        if others is not None and name.endswith(".csv"):
            others[name] = file.read_bytes() if isinstance(file, Path) else file
    if unused:
        log.info("%s: %d other files (%s)", path, unused.total(), ", ".join(f"{count} {kind}" for kind, count in unused.most_common(5)))
    names, widths, heights = zip(*rows, strict=True) if rows else ((), (), ())
    table = pd.DataFrame({"path": text_column(names), "width": widths, "height": heights})
    again = table["path"].duplicated()
    if again.any():
        log.warning("%s: %d files have the name of an earlier one; of each name the last counts", path, again.sum())
        times = collections.Counter(names)
        table = table.drop_duplicates("path", keep="last", ignore_index=True)
        table["earlier"] = [times[name] - 1 for name in table["path"]]
    return table


def _files(path: Path, dataset: str, folders: set[str] | None) -> Iterator[tuple[str, Path | bytes | Undecodable]]:
    """Of a directory paths: then only headers have to be read."""
    if path.is_dir():
        for name in file_names(path, dataset, set() if folders is None else folders):
            yield name, path / name
    else:
        yield from members(path, dataset, folders)


def stream_pictures(path: Path, dataset: str, manifest: Manifest) -> Iterator[bytes | Undecodable]:
    """Per row of a manifest made from `find_pictures` the content of its file. A row without a path is one that was announced, but was
    nowhere to be found; such rows come last.

    Raises:
        UserError: a file that was there when the dataset was indexed no longer is.
    """
    paths = list(manifest["path"])
    rows = zip(paths, manifest["earlier"] if "earlier" in manifest else [0] * len(paths), strict=True)
    expected = next(rows, None)
    seen = collections.Counter()
    for name, data in _contents(path, dataset, paths):
        if "earlier" in manifest:
            seen[name] += 1
        if expected == (name, max(seen[name] - 1, 0)):
            yield data
            expected = next(rows, None)
    while expected is not None and not expected[0]:
        yield Undecodable(f"listed, but not in {path}")
        expected = next(rows, None)
    if expected is not None:
        raise UserError(f"{path} no longer holds '{printable(expected[0])}', which it had when it was indexed; index it again")


def _contents(path: Path, dataset: str, paths: list[str]) -> Iterator[tuple[str, bytes | Undecodable]]:
    if not path.is_dir():
        yield from members(path, dataset)
        return
    for name in filter(None, paths):
        try:
            yield name, (path / name).read_bytes()
        except FileNotFoundError:
            if not (path / name).is_symlink():
                return
            yield name, Undecodable("a link that leads to nothing")
        except OSError as error:
            raise UserError(f"config key 'datasets.{dataset}.path': {path / name} cannot be read ({error.strerror})") from error


def without_wrapping(names: list[str], keep: tuple[str, ...] = ("train", *TEST_SPLITS)) -> list[tuple[str, ...]]:
    """The parts of every name, without the folders that lie around everything: an archive and the folder it was made of look the same.
    A folder named like a split, or one that lies around images themselves, stays."""
    parts = [PurePosixPath(name).parts for name in names]
    while any(len(part) >= 3 for part in parts) and len({part[0] for part in parts}) == 1 and parts[0][0] not in keep:
        parts = [part[1:] for part in parts]
    return parts


def seeded_split(ids: list[str], definition: dict) -> list[str]:
    """train or test for every id, drawn from the seed and the id alone: an image stays on its side when others come or go."""
    draws = uniform(named_seed(definition.get("seed", 0), "split"), string_ids(ids), draws=1)[:, 0]
    return ["test" if draw < definition.get("test_fraction", 0.2) else "train" for draw in draws]
