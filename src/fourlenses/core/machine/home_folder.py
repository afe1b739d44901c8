"""The folder for caches: the user's own, or another one where that cannot be written.

Compute nodes may mount no home, containers may have a read-only one, and quotas end.
"""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from fourlenses.core.files import sync


def own_cache_folder(environment: Mapping[str, str]) -> Path:
    """Return the user's folder for caches, as programs find it; it may not exist."""
    named = environment.get("XDG_CACHE_HOME")
    return Path(named) if named else Path(os.path.expanduser("~")) / ".cache"


def why_not_writable(folder: Path) -> str:
    """Return why no file of a megabyte can be kept in a folder, "" if it can; it is made if absent.

    Permissions alone do not tell: a quota may be spent, or the file system read-only.
    """
    if (
        not folder.is_absolute()
    ):  # "~" of a user without a home: a folder of that name would be made
        return "this user has no home, or a relative one"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(prefix=".fourlenses-", dir=folder) as trial:
            trial.write(bytes(1 << 20))
            trial.flush()
            sync(trial.fileno())
    except OSError as error:
        return error.strerror or str(error)
    return ""


def private_temporary_folder() -> Path:
    """Return a folder of this user alone for temporary files; it is made if absent.

    Raises:
        OSError: It cannot be made, or belongs to somebody else.
    """
    folder = Path(tempfile.gettempdir()) / f"fourlenses-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    known = folder.lstat()
    if known.st_uid != os.getuid() or known.st_mode & 0o077 or folder.is_symlink():
        raise PermissionError(1, "is not a folder of this user alone", str(folder))
    return folder
