"""Linear classifiers and nearest neighbours on a million cached features on a GPU: seconds for the whole grid."""

import time

import numpy as np
import torch

from fourlenses.evaluation.probes.knn import knn
from fourlenses.evaluation.probes.linear_probe import linear_probe

STRENGTHS = [1.0, 0.1, 0.01, 0.001, 0.0001, 0.00001]  # config.yaml's


def features(
    count: int, width: int, classes: int, device: torch.device
) -> tuple[torch.Tensor, np.ndarray]:
    """float32 (count, width), as a ReLU leaves them, of decaying variance around class means; labels int64 (count,)."""
    generator = torch.Generator(device).manual_seed(0)
    labels = torch.randint(0, classes, (count,), generator=generator, device=device)
    means = torch.randn(classes, width, generator=generator, device=device)
    decay = torch.arange(1, width + 1, device=device).float() ** -0.5
    x = torch.empty(count, width, device=device)
    for rows in torch.arange(count, device=device).split(100_000):
        noise = torch.randn(len(rows), width, generator=generator, device=device)
        x[rows] = torch.relu((means[labels[rows]] + 3 * noise) * decay)
    return x, labels.cpu().numpy()


def linear(
    count: int, width: int, classes: int, strengths: list[float], device: torch.device
) -> dict:
    x, y = features(count + 10_000, width, classes, device)
    table = np.arange(classes)[:, None]
    began = time.perf_counter()
    (record,) = linear_probe(
        x[:count],
        y[:count],
        x[count:],
        y[count:],
        {"all": np.arange(count)},
        strengths,
        0.2,
        0,
        classes,
        table,
        ["class"],
        device,
    )
    seconds = time.perf_counter() - began
    row = {
        "what": f"linear, {count} features of {width}, {classes} classes, {len(strengths)} strengths and the refit",
        "who": "ours",
        "unit": "fits/s",
        "rate": (len(strengths) + 1) / seconds,
        "rates": [(len(strengths) + 1) / seconds],
        "seconds": seconds,
        "top1": record["top1"],
        "iterations": [record["iterations"], *(record["selection_iterations"] or [])],
        "solver": record["solver"],
        "timing": record["timing"],
    }
    print(
        {key: row[key] for key in ("what", "seconds", "top1", "iterations", "solver", "timing")},
        flush=True,
    )
    return row


def neighbours(
    count: int, width: int, classes: int, device: torch.device, tests: int = 10_000
) -> dict:
    x, y = features(count + tests, width, classes, device)
    began = time.perf_counter()
    (record,) = knn(
        x[:count],
        y[:count],
        x[count:],
        y[count:],
        {"all": np.arange(count)},
        [200],
        classes,
        np.arange(classes)[:, None],
        ["class"],
        device=device,
    )
    seconds = time.perf_counter() - began
    row = {
        "what": f"kNN, {count} features of {width}, {tests} test images",
        "who": "ours",
        "unit": "test images/s",
        "rate": tests / seconds,
        "rates": [tests / seconds],
        "seconds": seconds,
        "top1": record["top1"],
    }
    print({key: row[key] for key in ("what", "seconds", "top1")}, flush=True)
    return row
