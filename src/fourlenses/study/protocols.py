"""The names of the protocols by which an encoder is evaluated, in kinds. Standard library only."""

SCRATCH = "scratch"  # the supervised baseline, tuned as fine-tuning is
SCRATCH_PUBLISHED = "scratch_published"  # and as long as the paper's, at one rate
BASELINES = (SCRATCH, SCRATCH_PUBLISHED)  # those that start from no encoder
# Protocols that look at features alone share one job per encoder; the others train a network,
# and each is a job of its own.
ON_FEATURES = ("linear", "linear_per_level", "knn")
TRAINED = ("linear_augmented", "fine_tune", *BASELINES)
