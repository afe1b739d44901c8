"""The names of encoders: method, what was pretrained on, seed; of one or of several concatenated.

Standard library only: the Snakefile imports it, and is parsed again in every job.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from fourlenses.core.errors import UserError
from fourlenses.study.layout import run_name
from fourlenses.study.vocabulary import EXTERNAL

CLEAN = "none"  # the value of the `corruption` column for images as they are
ALL = "all"  # as many images as the dataset has; its number is known once it is indexed
PER_CLASS = "_per_class"  # behind a number of labelled images: that many of each class
CONCATENATION = "~"  # between the sources of encoders whose features are concatenated
# Endings of the entries of `methods` that `config.lengths` derives: at the steps of the largest
# size, and half or twice as long. No entry of a config may end so.
EQUAL_STEPS = "steps"
LENGTHS = {"half": 0.5, "twice": 2.0}
ENDINGS = (EQUAL_STEPS, *LENGTHS)
# At the end of a source: the external encoder whose weights the pretraining started from.
STARTED = ".from_"

_PART = re.compile(
    r"(?P<dataset>[a-z][a-z0-9_]*)-(?P<images>[0-9]+(?:_per_class)?|all)"
    r"(@(?P<corruption>[a-z][a-z0-9_]*))?"
)
_NAME = re.compile("[a-z][a-z0-9_]*")  # of an entry of `encoders`


@dataclass(frozen=True, order=True)
class Part:
    """One dataset's share of a pretraining set.

    `imagenet-250000@jpeg10` is 250,000 images with the corruption `jpeg10`.
    """

    dataset: str
    images: str
    corruption: str = CLEAN

    @property
    def variant(self) -> str:
        return "clean" if self.corruption == CLEAN else self.corruption

    def __str__(self) -> str:
        corruption = "" if self.corruption == CLEAN else f"@{self.corruption}"
        return f"{self.dataset}-{self.images}{corruption}"


def parse_source(source: str) -> list[Part]:
    """Return the parts of a single encoder's source.

    `none` (nothing was pretrained on) has none, and neither has the name of an external encoder.
    The encoder that a pretraining was continued from is no part.

    Raises:
        UserError: the name is not of the form `dataset-images[@corruption]`, parts joined by `+`.
    """
    source, _ = split_start(source)
    if _NAME.fullmatch(source):
        return []
    parts = []
    for text in source.split("+"):
        match = _PART.fullmatch(text)
        if not match:
            raise UserError(
                f"'{text}' in source '{source}' is not of the form dataset-images or "
                "dataset-images@corruption"
            )
        parts.append(Part(match["dataset"], match["images"], match["corruption"] or CLEAN))
    return parts


def continued_source(source: str, start: str) -> str:
    """Return the source of a pretraining that began with an external encoder's weights.

    `cifar10-5000`, `effnet` -> `cifar10-5000.from_effnet`
    """
    return f"{source}{STARTED}{start}"


def split_start(source: str) -> tuple[str, str]:
    """Return a source without the encoder that it was continued from, and that encoder's name.

    The name is empty where there is none.
    """
    base, _, start = source.partition(STARTED)
    return base, start


def join_sources(sources: list[str]) -> str:
    """Return the source of concatenated encoders: `["a-100", "b-50"]` -> `a-100~b-50`."""
    return CONCATENATION.join(sources)


def split_source(source: str) -> list[str]:
    """Return the sources of the encoders that a source names; of a single encoder its own."""
    return source.split(CONCATENATION)


def derived(method: str, ending: str) -> str:
    """Return the name of a derived entry: `simclr` -> `simclr_half`."""
    return f"{method}_{ending}"


def entry_of(method: str) -> str:
    """Return the entry that a derived one was made from: `simclr_half` -> `simclr`.

    Any other name is returned as it is.
    """
    entry, _, ending = method.rpartition("_")
    return entry if entry and ending in ENDINGS else method


@dataclass(frozen=True, order=True)
class Run:
    """An encoder, or several whose features are concatenated.

    Of several the sources are joined by `CONCATENATION`. Method and seed are those of the first;
    where another differs, its source says so: `imagenet-1000~inat21-1000.supervised`,
    `imagenet-1000~imagenet-1000.seed1`.

    Args:
        method: an entry of `methods`, or `external`.
        source: what was pretrained on; of an external encoder its name.
        seed: of the subset, of the initialisation and of the training.
    """

    method: str
    source: str
    seed: int

    @classmethod
    def external(cls, name: str, seed: int) -> "Run":
        """Return the run of an entry of `encoders`. seed: of the labels it is evaluated with."""
        return cls(EXTERNAL, name, seed)

    @classmethod
    def concatenated(cls, encoders: list["Run"]) -> "Run":
        """Return the run whose features are those of all `encoders`, in this order."""
        first = encoders[0]
        sources = [
            run.source
            + (f".{run.method}" if run.method != first.method else "")
            + (f".seed{run.seed}" if run.seed != first.seed else "")
            for run in encoders
        ]
        return cls(first.method, join_sources(sources), first.seed)

    def started(self, starts: Mapping[str, str]) -> "Run":
        """Return the run with a source that says what each encoder was continued from.

        Args:
            starts: the external encoder that an entry of `methods` starts from.
        """
        named = [
            Run(run.method, continued_source(run.source, starts[run.method]), run.seed)
            if run.method in starts
            else run
            for run in self.encoders
        ]
        return Run.concatenated(named)

    @property
    def name(self) -> str:
        return run_name(self.method, self.source, self.seed)

    @cached_property
    def encoders(self) -> list["Run"]:
        """The single encoders, in the order of their features."""
        sources = split_source(self.source)
        if len(sources) == 1:
            return [self]
        return [self._encoder(*text.split(".")) for text in sources]

    def _encoder(self, source: str, *marks: str) -> "Run":
        method, seed = self.method, self.seed
        for mark in marks:
            if re.fullmatch(r"seed[0-9]+", mark):
                seed = int(mark.removeprefix("seed"))
            elif f".{mark}".startswith(STARTED):
                source = f"{source}.{mark}"
            else:
                method = mark
        return Run(method, source, seed)

    @property
    def corruption(self) -> str:
        """The column `corruption`: of several parts joined by `+`."""
        parts = [part for encoder in self.encoders for part in parse_source(encoder.source)]
        return "+".join(sorted({part.corruption for part in parts})) or CLEAN
