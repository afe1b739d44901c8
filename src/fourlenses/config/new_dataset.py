"""The files that a new dataset begins with, written from templates."""

import json
import re
from pathlib import Path

import yaml

from fourlenses.core.errors import UserError
from fourlenses.core.files import atomic

NAME = re.compile(r"[a-z][a-z0-9_]*")


def write_dataset(
    root: Path, templates: Path, name: str, source: str, data: Path | None
) -> list[Path]:
    """Write the files of dataset ``name`` below ``root``, all or none, and return them. ``data``: its images, ``raw/<name>`` where None.

    Raises:
        UserError: the name cannot be one, is taken, or one of the files is there already.
    """
    if not NAME.fullmatch(name):
        raise UserError(
            f"'{name}' cannot be the name of a dataset: a lower-case letter, then lower-case letters, digits or underscores"
        )
    for study in [root / "config.yaml", *sorted((root / "studies").glob("*.yaml"))]:
        if name in (
            (yaml.safe_load(study.read_text(encoding="utf-8")) or {}).get("datasets") or {}
        ):
            raise UserError(
                f"{study.relative_to(root)} has a dataset '{name}' already; choose another name"
            )
    if data is not None and not data.exists():
        raise UserError(
            f"there is no file or folder {data} (DATA); correct it, or leave it out and put the images into raw/{name} later"
        )
    texts = {
        file: _filled(templates, template, name, source, data)
        for file, template in _files(root, name, source).items()
    }
    there = [str(file.relative_to(root)) for file in texts if file.exists()]
    if there:
        raise UserError(
            f"{', '.join(there)} would be overwritten; choose another name, or move it away"
        )
    for file, text in texts.items():
        with atomic(file) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return list(texts)


def _files(root: Path, name: str, source: str) -> dict[Path, str]:
    files = {
        root / "studies" / f"{name}.yaml": "study.yaml",
        root / "tests" / "datasets" / f"test_{name}.py": "test.py",
    }
    if source == "manifest":
        files[root / "rules" / "datasets" / f"{name}.smk"] = "rule.smk"
        files[root / "workflow_scripts" / "datasets" / f"{name}.py"] = "rows.py"
    return files


def _filled(templates: Path, template: str, name: str, source: str, data: Path | None) -> str:
    text = (templates / template).read_text(encoding="utf-8")
    entry = (templates / f"entry_{source}.yaml").read_text(encoding="utf-8").rstrip("\n")
    folder, path = (
        ("raw", name) if data is None else (str(data.resolve().parent), data.resolve().name)
    )
    # JSON's quotes are YAML's: a path may hold a colon, a hash, spaces
    values = {
        "__ENTRY__": entry,
        "__RAW_DATA__": _quoted(folder),
        "__PATH__": _quoted(path),
        "__NAME__": name,
    }
    for mark, value in values.items():
        text = text.replace(mark, value)
    return text


def _quoted(text: str) -> str:
    plain = (
        re.fullmatch(r"[\w/.-]+", text, re.ASCII) and yaml.safe_load(text) == text
    )  # not `no`, `null` or `1.5`
    return text if plain else json.dumps(text, ensure_ascii=False)
