"""What a study's numbers are held against: the key `findings` of the config, where each is explained."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Thresholds:
    """Points of top-1, except beyond_images. seed_sd: of one encoder over seeds, for a study that has one seed."""

    beyond_images: int = 500_000
    modest_gain: float = 2.0
    domain_margin: float = 1.0
    quality_margin: float = 0.0
    granularity_margin: float = 0.0
    equivalence_margin: float = 2.0
    worthwhile_gain: float = 1.0
    trained_margin: float = 5.0
    seed_sd: float = 0.8


LEAST_SEEDS = 3  # with fewer, an answer leans
