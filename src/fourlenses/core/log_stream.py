"""Standard error of jobs: a log file, which may lie on the very file system that is full."""

import io
import os
import stat
import sys

from fourlenses.core.files import NO_ROOM


class LogStream(io.FileIO):
    """A file descriptor that drops what it has no room for.

    No training ends because its progress bar cannot be written.

    Attributes:
        short: Whether a part of the last write was dropped.
    """

    short = False

    def write(self, data) -> int:  # type: ignore[no-untyped-def]  # a buffer: Python 3.12 names it
        try:
            written = super().write(data)
        except OSError as error:
            if error.errno not in NO_ROOM:
                raise
            written = 0
        self.short = written is None or written < len(data)
        return len(data)


def use_log_stream() -> None:
    """Make standard error a `LogStream`, unless it has been replaced already."""
    stream = sys.__stderr__
    if stream is not None and sys.stderr is stream:
        stream.flush()
        sys.stderr = io.TextIOWrapper(
            LogStream(2, "wb", closefd=False),
            stream.encoding,
            "backslashreplace",
            write_through=True,
        )


def last_words(text: str) -> None:
    """Write to standard error why the program ends.

    A log without room for that is emptied first: the reason matters more than the rest.
    """
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
    stream = getattr(sys.stderr, "buffer", None)
    if not isinstance(stream, LogStream) or not stream.short:
        return
    if stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
        os.ftruncate(stream.fileno(), 0)
        os.lseek(stream.fileno(), 0, os.SEEK_SET)
        sys.stderr.write(
            f"(the disk was full; what this log held made room for the following)\n{text}\n"
        )
