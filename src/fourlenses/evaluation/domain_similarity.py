"""Distances between image domains, on features of a random-init encoder.

An encoder that was never trained favours no domain. Two measures on its features of as many test
images of each dataset:

- the squared Fréchet distance between Gaussians fitted to both (Dowson and Landau 1982,
  https://doi.org/10.1016/0047-259X(82)90077-X); with another encoder it is the FID
  (Heusel et al. 2017, https://arxiv.org/abs/1706.08500);
- the proxy A-distance (Ben-David et al. 2006,
  https://papers.nips.cc/paper/2006/hash/b1b0432ceafb0ce714426e9114852ac7-Abstract.html), from the
  error of a linear classifier that separates the two datasets.

The first keeps growing as domains move apart, the second ends at 2.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path

import numpy as np
import torch

from fourlenses.core.errors import UserError
from fourlenses.core.randomness import mix, named_seed
from fourlenses.data.beton.reader import Beton
from fourlenses.data.beton.selection import select
from fourlenses.data.loading.resident import image_blocks
from fourlenses.data.manifest.manifest import read_manifest, rows_of, without_labels
from fourlenses.evaluation.encoder import Encoder
from fourlenses.evaluation.features.extract import feature_batches

COLUMNS = ("source", "target", "seed", "images", "frechet", "classifier_error", "proxy_a_distance")
FOLDS = 5
# penalty of the classifier, per image, on features of variance 1: enough where there are more
# features than images
RIDGE = 0.1
BATCH_SIZE = 500


@dataclass(frozen=True)
class Domain:
    """A dataset by its name, its beton and its manifest."""

    dataset: str
    beton: Path
    manifest: Path


def measure(
    domains: list[Domain],
    encoders: list[Encoder],
    *,
    max_images: int,
    device: str | torch.device,
    workers: int,
) -> list[dict]:
    """Measure all distances between the test images of ``domains``.

    Args:
        domains: the datasets, two or more.
        encoders: random-init encoders, one a seed.
        max_images: of each dataset. All give equally many, as both measures depend on their number.
        device: cpu or cuda.
        workers: threads that decode images; changes no number.

    Returns:
        A row of `COLUMNS` per encoder and ordered pair of datasets.

    Raises:
        UserError: a dataset has fewer than two test images.
    """
    test_rows = {domain.dataset: _test_rows(domain) for domain in domains}
    count = min([max_images, *map(len, test_rows.values())])
    if count < 2:
        short = min(test_rows, key=lambda name: len(test_rows[name]))
        raise UserError(
            f"dataset '{short}' has {len(test_rows[short])} test images, but two are needed to "
            "measure its distance to others"
        )
    measured = []
    for encoder in encoders:
        network, _ = encoder.initial()
        features = {}
        for domain in domains:
            rows = test_rows[domain.dataset]
            order = np.argsort(mix(named_seed(encoder.seed, "similarity"), rows), kind="stable")
            chosen = select(domain.beton, np.sort(rows[order[:count]]), domain.dataset)
            blocks = image_blocks(chosen, encoder.image_size, workers=workers, block=BATCH_SIZE)
            batches = feature_batches(network, blocks, device=device, **encoder.normalisation())
            features[domain.dataset] = torch.cat(list(batches)).numpy().astype(np.float64)
        measured += [{**row, "seed": encoder.seed, "images": count} for row in distances(features)]
    return measured


def _test_rows(domain: Domain) -> np.ndarray:
    """Return the rows of the manifest that are test images and were decodable."""
    manifest = read_manifest(domain.manifest)
    rows = rows_of(manifest, "train" if without_labels(manifest) else "test")
    return rows[np.isin(rows, Beton(domain.beton).index)]


def distances(features: Mapping[str, np.ndarray]) -> list[dict]:
    """Return both measures for every ordered pair of datasets.

    Args:
        features: of each dataset, (n, D), with one n for all. They are standardised by the mean
            and variance of all datasets together, so that all distances of a study have one unit.
    """
    pooled = np.concatenate([features[name] for name in sorted(features)])
    deviation = pooled.std(0)
    deviation[deviation == 0] = 1.0  # a constant feature separates nothing
    standard = {name: (part - pooled.mean(0)) / deviation for name, part in features.items()}
    fits = {name: (part.mean(0), shrunk_covariance(part)) for name, part in standard.items()}
    measured = {}
    for first, second in permutations(sorted(features), 2):
        if first < second:
            error = classifier_error(standard[first], standard[second])
            measured[first, second] = {
                "frechet": frechet(fits[first], fits[second]),
                "classifier_error": error,
                "proxy_a_distance": max(0.0, 2 * (1 - 2 * error)),
            }
    return [
        {"source": source, "target": target, **measured[min(source, target), max(source, target)]}
        for source, target in permutations(features, 2)
    ]


def frechet(a: tuple[np.ndarray, np.ndarray], b: tuple[np.ndarray, np.ndarray]) -> float:
    """Return the squared Fréchet (2-Wasserstein) distance of two Gaussians.

    It is |mean_a - mean_b|² + tr(A + B - 2 (A^½ B A^½)^½).

    Args:
        a, b: mean (D,) and covariance (D, D) of each.
    """
    (mean_a, covariance_a), (mean_b, covariance_b) = a, b
    values, vectors = np.linalg.eigh(covariance_a)
    root = (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T
    middle = root @ covariance_b @ root
    between = np.sqrt(np.clip(np.linalg.eigvalsh((middle + middle.T) / 2), 0, None)).sum()
    squared = (
        np.square(mean_a - mean_b).sum()
        + np.trace(covariance_a)
        + np.trace(covariance_b)
        - 2 * between
    )
    return max(0.0, float(squared))


def shrunk_covariance(features: np.ndarray) -> np.ndarray:
    """Return the covariance (D, D) of features (n, D), shrunk towards a multiple of the identity.

    By the share of Ledoit and Wolf 2004 (https://doi.org/10.1016/S0047-259X(03)00096-4). With
    fewer images than features the plain covariance is singular, and its distance to others mostly
    sampling error.
    """
    count, width = features.shape
    centred = features - features.mean(0)
    plain = centred.T @ centred / count
    variance = np.trace(plain) / width
    # squared distance of the plain covariance to the target of the shrinkage
    distance = np.square(plain).sum() - width * variance**2
    noise = (np.square(np.square(centred).sum(1)).sum() / count - np.square(plain).sum()) / count
    share = min(max(noise, 0.0), distance) / distance if distance > 0 else 0.0
    shrunk = (1 - share) * plain
    shrunk.flat[:: width + 1] += share * variance
    return shrunk


def classifier_error(first: np.ndarray, second: np.ndarray) -> float:
    """Return the error, 0 to 0.5, of a ridge classifier that separates two sets of features (n, D).

    By cross-validation over `FOLDS` folds.
    """
    fold = np.arange(len(first)) % min(FOLDS, len(first))
    wrong = 0.0
    for test_fold in range(fold.max() + 1):
        fitting, testing = fold != test_fold, fold == test_fold
        fitted = np.concatenate([first[fitting], second[fitting]])
        side = np.repeat([1.0, -1.0], fitting.sum())
        middle = fitted.mean(0)
        gram = (fitted - middle).T @ (fitted - middle)
        gram.flat[:: len(gram) + 1] += RIDGE * len(fitted)
        weights = np.linalg.solve(gram, (fitted - middle).T @ side)
        for features, sign in ((first, 1.0), (second, -1.0)):
            margins = sign * ((features[testing] - middle) @ weights)
            wrong += (margins < 0).sum() + (margins == 0).sum() / 2
    return float(min(wrong / (2 * len(first)), 0.5))
