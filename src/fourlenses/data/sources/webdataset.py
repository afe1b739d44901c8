"""Images in shards of WebDataset: tars whose files of one stem are one sample.

https://github.com/webdataset/webdataset. ``0017.jpg`` and ``0017.cls`` are sample ``0017``; a name
is split at the first dot after its folder. The label is the text of ``.cls``, or a field of
``.json``. The split is a word in a shard's name or folder, as in ``train/0000.tar`` or
``birds-train-0000.tar``.
"""

import collections
import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from fourlenses.core.errors import UserError, did_you_mean, printable
from fourlenses.data.archives.archives import members
from fourlenses.data.archives.leftovers import leftover
from fourlenses.data.images.content import LazyImage, Undecodable
from fourlenses.data.images.decode import header_size
from fourlenses.data.manifest.manifest import PREFIX, Manifest, text_column
from fourlenses.data.manifest.skipped import Skipped, with_skipped
from fourlenses.data.sources.common.image_files import EXTENSIONS, seeded_split, stream_pictures
from fourlenses.data.sources.common.split_files import choose_splits, split_files, split_in_path

_ENDING = ".tar"
_STEM = re.compile(r"((?:.*/)?[^/.]+)\.([^/]+)")
_NO_IMAGE = "no image in this sample"


class Sample(NamedTuple):
    """The files of one stem, by the ending of their names."""

    stem: str
    names: dict[str, str]
    contents: dict[str, bytes | Undecodable]


def index(name: str, definition: dict, raw_data: Path) -> pd.DataFrame:
    path, skipped = raw_data / definition["path"], Skipped()
    files = split_files(name, path, ending=_ENDING)
    words = {file: split_in_path(identity) for file, identity in files}
    split_of = choose_splits(name, definition, path, words=set(words.values()))
    parts = []
    for file, identity in files:
        split = split_of[words[file]]
        if split == "unused":
            continue
        shard = path / file if path.is_dir() else path
        part = _rows(name, definition, shard, identity=identity, skipped=skipped)
        if path.is_dir() and len(part):
            part["path"] = text_column(f"{file}/{member}" for member in part["path"])
        part["split"] = text_column([split] * len(part))
        parts.append(part)
    manifest = pd.concat(parts, ignore_index=True)
    if manifest.empty:
        raise UserError(
            f"config key 'datasets.{name}.path': the shards of {path} hold no images; source "
            "webdataset reads tars with files such as 0017.jpg and 0017.cls"
        )
    if manifest["split"].isna().any():
        manifest["split"] = seeded_split(list(manifest["id"]), definition)
    return with_skipped(manifest, skipped, path)


def images(
    name: str, definition: dict, raw_data: Path, *, manifest: Manifest, size: int
) -> Iterator[LazyImage]:
    return stream_pictures(raw_data / definition["path"], name, manifest)


def samples(shard: Path, dataset: str, *, skipped: Skipped) -> Iterator[Sample]:
    """Yield the samples of a shard: its files, as long as they follow each other with one stem.

    Args:
        shard: Of the dataset.
        dataset: Its name, for errors.
        skipped: Filled with the files that systems leave behind, and those without an ending.

    Raises:
        UserError: A stem comes again after others, or a name comes twice; or as in
            `archives.members`.
    """
    met: set[str] = set()

    def stem_and_ending() -> Iterator[tuple[str, str, str, bytes | Undecodable]]:
        for member, content in members(shard, dataset, progress=True):
            reason, parts = leftover(member), _STEM.fullmatch(member)
            if reason or parts is None:
                skipped.add(reason or "no ending", f"{shard.name}/{member}", image=False)
            else:
                yield parts[1], parts[2].lower(), member, content

    for stem, files in itertools.groupby(stem_and_ending(), key=lambda file: file[0]):
        sample = Sample(stem, {}, {})
        for _, ending, member, content in files:
            if ending in sample.names or stem in met:
                raise UserError(
                    f"config key 'datasets.{dataset}.path': {shard} has more than one sample "
                    f"'{printable(stem)}'; the files of a sample follow each other, once"
                )
            sample.names[ending], sample.contents[ending] = member, content
        met.add(stem)
        yield sample


def _rows(
    name: str, definition: dict, shard: Path, *, identity: str, skipped: Skipped
) -> pd.DataFrame:
    """Return id, path (of the member), width, height and labels of a shard's samples."""
    columns: dict[str, list] = collections.defaultdict(list)
    for sample in samples(shard, name, skipped=skipped):
        ending = _image(name, definition, shard, sample=sample)
        if ending is None:
            skipped.add(_NO_IMAGE, f"{shard.name}/{sample.stem}", image=False)
            continue
        member = sample.names[ending]
        width, height = header_size(sample.contents[ending])
        row = {"id": f"{identity}/{member}", "path": member, "width": width, "height": height}
        labels = _labels(name, definition, shard, sample=sample)
        for column, value in {**row, **{PREFIX + key: labels[key] for key in labels}}.items():
            columns[column].append(value)
    return pd.DataFrame(
        {
            column: values if column in ("width", "height") else text_column(values)
            for column, values in columns.items()
        }
    )


def _image(name: str, definition: dict, shard: Path, *, sample: Sample) -> str | None:
    """Return the ending of a sample's image, None where it has none."""
    wanted = definition.get("image_file")
    if wanted:
        return wanted.lower() if wanted.lower() in sample.names else None
    endings = [each for each in sample.names if "." + each.rpartition(".")[2] in EXTENSIONS]
    if len(endings) > 1:
        raise UserError(
            f"config key 'datasets.{name}.image_file': sample '{printable(sample.stem)}' of "
            f"{shard} has several images ({', '.join(endings)}); name the ending of one"
        )
    return endings[0] if endings else None


def _labels(name: str, definition: dict, shard: Path, *, sample: Sample) -> dict[str, str]:
    """Return the labels of a sample by level, the class last."""
    where = f"sample '{printable(sample.stem)}' of {shard}"
    field, levels = definition.get("label_field"), definition.get("levels", [])
    fields = _json(sample, where) if field or levels else {}
    labels = {
        level: _text(fields, level, key=f"datasets.{name}.levels", where=where)
        for level in levels
        if level not in (field, "class")
    }
    if field:
        label = _text(fields, field, key=f"datasets.{name}.label_field", where=where)
    else:
        label = _label(name, definition, sample, where=where)
    return {**labels, "class": _named(name, definition, label, where=where)}


def _label(name: str, definition: dict, sample: Sample, *, where: str) -> str:
    ending = definition.get("label_file", "cls").lower()
    content = sample.contents.get(ending)
    text = content.decode("utf-8", "replace").strip() if isinstance(content, bytes) else ""
    if text in ("", "-1"):
        has = f"'{text}' as its label" if content is not None else f"no file .{ending}"
        raise UserError(
            f"config key 'datasets.{name}.label_file': {where} has {has}; its files: "
            f"{', '.join(sorted(sample.names))}. Name the ending of the labels' files, set "
            "'label_field' to a field of its json, or use source unlabelled"
        )
    return text


def _json(sample: Sample, where: str) -> dict:
    content = sample.contents.get("json")
    try:
        value = json.loads(content) if isinstance(content, bytes) else None
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise UserError(f"{where} has no .json that holds fields; its files: {list(sample.names)}")
    return value


def _text(fields: dict, field: str, *, key: str, where: str) -> str:
    if field not in fields:
        raise UserError(
            f"config key '{key}': the json of {where} has no field '{field}'"
            f"{did_you_mean(field, fields)}; its fields: {', '.join(fields)}"
        )
    value = fields[field]
    if isinstance(value, bool) or not isinstance(value, int | str) or value in ("", -1):
        raise UserError(
            f"config key '{key}': '{field}' of {where} is {value!r}; a label is a text or a whole "
            "number from 0"
        )
    return str(value)


def _named(name: str, definition: dict, label: str, *, where: str) -> str:
    names = definition.get("class_names")
    if names is None:
        return label
    if not label.isdecimal() or int(label) >= len(names):
        raise UserError(
            f"config key 'datasets.{name}.class_names': the label of {where} is "
            f"'{printable(label)}'; with {len(names)} names it is a number from 0 to "
            f"{len(names) - 1}"
        )
    return names[int(label)]
