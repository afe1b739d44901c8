"""The plan of a study: which encoders to pretrain, on what to evaluate them, for which lenses.

What a lens asks for is in `lenses/<lens>/plan.py`: `check(config, section)` and
`requests(config, section, seed)`; optionally `also_shows(section, cell)`, which picks among the
cells of the other lenses.

Standard library only: the Snakefile imports it, and is parsed again in every job.
"""

from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from itertools import product
from typing import Protocol, cast

from fourlenses.core.errors import UserError
from fourlenses.lenses.requests import Request, sections
from fourlenses.study import ALL, Cell, Plan, Run, Subset
from fourlenses.study.sizes import Quantity
from fourlenses.study.vocabulary import FROZEN_PROTOCOLS, LENSES, RANDOM_INIT, STUDY_FIGURES

# of a folder; file systems take 255, and a part of them is ours (.<name>.<random>.part)
MOST_CHARACTERS = 200


class LensPlan(Protocol):
    """The contract of `lenses/<lens>/plan.py`."""

    def check(self, config: dict, lens: dict) -> None:
        """Raise a `UserError` where the lens's section contradicts the rest of the config."""

    def requests(self, config: dict, lens: dict, seed: int) -> Iterator[Request]:
        """Yield what the lens shows, for one seed."""


def lens_plan(lens: str) -> LensPlan:
    """Return the module of a lens that says what it asks for."""
    return cast(LensPlan, import_module(f"fourlenses.lenses.{lens}.plan"))


def make_plan(config: dict) -> Plan:
    """Return the plan of a validated and completed config.

    Raises:
        UserError: a lens's section contradicts the rest of the config.
    """
    plan = Plan()
    starts = {name: entry["start"] for name, entry in config["methods"].items() if "start" in entry}
    for lens in config["lenses"]:
        module = lens_plan(lens)
        module.check(config, config[lens])
        for seed, section in product(config["seeds"], sections(config[lens])):
            for request in module.requests(config, section, seed):
                request = request._replace(run=request.run.started(starts))
                _add(plan, lens, request, seed=seed, evaluation=config["evaluation"])
    for lens in config["lenses"]:
        also_shows = getattr(lens_plan(lens), "also_shows", None)
        if also_shows:
            for cell in [cell for cell in plan.cells if also_shows(config[lens], cell)]:
                plan.add(lens, cell)
    _check_lengths(plan)
    return plan


def _check_lengths(plan: Plan) -> None:
    """Refuse sources whose name no file system takes: a pool's is that of all its datasets."""
    for run in plan.runs:
        if len(run.source) > MOST_CHARACTERS:
            raise UserError(
                f"the source '{run.source[:60]}…' of {run.method} gives folders of "
                f"{len(run.source)} characters, at most {MOST_CHARACTERS} are possible; give the "
                "datasets shorter names, or pool fewer of them"
            )


def figure_names(config: dict) -> list[str]:
    """Return the figures that a study draws from metrics.csv: those of its lenses in their order,
    then those of the whole study."""
    figures = [figure for lens in config["lenses"] for figure in LENSES[lens].figures]
    figures += STUDY_FIGURES
    return [figure.name for figure in figures if not figure.table]


def _add(plan: Plan, lens: str, request: Request, *, seed: int, evaluation: dict) -> None:
    """Add a request, once for each draw of its labels, and the random-init encoder next to it."""
    run, target, labels, protocol = request
    random_init = Run(RANDOM_INIT, "none", seed)
    for subset in _subsets(labels, evaluation):
        plan.add(lens, Cell(run=run, target=target, labelled=str(subset), protocol=protocol))
        if protocol in FROZEN_PROTOCOLS:
            plan.add(
                lens, Cell(run=random_init, target=target, labelled=str(subset), protocol=protocol)
            )


def _subsets(labels: Quantity, evaluation: dict) -> list[Subset]:
    wanted = Subset.parse(str(labels))
    few = wanted.images != ALL and int(wanted.images) <= evaluation["label_repeats_up_to"]
    # so many of each class are few, however many classes there are
    draws = evaluation["label_repeats"] if few or wanted.per_class else 1
    balanced = evaluation["label_subsets"] == "balanced"
    balanced = balanced and wanted.images != ALL and not wanted.per_class
    return [replace(wanted, balanced=balanced, draw=draw) for draw in range(draws)]
