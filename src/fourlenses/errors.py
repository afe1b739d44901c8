"""The one exception that stands for a user's mistake."""


class UserError(ValueError):
    """Something the user can put right. Its message is one sentence or two: where, what was found, what is allowed, what to do.

    Programs print the message without a traceback (see `fourlenses.cli`); every other exception is a defect of ours and keeps it.
    """


def one_of(kind: str, name: object, known) -> UserError:
    """The error for a name that is not among the known ones, with the nearest known name where there is one."""
    import difflib

    known = sorted(map(str, known))
    near = difflib.get_close_matches(str(name), known, n=1)
    hint = f" (did you mean '{near[0]}'?)" if near else ""
    return UserError(f"unknown {kind} '{name}'{hint}; known: {', '.join(known) or 'none'}")
