"""Images listed in a Parquet file that a rule of the user's makes.

`fourlenses.data.manifest.contract` describes its columns. This source is for every dataset that no
other source reads: any program may write the file, and it is checked here.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from fourlenses.core.errors import UserError, printable
from fourlenses.data.archives.archives import members
from fourlenses.data.images.content import LazyImage
from fourlenses.data.manifest.contract import read_rows
from fourlenses.data.manifest.manifest import PREFIX, Manifest
from fourlenses.data.sources.common.image_files import stream_pictures


def index(name: str, definition: dict, raw_data: Path) -> pd.DataFrame:
    file, root = Path(definition["manifest"]), raw_data / definition["path"]
    table = read_rows(file, f"datasets.{name}.manifest")
    if not root.exists():
        raise UserError(
            f"config key 'datasets.{name}.path': there is no file or directory {root}; "
            "put it there, correct the key, or point 'raw_data' at the folder that holds it"
        )
    if root.is_dir():
        missing = np.array([not (root / path).is_file() for path in table["path"]], bool)
    else:
        # an archive is read as a stream: rows are put into its order, that of the last of several
        # members of the same name
        order = {member: number for number, (member, _) in enumerate(members(root, name))}
        table["order"] = table["path"].map(order)
        missing = table["order"].isna().to_numpy()
    if missing.any():
        row = int(np.argmax(missing))
        more = f" ({missing.sum()} such rows)" if missing.sum() > 1 else ""
        raise UserError(
            f"{file}: column 'path', row {row} is '{printable(table['path'][row])}'{more}: there "
            f"is no such file in {root}; paths start from there (config key "
            f"'datasets.{name}.path')"
        )
    if not root.is_dir():
        table = table.sort_values("order", ignore_index=True)
    for side in ("width", "height"):
        if side not in table:
            table[side] = 0
    levels = [column for column in table if column.startswith(PREFIX)]
    return table[["id", "path", "split", "width", "height", *levels]]


def images(
    name: str, definition: dict, raw_data: Path, *, manifest: Manifest, size: int
) -> Iterator[LazyImage]:
    return stream_pictures(raw_data / definition["path"], name, manifest)
