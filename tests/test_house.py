"""The rules of the house: which folder may import which, and how long things may be."""

import ast
import importlib.util
import re
import sys
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
_spec = importlib.util.spec_from_file_location("house", ROOT / "docs" / "reference" / "house.py")
house = importlib.util.module_from_spec(_spec)
sys.modules["house"] = house
_spec.loader.exec_module(house)

MODULES = house.read_package()
# of a folder (about 12), a file, a function, and what the rules share
MOST_FILES, MOST_LINES, LONGEST_FUNCTION, MOST_OF_COMMON = 15, 400, 60, 120
# names of imports that are not those of their packages, or that come with another package
PACKAGES = {
    "PIL": "pillow",
    "markdown_it": "markdown-it-py",
    "mlflow": "mlflow-skinny",
    "snakemake_interface_common": "snakemake",
    "snakemake_interface_logger_plugins": "snakemake",
    "triton": "torch",  # of its CUDA builds; looked for before it is imported
    "yaml": "pyyaml",
}
# what an extra installs is imported where it is used, never at the top of a module
EXTRAS = tuple(
    file.relative_to(ROOT).as_posix()
    for file in sorted((ROOT / "envs").glob("requirements-*.in"))
    if file.stem != "requirements-dev"
)
# a function or constructor of more parameters takes the rest by keyword
MOST_POSITIONAL = 3
# A framework calls these by position.
POSITIONAL = {
    "src/fourlenses/data/download/urls.py: _Redirects.redirect_request",  # urllib
    "src/fourlenses/models/batch_norm.py: _Normalise.forward",  # torch.autograd.Function.apply
    # torch's modes
    "src/fourlenses/planning/memory/networks.py: _alive.Alive.__torch_dispatch__",
    "src/fourlenses/training/step/operations.py: OperationLog.__torch_dispatch__",
}
# Exceptions, named one by one. One that is no longer needed is an error too: remove it.
LONG_FILES: set[str] = set()
LONG_FUNCTIONS: set[str] = set()


def programs() -> list[Path]:
    """Return the Python files of the repository that are written by hand."""
    folders = ("src", "workflow_scripts", "tests", "benchmarks", "docs")
    return sorted(file for folder in folders for file in (ROOT / folder).rglob("*.py"))


def functions(file: Path) -> list[tuple[str, int]]:
    """Return the name and the number of lines of each function of a file."""
    nodes = ast.walk(ast.parse(file.read_text(encoding="utf-8")))
    return [
        (node.name, node.end_lineno - node.lineno + 1)
        for node in nodes
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def positional(node: ast.AST, inside: str = "") -> Iterator[tuple[str, int]]:
    """Yield the name of each function and dataclass, and how many positional parameters it has.

    ``self`` and ``cls`` do not count, nor do the kernels of Triton, which take nothing by keyword.
    """
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from positional(child, inside)
            continue
        name = f"{inside}{child.name}"
        decorators = [ast.unparse(decorator) for decorator in child.decorator_list]
        if isinstance(child, ast.ClassDef):
            dataclass = next((d for d in decorators if d.startswith("dataclass")), None)
            if dataclass and "kw_only=True" not in dataclass:
                yield name, positional_fields(child)
        elif "triton.jit" not in decorators:
            count = len(child.args.posonlyargs + child.args.args)
            method = isinstance(node, ast.ClassDef) and "staticmethod" not in decorators
            yield name, count - method
        yield from positional(child, f"{name}.")


def positional_fields(dataclass: ast.ClassDef) -> int:
    """Return how many fields a dataclass takes by position."""
    lines = [line for line in dataclass.body if isinstance(line, ast.AnnAssign)]
    fields = list(takewhile(lambda line: ast.unparse(line.annotation) != "KW_ONLY", lines))
    by_keyword = [line for line in fields if line.value and "kw_only=True" in ast.unparse(line)]
    return len(fields) - len(by_keyword)


def relative(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def declared(*names: str) -> set[str]:
    """Return the packages that requirement files name."""
    lines = [line for name in names for line in (ROOT / name).read_text("utf-8").splitlines()]
    matches = (re.match(r"[A-Za-z0-9._-]+", line) for line in lines if not line.startswith("-"))
    return {match[0].lower().replace("_", "-") for match in matches if match}


def test_no_modules_import_each_other_in_a_circle():
    assert house.circles({name: module.imports for name, module in MODULES.items()}) == []


def test_every_folder_is_a_room():
    """A new folder is entered in ROOMS of docs/reference/house.py, with three words on it."""
    folders = {folder.name for folder in house.PACKAGE.iterdir() if folder.is_dir()}
    assert set(house.ROOMS) == folders - {"__pycache__"}


def test_no_import_from_a_lower_floor_to_a_higher_one():
    """A room imports only rooms that stand before it in ROOMS of docs/reference/house.py."""
    order = list(house.ROOMS)
    wrong = [
        f"{module.name} imports {target}"
        for module in MODULES.values()
        for target in sorted(module.imports)
        if (here := house.room(module.name))
        and (there := house.room(target))
        and order.index(there) > order.index(here)
    ]
    assert wrong == []


def test_the_picture_is_of_this_house():
    """After a change of imports: python docs/reference/house.py. Numbers of files may be older."""
    drawings = house.DRAWING.read_text(encoding="utf-8"), house.draw(MODULES)
    committed, now = (re.sub(r">\d+ files<", "><", drawing) for drawing in drawings)
    assert committed == now


def test_every_import_is_declared():
    packages = (
        declared("envs/requirements.in", *EXTRAS) | set(sys.stdlib_module_names) | {"fourlenses"}
    )
    wrong = [
        f"{module.name} imports {name}"
        for module in MODULES.values()
        for name in sorted(module.outside)
        if PACKAGES.get(name, name).lower().replace("_", "-") not in packages
    ]
    assert wrong == []


def test_extras_are_imported_where_they_are_used():
    extras = declared(*EXTRAS)
    wrong = [
        f"{relative(module.file)} imports {name}"
        for module in MODULES.values()
        for node in ast.parse(module.file.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (getattr(node, "module", None) or node.names[0].name).split(".")[:1]
        if name in extras
    ]
    assert wrong == []


def test_no_folder_has_too_many_files():
    folders = {file.parent for file in house.PACKAGE.rglob("*.py")}
    files = {
        relative(folder): len([f for f in folder.glob("*.py") if f.name != "__init__.py"])
        for folder in sorted(folders)
    }
    assert {folder: count for folder, count in files.items() if count > MOST_FILES} == {}


def test_no_file_is_too_long():
    long = {
        relative(file)
        for file in programs()
        if len(file.read_text("utf-8").splitlines()) > MOST_LINES
    }
    assert long == LONG_FILES


def test_no_function_is_too_long():
    long = {
        f"{relative(file)}: {name}"
        for file in programs()
        if (ROOT / "tests") not in file.parents
        for name, count in functions(file)
        if count > LONGEST_FUNCTION
    }
    assert long == LONG_FUNCTIONS


def test_more_than_three_parameters_are_taken_by_keyword():
    long = {
        f"{relative(file)}: {name}"
        for file in programs()
        if house.PACKAGE in file.parents
        for name, count in positional(ast.parse(file.read_text(encoding="utf-8")))
        if count > MOST_POSITIONAL
    }
    assert long == POSITIONAL


@pytest.mark.parametrize("rules", ["common.smk"])
def test_what_the_rules_share_is_short(rules):
    lines = (ROOT / "rules" / rules).read_text("utf-8").splitlines()
    assert len(lines) <= MOST_OF_COMMON
