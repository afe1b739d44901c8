"""What YAML 1.1 makes of values that people write, where it is not what they mean.

`1e-3` is text, `no` is false, `2024-01-01` is a date, and of a key that is there twice the last
one counts; `032` is 26, and `1:30` is 90.
"""

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fourlenses.config.blame import blame
from fourlenses.config.yaml_files import nodes, scalars
from fourlenses.core.errors import UserError

_OCTAL = re.compile(r"[-+]?0[0-7_]+")
_SIXTIES = re.compile(r"[-+]?\d[\d_]*(:[0-5]?\d)+(\.\d*)?")
_EXPONENT = re.compile(r"[-+]?\d+(\.\d*)?e[-+]?\d+", re.IGNORECASE)


def shown(value: object) -> str:
    """Return a value as an error shows it."""
    return "empty" if value is None else repr(value)


def how_to_write(value: object, wanted: object) -> str:
    """Return how to write a value of the wrong type, "" where YAML has no part in it.

    Args:
        value: As YAML read it.
        wanted: The schema's `type`.
    """
    if wanted in ("number", "integer") and isinstance(value, str) and _EXPONENT.fullmatch(value):
        number = float(value)
        mantissa, exponent = re.split("e", value, flags=re.IGNORECASE)
        sign = exponent if exponent[0] in "+-" else f"+{exponent}"
        dotted = f"{mantissa if '.' in mantissa else mantissa + '.0'}e{sign}"
        plain = f"{number:.12f}".rstrip("0").rstrip(".")
        return f" (YAML takes it for text; write {dotted} or {plain})"
    if wanted == "string" and isinstance(value, bool):
        return " (YAML reads yes, no, on and off as true and false; put the word in quotes)"
    if wanted == "string" and value is not None and not isinstance(value, dict | list):
        return " (put it in quotes)"
    return ""


def check_written(config: dict, files: list[Path]) -> None:
    """Raise an error for what YAML reads without a word, though nobody means it.

    Args:
        config: Merged.
        files: It was merged from.

    Raises:
        UserError: A key is twice in one file, a number is nan or infinite, or YAML takes it for an
            octal one or for hours and minutes.
    """
    for file in files:
        for key, line in _repeated(file):
            raise UserError(
                f"{file}:{line}: key '{key}' is there twice, and the last one alone would count; "
                "keep one of them"
            )
        for tag, text, line in scalars(file):
            if tag == "int" and _OCTAL.fullmatch(text):
                plain, read = text.lstrip("+-0_") or "0", int(text.replace("_", ""), 8)
                raise UserError(
                    f"{file}:{line}: YAML takes {text} for an octal number, {read}; write {plain}, "
                    "or put it in quotes where it is a name"
                )
            if tag in ("int", "float") and _SIXTIES.fullmatch(text):
                raise UserError(
                    f"{file}:{line}: YAML takes {text} for a number in sixtieths, as of hours and "
                    "minutes; write the number, or put it in quotes where it is a name"
                )
    for path, value in _numbers(config, []):
        if not math.isfinite(value):
            raise UserError(
                f"{blame(path, files)}: key '{'.'.join(path)}' is {value}; allowed: a finite number"
            )


def _repeated(file: Path) -> Iterator[tuple[str, int]]:
    """Yield the dotted keys that a file has a second time, and the lines of those, from 1."""
    for path, pairs in nodes(file):
        seen = set()
        for key, line in pairs:
            if key in seen and key != "<<":
                yield ".".join([*path, key]), line
            seen.add(key)


def _numbers(value: Any, path: list[str]) -> Iterator[tuple[list[str], float]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _numbers(inner, [*path, str(key)])
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _numbers(inner, [*path, str(index)])
    elif isinstance(value, float):
        yield path, value
