"""Paths that users write: with ``~`` and environment variables in them, as in a shell.

Standard library only: the Snakefile imports it.
"""

import os
import re

from fourlenses.core.errors import UserError


def expanded(text: str, key: str) -> str:
    """Return a path with ``~`` and ``$NAME`` or ``${NAME}`` filled in.

    Args:
        text: As written in the config.
        key: Config key, for errors.

    Raises:
        UserError: A variable is not set, or there is no such user.
    """
    missing = [name for name in re.findall(r"\$\{?(\w+)", text) if name not in os.environ]
    if missing:
        raise UserError(
            f"config key '{key}': '{text}' names the environment variable {missing[0]}, which is "
            "not set here; set it, or write the path out"
        )
    path = os.path.expanduser(os.path.expandvars(text))
    if text.startswith("~") and path.startswith("~"):
        raise UserError(
            f"config key '{key}': '{text}' begins with the home of a user that this machine does "
            "not know; write the path out"
        )
    return path
