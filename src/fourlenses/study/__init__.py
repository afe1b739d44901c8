"""What a study is: encoders, cells and the plan of them, the names of things and where files lie.

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
