"""A study: its encoders, cells and plan, the names of things, and the paths of files.

Standard library only: the Snakefile imports it, and is parsed again in every job.
"""

from fourlenses.study.encoders import ALL, CLEAN, Part, Run, entry_of, parse_source
from fourlenses.study.plan import Cell, Plan, Subset

__all__ = [
    "ALL",
    "CLEAN",
    "Cell",
    "Part",
    "Plan",
    "Run",
    "Subset",
    "entry_of",
    "parse_source",
]
