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

from fourlenses.core.errors import Interrupted, UserError

# a full disk, a spent quota, a limit on the size of files (ulimit -f)
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextlib.contextmanager
def atomic(path: str | os.PathLike) -> Iterator[Path]:
    """A temporary name beside ``path``, synced and renamed to it when the block ends well, removed when it does not.

    Raises:
        OSError: what the block raised; where that is for want of room, it names ``path``.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with open(temporary, "rb") as written:
            os.fsync(written.fileno())
        # mkstemp makes private files; a result is as readable as any other file the user makes
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        os.replace(temporary, path)
    except Exception as error:
        number = _want_of_room(error, path.parent)
        if number is None:
            raise
        # a write to an open file does not say which, and the temporary name would say nothing to anyone
        raise OSError(number, os.strerror(number), str(path)) from error
    finally:
        temporary.unlink(missing_ok=True)


def _want_of_room(error: Exception, folder: Path) -> int | None:
    """The errno, where a write was cut short for want of room. numpy, safetensors and torch.save have exceptions of their own for that."""
    if isinstance(error, UserError | Interrupted):
        return None
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno if error.errno in NO_ROOM else None
    said = any(
        words in str(error) for words in ("No space left", "Not enough free space", "requested and")
    )
    return errno.ENOSPC if said or shutil.disk_usage(folder).free < 4096 else None


def write_json(path: str | os.PathLike, value: object) -> None:
    """Write JSON atomically: sorted keys, so that equal values give equal bytes."""
    text = json.dumps(value, indent=1, sort_keys=True, allow_nan=False)
    with atomic(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def read_json(path: str | os.PathLike) -> object:
    return json.loads(Path(path).read_text(encoding="utf-8"))


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


def sha256(file: Path) -> str:
    """Of the file's bytes, in hexadecimal."""
    with open(file, "rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def sync_directory(directory: Path) -> None:
    """Make a rename last through a power failure, where the file system lets a directory be synced."""
    with contextlib.suppress(OSError):
        handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
