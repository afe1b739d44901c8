"""Dataclasses filled from dictionaries of a file, where a wrong key is a user's mistake."""

from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields
from typing import Any, TypeVar

from fourlenses.core.errors import UserError, did_you_mean

T = TypeVar("T")


def keys_of(kind: type) -> list[str]:
    """The names of a dataclass's fields, in their order."""
    return [field.name for field in fields(kind)]


def check_keys(given: Iterable[str], *kinds: type, where: str) -> None:
    """Check that a dictionary's keys are the fields of some dataclasses.

    Args:
        given: the keys.
        kinds: dataclasses; each field without a default must be among the keys.
        where: what holds the keys, for the message, such as "method 'simclr'".

    Raises:
        UserError: a key is unknown, or one is missing; the message names it.
    """
    given = list(given)
    known = [field for kind in kinds for field in fields(kind)]
    names = [field.name for field in known]
    for key in given:
        if key not in names:
            hint = did_you_mean(key, names)
            raise UserError(f"{where}: unknown key '{key}'{hint}; known: {', '.join(names)}")
    for field in known:
        required = field.default is MISSING and field.default_factory is MISSING
        if required and field.name not in given:
            raise UserError(f"{where} lacks the key '{field.name}'; it needs {', '.join(names)}")


def filled(kind: type[T], values: Mapping[str, Any]) -> T:
    """An instance of the dataclass with those of the values that are fields of it."""
    return kind(**{key: values[key] for key in keys_of(kind) if key in values})
