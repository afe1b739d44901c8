"""The exceptions that are no defects: a user's mistake, and a program that stopped to be continued."""

import difflib
from collections.abc import Iterable


class UserError(ValueError):
    """Something the user can put right. Its message is one sentence or two: where, what was found, what is allowed, what to do.

    Programs print the message without a traceback (see `fourlenses.core.cli`); every other exception is a defect of ours and keeps it.
    """


class Interrupted(Exception):
    """The program stopped itself, unfinished and undamaged; the same command continues it. No `UserError`: nothing is to be put right.

    Programs print the message and end with exit code 75 (EX_TEMPFAIL of sysexits.h).
    """


class OutOfTime(Interrupted):
    """Its own time is over, nobody asked it to stop, and all that it did is in a checkpoint: it may go on without being told to."""


def one_of(kind: str, name: object, known: Iterable) -> UserError:
    """The error for a name that is not among the known ones, with the nearest known name where there is one."""
    known = sorted(map(str, known))
    return UserError(
        f"unknown {kind} '{name}'{did_you_mean(name, known)}; known: {', '.join(known) or 'none'}"
    )


def did_you_mean(name: object, known: Iterable) -> str:
    """A hint in brackets, or nothing where no known name is near."""
    near = difflib.get_close_matches(str(name), map(str, known), n=1)
    return f" (did you mean '{near[0]}'?)" if near else ""


def printable(text: str) -> str:
    """Text from a file or a file's name, on one line: control characters and bytes that are not UTF-8 as escapes."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode("ascii")
        for c in text
    )
