"""Encoders that continue the one of fewer images: which one, and how long they trained in all.

The key `smaller_first` of an entry of `methods` lists numbers of images. The encoder of n images
begins with the weights of the entry's encoder of the largest of them below n, and that one with the
next smaller one's. Subsets are nested, so the larger set holds the smaller one.

Standard library only: the Snakefile imports it in every job.
"""

from collections.abc import Mapping
from typing import Any

from fourlenses.study.encoders import ALL, Run, parse_source


def smaller_run(methods: Mapping[str, Mapping[str, Any]], run: Run) -> Run | None:
    """Return the encoder that a pretraining begins with; None where it begins at random.

    A pool of several datasets begins at random: its parts have no size in common.

    Args:
        methods: of a completed config.
        run: one encoder.
    """
    sizes = methods.get(run.method, {}).get("smaller_first")
    parts = parse_source(run.source)
    if not sizes or len(parts) != 1:
        return None
    images = parts[0].images
    below = [size for size in sizes if images == ALL or size < int(images)]
    if not below:
        return None
    smaller = run.source.replace(f"-{images}", f"-{max(below)}", 1)
    return Run(run.method, smaller, run.seed)


def steps_seen(settings: Mapping[str, Any], effective: Mapping[str, Any]) -> int:
    """Return the updates behind an encoder's weights, those of smaller encoders included.

    Args:
        settings: of its run.json, as ``effective``.
    """
    return effective.get("total_steps", 0) + settings.get("smaller", {}).get("steps", 0)


def epochs_seen(settings: Mapping[str, Any], effective: Mapping[str, Any]) -> float:
    """Return the images behind an encoder's weights, each as often as it came, over its own."""
    before = settings.get("smaller", {}).get("images", 0)
    own = effective.get("effective_epochs", 0)
    return own + before / effective["images"] if before else own
