"""Files that are either whole or absent."""

import contextlib
import csv
import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from fourlenses.core.errors import Interrupted, UserError
from fourlenses.core.patience import patiently

# a full disk, a spent quota, a limit on the size of files (ulimit -f)
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# what file systems in user space answer to a call that they lack
_NO_SUCH_CALL = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP)


@contextlib.contextmanager
def atomic(path: str | os.PathLike) -> Iterator[Path]:
    """Yield a temporary name next to ``path``.

    It is synced and renamed to ``path`` when the block ends well, and removed when it does not.

    Raises:
        OSError: What the block raised; where that is for lack of room, it names ``path``.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with open(temporary, "rb") as written:
            sync(written.fileno())
        # mkstemp makes private files; a result is as readable as any other file the user makes
        umask = os.umask(0)
        os.umask(umask)
        with contextlib.suppress(OSError):  # mounted buckets and Windows shares know no modes
            temporary.chmod(0o666 & ~umask)
        os.replace(temporary, path)
    except Exception as error:
        number = _lack_of_room(error, path.parent)
        if number is None:
            raise
        # the error of a write to an open file names none, and the temporary name helps nobody
        raise OSError(number, os.strerror(number), str(path)) from error
    finally:
        temporary.unlink(missing_ok=True)


def _lack_of_room(error: Exception, folder: Path) -> int | None:
    """Return the errno of a write that was cut short for lack of room, else None.

    numpy, safetensors and torch.save have exceptions of other types for that.
    """
    if isinstance(error, UserError | Interrupted):
        return None
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno if error.errno in NO_ROOM else None
    phrases = ("No space left", "Not enough free space", "requested and")
    full = any(phrase in str(error) for phrase in phrases)
    return errno.ENOSPC if full or shutil.disk_usage(folder).free < 4096 else None


def write_json(path: str | os.PathLike, value: object) -> None:
    """Write JSON atomically: sorted keys, so that equal values give equal bytes."""
    text = json.dumps(value, indent=1, sort_keys=True, allow_nan=False)
    with atomic(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def read_json(path: str | os.PathLike) -> Any:
    file = Path(path)
    return json.loads(patiently(lambda: file.read_text(encoding="utf-8"), file))


def write_csv(
    path: str | os.PathLike, columns: Sequence[str], rows: Iterable[Sequence | Mapping]
) -> None:
    """Write a table atomically, with a header.

    Args:
        path: Of the file. Names that are not UTF-8 (surrogateescape) are written as their bytes.
        columns: The header.
        rows: Values in the order of ``columns``, or by their names; an absent one is left empty.

    Raises:
        ValueError: A row by names has one that is no column.
    """
    with (
        atomic(path) as temporary,
        open(temporary, "w", newline="", encoding="utf-8", errors="surrogateescape") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for row in rows:
            if isinstance(row, Mapping):
                if unknown := row.keys() - set(columns):
                    raise ValueError(f"{path}: no column for {', '.join(sorted(unknown))}")
                row = [row.get(column, "") for column in columns]
            writer.writerow(row)


def sha256(*files: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal; of several one after the other."""
    digest = hashlib.sha256()
    for file in files:
        with open(file, "rb") as opened:
            hashlib.file_digest(opened, lambda: digest)
    return digest.hexdigest()


def sync(descriptor: int) -> None:
    """Have a file's content reach the disk, where the file system has a way to ask for that."""
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_SUCH_CALL:
            raise


def renew_time(path: Path) -> None:
    """Set a file's time to now, where the file system lets this user set times."""
    with contextlib.suppress(OSError):
        os.utime(path)


def sync_directory(directory: Path) -> None:
    """Make a rename last through a power failure, where a directory can be synced."""
    with contextlib.suppress(OSError):
        handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
