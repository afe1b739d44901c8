"""How far image domains lie from each other, seen by an encoder that was never trained and so favours none of them.

Two measures on the same features of as many test images of each dataset: the squared Fréchet distance between Gaussians fitted to both
(Dowson and Landau 1982; the FID of Heusel et al. 2017, with another encoder), and the proxy A-distance of Ben-David et al. 2007, made
from the error of a linear classifier that tells the two datasets apart. The first keeps growing as domains part, the second ends at 2.
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
from fourlenses.data.manifest.manifest import read_manifest, rows_of
from fourlenses.evaluation.encoder import Encoder
from fourlenses.evaluation.features.extract import feature_batches

COLUMNS = ("source", "target", "seed", "images", "frechet", "classifier_error", "proxy_a_distance")
FOLDS = 5
RIDGE = 0.1  # penalty of the classifier, per image, on features of variance 1: enough where there are more features than images
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
    most: int,
    image_size: int,
    device: str,
    workers: int,
) -> list[dict]:
    """One row per encoder (a seed each) and ordered pair of datasets, of `COLUMNS`, from at most ``most`` test images of each.

    All datasets give equally many images, as both measures depend on their number.

    Raises:
        UserError: a dataset has fewer than two test images.
    """
    available = {domain.dataset: _test_rows(domain) for domain in domains}
    count = min([most, *map(len, available.values())])
    if count < 2:
        short = min(available, key=lambda name: len(available[name]))
        raise UserError(
            f"dataset '{short}' has {len(available[short])} test images, but two are needed to measure its distance to others"
        )
    found = []
    for encoder in encoders:
        network, _ = encoder.initial()
        features = {}
        for domain in domains:
            rows = available[domain.dataset]
            order = np.argsort(mix(named_seed(encoder.seed, "similarity"), rows), kind="stable")
            chosen = select(domain.beton, np.sort(rows[order[:count]]), domain.dataset)
            blocks = image_blocks(chosen, image_size, workers=workers, block=BATCH_SIZE)
            parts = feature_batches(network, blocks, device, **encoder.normalisation())
            features[domain.dataset] = torch.cat(list(parts)).numpy().astype(np.float64)
        found += [{**row, "seed": encoder.seed, "images": count} for row in distances(features)]
    return found


def _test_rows(domain: Domain) -> np.ndarray:
    rows = rows_of(read_manifest(domain.manifest), "test")
    return rows[
        np.isin(rows, Beton(domain.beton).index)
    ]  # undecodable images were left out of the beton


def distances(features: Mapping[str, np.ndarray]) -> list[dict]:
    """Both measures for every ordered pair, from features (n, D) of each dataset, all of one n.

    Features are standardised by the mean and variance of all datasets together, so that all distances of a study have one unit.
    """
    every = np.concatenate([features[name] for name in sorted(features)])
    deviation = every.std(0)
    deviation[deviation == 0] = 1.0  # a constant feature tells nothing apart
    standard = {name: (part - every.mean(0)) / deviation for name, part in features.items()}
    fits = {name: (part.mean(0), shrunk_covariance(part)) for name, part in standard.items()}
    measured = {}
    for one, other in permutations(sorted(features), 2):
        if one < other:
            error = classifier_error(standard[one], standard[other])
            measured[one, other] = {
                "frechet": frechet(*fits[one], *fits[other]),
                "classifier_error": error,
                "proxy_a_distance": max(0.0, 2 * (1 - 2 * error)),
            }
    return [
        {"source": one, "target": other, **measured[min(one, other), max(one, other)]}
        for one, other in permutations(features, 2)
    ]


def frechet(
    mean_a: np.ndarray, covariance_a: np.ndarray, mean_b: np.ndarray, covariance_b: np.ndarray
) -> float:
    """Squared Fréchet (2-Wasserstein) distance of two Gaussians: |mean_a - mean_b|² + tr(A + B - 2 (A^½ B A^½)^½)."""
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
    """Covariance (D, D) of features (n, D), drawn towards a multiple of the identity by as much as Ledoit and Wolf 2004 find best.

    With fewer images than features the plain one is singular, and its distance to others mostly sampling error.
    """
    count, width = features.shape
    centred = features - features.mean(0)
    plain = centred.T @ centred / count
    spread = np.trace(plain) / width
    away = (
        np.square(plain).sum() - width * spread**2
    )  # squared distance of the plain one to the target
    noise = (np.square(np.square(centred).sum(1)).sum() / count - np.square(plain).sum()) / count
    share = min(max(noise, 0.0), away) / away if away > 0 else 0.0
    shrunk = (1 - share) * plain
    shrunk.flat[:: width + 1] += share * spread
    return shrunk


def classifier_error(one: np.ndarray, other: np.ndarray) -> float:
    """Error (0 to 0.5) of a ridge classifier that tells features (n, D) from features (n, D), on images it was not fitted to."""
    fold = np.arange(len(one)) % min(FOLDS, len(one))
    wrong = 0.0
    for held_out in range(fold.max() + 1):
        kept, tested = fold != held_out, fold == held_out
        fitted = np.concatenate([one[kept], other[kept]])
        side = np.repeat([1.0, -1.0], kept.sum())
        middle = fitted.mean(0)
        gram = (fitted - middle).T @ (fitted - middle)
        gram.flat[:: len(gram) + 1] += RIDGE * len(fitted)
        weights = np.linalg.solve(gram, (fitted - middle).T @ side)
        for features, sign in ((one, 1.0), (other, -1.0)):
            margins = sign * ((features[tested] - middle) @ weights)
            wrong += (margins < 0).sum() + (margins == 0).sum() / 2
    return float(min(wrong / (2 * len(one)), 0.5))
