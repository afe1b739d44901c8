"""What a study is: encoders, cells and the plan of them, and what its methods, datasets and protocols are called.

Standard library only: the Snakefile imports it, and is parsed again in every job.
"""

from fourlenses.study.plan import (
    ALL,
    BASELINES,
    CLEAN,
    FIGURES,
    FLOOR,
    LENSES,
    ON_FEATURES,
    SCRATCH,
    SCRATCH_PUBLISHED,
    SEVERAL,
    SIMILARITY,
    TRAINED,
    Cell,
    Part,
    Plan,
    Run,
    Subset,
    entry_of,
    parse_source,
)

__all__ = [
    "ALL",
    "BASELINES",
    "CLEAN",
    "FIGURES",
    "FLOOR",
    "LENSES",
    "ON_FEATURES",
    "SCRATCH",
    "SCRATCH_PUBLISHED",
    "SEVERAL",
    "SIMILARITY",
    "TRAINED",
    "Cell",
    "Part",
    "Plan",
    "Run",
    "Subset",
    "entry_of",
    "parse_source",
]
