"""Nearest neighbours of test images among training images, for some encoders of a study.

They show what an encoder finds alike, with no classifier in between. Features are compared by the
cosine, as in the k-NN protocol. The features of the test images are drawn as a map as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch

from fourlenses.core.errors import printable
from fourlenses.core.files import write_csv
from fourlenses.data.beton.reader import Beton
from fourlenses.data.beton.selection import select
from fourlenses.data.loading.resident import central, image_blocks
from fourlenses.data.manifest.manifest import (
    Hierarchy,
    hierarchy_of,
    labels_of,
    read_manifest,
    rows_of,
)
from fourlenses.evaluation.encoder import Encoder
from fourlenses.evaluation.features.extract import feature_batches
from fourlenses.pictures.feature_map import Plane, draw_map, groups_of, plane_of
from fourlenses.pictures.sheet import Row, Square, save, sheet
from fourlenses.pictures.stored import drawn_rows, of_many_classes, squares_of
from fourlenses.study import names

QUERIES = 6  # rows of the picture
SHOWN = 4  # neighbours of a query and encoder in the picture
NEIGHBOURS = 5  # counted in the table
MOST_QUERIES, MOST_SEARCHED = 500, 2000  # test and training images that features are taken of
BATCH_SIZE = 250
COLUMNS = ("target", "encoder", "queries", "searched", "neighbours", "same_class", "map_variance")


@dataclass(frozen=True, kw_only=True)
class Named:
    """An encoder with what it is called in the picture, and the beton that it takes."""

    name: str
    encoder: Encoder
    beton: Path


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """Rows of a manifest: test images, training images to search, and which test images to show."""

    queries: np.ndarray
    searched: np.ndarray
    shown: np.ndarray
    labels: np.ndarray
    hierarchy: Hierarchy


def draw_neighbours(
    dataset: str,
    manifest: Path,
    encoders: Sequence[Named],
    *,
    device: torch.device,
    workers: int,
    output: Path,
    map_output: Path,
) -> None:
    """Draw the nearest neighbours of some test images, and a map of these images.

    How many neighbours are of their class, and which share of the variance the map has, is written
    to a table.

    Args:
        dataset: its name.
        manifest: of the dataset.
        encoders: those to compare.
        device: where features are taken.
        workers: threads that decode images.
        output: of the neighbours, .webp; a .csv of `COLUMNS` is written next to it.
        map_output: of the map, .webp.

    Raises:
        UserError: an encoder or a beton cannot be read.
    """
    asked = _asked(manifest, encoders[0].beton)
    queries, searched, shown, labels = asked.queries, asked.searched, asked.shown, asked.labels
    count = min(NEIGHBOURS, len(searched))
    groups = [[[Square(pixels=each)] for each in squares_of(encoders[0].beton, queries[shown])]]
    heads, lines = [("test image", "")], []
    planes: list[tuple[str, Plane]] = []
    for named in encoders:
        take = partial(_features, named, dataset, device=device, workers=workers)
        features = take(queries)
        plane = plane_of(features)
        nearest = searched[nearest_by_cosine(features, take(searched), count)]
        same = labels[nearest] == labels[queries, None]
        share = 100 * float(same.mean())
        groups.append(
            [_marked(named.beton, nearest[query][:SHOWN], same[query]) for query in shown]
        )
        heads.append((named.name, f"{share:.0f} % of {count} are of its class"))
        planes.append((named.name, plane))
        counts, shares = (len(queries), len(searched), count), (share, 100 * plane.share)
        lines.append((dataset, named.name, *counts, *(f"{each:.1f}" for each in shares)))
    classes = [printable(asked.hierarchy.classes[-1][each]) for each in labels[queries[shown]]]
    rows = [
        Row(name=name, groups=list(of_query))
        for name, *of_query in zip(classes, *groups, strict=True)
    ]
    called = names.dataset(dataset)
    save(sheet(f"{called}: nearest of {len(searched):,} training images", rows, heads), output)
    coloured, group = groups_of(asked.hierarchy, labels[queries])
    title = f"{called}: features of {len(queries):,} test images"
    save(draw_map(title, planes, groups=coloured, group=group), map_output)
    write_csv(output.with_suffix(".csv"), COLUMNS, lines)


def _asked(manifest: Path, beton: Path) -> _Asked:
    content, stored = read_manifest(manifest), Beton(beton).index
    labels = labels_of(content)
    queries, searched = (
        drawn_rows(rows_of(content, split), stored)[:most]
        for split, most in (("test", MOST_QUERIES), ("train", MOST_SEARCHED))
    )
    return _Asked(
        queries=queries,
        searched=searched,
        shown=of_many_classes(labels[queries])[:QUERIES],
        labels=labels,
        hierarchy=hierarchy_of(content),
    )


def nearest_by_cosine(queries: np.ndarray, searched: np.ndarray, count: int) -> np.ndarray:
    """Return the rows of the nearest features of each query, nearest first: int64 (Q, count).

    Args:
        queries: float (Q, D).
        searched: float (N, D).
        count: at most N.
    """
    unit = [
        part / np.maximum(np.linalg.norm(part, axis=1, keepdims=True), 1e-12)
        for part in (queries, searched)
    ]
    return np.argsort(-(unit[0] @ unit[1].T), axis=1, kind="stable")[:, :count]


def _features(
    named: Named, dataset: str, rows: np.ndarray, *, device: torch.device, workers: int
) -> np.ndarray:
    """Features of some images, in the order of their rows: float32 (N, D)."""
    encoder = named.encoder
    blocks = image_blocks(
        select(named.beton, rows, dataset),
        encoder.resized,
        workers=workers,
        block=BATCH_SIZE,
        interpolation=encoder.interpolation,
    )
    centres = (central(block, encoder.image_size) for block in blocks)
    network = encoder.pretrained()[0]
    batches = feature_batches(network, centres, device=device, **encoder.normalisation())
    return torch.cat(list(batches)).numpy()


def _marked(beton: Path, rows: np.ndarray, same: np.ndarray) -> list[Square]:
    return [
        Square(pixels=pixels, mark=bool(right))
        for pixels, right in zip(squares_of(beton, rows), same, strict=False)
    ]
