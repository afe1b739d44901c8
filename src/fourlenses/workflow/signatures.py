"""Functions of rules whose signature need not be found out for each job.

Standard library only: the Snakefile imports it, and is read again in every job.
"""

import inspect
from collections.abc import Callable
from typing import Any


def signed(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function with its signature kept, which Snakemake asks for twice for each job.

    To find it out takes longer than most functions of rules do.
    """
    function.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
    return function
