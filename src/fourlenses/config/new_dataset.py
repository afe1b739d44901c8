"""The files that a new dataset begins with, written from templates."""

import json
import re
from importlib import resources
from pathlib import Path

import yaml

from fourlenses.core.errors import UserError
from fourlenses.core.files import atomic

NAME = re.compile(r"[a-z][a-z0-9_]*")
TEMPLATES = resources.files("fourlenses.config") / "templates"


def write_dataset(root: Path, name: str, *, source: str, images: Path | None = None) -> list[Path]:
    """Write the files of a dataset, all or none.

    Args:
        root: the project's folder.
        name: of the dataset.
        source: manifest or image_folder.
        images: the folder or archive of the images; None for raw/<name>.

    Returns:
        The files.

    Raises:
        UserError: the name cannot be one or is taken, there are no such images, or one of the files
            exists.
    """
    _check_name(root, name)
    if images is not None and not images.exists():
        raise UserError(
            f"there is no file or folder {images} (DATA); correct it, or leave it out and put the "
            f"images into raw/{name} later"
        )
    values = _values(name, source, images)
    texts = {file: _filled(template, values) for file, template in _files(root, name, source)}
    existing = [str(file.relative_to(root)) for file in texts if file.exists()]
    if existing:
        raise UserError(
            f"{', '.join(existing)} would be overwritten; choose another name, or move it away"
        )
    for file, text in texts.items():
        with atomic(file) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return list(texts)


def _check_name(root: Path, name: str) -> None:
    if not NAME.fullmatch(name):
        raise UserError(
            f"'{name}' cannot be the name of a dataset: a lower-case letter, then lower-case "
            "letters, digits or underscores"
        )
    for study in [root / "config.yaml", *sorted((root / "studies").glob("*.yaml"))]:
        config = yaml.safe_load(study.read_text(encoding="utf-8")) or {}
        if name in (config.get("datasets") or {}):
            raise UserError(
                f"{study.relative_to(root)} has a dataset '{name}' already; choose another name"
            )


def _files(root: Path, name: str, source: str) -> list[tuple[Path, str]]:
    """Return each file with its template."""
    files = [
        (root / "studies" / f"{name}.yaml", "study.yaml"),
        (root / "tests" / "datasets" / f"test_{name}.py", "test.py.template"),
    ]
    if source == "manifest":
        files += [
            (root / "rules" / "datasets" / f"{name}.smk", "rule.smk.template"),
            (root / "workflow_scripts" / "datasets" / f"{name}.py", "rows.py.template"),
        ]
    return files


def _values(name: str, source: str, images: Path | None) -> dict[str, str]:
    """Return the text of each mark in a template; the first may hold the others."""
    entry = (TEMPLATES / f"entry_{source}.yaml").read_text(encoding="utf-8")
    folder, path = "raw", name
    if images is not None:
        folder, path = str(images.resolve().parent), images.resolve().name
    return {
        "__ENTRY__": entry.rstrip("\n"),
        "__RAW_DATA__": _quoted(folder),
        "__PATH__": _quoted(path),
        "__NAME__": name,
    }


def _filled(template: str, values: dict[str, str]) -> str:
    text = (TEMPLATES / template).read_text(encoding="utf-8")
    for mark, value in values.items():
        text = text.replace(mark, value)
    return text


def _quoted(text: str) -> str:
    """Return text as YAML. JSON's quotes are YAML's: a path may hold a colon, a hash, spaces."""
    # not `no`, `null` or `1.5`
    plain = re.fullmatch(r"[\w/.-]+", text, re.ASCII) and yaml.safe_load(text) == text
    return text if plain else json.dumps(text, ensure_ascii=False)
