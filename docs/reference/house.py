"""Draw house.svg: the folders of src/fourlenses and which of them import which.

    python docs/reference/house.py

Rooms are folders, floors are how far a room stands above what it imports, arrows are imports. An
arrow that follows from others (a imports b, b imports c: a to c) is left out. tests/test_house.py
reads the same imports and holds them to the rules in CONTRIBUTING.md.
"""

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import floors

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


def draw(modules: dict[str, Module]) -> str:
    """Return the picture as SVG."""
    listed = list(ROOMS)
    imports = {
        name: arrows(modules).get(name, set()) & set(listed[:at]) for at, name in enumerate(listed)
    }
    files: dict[str, int] = defaultdict(int)
    for name in modules:
        files[room(name)] += 1

    def text(name: str, x: float, y: float) -> str:
        return (
            f'<text x="{x:.0f}" y="{y - 3:.0f}" text-anchor="middle" fill="#1d2b44">'
            f'<tspan font-weight="bold">{name}</tspan> <tspan fill="#5b6880" font-size="11">'
            f"{files[name]} files</tspan></text>"
            f'<text x="{x:.0f}" y="{y + 13:.0f}" text-anchor="middle" font-size="11" '
            f'fill="#3a4760">{escape(ROOMS[name])}</text>'
        )

    return floors.draw(imports, text)


if __name__ == "__main__":
    DRAWING.write_text(draw(read_package()), encoding="utf-8")
    print(f"wrote {DRAWING.relative_to(ROOT)}")
