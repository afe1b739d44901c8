"""What the names inside archives mean: where a member would lie, and where a link leads, seen from the top of the archive."""

import posixpath


class OutsideError(Exception):
    """A member's name climbs out of the archive."""


def normal(name: str) -> str:
    """A leading ``/`` is dropped, as `tar` drops it.

    Raises:
        OutsideError: the name leads out with ``..``.
    """
    found = posixpath.normpath(name.lstrip("/"))
    if found.split("/")[0] == "..":
        raise OutsideError(name)
    return found


def target_of(name: str, link: str) -> str:
    """Where a symbolic link leads; what is outside starts with ``/`` or ``..``, as no member does."""
    return posixpath.normpath(
        posixpath.join(posixpath.dirname(posixpath.normpath(name.lstrip("/"))), link)
    )
