"""Names inside archives: the path of a member and the target of a link, from the archive's top."""

import posixpath


class OutsideError(Exception):
    """A member's name climbs out of the archive."""


def normal(name: str) -> str:
    """Return a member's path; a leading ``/`` is dropped, as `tar` drops it.

    Raises:
        OutsideError: The name leads out with ``..``.
    """
    path = posixpath.normpath(name.lstrip("/"))
    if path.split("/")[0] == "..":
        raise OutsideError(name)
    return path


def target_of(name: str, link: str) -> str:
    """Return the target of a symbolic link; one outside starts with ``/`` or ``..``."""
    folder = posixpath.dirname(posixpath.normpath(name.lstrip("/")))
    return posixpath.normpath(posixpath.join(folder, link))
