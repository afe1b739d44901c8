"""How entries of `methods` are shown: label, colour, marker, order.

A study may hold a method twice, under an entry named `<method>_<anything>` (`simclr_long`). It is
drawn as its method, in another shade, and labelled by its name. A derived entry
(`config.lengths`) is labelled by the name of the entry it was made from.
"""

import zlib
from collections.abc import Iterable
from dataclasses import replace

from fourlenses.core.errors import UserError
from fourlenses.study import labels
from fourlenses.study.encoders import entry_of
from fourlenses.study.vocabulary import METHODS, Method, method_of

DERIVED = {"half": "half as long", "twice": "twice as long", "steps": "equal steps"}


def known(method: str) -> bool:
    return method_of(method) is not None


def is_contrastive(method: str) -> bool:
    """Tell whether an entry's method learns from augmented images without labels."""
    known_as = method_of(method)
    return known_as is not None and METHODS[known_as].contrastive


def label(method: str) -> str:
    return labels.of(method, _look(method).label)


def colour(method: str) -> str:
    return _look(method).colour


def marker(method: str) -> str:
    return _look(method).marker


def rank(method: str) -> tuple[int, str]:
    """Return the key that sorts entries into the order of the figures."""
    return list(METHODS).index(_known_method(method)), method


def in_order(methods: Iterable[str]) -> list[str]:
    """Return the distinct entries, in the order of the figures."""
    return sorted(set(methods), key=rank)


def _known_method(entry: str) -> str:
    method = method_of(entry)
    if method is None:
        raise UserError(
            f"the figures know no method {entry!r}; known are {', '.join(METHODS)}, "
            "so correct the method column"
        )
    return method


def _look(method: str) -> Method:
    known_as = _known_method(method)
    look = METHODS[known_as]
    if method == known_as:
        return look
    entry = entry_of(method)
    ending = DERIVED.get(method.removeprefix(f"{entry}_"))
    label = f"{_look(entry).label}, {ending}" if entry != method else method.replace("_", " ")
    shade = (-0.4, -0.2, -0.55, -0.3)[zlib.crc32(method.encode()) % 4]
    return replace(look, label=label, colour=_shade(look.colour, shade))


def _shade(colour: str, towards: float) -> str:
    """Return a colour moved a share of the way to black (below 0) or white."""
    goal = 255 if towards > 0 else 0
    channels = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
    return "#" + "".join(
        f"{round(value + (goal - value) * abs(towards)):02X}" for value in channels
    )
