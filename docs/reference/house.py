"""Draw house.svg: the folders of src/fourlenses and which of them import which.

    python docs/reference/house.py

Rooms are folders, floors are how far a room stands above what it imports, arrows are imports. An
arrow that follows from others (a imports b, b imports c: a to c) is left out. tests/test_house.py
reads the same imports and holds them to the rules in CONTRIBUTING.md.
"""

import ast
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "fourlenses"
DRAWING = Path(__file__).with_name("house.svg")

# From the ground up: a room imports rooms that stand before it in this list, and no others.
ROOMS = {
    "core": "errors, files, logging",
    "reference": "published numbers",
    "study": "names, vocabulary, layout",
    "parallel": "devices, processes",
    "metrics": "pure numbers",
    "models": "backbones, heads",
    "slurm": "job states, demands",
    "doctor": "is the machine fit",
    "data": "images, betons, batches",
    "config": "read, check, complete",
    "workflow": "what the rules share",
    "methods": "one file a method",
    "resume": "session, lock, result cache",
    "training": "pretraining, trainer",
    "evaluation": "features, probes, tuning",
    "analysis": "the table, contrasts, fits",
    "findings": "claims, verdicts, card",
    "plotting": "style, panels, save",
    "lenses": "a folder a question",
    "check": "inspect a dataset",
    "pictures": "images as a study sees them",
    "planning": "what a study costs",
    "power": "what it can settle",
    "remedies": "what to add, at what cost",
    "status": "how far a study is",
    "trackers": "curves elsewhere",
    "report": "one HTML page",
    "export": "encoders for others",
    "showcase": "README's results",
}
BOX, GAP, STOREY, MARGIN, LANE = (164, 38), 22, 78, 16, 14


@dataclass
class Module:
    """A file of the package, by its dotted name, with the modules of the package it imports."""

    file: Path
    name: str
    imports: set[str] = field(default_factory=set)
    outside: set[str] = field(default_factory=set)  # top-level names from other packages


def read_package(package: Path = PACKAGE) -> dict[str, Module]:
    """Return every module of the package with its imports, also those inside functions."""
    modules = {}
    for file in sorted(package.rglob("*.py")):
        parts = file.relative_to(package.parent).with_suffix("").parts
        name = ".".join(parts).removesuffix(".__init__")
        modules[name] = Module(file, name)
    for module in modules.values():
        for target in imported_names(module):
            while target not in modules and "." in target:  # a function or class: its module
                target = target.rpartition(".")[0]
            if target in modules:
                module.imports.add(target)
            else:
                module.outside.add(target.partition(".")[0])
        module.imports.discard(module.name)
    return modules


def imported_names(module: Module) -> Iterator[str]:
    """Yield the dotted name of everything that a module imports."""
    package = module.name.split(".")
    if module.file.name != "__init__.py":
        package = package[:-1]
    for node in ast.walk(ast.parse(module.file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def room(name: str) -> str:
    """Return the folder of a module: fourlenses.data.beton.reader lies in data."""
    return name.split(".")[1] if "." in name else ""


def arrows(modules: dict[str, Module]) -> dict[str, set[str]]:
    """Return which rooms each room imports; package and root files are no room."""
    rooms = {room(name) for name in modules if room(name)}
    imports = {name: set() for name in sorted(rooms)}
    for module in modules.values():
        for target in module.imports:
            if room(module.name) and room(target) and room(target) != room(module.name):
                imports[room(module.name)].add(room(target))
    return imports


def circles(imports: dict[str, set[str]]) -> list[list[str]]:
    """Return the groups of names that import each other, directly or around (Tarjan, 1972)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    groups: list[list[str]] = []

    def visit(name: str) -> None:
        index[name] = low[name] = len(index)
        stack.append(name)
        for target in sorted(imports.get(name, ())):
            if target not in index:
                visit(target)
                low[name] = min(low[name], low[target])
            elif target in stack:
                low[name] = min(low[name], index[target])
        if low[name] == index[name]:
            start = stack.index(name)
            group, stack[start:] = stack[start:], []
            if len(group) > 1:
                groups.append(sorted(group))

    for name in sorted(imports):
        if name not in index:
            visit(name)
    return groups


def without_implied(imports: dict[str, set[str]]) -> dict[str, set[str]]:
    """Return the imports without those that follow from others; there must be no circle."""
    reached: dict[str, set[str]] = {}

    def below(name: str) -> set[str]:
        if name not in reached:
            reached[name] = set(imports[name]).union(*map(below, imports[name]))
        return reached[name]

    return {
        name: targets - set().union(*(below(target) for target in targets))
        for name, targets in imports.items()
    }


def heights(imports: dict[str, set[str]]) -> dict[str, int]:
    """Return how far each room stands above what it imports: the longest way down."""
    height: dict[str, int] = {}
    for name in ROOMS:  # what a room imports stands before it
        height[name] = max((height[target] + 1 for target in imports[name]), default=0)
    return height


def routes(imports: dict[str, set[str]], floor: dict[str, int]) -> list[list[str]]:
    """Return the way of every arrow: a room, a lane through each floor between, a room."""
    return [
        [
            name,
            *(f"{name}>{target}:{at}" for at in range(floor[name] - 1, floor[target], -1)),
            target,
        ]
        for name, targets in imports.items()
        for target in sorted(targets)
    ]


def positions(ways: list[list[str]], floor: dict[str, int]) -> dict[str, tuple[float, float]]:
    """Return the centre of every room and lane, each near what it is connected with."""
    floors: list[list[str]] = [[] for _ in range(max(floor.values()) + 1)]
    for name, height in floor.items():
        floors[height].append(name)
    near: dict[str, set[str]] = defaultdict(set)
    for way in ways:
        for height, name in zip(range(floor[way[0]], -1, -1), way, strict=False):
            if name not in floor:
                floors[height].append(name)
        for upper, lower in pairwise(way):
            near[upper].add(lower)
            near[lower].add(upper)
    across: dict[str, float] = {}
    for storey in floors:
        spread(storey, across)
    for _ in range(24):
        for storey in [*floors, *reversed(floors)]:
            storey.sort(
                key=lambda name: mean([across[other] for other in near[name]], across[name])
            )
            spread(storey, across)
    top = MARGIN + BOX[1] / 2 + (len(floors) - 1) * STOREY
    return {
        name: (across[name], top - height * STOREY)
        for height, storey in enumerate(floors)
        for name in storey
    }


def spread(storey: list[str], across: dict[str, float]) -> None:
    """Set what stands on a floor apart from the left to the right, around the middle 0."""
    widths = [BOX[0] if name in ROOMS else LANE for name in storey]
    left = -(sum(widths) + GAP * (len(widths) - 1)) / 2
    for name, width in zip(storey, widths, strict=True):
        across[name] = left + width / 2
        left += width + GAP


def mean(values: list[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def draw(modules: dict[str, Module]) -> str:
    """Return the picture as SVG."""
    listed = list(ROOMS)
    imports = {
        name: arrows(modules).get(name, set()) & set(listed[:at]) for at, name in enumerate(listed)
    }
    floor = heights(imports)
    ways = routes(without_implied(imports), floor)
    centres = positions(ways, floor)
    left = min(x for x, _ in centres.values()) - BOX[0] / 2 - MARGIN
    centres = {name: (x - left, y) for name, (x, y) in centres.items()}
    files: dict[str, int] = defaultdict(int)
    for name in modules:
        files[room(name)] += 1
    width = max(x for x, _ in centres.values()) + BOX[0] / 2 + MARGIN
    height = max(y for _, y in centres.values()) + BOX[1] / 2 + MARGIN
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        'font-family="sans-serif" font-size="13">',
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z" fill="#8a94a6"/></marker></defs>',
        f'<rect width="{width:.0f}" height="{height:.0f}" fill="#ffffff"/>',
    ]
    lines += [arrow([centres[name] for name in way]) for way in ways]
    lines += [box(name, *centres[name], files[name]) for name in ROOMS]
    return "\n".join([*lines, "</svg>"]) + "\n"


def arrow(points: list[tuple[float, float]]) -> str:
    """Return a curve from the lower edge of the first box to the upper edge of the last."""
    (x, y), *lanes, (end_x, end_y) = points
    path, y = f"M{x:.0f} {y + BOX[1] / 2:.0f}", y + BOX[1] / 2
    for lane_x, lane_y in [*lanes, (end_x, end_y)]:
        upper = lane_y - BOX[1] / 2 - (2 if (lane_x, lane_y) == (end_x, end_y) else 0)
        middle = (y + upper) / 2
        path += f"C{x:.0f} {middle:.0f} {lane_x:.0f} {middle:.0f} {lane_x:.0f} {upper:.0f}"
        x, y = lane_x, lane_y + BOX[1] / 2
        if (lane_x, lane_y) != (end_x, end_y):
            path += f"V{y:.0f}"
    return (
        f'<path d="{path}" fill="none" stroke="#8a94a6" stroke-width="1.2" marker-end="url(#tip)"/>'
    )


def box(name: str, x: float, y: float, files: int) -> str:
    left, top = x - BOX[0] / 2, y - BOX[1] / 2
    caption = escape(ROOMS[name])
    return (
        f'<rect x="{left:.0f}" y="{top:.0f}" width="{BOX[0]}" height="{BOX[1]}" rx="5" '
        'fill="#eef3fb" stroke="#4a6fa5"/>'
        f'<text x="{x:.0f}" y="{y - 3:.0f}" text-anchor="middle" fill="#1d2b44">'
        f'<tspan font-weight="bold">{name}</tspan> <tspan fill="#5b6880" font-size="11">'
        f"{files} files</tspan></text>"
        f'<text x="{x:.0f}" y="{y + 13:.0f}" text-anchor="middle" font-size="11" '
        f'fill="#3a4760">{caption}</text>'
    )


if __name__ == "__main__":
    DRAWING.write_text(draw(read_package()), encoding="utf-8")
    print(f"wrote {DRAWING.relative_to(ROOT)}")
