"""The files that a new dataset begins with, written from templates and by what its images say."""

import json
import re
from importlib import resources
from pathlib import Path
from textwrap import indent

import yaml

from fourlenses.config.new_dataset.sizes import FirstStudy, first_study
from fourlenses.config.new_dataset.survey import Survey, survey
from fourlenses.core.errors import UserError, one_of
from fourlenses.core.files import atomic

NAME = re.compile(r"[a-z][a-z0-9_]*")
TEMPLATES = resources.files("fourlenses.config") / "templates"
# one that has no labels is no target: no study of it alone
SOURCES = sorted(
    file.name.removeprefix("entry_").removesuffix(".yaml")
    for file in TEMPLATES.iterdir()
    if file.name.startswith("entry_")
)

_MADE_FOR = {
    True: "# For a GPU. On a CPU it takes days: delete this file and make it again with FOR=cpu.",
    False: "# For a CPU: 32 px, a small network and the presets `minutes`; make plan says how long "
    "it takes.\n# For a GPU delete this file and make it again with FOR=gpu.",
}


def write_dataset(
    root: Path, name: str, *, source: str, images: Path | None = None, gpu: bool = False
) -> tuple[list[Path], Survey]:
    """Write the files of a dataset, all or none.

    Args:
        root: the project's folder.
        name: of the dataset.
        source: one of `schemas/sources`.
        images: the folder or archive of the images; None for raw/<name>.
        gpu: whether the study is for one.

    Returns:
        The files, and what is known of the images.

    Raises:
        UserError: the name cannot be one or is taken, there is no such source, there are no such
            images, or one of the files exists.
    """
    _check_name(root, name)
    if source not in SOURCES:
        raise one_of("source", source, SOURCES)
    if images is not None and not images.exists():
        raise UserError(
            f"there is no file or folder {images} (DATA); correct it, or leave it out and put the "
            f"images into raw/{name} later"
        )
    entry = _entry(name, source, images)
    raw_data = images.resolve().parent if images else root / "raw"
    known = survey(name, yaml.safe_load(entry), raw_data)
    first = first_study(known, gpu=gpu)
    values = _values(name, entry, images=images, first=first, known=known)
    values["__MADE_FOR__"] = _MADE_FOR[gpu]
    texts = {file: _filled(template, values) for file, template in _files(root, name, source)}
    existing = [str(file.relative_to(root)) for file in texts if file.exists()]
    if existing:
        raise UserError(
            f"{', '.join(existing)} would be overwritten; choose another name, or move it away"
        )
    for file, text in texts.items():
        with atomic(file) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return list(texts), known


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


def _entry(name: str, source: str, images: Path | None) -> str:
    """The dataset's entry, as YAML."""
    path = images.resolve().name if images else name
    return _filled(f"entry_{source}.yaml", {"__PATH__": _quoted(path), "__NAME__": name})


def _values(
    name: str, entry: str, *, images: Path | None, first: FirstStudy, known: Survey
) -> dict[str, str]:
    """Return the text of each mark in a template."""
    folder = str(images.resolve().parent) if images else "raw"
    return {
        "__ENTRY__": indent(entry, " " * 4).rstrip(),
        "__RAW_DATA__": _quoted(folder),
        "__NAME__": name,
        "__COUNTED__": _counted(known),
        "__SIDE__": str(first.image_size),
        "__BACKBONE__": first.backbone,
        "__SIMCLR__": first.simclr,
        "__TUNED__": first.tuned,
        "__PRETRAIN__": ", ".join(map(str, first.pretrain_images)),
        "__LABELLED__": ", ".join(map(str, first.labelled_images)),
        "__MOST__": str(first.pretrain_images[-1]),
        "__EQUAL__": "steps" if known.train_images else "epochs",
    }


def _counted(known: Survey) -> str:
    """A comment on where the sizes are from."""
    if not known.train_images:
        return (
            "# The images were not there, so the sizes are `all`. Once they are, delete this file "
            "and run\n# make new-dataset again, or write three sizes of each."
        )
    parts = [f"{known.train_images:,} training images"]
    parts += [f"{known.classes:,} classes"] if known.classes else []
    parts += [f"shortest side about {known.short_side} px"] if known.short_side else []
    return f"# Sizes are from the data: {', '.join(parts)}."


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
