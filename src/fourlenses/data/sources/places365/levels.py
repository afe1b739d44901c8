"""The levels above the 365 classes of Places365.

With the authors' scene hierarchy sheet there are three levels of 3, 16 and 365 labels. With their
table of indoor and outdoor classes there are two; else the class is the only level.
"""

import csv
import logging
from pathlib import Path

from fourlenses.core.errors import UserError

log = logging.getLogger(__name__)
SHIPPED = Path(__file__).parents[1] / "tables" / "IO_places365.txt"
INDOOR_OUTDOOR = {"1": "indoor", "2": "outdoor"}
# Columns of the sheet after the class: three flags of level 1, then the flags of level 2: six
# beneath the first of level 1, four beneath the second, six beneath the third.
LEVEL1, BENEATH = 3, (6, 4, 6)


def levels(
    name: str,
    definition: dict,
    raw_data: Path,
    *,
    table: tuple[str, str] | None,
    classes: list[str],
) -> dict[str, dict[str, str]]:
    """Return per level above the class, coarse to fine, the label of every class.

    Args:
        name: Of the dataset.
        definition: Its config entry.
        raw_data: Folder that relative paths start from.
        table: Path and text of an IO_places365.txt, where the dataset has it.
        classes: Names of the classes, such as ``/a/airfield``.

    Raises:
        UserError: The sheet of the key ``hierarchy`` is absent, of another form, or lacks a class.
    """
    if "hierarchy" in definition:
        return _from_sheet(name, raw_data / definition["hierarchy"], classes)
    shipped = "the table of the authors that comes with fourlenses"
    file, text = table or (shipped, SHIPPED.read_text())
    sides = dict(line.split()[:2] for line in text.splitlines() if len(line.split()) > 1)
    missing = [category for category in classes if sides.get(category) not in INDOOR_OUTDOOR]
    if missing:
        log.warning(
            "%s: %d classes, e.g. %s, are not in %s: the class is the only level. Set the key "
            "'hierarchy' for more",
            name,
            len(missing),
            missing[0],
            file,
        )
        return {}
    log.info(
        "%s: levels indoor_outdoor and class, from %s. Set the key 'hierarchy' to the authors' "
        "sheet for three levels",
        name,
        file,
    )
    return {"indoor_outdoor": {category: INDOOR_OUTDOOR[sides[category]] for category in classes}}


def _from_sheet(name: str, path: Path, classes: list[str]) -> dict[str, dict[str, str]]:
    """Return the labels at level 1 and level 2 of every class."""
    key = f"config key 'datasets.{name}.hierarchy'"
    names, flags = _read_sheet(key, path)
    missing = [category for category in classes if category not in flags]
    if missing:
        raise UserError(
            f"{key}: {path} has no row for {len(missing)} of the {len(classes)} classes, e.g. "
            f"'{missing[0]}'; add them"
        )
    parent = [level1 for level1, count in enumerate(BENEATH) for _ in range(count)]
    level1, level2, several = {}, {}, 0
    for category in classes:
        over, beneath = flags[category][:LEVEL1], flags[category][LEVEL1:]
        set2 = [column for column, flag in enumerate(beneath) if flag]
        if not set2:
            raise UserError(
                f"{key}: in {path}, class '{category}' has no category of level 2; put a 1 into "
                "one of its last 16 columns"
            )
        # A level has to be a partition of the classes, and level 2 a refinement of level 1. Of
        # several parents of level 2 the first in the sheet's order counts (of those beneath a
        # flagged level 1), and of level 1 its parent.
        first = next((column for column in set2 if over[parent[column]]), set2[0])
        level1[category], level2[category] = names[parent[first]], names[LEVEL1 + first]
        several += len(set2) > 1
    log.info(
        "%s: levels level1, level2 and class, from %s; of the %d classes with several parents the "
        "first was kept",
        name,
        path,
        several,
    )
    return {"level1": level1, "level2": level2}


def _read_sheet(key: str, path: Path) -> tuple[list[str], dict[str, list[bool]]]:
    """Return the names of the 3 + 16 columns, and per class their flags."""
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            rows = [[cell.strip() for cell in row] for row in csv.reader(file)]
    except OSError as error:
        raise UserError(
            f"{key}: {path} cannot be read ({error.strerror}); correct the key, or leave it out"
        ) from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise UserError(
            f"{key}: {path} is not comma-separated values in UTF-8 ({error}); export the sheet as "
            "CSV again"
        ) from error
    starts = [number for number, row in enumerate(rows[:3]) if row and row[0].lower() == "category"]
    width = LEVEL1 + sum(BENEATH)
    names = [cell for cell in rows[starts[0]][1:] if cell] if starts else []
    if len(names) != width:
        raise UserError(
            f"{key}: {path} is not the scene hierarchy of Places365: its first or second line "
            f"should be 'category' and {width} names of columns, found {len(names)}; export the "
            "sheet as CSV again"
        )
    flags = {}
    for number, row in enumerate(rows[starts[0] + 1 :], starts[0] + 2):
        if not row or not row[0]:
            continue
        cells = [cell or "0" for cell in row[1 : 1 + width]]
        if len(cells) < width or not set(cells) <= {"0", "1"}:
            raise UserError(
                f"{key}: {path}, line {number}: expected a class and {width} cells of 0 or 1, "
                f"found {','.join(row)[:80]}"
            )
        flags[row[0].strip("'\" ")] = [cell == "1" for cell in cells]
    return names, flags
