"""The thresholds that a study's numbers are compared with: key `findings` of the config."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """Points of top-1, but for beyond_images; config.yaml explains each.

    Attributes:
        beyond_images: pretraining images from which on the claim about their number is made.
        modest_gain: of a doubling of the images.
        domain_margin: of another domain over one's own.
        quality_margin: of a contrastive drop over a supervised one.
        granularity_margin: of the growth of the gap from the coarsest level to the finest.
        equivalence_margin: within which two encoders are alike.
        worthwhile_gain: that a doubling is worth it for.
        trained_margin: above the random encoder, for an encoder to say anything.
        seed_sd: standard deviation of one encoder over seeds, for a study that has one seed.
    """

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
