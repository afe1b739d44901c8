"""Hierarchies of users: a CSV that places given classes, in one of two forms.

**Level table**: a row per class, the class in the first column, further columns its labels at
levels from coarse to fine::

    class,order,family
    blue_jay,Passeriformes,Corvidae

``column@3`` takes depth 3 of a column that holds whole paths (``animal>bird>owl``), as in a
dataset's class table. An empty cell means that the class has no label of that level; it keeps its
own. Labels of one name are one label.

**Parent table**: the columns ``node`` and ``parent`` and no others, one row per parent; a root has
no row or an empty parent::

    node,parent
    blue_jay,corvid
    corvid,bird

Its levels are depth0 (the roots) to the depth of the deepest class. A class shallower than a depth
keeps its own label (Cole et al., CVPR 2022, section 4.4, https://arxiv.org/abs/2105.05837).

Of several parents, as `a|b` in a cell or in several rows of a parent table, the first is taken: a
level has to be a partition.
"""

import csv
import logging
from collections.abc import Container, Sequence
from pathlib import Path

from fourlenses.core.errors import UserError, did_you_mean
from fourlenses.data.manifest.manifest import PREFIX, Hierarchy, hierarchy_of

log = logging.getLogger(__name__)
SHOWN = 5  # names in a message


def read_hierarchy(
    file: Path,
    classes: Sequence[str],
    levels: Sequence[str] = (),
    *,
    other_classes: bool = False,
) -> Hierarchy:
    """Return the hierarchy of ``classes``; its last level, ``class``, is the class itself.

    Args:
        file: CSV in UTF-8.
        classes: different names.
        levels: which, from coarse to fine; by default all of the table.
        other_classes: skip rows of other classes, as of a table of more than one dataset. In a
            parent table, branches that lead to none of the classes are always skipped.

    Raises:
        UserError: the file cannot be read; a class has no row, or two; there are rows of other
            classes; there is a cycle; a level is missing.
    """
    header, rows = _read(file)
    if header == ["node", "parent"]:
        columns = _depths(file, rows, classes)
        wanted = list(levels) or list(columns)
    else:
        columns = _columns(file, header, rows, classes=classes)
        if not other_classes:
            _refuse_others(file, rows, classes)
        wanted = list(levels) or header[1:]
    manifest: dict[str, list[str]] = {}
    for level in wanted:
        name, _, depth = level.partition("@")
        if name not in columns or (depth and not depth.isdigit()):
            raise UserError(
                f"{file} has no level '{level}'{did_you_mean(name, columns)}; its levels: "
                f"{', '.join(columns)}"
            )
        labels = columns[name]
        if depth:
            labels = [_at(path, int(depth)) for path in labels]
        else:
            labels = [label or cls for label, cls in zip(labels, classes, strict=True)]
        manifest[PREFIX + level.replace("@", "_depth")] = labels
    manifest.pop(PREFIX + "class", None)  # the finest level, wherever it was named
    return hierarchy_of({**manifest, PREFIX + "class": list(classes)})


def _at(path: str, depth: int) -> str:
    steps = path.split(">")
    return steps[min(depth, len(steps) - 1)]


def _read(file: Path) -> tuple[list[str], list[list[str]]]:
    """The header and the other rows; lines that are empty or begin with # are skipped."""
    try:
        with open(file, encoding="utf-8-sig", newline="") as lines:
            content = (line for line in lines if not line.startswith("#"))
            rows = [row for row in csv.reader(content, strict=True) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(
            f"hierarchy {file} cannot be read as comma-separated values in UTF-8: {error}"
        ) from error
    if len(rows) < 2 or len(rows[0]) < 2:
        raise UserError(
            f"hierarchy {file} needs a header of at least two columns (class and a level, or node "
            "and parent) and rows"
        )
    header = [name.strip() for name in rows[0]]
    if len(set(header)) != len(header):
        raise UserError(f"hierarchy {file} has two columns of one name: {', '.join(header)}")
    ragged = next((row for row in rows if len(row) != len(header)), None)
    if ragged:
        raise UserError(
            f"hierarchy {file}: the row of '{ragged[0]}' has {len(ragged)} cells, its header "
            f"{len(header)}"
        )
    return header, [[cell.strip() for cell in row] for row in rows[1:]]


def _columns(
    file: Path, header: list[str], rows: list[list[str]], *, classes: Sequence[str]
) -> dict[str, list[str]]:
    """Per column of a level table the label of each class."""
    table: dict[str, list[str]] = {}
    for row in rows:
        if row[0] in table:
            raise UserError(f"hierarchy {file}: class '{row[0]}' has more than one row; keep one")
        table[row[0]] = row
    _require(file, classes, table, candidates=sorted(set(table) - set(classes)))
    several = sum("|" in cell for name in classes for cell in table[name])
    if several:
        log.warning("%s: %d cells give several parents; the first of each was taken", file, several)
    return {
        name: [table[cls][column].split("|")[0].strip() for cls in classes]
        for column, name in enumerate(header)
    }


def _refuse_others(file: Path, rows: list[list[str]], classes: Sequence[str]) -> None:
    others = sorted({row[0] for row in rows} - set(classes))
    if others:
        raise UserError(
            f"hierarchy {file}: {len(others)} of its rows are of no class that was predicted "
            f"({_some(others)}); take them out, or skip them with --other-classes"
        )


def _depths(file: Path, rows: list[list[str]], classes: Sequence[str]) -> dict[str, list[str]]:
    """Per depth from the roots the ancestor of each class at it."""
    parent_of, several = _parents(file, rows)
    known = set(parent_of) | set(parent_of.values()) - {""}
    _require(file, classes, known, candidates=sorted(known))
    paths = {name: _path(file, name, parent_of) for name in classes}
    above = next((node for path in paths.values() for node in path[1:] if node in paths), None)
    if above:
        below = next(name for name, path in paths.items() if above in path[1:])
        raise UserError(
            f"hierarchy {file}: the class '{above}' is an ancestor of the class '{below}', so an "
            "image of one is also of the other; classes have to be leaves"
        )
    used = {node for path in paths.values() for node in path}
    if chosen := len(used & several):
        log.warning("%s: %d nodes have several parents; the first of each was taken", file, chosen)
    deepest = max(map(len, paths.values()))
    # a path runs from the class to its root; beyond its own depth the class itself stays
    return {
        f"depth{depth}": [paths[name][max(len(paths[name]) - 1 - depth, 0)] for name in classes]
        for depth in range(deepest)
    }


def _parents(file: Path, rows: list[list[str]]) -> tuple[dict[str, str], set[str]]:
    """The first parent of each node ('' for a root), and the nodes that have further ones."""
    parents: dict[str, list[str]] = {}
    for node, cell in rows:
        for parent in (part.strip() for part in cell.split("|")):
            if parent in parents.setdefault(node, []):
                raise UserError(
                    f"hierarchy {file}: node '{node}' has more than one row with the parent "
                    f"'{parent}'; keep one"
                )
            parents[node].append(parent)
    first = {node: listed[0] for node, listed in parents.items()}
    return first, {node for node, listed in parents.items() if len(listed) > 1}


def _path(file: Path, name: str, parent_of: dict[str, str]) -> list[str]:
    """From a node to its root, both included."""
    path, visited = [name], {name}
    while parent := parent_of.get(path[-1]):
        if parent in visited:
            cycle = [*path[path.index(parent) :], parent]
            raise UserError(
                f"hierarchy {file} has a cycle, so these have no depth: "
                f"{' > '.join(cycle[::-1])}; remove one of its rows"
            )
        path.append(parent)
        visited.add(parent)
    return path


def _require(
    file: Path, classes: Sequence[str], known: Container[str], *, candidates: list[str]
) -> None:
    missing = sorted(name for name in classes if name not in known)
    if missing:
        raise UserError(
            f"hierarchy {file}: {len(missing)} of {len(classes)} classes have no row: "
            f"{_some(missing)}{did_you_mean(missing[0], candidates)}; add them"
        )


def _some(names: list[str]) -> str:
    return ", ".join(f"'{name}'" for name in names[:SHOWN]) + (", …" if len(names) > SHOWN else "")
