"""What the figures know of methods: label, colour, marker, order, and which are contrastive.

A study may hold a method twice under an entry of its own, named `<method>_<anything>` (`simclr_long`): it is drawn as its method, in
another shade, and called by its own name. Entries that were derived from another (`training_length`) are called by that one's.
"""

import zlib
from collections.abc import Iterable
from dataclasses import replace

from fourlenses.core.errors import UserError
from fourlenses.study.encoders import entry_of
from fourlenses.study.vocabulary import METHODS, Method

DERIVED = {"half": "half as long", "twice": "twice as long", "steps": "equal steps"}


def known(method: str) -> bool:
    return base(method) is not None


def is_contrastive(method: str) -> bool:
    """Whether it learns from views alone; BYOL and its like are counted among the contrastive methods, as in the paper."""
    known_as = base(method)
    return known_as is not None and METHODS[known_as].contrastive


def label(method: str) -> str:
    return _look(method).label


def colour(method: str) -> str:
    return _look(method).colour


def marker(method: str) -> str:
    return _look(method).marker


def place(method: str) -> tuple[int, str]:
    """Sorts methods into the order of the figures."""
    _look(method)
    return list(METHODS).index(base(method)), method


def in_order(methods: Iterable[str]) -> list[str]:
    """The distinct names, in the order of the figures."""
    return sorted(set(methods), key=place)


def base(method: str) -> str | None:
    """`simclr_gentle` -> `simclr`: the method that an entry of a config is of; None where no method is known of that name."""
    fitting = [name for name in METHODS if method == name or method.startswith(f"{name}_")]
    return max(fitting, key=len, default=None)


def _look(method: str) -> Method:
    known_as = base(method)
    if known_as is None:
        raise UserError(
            f"the figures know no method {method!r}; known are {', '.join(METHODS)}, so correct the method column"
        )
    look = METHODS[known_as]
    if method == known_as:
        return look
    entry = entry_of(method)
    ending = DERIVED.get(method.removeprefix(f"{entry}_"))
    label = f"{_look(entry).label}, {ending}" if entry != method else method.replace("_", " ")
    shade = (-0.4, 0.35, -0.2, 0.55)[zlib.crc32(method.encode()) % 4]
    return replace(look, label=label, colour=_shade(look.colour, shade))


def _shade(colour: str, towards: float) -> str:
    """A colour moved a share of the way to black (below 0) or white."""
    goal = 255 if towards > 0 else 0
    channels = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return "#" + "".join(
        f"{round(value + (goal - value) * abs(towards)):02X}" for value in channels
    )
