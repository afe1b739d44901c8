"""Exceptions that are no defects: a user's mistake, and a program that stopped to be continued."""

import difflib
from collections.abc import Iterable


class UserError(ValueError):
    """A mistake that the user can put right.

    Its message is a sentence or two: where, what is wrong, what is allowed, what to do. Programs
    print it without a traceback (see `fourlenses.core.cli`); any other exception is a defect of
    ours and keeps its traceback.
    """


class Interrupted(Exception):
    """The program stopped itself, unfinished and undamaged; the same command continues it.

    No `UserError`: nothing is to be put right. Programs print the message and end with exit code 75
    (EX_TEMPFAIL of sysexits.h).
    """


class OutOfTime(Interrupted):
    """Its time limit is over, and all that it did is in a checkpoint: it may continue by itself."""


def one_of(kind: str, name: object, known: Iterable) -> UserError:
    """Return the error for an unknown name, with the nearest known name where there is one."""
    known = sorted(map(str, known))
    hint = did_you_mean(name, known)
    return UserError(f"unknown {kind} '{name}'{hint}; known: {', '.join(known) or 'none'}")


def did_you_mean(name: object, known: Iterable) -> str:
    """Return a hint in brackets, "" where no known name is near."""
    near = difflib.get_close_matches(str(name), map(str, known), n=1)
    return f" (did you mean '{near[0]}'?)" if near else ""


def printable(text: str) -> str:
    """Return text from a file, or a file's name, on one line.

    Control characters and bytes that are not UTF-8 become escapes.
    """
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode("ascii")
        for c in text
    )
