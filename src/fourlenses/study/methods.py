"""What the figures know of methods: label, colour, marker, order, and which are contrastive.

A study may hold a method twice under an entry of its own, named `<method>_<anything>` (`simclr_long`): it is drawn as its method, in
another shade, and called by its own name. Entries that were derived from another (`training_length`) are called by that one's.
"""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass

from fourlenses.core.errors import UserError
from fourlenses.study import entry_of


@dataclass(frozen=True)
class Look:
    """colour: of Okabe and Ito's palette, made to stay apart for colour-blind readers. marker: for a black-and-white printer."""

    label: str
    colour: str
    marker: str


# In the order of every figure: those that learn without labels first, then supervised, then the floor.
LOOKS = {
    "simclr": Look("SimCLR", "#0072B2", "o"),
    "moco": Look("MoCo v2", "#E69F00", "^"),
    "byol": Look("BYOL", "#009E73", "D"),
    "simsiam": Look("SimSiam", "#56B4E9", "v"),
    "barlow_twins": Look("Barlow Twins", "#CC79A7", "P"),
    "vicreg": Look("VICReg", "#B8A800", "X"),
    "supervised": Look("supervised", "#D55E00", "s"),
    "random": Look("random encoder", "#7F7F7F", "x"),
}
DERIVED = {"half": "half as long", "twice": "twice as long", "steps": "equal steps"}
LABELLED = ("supervised", "random")  # not pretrained without labels: the yardsticks


def known(method: str) -> bool:
    return base(method) is not None


def is_contrastive(method: str) -> bool:
    """Whether it learns from views alone; BYOL and its like are counted among the contrastive methods, as in the paper."""
    return known(method) and base(method) not in LABELLED


def label(method: str) -> str:
    return _look(method).label


def colour(method: str) -> str:
    return _look(method).colour


def marker(method: str) -> str:
    return _look(method).marker


def place(method: str) -> tuple[int, str]:
    """Sorts methods into the order of the figures."""
    _look(method)
    return list(LOOKS).index(base(method)), method


def in_order(methods: Iterable[str]) -> list[str]:
    """The distinct names, in the order of the figures."""
    return sorted(set(methods), key=place)


def base(method: str) -> str | None:
    """`simclr_gentle` -> `simclr`: the method that an entry of a config is of; None where no method is known of that name."""
    fitting = [name for name in LOOKS if method == name or method.startswith(f"{name}_")]
    return max(fitting, key=len, default=None)


def _look(method: str) -> Look:
    known_as = base(method)
    if known_as is None:
        raise UserError(
            f"the figures know no method {method!r}; known are {', '.join(LOOKS)}, so correct the method column"
        )
    look = LOOKS[known_as]
    if method == known_as:
        return look
    entry = entry_of(method)
    ending = DERIVED.get(method.removeprefix(f"{entry}_"))
    label = f"{_look(entry).label}, {ending}" if entry != method else method.replace("_", " ")
    return Look(
        label,
        _shade(look.colour, (-0.4, 0.35, -0.2, 0.55)[zlib.crc32(method.encode()) % 4]),
        look.marker,
    )


def _shade(colour: str, towards: float) -> str:
    """A colour moved a share of the way to black (below 0) or white."""
    goal = 255 if towards > 0 else 0
    channels = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return "#" + "".join(
        f"{round(value + (goal - value) * abs(towards)):02X}" for value in channels
    )
